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
	Guardians  []Guardian // in the file's order; at most two

	birth date // for the identity only
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
// makes imports repeatable. It is the external id where there is one, else everything that tells people apart: name, birth
// date, contacts, address, guardians. It is personal data.
//
// Two people of one name of whom the file knows nothing else have equal keys. They cannot be told from one person twice; the
// importer counts the second as a declared duplicate.
func (p *Person) IdentityKey() string {
	if p.ExternalID != "" {
		return keyOf("id", p.ExternalID)
	}
	parts := []string{"person", sameName(p.Name), strconv.Itoa(p.birth.number()), strings.ToLower(p.Email), p.Phone, p.PushToken, p.Address}
	for _, g := range p.Guardians {
		parts = append(parts, sameName(g.Name), strings.ToLower(g.Email), g.Phone)
	}
	return keyOf(parts...)
}

// keyOf writes each part after its length, so that no two lists of parts give the same key.
func keyOf(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
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
