package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// The contents that PIPL art. 57 asks a notice to hold: the types of information, the cause and the possible harm; the
// measures taken and what the person can do; the handler's contact. Verify is ours: how to tell that the notice is real.
const (
	GroupCause      = "cause"
	GroupCategories = "categories"
	GroupHarm       = "harm"
	GroupMeasures   = "measures"
	GroupAdvice     = "advice"
	GroupVerify     = "verify"
	GroupContact    = "contact"
)

// Groups lists the contents of a notice in the order of the law.
func Groups() []string {
	return []string{GroupCause, GroupCategories, GroupHarm, GroupMeasures, GroupAdvice, GroupVerify, GroupContact}
}

// NoticeView is what a notice says. It names no person.
type NoticeView struct {
	Organisation Organisation
	Number       string // notice number, see [NewNoticeNumber]
	Incident     breach.IncidentID
	State        string     // the fact state: "suspected" or "confirmed"; empty counts as suspected
	Kinds        []string   // the fact kinds; empty counts as a leak
	Categories   []string   // the fact data.categories; empty says that it is still being found out
	OccurredAt   *time.Time // nil where nobody knows yet
	AwareAt      *time.Time
	IssuedAt     time.Time     // the notice's date
	Cause        breach.Text   // one sentence; empty says that it is being investigated
	Harms        []breach.Text // besides those that the categories bring
	Measures     []breach.Text // taken so far, besides the plan that began by itself
	Advice       []breach.Text // besides that of the categories

	// In words that a child understands; where empty, minors read Cause and Measures.
	MinorCause    breach.Text
	MinorMeasures []breach.Text

	Later bool        // true when an earlier notice of this incident went out: the text says so
	Why   breach.Text // with Later: what changed since, or was wrong; may be empty

	Earlier *Earlier // of a supplementary notice: the one that it corrects or adds to; then Later and Why say nothing

	Law         string      // whose text it is; empty is [HomeLaw]
	Laws        []string    // other laws that protect the same readers: what they ask for must be there too
	Offer       breach.Text // services against identity theft that the organisation offers, and how to take them up
	DelayReason breach.Text // why the notice comes late, where it does
	HeldUntil   *time.Time  // until when law enforcement asked us to wait; nil where it did not
}

// NoticeText is a notice in one language for one audience. ⟦greeting⟧ and ⟦people⟧ stand in Text and HTML where
// [NoticeText.Merge] puts names; Subject, SMS, PushTitle and PushBody never hold any. Its JSON is what a person approves.
type NoticeText struct {
	Language  breach.Language   `json:"language"`
	Audience  breach.Audience   `json:"audience"`
	Number    string            `json:"number"`
	Subject   string            `json:"subject"`
	Text      string            `json:"text"`
	HTML      string            `json:"html"`
	SMS       string            `json:"sms"` // as people will read it, signature included
	PushTitle string            `json:"push_title"`
	PushBody  string            `json:"push_body"`
	Variables map[string]string `json:"variables"` // for SMS providers that only send templates approved beforehand, see [Set.SMSTemplate]
	Groups    []Group           `json:"groups"`
	Marks     Marks             `json:"marks"`

	Law        string   `json:"law"`                  // whose demands the text meets
	Categories []string `json:"categories,omitempty"` // of data that it speaks of; see [NoticeText.For]

	chosen bool // For has left only what is for one reader
}

// Group is one of the contents that the law asks for, as it stands in the text.
type Group struct {
	Name string `json:"name"`
	Text string `json:"text"` // its lines, in plain text
}

// Marks are the words around merged names.
type Marks struct {
	Greeting        string `json:"greeting"` // holds ⟦recipient⟧
	GreetingUnnamed string `json:"greeting_unnamed"`
	PeopleUnnamed   string `json:"people_unnamed"` // in place of ⟦people⟧ where no name is known: "your child"
	PersonHidden    string `json:"person_hidden"`  // in place of one name that cannot be shown: "one more child"

	// Of several, with ⟦count⟧; empty in documents of old, and where a text of the operator's has no such line.
	PeopleHidden  string `json:"people_hidden,omitempty"`  // in place of several names that cannot be shown: "2 more children"
	PeopleCounted string `json:"people_counted,omitempty"` // in place of all names: "2 children"
}

var noticeGrammar = grammar{
	head:  []string{"subject", "greeting", "greeting_unnamed", "people_unnamed", "person_hidden", "sms", "push_title", "push_body"},
	plain: []string{"people_hidden", "people_counted"},
	scalars: []string{
		"organisation", "short", "home_page", "hotline", "hours", "email", "number", "incident", "aware_date",
		"occurred_date", "issued_date", "cause", "never_ask", "greeting", "people", "recipient",
		"law", "emergency", "offer", "delay_reason", "held_until", "why", "zone",
	},
	lists:  []string{"what_happened", "categories", "harms", "measures", "advice"},
	flags:  []string{"suspected", "confirmed", "later", "erasure"},
	groups: Groups(),
	only:   true,
	slots:  lawSlots,
	says:   contents,
}

