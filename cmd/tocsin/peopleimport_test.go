package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/store"
)

// A dry run keeps the first issues only, and the file that they are written into says so.
func TestARejectsFileSaysThatItIsNotComplete(t *testing.T) {
	name := filepath.Join(t.TempDir(), "rejects.csv")
	answer := api.ImportAnswer{DryRun: true, Preview: &api.Preview{}, Numbered: true, More: 7, Reasons: map[string]int64{"masked": 28, "email": 1}}
	for range 22 {
		answer.Issues = append(answer.Issues, api.IssueView{ImportIssue: store.ImportIssue{Line: 2, Column: "手机", Reason: "masked"}})
	}
	var out bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetOut(&out)
	o := importOptions{view: viewOptions{output: "table", lang: "en"}, rejects: name, dryRun: true}
	if err := o.report(cmd, nil, "INC-2026-0001", nil, answer); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"22 issues were written", "That file is not complete", "there are 7 more", "Issues by reason: masked 28, email 1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	file, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(file, []byte("\xef\xbb\xbfline,column")) {
		t.Errorf("a spreadsheet program does not see that the file is UTF-8: %.20q, %v", file, err)
	}
}
