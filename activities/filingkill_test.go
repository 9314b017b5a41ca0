package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/templates"
)

// dyingOrder tells this binary to be a worker that is killed; see [fileAndDie].
const dyingOrder = "TOCSIN_TEST_FILE_AND_DIE"

type order struct {
	URL, Key, SMTP string
	In             activities.FileReportInput
}

// dying hands a message to the real server, and is killed when the server has taken it, before anybody can write that down.
type dying struct{ notifiers.Notifier }

func (d dying) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	r, err := d.Notifier.Send(ctx, w)
	if err == nil {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
	return r, err
}

// fileAndDie is a worker in a process of its own. It returns only where it was not killed.
func fileAndDie(text string) int {
	var o order
	fail := func(err error) int { fmt.Fprintln(os.Stderr, err); return 3 }
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fail(err)
	}
	master, err := seal.OpenMasterFile(o.Key)
	if err != nil {
		return fail(err)
	}
	s, err := store.Open(context.Background(), o.URL, master, time.Now)
	if err != nil {
		return fail(err)
	}
	email, err := mailTo(o.SMTP)
	if err != nil {
		return fail(err)
	}
	f := &activities.Filings{
		Store: s, Templates: templates.Default(), Organisation: speaker(), Profile: profile(), Signer: templates.Signer{Name: "李示例", Phone: "010-00000000"},
		Authorities: map[string]activities.Addressee{"cn-cac-provincial": {Way: "email", To: "cac@authority.example", Via: dying{email}}},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(f.FileReport)
	_, err = env.ExecuteActivity(f.FileReport, o.In)
	return fail(fmt.Errorf("the worker lived: %w", err))
}

// The worker dies after the server took the report and before the record was written. The report is in doubt, nobody sends it
// again but a person, and it never reaches the authority twice.
func TestAWorkerKilledAfterTheServerTookTheReportLeavesItInDoubt(t *testing.T) {
	h := newHouse(t)
	f := h.filings("cac@authority.example")
	id, document := drafted(h, f)
	in := activities.FileReportInput{Incident: id, Key: cacDuty, Document: document}
	text, err := json.Marshal(order{URL: h.url, Key: h.key, SMTP: h.inbox.SMTPAddr(), In: in})
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	worker := exec.CommandContext(t.Context(), self)
	worker.Env = append(os.Environ(), dyingOrder+"="+string(text))
	out, err := worker.CombinedOutput()
	if status, ok := worker.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the worker was not killed: %v, %s", err, out)
	}
	received := func() int { return h.inbox.Count(inbox.Filter{Channel: inbox.ChannelEmail}) }
	if n := received(); n != 1 {
		t.Fatalf("the authority received %d reports before the kill, want 1", n)
	}
	for range 3 { // the engine tries again, on another worker
		if got, err := run[activities.Filed](h, f.FileReport, in); err != nil || got.State != activities.FiledInDoubt {
			t.Fatalf("after the kill: %+v, %v", got, err)
		}
	}
	if n := received(); n != 1 {
		t.Errorf("a machine sent it again: the authority received %d", n)
	}
	if got := h.taskKinds(id); got != "[filing_doubt]" {
		t.Errorf("tasks %s", got)
	}
	if _, err := h.store.RecordReceipt(t.Context(), store.Receipt{Incident: id, Key: cacDuty, Number: "2026-0815", At: time.Now(), Who: "duty desk", By: "li.wei"}); err != nil {
		t.Fatal(err)
	}
	if got, err := run[activities.Filed](h, f.FileReport, in); err != nil || got.State != activities.FiledAccepted || got.Receipt != "2026-0815" {
		t.Errorf("after the receipt: %+v, %v", got, err)
	}
	if n := received(); n != 1 {
		t.Errorf("the authority received %d reports", n)
	}
}
