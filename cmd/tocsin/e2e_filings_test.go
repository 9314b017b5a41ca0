package main

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

// The chain of reports to the cyberspace administration, and what its counter gives for them.
const (
	cacInitial    = "cn-cac-other/cn-cac-provincial"
	cacSupplement = "cn-cac-supplement/cn-cac-provincial"
	cacFinal      = "cn-cac-final/cn-cac-provincial"
	cacReceipt    = "12387-2026-000042"
)

// office files reports as a company does: each authority takes them its own way, and somebody brings what goes by hand.
type office struct {
	*bench
	folder  string            // where one authority collects
	ways    map[string]string // authority -> way
	brought map[string]bool   // tasks whose report was handed over by hand
}

// An incident under four laws brings many duties at once. Each report goes out in time by its authority's own way, the chain to
// the cyberspace administration goes from the first report over a supplement to the final one, and the register shows it all.
func TestManyDutiesFiledByTheirOwnWays(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	aware := time.Now().UTC().Add(-20 * time.Minute).Truncate(time.Second)
	o.open()
	o.amend(incidentOfFourLaws(aware))
	o.answer(cacInitial, "place", "示例省示例市；某云服务商华北地域")
	o.answer(cacInitial, "cause", "一次例行变更把查询服务器的访问权限设置得过宽。")
	first := o.fileAll("the reports of the first hours", func(f api.FilingView) bool {
		return !slices.Contains([]string{cacSupplement, cacFinal}, f.Obligation.Key)
	})
	o.checkFirst(first)

	proof := o.keepPaper(cacInitial, "receipt.pdf", []byte("%PDF-1.7 a photo of the counter's slip"))
	o.receipt(api.ReceiptIn{Duty: cacInitial, Number: cacReceipt, At: time.Now().UTC(), Who: "属地省级网信部门值班室", Acknowledged: true, Evidence: []string{proof}})

	o.amend(breach.Facts{"people.total": int64(1_350_000), "filing.initial_incomplete": true, "information_available_at": time.Now().UTC().Truncate(time.Second)})
	o.answer(cacSupplement, "news", "日志分析表明，另有一个月度备份被读取。")
	o.fileAll("the supplement", func(f api.FilingView) bool { return f.Obligation.Key == cacSupplement })
	o.amend(breach.Facts{"handling_ended_at": time.Now().UTC().Truncate(time.Second)})
	o.answer(cacFinal, "lessons", "权限变更缺少复核，已改为双人审批。")
	o.fileAll("the final report", func(f api.FilingView) bool { return f.Obligation.Key == cacFinal })
	o.checkChain()
	o.checkRegister(aware, len(first))
}

func incidentOfFourLaws(aware time.Time) breach.Facts {
	return breach.Facts{
		"aware_at": aware, "occurred_at": aware.Add(-6 * time.Hour), "state": "confirmed", "kinds": []string{"leak"}, "data.personal": true,
		"data.categories": []string{"contact", "credentials", "name"}, "data.class": "general", "data.unintelligible": false,
		"people.total": int64(1_200_000), "people.minors": false, "harm.risk": "risk", "harm.avoided": false, "harm.serious_or_likely": true,
		"harm.interested": true, "harm.recovered": false, "crime.suspected": true, "crime.intrusion": true, "product.defect": false,
		"loss.direct_cny": int64(0), "judged.mi17_may_grow": false, "judged.mi17_other": "none",
	}
}

