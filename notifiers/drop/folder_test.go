package drop_test

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/drop"
	"tocsin/notifiers/notifytest"
)

func report() notifiers.Message {
	m := notifytest.Message(1, "cn-cac")
	m.Attachments = []notifiers.Attachment{{Name: "report-zh-CN.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 zh")}}
	return m
}

const final = "cn-cac-00000000000000000000c0ffee000001.zip"

func newFolder(t *testing.T, path string) *drop.Folder {
	t.Helper()
	cfg := drop.DefaultFolder()
	cfg.Path = path
	f, err := drop.NewFolder(cfg, notifytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func prepare(t *testing.T, n notifiers.Notifier, m notifiers.Message) notifiers.Wire {
	t.Helper()
	w, err := n.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func names(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestReportWithItsSumsAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	w := prepare(t, f, report())
	r, err := f.Send(t.Context(), w)
	if err != nil || r.Reference != final || !r.At.Equal(notifytest.Now()) {
		t.Fatalf("receipt %+v, %v", r, err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{final, final + ".sha256"}) {
		t.Fatalf("the folder holds %q", got)
	}
	content, err := os.ReadFile(filepath.Join(dir, final))
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := os.ReadFile(filepath.Join(dir, final+".sha256"))
	if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(content), final); string(sum) != want {
		t.Errorf("the sums say %q, want %q", sum, want)
	}
	checkBundle(t, filepath.Join(dir, final))
}

// checkBundle reads a report as its receiver would.
func checkBundle(t *testing.T, path string) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	contents := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		contents[f.Name], _ = io.ReadAll(r)
		_ = r.Close()
	}
	var m struct {
		ID    string
		Files []struct{ Name, SHA256 string }
	}
	if err := json.Unmarshal(contents["manifest.json"], &m); err != nil || m.ID != string(report().ID) || len(m.Files) != 2 {
		t.Fatalf("manifest %+v, %v", m, err)
	}
	for _, f := range m.Files {
		if got := fmt.Sprintf("%x", sha256.Sum256(contents[f.Name])); got != f.SHA256 {
			t.Errorf("%s: hash %s, the manifest says %s", f.Name, got, f.SHA256)
		}
	}
	if !strings.Contains(string(contents["message.txt"]), report().Text) {
		t.Error("message.txt lacks the text")
	}
}

func TestSameReportAgainIsTheSameReport(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	w := prepare(t, f, report())
	for range 2 {
		if _, err := f.Send(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("the folder holds %q", got)
	}
	if got, r, err := f.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Accepted || r.Reference != final {
		t.Errorf("ask: %s, %+v, %v", got, r, err)
	}
}

func TestAnothersContentIsNeverOverwritten(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	place := filepath.Join(dir, final)
	if err := os.WriteFile(place, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := prepare(t, f, report())
	_, err := f.Send(t.Context(), w)
	if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Permanent || e.Code != notifiers.CodeExists {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile(place); string(b) != "something else" {
		t.Error("it was overwritten")
	}
	if got, _, err := f.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Permanent {
		t.Errorf("ask: %s, %v", got, err)
	}
}

func TestWhatAskMayConclude(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	w := prepare(t, f, report())
	if got, _, err := f.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Unknown {
		t.Errorf("nothing there: %s, %v; the authority may have taken it away", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "."+final+".AAAAAAAA.part"), w.Body[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _, err := f.Ask(t.Context(), w, notifytest.Now()); err != nil || got != breach.Temporary {
		t.Errorf("only the unfinished file: %s, %v; it never had its name", got, err)
	}
	if _, err := f.Send(t.Context(), w); err != nil {
		t.Errorf("over an unfinished file: %v", err)
	}
	if got := names(t, dir); len(got) != 2 {
		t.Errorf("the folder holds %q", got)
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "not-mounted")
	f := newFolder(t, missing)
	if err := f.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("probe: %v", err)
	}
	_, err := f.Send(t.Context(), prepare(t, f, report()))
	if got := notifiers.OutcomeOf(err); got != breach.Temporary {
		t.Errorf("a folder that is not mounted: %v", err)
	}
	file := filepath.Join(t.TempDir(), "a-file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f = newFolder(t, file)
	_, err = f.Send(t.Context(), prepare(t, f, report()))
	if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Permanent || e.Code != notifiers.CodeNoAccess {
		t.Errorf("a file for a folder: %v", err)
	}
	if strings.Contains(err.Error(), "cn-cac") {
		t.Errorf("the error names the addressee: %v", err)
	}
}

func TestProbeLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	if err := newFolder(t, dir).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
}

func TestEndedContextHandsNothingOver(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Send(ctx, prepare(t, f, report())); notifiers.OutcomeOf(err) != breach.Temporary {
		t.Errorf("got %v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the folder holds %q", got)
	}
}

func TestManyAtOnceTheSameReportOnce(t *testing.T) {
	dir := t.TempDir()
	f := newFolder(t, dir)
	w := prepare(t, f, report())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := f.Send(t.Context(), w); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := names(t, dir); !slices.Equal(got, []string{final, final + ".sha256"}) {
		t.Errorf("the folder holds %q", got)
	}
	checkBundle(t, filepath.Join(dir, final))
}

func TestBundle(t *testing.T) {
	f := newFolder(t, t.TempDir())
	one, two := prepare(t, f, report()), prepare(t, newFolder(t, t.TempDir()), report())
	if one.SHA256() != two.SHA256() {
		t.Error("the same message gave other bytes")
	}
	for rule, change := range map[string]func(*notifiers.Message){
		"to leads out of the folder": func(m *notifiers.Message) { m.To = "../x" },
		"to is empty":                func(m *notifiers.Message) { m.To = "" },
		"another id":                 func(m *notifiers.Message) { m.ID = "x" },
		"a file like the manifest":   func(m *notifiers.Message) { m.Attachments[0].Name = "Manifest.json" },
		"a file in another folder":   func(m *notifiers.Message) { m.Attachments[0].Name = "a/b" },
	} {
		m := report()
		change(&m)
		if _, err := f.Prepare(m); notifiers.OutcomeOf(err) != breach.Permanent {
			t.Errorf("%s: %v", rule, err)
		}
	}
	m := report()
	m.Attachments[0].Bytes = make([]byte, 101<<20)
	if _, err := f.Prepare(m); notifiers.Reason(err).EN == "" {
		t.Errorf("101 MiB: %v", err)
	}
	if _, err := drop.NewFolder(drop.FolderConfig{Path: "relative"}, notifytest.Now); err == nil ||
		!strings.Contains(err.Error(), "path: ") || !strings.Contains(err.Error(), "max_bytes: ") {
		t.Errorf("faults come together: %v", err)
	}
}
