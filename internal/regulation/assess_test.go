package regulation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func load(t testing.TB) *regulation.Engine {
	t.Helper()
	e, err := regulation.Load()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func assess(t *testing.T, e *regulation.Engine, org, facts breach.Facts, now time.Time) breach.Assessment {
	t.Helper()
	a, err := e.Assess(org, facts, now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func find(a breach.Assessment, key string) *breach.Obligation {
	for i := range a.Obligations {
		if a.Obligations[i].Key() == key {
			return &a.Obligations[i]
		}
	}
	return nil
}

func keys(a breach.Assessment, owed breach.Owed) []string {
	var out []string
	for _, o := range a.Obligations {
		if o.Owed == owed {
			out = append(out, o.Key())
		}
	}
	return out
}

var (
	three   = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	company = breach.Facts{
		"org.jurisdictions": []string{"CN"}, "org.role": "controller", "org.network_operator": true,
		"org.cii_involved": false, "org.central_organ": false, "org.telecom_or_icp": true, "org.miit_sector": false,
		"org.bank_or_insurer": false, "org.pbc_field": false, "org.sector_rule": false, "org.security_vendor": false,
		"org.portal": "none",
	}
)

// At three in the morning only a suspicion is known. The answer must already be of use: what is owed, what may be, and
// what to find out, the most pressing first.
func TestSuspectedLeakOfTheUserDatabase(t *testing.T) {
	e := load(t)
	facts := breach.Facts{"state": "suspected", "kinds": []string{"leak"}, "data.personal": true}
	a := assess(t, e, nil, facts, three)
	owed := keys(a, breach.IsOwed)
	for _, key := range []string{"cn-pipl-remedy", "cn-pipl-authority-notice/cn-pi-department", "cn-pipl-individual-notice", "cn-log-hold"} {
		if !slices.Contains(owed, key) {
			t.Errorf("%s is not owed", key)
		}
	}
	possible := keys(a, breach.Possible)
	for _, key := range []string{"cn-minor-notice", "cn-child-notice", "cn-cac-other/cn-cac-provincial", "cn-police-24h-net/cn-police"} {
		if !slices.Contains(possible, key) {
			t.Errorf("%s is not possible", key)
		}
	}
	var next []breach.FactName
	for _, q := range a.Questions[:5] {
		next = append(next, q.Fact)
	}
	want := []breach.FactName{"aware_at", "people.total", "people.minors", "data.categories", "data.class"}
	if diff := cmp.Diff(want, next); diff != "" {
		t.Errorf("the next five questions (-want +got):\n%s", diff)
	}
	if len(a.Assumed) == 0 {
		t.Error("it does not say what was taken for granted about the organisation")
	}
}

// More people found during the run raise the level, and the level brings a duty whose clock began at awareness.
func TestMorePeopleBringTheHours(t *testing.T) {
	e := load(t)
	facts := breach.Facts{
		"kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(900_000),
		"loss.direct_cny": int64(0), "data.class": "general", "judged.cac_general_clause": "none",
		"people.minors": false, "people.sensitive": int64(0), "data.categories": []string{"name"},
	}
	before := assess(t, e, company, facts, three)
	if o := find(before, "cn-cac-other/cn-cac-provincial"); o != nil {
		t.Fatalf("900,000 people: %s, want nothing", o.Owed)
	}
	later := facts.Merge(breach.Facts{"people.total": int64(1_200_000)})
	after := assess(t, e, company, later, three.Add(90*time.Minute))
	o := find(after, "cn-cac-other/cn-cac-provincial")
	if o == nil || o.Owed != breach.IsOwed || o.DueAt == nil || !o.DueAt.Equal(three.Add(4*time.Hour)) {
		t.Fatalf("1,200,000 people: %+v", o)
	}

	d := regulation.Compare(before, after, regulation.ChangedFacts(facts, later))
	var fresh []string
	for _, c := range d.New {
		fresh = append(fresh, c.Key)
		if diff := cmp.Diff([]breach.FactName{"people.total"}, c.Because); diff != "" {
			t.Errorf("%s because of (-want +got):\n%s", c.Key, diff)
		}
	}
	if !slices.Contains(fresh, "cn-cac-other/cn-cac-provincial") || !slices.Contains(fresh, "cn-cac-final/cn-cac-provincial") {
		t.Errorf("new: %v", fresh)
	}
	if len(d.Gone) != 0 {
		t.Errorf("gone: %v", d.Gone)
	}
	i := slices.IndexFunc(d.Severities, func(s regulation.LevelChange) bool { return s.Scale == "cac-2025" })
	if i < 0 || d.Severities[i].Before.Level != "general" || d.Severities[i].After.Level != "relatively_major" {
		t.Errorf("levels: %+v", d.Severities)
	}
}

func TestCompareGoneAndMoved(t *testing.T) {
	e := load(t)
	facts := breach.Facts{
		"kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(10), "people.u18": int64(1),
		"crime.intrusion": true,
	}
	changed := facts.Merge(breach.Facts{"people.u18": int64(0), "aware_at": three.Add(-time.Hour)})
	d := regulation.Compare(assess(t, e, company, facts, three), assess(t, e, company, changed, three), regulation.ChangedFacts(facts, changed))
	gone := map[string][]breach.FactName{}
	for _, c := range d.Gone {
		gone[c.Key] = c.Because
	}
	if because := gone["cn-minor-notice"]; !slices.Contains(because, "people.u18") {
		t.Errorf("the notice to minors is gone because of %v; gone: %v", because, d.Gone)
	}
	moved := map[string]regulation.Change{}
	for _, c := range d.Moved {
		moved[c.Key] = c
	}
	police := moved["cn-police-24h-net/cn-police"]
	if diff := cmp.Diff([]string{"due", "clock"}, police.What); diff != "" {
		t.Errorf("the police report moved by (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]breach.FactName{"aware_at"}, police.Because); diff != "" {
		t.Errorf("because of (-want +got):\n%s", diff)
	}
	if same := assess(t, e, company, facts, three); !regulation.Compare(same, same, nil).Empty() {
		t.Error("an assessment differs from itself")
	}
}

// A pack that is corrected leaves its mark: the version is part of each assessment.
func TestCompareNamesChangedPacks(t *testing.T) {
	before := breach.Assessment{Packs: []breach.PackRef{{Name: "cn-cac", Version: "1", SHA256: "a"}, {Name: "gone", Version: "1", SHA256: "c"}}}
	after := breach.Assessment{Packs: []breach.PackRef{{Name: "cn-cac", Version: "2", SHA256: "b"}}}
	want := []regulation.VersionChange{{Name: "cn-cac", Before: "1", After: "2"}, {Name: "gone", Before: "1", After: ""}}
	if diff := cmp.Diff(want, regulation.Compare(before, after, nil).Packs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A corrected pack never changes what was answered; it offers to answer again.
func TestOutdated(t *testing.T) {
	e := load(t)
	a := assess(t, e, company, breach.Facts{}, three)
	if changed := e.Outdated(a); len(changed) != 0 {
		t.Errorf("a fresh assessment is outdated: %v", changed)
	}
	a.Packs[0].SHA256, a.Packs[0].Version = "of last month", "2026.10.1"
	want := []regulation.VersionChange{{Name: a.Packs[0].Name, Before: "2026.10.1", After: "2026.11.1"}}
	if diff := cmp.Diff(want, e.Outdated(a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// PIPL 57(2) frees from telling people, never from telling the authority.
func TestHarmAvoidedFreesFromOneDutyOnly(t *testing.T) {
	e := load(t)
	facts := breach.Facts{"kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.u18": int64(3), "harm.avoided": true}
	a := assess(t, e, company, facts, three)
	if o := find(a, "cn-pipl-individual-notice"); o != nil {
		t.Errorf("the individual notice is %s", o.Owed)
	}
	for _, key := range []string{"cn-pipl-authority-notice/cn-pi-department", "cn-minor-notice"} {
		if o := find(a, key); o == nil || o.Owed != breach.IsOwed {
			t.Errorf("%s is not owed", key)
		}
	}
	all, err := e.AssessAll(company, facts, three)
	if err != nil {
		t.Fatal(err)
	}
	o := find(all, "cn-pipl-individual-notice")
	if o == nil || len(o.Why) != 1 || o.Why[0].Text.EN != "exception: the measures taken effectively prevent harm" {
		t.Errorf("the reason why not: %+v", o)
	}
}

// An exception that nobody has shown yet is asked for, and frees from nothing.
func TestOpenExceptionIsAQuestion(t *testing.T) {
	e := load(t)
	a := assess(t, e, company, breach.Facts{"kinds": []string{"leak"}, "data.personal": true, "aware_at": three}, three)
	i := slices.IndexFunc(a.Questions, func(q breach.Question) bool { return q.Fact == "harm.avoided" })
	if i < 0 || !slices.Contains(a.Questions[i].Decides, "cn-pipl-individual-notice") {
		t.Errorf("harm.avoided is not asked: %v", a.Questions)
	}
}

// One filing fulfils the duties of several laws towards the same department; what the cyberspace administration and the
// police are owed stays apart.
func TestOneFilingFulfilsSeveralDuties(t *testing.T) {
	e := load(t)
	a := assess(t, e, company, breach.Facts{
		"kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(1_000_000), "people.u14": int64(1),
		"harm.serious_or_likely": true, "crime.intrusion": true, "crime.suspected": true, "harm.avoided": false,
	}, three)
	var alone []string
	for _, o := range a.Obligations {
		if o.Owed == breach.IsOwed && o.Duty == breach.DutyFiling && o.CoveredBy == "" && o.ClockAt != nil {
			alone = append(alone, o.Key())
		}
	}
	slices.Sort(alone)
	want := []string{
		"cn-cac-other/cn-cac-provincial", "cn-cac-police/cn-police", "cn-mi17-report/cn-miit-emergency-office",
		"cn-mi17-report/cn-telecom-authority", "cn-pipl-authority-notice/cn-pi-department", "cn-police-24h-net/cn-police",
	}
	if diff := cmp.Diff(want, alone); diff != "" {
		t.Errorf("reports to write (-want +got):\n%s", diff)
	}
	for _, o := range a.Obligations {
		if o.CoveredBy == "" {
			continue
		}
		by := find(a, breach.Obligation{Rule: o.CoveredBy, Authority: o.Authority}.Key())
		if by == nil || by.CoveredBy != "" || o.Owed == breach.IsOwed && by.Owed != breach.IsOwed {
			t.Errorf("%s is covered by %s, which does not stand by itself", o.Key(), o.CoveredBy)
		}
	}
}

// Whatever is left unknown, a duty that full knowledge makes owed was never called not owed.
func TestUnknownNeverHidesADuty(t *testing.T) {
	e := load(t)
	full := breach.Facts{
		"state": "confirmed", "kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(1_200_000),
		"people.u18": int64(300), "people.u14": int64(20), "harm.serious_or_likely": true, "harm.avoided": false,
		"loss.direct_cny": int64(6_000_000), "crime.intrusion": true, "crime.suspected": true, "people.unreachable": int64(4),
		"data.class": "general", "data.categories": []string{"name", "health"}, "people.sensitive": int64(5),
		"judged.cac_general_clause": "none", "judged.mi17_other": "none", "judged.mi17_may_grow": false, "harm.interested": true,
	}
	owed := keys(assess(t, e, company, full, three), breach.IsOwed)
	for _, hidden := range full.Names() {
		partly := full.Merge(breach.Facts{hidden: nil})
		a := assess(t, e, company, partly, three)
		for _, key := range owed {
			if o := find(a, key); o == nil {
				t.Errorf("without %s, %s is called not owed", hidden, key)
			}
		}
	}
}

func TestAssessmentNamesEveryPack(t *testing.T) {
	e := load(t)
	a := assess(t, e, nil, breach.Facts{}, three)
	var names []string
	for _, p := range a.Packs {
		names = append(names, p.Name)
		if p.Version == "" || len(p.SHA256) != 64 {
			t.Errorf("%+v", p)
		}
	}
	for _, want := range []string{"cn-cac", "hong-kong", "policy", "calendar-cn"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing among %v", want, names)
		}
	}
}

// Every addressee that a rule can name is one that the configuration can be asked for.
func TestAuthorities(t *testing.T) {
	e := load(t)
	known := map[string]bool{}
	for _, a := range e.Authorities() {
		if known[a.Key] || a.Name.ZH == "" || a.Name.EN == "" {
			t.Errorf("%+v", a)
		}
		if _, err := time.LoadLocation(a.Zone); err != nil {
			t.Errorf("%s: %v", a.Key, err)
		}
		known[a.Key] = true
	}
	for _, key := range []string{"cn-pi-department", "cn-cac-provincial", "cn-police", "cn-telecom-authority", "cn-protection-department"} {
		if !known[key] {
			t.Errorf("no authority %s", key)
		}
	}
}

// One engine answers many at once, and the same question always in the same bytes.
func TestSameQuestionSameAnswer(t *testing.T) {
	e := load(t)
	org, facts := everything()
	want, err := json.Marshal(assess(t, e, org, facts, three))
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 5 {
				a, err := e.Assess(org, facts, three)
				if err != nil {
					return err
				}
				if got, err := json.Marshal(a); err != nil || !bytes.Equal(got, want) {
					return fmt.Errorf("another answer: %v", err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	again := assess(t, load(t), org, facts, three)
	if got, err := json.Marshal(again); err != nil || !bytes.Equal(got, want) {
		t.Errorf("a second engine answers otherwise: %v", err)
	}
}
