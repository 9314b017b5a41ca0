package intake_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
)

// The files that are no source's.
var machinery = []string{"hints.go", "intake.go", "json.go"}

func TestEverySourceIsListedAndHasPayloads(t *testing.T) {
	var listed []string
	for _, s := range intake.Sources() {
		listed = append(listed, s.Name+".go")
		if s.Title == "" || s.Parse == nil {
			t.Errorf("%s: the list has no title or no parser", s.Name)
		}
		payloads, err := filepath.Glob(filepath.Join("testdata", s.Name, "*.json"))
		if err != nil || len(payloads) == 0 {
			t.Errorf("testdata/%s holds no captured payload", s.Name)
		}
		for _, name := range payloads {
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			batch, err := s.Parse(body)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, a := range batch.Alerts {
				if a.Source != s.Name || !strings.HasPrefix(a.Fingerprint, s.Name+":") || a.Title == "" || len(a.Payload) == 0 {
					t.Errorf("%s: alert lacks source, fingerprint, title or payload: %+v", name, a)
				}
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, "_test.go") || slices.Contains(machinery, f)
	})
	if diff := cmp.Diff(files, listed); diff != "" {
		t.Errorf("files of sources and intake.Sources differ:\n%s", diff)
	}
}

func parse(t *testing.T, file string) intake.Batch {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "alertmanager", file))
	if err != nil {
		t.Fatal(err)
	}
	batch, err := intake.Sources()[0].Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func TestAlertmanagerAlerts(t *testing.T) {
	got := parse(t, "firing-and-resolved.json")
	want := intake.Batch{Alerts: []breach.Alert{
		{
			Source: "alertmanager", Fingerprint: "alertmanager:9b0a1f3c5d7e2468",
			Title:    "客户表被批量导出 (bulk export of the customer table)",
			StartsAt: time.Date(2026, 11, 21, 3, 10, 12, 345e6, time.UTC),
			Hints:    breach.Facts{"data.personal": true, "kinds": []string{"leak"}, "people.total": int64(1200)},
		},
		{
			Source: "alertmanager", Fingerprint: "alertmanager:c1d2e3f405162738", Title: "CredentialStuffing",
			StartsAt: time.Date(2026, 11, 21, 2, 58, 0, 0, time.UTC), Resolved: true, Hints: breach.Facts{},
		},
	}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(breach.Alert{}, "Payload")); diff != "" {
		t.Error(diff)
	}
}

func TestAMisspeltHintCostsNothingButAWarning(t *testing.T) {
	got := parse(t, "truncated-with-misspelt-hints.json")
	if diff := cmp.Diff(breach.Facts{"state": "confirmed"}, got.Alerts[0].Hints); diff != "" {
		t.Error(diff)
	}
	wantWarnings := []string{
		"alerts[0].labels.tocsin_org_cii_involved: no fact has this label; tocsin facts new lists them, with _ for each dot",
		"alerts[0].labels.tocsin_people_total: left out: people.total must be a whole number, not negative (people)",
		"alerts[0].labels.tocsin_people_totl: no fact has this label; tocsin facts new lists them, with _ for each dot",
		"truncatedAlerts: Alertmanager left 7 alerts out; raise max_alerts in its webhook_config to see them",
	}
	if diff := cmp.Diff(wantWarnings, got.Warnings); diff != "" {
		t.Error(diff)
	}
	if !got.Alerts[0].StartsAt.IsZero() {
		t.Error("the zero time was taken for an instant")
	}
}

func TestWithoutAFingerprintTheLabelsDecide(t *testing.T) {
	body := func(labels string) []byte {
		return []byte(`{"version":"4","status":"firing","alerts":[{"status":"firing","labels":` + labels + `}]}`)
	}
	print := func(labels string) string {
		b, err := intake.Sources()[0].Parse(body(labels))
		if err != nil {
			t.Fatal(err)
		}
		return b.Alerts[0].Fingerprint
	}
	a := print(`{"x":"1","y":"2"}`)
	if b := print(`{"y":"2","x":"1"}`); a != b {
		t.Errorf("the order of labels matters: %s, %s", a, b)
	}
	if b := print(`{"x":"12","y":""}`); a == b {
		t.Error("other labels, same fingerprint")
	}
}