func startOffice(t *testing.T) *office {
	t.Helper()
	o := &office{bench: startBench(t, true, nil), folder: t.TempDir(), brought: map[string]bool{}}
	for i, f := range o.local.cfg.Organisation.Facts {
		switch name, _, _ := strings.Cut(f, "="); name {
		case "org.jurisdictions":
			o.local.cfg.Organisation.Facts[i] = "org.jurisdictions=CN,EU,GB,KR"
		case "org.miit_sector":
			o.local.cfg.Organisation.Facts[i] = "org.miit_sector=true"
		}
	}
	o.ways = map[string]string{
		"cn-cac-provincial": config.WayEmail, "cn-pi-department": config.WayHand, "cn-police": config.WayHand, "cn-telecom-authority": config.WayHTTP,
		"cn-miit-emergency-office": config.WayFolder, "cn-industry-regulator": config.WaySFTP, "eu-supervisory-authority": config.WayHTTP,
		"uk-ico": config.WayEmail, "kr-pipc": config.WaySFTP,
	}
	settings := map[string]map[string]any{
		config.WayHTTP:   {"url": o.local.stack.Inbox.PortalEndpoint(), "receipt_field": "receipt.number"},
		config.WayFolder: {"path": o.folder},
		config.WaySFTP:   o.sftpSettings(),
	}
	for i, a := range o.local.cfg.Authorities {
		way, ok := o.ways[a.Key]
		if !ok {
			continue
		}
		a.Way, a.Settings = way, settings[way]
		if way == config.WayHand {
			a.Email, a.Hotline, a.Portal = "", "12387", "https://report.authority.example"
		}
		o.local.cfg.Authorities[i] = a
	}
	o.serve(true)
	return o
}

func (o *office) sftpSettings() map[string]any {
	o.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		o.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		o.Fatal(err)
	}
	file := filepath.Join(o.TempDir(), "sftp.key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		o.Fatal(err)
	}
	host, port, err := net.SplitHostPort(o.local.stack.Inbox.SFTPAddr())
	if err != nil {
		o.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		o.Fatal(err)
	}
	return map[string]any{
		"host": host, "port": number, "username": "tocsin", "key_file": file, "host_key": o.local.stack.Inbox.SFTPHostKey(), "folder": "/incoming",
	}
}

func (o *office) answer(duty, item, zh string) {
	o.Helper()
	in := api.AnswersIn{Duty: duty, Answers: []api.AnswerIn{{Item: item, Text: breach.Text{ZH: zh}}}}
	if err := o.as[breach.RoleResponder].send(o.ctx, http.MethodPost, o.path("/filing/answers"), in, nil); err != nil {
		o.Fatal(err)
	}
}

func (o *office) receipt(in api.ReceiptIn) {
	o.Helper()
	if err := o.as[breach.RoleLead].send(o.ctx, http.MethodPost, o.path("/filing/receipt"), in, nil); err != nil {
		o.Fatal(err)
	}
}

// keepPaper hands a piece of evidence in, and reads it back as an auditor.
func (o *office) keepPaper(duty, name string, paper []byte) string {
	o.Helper()
	var kept store.Evidence
	header := http.Header{"Content-Disposition": {`attachment; filename="` + name + `"`}}
	query := url.Values{"kind": {"receipt"}, "duty": {duty}}
	if err := o.as[breach.RoleLead].do(o.ctx, http.MethodPost, o.path("/evidence?"+query.Encode()), bytes.NewReader(paper), "application/pdf", header, &kept); err != nil {
		o.Fatal(err)
	}
	back, err := o.as[breach.RoleAuditor].fetch(o.ctx, http.MethodGet, o.path("/evidence/"+kept.ID), nil, "", nil)
	if err != nil || !bytes.Equal(back, paper) {
		o.Errorf("the paper came back as %d bytes (%v)", len(back), err)
	}
	return kept.ID
}

func (o *office) filings() []api.FilingView {
	o.Helper()
	var list api.FilingList
	if err := o.as[breach.RoleManager].get(o.ctx, o.path("/filings"), &list); err != nil {
		o.Fatal(err)
	}
	return list.Filings
}

