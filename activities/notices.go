package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// Notices prepares what people are told: the notice and the public notice.
type Notices struct {
	Store        *store.Store
	Templates    *templates.Set
	Organisation templates.Organisation
	FirstWave    WavePolicy
}

// Draft is a version of a document that waits for a second person.
type Draft struct {
	Document breach.DocumentID `json:"document"`
	Version  int               `json:"version"`
	Approved bool              `json:"approved,omitempty"` // this very version was approved before

	// Of filings.
	AnswersRev int  `json:"answers_rev,omitempty"` // newest revision of the answers that it says
	Explained  bool `json:"explained,omitempty"`   // it says why it is late
	Voided     bool `json:"voided,omitempty"`      // it made an approved version void
	Nothing    bool `json:"nothing,omitempty"`     // there is nothing to supplement
}

func draftOf(d store.Document) Draft {
	return Draft{Document: d.ID, Version: d.Version, Approved: d.ApprovedBy != nil}
}

// CountUntoldInput is the input of CountUntold.
type CountUntoldInput struct {
	Incident breach.IncidentID `json:"incident"`
}

// CountUntold counts recipients that no campaign has taken.
func (a *Notices) CountUntold(ctx context.Context, in CountUntoldInput) (int64, error) {
	n, err := a.Store.UncampaignedRecipients(ctx, in.Incident)
	return n, final(err)
}

// DraftNoticeInput is the input of DraftNotice.
type DraftNoticeInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
	Ladder   []breach.Channel  `json:"ladder"`
	Ask      int               `json:"ask,omitempty"` // of a supplementary notice: what a person asked for
}

// DraftNotice writes the notice under every law that asks for one, for every audience in every language, from the newest facts
// and what our people wrote. The same facts and words give the same document.
func (a *Notices) DraftNotice(ctx context.Context, in DraftNoticeInput) (Draft, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return Draft{}, err
	}
	campaign, err := a.addCampaign(ctx, in, templates.NewNoticeNumber(random))
	if err != nil {
		return Draft{}, final(err)
	}
	facts, err := a.Store.Facts(ctx, in.Incident, 0)
	if err != nil {
		return Draft{}, final(err)
	}
	view := a.view(in.Incident, facts.Facts)
	view.Number, view.Later = campaign.Number, in.Campaign > 1
	at := facts.At
	var contributors []breach.Person
	if in.Ask != 0 {
		ask, err := a.supplementing(ctx, in, &view)
		if err != nil {
			return Draft{}, final(err)
		}
		contributors = []breach.Person{ask.AskedBy}
		if ask.AskedAt.After(at) {
			at = ask.AskedAt
		}
	}
	words, err := a.Store.NoticeWords(ctx, in.Incident)
	if err != nil {
		return Draft{}, final(err)
	}
	say(&view, words.Words)
	needs, err := a.needs(ctx, in.Incident, facts.Facts)
	if err != nil {
		return Draft{}, final(err)
	}
	content, err := a.datedContent(ctx, in, view, needs, at)
	if err != nil {
		return Draft{}, err
	}
	return addDocument(ctx, a.Store, store.Document{
		IncidentID: in.Incident, Kind: breach.DocNotice, Subject: noticeSubject(in.Campaign), Author: facts.Author, FactsRev: facts.Rev,
		Contributors: contributors,
	}, content)
}

func noticeSubject(campaign int) string { return "notice/" + itoa(campaign) }

// datedContent writes the notice under the date of its newest facts. Where these change nothing that it says, it stays the same
// to the byte, with the date that it had: an approval is not lost to a calendar.
func (a *Notices) datedContent(ctx context.Context, in DraftNoticeInput, view templates.NoticeView, n needs, at time.Time) (breach.Content, error) {
	dated := func(at time.Time) (breach.Content, error) {
		view.IssuedAt = at
		renditions, err := a.renditions(view, n)
		if err != nil {
			return breach.Content{}, faulty(err)
		}
		return breach.Content{Renditions: renditions, IssuedAt: &at}, nil
	}
	earlier, err := a.Store.CurrentDocument(ctx, in.Incident, breach.DocNotice, noticeSubject(in.Campaign))
	if errors.Is(err, store.ErrNotFound) {
		return dated(at.UTC())
	}
	if err == nil {
		earlier, err = a.Store.Document(ctx, earlier.ID)
	}
	if err != nil {
		return breach.Content{}, final(err)
	}
	var was breach.Content
	if err := json.Unmarshal(earlier.Content, &was); err != nil || was.IssuedAt == nil {
		return dated(at.UTC())
	}
	same, err := dated(*was.IssuedAt)
	if err != nil {
		return breach.Content{}, err
	}
	b, err := json.Marshal(same)
	if err != nil || bytes.Equal(b, earlier.Content) {
		return same, err
	}
	return dated(at.UTC())
}

func (a *Notices) addCampaign(ctx context.Context, in DraftNoticeInput, number string) (store.Campaign, error) {
	if in.Ask != 0 {
		return a.Store.AddSupplement(ctx, in.Incident, in.Campaign, number, in.Ladder, in.Ask)
	}
	return a.Store.AddCampaign(ctx, in.Incident, in.Campaign, number, in.Ladder)
}

func (a *Notices) view(id breach.IncidentID, facts breach.Facts) templates.NoticeView {
	v := templates.NoticeView{Organisation: a.Organisation, Incident: id}
	v.State, _ = facts.Enum("state")
	v.Kinds, _ = facts.Set("kinds")
	v.Categories, _ = facts.Set("data.categories")
	v.OccurredAt, v.AwareAt, v.HeldUntil = instant(facts, "occurred_at"), instant(facts, "aware_at"), instant(facts, "delay.law_enforcement_until")
	return v
}

