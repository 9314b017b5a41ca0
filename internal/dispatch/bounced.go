package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/workflows"
)

// reopen tells a notice's reopening of bounces, and starts it where none runs. While the notice's own workflow is at it, the
// reopening finds nothing to do and ends: the notice does not end before it has looked again itself.
func (d *Dispatcher) reopen(ctx context.Context, id breach.IncidentID, n int) error {
	workflow := workflows.ReopeningWorkflowID(id, n)
	_, err := d.Engine.SignalWithStartWorkflow(ctx, workflow, workflows.SignalBounced, nil, client.StartWorkflowOptions{
		ID: workflow, TaskQueue: workflows.QueueIncident,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary:            fmt.Sprintf("Notice %d to affected people: those whose mail came back", n),
		TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.KeyIncident.ValueSet(string(id)), workflows.KeyKind.ValueSet("notice")),
	}, workflows.TypeReopening, workflows.ReopeningState{Incident: id, N: n, Settings: d.Settings})
	return err
}

// Folder brings the ledger into line with what came back about deliveries. Several may run at once.
type Folder struct {
	Store  *store.Store
	Policy store.ReturnPolicy
	Log    *slog.Logger
}

const (
	foldBatch = 500             // facts in one transaction
	foldPause = 2 * time.Second // so often is looked: a campaign hears of its bounces no oftener than this
)

// Run folds until ctx ends.
func (f *Folder) Run(ctx context.Context) error {
	policy := f.Policy
	policy.HeldTask = heldTask
	for {
		n, err := f.Store.FoldReturned(ctx, policy, foldBatch)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("fold what came back", "error", err)
		}
		if n == foldBatch {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(foldPause):
		}
	}
}

// heldTask names no domain: a small one may name a person.
var heldTask = store.Task{
	Kind: breach.TaskFinding, OwnerRole: breach.RoleLead,
	Title: breach.Text{ZH: "收件方域名拒收我方邮件", EN: "Mail domains refuse our mail"},
	Detail: breach.Text{
		ZH: "有域名因其策略（SPF、DKIM、DMARC、信誉或内容）退回了告知邮件，稍后自动再试；同一域名有多名收件人被退时，暂停向其发送。多次失败后，相关人员转用下一渠道。请与邮件管理员查明原因并修复，然后结束本任务。",
		EN: "Domains sent the notice back by their policy (SPF, DKIM, DMARC, reputation or content). It is tried again by itself, and a domain that did so to several recipients is held meanwhile; after several failures the people go on to their next channel. Find out why with whoever runs your mail, mend it, and end this task.",
	},
}