// fileAll lets the approver approve and the lead bring what goes by hand, until each owed report of those wanted was filed.
func (o *office) fileAll(what string, wanted func(api.FilingView) bool) (done []api.FilingView) {
	o.Helper()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		done = done[:0]
		open := 0
		for _, f := range o.filings() {
			r := f.Obligation.Result
			if f.Obligation.Owed != breach.IsOwed || r.CoveredBy != "" || !wanted(f) {
				continue
			}
			if f.Filing != nil && f.Filing.State == "accepted" {
				done = append(done, f)
			} else if r.Clock == "" || r.ClockAt != nil { // a clock that has not begun brings no report yet
				open++
			}
		}
		if open == 0 && len(done) > 0 {
			return done
		}
		for _, doc := range o.view().Awaiting {
			if doc.Kind != breach.DocFiling {
				continue
			}
			if err := o.decide(o.ctx, doc); err != nil {
				o.Fatal(err)
			}
		}
		o.bring()
		select {
		case <-look.C:
		case <-o.ctx.Done():
			o.Fatalf("waited in vain for %s%s\n%s", what, unfinished(o.view()), o.logs)
		}
	}
}

// bring hands over by hand what the machine cannot, and records what the counter gave. The task ends with it.
func (o *office) bring() {
	o.Helper()
	var list api.TaskList
	if err := o.as[breach.RoleManager].get(o.ctx, o.path("/tasks"), &list); err != nil {
		o.Fatal(err)
	}
	for _, t := range list.Tasks {
		if t.Kind != breach.TaskAddressee || o.brought[t.ID] {
			continue
		}
		o.brought[t.ID] = true
		photo := o.keepPaper(t.Ref, "slip.pdf", fmt.Appendf(nil, "%%PDF-1.7 slip %d", len(o.brought)))
		o.receipt(api.ReceiptIn{Duty: t.Ref, Number: fmt.Sprintf("COUNTER-%d", len(o.brought)), At: time.Now().UTC(), Who: "值班窗口", Evidence: []string{photo}})
	}
}

// checkFirst looks at the first reports: enough of them, in time, by the way of each authority, and what arrived is what was
// approved.
func (o *office) checkFirst(done []api.FilingView) {
	o.Helper()
	if len(done) < 8 {
		o.Errorf("%s, not 8 at least", plural(len(done), "report"))
	}
	used := map[string]bool{}
	for _, f := range done {
		way, want := f.Filing.Channel, o.ways[f.Obligation.Result.Authority]
		if way == store.ByHand {
			way = config.WayHand
		}
		if way != want {
			o.Errorf("%s went by %s, not by %s", f.Obligation.Key, way, want)
		}
		used[way] = true
		if due := f.Obligation.Result.DueAt; f.Filing.Late || due != nil && f.Filing.OutcomeAt.After(*due) {
			o.Errorf("%s was late", f.Obligation.Key)
		}
		o.checkArrived(f)
	}
	if len(used) != len(config.Ways) {
		o.Errorf("only these ways were used: %v", used)
	}
}

// checkArrived compares the files that arrived with those that were approved.
func (o *office) checkArrived(f api.FilingView) {
	o.Helper()
	got := o.arrivedFiles(f)
	if f.Filing.Channel == store.ByHand {
		if f.Filing.Reference == "" || len(f.Receipts) == 0 {
			o.Errorf("%s was handed over without a receipt", f.Obligation.Key)
		}
		return
	}
	approved := o.filesOf(f.Obligation.Key, f.Filing.Document)
	if len(approved) == 0 {
		o.Errorf("%s has no finished files", f.Obligation.Key)
	}
	for _, file := range approved {
		want, err := o.as[breach.RoleManager].fetch(o.ctx, http.MethodGet, "/v1/documents/"+string(f.Filing.Document)+"/files/"+file.Name, nil, "", nil)
		if err != nil {
			o.Fatal(err)
		}
		if !bytes.Equal(got[file.Name], want) {
			o.Errorf("%s: the file %s arrived with %d bytes, approved were %d", f.Obligation.Key, file.Name, len(got[file.Name]), len(want))
		}
	}
}

// filesOf lists the finished files of a version.
func (o *office) filesOf(duty string, id breach.DocumentID) []breach.File {
	o.Helper()
	var list api.VersionList
	if err := o.as[breach.RoleManager].get(o.ctx, o.path("/filing/versions?duty="+url.QueryEscape(duty)), &list); err != nil {
		o.Fatal(err)
	}
	for _, v := range list.Versions {
		if v.ID == id {
			return v.Files
		}
	}
	return nil
}