// Notice makes a notice's text. It fails where the view lacks what a notice must hold, with a [*MissingError] where it lacks
// what a law asks for, and with a [*LintError] where the finished text breaks a rule of [Lint].
func (s *Set) Notice(v NoticeView, a breach.Audience, l breach.Language) (NoticeText, error) {
	law, err := s.Law(v.Law)
	if err != nil {
		return NoticeText{}, err
	}
	src, err := s.noticeSource(law, a, l)
	if err != nil {
		return NoticeText{}, err
	}
	if err := v.validate(); err != nil {
		return NoticeText{}, err
	}
	if v.Earlier != nil {
		v.Later = false
	}
	values := s.noticeValues(v, string(a), a, l)
	blocks := src.expand(values)
	if err := s.complete(v, law, blocks); err != nil {
		return NoticeText{}, err
	}
	var own map[string]string
	if v.Earlier != nil {
		blocks, own = s.supplement(v, a, l, blocks)
	}
	head := func(key string) string {
		if text := own[key]; text != "" {
			return text
		}
		return join(src.head[key], values)
	}
	t := NoticeText{
		Language: l, Audience: a, Number: v.Number, Law: law.Name, Categories: inOrder("data.categories", v.Categories),
		Subject: head("subject"), SMS: head("sms"), PushTitle: head("push_title"), PushBody: head("push_body"),
		Text:      plainText(blocks, colon(l)),
		HTML:      mailPage(head("subject"), l, mailBody(blocks)),
		Variables: map[string]string{"number": v.Number, "hotline": clean(v.Organisation.Hotline)},
		Groups:    groupsOf(blocks),
		Marks: Marks{
			Greeting: head("greeting"), GreetingUnnamed: head("greeting_unnamed"),
			PeopleUnnamed: head("people_unnamed"), PersonHidden: head("person_hidden"),
			PeopleHidden: src.counted("people_hidden"), PeopleCounted: src.counted("people_counted"),
		},
	}
	rules := RulesFor(v.Organisation, v.Number)
	rules.Official, rules.Phones = law.Official, law.numbers
	if findings := Lint(t, rules); len(findings) > 0 {
		return NoticeText{}, &LintError{Findings: findings}
	}
	return t, nil
}

// counted is a line of the head in which # stands for a number.
func (s *source) counted(key string) string {
	return strings.ReplaceAll(clean(s.plain[key]), "#", countMark)
}

// noticeSource finds the form of a notice: the law's own, else the usual one.
func (s *Set) noticeSource(law *Law, a breach.Audience, l breach.Language) (*source, error) {
	key := string(a) + "." + string(l)
	if law.skeleton != "" {
		key = law.skeleton + "/" + key
	}
	src, ok := s.notices[key]
	if !ok || !slices.Contains([]breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian}, a) {
		return nil, fmt.Errorf("there is no notice for the audience %q in the language %q", a, l)
	}
	return src, nil
}

// complete checks that the blocks say what the laws ask for.
func (s *Set) complete(v NoticeView, law *Law, blocks []block) error {
	laws := []*Law{law}
	for _, name := range v.Laws {
		other, err := s.Law(name)
		if err != nil {
			return err
		}
		laws = append(laws, other)
	}
	var faults []error
	for _, l := range laws {
		if missing := l.lacks(blocks, v.Categories); len(missing) > 0 {
			faults = append(faults, &MissingError{Law: l.Name, Title: l.Title, Missing: missing})
		}
	}
	return errors.Join(faults...)
}

// SMSTemplate returns the text to register with an SMS provider, where only texts approved beforehand may be sent: the
// SMS with ${number} and ${hotline} in place, without the signature, which providers register apart.
func (s *Set) SMSTemplate(o Organisation, a breach.Audience, l breach.Language) (string, error) {
	src, ok := s.notices[string(a)+"."+string(l)]
	if !ok {
		return "", fmt.Errorf("there is no notice for the audience %q in the language %q", a, l)
	}
	v := NoticeView{Organisation: o, Number: "${number}", Law: HomeLaw}
	v.Organisation.Hotline = "${hotline}"
	text := join(src.head["sms"], s.noticeValues(v, string(a), a, l))
	for _, signature := range []struct{ begins, ends string }{{"【", "】"}, {"[", "]"}} {
		if _, rest, ok := strings.Cut(text, signature.ends); ok && strings.HasPrefix(text, signature.begins) {
			text = rest
		}
	}
	return strings.TrimSpace(text), nil
}

