package activities

import (
	"context"
	"errors"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// DraftFiling writes the report that a duty asks for from the newest facts, Chinese and English. Its author is who stated
// those facts, so that another person must approve it. The same facts give the same document.
func (a *Filings) DraftFiling(ctx context.Context, in DraftFilingInput) (Draft, error) {
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return Draft{}, final(err)
	}
	facts, err := a.Store.Facts(ctx, in.Incident, 0)
	if err != nil {
		return Draft{}, final(err)
	}
	view, err := a.view(ctx, in.Incident, o, facts)
	if err != nil {
		return Draft{}, final(err)
	}
	var content breach.Content
	for _, l := range a.Templates.FilingLanguages(o.Result) {
		d, err := a.Templates.Filing(a.Templates.FormFor(o.Result), view, l)
		if err != nil {
			return Draft{}, faulty(err)
		}
		content.Renditions = append(content.Renditions, breach.Rendition{Language: l, Title: d.Title, Text: d.Text, HTML: d.HTML, Blocks: d.Blocks})
	}
	return addDocument(ctx, a.Store, store.Document{
		IncidentID: in.Incident, Kind: breach.DocFiling, Subject: in.Key, Author: facts.Author, FactsRev: facts.Rev,
	}, content)
}

func (a *Filings) view(ctx context.Context, id breach.IncidentID, o store.Obligation, facts store.FactRevision) (templates.FilingView, error) {
	v := templates.FilingView{
		Organisation: a.Organisation, Signer: a.Signer, Incident: id, Obligation: o.Result, Facts: a.Profile.Merge(facts.Facts), PreparedAt: facts.At,
	}
	assessment, err := a.Store.Assessment(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return v, err
	}
	v.Severities = assessment.Severities
	incident, err := a.Store.Incident(ctx, id)
	if err != nil {
		return v, err
	}
	v.Timeline = append(v.Timeline, templates.Entry{At: &incident.OpenedAt, Text: breach.Text{ZH: "立案，应急预案自动启动", EN: "Incident opened; the emergency plan began by itself"}})
	tasks, err := a.Store.Tasks(ctx, id, true)
	if err != nil {
		return v, err
	}
	for _, t := range tasks {
		if t.Kind == breach.TaskManualStep && t.Outcome != nil && *t.Outcome == "done" {
			v.Measures = append(v.Measures, templates.Entry{At: t.DoneAt, Text: t.Title})
		}
	}
	tally, err := a.Store.Tally(ctx, id)
	if err != nil {
		return v, err
	}
	if tally.Told+tally.Public > 0 {
		v.Tally = &tally
	}
	return v, nil
}
