package templates

import (
	"errors"
	"fmt"
	"maps"
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
	Answers      map[string]Answer // what the facts cannot say, by key, see [AnswerItems]; or by a fact's name, to say why it does not apply
	Previous     []Previous        // earlier reports of the same chain, the oldest first
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

// Previous is an earlier report to the same authority about the same incident, which a supplement, a final report or a
// withdrawal refers to.
type Previous struct {
	Stage   breach.Stage
	Number  int // in its chain, whatever the stages; what is printed counts the reports of its stage
	At      time.Time
	Receipt string // the authority's number for it; empty where there is none yet
}

// Answer is a person's answer to an item of a form. Text is the answer; NotApplicable says why there can be none. With
// both empty the item is unknown, which the form then says.
type Answer struct {
	Text          breach.Text
	NotApplicable breach.Text
}

// Document is a finished text in one language.
type Document struct {
	Title  string         `json:"title"`
	Text   string         `json:"text"`
	HTML   string         `json:"html"`
	Blocks []breach.Block `json:"blocks"` // the body of Text and HTML piece by piece, the title left out
}

var filingGrammar = grammar{
	head:  []string{"title"},
	plain: []string{"rules", "reads"},
	form:  true,
	scalars: []string{
		"organisation", "address", "credit_code", "kind", "home_page", "hotline", "email", "signer", "signer_title",
		"signer_phone", "signer_email", "incident", "stage", "prepared_at", "prepared_date", "duty", "basis", "addressee",
		"due_at", "told", "told_public", "told_open", "headcount",
	},
	args:  []string{"fact", "answer", "stated", "residents"},
	lists: []string{"severities", "measures", "timeline", "content", "previous", "open_items"},
	flags: []string{"late", "brief", "asked"},
}

// partGrammar is for the lines that forms share. Its head is a remark that says what the part is.
var partGrammar = func() grammar {
	g := filingGrammar
	g.head, g.plain = nil, nil
	return g
}()

func checkArgument(name, arg string) error {
	switch name {
	case "fact":
		if _, ok := breach.DefOf(breach.FactName(arg)); !ok {
			return fmt.Errorf("there is no fact named %q", arg)
		}
	case "residents":
		if !regionArgument.MatchString(arg) {
			return fmt.Errorf("residents takes a country or a state in small letters, such as us-ca; %q is none", arg)
		}
	case "answer", "stated":
		if _, ok := answerItem(arg); !ok {
			return fmt.Errorf("there is no answer named %q; they are: %s", arg, strings.Join(AnswerKeys(), ", "))
		}
	}
	return nil
}

// Filing fills a form. What is not known is said to be unknown and to be supplemented, never left blank, and the last
// section lists it. The same view gives the same bytes.
func (s *Set) Filing(form string, v FilingView, l breach.Language) (Document, error) {
	src, ok := s.filings[form+"."+string(l)]
	if !ok {
		if !slices.Contains(Languages(), l) {
			return Document{}, fmt.Errorf("the form %q is not written in the language %q; forms are in: %v", form, l, Languages())
		}
		return Document{}, unknownForm(form, s.Forms())
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
	values := &filingValues{v: v, l: l, loc: loc, words: s.words[l], marked: src.marks()}
	title := join(src.head["title"], values)
	blocks := src.expand(values)
	return Document{
		Title:  title,
		Text:   title + "\n\n" + plainText(blocks, colon(l)),
		HTML:   formPage(title, l, markup(blocks, "")),
		Blocks: pieceByPiece(blocks),
	}, nil
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
	for _, key := range slices.Sorted(maps.Keys(v.Answers)) {
		if err := CheckAnswer(key, v.Answers[key]); err != nil {
			faults = append(faults, fmt.Errorf("filing: %w", err))
		}
	}
	return errors.Join(faults...)
}

// filingValues answers for a form's names. Every scalar says something.
type filingValues struct {
	v       FilingView
	l       breach.Language
	loc     *time.Location
	words   words
	marked  []string // contents that the form answers
	missing bool     // an unknown item was written since the row began
	exempt  bool     // an item that does not apply was written since the row began
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
	case "stated":
		return f.stated(r.arg)
	case "residents":
		return f.residents(strings.ToUpper(r.arg))
	case "headcount":
		return f.headcount()
	}
	return f.or(f.plain(r.name))
}

// fact writes a fact; what another fact already decides is not called unknown.
func (f *filingValues) fact(name breach.FactName) string {
	if words := factWords(f.v.Facts, name, f.loc, f.l); words != "" {
		return words
	}
	if aware := factWords(f.v.Facts, "aware_at", f.loc, f.l); name == "discovered_at" && aware != "" {
		return aware // who is aware has discovered; only an earlier day would have to be stated
	}
	minors, known := f.v.Facts.Bool("people.minors")
	u18, counted := f.v.Facts.Int("people.u18")
	none := known && !minors || counted && u18 == 0
	if none && (name == "people.u18" || name == "people.u14") {
		return "0" + unit("people", 0, f.l)
	}
	if because := f.because(string(name)); because != "" {
		return because
	}
	return f.unknown()
}

// answer gives a person's answer. Harm and advice without one follow from the data, in the words in which people are told.
func (f *filingValues) answer(key string) string {
	prefix := map[string]string{"harm": "harm.", "advice": "advice."}[key]
	set, known := f.v.Facts.Set("data.categories")
	if prefix != "" && known && f.v.Answers[key] == (Answer{}) {
		if said := phrases(f.words, "public", prefix, inOrder("data.categories", set)); len(said) > 0 {
			words := make([]string, len(said))
			for i, p := range said {
				words[i] = strings.ReplaceAll(p.text, "{emergency}", homeEmergency)
			}
			return strings.Join(words, f.say("", " "))
		}
	}
	return f.stated(key)
}

// stated gives a person's answer and nothing in its place.
func (f *filingValues) stated(key string) string {
	if text := f.answered(f.v.Answers[key].Text); text != "" {
		return text
	}
	if because := f.because(key); because != "" {
		return because
	}
	return f.unknown()
}

// because says why an item does not apply; it is empty where nobody said that.
func (f *filingValues) because(key string) string {
	because := f.answered(f.v.Answers[key].NotApplicable)
	if because == "" {
		return ""
	}
	f.exempt = true
	return f.say("不适用，因为", "not applicable, because ") + because
}

// answered gives an answer in the text's language, else as it was given: a known item is never called unknown for want of
// a translation.
func (f *filingValues) answered(t breach.Text) string {
	if text := clean(t.In(f.l)); text != "" {
		return text
	}
	if f.l == breach.Chinese && clean(t.EN) != "" {
		return "（原文为英文）" + clean(t.EN)
	}
	if f.l == breach.English && clean(t.ZH) != "" {
		return "(given in Chinese) " + clean(t.ZH)
	}
	return ""
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
		return f.kind()
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
		return f.stageOf(f.v.Obligation.Stage, f.v.Revision)
	case "prepared_at":
		return instant(f.v.PreparedAt, f.loc, f.l)
	case "prepared_date":
		return date(f.v.PreparedAt, f.loc, f.l)
	case "duty":
		return ob.Title.In(f.l)
	case "basis":
		return basis(ob, f.l)
	case "addressee":
		return ob.Addressee.In(f.l)
	case "due_at":
		return f.due()
	case "told", "told_public", "told_open":
		return f.told(name)
	}
	return ""
}