func (v NoticeView) validate() error {
	faults := []error{v.Organisation.Validate()}
	if n, err := ParseNoticeNumber(v.Number); err != nil || n != v.Number {
		faults = append(faults, errors.New("notice: the number is not a notice number in its one form"))
	}
	if _, err := breach.ParseIncidentID(string(v.Incident)); err != nil {
		faults = append(faults, errors.New("notice: the incident number is missing"))
	}
	if v.IssuedAt.IsZero() {
		faults = append(faults, errors.New("notice: the date is missing"))
	}
	faults = append(faults, v.Earlier.validate(), known("state", v.State), known("kinds", v.Kinds...), known("data.categories", v.Categories...))
	return errors.Join(faults...)
}

// known reports values that the vocabulary of facts does not have.
func known(fact breach.FactName, values ...string) error {
	def, _ := breach.DefOf(fact)
	for _, value := range values {
		if value != "" && !slices.Contains(def.Values, value) {
			return fmt.Errorf("%s: there is no value %q", fact, value)
		}
	}
	return nil
}

// noticeValues are the words of a notice, with the law's own and with the choice for whom a line is.
type noticeValues struct {
	plainValues
	chosen map[string][]choosing
	fills  func(slot string) []line
}

func (v noticeValues) choices(list string) []choosing { return v.chosen[list] }

func (v noticeValues) fill(slot string) []line { return v.fills(slot) }

// noticeValues prepares the words of a notice. who chooses the wording, which differs from the audience on the public page.
func (s *Set) noticeValues(v NoticeView, who string, a breach.Audience, l breach.Language) noticeValues {
	w := s.words[l]
	if a == breach.ToMinor && v.MinorCause != (breach.Text{}) {
		v.Cause = v.MinorCause
	}
	if a == breach.ToMinor && len(v.MinorMeasures) > 0 {
		v.Measures = v.MinorMeasures
	}
	loc, err := zone(v.Organisation.Zone)
	if err != nil {
		loc = time.UTC
	}
	day := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return date(*t, loc, l)
	}
	law, err := s.Law(v.Law)
	if err != nil {
		law = s.laws[HomeLaw]
	}
	o := v.Organisation
	out := noticeValues{fills: func(slot string) []line { return law.section(l, a, slot) }, chosen: map[string][]choosing{}}
	out.plainValues = plainValues{
		scalars: map[string]string{
			"organisation": clean(o.Name.In(l)), "short": clean(o.Short.In(l)), "home_page": o.typedHome(),
			"hotline": clean(o.Hotline), "hours": clean(o.Hours.In(l)), "email": clean(o.Email),
			"number": v.Number, "incident": string(v.Incident),
			"aware_date": day(v.AwareAt), "occurred_date": day(v.OccurredAt), "issued_date": day(&v.IssuedAt),
			"cause": clean(v.Cause.In(l)), "never_ask": NeverAsk(a, l),
			"greeting": mark("greeting"), "people": mark("people"), "recipient": mark("recipient"),
			"law": law.Title.In(l), "emergency": law.emergency.In(l), "held_until": day(v.HeldUntil),
			"offer": clean(v.Offer.In(l)), "delay_reason": clean(v.DelayReason.In(l)), "why": clean(v.Why.In(l)),
		},
		lists: map[string][]string{
			"what_happened": s.whatHappened(v, who, w),
			"measures":      append([]string{w.phrase(who, "measure.plan")}, texts(v.Measures, l)...),
		},
		flags: map[string]bool{"suspected": v.State != "confirmed", "confirmed": v.State == "confirmed", "later": v.Later, "erasure": !law.keeps},
	}
	for list, more := range map[string][]breach.Text{"categories": nil, "harms": v.Harms, "advice": v.Advice} {
		for _, p := range s.listed(v, list, who, w) {
			if words, after, ok := strings.Cut(p.text, "{emergency}"); ok {
				p.text = glue(glue(words, law.emergency.In(l)), after)
			}
			out.lists[list] = append(out.lists[list], p.text)
			out.chosen[list] = append(out.chosen[list], p.choice)
		}
		out.lists[list] = append(out.lists[list], texts(more, l)...)
	}
	if abroad := law.Name != HomeLaw || loc.String() != "Asia/Shanghai"; abroad && (v.OccurredAt != nil || v.AwareAt != nil) {
		out.scalars["zone"] = zoneWords(v.IssuedAt.In(loc), l)
	}
	return out
}

