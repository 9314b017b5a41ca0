package regulation

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"tocsin/internal/breach"
)

// Whatever stands in a pack, the loader answers with faults or with an engine that can assess; it never panics.
func FuzzPack(f *testing.F) {
	good, err := os.ReadFile("testdata/packs/own.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	for _, name := range []string{"packs/cn-police.yaml", "packs/eu-gdpr.yaml", "packs/hong-kong.yaml"} {
		data, err := embedded.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("format: 1\npack: &a [*a]\n"))
	f.Add([]byte("format: 1\nrules: [{id: x, when: [{expr: 'size(kinds) > 0'}], clock: [aware_at], deadline: {amount: 3660, unit: business_day, calendar: cn, kind: hard}}]\n"))
	facts := breach.Facts{"kinds": []string{"leak"}, "aware_at": caseNow, "handling_ended_at": caseNow}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := compile([]file{{"fuzz.yaml", data}})
		if err != nil {
			if len(Faults(err)) == 0 {
				t.Error("refused without a fault")
			}
			return
		}
		a, err := e.AssessAll(nil, facts, caseNow)
		if err != nil {
			t.Fatalf("a pack that was accepted cannot be assessed: %v", err)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
	})
}

// Whatever stands in a file of facts, it is read or refused; what is read survives JSON, and can be assessed.
func FuzzFacts(f *testing.F) {
	for _, seed := range []string{
		"people.total: 1200000\nkinds: [leak, loss]\naware_at: 2026-11-22T11:00:00+08:00\ndata.personal: true\n",
		`{"people.by_region": {"US-CA": 501, "CN": 3}, "harm.risk": "high", "people.total": null}`,
		"people.by_region: CN:12, US-NY:3\nkinds: leak, tamper\n",
		"a: &x [*x]\nb: *x\n", "- 1\n", "people.total: -1\n", "people.total: 1e99\n", "? {a: b}\n: c\n", "aware_at: 2026-13-45\n", "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	police, err := embedded.ReadFile("packs/cn-police.yaml")
	if err != nil {
		f.Fatal(err)
	}
	cac, err := embedded.ReadFile("packs/cn-cac.yaml")
	if err != nil {
		f.Fatal(err)
	}
	e, err := compile([]file{{"cn-police.yaml", police}, {"cn-cac.yaml", cac}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := ParseFacts("fuzz.yaml", data)
		if err != nil {
			if len(Faults(err)) == 0 {
				t.Error("refused without a fault")
			}
			return
		}
		b, err := json.Marshal(facts)
		if err != nil {
			t.Fatal(err)
		}
		var again breach.Facts
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if !reflect.DeepEqual(facts, again) {
			t.Errorf("%v became %v", facts, again)
		}
		if _, err := e.AssessAll(nil, facts, caseNow); err != nil {
			t.Error(err)
		}
	})
}
