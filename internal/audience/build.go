package audience

import (
	"strings"
	"time"

	"golang.org/x/text/language"

	"tocsin/internal/breach"
)

// builder makes people of records. Its methods append what is wrong to the row's warnings.
type builder struct {
	header header
	region string
	at     time.Time
	lists  map[string]exposed // cells of the column of categories that were read already
}

// exposed is a list of categories; all says that each of its words was known.
type exposed struct {
	known []string
	all   bool
}

const maxLists = 1024

const (
	maxNameRunes  = 200
	maxPlaceRunes = 500
	maxIDBytes    = 200
)

func (b *builder) reject(line int64, column int, r Reason) *Reject {
	name := b.header.column(column)
	return &Reject{Line: line, Column: name, Reason: r, Text: textOf(r, name)}
}

func (b *builder) warn(row *Row, column int, r Reason) {
	name := b.header.column(column)
	row.Warnings = append(row.Warnings, Warning{Column: name, Reason: r, Text: textOf(r, name)})
}

// person fills the row with a person, or with a reject and no warnings.
func (b *builder) person(rec record, row *Row) {
	c := cells{b: b, rec: rec, row: row}
	p := &Person{
		Line:       rec.line,
		ExternalID: c.prose(ExternalID, maxIDBytes),
		Name:       c.prose(Name, maxNameRunes),
		Address:    c.prose(Address, maxPlaceRunes),
		Email:      c.email(Email),
		Phone:      c.phone(Phone),
		PushToken:  c.checked(PushToken, BadPushToken, normalToken),
		Language:   c.language(),
		Region:     c.region(),
		Categories: c.categories(),
	}
	p.addGuardian(Guardian{c.prose(GuardianName, maxNameRunes), c.email(GuardianEmail), c.phone(GuardianPhone)})
	p.addGuardian(Guardian{c.prose(Guardian2Name, maxNameRunes), c.email(Guardian2Email), c.phone(Guardian2Phone)})
	if c.refused == nil && !p.identified() {
		c.refused = b.reject(rec.line, -1, Nobody)
	}
	if c.refused != nil {
		row.Reject, row.Warnings = c.refused, nil
		return
	}
	c.age(p)
	if !p.Reachable() && !p.guardianReachable() {
		b.warn(row, -1, NoContact)
	} else if p.Age.IsMinor() && !p.guardianReachable() {
		b.warn(row, -1, NoGuardian)
	}
	row.Person = p
}

func (p *Person) addGuardian(g Guardian) {
	if g != (Guardian{}) {
		p.Guardians = append(p.Guardians, g)
	}
}

func (p *Person) identified() bool {
	return p.ExternalID != "" || p.Name != "" || p.Reachable() || len(p.Guardians) > 0
}

func (p *Person) guardianReachable() bool {
	for _, g := range p.Guardians {
		if g.Reachable() {
			return true
		}
	}
	return false
}

// cells reads one record. The first refusal stays.
type cells struct {
	b       *builder
	rec     record
	row     *Row
	refused *Reject
}

func (c *cells) raw(f Field) (string, int) {
	i, ok := c.b.header.at[f]
	if !ok {
		return "", -1
	}
	return c.rec.cells[i], i
}

func (c *cells) refuse(column int, r Reason) {
	if c.refused == nil {
		c.refused = c.b.reject(c.rec.line, column, r)
	}
}

func (c *cells) prose(f Field, limit int) string {
	cell, i := c.raw(f)
	if cell == "" {
		return ""
	}
	text, cleaned, control := prose(cell)
	switch {
	case control:
		c.refuse(i, Control)
	case len(text) > limit && len([]rune(text)) > limit:
		c.refuse(i, TooLong)
	case cleaned:
		c.b.warn(c.row, i, Invisible)
	}
	return text
}

// checked takes a cell over if it passes, and warns if there is something that does not.
func (c *cells) checked(f Field, fault Reason, normal func(string) (string, bool)) string {
	cell, i := c.raw(f)
	if cell == "" {
		return ""
	}
	text := code(cell)
	if text == "" {
		return ""
	}
	text, ok := normal(text)
	if !ok {
		c.b.warn(c.row, i, fault)
		return ""
	}
	return text
}