func instant(f breach.Facts, n breach.FactName) *time.Time {
	if t, ok := f.Time(n); ok {
		return &t
	}
	return nil
}

// faulty marks a text that cannot be made as it is: more facts or another template are needed, not another try.
func faulty(err error) error {
	if lint, ok := errors.AsType[*templates.LintError](err); ok {
		return temporal.NewNonRetryableApplicationError("the notice breaks a rule: "+lint.Error(), ErrTypeTexts, nil)
	}
	return temporal.NewNonRetryableApplicationError("the text cannot be made: "+err.Error(), ErrTypeTexts, nil)
}

func addDocument(ctx context.Context, s *store.Store, d store.Document, content any) (Draft, error) {
	var err error
	if d.Content, err = json.Marshal(content); err != nil {
		return Draft{}, err
	}
	if d, err = s.AddDocument(ctx, d); err != nil {
		return Draft{}, final(err)
	}
	return draftOf(d), nil
}

// rendition and noticeText carry a notice into a document and back.
func rendition(t templates.NoticeText) breach.Rendition {
	marks := breach.Marks(t.Marks)
	return breach.Rendition{
		Language: t.Language, Audience: t.Audience, Title: t.Subject, Text: t.Text, HTML: t.HTML, SMS: t.SMS,
		PushHead: t.PushTitle, Push: t.PushBody, Variables: t.Variables, Marks: &marks, Law: t.Law, Categories: t.Categories,
	}
}

func noticeText(r breach.Rendition) templates.NoticeText {
	t := templates.NoticeText{
		Language: r.Language, Audience: r.Audience, Subject: r.Title, Text: r.Text, HTML: r.HTML, SMS: r.SMS,
		PushTitle: r.PushHead, PushBody: r.Push, Variables: r.Variables, Law: r.Law, Categories: r.Categories,
	}
	if r.Marks != nil {
		t.Marks = templates.Marks(*r.Marks)
	}
	return t
}

// FreezeInput is the input of FreezeAudience.
type FreezeInput struct {
	Incident  breach.IncidentID `json:"incident"`
	Campaign  int               `json:"campaign"`
	Document  breach.DocumentID `json:"document"`
	ShardSize int               `json:"shard_size"`
}

// Frozen is a campaign's audience, cut into shards.
type Frozen struct {
	People int64   `json:"people"`
	Shards []Shard `json:"shards"`
	Waits  bool    `json:"waits,omitempty"` // not frozen: the notice that it supplements is still being sent
}

// Shard is a range of recipients, Lo inclusive, Hi exclusive.
type Shard struct {
	Shard int   `json:"shard"`
	Lo    int64 `json:"lo"`
	Hi    int64 `json:"hi"`
}

// FreezeAudience fixes who is told.
func (a *Notices) FreezeAudience(ctx context.Context, in FreezeInput) (Frozen, error) {
	defer beat(ctx, alive)()
	c, shards, err := a.Store.Freeze(ctx, in.Incident, in.Campaign, in.Document, max(1, in.ShardSize))
	if r, ok := errors.AsType[*store.Refused](err); ok && r.Code == store.StillSending {
		return Frozen{Waits: true}, nil
	}
	if err == nil { // what was found out after the approval was used
		err = lookForGaps(ctx, a.Store, in.Incident)
	}
	frozen := Frozen{People: c.Audience}
	for _, x := range shards {
		frozen.Shards = append(frozen.Shards, Shard(x))
	}
	return frozen, final(err)
}

// CountPeopleInput is the input of CountPeople.
type CountPeopleInput struct {
	Incident breach.IncidentID `json:"incident"`
}

// CountPeople brings people's states into line with the ledger and counts them.
func (a *Notices) CountPeople(ctx context.Context, in CountPeopleInput) (breach.Tally, error) {
	defer beat(ctx, alive)()
	t, err := a.Store.FoldPeople(ctx, in.Incident)
	return t, final(err)
}

// FinishCampaignInput is the input of FinishCampaign.
type FinishCampaignInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
}

// Finished says how a campaign stands when it was to end.
type Finished struct {
	Tally breach.Tally `json:"tally"`
	Again bool         `json:"again,omitempty"` // it did not end: a bounce took an outcome back meanwhile
}

// FinishCampaign ends a campaign and states as a fact how many people no channel reached: some laws ask for a public notice
// then.
func (a *Notices) FinishCampaign(ctx context.Context, in FinishCampaignInput) (Finished, error) {
	defer beat(ctx, alive)()
	t, err := a.Store.FoldPeople(ctx, in.Incident)
	if err != nil {
		return Finished{}, final(err)
	}
	if !t.Reconciles() {
		return Finished{}, temporal.NewNonRetryableApplicationError("the counts of people do not add up", ErrTypeRefused, nil, t)
	}
	finished, err := a.Store.FinishCampaign(ctx, in.Incident, in.Campaign)
	if err != nil || !finished {
		return Finished{Tally: t, Again: true}, final(err)
	}
	facts, err := a.Store.Facts(ctx, in.Incident, 0)
	if err != nil {
		return Finished{}, final(err)
	}
	// The author of the facts stays who stated them: a count is no statement of a person's.
	_, err = a.Store.AmendFacts(ctx, in.Incident, breach.Facts{"people.unreachable": t.Missed}, facts.Author, "counted when the notice had been sent")
	return Finished{Tally: t}, final(err)
}
