package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// AnswerItems lists what a person may be asked for in a report, for those who take the answers.
func AnswerItems() []templates.AnswerItem { return templates.AnswerItems() }

// CheckAnswer says what is wrong with an answer to a form's item; see [templates.CheckAnswer].
func CheckAnswer(a store.Answer) error {
	return templates.CheckAnswer(a.Item, templates.Answer{Text: a.Text, NotApplicable: a.NotApplicable})
}

// DraftFiling writes the report that a duty asks for from the newest facts and answers, with its finished files. Its author is
// who stated those facts, its contributors are those whose answers stand in it, so that another person must approve it. The same
// facts and answers give the same document, and an approved version stays where they change nothing that it says.
//
// With a stage in the input it writes a later report of the chain instead; a supplement only where there is something to
// supplement.
func (a *Filings) DraftFiling(ctx context.Context, in DraftFilingInput) (Draft, error) {
	p, err := a.prepare(ctx, in)
	if err != nil || p.nothing {
		return Draft{Nothing: p.nothing, AnswersRev: p.answersRev}, final(err)
	}
	if kept, ok, err := a.keep(ctx, p); err != nil || ok {
		return kept, final(err)
	}
	view, err := a.view(ctx, p)
	if err != nil {
		return Draft{}, final(err)
	}
	var content breach.Content
	for _, l := range a.Templates.FilingLanguages(view.Obligation) {
		d, err := a.Templates.Filing(a.Templates.FormFor(view.Obligation), view, l)
		if err != nil {
			return Draft{}, faulty(err)
		}
		content.Renditions = append(content.Renditions, breach.Rendition{Language: l, Title: d.Title, Text: d.Text, HTML: d.HTML, Blocks: d.Blocks})
	}
	doc := store.Document{
		IncidentID: in.Incident, Kind: breach.DocFiling, Subject: in.Key, Author: p.facts.Author, Contributors: p.contributors(), FactsRev: p.facts.Rev,
		AnswersRev: p.answersRev, Stage: p.stage, Number: len(p.before) + 1,
	}
	if doc.Content, doc.Files, err = layOut(content, paperNumber(p), p.preparedAt()); err != nil {
		return Draft{}, faulty(err)
	}
	if doc, err = a.Store.AddDocument(ctx, doc); err != nil {
		return Draft{}, final(err)
	}
	return p.draft(doc), nil
}

// preparation is all that a report is drafted from.
type preparation struct {
	in         DraftFilingInput
	o          store.Obligation
	facts      store.FactRevision
	answers    []store.Answer
	answersRev int
	before     []store.Filing // accepted filings of the chain, oldest first
	stage      breach.Stage
	nothing    bool
}

func (a *Filings) prepare(ctx context.Context, in DraftFilingInput) (p preparation, err error) {
	p.in = in
	if p.o, err = a.Store.Obligation(ctx, in.Incident, in.Key); err != nil {
		return p, err
	}
	if p.facts, err = a.Store.Facts(ctx, in.Incident, 0); err != nil {
		return p, err
	}
	if p.answers, p.answersRev, err = a.Store.Answers(ctx, in.Incident, in.Key, 0); err != nil {
		return p, err
	}
	filings, err := a.Store.Filings(ctx, in.Incident)
	if err != nil {
		return p, err
	}
	for _, f := range filings {
		if f.State == "accepted" && f.Chain == p.o.Result.Chain() {
			p.before = append(p.before, f)
		}
	}
	slices.SortStableFunc(p.before, func(x, y store.Filing) int { return x.Number - y.Number })
	p.stage = p.o.Result.Stage
	if in.Stage != "" {
		p.stage = in.Stage
	}
	if p.stage == breach.StageSupplement && in.Stage != "" {
		p.nothing, err = a.nothingToSupplement(ctx, p)
	}
	return p, err
}

