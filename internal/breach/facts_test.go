package breach_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/breach"
)

var noon = time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)

func TestParseAssignment(t *testing.T) {
	tests := []struct {
		in   string
		name breach.FactName
		want any
		err  string
	}{
		{"people.total=1200", "people.total", int64(1200), ""},
		{"people.total=1_200_000", "people.total", int64(1_200_000), ""},
		{" people.total = 0 ", "people.total", int64(0), ""},
		{"data.personal=yes", "data.personal", true, ""},
		{"data.personal=否", "data.personal", false, ""},
		{"state=suspected", "state", "suspected", ""},
		{"kinds=loss, leak,leak", "kinds", []string{"leak", "loss"}, ""},
		{"kinds=", "kinds", []string{}, ""},
		{"aware_at=2026-11-22T12:00:00+08:00", "aware_at", noon, ""},
		{"people.by_region=CN:12,US-CA:3", "people.by_region", map[string]int64{"CN": 12, "US-CA": 3}, ""},
		{"people.total=unknown", "people.total", nil, ""},
		{"people.total", "", nil, "is not name=value"},
		{"people.totl=3", "", nil, "did you mean people.total?"},
		{"weather=rain", "", nil, "tocsin facts new lists them all"},
		{"people.total=-1", "people.total", nil, "must be a whole number, not negative"},
		{"people.total=many", "people.total", nil, "must be a whole number"},
		{"data.personal=perhaps", "data.personal", nil, "must be true or false"},
		{"state=gone", "state", nil, "must be one of suspected, confirmed"},
		{"kinds=leek", "kinds", nil, "must be a list of: leak, tamper"},
		{"aware_at=yesterday", "aware_at", nil, "a time with its zone"},
		{"aware_at=2026-11-22T12:00:00", "aware_at", nil, "a time with its zone"},
		{"people.by_region=cn:3", "people.by_region", nil, "people by region"},
		{"people.by_region=CN:-3", "people.by_region", nil, "people by region"},
		{"people.by_region=CN", "people.by_region", nil, "people by region"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			name, v, err := breach.ParseAssignment(tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || name != tt.name {
				t.Fatalf("%s, %v", name, err)
			}
			if diff := cmp.Diff(tt.want, v); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An error names the fact and its form, never the value that somebody typed.
func TestErrorsDoNotRepeatValues(t *testing.T) {
	for _, def := range breach.FactDefs() {
		const canary = "canary-13800138000"
		_, err := def.Parse(canary)
		if err == nil {
			t.Errorf("%s takes %s", def.Name, canary)
			continue
		}
		var f breach.Facts
		jsonErr := json.Unmarshal([]byte(`{"`+string(def.Name)+`": "`+canary+`"}`), &f)
		if jsonErr == nil {
			t.Errorf("%s takes %s as JSON", def.Name, canary)
			continue
		}
		if strings.Contains(err.Error()+jsonErr.Error(), canary) {
			t.Errorf("%s repeats the value: %v", def.Name, err)
		}
	}
}

func TestFactsSurviveJSON(t *testing.T) {
	facts := breach.Facts{
		"people.total": int64(9_007_199_254_740_993), "data.personal": false, "state": "confirmed", "kinds": []string{"leak", "loss"},
		"aware_at": noon, "people.by_region": map[string]int64{"CN": 3},
	}
	b, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	var again breach.Facts
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(facts, again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllFaultsOfFactsAtOnce(t *testing.T) {
	var f breach.Facts
	err := json.Unmarshal([]byte(`{"people.total": "x", "kinds": [1], "nothing": 2, "data.personal": true, "people.u18": null}`), &f)
	if err == nil || len(strings.Split(err.Error(), "\n")) != 3 {
		t.Errorf("%v", err)
	}
	if err := json.Unmarshal([]byte(`[]`), &f); err == nil || !strings.Contains(err.Error(), "must be a JSON object") {
		t.Errorf("%v", err)
	}
}

func TestMerge(t *testing.T) {
	before := breach.Facts{"people.total": int64(1), "data.personal": true}
	got := before.Merge(breach.Facts{"people.total": int64(2), "data.personal": nil, "state": "confirmed"})
	if diff := cmp.Diff(breach.Facts{"people.total": int64(2), "state": "confirmed"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(before) != 2 {
		t.Error("merging changed what was merged into")
	}
	if got := breach.Facts(nil).Merge(breach.Facts{"state": "confirmed"}); len(got) != 1 {
		t.Errorf("into nothing: %v", got)
	}
}

// The vocabulary is complete: every fact and every choice can be asked for and shown in both languages, and what waits for
// another fact waits for one that exists and does not wait for it.
func TestVocabulary(t *testing.T) {
	for _, d := range breach.FactDefs() {
		for _, text := range []breach.Text{d.Label, d.Question} {
			if text.ZH == "" || text.EN == "" {
				t.Errorf("%s has no words in Chinese or English", d.Name)
			}
		}
		choosing := d.Type == breach.FactEnum || d.Type == breach.FactSet
		if choosing != (len(d.Choices) > 0) || len(d.Values) != len(d.Choices) {
			t.Errorf("%s: %d choices", d.Name, len(d.Choices))
		}
		for _, c := range d.Choices {
			if c.Label.ZH == "" || c.Label.EN == "" {
				t.Errorf("%s=%s has no words", d.Name, c.Value)
			}
		}
		if (d.Type == breach.FactInt || d.Type == breach.FactCounts) != (d.Unit != "") {
			t.Errorf("%s: unit %q", d.Name, d.Unit)
		}
		if d.Clock && d.Type != breach.FactTime {
			t.Errorf("%s is a clock of type %s", d.Name, d.Type)
		}
		if d.Org != strings.HasPrefix(string(d.Name), "org.") {
			t.Errorf("%s: organisation %t", d.Name, d.Org)
		}
		if d.After != "" {
			if first, ok := breach.DefOf(d.After); !ok || first.After == d.Name {
				t.Errorf("%s waits for %s", d.Name, d.After)
			}
		}
	}
}

func TestNearestFact(t *testing.T) {
	for in, want := range map[breach.FactName]breach.FactName{
		"people.totl": "people.total", "aware": "", "kind": "kinds", "": "", "sta te": "state",
	} {
		got, near := breach.NearestFact(in)
		if got != want || near != (want != "") {
			t.Errorf("%q: %q, %t, want %q", in, got, near, want)
		}
	}
}

func TestObligationKey(t *testing.T) {
	o := breach.Obligation{Rule: "cn-cac-other", Authority: "cn-cac-provincial"}
	if rule, authority := breach.SplitObligationKey(o.Key()); rule != o.Rule || authority != o.Authority {
		t.Errorf("%s becomes %s and %s", o.Key(), rule, authority)
	}
	if rule, authority := breach.SplitObligationKey("cn-log-hold"); rule != "cn-log-hold" || authority != "" {
		t.Errorf("%s, %s", rule, authority)
	}
	due, policy := noon, noon.Add(time.Hour)
	for _, tt := range []struct {
		o    breach.Obligation
		want *time.Time
	}{
		{breach.Obligation{DueAt: &due, PolicyAt: &policy}, &due}, {breach.Obligation{PolicyAt: &policy}, &policy}, {breach.Obligation{}, nil},
	} {
		if got := tt.o.Target(); got != tt.want {
			t.Errorf("target %v, want %v", got, tt.want)
		}
	}
}
