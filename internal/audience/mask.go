package audience

import (
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// Masked is a person as a preview shows them: enough to see that columns were taken for what they are, too little to know who
// it is.
type Masked struct {
	Line       int64           `json:"line"`
	ExternalID string          `json:"external_id,omitempty"`
	Name       string          `json:"name,omitempty"`
	Email      string          `json:"email,omitempty"`
	Phone      string          `json:"phone,omitempty"`
	Push       bool            `json:"push,omitempty"`
	Address    bool            `json:"postal_address,omitempty"`
	Age        AgeClass        `json:"age"`
	Language   breach.Language `json:"language,omitempty"`
	Region     string          `json:"region,omitempty"`
	Categories []string        `json:"categories,omitempty"`
	Guardians  []Masked        `json:"guardians,omitempty"`
}

// Masked is the person with a character or two of each value.
func (p *Person) Masked() Masked {
	m := Masked{
		Line: p.Line, ExternalID: masked(p.ExternalID, 2), Name: masked(p.Name, 1), Email: maskedEmail(p.Email), Phone: maskedPhone(p.Phone),
		Push: p.PushToken != "", Address: p.Address != "", Age: p.Age, Language: p.Language, Region: p.Region, Categories: p.Categories,
	}
	for _, g := range p.Guardians {
		m.Guardians = append(m.Guardians, Masked{Name: masked(g.Name, 1), Email: maskedEmail(g.Email), Phone: maskedPhone(g.Phone)})
	}
	return m
}

// masked keeps the first characters of a longer text, and says nothing of how long it is.
func masked(s string, keep int) string {
	if s == "" {
		return ""
	}
	if utf8.RuneCountInString(s) <= keep {
		keep = 0
	}
	r := []rune(s)
	return string(r[:keep]) + "***"
}

// maskedEmail keeps one character and the top-level domain: a domain of one's own is a name.
func maskedEmail(s string) string {
	if s == "" {
		return ""
	}
	return masked(s[:strings.LastIndexByte(s, '@')], 1) + "@***" + s[strings.LastIndexByte(s, '.'):]
}

// maskedPhone keeps the country and the last two digits.
func maskedPhone(s string) string {
	if len(s) < 8 {
		return masked(s, 0)
	}
	return s[:3] + "***" + s[len(s)-2:]
}