// nothingToSupplement reports that no supplement is called for: the chain has come to its end, the law has a duty of its own for
// it, or the report that was filed still says what is known.
func (a *Filings) nothingToSupplement(ctx context.Context, p preparation) (bool, error) {
	var last store.Filing
	for _, f := range p.before {
		if f.Stage == breach.StageFinal || f.Stage == breach.StageWithdrawal {
			return true, nil
		}
		if f.Obligation == p.in.Key {
			last = f
		}
	}
	if last.ID == "" {
		return true, nil
	}
	others, err := a.Store.Obligations(ctx, p.in.Incident)
	if err != nil {
		return false, err
	}
	for _, o := range others {
		if o.Key != p.in.Key && o.Result.Chain() == p.o.Result.Chain() && o.Result.Stage == breach.StageSupplement && o.Owed == breach.IsOwed && !o.Status.Ended() {
			return true, nil // the pack has a rule for it, with a clock of its own
		}
	}
	filed, err := a.Store.Document(ctx, last.Document)
	if err != nil {
		return false, err
	}
	for _, f := range p.before { // what another duty's report of the chain has said is said
		d, err := a.Store.Document(ctx, f.Document)
		if err != nil {
			return false, err
		}
		filed.FactsRev = max(filed.FactsRev, d.FactsRev)
	}
	return a.saysTheSame(ctx, p, filed)
}

// keep finds an approved version that the newest facts and answers do not change.
func (a *Filings) keep(ctx context.Context, p preparation) (Draft, bool, error) {
	current, err := a.Store.CurrentDocument(ctx, p.in.Incident, breach.DocFiling, p.in.Key)
	if errors.Is(err, store.ErrNotFound) || err == nil && (len(current.Approvers) == 0 || current.Stage != p.stage) {
		return Draft{}, false, nil
	}
	if err != nil {
		return Draft{}, false, err
	}
	same, err := a.saysTheSame(ctx, p, current)
	if err != nil || !same {
		return Draft{}, false, err
	}
	if err := a.Store.KeepDocument(ctx, current.ID, p.facts.Rev, p.answersRev); err != nil {
		return Draft{}, false, err
	}
	return p.draft(current), true, nil
}

// saysTheSame compares what a version said with what it would say now, both written by today's forms. Times, the progress of
// measures and of telling people are left out: they move by themselves.
func (a *Filings) saysTheSame(ctx context.Context, p preparation, old store.Document) (bool, error) {
	if old.FactsRev == p.facts.Rev && old.AnswersRev == p.answersRev {
		return true, nil
	}
	facts, err := a.Store.Facts(ctx, p.in.Incident, old.FactsRev)
	if err != nil {
		return false, err
	}
	var answers []store.Answer
	if old.AnswersRev > 0 {
		if answers, _, err = a.Store.Answers(ctx, p.in.Incident, p.in.Key, old.AnswersRev); err != nil {
			return false, err
		}
	}
	then, err := a.substance(ctx, p, facts, answers)
	if err != nil {
		return false, err
	}
	now, err := a.substance(ctx, p, p.facts, p.answers)
	return then == now, err
}

func (a *Filings) substance(ctx context.Context, p preparation, facts store.FactRevision, answers []store.Answer) (string, error) {
	o := p.o.Result
	o.DueAt, o.ClockAt, o.PolicyAt = nil, nil, nil
	v := templates.FilingView{
		Organisation: a.Organisation, Signer: a.signer(o.Authority), Incident: p.in.Incident, Obligation: o, Facts: a.Profile.Merge(facts.Facts),
		Answers: answered(answers), PreparedAt: time.Unix(0, 0).UTC(),
	}
	assessment, err := a.Store.AssessmentAsOf(ctx, p.in.Incident, facts.Rev)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	v.Severities = assessment.Severities
	var b strings.Builder
	for _, l := range a.Templates.FilingLanguages(o) {
		d, err := a.Templates.Filing(a.Templates.FormFor(o), v, l)
		if err != nil {
			return "", faulty(err)
		}
		b.WriteString(d.Text)
	}
	fmt.Fprint(&b, v.Answers[store.DelayItem]) // forms print it only where the report is late
	return b.String(), nil
}

