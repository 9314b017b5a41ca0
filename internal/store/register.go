package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tocsin/internal/breach"
)

// The decisions of the register.
const (
	RegisterOpen    = "open"           // not decided yet
	RegisterFiled   = "notified"       // at least one report was filed
	RegisterNothing = "not_notifiable" // closed, and nothing was reported: two people agreed, with a reason
)

// RegisterEntry is one incident in the register that authorities ask to see, also one that nobody had to be told of.
type RegisterEntry struct {
	Incident   breach.IncidentID `json:"incident"`
	Title      string            `json:"title,omitempty"` // only where it was asked for
	OpenedAt   time.Time         `json:"opened_at"`
	OpenedBy   breach.Person     `json:"opened_by"`
	AwareAt    *time.Time        `json:"aware_at,omitempty"`
	ClosedAt   *time.Time        `json:"closed_at,omitempty"`
	Severities []RegisterLevel   `json:"severities"`
	Duties     []RegisterDuty    `json:"duties"`

	Decision  string          `json:"decision"`
	Reason    string          `json:"reason,omitempty"`    // of closing
	Author    breach.Person   `json:"author,omitempty"`    // who proposed to close
	Approvers []breach.Person `json:"approvers,omitempty"` // who agreed
}

// RegisterLevel is a severity on one scale.
type RegisterLevel struct {
	Scale breach.Text `json:"scale"`
	Level breach.Text `json:"level"` // empty where the scale gives none
}

// RegisterDuty is one duty of an incident in the register.
type RegisterDuty struct {
	Key        string           `json:"key"`
	Title      breach.Text      `json:"title"`
	Addressee  breach.Text      `json:"addressee"`
	Instrument breach.Text      `json:"instrument"`
	Article    breach.Text      `json:"article"`
	Duty       breach.Duty      `json:"duty"`
	Owed       breach.Owed      `json:"owed"`
	Status     ObligationStatus `json:"status"`
	DueAt      *time.Time       `json:"due_at,omitempty"`
	Deadline   breach.Text      `json:"deadline"`
	MetAt      *time.Time       `json:"met_at,omitempty"`
	Late       bool             `json:"late"`

	Why       []breach.Reason  `json:"why,omitempty"`       // why the law asks for it, as assessed
	Reason    string           `json:"reason,omitempty"`    // of a waiver; of a late report why it was late
	Authors   []breach.Person  `json:"authors,omitempty"`   // of what was filed, or of the waiver
	Approvers []breach.Person  `json:"approvers,omitempty"` // who approved it; the guard where it stood in
	Guarded   bool             `json:"guarded,omitempty"`   // the guard approved it, no person did
	Filings   []RegisterFiling `json:"filings,omitempty"`   // what was handed over, in order
}

// RegisterFiling is one report that was handed over.
type RegisterFiling struct {
	Stage          breach.Stage `json:"stage,omitempty"`
	Number         int          `json:"number"`
	FiledAt        *time.Time   `json:"filed_at,omitempty"`
	Channel        string       `json:"channel"`
	Receipt        string       `json:"receipt,omitempty"`
	AcknowledgedAt *time.Time   `json:"acknowledged_at,omitempty"`
	Late           bool         `json:"late"`
}

