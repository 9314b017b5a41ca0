package store

import (
	"encoding/binary"
	"errors"

	"tocsin/internal/breach"
)

// AffectedPerson is one row of a file of people, cleaned. What could name somebody is sealed on its way in.
type AffectedPerson struct {
	Identity   string // equal for the same person in another file
	Name       string
	Contacts   Contacts
	Age        string // audience.AgeClass: "adult", "minor_14_17", "minor", "under_14", "unknown"
	Minor      bool   // a guardian must be told
	Language   breach.Language
	Region     string   // where they live, ISO 3166-1 or -2; empty where the file does not say
	Categories []string // of their data that was exposed, sorted; empty: as the incident's facts say
	Guardians  []Guardian
}

// Contacts are where somebody can be reached, normalised; empty where unknown.
type Contacts struct {
	Email, Phone, Push string
	Address            string // postal
}

// Guardian is who is told for a minor.
type Guardian struct {
	Name     string
	Contacts Contacts
}

// secret is what recipient.sealed holds.
type secret struct {
	Name   string // whom to address
	Person string // whose data it was: the same name for an adult, the minor's for a guardian
	Contacts
}

func (s *secret) fields() []*string {
	return []*string{&s.Name, &s.Person, &s.Email, &s.Phone, &s.Push, &s.Address}
}

// The versions of a sealed secret. The first one writes every field after its length. The second writes which fields it has, one
// bit each, and those fields only; for an adult, whose name stands twice, one more bit.
const (
	secretPlain   = 1
	secretCompact = 2

	secretOwnName = 1 << 6 // Person is Name
	secretUnknown = 1 << 7
)

// append writes the secret after dst.
func (s *secret) append(dst []byte) []byte {
	at := len(dst) + 1
	dst = append(dst, secretCompact, 0)
	for i, f := range [...]string{s.Name, s.Person, s.Email, s.Phone, s.Push, s.Address} {
		switch {
		case f == "":
			continue
		case i == 1 && f == s.Name:
			dst[at] |= secretOwnName
			continue
		}
		dst[at] |= 1 << i
		dst = append(binary.AppendUvarint(dst, uint64(len(f))), f...)
	}
	return dst
}

var errSecret = errors.New("a recipient cannot be read: it was sealed by another version")

func readSecret(b []byte) (s secret, err error) {
	has := byte(1<<6 - 1)
	switch {
	case len(b) >= 2 && b[0] == secretCompact && b[1]&secretUnknown == 0:
		has, b = b[1], b[2:]
	case len(b) >= 1 && b[0] == secretPlain:
		b = b[1:]
	default:
		return s, errSecret
	}
	for i, f := range s.fields() {
		if has&(1<<i) == 0 {
			continue
		}
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return s, errSecret
		}
		*f = string(b[size : size+int(n)])
		b = b[size+int(n):]
	}
	if has&secretOwnName != 0 {
		s.Person = s.Name
	}
	return s, nil
}

// to is the contact of a channel.
func (c Contacts) to(channel breach.Channel) string {
	switch channel {
	case breach.Email:
		return c.Email
	case breach.SMS:
		return c.Phone
	case breach.Push:
		return c.Push
	default:
	}
	return ""
}

// The flags of a recipient.
const (
	flagHead    = 1 // it stands for its person
	flagSeveral = 2 // its person has several
)

// recipientRow is one recipient on its way into the table.
type recipientRow struct {
	id       int64
	identity string
	cohort   int32
	flags    int16
	secret   secret
}

// recipientsOf lists who must be told for a person: the person alone for an adult; for a minor the minor, where they have a
// contact of their own, and each guardian. A minor without a known guardian still has one who must be told: a row that no
// channel reaches.
func recipientsOf(dst []recipientRow, roles []breach.Audience, p *AffectedPerson) ([]recipientRow, []breach.Audience) {
	first := len(dst)
	add := func(role breach.Audience, s secret) {
		dst, roles = append(dst, recipientRow{identity: p.Identity, secret: s}), append(roles, role)
	}
	switch {
	case !p.Minor:
		add(breach.ToPerson, secret{p.Name, p.Name, p.Contacts})
	default:
		if p.Contacts != (Contacts{}) {
			add(breach.ToMinor, secret{p.Name, p.Name, p.Contacts})
		}
		for _, g := range p.Guardians {
			add(breach.ToGuardian, secret{g.Name, p.Name, g.Contacts})
		}
		if len(p.Guardians) == 0 {
			add(breach.ToGuardian, secret{Person: p.Name})
		}
	}
	dst[first].flags = flagHead
	if len(dst)-first > 1 {
		for i := first; i < len(dst); i++ {
			dst[i].flags |= flagSeveral
		}
	}
	return dst, roles
}
