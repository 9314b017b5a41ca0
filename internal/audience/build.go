package audience

import (
	"strings"

	"golang.org/x/text/language"

	"tocsin/internal/breach"
)

// builder makes people of records. What a column says over and over, a language or a list of categories, is understood once.
type builder struct {
	header *header
	region string
	calendar
	key     Key
	joined  *join // guardians of a second file; may be nil
	serials bool  // a number in a date's cell is a spreadsheet's day, without doubt

	languages meanings[breach.Language]
	regions   meanings[string]
	lists     meanings[exposed]
	texts     map[told]breach.Text
	made      arena
}

// exposed is a list of categories; all says that each of its words was known.
type exposed struct {
	known []string
	all   bool
}

type told struct {
	reason Reason
	column int
}

const (
	maxNameRunes  = 200
	maxPlaceRunes = 500
	maxIDBytes    = 200
	maxRemembered = 1024 // different cells of a column that are remembered
)

func newBuilder(h *header, o Options) builder {
	return builder{
		header: h, region: o.Region, calendar: calendarOf(o.At, o.Happened), key: o.Key,
		languages: meanings[breach.Language]{of: languageOf}, regions: meanings[string]{of: regionOf}, lists: meanings[exposed]{of: exposedIn},
		texts: make(map[told]breach.Text),
	}
}

func (b *builder) text(r Reason, column int) breach.Text {
	t, ok := b.texts[told{r, column}]
	if !ok {
		t = TextOf(r, b.header.name(column))
		b.texts[told{r, column}] = t
	}
	return t
}

func (b *builder) reject(line int64, column int, r Reason) *Reject {
	return &Reject{Line: line, Column: b.header.name(column), Reason: r, Text: b.text(r, column)}
}

func (b *builder) warn(row *Row, column int, r Reason) {
	row.Warnings = append(row.Warnings, Warning{Column: b.header.name(column), Reason: r, Text: b.text(r, column)})
}

// person fills the row with a person, or with a reject and no warnings.
func (b *builder) person(rec *record, row *Row) {
	c := cells{b: b, rec: rec, row: row}
	p := row.Person
	if p == nil {
		p = new(Person)
	}
	*p = Person{Line: rec.line, Guardians: p.Guardians[:0], key: b.key}
	p.ExternalID = c.number(fExternalID)
	p.Name = c.named(fName, maxNameRunes)
	p.Address = c.named(fAddress, maxPlaceRunes)
	p.Region = c.inRegion()
	p.Email = c.email(fEmail)
	p.Phone = c.phone(fPhone, p.Region)
	p.PushToken = c.checked(fPushToken, BadPushToken, normalToken)
	p.Language = c.language()
	p.Categories = c.categories()
	p.number = c.number(fPersonID)
	c.guardians(p)
	if c.refused == nil && !p.identified() {
		c.refused = b.reject(rec.line, -1, Nobody)
	}
	if c.refused == nil && rec.repeatsHeader(b.header) {
		c.refused = b.reject(rec.line, -1, HeaderAgain)
	}
	if c.refused != nil {
		row.Person, row.Reject, row.Warnings = nil, c.refused, nil
		return
	}
	c.age(p)
	p.own = len(p.Guardians)
	c.b.joined.guardiansOf(p)
	if !p.Reachable() && !p.guardianReachable() {
		b.warn(row, -1, NoContact)
	} else if p.Age.IsMinor() && !p.guardianReachable() {
		b.warn(row, -1, NoGuardian)
	}
	var space [256]byte
	p.identity = b.made.keep(p.appendIdentity(space[:0]))
	row.Person = p
}

// repeatsHeader recognises the header of a second file that was glued to the first, with what may stand around a name: a byte
// order mark, spaces.
func (r *record) repeatsHeader(h *header) bool {
	matches := 0
	for i, f := range h.fields {
		if f == noField {
			continue
		}
		if i >= len(r.cells) || len(r.cells[i]) > len(h.names[i])+8 || !strings.Contains(r.cells[i], h.names[i]) {
			return false
		}
		matches++
	}
	return matches > 0
}

func (c *cells) guardians(p *Person) {
	for n := range maxGuardians {
		at := &c.b.header.at
		if at[guardianField(n, 0)]|at[guardianField(n, 1)]|at[guardianField(n, 2)] == 0 {
			continue
		}
		g := Guardian{c.named(guardianField(n, 0), maxNameRunes), c.email(guardianField(n, 1)), c.phone(guardianField(n, 2), p.Region)}
		if g.Phone == "" && strings.ContainsAny(g.Name, "0123456789") {
			c.numberInName(&g, p.Region)
		}
		p.addGuardian(g)
	}
}

// numberInName takes the number out of a guardian's cell that holds both, 甲母 13800138000, or the number alone: as a name it
// would reach nobody.
func (c *cells) numberInName(g *Guardian, lives string) {
	at := strings.IndexAny(g.Name, "+0123456789")
	number := code(strings.TrimRight(g.Name[at:], ")） "))
	if phone, fault := phoneOfSomebody(number, c.b.region, lives); fault == "" {
		g.Name, g.Phone = strings.TrimRight(g.Name[:at], "(（:：-,，/ "), phone
	}
}