// Register returns every incident that was opened from an instant until before another, oldest first. The titles, which may name
// people, are opened only where titles is set.
func (s *Store) Register(ctx context.Context, from, to time.Time, titles bool) ([]RegisterEntry, error) {
	incidents, err := list[Incident](ctx, s.pool, `select `+incidentColumns+` from incident where opened_at >= $1 and opened_at < $2 order by no`, from, to)
	if err != nil {
		return nil, wrap("read register", err)
	}
	entries := make([]RegisterEntry, 0, len(incidents))
	for _, i := range incidents {
		e, err := s.registerEntry(ctx, i)
		if err != nil {
			return nil, err
		}
		if titles {
			e.Title = s.openTitle(ctx, i).Title
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (s *Store) registerEntry(ctx context.Context, i Incident) (RegisterEntry, error) {
	e := RegisterEntry{Incident: i.ID, OpenedAt: i.OpenedAt, OpenedBy: i.OpenedBy, ClosedAt: i.ClosedAt, Severities: []RegisterLevel{}, Duties: []RegisterDuty{}, Decision: RegisterOpen}
	facts, err := s.Facts(ctx, i.ID, 0)
	if err != nil {
		return e, err
	}
	if at, ok := facts.Facts.Time("aware_at"); ok {
		e.AwareAt = &at
	}
	switch a, err := s.Assessment(ctx, i.ID); {
	case err == nil:
		for _, sev := range a.Severities {
			e.Severities = append(e.Severities, RegisterLevel{sev.ScaleName, sev.LevelName})
		}
	case !errors.Is(err, ErrNotFound):
		return e, err
	}
	book, err := s.book(ctx, i.ID)
	if err != nil {
		return e, err
	}
	for _, o := range book.obligations {
		d, err := s.registerDuty(ctx, i.ID, o, book)
		if err != nil {
			return e, err
		}
		if len(d.Filings) > 0 {
			e.Decision = RegisterFiled
		}
		e.Duties = append(e.Duties, d)
	}
	if i.ClosedAt == nil {
		return e, nil
	}
	if e.Decision == RegisterOpen {
		e.Decision = RegisterNothing
	}
	return e, s.closedBy(ctx, &e, book)
}

// book is all that the register tells of one incident.
type book struct {
	obligations []Obligation
	filings     []Filing
	receipts    []Receipt
	documents   []Document
}

func (s *Store) book(ctx context.Context, id breach.IncidentID) (b book, err error) {
	if b.obligations, err = s.Obligations(ctx, id); err != nil {
		return b, err
	}
	if b.filings, err = s.Filings(ctx, id); err != nil {
		return b, err
	}
	if b.receipts, err = s.registerReceipts(ctx, id); err != nil {
		return b, err
	}
	b.documents, err = s.Documents(ctx, id, true, breach.DocFiling, breach.DocWaiver, breach.DocClosure)
	return b, err
}

// registerReceipts leaves out who took a report: the register tells of numbers and times.
func (s *Store) registerReceipts(ctx context.Context, id breach.IncidentID) ([]Receipt, error) {
	r, err := list[Receipt](ctx, s.pool, `
		select r.id, i.id as incident_id, f.obligation_key, r.filing_id, r.number, r.received_at, r.acknowledged, r.evidence_ids, r.by, r.at, r.who_sealed
		from filing_receipt r join filing f on f.id = r.filing_id join incident i on i.no = r.incident_no where i.id = $1 order by r.at, r.id`, id)
	return r, wrap("read register", err)
}

func (s *Store) registerDuty(ctx context.Context, id breach.IncidentID, o Obligation, b book) (RegisterDuty, error) {
	d := RegisterDuty{
		Key: o.Key, Title: o.Result.Title, Addressee: o.Result.Addressee, Instrument: o.Result.Instrument, Article: o.Result.ArticleIn, Duty: o.Duty, Owed: o.Owed,
		Status: o.Status, DueAt: o.DueAt, Deadline: o.Deadline, MetAt: o.MetAt, Late: o.Overdue, Why: o.Result.Why,
	}
	for _, f := range b.filings {
		if f.Obligation != o.Key || f.State != "accepted" {
			continue
		}
		d.Filings = append(d.Filings, b.filing(f))
		d.Late = d.Late || f.Late
		if i := slices.IndexFunc(b.documents, func(x Document) bool { return x.ID == f.Document }); i >= 0 {
			d.signed(b.documents[i])
		}
	}
	if d.Late && len(d.Filings) > 0 {
		answers, _, err := s.Answers(ctx, id, o.Key, 0)
		if err != nil && !erased(err) {
			return d, err
		}
		if i := slices.IndexFunc(answers, func(a Answer) bool { return a.Item == DelayItem }); i >= 0 {
			d.Reason = both(answers[i].Text, answers[i].NotApplicable)
		}
	}
	for _, x := range b.documents {
		if x.Kind == breach.DocWaiver && x.Subject == o.Key && x.Valid() {
			d.signed(x)
			var err error
			if d.Reason, err = s.reasonOf(ctx, x.ID); err != nil {
				return d, err
			}
		}
	}
	return d, nil
}

func (b book) filing(f Filing) RegisterFiling {
	out := RegisterFiling{Stage: f.Stage, Number: f.Number, FiledAt: f.OutcomeAt, Channel: f.Channel, Receipt: f.Reference, Late: f.Late}
	for _, r := range b.receipts {
		if r.Filing == f.ID && r.Number != "" {
			out.Receipt = r.Number // the authority's goes before a mail relay's
		}
		switch {
		case r.Filing != f.ID:
		case r.Acknowledged:
			out.AcknowledgedAt = &r.At
		case f.Channel == ByHand:
			out.FiledAt = &r.At
		}
	}
	return out
}

// signed adds who wrote and who approved a document.
func (d *RegisterDuty) signed(x Document) {
	for _, p := range append([]breach.Person{x.Author}, x.Contributors...) {
		if !slices.Contains(d.Authors, p) {
			d.Authors = append(d.Authors, p)
		}
	}
	for _, p := range x.Approvers {
		if !slices.Contains(d.Approvers, p) {
			d.Approvers = append(d.Approvers, p)
		}
		d.Guarded = d.Guarded || p == breach.Guard
	}
}

// closedBy adds who closed the incident and why.
func (s *Store) closedBy(ctx context.Context, e *RegisterEntry, b book) error {
	i := slices.IndexFunc(b.documents, func(d Document) bool { return d.Kind == breach.DocClosure && d.Valid() })
	if i < 0 {
		return nil
	}
	e.Author, e.Approvers = b.documents[i].Author, b.documents[i].Approvers
	var err error
	e.Reason, err = s.reasonOf(ctx, b.documents[i].ID)
	return err
}

// reasonOf is the reason that stands in a document; empty where the incident was erased.
func (s *Store) reasonOf(ctx context.Context, id breach.DocumentID) (string, error) {
	d, err := s.Document(ctx, id)
	if err != nil {
		if erased(err) {
			return "", nil
		}
		return "", err
	}
	var c breach.Content
	if json.Unmarshal(d.Content, &c) != nil {
		return "", nil // a document that is not text says no reason
	}
	return c.Reason, nil
}

func both(texts ...breach.Text) string {
	for _, t := range texts {
		switch {
		case t.ZH == t.EN || t.EN == "":
			if t.ZH != "" {
				return t.ZH
			}
		case t.ZH == "":
			return t.EN
		default:
			return t.ZH + " / " + t.EN
		}
	}
	return ""
}
