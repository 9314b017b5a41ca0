package audience

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"tocsin/internal/breach"
)

// AgeClass is what the law asks of an age. It is stored; values are only added.
type AgeClass string

// The classes.
const (
	Adult       AgeClass = "adult"
	Minor14To17 AgeClass = "minor_14_17"
	Under14     AgeClass = "under_14"
	Minor       AgeClass = "minor" // under 18; whether under 14 nobody said
	AgeUnknown  AgeClass = "unknown"
)

// IsMinor reports whether somebody of this class is known to be under 18. It is false for an unknown age, which does not
// mean adult.
func (a AgeClass) IsMinor() bool { return a == Minor14To17 || a == Under14 || a == Minor }

// Person is an affected person as a file tells of them, normalised. It prints as its line, whatever the verb: all else is
// personal data.
type Person struct {
	Line       int64  // where the file tells of them
	ExternalID string // the operator's own id of the account; empty where the file has none
	Name       string // NFC, without invisible characters
	Email      string // domain in lower-case ASCII
	Phone      string // E.164
	PushToken  string
	Address    string          // postal, on one line
	Language   breach.Language // empty where the file does not say, or names one we do not write in
	Age        AgeClass
	Region     string     // ISO 3166: "CN", "US-CA"; where they live, as a hint which law protects them; empty where the file does not say
	Categories []string   // what was exposed of them, words of the fact data.categories, sorted; shared between people, not to be changed; empty where the file does not say
	Guardians  []Guardian // in the file's order

	birth            date   // for the identity only, as what follows
	number, resident string // the operator's number of the person; their identity number, where it passed its check
	key              Key
	identity         string // made as the person was read
	own              int    // guardians that the person's own row named; those of a second file do not make another person
}

// Guardian is who is told for a minor. At least one of the fields is set.
type Guardian struct {
	Name  string
	Email string
	Phone string
}

// Reachable reports whether any contact of the person's own is usable.
func (p *Person) Reachable() bool {
	return p.Email != "" || p.Phone != "" || p.PushToken != "" || p.Address != ""
}

// Reachable reports whether any contact of the guardian is usable.
func (g Guardian) Reachable() bool { return g.Email != "" || g.Phone != "" }

// IdentityKey is equal for rows that tell of the same person, in one file or in two, and is the input of a blind index that
// makes imports repeatable. It is the operator's number of the person where there is one, else the account, else everything
// that tells people apart: name, birth date, contacts, address, guardians. With [KeyResidentID] the identity number goes
// before all of these. It is personal data.
//
// Two people of one name of whom the file knows nothing else have equal keys. They cannot be told from one person twice; the
// importer counts the second as a declared duplicate.
func (p *Person) IdentityKey() string {
	if p.identity != "" {
		return p.identity
	}
	var space [256]byte
	return string(p.appendIdentity(space[:0]))
}

func (p *Person) appendIdentity(b []byte) []byte {
	switch {
	case p.key == KeyResidentID && p.resident != "":
		return appendKey(appendKey(b, "resident"), p.resident)
	case p.number != "":
		return appendKey(appendKey(b, "number"), p.number)
	case p.ExternalID != "":
		return appendKey(appendKey(b, "id"), p.ExternalID)
	}
	b = appendKey(appendKey(b, "person"), sameName(p.Name))
	var birth [12]byte
	b = appendKey(b, string(strconv.AppendInt(birth[:0], int64(p.birth.number()), 10)))
	b = appendKey(b, strings.ToLower(p.Email))
	for _, s := range [...]string{p.Phone, p.PushToken, p.Address} {
		b = appendKey(b, s)
	}
	for _, g := range p.Guardians[:p.own] {
		b = appendKey(appendKey(appendKey(b, sameName(g.Name)), strings.ToLower(g.Email)), g.Phone)
	}
	return b
}

// appendKey writes a part after its length, so that no two lists of parts give the same key.
func appendKey(b []byte, part string) []byte {
	b = strconv.AppendInt(b, int64(len(part)), 10)
	b = append(b, ':')
	return append(b, part...)
}

func sameName(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }

// Format prints the line for every verb.
func (p Person) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "person of line "+strconv.FormatInt(p.Line, 10))
}

// LogValue logs the line.
func (p Person) LogValue() slog.Value { return slog.Int64Value(p.Line) }

// Format prints that it is a guardian, for every verb.
func (g Guardian) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "guardian") }

// LogValue logs that it is a guardian.
func (g Guardian) LogValue() slog.Value { return slog.StringValue("guardian") }
