package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/templates"
)

// Filings drafts reports to authorities and hands approved ones over.
type Filings struct {
	Store        *store.Store
	Templates    *templates.Set
	Organisation templates.Organisation
	Signer       templates.Signer
	Profile      breach.Facts         // the organisation's, org.* facts
	Authorities  map[string]Addressee // by key
}

// Addressee is where an authority takes reports, as configured.
type Addressee struct {
	Name string
	Way  string             // email, http, folder, sftp; whatever else, a person hands the report over
	To   string             // the address that the way takes: an email address, the authority's key
	Via  notifiers.Notifier // nil where a person hands the report over

	Portal  string           // where a person types the report in
	Hotline string           // whom a person calls
	Signer  templates.Signer // who signs to this authority; the house's own where its name is empty
}

func (a Addressee) byHand() bool { return a.Via == nil || a.To == "" }

func (a *Filings) signer(authority string) templates.Signer {
	if s := a.Authorities[authority].Signer; s.Name != "" {
		return s
	}
	return a.Signer
}

// FilingState is how a handing-over ended for the workflow.
type FilingState string

// The states. Those that wait for a person name the status that the obligation then has.
const (
	FiledAccepted FilingState = "accepted"
	FiledLater    FilingState = "temporary"    // certainly not arrived: again after a while
	FiledVoid     FilingState = "void"         // the approval is void: draft again
	FiledInDoubt  FilingState = "in_doubt"     // it may have arrived: a person finds out
	FiledBlocked  FilingState = "needs_person" // refused for good, or by hand
	FiledHeld     FilingState = "held"         // a hold is in force: when it ends
	FiledUnsaid   FilingState = "unsaid"       // it is late and does not say why: draft again with the reason
)

// DraftFilingInput is the input of DraftFiling.
type DraftFilingInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	Stage    breach.Stage      `json:"stage,omitempty"` // a later report: supplement or withdrawal; empty takes the duty's own
}

// FileReportInput is the input of FileReport.
type FileReportInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
	Document breach.DocumentID `json:"document"`
}

// Filed is how a handing-over ended.
type Filed struct {
	State   FilingState   `json:"state"`
	Receipt string        `json:"receipt,omitempty"` // the other side's number
	After   time.Duration `json:"after,omitempty"`
}

// FileReport hands an approved document over, by the way that the settings give for its authority. The intent is written first;
// what is unclear, refused, or goes by hand becomes a person's task, because a report to an authority is never sent twice by a
// machine.
func (a *Filings) FileReport(ctx context.Context, in FileReportInput) (Filed, error) {
	defer beat(ctx, alive)()
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return Filed{}, final(err)
	}
	d, err := a.Store.Document(ctx, in.Document)
	if err != nil {
		return Filed{}, final(err)
	}
	to := a.Authorities[o.Result.Authority]
	if to.byHand() {
		return a.byHand(ctx, in, o, d)
	}
	id, err := a.filingID(ctx, in)
	if err != nil {
		return Filed{}, final(err)
	}
	wire, err := a.wire(ctx, d, id, to)
	if _, unfit := errors.AsType[*notifiers.Error](err); unfit {
		return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskRefused, o, d, err)
	}
	if err != nil {
		return Filed{}, final(err)
	}
	sum := wire.SHA256()
	row, err := a.Store.BeginFiling(ctx, store.Filing{
		ID: id, Document: in.Document, Channel: to.Way, Chain: o.Result.Chain(),
	}, sum[:])
	if r, ok := errors.AsType[*store.Refused](err); ok {
		if state, known := map[string]FilingState{"not_approved": FiledVoid, "held": FiledHeld, "late_reason": FiledUnsaid}[r.Code]; known {
			return Filed{State: state}, nil
		}
	}
	if err != nil {
		return Filed{}, final(err)
	}
	switch row.State {
	case "accepted":
		return Filed{State: FiledAccepted, Receipt: row.Reference}, nil
	case "in_doubt":
		return Filed{State: FiledInDoubt}, a.ask(ctx, in, breach.TaskInDoubt, o, d, nil)
	}
	return a.attempt(ctx, in, o, d, row, wire, to)
}

