package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// FilingView is what a filing says. Personal data of affected people has no place in it.
type FilingView struct {
	Organisation Organisation
	Signer       Signer
	Incident     breach.IncidentID
	Obligation   breach.Obligation
	Revision     int          // 1 for the first filing of this obligation; empty counts as 1
	Facts        breach.Facts // of the incident, with those of the organisation's profile
	Severities   []breach.Severity
	Measures     []Entry
	Timeline     []Entry
	Answers      map[string]Answer // what the facts cannot say, by key, see [AnswerKeys]
	Tally        *breach.Tally     // how far telling people has come; nil where it has not begun
	PreparedAt   time.Time
}

// Signer is the person at the organisation whom the authority may call.
type Signer struct {
	Name, Phone, Email string
	Title              breach.Text
}

// Entry is something that happened or was done.
type Entry struct {
	At   *time.Time // nil where the time is not known
	Text breach.Text
}

// Answer is a person's answer to an item of a form. Text is the answer; NotApplicable says why there can be none. With
// both empty the item is unknown, which the form then says.
type Answer struct {
	Text          breach.Text
	NotApplicable breach.Text
}

// Document is a finished text in one language.
type Document struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	HTML  string `json:"html"`
}

// AnswerKeys lists the items that a person may answer, with their names.
func AnswerKeys() []string { return slices.Clone(answerKeys) }

var answerKeys = []string{
	"system", "place", "impact", "effect", "ransom", "trend", "cause", "leads", "planned", "support", "scene", "other",
	"harm", "advice", "delay", "withdrawal", "accountability", "rectification", "lessons",
}

var filingGrammar = grammar{
	head: []string{"title"},
	scalars: []string{
		"organisation", "address", "credit_code", "kind", "home_page", "hotline", "email", "signer", "signer_title",
		"signer_phone", "signer_email", "incident", "stage", "prepared_at", "prepared_date", "duty", "instrument", "article", "addressee",
		"due_at", "told", "told_public", "told_open",
	},
	args:  []string{"fact", "answer"},
	lists: []string{"severities", "measures", "timeline", "content", "open_items"},
	flags: []string{"late"},
}

func checkArgument(name, arg string) error {
	switch name {
	case "fact":
		if _, ok := breach.DefOf(breach.FactName(arg)); !ok {
			return fmt.Errorf("there is no fact named %q", arg)
		}
	case "answer":
		if !slices.Contains(answerKeys, arg) {
			return fmt.Errorf("there is no answer named %q; they are: %s", arg, strings.Join(answerKeys, ", "))
		}
	}
	return nil
}

// Filing fills a form. What is not known is said to be unknown and to be supplemented, never left blank, and the last
// section lists it. The same view gives the same bytes.
func (s *Set) Filing(form string, v FilingView, l breach.Language) (Document, error) {
	src, ok := s.filings[form+"."+string(l)]
	if !ok {
		return Document{}, fmt.Errorf("there is no form %q in the language %q", form, l)
	}
	if err := v.validate(); err != nil {
		return Document{}, err
	}
	zoneName := v.Obligation.Zone
	if zoneName == "" {
		zoneName = v.Organisation.Zone
	}
	loc, err := zone(zoneName)
	if err != nil {
		return Document{}, fmt.Errorf("the obligation's zone %q is not an IANA zone", zoneName)
	}
	values := &filingValues{v: v, l: l, loc: loc, words: s.words[l]}
	title := join(src.head["title"], values)
	blocks := src.expand(values)
	return Document{
		Title: title,
		Text:  title + "\n\n" + plainText(blocks, colon(l)),
		HTML:  formPage(title, l, markup(blocks, "")),
	}, nil
}

// Forms lists the forms of the set, sorted.
func (s *Set) Forms() []string {
	var out []string
	for key := range s.filings {
		if form, ok := strings.CutSuffix(key, "."+string(breach.Chinese)); ok {
			out = append(out, form)
		}
	}
	slices.Sort(out)
	return out
}

