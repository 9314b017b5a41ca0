package audience

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Guardians are those of a second file, held in memory until the people whose guardians they are come by. They are for one
// [Open] and one goroutine. They print as their number, whatever the verb.
type Guardians struct {
	has     [joinKinds]bool
	by      [joinKinds]map[joinKey]int32 // the first entry of a person, by what the file tells the person by
	entries []guardianEntry
	issues  []Reject
	more    int
}

type guardianEntry struct {
	guardian Guardian
	line     int64
	next     [joinKinds]int32 // of the same person; -1 at the end
	used     bool
}

// joinKind is by what a row of one file is known to be about a person of the other; the first that both have is taken.
type joinKind int

const (
	joinNumber joinKind = iota
	joinAccount
	joinResident
	joinNameAndBirth
	joinKinds
)

type joinKey [16]byte

// maxGuardianRows bounds what is held: some 150 bytes each.
const maxGuardianRows = 500_000

// maxGuardianIssues is how many faults of the guardians' file are told one by one.
const maxGuardianIssues = 1000

// OpenGuardians reads a file of guardians as a whole. Each row names a guardian and whose they are: by person_id, external_id
// or resident_id; or by the child's name and birth date, and then the guardian's columns must be called so (guardian_name and
// so on). In a file without such columns name, email and phone are the guardian's own. Errors are as with [Open].
func OpenGuardians(r io.Reader, o Options) (*Guardians, error) {
	o.Guardians = nil
	f, err := Open(r, o)
	if err != nil {
		return nil, fmt.Errorf("the file of guardians: %w", err)
	}
	defer f.Close()
	g := &Guardians{}
	own := true
	for no := fGuardian; no < fieldCount; no++ {
		own = own && !f.header.column(no)
	}
	g.has = joinsOf(f.header)
	g.has[joinNameAndBirth] = g.has[joinNameAndBirth] && !own
	if g.has == ([joinKinds]bool{}) {
		return nil, fmt.Errorf("the file of guardians does not say whose they are: add a column %s, %s or %s, or the child's name and birth date beside %s",
			nameOf(fPersonID), nameOf(fExternalID), nameOf(fResidentID), nameOf(fGuardian))
	}
	for k := range g.by {
		g.by[k] = make(map[joinKey]int32)
	}
	for {
		row, err := f.Next()
		switch {
		case errors.Is(err, io.EOF):
			return g, nil
		case err != nil:
			return nil, fmt.Errorf("the file of guardians: %w", err)
		}
		if err := g.take(f, row, own); err != nil {
			return nil, err
		}
	}
}

func joinsOf(h *header) [joinKinds]bool {
	return [joinKinds]bool{h.column(fPersonID), h.column(fExternalID), h.column(fResidentID), h.column(fName) && h.column(fBirthDate)}
}

// toldOfGuardians are the warnings that matter in a file of guardians; that a guardian's age is not known does not.
var toldOfGuardians = []Reason{BadEmail, BadPhone, MaskedValue, SeveralContacts, PhoneCountry, Scientific, BadResidentID, BadBirthDate, Rounded, CellError}

func (g *Guardians) take(f *File, row Row, own bool) error {
	if row.Reject != nil {
		g.blame(*row.Reject)
		return nil
	}
	for _, w := range row.Warnings {
		if slices.Contains(toldOfGuardians, w.Reason) {
			g.blame(Reject{Line: row.Line, Column: w.Column, Reason: w.Reason, Text: w.Text})
		}
	}
	p := row.Person
	list := p.Guardians
	if own {
		list = []Guardian{{p.Name, p.Email, p.Phone}}
	}
	taken := false
	for _, guardian := range list {
		if !guardian.Reachable() || !g.known(p) {
			continue
		}
		if len(g.entries) == maxGuardianRows {
			return fmt.Errorf("the file of guardians has more than %d: split both files, or write the guardians into columns of the file of people", maxGuardianRows)
		}
		g.add(p, guardian, row.Line)
		taken = true
	}
	if !taken {
		g.blame(*f.build.reject(row.Line, -1, GuardianLess))
	}
	return nil
}

