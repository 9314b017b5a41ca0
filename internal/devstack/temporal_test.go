package devstack_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"tocsin/internal/devstack"
)

var keys = []temporal.SearchAttributeKey{
	temporal.NewSearchAttributeKeyKeyword("BreachPhase"),
	temporal.NewSearchAttributeKeyTime("BreachNextDeadline"),
}

func startTemporal(t *testing.T, o devstack.TemporalOptions) *devstack.Temporal {
	t.Helper()
	s, err := devstack.StartTemporal(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTemporalKeepsWorkflowsAndAttributesOverARestart(t *testing.T) {
	dir := t.TempDir()
	o := devstack.TemporalOptions{
		Dir: dir, DBFile: filepath.Join(dir, "temporal.db"), Namespace: "drill", UI: true, SearchAttributes: keys,
	}
	first := startTemporal(t, o)
	_, err := first.Client().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "incident/INC-1", TaskQueue: "none"}, "Incident")
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", strings.TrimPrefix(first.UIURL(), "http://")); err != nil {
		t.Errorf("the UI does not answer: %v", err)
	} else {
		conn.Close()
	}
	if err := first.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if conn, err := net.Dial("tcp", first.Address()); err == nil {
		conn.Close()
		t.Error("the server still answers after Close")
	}

	second := startTemporal(t, o)
	if _, err := second.Client().DescribeWorkflowExecution(t.Context(), "incident/INC-1", ""); err != nil {
		t.Errorf("the workflow is gone: %v", err)
	}
	list, err := second.Client().OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: "drill"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]enums.IndexedValueType{
		"BreachPhase": enums.INDEXED_VALUE_TYPE_KEYWORD, "BreachNextDeadline": enums.INDEXED_VALUE_TYPE_DATETIME,
	} {
		if got := list.CustomAttributes[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestTemporalSaysAtOnceThatItsPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = devstack.StartTemporal(t.Context(), devstack.TemporalOptions{
		Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port,
	})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("start on a taken port: %v", err)
	}
}

func TestTemporalNamesAMissingBinary(t *testing.T) {
	_, err := devstack.StartTemporal(t.Context(), devstack.TemporalOptions{Dir: t.TempDir(), Binary: "/nowhere/temporal"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/temporal") {
		t.Errorf("start with a missing binary: %v", err)
	}
}