func (v FilingView) validate() error {
	faults := []error{v.Organisation.Validate()}
	if _, err := breach.ParseIncidentID(string(v.Incident)); err != nil {
		faults = append(faults, errors.New("filing: the incident number is missing"))
	}
	if clean(v.Signer.Name) == "" || clean(v.Signer.Phone) == "" {
		faults = append(faults, errors.New("filing: the authority needs a person to call; give the signer's name and phone"))
	}
	if v.PreparedAt.IsZero() {
		faults = append(faults, errors.New("filing: the date is missing"))
	}
	return errors.Join(faults...)
}

// filingValues answers for a form's names. Every scalar says something.
type filingValues struct {
	v       FilingView
	l       breach.Language
	loc     *time.Location
	words   words
	missing bool     // an unknown item was written since the row began
	open    []string // labels of the rows with unknown items
}

func (f *filingValues) say(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(f.l) }

func (f *filingValues) unknown() string {
	f.missing = true
	return f.say("尚不清楚，查明后补充报告", "not known yet; to be supplemented")
}

func (f *filingValues) or(s string) string {
	if s = clean(s); s != "" {
		return s
	}
	return f.unknown()
}

func (f *filingValues) scalar(r reference) string {
	switch r.name {
	case "fact":
		return f.fact(breach.FactName(r.arg))
	case "answer":
		return f.answer(r.arg)
	}
	return f.or(f.plain(r.name))
}

// fact writes a fact; what another fact already decides is not called unknown.
func (f *filingValues) fact(name breach.FactName) string {
	if words := factWords(f.v.Facts, name, f.loc, f.l); words != "" {
		return words
	}
	minors, known := f.v.Facts.Bool("people.minors")
	u18, counted := f.v.Facts.Int("people.u18")
	none := known && !minors || counted && u18 == 0
	if none && (name == "people.u18" || name == "people.u14") {
		return "0" + unit("people", 0, f.l)
	}
	return f.unknown()
}

func (f *filingValues) answer(key string) string {
	a := f.v.Answers[key]
	if text := clean(a.Text.In(f.l)); text != "" {
		return text
	}
	if because := clean(a.NotApplicable.In(f.l)); because != "" {
		return f.say("不适用，因为", "not applicable, because ") + because
	}
	if prefix := map[string]string{"harm": "harm.", "advice": "advice."}[key]; prefix != "" {
		if set, known := f.v.Facts.Set("data.categories"); known {
			if said := phrases(f.words, "public", prefix, inOrder("data.categories", set), ""); len(said) > 0 {
				return strings.Join(said, f.say("", " ")) // as the people are told
			}
		}
	}
	return f.unknown()
}

func (f *filingValues) plain(name string) string {
	o, ob := f.v.Organisation, f.v.Obligation
	switch name {
	case "organisation":
		return o.Name.In(f.l)
	case "address":
		return o.Address.In(f.l)
	case "credit_code":
		return o.CreditCode
	case "kind":
		return o.Kind.In(f.l)
	case "home_page":
		return o.typedHome()
	case "hotline":
		return o.Hotline
	case "email":
		return o.Email
	case "signer":
		return f.v.Signer.Name
	case "signer_title":
		return f.v.Signer.Title.In(f.l)
	case "signer_phone":
		return f.v.Signer.Phone
	case "signer_email":
		return f.v.Signer.Email
	case "incident":
		return string(f.v.Incident)
	case "stage":
		return f.stage()
	case "prepared_at":
		return instant(f.v.PreparedAt, f.loc, f.l)
	case "prepared_date":
		return date(f.v.PreparedAt, f.loc, f.l)
	case "duty":
		return ob.Title.In(f.l)
	case "instrument":
		return f.say("《"+ob.Instrument.ZH+"》", ob.Instrument.EN)
	case "article":
		if ob.ArticleIn != (breach.Text{}) {
			return ob.ArticleIn.In(f.l)
		}
		return ob.Article
	case "addressee":
		return ob.Addressee.In(f.l)
	case "due_at":
		return f.due()
	case "told", "told_public", "told_open":
		return f.told(name)
	}
	return ""
}