// addGuardian takes a guardian who is not there yet.
func (p *Person) addGuardian(g Guardian) {
	if g == (Guardian{}) {
		return
	}
	for _, known := range p.Guardians {
		if known == g {
			return
		}
	}
	p.Guardians = append(p.Guardians, g)
}

func (p *Person) identified() bool {
	return p.ExternalID != "" || p.number != "" || p.Name != "" || p.Reachable() || len(p.Guardians) > 0
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
	rec     *record
	row     *Row
	refused *Reject
}

// raw is a field's cell and its column. Where the row says nothing, what the caller said of all rows counts.
func (c *cells) raw(f fieldNo) (string, int) {
	if i := int(c.b.header.at[f]) - 1; i >= 0 && i < len(c.rec.cells) && c.rec.cells[i] != "" {
		return c.rec.cells[i], i
	}
	return c.b.header.constant[f], int(c.b.header.at[f]) - 1
}

// mark is what the file's format says is wrong with a cell.
func (c *cells) mark(column int) Reason {
	if column < 0 || column >= len(c.rec.marks) {
		return ""
	}
	return c.rec.marks[column]
}

func (c *cells) refuse(column int, r Reason) {
	if c.refused == nil {
		c.refused = c.b.reject(c.rec.line, column, r)
	}
}

func (c *cells) prose(f fieldNo, limit int) string {
	if c.b.header.at[f] == 0 {
		return ""
	}
	cell, i := c.raw(f)
	if m := c.mark(i); m != "" {
		c.refuse(i, m)
		return ""
	}
	if cell == "" {
		return ""
	}
	text, cleaned, control := prose(cell)
	switch {
	case control:
		c.refuse(i, Control)
	case len(text) > limit && len([]rune(text)) > limit:
		c.refuse(i, TooLong)
	case strings.HasPrefix(text, "="):
		c.refuse(i, Formula)
	case cleaned:
		c.b.warn(c.row, i, Invisible)
	}
	return text
}

// named is a name or an address.
func (c *cells) named(f fieldNo, limit int) string {
	text := c.prose(f, limit)
	if unnamed(text) {
		return ""
	}
	return text
}

// number is what tells people apart by itself. One that a spreadsheet has rounded would tell several of them to be one.
func (c *cells) number(f fieldNo) string {
	text := c.prose(f, maxIDBytes)
	if text == "" {
		return ""
	}
	if text[0] == '\'' && digits(text[1:]) {
		text = text[1:] // a spreadsheet's mark for text
	}
	if whole, ok := strings.CutSuffix(text, ".0"); ok && digits(whole) {
		text = whole // as tables of data frames have it
	}
	switch {
	case unnumbered(text):
		return ""
	case scientific(text):
		_, i := c.raw(f)
		c.refuse(i, Scientific)
	}
	return text
}

// clean is a cell as machines compare it, or empty.
func (c *cells) clean(f fieldNo) (text string, column int) {
	cell, i := c.raw(f)
	if m := c.mark(i); m != "" {
		c.b.warn(c.row, i, m)
		return "", i
	}
	if cell == "" {
		return "", i
	}
	return code(cell), i
}

// checked takes a cell over if it passes, and warns if there is something that does not.
func (c *cells) checked(f fieldNo, fault Reason, normal func(string) (string, bool)) string {
	text, i := c.clean(f)
	if text == "" {
		return ""
	}
	usable, ok := normal(text)
	if !ok {
		c.b.warn(c.row, i, faultOf(text, fault, normal))
		return ""
	}
	return usable
}

func (c *cells) email(f fieldNo) string { return c.checked(f, BadEmail, givenEmail) }

// phone reads a number. lives is the region that the row names, or empty.
func (c *cells) phone(f fieldNo, lives string) string {
	text, i := c.clean(f)
	if text == "" {
		return ""
	}
	home := lives == "" || strings.HasPrefix(lives, c.b.region)
	if home && c.b.region == "CN" && chineseMobile(text) {
		return c.b.made.join("+86", text)
	}
	number, fault := phoneOfSomebody(text, c.b.region, lives)
	if fault != "" {
		c.b.warn(c.row, i, fault)
	}
	return number
}

func (c *cells) language() breach.Language {
	l, i, said := understood(c, fLanguage, &c.b.languages)
	if said && l == "" {
		c.b.warn(c.row, i, BadLanguage)
	}
	return l
}

func (c *cells) inRegion() string {
	r, i, said := understood(c, fRegion, &c.b.regions)
	if said && r == "" {
		c.b.warn(c.row, i, BadRegion)
	}
	return r
}

// categories keeps what is known of a list of which a word is not.
func (c *cells) categories() []string {
	list, i, said := understood(c, fCategories, &c.b.lists)
	if said && !list.all {
		c.b.warn(c.row, i, BadCategory)
	}
	return list.known
}