func (o *office) arrivedFiles(f api.FilingView) map[string][]byte {
	o.Helper()
	files := map[string][]byte{}
	if f.Filing.Channel == config.WayFolder {
		name := filepath.Join(o.folder, f.Obligation.Result.Authority+"-"+string(f.Filing.ID)+".zip")
		z, err := zip.OpenReader(name)
		if err != nil {
			o.Fatal(err)
		}
		defer z.Close()
		for _, entry := range z.File {
			r, err := entry.Open()
			if err != nil {
				o.Fatal(err)
			}
			if files[entry.Name], err = io.ReadAll(r); err != nil {
				o.Fatal(err)
			}
		}
		return files
	}
	for _, m := range o.local.stack.Inbox.Messages(inbox.Filter{ID: string(f.Filing.ID)}) {
		for _, a := range m.Attachments {
			files[a.Name] = a.Bytes
		}
	}
	return files
}

// checkChain reads the mails to the cyberspace administration: three, each naming those before it and what was given for them.
func (o *office) checkChain() {
	o.Helper()
	chain := o.local.stack.Inbox.Messages(inbox.Filter{Channel: inbox.ChannelEmail, To: "cn-cac-provincial@authority.example"})
	slices.Reverse(chain) // the newest comes first
	if len(chain) != 3 {
		for _, m := range chain {
			o.Log(m.Subject)
		}
		o.Fatalf("%s, not the first report, the supplement and the final one", plural(len(chain), "mail"))
	}
	for i, wants := range [][]string{
		{"首次报告", "地点：示例省示例市；某云服务商华北地域"},
		{"续报", "首次报告，回执编号 " + cacReceipt, "1,350,000 人", "另有一个月度备份被读取"},
		{"处置总结报告", "首次报告，回执编号 " + cacReceipt, "续报第 1 号", "权限变更缺少复核"},
	} {
		for _, want := range wants {
			if !strings.Contains(chain[i].Subject+"\n"+chain[i].Text, want) {
				o.Errorf("report %d of the chain lacks %q:\n%s", i+1, want, chain[i].Text)
			}
		}
	}
}

// checkRegister reads the incident's row as an auditor does.
func (o *office) checkRegister(aware time.Time, first int) {
	o.Helper()
	var register api.Register
	if err := o.as[breach.RoleAuditor].get(o.ctx, "/v1/register", &register); err != nil {
		o.Fatal(err)
	}
	if len(register.Entries) != 1 || register.Entries[0].Incident != o.incident || register.Entries[0].AwareAt == nil || !register.Entries[0].AwareAt.Equal(aware) {
		o.Fatalf("the register: %+v", register.Entries)
	}
	filed, receipts := map[string]store.RegisterDuty{}, 0
	for _, d := range register.Entries[0].Duties {
		if len(d.Filings) == 0 {
			continue
		}
		filed[d.Key] = d
		for _, f := range d.Filings {
			if f.Late || f.FiledAt == nil {
				o.Errorf("%s in the register: %+v", d.Key, f)
			}
			if f.Receipt != "" {
				receipts++
			}
		}
		if len(d.Authors) == 0 || len(d.Approvers) == 0 || slices.ContainsFunc(d.Approvers, func(p breach.Person) bool { return slices.Contains(d.Authors, p) }) {
			o.Errorf("%s was written by %v and approved by %v", d.Key, d.Authors, d.Approvers)
		}
	}
	if len(filed) < first+2 || receipts < 4 {
		o.Errorf("the register shows %d filed duties with %d receipts; filed were %d and two more of the chain", len(filed), receipts, first)
	}
	if f := filed[cacInitial].Filings; len(f) == 0 || f[0].Receipt != cacReceipt || f[0].AcknowledgedAt == nil {
		o.Errorf("the first report's receipt is not in the register: %+v", f)
	}
}
