package api

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// OutcomeIn asks how telling one person went: POST …/people/outcome, so that no contact ever stands in an address. One of
// email, phone and id is given.
type OutcomeIn struct {
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
	ID    string `json:"id,omitempty"` // the operator's own id of the account, as the file had it
	Why   string `json:"why"`
}

// OutcomeView is how telling one recipient went. Names and contacts are masked.
type OutcomeView struct {
	Recipient  int64                 `json:"recipient"`
	Audience   breach.Audience       `json:"audience"`
	Age        string                `json:"age"`
	Language   breach.Language       `json:"language"`
	Region     string                `json:"region,omitempty"`
	Categories []string              `json:"categories,omitempty"`
	Law        string                `json:"law"` // whose text they get
	Name       string                `json:"name"`
	Person     string                `json:"person,omitempty"` // whose data it was, where it is another
	Email      string                `json:"email,omitempty"`
	Phone      string                `json:"phone,omitempty"`
	State      breach.RecipientState `json:"state"`
	PersonIs   breach.RecipientState `json:"person_is"` // where the person whose data it was stands
	ToldBy     *breach.Channel       `json:"told_by,omitempty"`
	ToldAt     *time.Time            `json:"told_at,omitempty"`
	Tries      []store.OutcomeTry    `json:"tries"`
}

// OutcomeList is everybody whom one look found.
type OutcomeList struct {
	Outcomes []OutcomeView `json:"outcomes"`
}

// personOutcome journals the look before it shows anything, and again refuses nobody silently: a look that found a child and
// was not granted stands in the journal, too.
func personOutcome(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in OutcomeIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	who, by, err := s.wanted(in)
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	found, err := s.store.Outcomes(ctx, id, who)
	if err != nil {
		return err
	}
	recipients, children := make([]int64, len(found)), false
	for i, o := range found {
		recipients[i] = o.Recipient
		children = children || o.Cohort.Role != breach.ToPerson || o.Cohort.Age != string(audience.Adult)
	}
	allowed := !children || c.holder.Is(breach.RoleLead)
	if !allowed {
		if allowed, err = s.store.GrantedChildren(ctx, id, c.holder.Person); err != nil {
			return err
		}
	}
	detail := store.Detail{"by": by, "recipients": recipients, "why": in.Why, "children": children, "shown": allowed && len(found) > 0}
	if err := s.store.Note(ctx, id, c.holder.Person, "people.look", "", detail); err != nil {
		return err
	}
	if !allowed {
		return problem(http.StatusForbidden, "needs_grant", "This concerns a child, or somebody whose age nobody knows, and you have no grant to look.",
			"Ask a lead: tocsin people grant "+string(id)+" --to "+string(c.holder.Person)+" --why …")
	}
	rules, err := s.noticeRules(ctx, id)
	if err != nil {
		return err
	}
	out := OutcomeList{Outcomes: []OutcomeView{}}
	for _, o := range found {
		out.Outcomes = append(out.Outcomes, s.masked(o, rules))
	}
	return c.reply(http.StatusOK, out)
}

// wanted reads whom a look is for.
func (s *server) wanted(in OutcomeIn) (who store.Who, by string, err error) {
	given := 0
	for _, v := range []string{in.Email, in.Phone, in.ID} {
		if strings.TrimSpace(v) != "" {
			given++
		}
	}
	if given != 1 {
		return who, "", unprocessable("whom", "Give one of email, phone and id.", "")
	}
	ok := true
	switch {
	case in.Email != "":
		by = "email"
		who.Email, ok = audience.NormalEmail(in.Email)
	case in.Phone != "":
		by = "phone"
		who.Phone, ok = audience.NormalPhone(in.Phone, s.Region)
	default:
		by = "id"
		who.Identity = (&audience.Person{ExternalID: strings.TrimSpace(in.ID)}).IdentityKey()
	}
	if !ok {
		form := map[string]string{
			"email": "This is not a usable email address.", "phone": "This is not a usable phone number.", "id": "This is not a usable id.",
		}[by]
		next := "Write it as the file had it."
		if by == "phone" {
			next = "Write it as the file had it; a number without country code is read as one of " + s.Region + "."
		}
		return who, by, unprocessable(by, form, next)
	}
	return who, by, nil
}

func (s *server) masked(o store.Outcome, rules []string) OutcomeView {
	v := OutcomeView{
		Recipient: o.Recipient, Audience: o.Cohort.Role, Age: o.Cohort.Age, Language: o.Cohort.Language, Region: o.Cohort.Region, Categories: o.Cohort.Categories,
		Law: s.lawsOf(o.Cohort.Region, rules)[0], Name: maskName(o.Name), Email: maskEmail(o.Contacts.Email), Phone: maskPhone(o.Contacts.Phone),
		State: o.State, PersonIs: o.PersonIs, ToldBy: o.ToldBy, ToldAt: o.ToldAt, Tries: orEmpty(o.Tries),
	}
	if o.Person != o.Name {
		v.Person = maskName(o.Person)
	}
	return v
}

// maskName keeps the first character.
func maskName(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	if n == len(s) {
		return "*"
	}
	return string(r) + "**"
}

// maskEmail keeps the first character of either part and the top-level domain.
func maskEmail(s string) string {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" {
		return ""
	}
	dot := strings.LastIndexByte(domain, '.')
	if dot < 1 {
		return local[:1] + "***@***"
	}
	return maskFirst(local) + "@" + maskFirst(domain) + domain[dot:]
}

func maskFirst(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + "***"
}

// maskPhone keeps the last two digits.
func maskPhone(s string) string {
	if len(s) < 6 {
		return strings.Repeat("*", len(s))
	}
	return s[:3] + strings.Repeat("*", len(s)-5) + s[len(s)-2:]
}

// GrantIn lets a person look at children's outcomes: POST …/people/grants.
type GrantIn struct {
	To    breach.Person `json:"to"`
	Hours int           `json:"hours,omitempty"` // 24 where not given; at most 168
	Why   string        `json:"why"`
}

// Granted says until when a grant holds.
type Granted struct {
	To      breach.Person `json:"to"`
	UntilAt time.Time     `json:"until_at"`
}

func grantChildren(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in GrantIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	if in.Hours == 0 {
		in.Hours = 24
	}
	if in.To == "" || in.Hours < 1 || in.Hours > 168 {
		return unprocessable("grant", "Say to whom, and for 1 to 168 hours.", "")
	}
	if in.To == c.holder.Person {
		return problem(http.StatusConflict, "same_person", "Nobody grants a look to themselves.", "Another lead grants it.")
	}
	out := Granted{To: in.To, UntilAt: s.Now().Add(time.Duration(in.Hours) * time.Hour).UTC().Truncate(time.Second)}
	if err := s.store.GrantChildren(c.r.Context(), id, in.To, c.holder.Person, out.UntilAt, in.Why); err != nil {
		return err
	}
	return c.reply(http.StatusOK, out)
}