func exposedIn(s string) (list exposed) {
	list.known, list.all = categoriesOf(s)
	return list
}

// meanings remembers what the cells of a column mean: those of the last row, which most rows repeat, and those before.
type meanings[V any] struct {
	of    func(string) V
	known map[string]V

	cell  string // the last one, as it stood in the file
	said  bool   // it was not a word for nothing
	value V
}

// understood is what a field's cell means; said is false where it says nothing.
func understood[V any](c *cells, f fieldNo, m *meanings[V]) (v V, column int, said bool) {
	cell, i := c.raw(f)
	if cell == m.cell && c.mark(i) == "" {
		return m.value, i, m.said
	}
	text, i := c.clean(f)
	if text != "" {
		v, said = m.meaning(text), true
	}
	if c.mark(i) == "" {
		m.cell, m.said, m.value = strings.Clone(cell), said, v
	}
	return v, i, said
}

func (m *meanings[V]) meaning(text string) V {
	v, seen := m.known[text]
	if seen {
		return v
	}
	v = m.of(text)
	if m.known == nil || len(m.known) >= maxRemembered {
		m.known = make(map[string]V)
	}
	m.known[strings.Clone(text)] = v // the cell is part of its whole line
	return v
}

// age settles the age class from whatever columns speak of it. Where they disagree the lower one counts; where none speaks
// the age is unknown, which is a warning only in a file that has such columns.
func (c *cells) age(p *Person) {
	said := sayings{age: AgeUnknown}
	var number string
	var byNumber date
	passed := false
	id, column := c.clean(fResidentID)
	if id != "" {
		number, byNumber, passed = c.b.residentNumber(id)
	}
	if text, i := c.clean(fBirthDate); text != "" {
		c.bornOn(p, text, i, byNumber, &said)
	}
	switch {
	case passed:
		p.birth, p.resident = byNumber, number
		said.add(c.b.classOf(byNumber))
	case id != "":
		c.b.warn(c.row, column, faultOf(id, BadResidentID, nil))
	}
	c.agedOf(&said)
	if text, i := c.clean(fIsMinor); text != "" {
		switch yes, ok := yesNo(text); {
		case !ok:
			c.b.warn(c.row, i, BadIsMinor)
		case yes:
			said.add(Minor)
		default:
			said.add(Adult)
		}
	}
	p.Age = said.age
	switch h := c.b.header; {
	case said.differ:
		c.b.warn(c.row, -1, AgesDiffer)
	case p.Age == Minor:
		c.b.warn(c.row, -1, NoExactAge)
	case p.Age == AgeUnknown && h.hasAges():
		c.b.warn(c.row, -1, NoAge)
	}
}

// agedOf reads an age in years, which counts only where nothing says the day: it was true when it was written.
func (c *cells) agedOf(said *sayings) {
	text, i := c.clean(fAge)
	if text == "" || said.age != AgeUnknown {
		return
	}
	if class, ok := ageClass(text); ok {
		said.add(class)
	} else {
		c.b.warn(c.row, i, BadAge)
	}
}

// bornOn reads a birth date. A bare number of five digits in a text file is most likely the day that a spreadsheet counts to,
// so it is taken and told. What leaves the day open makes nobody older than they may be, and yields to the day that an identity
// number gives.
func (c *cells) bornOn(p *Person, text string, column int, byNumber date, said *sayings) {
	birth, ok := c.b.birth(text)
	if !ok {
		if birth, ok = c.b.serialBirth(text); ok && !c.b.serials {
			c.b.warn(c.row, column, SerialDate)
		}
	}
	switch {
	case !ok:
		c.b.warn(c.row, column, BadBirthDate)
		return
	case birth.open() && birth.holds(byNumber):
		return
	}
	p.birth = birth
	class := c.b.classOf(birth.last())
	if class != c.b.classOf(birth.first()) {
		c.b.warn(c.row, column, PartBirthDate)
	}
	said.add(class)
}

// sayings folds what columns say of an age into the class that protects best. "A minor" agrees with both classes of minors.
type sayings struct {
	age    AgeClass
	differ bool
}

func (s *sayings) add(a AgeClass) {
	agree := s.age == AgeUnknown || s.age == a || s.age.IsMinor() && a == Minor || s.age == Minor && a.IsMinor()
	s.differ = s.differ || !agree
	if a.rank() > s.age.rank() {
		s.age = a
	}
}

func (a AgeClass) rank() int {
	switch a {
	case Adult:
		return 1
	case Minor:
		return 2
	case Minor14To17:
		return 3
	case Under14:
		return 4
	case AgeUnknown:
	}
	return 0
}

// languageOf maps what files write to a language that we write in; empty for all others.
func languageOf(s string) breach.Language {
	if i := strings.IndexByte(s, '('); i > 0 { // 中文(简体)
		s = strings.TrimSpace(s[:i])
	}
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