func answered(answers []store.Answer) map[string]templates.Answer {
	m := map[string]templates.Answer{}
	for _, x := range answers {
		m[x.Item] = templates.Answer{Text: x.Text, NotApplicable: x.NotApplicable}
	}
	return m
}

// previous lists the reports that came before in the chain, with the numbers that the authority gave for them.
func (a *Filings) previous(ctx context.Context, p preparation) ([]templates.Previous, error) {
	receipts, err := a.Store.Receipts(ctx, p.in.Incident)
	if err != nil {
		return nil, err
	}
	var out []templates.Previous
	for _, f := range p.before {
		if f.OutcomeAt == nil {
			continue
		}
		number := ""
		if f.Channel == "http" || f.Channel == store.ByHand {
			number = f.Reference // a mail relay's or a folder's is none of the authority's
		}
		for _, r := range receipts {
			if r.Filing == f.ID && r.Number != "" {
				number = r.Number
			}
		}
		out = append(out, templates.Previous{Stage: f.Stage, Number: f.Number, At: *f.OutcomeAt, Receipt: number})
	}
	return out, nil
}

// contributors are those whose answers stand in the report, each once.
func (p preparation) contributors() []breach.Person {
	var people []breach.Person
	for _, x := range p.answers {
		if x.By != p.facts.Author && !slices.Contains(people, x.By) {
			people = append(people, x.By)
		}
	}
	slices.Sort(people)
	return people
}

// preparedAt is when the newest of what the report says was stated, so that the same statements give the same bytes.
func (p preparation) preparedAt() time.Time {
	at := p.facts.At
	for _, x := range p.answers {
		if x.At.After(at) {
			at = x.At
		}
	}
	return at.UTC()
}

// revision counts the reports of this stage to this authority.
func (p preparation) revision() int {
	n := 1
	for _, f := range p.before {
		if f.Stage == p.stage {
			n++
		}
	}
	return n
}

func (p preparation) draft(d store.Document) Draft {
	out := draftOf(d)
	out.AnswersRev, out.Voided = p.answersRev, d.Voided
	out.Explained = slices.ContainsFunc(p.answers, func(x store.Answer) bool { return x.Item == store.DelayItem })
	return out
}

func (a *Filings) view(ctx context.Context, p preparation) (templates.FilingView, error) {
	o := p.o.Result
	o.Stage = p.stage
	v := templates.FilingView{
		Organisation: a.Organisation, Signer: a.signer(o.Authority), Incident: p.in.Incident, Obligation: o, Revision: p.revision(),
		Facts: a.Profile.Merge(p.facts.Facts), Answers: answered(p.answers), PreparedAt: p.preparedAt(),
	}
	var err error
	if v.Previous, err = a.previous(ctx, p); err != nil {
		return v, err
	}
	assessment, err := a.Store.Assessment(ctx, p.in.Incident)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return v, err
	}
	v.Severities = assessment.Severities
	incident, err := a.Store.Incident(ctx, p.in.Incident)
	if err != nil {
		return v, err
	}
	v.Timeline = append(v.Timeline, templates.Entry{At: &incident.OpenedAt, Text: breach.Text{ZH: "立案，应急预案自动启动", EN: "Incident opened; the emergency plan began by itself"}})
	tasks, err := a.Store.Tasks(ctx, p.in.Incident, true)
	if err != nil {
		return v, err
	}
	for _, t := range tasks {
		if t.Kind == breach.TaskManualStep && t.Outcome != nil && *t.Outcome == "done" {
			v.Measures = append(v.Measures, templates.Entry{At: t.DoneAt, Text: t.Title})
		}
	}
	tally, err := a.Store.Tally(ctx, p.in.Incident)
	if err != nil {
		return v, err
	}
	if tally.Told+tally.Public > 0 {
		v.Tally = &tally
	}
	return v, nil
}
