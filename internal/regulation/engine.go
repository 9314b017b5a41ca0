package regulation

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

//go:embed packs/*.yaml
var embedded embed.FS

// casesSuffix ends the names of the files that prove a pack; they are no law.
const casesSuffix = "_cases.yaml"

// maxPackFile limits a pack. The largest of ours has some 60,000 bytes.
const maxPackFile = 4 << 20

// Engine holds compiled packs. It never changes after [Load] and is safe for concurrent use.
type Engine struct {
	policy      *policy
	packs       []*pack
	rules       []*rule // every pack's, each after those that it follows
	calendars   map[string]calendar
	calendarRef []breach.PackRef
	regions     []string // every region that a condition counts people in
}

// pack is one compiled file of law.
type pack struct {
	ref         breach.PackRef
	file        string
	title       breach.Text
	zone        *time.Location
	applies     []*clause
	instruments []*instrument
	authorities []Authority
	sources     []Source
	scales      []*scale
	rules       []*rule
}

type instrument struct {
	key    string
	name   breach.Text
	native string
	issuer string
	number string
	span   span
	source string
}

type article struct {
	in   breach.Text
	own  string // in the instrument's own manner
	span span
}

// span is a time of validity by calendar date, both ends included; a zero end is open.
type span struct{ from, until date }

func (s span) holds(d date) bool {
	return (s.from == date{} || !d.before(s.from)) && (s.until == date{} || !s.until.before(d))
}

// overlaps reports whether some day lies in both.
func (s span) overlaps(t span) bool {
	startsAfter := func(a, b span) bool { return b.until != date{} && a.from != date{} && b.until.before(a.from) }
	return !startsAfter(s, t) && !startsAfter(t, s)
}

// rule is one compiled duty.
type rule struct {
	pack       *pack
	id         breach.RuleID
	row        string
	title      breach.Text
	instrument *instrument
	articles   []article
	span       span
	to         []addressee
	stage      breach.Stage
	follows    []*rule
	when       []*clause
	unless     []*clause
	clocks     []breach.FactName
	deadline   *deadline
	urgency    *urgency
	delay      *delay
	content    []breach.Text
	channels   []string
	coveredBy  []*rule
	supersedes []*rule
	source     string
	verify     *breach.Text
	file       string
	line       int
}

// addressee is who is told: an authority, or people, the public, ourselves. same stands for the addressees of the filings
// that this one follows.
type addressee struct {
	authority *Authority
	duty      breach.Duty
	name      breach.Text
	loc       *time.Location // where its days end
	same      bool
}

type delay struct {
	fact breach.FactName
	text breach.Text
}

// Authority is someone to whom a filing can be addressed. The configuration must know an address for each that may occur.
type Authority struct {
	Key  string      `json:"key"` // "cn-cac-provincial"
	Name breach.Text `json:"name"`
	Zone string      `json:"zone"` // IANA
	loc  *time.Location
}

// Source is where rules were read.
type Source struct {
	Key   string `json:"key"` // "F10"
	Title string `json:"title"`
}

// Load compiles the embedded packs and those of extra folders. All faults come back at once, each a [*Fault] with file, line
// and the mend.
func Load(dirs ...string) (*Engine, error) {
	files, err := embeddedFiles()
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		more, err := folderFiles(dir)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return compile(files)
}

// file is one pack, unread.
type file struct {
	name string
	data []byte
}

func embeddedFiles() ([]file, error) {
	entries, err := fs.ReadDir(embedded, "packs")
	if err != nil {
		return nil, fmt.Errorf("list the embedded packs: %w", err)
	}
	var files []file
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), casesSuffix) {
			continue
		}
		data, err := embedded.ReadFile(path.Join("packs", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the embedded pack: %w", err)
		}
		files = append(files, file{e.Name(), data})
	}
	return files, nil
}

// folderFiles reads an operator's own packs: every *.yaml of the folder itself but cases.
func folderFiles(dir string) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &Fault{File: dir, Text: "the folder of packs cannot be read", Mend: "name a folder that holds *.yaml packs"}
	}
	var files []file
	var faults []error
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if e.IsDir() || filepath.Ext(name) != ".yaml" || strings.HasSuffix(name, casesSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Size() > maxPackFile {
			faults = append(faults, &Fault{File: name, Text: "the pack is larger than 4 MiB", Mend: "split it, one law a pack"})
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			faults = append(faults, &Fault{File: name, Text: "the pack cannot be read", Mend: "check its permissions"})
			continue
		}
		files = append(files, file{name, data})
	}
	if len(files) == 0 && len(faults) == 0 {
		return nil, &Fault{File: dir, Text: "the folder holds no packs", Mend: "put *.yaml packs in it"}
	}
	return files, errors.Join(faults...)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Packs names every loaded pack with its version and hash, by name.
func (e *Engine) Packs() []breach.PackRef {
	var refs []breach.PackRef
	for _, p := range e.packs {
		refs = append(refs, p.ref)
	}
	return refs
}

// Authorities lists everyone to whom a filing can be addressed, by key. The configuration needs an address for each that
// may occur.
func (e *Engine) Authorities() []Authority {
	var all []Authority
	for _, p := range e.packs {
		all = append(all, p.authorities...)
	}
	slices.SortFunc(all, func(a, b Authority) int { return strings.Compare(a.Key, b.Key) })
	return all
}
