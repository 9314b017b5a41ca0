package activities_test

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
	"tocsin/templates"
)

var updateDuties = flag.Bool("update-duties", false, "rewrite the duties that the forms are tested with from the packs of law")

// dutiesFile holds every filing duty of the packs, as one organisation under every law would meet it. The forms are tested
// with it in their own room, which knows no law.
const dutiesFile = "../templates/testdata/duties.json"

// Every duty to report has a form of its own, and the form answers each content that the law asks for, in both languages.
func TestEveryFilingHasItsForm(t *testing.T) {
	s := templates.Default()
	duties := filingDuties(t)
	if len(duties) < 70 {
		t.Fatalf("only %d duties were found", len(duties))
	}
	for _, o := range duties {
		form := s.FormFor(o)
		if form == templates.FormGeneral {
			t.Errorf("%s has no form; name it in the line \"rules:\" of one", o.Key())
		}
		for _, c := range o.Content {
			if !s.FormCarries(form, c) {
				t.Errorf("%s: filings/%s lacks a line \"%% %s\" or \"%% %s\" before the row that answers it", o.Rule, form, c.ZH, c.EN)
			}
		}
	}
}

// No form claims a rule that no pack has.
func TestFormsNameRules(t *testing.T) {
	e, err := regulation.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range templates.Default().FormRules() {
		if _, ok := e.Rule(rule); !ok {
			t.Errorf("a form is for %s, which is no rule", rule)
		}
	}
}

// The duties that the forms are tested with are those of the packs.
func TestDutiesFile(t *testing.T) {
	got, err := json.MarshalIndent(filingDuties(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *updateDuties {
		if err := os.WriteFile(dutiesFile, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(dutiesFile)
	if err != nil || string(want) != string(got) {
		t.Errorf("%s is not what the packs say (%v); go test ./activities -run TestDutiesFile -update-duties rewrites it", dutiesFile, err)
	}
}

// filingDuties are the filing duties of every rule of every pack, by key.
func filingDuties(t *testing.T) []breach.Obligation {
	t.Helper()
	e, err := regulation.Load()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]breach.Obligation{}
	for _, role := range []string{"controller", "processor"} {
		for _, aware := range []string{"2026-11-20T19:10:00Z", "2027-11-20T19:10:00Z"} { // some law is not in force yet
			at, err := time.Parse(time.RFC3339, aware)
			if err != nil {
				t.Fatal(err)
			}
			org, facts := everyLaw(role, at)
			a, err := e.AssessAll(org, facts, at.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range a.Obligations {
				old, known := found[o.Key()]
				if o.Duty == breach.DutyFiling && (!known || old.DueAt == nil && o.DueAt != nil) {
					found[o.Key()] = slim(o)
				}
			}
		}
	}
	seen := map[breach.RuleID]bool{}
	var out []breach.Obligation
	for _, o := range found {
		seen[o.Rule] = true
		out = append(out, o)
	}
	for _, p := range e.Describe() {
		for _, r := range p.Rules {
			if slices.Contains(r.Duties, breach.DutyFiling) && !seen[r.ID] {
				t.Errorf("%s is a duty to report that the assessment does not bring up", r.ID)
			}
		}
	}
	slices.SortFunc(out, func(a, b breach.Obligation) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

// slim leaves out what a form does not speak of and what changes with the reading of the law.
func slim(o breach.Obligation) breach.Obligation {
	o.Why, o.Depends, o.Source, o.Verify, o.PackVersion, o.Owed, o.CoveredBy, o.Waits = nil, nil, "", nil, "", breach.IsOwed, "", nil
	return o
}

func everyLaw(role string, aware time.Time) (org, facts breach.Facts) {
	jurisdictions, _ := breach.DefOf("org.jurisdictions")
	org = breach.Facts{
		"org.jurisdictions": slices.Sorted(slices.Values(jurisdictions.Values)), "org.role": role, "org.network_operator": true,
		"org.telecom_or_icp": true, "org.miit_sector": true, "org.bank_or_insurer": true, "org.pbc_field": true, "org.sector_rule": true,
		"org.security_vendor": true, "org.sec_registrant": true, "org.comms_provider": true, "org.hk_ci_operator": true, "org.ny_dfs": true,
	}
	facts = breach.Facts{
		"state": "confirmed", "kinds": []string{"leak"}, "data.personal": true, "people.total": int64(1_200_000),
		"occurred_at": aware.Add(-29 * time.Hour), "aware_at": aware, "discovered_at": aware,
	}
	for name, days := range map[breach.FactName]int{
		"assessed_at": 2, "determined_at": 4, "notified_people_at": 5, "information_available_at": 6, "handling_ended_at": 8,
	} {
		facts[name] = aware.AddDate(0, 0, days)
	}
	return org, facts
}
