package api_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

// sendFile posts a file of people with parameters.
func (w *world) sendFile(id breach.IncidentID, query, kind string, file []byte) answer {
	return w.do(request{"POST", "/v1/incidents/" + string(id) + "/people" + query, w.tokens[breach.RoleResponder], string(file), map[string]string{"Content-Type": kind}})
}

func packed(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

func TestADryRunWritesNothingAndShowsNobody(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	const file = "会员,姓名,邮箱,手机号,出生日期,数据类别\nm-1,甲一,jia@example.com,13800138001,1990-01-02,name;phone\nm-2,乙二,yi@example,13800138002,2015-01-02,name\n坏\n"
	got := want[api.ImportAnswer](t, w.sendFile(id, "?dry_run=true&map=%E4%BC%9A%E5%91%98%3Dexternal_id&set=language%3Den", "text/csv", []byte(file)), http.StatusOK)
	v := got.Preview
	if !got.DryRun || got.RowsIn != 3 || got.SetAside != 1 || v == nil || v.People != 2 || v.Reachable != 2 || v.Ages["under_14"] != 1 || v.Languages["en"] != 2 || v.Categories["name"] != 2 {
		t.Fatalf("preview %+v of %+v", v, got.ImportResult)
	}
	if got.Reasons["email"] != 1 || got.Reasons["column_count"] != 1 || got.Columns[0].Field != "external_id" {
		t.Errorf("reasons %v, columns %v", got.Reasons, got.Columns)
	}
	if len(v.Sample) != 2 || v.Sample[0].Name != "甲***" || strings.Contains(fmt.Sprintf("%+v", v.Sample), "0013800") {
		t.Errorf("sample %+v", v.Sample)
	}
	for _, table := range []string{"people_import", "recipient", "import_reject"} {
		var n int
		if err := w.db(`select count(*) from `+table, &n); err != nil || n != 0 {
			t.Errorf("%d rows in %s, %v", n, table, err)
		}
	}
}

// Half a year after it happened, a child of that day still counts as one.
func TestChildrenAreCountedOnTheIncidentsDay(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	now := time.Now()
	file := []byte("姓名,邮箱,出生日期\n甲一,jia@example.com," + now.AddDate(-14, -3, 0).Format(time.DateOnly) + "\n")
	for _, c := range []struct {
		facts string
		want  int64
	}{
		{`{}`, 0},
		{`{"occurred_at":"` + now.AddDate(0, -6, 0).UTC().Format(time.RFC3339) + `"}`, 1},
	} {
		if c.facts != "{}" {
			w.patch(id, `{"facts":`+c.facts+`,"why":"the logs say so"}`)
		}
		got := want[api.ImportAnswer](t, w.sendFile(id, "?dry_run=true", "text/csv", file), http.StatusOK)
		if got.Preview.Ages["under_14"] != c.want || got.Preview.Ages["under_14"]+got.Preview.Ages["minor_14_17"] != 1 {
			t.Errorf("with %s: %v", c.facts, got.Preview.Ages)
		}
	}
}

func TestEveryFormatIsTakenByItsBytes(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	const line = `{"name":"甲一","email":"jia@example.com","birth_date":"1990-01-02"}` + "\n"
	got := want[api.ImportAnswer](t, w.sendFile(id, "", "application/octet-stream", packed(line)), http.StatusCreated)
	if got.Format != "NDJSON" || got.Packing != "gzip" || got.PeopleNew != 1 {
		t.Errorf("answer %+v", got)
	}
	again := want[api.ImportAnswer](t, w.sendFile(id, "", "text/csv", []byte("姓名,邮箱,出生日期\n甲一,jia@example.com,1990/1/2\n")), http.StatusCreated)
	if again.PeopleNew != 0 || again.PeopleKnown != 1 {
		t.Errorf("the same person in another format: %+v", again.ImportResult)
	}
}

func TestGuardiansOfASecondFile(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, text := range map[string]string{"guardians": "学号,姓名,手机号\nx,y,z\n"} {
		p, err := parts.CreateFormFile(name, name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write([]byte(text)) // a buffer takes everything
	}
	_ = parts.Close()
	refused(t, w.sendFile(id, "", parts.FormDataContentType(), body.Bytes()), 422, "file") // whose guardians?

	send := func(guardians, people string) answer {
		var body bytes.Buffer
		parts := multipart.NewWriter(&body)
		for _, part := range [][2]string{{"guardians", guardians}, {"people", people}} {
			p, err := parts.CreateFormFile(part[0], part[0])
			if err != nil {
				t.Fatal(err)
			}
			_, _ = p.Write([]byte(part[1])) // a buffer takes everything
		}
		_ = parts.Close()
		return w.sendFile(id, "", parts.FormDataContentType(), body.Bytes())
	}
	got := want[api.ImportAnswer](t, send("用户ID,姓名,手机号\ns1,甲母,13800138001\ns1,甲父,13800138002\ns2,甲母,13800138001\ns9,无主,13800138009\ns3,丙父,123\n",
		"用户ID,姓名,邮箱,出生日期\ns1,甲一,,2015-01-02\ns2,甲二,,2016-01-02\ns3,丙三,,2016-01-02\n"), http.StatusCreated)
	if got.RowsIn != 3 || got.PeopleNew != 3 || got.Guardians != 4 || got.Reasons["guardian_of_nobody"] != 1 || got.Reasons["guardian_without_contact"] != 1 {
		t.Errorf("answer %+v, reasons %v", got.ImportResult, got.Reasons)
	}
	if got.Tally.Minors != 3 || !got.Tally.Reconciles() {
		t.Errorf("tally %+v", got.Tally)
	}
	var n int
	if err := w.db(`select count(*) from recipient r join cohort c on c.incident_no = r.incident_no and c.no = r.cohort where c.role = 'guardian'`, &n); err != nil || n != 4 { // one of them unknown
		t.Errorf("%d guardians to tell, %v", n, err)
	}
}

func TestWhatIsSaidOfAFileIsChecked(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	file := []byte("姓名,邮箱\n甲,a@example.com\n")
	for _, query := range []string{"?dryrun=true", "?dry_run=perhaps", "?encoding=klingon", "?map=x", "?map=x%3Dshoe", "?set=email%3Da", "?set=language%3Dtlh", "?key=name"} {
		refused(t, w.sendFile(id, query, "text/csv", file), 400, "malformed")
	}
	refused(t, w.sendFile(id, "?map=x%3Dphone", "text/csv", file), 422, "file")
	refused(t, w.sendFile(id, "", "multipart/form-data; boundary=x", file), 400, "malformed")
	refused(t, w.sendFile(id, "", "application/octet-stream", []byte("PAR1\x00\x00\x00\x00PAR1")), 422, "file")
	refused(t, w.sendFile(id, "", "text/csv", []byte(strings.Repeat("x", 8<<20))), 422, "file") // the answer arrives although much was not read
}

// A packed file that is cut is damaged, and its rows before the cut stand: the answer says so.
func TestADamagedFileSaysWhatWasRead(t *testing.T) {
	const rows = 3000 // long ones: more than is looked at before the first is written
	w := newWorld(t)
	id := w.openIncident()
	var text strings.Builder
	text.WriteString("用户ID,姓名,邮箱,出生日期,备注\n")
	for i := range rows {
		fmt.Fprintf(&text, "u%06d,测试%d,p%d@example.com,1990-01-02,%s\n", i, i, i, fmt.Sprintf("%0800d", i*i*7919))
	}
	whole := packed(text.String())
	p := refused(t, w.sendFile(id, "", "application/gzip", whole[:len(whole)*9/10]), 422, "damaged")
	if !strings.Contains(p.Next, "send the whole of it again") {
		t.Errorf("next %q", p.Next)
	}
	got := want[api.ImportAnswer](t, w.sendFile(id, "", "application/gzip", whole), http.StatusCreated)
	if got.Tally.Affected != rows || got.RowsIn != rows {
		t.Errorf("answer %+v", got.ImportResult)
	}
}

func TestIssuesComeInWordsAndByWholeLines(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	var text strings.Builder
	text.WriteString("姓名,邮箱,手机号,出生日期\n")
	for range 400 {
		text.WriteString("甲,a@,1,x\n") // five warnings each
	}
	got := want[api.ImportAnswer](t, w.upload(id, []byte(text.String())), http.StatusCreated)
	all := map[int64]int{}
	for after := int64(0); ; {
		page := want[api.IssueList](t, w.as(breach.RoleLead, "GET", fmt.Sprintf("/v1/incidents/%s/people/issues?import=%d&after=%d", id, got.No, after), ""), 200)
		for _, i := range page.Issues {
			all[i.Line]++
			if i.Text == nil || i.Text.ZH == "" || i.Column != "" && !strings.Contains(i.Text.EN, i.Column) {
				t.Fatalf("issue without words: %+v", i)
			}
		}
		if after = page.After; after == 0 {
			break
		}
	}
	if len(all) != 400 {
		t.Errorf("%d lines", len(all))
	}
	for line, n := range all {
		if n != int(got.Warnings/400) {
			t.Errorf("line %d has %d issues of %d", line, n, got.Warnings/400)
		}
	}
}
