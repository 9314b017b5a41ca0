package main

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdkpb "go.temporal.io/api/sdk/v1"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/document"
	"tocsin/internal/store"
	"tocsin/workflows"
)

// A deadline reads the same for whoever types a command, opens the engine's page or holds the paper: in the authority's zone,
// and in UTC beside it. This machine's own zone plays no part.
func TestADeadlineReadsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	b := startBench(t, true, nil)
	b.serve(true)
	aware := time.Now().UTC().Add(-25 * time.Minute).Truncate(time.Second)
	b.open()
	b.amend(breach.Facts{
		"aware_at": aware, "state": "confirmed", "data.personal": true, "data.categories": []string{"contact", "name"}, "data.class": "general",
		"people.total": int64(1_200_000), "crime.suspected": false, "org.jurisdictions": []string{"CN", "EU"}, "harm.risk": "risk",
	})
	for rule, zone := range map[breach.RuleID]string{"cn-cac-other": "Asia/Shanghai", "eu-33-authority": "Europe/Brussels"} {
		o := obligationOf(b.view(), rule)
		if o == nil || o.Owed != breach.IsOwed || o.DueAt == nil || o.Result.Zone != zone {
			t.Fatalf("%s is %+v; want it owed, with an instant in %s", rule, o, zone)
		}
		says := map[breach.Language]string{}
		for _, l := range []breach.Language{breach.Chinese, breach.English} {
			says[l] = breach.Instant(*o.DueAt, zone, l)
			b.commandLineSays(o.Key, says[l], l)
		}
		for _, id := range []string{workflows.IncidentWorkflowID(b.incident), workflows.ObligationWorkflowID(b.incident, o.Key)} {
			b.eventually("the page of "+id+" to say "+says[breach.English], func() bool { return strings.Contains(b.enginePage(id), says[breach.English]) })
		}
		b.paperSays(o.Key, says)
	}
}

// commandLineSays reads what incident show and filing list print.
func (b *bench) commandLineSays(key, deadline string, l breach.Language) {
	b.Helper()
	var list api.FilingList
	if err := b.as[breach.RoleManager].get(b.ctx, b.path("/filings"), &list); err != nil {
		b.Fatal(err)
	}
	list.Filings = slices.DeleteFunc(list.Filings, func(f api.FilingView) bool { return f.Obligation.Key != key })
	v := b.view()
	v.Obligations = slices.DeleteFunc(v.Obligations, func(o store.Obligation) bool { return o.Key != key })
	for command, show := range map[string]func(*page){
		"incident show": func(p *page) { p.incident(v) },
		"filing list":   func(p *page) { p.filings(list, true) },
	} {
		var out bytes.Buffer
		p := newPage(&out, l)
		p.width = 200 // columns do not fold what is compared
		show(p)
		if err := p.flush(); err != nil {
			b.Fatal(err)
		}
		if !strings.Contains(out.String(), deadline) {
			b.Errorf("tocsin %s in %s does not say %q:\n%s", command, l, deadline, out.String())
		}
	}
}

// enginePage is what the Temporal UI shows at the top of a workflow.
func (b *bench) enginePage(id string) string {
	v, err := b.local.stack.Temporal.Client().QueryWorkflow(b.ctx, id, "", "__temporal_workflow_metadata")
	if err != nil {
		return ""
	}
	var m sdkpb.WorkflowMetadata
	if err := v.Get(&m); err != nil {
		b.Fatal(err)
	}
	return m.CurrentDetails
}

// paperSays reads the report that was drafted: its text, its PDF and its DOCX, in each of its languages.
func (b *bench) paperSays(key string, says map[breach.Language]string) {
	b.Helper()
	var doc api.DocumentView
	b.eventually("the report of "+key, func() bool {
		for _, d := range b.view().Awaiting {
			if d.Kind == breach.DocFiling && d.Subject == key {
				return b.as[breach.RoleApprover].get(b.ctx, "/v1/documents/"+url.PathEscape(string(d.ID)), &doc) == nil
			}
		}
		return false
	})
	if len(doc.Content.Renditions) == 0 {
		b.Errorf("the report of %s has no text", key)
	}
	for _, r := range doc.Content.Renditions {
		p := document.Paper{
			Title: r.Title, Language: r.Language, Blocks: r.Blocks, SHA256: hex.EncodeToString(doc.SHA256[:]), Number: string(b.incident), Date: doc.At,
		}
		for form, text := range map[string]string{"text": r.Text, "HTML": r.HTML, "PDF": b.pdfText(p), "DOCX": b.docxText(p)} {
			if !strings.Contains(joinedUp(text), joinedUp(says[r.Language])) {
				b.Errorf("the report of %s in %s does not say %q in its %s", key, r.Language, says[r.Language], form)
			}
		}
	}
}

func joinedUp(s string) string { return strings.Join(strings.Fields(s), "") }

func (b *bench) pdfText(p document.Paper) string {
	b.Helper()
	file, err := document.PDF(p)
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Join(b.TempDir(), "report.pdf")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.CommandContext(b.ctx, "pdftotext", "-raw", "-enc", "UTF-8", name, "-").Output()
	if err != nil {
		b.Fatalf("pdftotext (make needs installs it): %v", err)
	}
	return string(out)
}

func (b *bench) docxText(p document.Paper) string {
	b.Helper()
	file, err := document.DOCX(p)
	if err != nil {
		b.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	part, err := z.Open("word/document.xml")
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for d := xml.NewDecoder(part); ; {
		token, err := d.Token()
		if err == io.EOF {
			return text.String()
		}
		if err != nil {
			b.Fatal(err)
		}
		if chars, ok := token.(xml.CharData); ok {
			text.Write(chars)
		}
	}
}