func (f *filingValues) stage() string {
	n := max(f.v.Revision, 1)
	switch f.v.Obligation.Stage {
	case breach.StageFinal:
		return f.say("最终报告", "final report")
	case breach.StageSupplement:
		return f.say(fmt.Sprintf("续报第 %d 号", n), fmt.Sprintf("supplement no. %d", n))
	case breach.StageInitial:
		return f.say("初始报告", "initial report")
	case breach.StageWithdrawal:
		return f.say("撤回", "withdrawal")
	case breach.StageSingle:
		if n == 1 {
			return f.say("首次报告", "first report")
		}
	}
	return f.say(fmt.Sprintf("第 %d 次报告", n), fmt.Sprintf("report no. %d", n))
}

// due says the law's deadline; where the law gives no number it says so, and our own policy stays out of a filing.
func (f *filingValues) due() string {
	ob := f.v.Obligation
	switch {
	case ob.Hard && ob.DueAt != nil:
		return instant(*ob.DueAt, f.loc, f.l)
	case ob.Deadline != (breach.Text{}):
		return ob.Deadline.In(f.l)
	}
	return f.say("法律未规定具体时限", "the law gives no number")
}

func (f *filingValues) told(name string) string {
	t := f.v.Tally
	if t == nil && name == "told_open" {
		return f.fact("people.total")
	}
	if t == nil {
		return f.say("0 人（尚未开始）", "0 people (not begun yet)")
	}
	n := t.Told
	switch name {
	case "told_public":
		n = t.Public
	case "told_open":
		n = t.Open + t.Missed
	}
	return count(n) + unit("people", n, f.l)
}

func (f *filingValues) list(name string) []string {
	var out []string
	switch name {
	case "severities":
		out = f.severities()
	case "measures":
		out = f.entries(f.v.Measures)
	case "timeline":
		out = f.entries(f.v.Timeline)
	case "content":
		out = texts(f.v.Obligation.Content, f.l)
	case "open_items":
		return f.open
	}
	if len(out) == 0 {
		return []string{f.unknown()}
	}
	return out
}

func (f *filingValues) severities() []string {
	var out []string
	for _, s := range f.v.Severities {
		level := s.LevelName.In(f.l)
		if s.Level == "" {
			level = f.say("未达到该标准的任何一级", "below every level of this scale")
		}
		if s.Possible != "" && s.Possible != s.Level {
			level += f.say("；待查事实查明后可能更高", "; may prove higher once open facts are known")
		}
		out = append(out, clean(s.ScaleName.In(f.l)+colon(f.l)+level))
	}
	return out
}

func (f *filingValues) entries(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		text := clean(e.Text.In(f.l))
		if text == "" {
			continue
		}
		if e.At != nil {
			text = instant(*e.At, f.loc, f.l) + colon(f.l) + text
		}
		out = append(out, text)
	}
	return out
}

// set tells what is known; asking leaves no trace in the list of open items.
func (f *filingValues) set(r reference) bool {
	defer func(was bool) { f.missing = was }(f.missing)
	switch r.name {
	case "fact":
		v, known := f.v.Facts[breach.FactName(r.arg)]
		return known && v != false && v != int64(0)
	case "answer":
		return f.v.Answers[r.arg] != Answer{}
	case "open_items":
		return len(f.open) > 0
	case "late":
		ob := f.v.Obligation
		return ob.Hard && ob.DueAt != nil && f.v.PreparedAt.After(*ob.DueAt)
	}
	f.missing = false
	if slices.Contains(filingGrammar.lists, r.name) {
		f.list(r.name)
		return !f.missing
	}
	return clean(f.plain(r.name)) != ""
}

// A row with an unknown item is remembered by its label.
func (f *filingValues) beginRow() { f.missing = false }

func (f *filingValues) endRow(label string) {
	if f.missing {
		f.open = append(f.open, label)
	}
}