// listed are the phrases that the facts bring to a list. Of what each category may lead to, and what to do about it, nothing is
// said where data were damaged or unavailable and nobody else had them.
func (s *Set) listed(v NoticeView, list, who string, w words) []phrase {
	categories := inOrder("data.categories", v.Categories)
	exposed := len(v.Kinds) == 0 || slices.ContainsFunc(v.Kinds, func(k string) bool { return k == "leak" || k == "tamper" || k == "loss" })
	switch {
	case list == "categories":
		said := phrases(w, who, "category.", categories)
		if who == "public" && len(said) > 0 {
			return said
		}
		return orDefault(said, w.phrase(who, "category.default"))
	case list == "harms" && exposed:
		said := phrases(w, who, "harm.", categories)
		if who != "public" || len(said) == 0 {
			said = orDefault(said, w.phrase(who, "harm.default"))
		}
		return append(ofKinds(w, who, "harm.kind.", v.Kinds), said...)
	case list == "harms":
		return ofKinds(w, who, "harm.kind.", v.Kinds)
	case exposed:
		return append(phrases(w, who, "advice.", mostUrgentFirst(categories)), ofKinds(w, who, "advice.kind.", v.Kinds)...)
	}
	return ofKinds(w, who, "advice.kind.", v.Kinds)
}

// ofKinds looks up a phrase for each kind of incident, each once; they are for everybody.
func ofKinds(w words, who, prefix string, kinds []string) []phrase {
	var out []phrase
	for _, k := range inOrder("kinds", kinds) {
		p := phrase{text: w.phrase(who, prefix+k)}
		if p.text != "" && !slices.ContainsFunc(out, func(x phrase) bool { return x.text == p.text }) {
			out = append(out, p)
		}
	}
	return out
}

// mostUrgentFirst puts what must be done today before what must be watched.
func mostUrgentFirst(categories []string) []string {
	var today, later []string
	for _, c := range categories {
		if c == "credentials" || c == "finance_account" {
			today = append(today, c)
			continue
		}
		later = append(later, c)
	}
	return append(today, later...)
}

func (s *Set) whatHappened(v NoticeView, who string, w words) []string {
	kinds := v.Kinds
	if len(kinds) == 0 {
		kinds = []string{"leak"}
	}
	state := v.State
	if state == "" {
		state = "suspected"
	}
	var out []string
	for _, k := range inOrder("kinds", kinds) {
		out = append(out, w.phrase(who, "kind."+k+"."+state))
	}
	return out
}

// inOrder sorts values into the vocabulary's order, each once: the same facts give the same bytes.
func inOrder(fact breach.FactName, values []string) []string {
	def, _ := breach.DefOf(fact)
	var out []string
	for _, value := range def.Values {
		if slices.Contains(values, value) {
			out = append(out, value)
		}
	}
	return out
}

// phrase is a line with for whom it is.
type phrase struct {
	text   string
	choice choosing
}

// phrases looks up one phrase for each category, each phrase once, for those of whom one of its categories was exposed.
// Categories without a phrase are passed over.
func phrases(w words, who, prefix string, categories []string) []phrase {
	var out []phrase
	for _, c := range categories {
		p := w.phrase(who, prefix+c)
		if p == "" {
			continue
		}
		if i := slices.IndexFunc(out, func(x phrase) bool { return x.text == p }); i >= 0 {
			out[i].choice[0].categories = append(out[i].choice[0].categories, c)
			continue
		}
		out = append(out, phrase{p, choosing{{categories: []string{c}}}})
	}
	return out
}

// orDefault adds the phrase for those whom none of the others is for.
func orDefault(said []phrase, otherwise string) []phrase {
	var all []string
	for _, p := range said {
		all = append(all, p.choice[0].categories...)
	}
	if len(all) == 0 {
		return append(said, phrase{text: otherwise})
	}
	return append(said, phrase{otherwise, choosing{{none: true, categories: all}}})
}

func texts(ts []breach.Text, l breach.Language) []string {
	var out []string
	for _, t := range ts {
		out = append(out, t.In(l))
	}
	return cleanAll(out)
}

func groupsOf(blocks []block) []Group {
	var out []Group
	for _, b := range blocks {
		switch {
		case b.kind == groupHeading:
			out = append(out, Group{Name: b.group})
		case b.group != "" && len(out) > 0:
			g := &out[len(out)-1]
			g.Text += b.choice.mark(b.text + "\n")
		}
	}
	return out
}

func mark(name string) string { return markOpen + name + markClose }

func colon(l breach.Language) string {
	if l == breach.Chinese {
		return "："
	}
	return ": "
}

// NeverAsk is the fixed sentence of every notice. It is not a template: no override can weaken it.
func NeverAsk(a breach.Audience, l breach.Language) string {
	switch {
	case a == breach.ToMinor && l == breach.Chinese:
		return "我们绝不会向你索要密码、验证码，也绝不会要你付钱。"
	case a == breach.ToMinor:
		return "We will never ask you for your password, a code or money."
	case l == breach.Chinese:
		return "我们绝不会向您索要密码、验证码，也绝不会要求您付款。"
	}
	return "We will never ask for your password, a verification code or a payment."
}