func TestRefusedAlertmanagerPayloads(t *testing.T) {
	const secret = "13800000000"
	for name, c := range map[string]struct{ body, want string }{
		"empty":            {"", "the body is empty"},
		"not JSON":         {"alert=" + secret, "line 1, column 1: the body is not valid JSON"},
		"cut off":          {`{"version":"4"`, "the JSON ends in the middle"},
		"trailing":         {`{"version":"4"} {}`, "after the end"},
		"list":             {`["` + secret + `"]`, "must be an object"},
		"version 3":        {`{"version":"3","alerts":[{}]}`, `version: must be "4"`},
		"version a number": {`{"version":4,"alerts":[{}]}`, "version: must be a string"},
		"other case":       {`{"Version":"4","alerts":[{}]}`, "version: must be"},
		"twice":            {`{"version":"4","version":"` + secret + `"}`, "version: the field appears twice"},
		"no alerts":        {`{"version":"4","alerts":[]}`, "alerts: must hold at least one"},
		"alert a string":   {`{"version":"4","alerts":["` + secret + `"]}`, "alerts[0]: must be an object"},
		"status":           {`{"version":"4","alerts":[{"status":"` + secret + `"}]}`, "alerts[0].status: must be"},
		"no labels":        {`{"version":"4","alerts":[{"status":"firing"}]}`, "alerts[0].labels: must not be empty"},
		"label a number":   {`{"version":"4","alerts":[{"status":"firing","labels":{"a":` + secret + `}}]}`, "alerts[0].labels.a: must be a string"},
		"startsAt":         {`{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"},"startsAt":"` + secret + `"}]}`, "alerts[0].startsAt: must be a time"},
		"bad UTF-8":        {"{\"version\":\"\xff\"}", "not UTF-8"},
		"deep":             {`{"version":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, "nested deeper than 32"},
		"large":            {strings.Repeat(" ", intake.MaxBytes+1), "larger than 1024 KiB"},
		"storm in one":     {`{"version":"4","alerts":[` + strings.TrimSuffix(strings.Repeat(`{},`, 501), ",") + `]}`, "more than 500 alerts"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := intake.Sources()[0].Parse([]byte(c.body))
			var f *intake.Fault
			if !errors.As(err, &f) {
				t.Fatalf("error is %T: %v", err, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q repeats the value", err)
			}
		})
	}
}

func TestDecodeOwnFormats(t *testing.T) {
	type form struct {
		Title string       `json:"title"`
		Count int          `json:"count"`
		Facts breach.Facts `json:"facts"`
	}
	const secret = "张三"
	for name, c := range map[string]struct{ body, want string }{
		"unknown field":      {`{"titel":"x"}`, "titel: there is no such field"},
		"case":               {`{"Title":"x"}`, "Title: there is no such field"},
		"unknown odd name":   {`{"` + secret + `":"x"}`, "(a field): there is no such field"},
		"wrong type":         {`{"count":"` + secret + `"}`, "count: must be a whole number"},
		"fraction":           {`{"count":1.5}`, "count: must be a whole number"},
		"twice, escaped":     {`{"title":"a","t\u0069tle":"b"}`, "title: the field appears twice"},
		"fact value":         {`{"facts":{"people.total":"` + secret + `"}}`, "facts: people.total must be a whole number"},
		"fact name":          {`{"facts":{"people.totl":1}}`, "did you mean people.total?"},
		"fact twice":         {`{"facts":{"people.total":1,"people.total":2}}`, "facts.people.total: the field appears twice"},
		"facts a string":     {`{"facts":"x"}`, "facts: facts must be a JSON object"},
		"two documents":      {`{"title":"a"}{"title":"b"}`, "after the end"},
		"comment":            {"{\n  // why\n}", "line 2, column 3: the body is not valid JSON"},
		"not a number":       {`{"count":NaN}`, "not valid JSON"},
		"lone surrogate":     {`{"title":"\ud800"}`, "line 1"},
		"byte order mark":    {"\ufeff{}", "line 1, column 1"},
		"number out of size": {`{"count":99999999999999999999}`, "count: must be a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			var f form
			err := intake.Decode([]byte(c.body), &f)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v does not say %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q repeats the value", err)
			}
		})
	}
	var f form
	if err := intake.Decode([]byte(`{"title":"a","facts":{"people.total":3,"kinds":["leak"]}}`), &f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(form{Title: "a", Facts: breach.Facts{"people.total": int64(3), "kinds": []string{"leak"}}}, f); diff != "" {
		t.Error(diff)
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		" a\r\n\tb ":            "a b",
		"x\u202Ey\u200B\x00":    "xy",
		strings.Repeat("长", 12): strings.Repeat("长", 9) + "…",
		"":                      "",
	} {
		if got := intake.Line(in, 10); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever is posted, it is alerts or a fault, and a fault is a sentence.
func FuzzAlertmanager(f *testing.F) {
	files, err := filepath.Glob("testdata/alertmanager/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"version":"4","alerts":[{"status":"firing","labels":{"tocsin_people_by_region":"CN:1,:2"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		batch, err := intake.Sources()[0].Parse(body)
		if err != nil {
			var fault *intake.Fault
			if !errors.As(err, &fault) || fault.Text == "" {
				t.Errorf("error %T %v", err, err)
			}
			return
		}
		for _, a := range batch.Alerts {
			if a.Fingerprint == "" || a.Title == "" || !utf8.ValidString(a.Title) {
				t.Errorf("alert %+v", a)
			}
		}
	})
}