// kinds are the facts about an organisation that say what it is.
var kinds = []breach.FactName{
	"org.central_organ", "org.network_operator", "org.telecom_or_icp", "org.miit_sector", "org.bank_or_insurer", "org.pbc_field",
	"org.security_vendor", "org.comms_provider", "org.sec_registrant", "org.hk_ci_operator",
}

// kind says what the organisation is: as it was told, else by what its profile says.
func (f *filingValues) kind() string {
	if said := f.v.Organisation.Kind; said != (breach.Text{}) {
		return said.In(f.l)
	}
	var out []string
	for _, name := range kinds {
		if is, _ := f.v.Facts.Bool(name); is {
			def, _ := breach.DefOf(name)
			out = append(out, def.Label.In(f.l))
		}
	}
	return strings.Join(out, f.say("；", "; "))
}

func (f *filingValues) stageOf(stage breach.Stage, revision int) string {
	n := max(revision, 1)
	switch stage {
	case breach.StageFinal:
		return f.say("最终报告", "final report")
	case breach.StageSupplement:
		return f.say(fmt.Sprintf("续报第 %d 号", n), fmt.Sprintf("supplement no. %d", n))
	case breach.StageInitial:
		return f.say("首次报告", "initial report")
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

// list gives the items of a list; where nothing is known it is empty, and absent says so.
func (f *filingValues) list(name string) []string {
	switch name {
	case "severities":
		return f.severities()
	case "measures":
		out := f.entries(f.v.Measures)
		if more := f.answered(f.v.Answers["measures"].Text); more != "" {
			out = append(out, more)
		}
		return out
	case "timeline":
		return f.entries(f.v.Timeline)
	case "content":
		return texts(f.v.Obligation.Content, f.l)
	case "previous":
		return f.previous()
	case "open_items":
		return f.open
	}
	return nil
}

var listLabels = map[string]breach.Text{
	"severities": {ZH: "自行研判的级别", EN: "Level, as we judge it"},
	"measures":   {ZH: "已采取的措施", EN: "Measures taken"},
	"timeline":   {ZH: "处置经过", EN: "Course of events"},
	"content":    {ZH: "法律要求的内容", EN: "What the law asks for"},
	"previous":   {ZH: "此前的报告", EN: "Earlier reports"},
	"open_items": {ZH: "待补充事项", EN: "Items to be supplemented"},
}

// absent makes a row of an empty list, so that it has a state and stands among the items to be supplemented.
func (f *filingValues) absent(list string) (label, says string, state breach.ItemState) {
	f.beginRow()
	label = listLabels[list].In(f.l)
	if says = f.because(list); says == "" {
		says = f.unknown()
	}
	return label, says, f.endRow(label)
}

// previous writes the reports that this one follows.
func (f *filingValues) previous() []string {
	var out []string
	count := map[breach.Stage]int{}
	for _, p := range f.v.Previous {
		count[p.Stage]++
		receipt := f.say("尚未收到回执编号", "no receipt number yet")
		if number := clean(p.Receipt); number != "" {
			receipt = f.say("回执编号 ", "receipt ") + number
		}
		out = append(out, instant(p.At, f.loc, f.l)+colon(f.l)+f.stageOf(p.Stage, count[p.Stage])+f.say("，", ", ")+receipt)
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

// set tells what is known.
func (f *filingValues) set(r reference) bool {
	switch r.name {
	case "fact":
		v, known := f.v.Facts[breach.FactName(r.arg)]
		return known && v != false && v != int64(0)
	case "answer":
		return f.v.Answers[r.arg] != Answer{}
	case "asked":
		return len(f.unmarked()) > 0
	case "brief":
		return f.brief()
	case "late":
		ob := f.v.Obligation
		return ob.Hard && ob.DueAt != nil && f.v.PreparedAt.After(*ob.DueAt)
	}
	if slices.Contains(filingGrammar.lists, r.name) {
		return len(f.list(r.name)) > 0
	}
	return clean(f.plain(r.name)) != ""
}

// A row with an unknown item is remembered by its label.
func (f *filingValues) beginRow() { f.missing, f.exempt = false, false }

func (f *filingValues) endRow(label string) breach.ItemState {
	switch {
	case f.missing:
		f.open = append(f.open, label)
		return breach.ItemUnknown
	case f.exempt:
		return breach.ItemNotApplicable
	}
	return breach.ItemGiven
}
