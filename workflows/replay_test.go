package workflows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"tocsin/internal/config"
	"tocsin/workflows"
)

// recorded returns the recorded histories; a check of none would prove nothing.
func recorded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(histories + "/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s (%v): go test ./workflows -run TestRecord -update", histories, err)
	}
	return files
}

func history(t *testing.T, file string) *historypb.History {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	h, err := client.HistoryFromJSON(bytes.NewReader(b), client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// An incident that began under yesterday's code must go on under today's. Where a recorded history does not replay any
// more, keep the old way behind workflow.GetVersion; do not record anew.
func TestRecordedHistoriesReplay(t *testing.T) {
	kinds := map[string]bool{}
	for _, file := range recorded(t) {
		kind, bad := filepath.Base(filepath.Dir(file)), strings.HasPrefix(filepath.Base(file), "bad-")
		kinds[kind] = true
		t.Run(kind+"/"+filepath.Base(file), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			switch err := replayer.ReplayWorkflowHistory(quiet(), history(t, file)); {
			case bad && err == nil:
				t.Error("a history that this code cannot have written replays: the check is blind")
			case !bad && err != nil:
				t.Error(err)
			}
		})
	}
	for _, kind := range []string{
		workflows.TypeIncident, workflows.TypePlan, workflows.TypeObligation, workflows.TypeCampaign, workflows.TypeShard, workflows.TypeReopening, workflows.TypePublicNotice, workflows.TypeFollowUp,
	} {
		if !kinds[kind] {
			t.Errorf("no history of %s is recorded", kind)
		}
	}
}

func TestReplayNoticesAChangedWorkflow(t *testing.T) {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(func(ctx workflow.Context, in workflows.ObligationState) error {
		if err := workflow.Sleep(ctx, time.Minute); err != nil { // one new command before all others
			return err
		}
		return workflows.Obligation(ctx, in)
	}, workflow.RegisterOptions{Name: workflows.TypeObligation})
	err := replayer.ReplayWorkflowHistory(quiet(), history(t, histories+"/Obligation/filed.json"))
	if err == nil || !strings.Contains(err.Error(), "TMPRL1100") {
		t.Errorf("a changed workflow replays with %v", err)
	}
}

// The chunks of the two recorded shards; see chunkedShards.
const (
	fewChunks  = 1
	manyChunks = 6
)

// A history has a limit and every event is a row in the engine's database, so events grow with chunks and never with
// people: with the default sizes at most 600 of a shard's events for a million recipients, when each of them has to be
// tried on every channel.
func TestShardsStayWithinTheirBudgetOfEvents(t *testing.T) {
	const million, most = 1_000_000, 600
	few := len(history(t, histories+"/NoticeShard/few-chunks.json").Events)
	many := len(history(t, histories+"/NoticeShard/many-chunks.json").Events)
	perChunk := (many - few) / (manyChunks - fewChunks)
	perShard := few - fewChunks*perChunk

	cfg := config.Default()
	shards := ceil(million, cfg.Policy.ShardSize)
	chunks := len(cfg.Ladder) * (ceil(cfg.Policy.ShardSize, cfg.Policy.ChunkSize) + 1) // and one that finds nothing left
	if total := shards * (perShard + chunks*perChunk); total > most {
		t.Errorf("%d shards of %d events, each with %d chunks of %d: %d events for a million recipients, at most %d", shards, perShard, chunks, perChunk, total, most)
	} else {
		t.Logf("%d events a shard, %d a chunk: %d for a million recipients", perShard, perChunk, total)
	}
}

func ceil(n, by int) int { return (n + by - 1) / by }
