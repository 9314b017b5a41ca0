package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Room is one row of the table: a folder with all below it, and what of ours its packages may import. The row with the
// longest matching folder counts. Tests wire together what they test, so _test.go files are free.
type Room struct {
	Folder string   // "internal/store"
	May    []string // folders with all below them; a room may always import within itself
}

// Allowance lets one package import another beyond its row.
type Allowance struct {
	From, To string // packages' folders
	Why      string
}

// Owner keeps a module of others inside one room.
type Owner struct {
	Module string // import path with all below it
	Rooms  []string
	Why    string
}

// Table is who may import whom.
type Table struct {
	Module     string // our module's name
	Rooms      []Room
	Allowances []Allowance
	Owners     []Owner
}

// Check parses every Go file below root and returns one sentence for each import that breaks the table, for each package
// that no row covers, and for each allowance that nothing needs any more.
func (t Table) Check(root fs.FS) ([]string, error) {
	var faults []string
	used := map[Allowance]bool{}
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && skipped(entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		imports, err := importsOf(root, file)
		if err != nil {
			return err
		}
		for _, imported := range imports {
			if fault := t.judge(path.Dir(file), imported, used); fault != "" {
				faults = append(faults, file+": "+fault)
			}
		}
		return nil
	})
	for _, a := range t.Allowances {
		if !used[a] {
			faults = append(faults, fmt.Sprintf("the allowance for %s to import %s is not needed any more", a.From, a.To))
		}
	}
	return faults, err
}

// skipped are folders that the go command ignores too.
func skipped(name string) bool {
	return name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func importsOf(root fs.FS, file string) ([]string, error) {
	source, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		imports = append(imports, imported)
	}
	return imports, nil
}

// judge returns what is wrong with one import, or nothing.
func (t Table) judge(from, imported string, used map[Allowance]bool) string {
	to, ours := strings.CutPrefix(imported, t.Module+"/")
	if !ours {
		return t.judgeOwner(from, imported)
	}
	room, ok := t.room(from)
	if !ok {
		return "no row of the table covers " + from
	}
	if within(to, room.Folder) || slices.ContainsFunc(room.May, func(folder string) bool { return within(to, folder) }) {
		return ""
	}
	for _, a := range t.Allowances {
		if a.From == from && a.To == to {
			used[a] = true
			return ""
		}
	}
	return fmt.Sprintf("%s must not import %s; it may import %s", room.Folder, to, orNothing(room.May))
}

func (t Table) judgeOwner(from, imported string) string {
	for _, o := range t.Owners {
		if !within(imported, o.Module) {
			continue
		}
		if slices.ContainsFunc(o.Rooms, func(room string) bool { return within(from, room) }) {
			return ""
		}
		return fmt.Sprintf("%s is for %s alone: %s", o.Module, strings.Join(o.Rooms, ", "), o.Why)
	}
	return ""
}

func (t Table) room(folder string) (Room, bool) {
	best, found := Room{}, false
	for _, r := range t.Rooms {
		if within(folder, r.Folder) && (!found || len(r.Folder) > len(best.Folder)) {
			best, found = r, true
		}
	}
	return best, found
}

// within reports whether folder is dir or lies below it.
func within(folder, dir string) bool {
	return dir == "." || folder == dir || strings.HasPrefix(folder, dir+"/")
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing of ours"
	}
	return strings.Join(list, ", ")
}