func (g *Guardians) known(p *Person) bool {
	for k := range joinKinds {
		if _, ok := p.joinKey(k); ok && g.has[k] {
			return true
		}
	}
	return false
}

func (g *Guardians) add(p *Person, guardian Guardian, line int64) {
	no := int32(len(g.entries))
	e := guardianEntry{guardian: guardian.copied(), line: line}
	for k := range joinKinds {
		e.next[k] = -1
		key, ok := p.joinKey(k)
		if !ok || !g.has[k] {
			continue
		}
		if first, several := g.by[k][key]; several {
			e.next[k] = first
		}
		g.by[k][key] = no
	}
	g.entries = append(g.entries, e)
}

// copied lets go of the line that the texts are parts of.
func (g Guardian) copied() Guardian {
	return Guardian{strings.Clone(g.Name), strings.Clone(g.Email), strings.Clone(g.Phone)}
}

func (g *Guardians) blame(r Reject) {
	if len(g.issues) == maxGuardianIssues {
		g.more++
		return
	}
	g.issues = append(g.issues, r)
}

// Issues lists what is wrong with rows of the guardians' file: the first thousand, and how many more there are.
func (g *Guardians) Issues() (issues []Reject, more int) { return g.issues, g.more }

// Len is how many guardians there are, each counted for every child.
func (g *Guardians) Len() int { return len(g.entries) }

// String tells how many there are.
func (g *Guardians) String() string { return strconv.Itoa(len(g.entries)) + " guardians" }

// GoString tells how many there are.
func (g *Guardians) GoString() string { return g.String() }

// joinKey is what a person is known by; false where the row does not say.
func (p *Person) joinKey(k joinKind) (joinKey, bool) {
	var space [128]byte
	b := space[:0]
	switch k {
	case joinNumber:
		b = append(b, p.number...)
	case joinAccount:
		b = append(b, p.ExternalID...)
	case joinResident:
		b = append(b, p.resident...)
	case joinNameAndBirth:
		if p.Name == "" || p.birth == (date{}) {
			return joinKey{}, false
		}
		b = strconv.AppendInt(b, int64(p.birth.number()), 10)
		b = append(b, sameName(p.Name)...)
	case joinKinds:
		return joinKey{}, false
	}
	sum := sha256.Sum256(b)
	return joinKey(sum[:16]), len(b) > 0
}

// join adds guardians of a second file to the people whose they are. Nil adds none.
type join struct {
	g    *Guardians
	kind joinKind
}

// joinTo finds by what the two files can be joined.
func (g *Guardians) joinTo(h *header) (*join, error) {
	if g == nil {
		return nil, nil
	}
	has := joinsOf(h)
	for k := range joinKinds {
		if g.has[k] && has[k] {
			return &join{g, k}, nil
		}
	}
	return nil, fmt.Errorf("the two files cannot be joined: both need a column %s, %s or %s, or the child's name and birth date", nameOf(fPersonID), nameOf(fExternalID), nameOf(fResidentID))
}

func (j *join) guardiansOf(p *Person) {
	if j == nil {
		return
	}
	key, ok := p.joinKey(j.kind)
	if !ok {
		return
	}
	no, ok := j.g.by[j.kind][key]
	for ok && no >= 0 {
		e := &j.g.entries[no]
		e.used = true
		p.addGuardian(e.guardian)
		no = e.next[j.kind]
	}
}

func (j *join) unmatched(limit int) (alone []Reject, n int) {
	if j == nil {
		return nil, 0
	}
	for i := range j.g.entries {
		if j.g.entries[i].used {
			continue
		}
		if n++; len(alone) < limit {
			alone = append(alone, Reject{Line: j.g.entries[i].line, Reason: GuardianAlone, Text: TextOf(GuardianAlone, "")})
		}
	}
	return alone, n
}