func (c *cells) email(f Field) string { return c.checked(f, BadEmail, normalEmail) }

func (c *cells) phone(f Field) string {
	return c.checked(f, BadPhone, func(s string) (string, bool) { return normalPhone(s, c.b.region) })
}

func (c *cells) language() breach.Language {
	return breach.Language(c.checked(Language, BadLanguage, func(s string) (string, bool) {
		l := languageOf(s)
		return string(l), l != ""
	}))
}

func (c *cells) region() string {
	return c.checked(Region, BadRegion, func(s string) (string, bool) {
		r := regionOf(s)
		return r, r != ""
	})
}

// categories keeps what is known of a list of which a word is not. A column has few different lists, so each is read once.
func (c *cells) categories() []string {
	cell, i := c.raw(Categories)
	if cell == "" {
		return nil
	}
	list, seen := c.b.lists[cell]
	if !seen {
		list.known, list.all = categoriesOf(code(cell))
		if c.b.lists == nil || len(c.b.lists) >= maxLists {
			c.b.lists = make(map[string]exposed)
		}
		c.b.lists[strings.Clone(cell)] = list
	}
	if !list.all {
		c.b.warn(c.row, i, BadCategory)
	}
	return list.known
}

// age settles the age class from whatever columns speak of it. Where they disagree the lower one counts; where none speaks
// the age is unknown, which is a warning only in a file that has such columns.
func (c *cells) age(p *Person) {
	today := dayOf(c.b.at)
	var said []AgeClass
	for _, col := range []struct {
		field Field
		fault Reason
		read  func(string, date) (date, bool)
	}{{BirthDate, BadBirthDate, parseBirth}, {ResidentID, BadResidentID, residentBirth}} {
		c.checked(col.field, col.fault, func(s string) (string, bool) {
			birth, ok := col.read(s, today)
			if ok {
				said = append(said, classOf(birth, today))
				p.birth = birth
			}
			return "", ok
		})
	}
	c.checked(IsMinor, BadIsMinor, func(s string) (string, bool) {
		yes, ok := yesNo(s)
		if ok {
			said = append(said, map[bool]AgeClass{true: Minor, false: Adult}[yes])
		}
		return "", ok
	})
	age, differ := lowest(said)
	p.Age = age
	switch {
	case differ:
		c.b.warn(c.row, -1, AgesDiffer)
	case age == Minor:
		c.b.warn(c.row, -1, NoExactAge)
	case age == AgeUnknown && (c.b.header.has(BirthDate) || c.b.header.has(IsMinor) || c.b.header.has(ResidentID)):
		c.b.warn(c.row, -1, NoAge)
	}
}

// lowest returns the class that protects best. "A minor" agrees with both classes of minors.
func lowest(said []AgeClass) (age AgeClass, differ bool) {
	rank := map[AgeClass]int{AgeUnknown: 0, Adult: 1, Minor: 2, Minor14To17: 3, Under14: 4}
	age = AgeUnknown
	for _, a := range said {
		agree := age == AgeUnknown || age == a || age.IsMinor() && a == Minor || age == Minor && a.IsMinor()
		differ = differ || !agree
		if rank[a] > rank[age] {
			age = a
		}
	}
	return age, differ
}

// languageOf maps what files write to a language that we write in; empty for all others.
func languageOf(s string) breach.Language {
	switch s {
	case "中文", "汉语", "普通话", "简体中文", "简体", "繁体中文", "繁體中文", "国语":
		return breach.Chinese
	case "英文", "英语", "English", "english", "ENGLISH":
		return breach.English
	case "Chinese", "chinese", "CHINESE":
		return breach.Chinese
	}
	tag, err := language.Parse(s)
	if err != nil {
		return ""
	}
	switch base, confidence := tag.Base(); {
	case confidence == language.No:
		return ""
	case base.String() == "zh":
		return breach.Chinese
	case base.String() == "en":
		return breach.English
	}
	return ""
}