// attempt makes the one attempt that an intent allows, and records what came of it even when the activity is cancelled.
func (a *Filings) attempt(ctx context.Context, in FileReportInput, o store.Obligation, d store.Document, row store.Filing, wire notifiers.Wire, to Addressee) (Filed, error) {
	receipt, sendErr := to.Via.Send(ctx, wire)
	outcome, code, after, us := notifiers.OutcomeOf(sendErr), "", time.Duration(0), false
	if e, ok := errors.AsType[*notifiers.Error](sendErr); ok {
		code, after, us = e.Code, e.After, e.Against == notifiers.Us
		if refusedThere(e) {
			outcome = breach.Permanent
		}
	} else if receipt.Code != 0 {
		code = fmt.Sprint(receipt.Code)
	}
	ctx = context.WithoutCancel(ctx)
	if err := a.Store.FinishFiling(ctx, row.ID, outcome, code, receipt); err != nil {
		return Filed{}, final(err)
	}
	switch outcome {
	case breach.Accepted:
		return Filed{State: FiledAccepted, Receipt: receipt.Reference}, nil
	case breach.Temporary:
		if us { // it may pass by itself, but nobody should find out by the deadline
			if err := a.Store.AddTask(ctx, wayRefused(o, to, in, sendErr)); err != nil {
				return Filed{}, final(err)
			}
		}
		return Filed{State: FiledLater, After: max(after, retryFiling(row.Tries))}, nil
	case breach.Permanent:
		return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskRefused, o, d, sendErr)
	default:
		return Filed{State: FiledInDoubt}, a.ask(ctx, in, breach.TaskInDoubt, o, d, nil)
	}
}

// refusedThere reports a report that was refused when the other side had heard whom it is for: for a report, which is one of a
// kind, that is a person's to mend, also where it is against us.
func refusedThere(e *notifiers.Error) bool {
	return e.Against != "" && !ofRelay(e)
}

// retryFiling waits ten seconds at first and ten minutes at most: a law's clock runs.
func retryFiling(tries int) time.Duration {
	return min(10*time.Minute, 10*time.Second<<min(max(tries-1, 0), 6))
}

// filingID derives the id of the attempt that is due: a new one after each that was refused for good.
func (a *Filings) filingID(ctx context.Context, in FileReportInput) (breach.DeliveryID, error) {
	all, err := a.Store.Filings(ctx, in.Incident)
	if err != nil {
		return "", err
	}
	n := 0
	for _, f := range all {
		if f.Document == in.Document && f.State == "rejected" {
			n++
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "filing|%s|%s|%d", in.Incident, in.Document, n))
	return breach.DeliveryID(fmt.Sprintf("%x", sum[:16])), nil
}

// wire makes the message of an approved document: its first rendition is what the authority reads, the finished files that were
// stored with it are attached, so that exactly what was approved is what is sent.
func (a *Filings) wire(ctx context.Context, d store.Document, id breach.DeliveryID, to Addressee) (notifiers.Wire, error) {
	first, err := firstOf(d)
	if err != nil {
		return notifiers.Wire{}, err
	}
	m := notifiers.Message{ID: id, Date: d.At, To: to.To, Language: first.Language, Subject: first.Title, Text: first.Text, HTML: first.HTML}
	for _, f := range d.Files {
		f, err := a.Store.DocumentFile(ctx, d.ID, f.Name)
		if err != nil {
			return notifiers.Wire{}, err
		}
		m.Attachments = append(m.Attachments, notifiers.Attachment{Name: f.Name, Type: f.Type, Bytes: f.Bytes})
	}
	return to.Via.Prepare(m)
}

func firstOf(d store.Document) (breach.Rendition, error) {
	var c breach.Content
	if err := json.Unmarshal(d.Content, &c); err != nil || len(c.Renditions) == 0 {
		return breach.Rendition{}, fmt.Errorf("document %s cannot be read", d.ID)
	}
	return c.Renditions[0], nil
}

// byHand gives an approved report to a person to hand over. It looks at the approval first, as an intent would.
func (a *Filings) byHand(ctx context.Context, in FileReportInput, o store.Obligation, d store.Document) (Filed, error) {
	filings, err := a.Store.Filings(ctx, in.Incident)
	if err != nil {
		return Filed{}, final(err)
	}
	for _, f := range filings {
		if f.Document == in.Document && f.State == "accepted" {
			return Filed{State: FiledAccepted, Receipt: f.Reference}, nil
		}
	}
	if !d.Valid() {
		return Filed{State: FiledVoid}, nil
	}
	return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskAddressee, o, d, nil)
}

// ask makes a person's task of a filing that the machine cannot finish. The report's text goes with it, ready to paste.
func (a *Filings) ask(ctx context.Context, in FileReportInput, kind breach.TaskKind, o store.Obligation, d store.Document, why error) error {
	first, err := firstOf(d)
	if err != nil {
		return err
	}
	t := store.Task{IncidentID: in.Incident, Kind: kind, Ref: in.Key, OwnerRole: breach.RoleLead, DueAt: o.Due().Target(), Text: first.Text}
	t.Title, t.Detail = askWords(kind, o, a.Authorities[o.Result.Authority], in, why)
	return final(a.Store.AddTask(ctx, t))
}
