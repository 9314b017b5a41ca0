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
	Email        notifiers.Notifier
}

// Addressee is where an authority takes reports, as configured.
type Addressee struct {
	Name  string
	Email string
}

// FilingState is how a handing-over ended for the workflow.
type FilingState string

// The states. Those that wait for a person name the status that the obligation then has.
const (
	FiledAccepted FilingState = "accepted"
	FiledLater    FilingState = "temporary"    // certainly not arrived: again after a while
	FiledVoid     FilingState = "void"         // the approval is void: draft again
	FiledInDoubt  FilingState = "in_doubt"     // it may have arrived: a person finds out
	FiledBlocked  FilingState = "needs_person" // refused for good, or no address
)

// DraftFilingInput is the input of DraftFiling.
type DraftFilingInput struct {
	Incident breach.IncidentID `json:"incident"`
	Key      string            `json:"key"`
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

// FileReport hands an approved document over. The intent is written first; what is unclear, refused, or has no address
// becomes a person's task, because a report to an authority is never sent twice by a machine.
func (a *Filings) FileReport(ctx context.Context, in FileReportInput) (Filed, error) {
	defer beat(ctx, alive)()
	o, err := a.Store.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return Filed{}, final(err)
	}
	to, ok := a.Authorities[o.Result.Authority]
	if !ok || to.Email == "" {
		return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskAddressee, o)
	}
	d, err := a.Store.Document(ctx, in.Document)
	if err != nil {
		return Filed{}, final(err)
	}
	id, err := a.filingID(ctx, in)
	if err != nil {
		return Filed{}, final(err)
	}
	wire, err := a.wire(d, id, to)
	if err != nil {
		return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskRefused, o)
	}
	sum := wire.SHA256()
	row, err := a.Store.BeginFiling(ctx, store.Filing{
		ID: id, IncidentID: in.Incident, Obligation: in.Key, Document: in.Document, Channel: string(breach.Email),
	}, sum[:])
	if r, ok := errors.AsType[*store.Refused](err); ok && r.Code == "not_approved" {
		return Filed{State: FiledVoid}, nil
	}
	if err != nil {
		return Filed{}, final(err)
	}
	switch row.State {
	case "accepted":
		return Filed{State: FiledAccepted, Receipt: row.Reference}, nil
	case "in_doubt":
		return Filed{State: FiledInDoubt}, a.ask(ctx, in, breach.TaskInDoubt, o)
	}
	return a.attempt(ctx, in, o, row, wire)
}

// attempt makes the one attempt that an intent allows, and records what came of it even when the activity is cancelled.
func (a *Filings) attempt(ctx context.Context, in FileReportInput, o store.Obligation, row store.Filing, wire notifiers.Wire) (Filed, error) {
	receipt, sendErr := a.Email.Send(ctx, wire)
	outcome, code, after := notifiers.OutcomeOf(sendErr), "", time.Duration(0)
	if e, ok := errors.AsType[*notifiers.Error](sendErr); ok {
		code, after = e.Code, e.After
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
		return Filed{State: FiledLater, After: max(after, retryFiling(row.Tries))}, nil
	case breach.Permanent:
		return Filed{State: FiledBlocked}, a.ask(ctx, in, breach.TaskRefused, o)
	default:
		return Filed{State: FiledInDoubt}, a.ask(ctx, in, breach.TaskInDoubt, o)
	}
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

// wire makes the email of an approved document: its first rendition is what the authority reads, the others follow as
// attachments, so that exactly what was approved is what is sent.
func (a *Filings) wire(d store.Document, id breach.DeliveryID, to Addressee) (notifiers.Wire, error) {
	var c breach.Content
	if err := json.Unmarshal(d.Content, &c); err != nil || len(c.Renditions) == 0 || d.ApprovedAt == nil {
		return notifiers.Wire{}, errors.New("the document cannot be read, or is not approved")
	}
	first := c.Renditions[0]
	m := notifiers.Message{ID: id, Date: *d.ApprovedAt, To: to.Email, Language: first.Language, Subject: first.Title, Text: first.Text, HTML: first.HTML}
	for _, r := range c.Renditions[1:] {
		m.Attachments = append(m.Attachments, notifiers.Attachment{
			Name: "report-" + string(r.Language) + ".html", Type: "text/html; charset=utf-8", Bytes: []byte(r.HTML),
		})
	}
	return a.Email.Prepare(m)
}

// ask makes a person's task of a filing that the machine cannot finish.
func (a *Filings) ask(ctx context.Context, in FileReportInput, kind breach.TaskKind, o store.Obligation) error {
	to := o.Result.Addressee
	t := store.Task{IncidentID: in.Incident, Kind: kind, Ref: in.Key, OwnerRole: breach.RoleLead, DueAt: o.Result.Target()}
	switch kind {
	case breach.TaskAddressee:
		t.Title = breach.Text{ZH: "请人工报送：" + to.ZH, EN: "File by hand: " + to.EN}
		t.Detail = breach.Text{
			ZH: fmt.Sprintf("配置中没有“%s”的邮箱（authorities 中的 %s）。请按已批准的报告通过网站、热线或当面报送，再以回执编号结束本任务；或补充配置后以“未完成”结束，由系统报送。", to.ZH, o.Result.Authority),
			EN: fmt.Sprintf("The configuration has no address for %s (authorities: %s). Hand the approved report over by portal, hotline or in person and end this task with the receipt's number; or add the address and end it as not done, and the system files.", to.EN, o.Result.Authority),
		}
	case breach.TaskInDoubt:
		t.Title = breach.Text{ZH: "请核实是否已送达：" + to.ZH, EN: "Find out whether it arrived: " + to.EN}
		t.Detail = breach.Text{
			ZH: "报告已发出，但对方是否收到不明。系统不会重复报送。请向对方核实：已收到，以回执编号结束本任务；未收到，以“未完成”结束，系统将重新报送。",
			EN: "The report left, but whether it arrived is not known. The system will not file it again by itself. Ask the authority: if it arrived, end this task with the receipt's number; if not, end it as not done and the system files again.",
		}
	default:
		t.Title = breach.Text{ZH: "报送被拒绝：" + to.ZH, EN: "Filing refused: " + to.EN}
		t.Detail = breach.Text{
			ZH: "对方的邮件服务器拒绝了报告。请检查配置中的地址，或改用网站、热线或当面报送；已人工报送的，以回执编号结束本任务；地址已更正的，以“未完成”结束，系统将重新报送。",
			EN: "The authority's mail server refused the report. Check the address in the configuration, or hand the report over by portal, hotline or in person. Filed by hand: end this task with the receipt's number. Address corrected: end it as not done, and the system files again.",
		}
	}
	return final(a.Store.AddTask(ctx, t))
}
