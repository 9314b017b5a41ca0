package playbook

import (
	"errors"
	"slices"
	"strings"
)

// Fault is one mistake in a playbook's file.
type Fault struct {
	Path string // JSON pointer of the place, "/workflow/action--…/commands/0"; "/" is the whole file
	Says string // what is wrong, and what mends it
}

// Error names the place, then the mistake.
func (f *Fault) Error() string { return f.Path + ": " + f.Says }

type faults []*Fault

func (fs *faults) add(path, says string) { *fs = append(*fs, &Fault{Path: path, Says: says}) }

// join returns the faults sorted by place, each once, as one error.
func (fs faults) join() error {
	slices.SortStableFunc(fs, func(a, b *Fault) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Says, b.Says)
	})
	var errs []error
	for i, f := range fs {
		if i == 0 || *f != *fs[i-1] {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}

// pointer writes a JSON pointer (RFC 6901).
func pointer(tokens ...string) string {
	if len(tokens) == 0 {
		return "/"
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escape.Replace(t))
	}
	return b.String()
}
