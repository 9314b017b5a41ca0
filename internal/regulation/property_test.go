package regulation_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/breach"
)

// assumed are the facts that our policy fills in when nobody states them; hiding one changes the question, not our knowledge.
var assumed = []breach.FactName{
	"org.jurisdictions", "org.role", "org.network_operator", "org.bank_or_insurer", "org.pbc_field", "org.sector_rule",
	"org.security_vendor", "org.portal", "filing.initial_incomplete", "filing.new_progress", "authority.ordered_notice",
	"authority.ordered_suspension", "authority.interview", "authority.forbade_notice",
}

// world draws facts about everything, without contradictions.
func world(t *rapid.T) breach.Facts {
	f := breach.Facts{}
	for _, d := range breach.FactDefs() {
		switch d.Type {
		case breach.FactBool:
			f[d.Name] = rapid.Bool().Draw(t, string(d.Name))
		case breach.FactInt:
			f[d.Name] = rapid.SampledFrom([]int64{0, 1, 9, 10, 499, 500, 501, 1000, 1001, 99_999, 100_000, 1_000_000, 5_000_000, 100_000_000}).Draw(t, string(d.Name))
		case breach.FactEnum:
			f[d.Name] = rapid.SampledFrom(d.Values).Draw(t, string(d.Name))
		case breach.FactSet:
			set := rapid.SliceOfDistinct(rapid.SampledFrom(d.Values), rapid.ID[string]).Draw(t, string(d.Name))
			slices.Sort(set)
			f[d.Name] = set
		case breach.FactTime:
			f[d.Name] = three.Add(time.Duration(rapid.IntRange(-500, 500).Draw(t, string(d.Name))) * time.Hour)
		case breach.FactCounts:
		}
	}
	total := f["people.total"].(int64)
	u18 := min(f["people.u18"].(int64), total)
	u14 := min(f["people.u14"].(int64), u18)
	here := rapid.Int64Range(0, total).Draw(t, "US-CA")
	f["people.u18"], f["people.u14"], f["people.minors"] = u18, u14, u18 > 0
	f["people.sensitive"] = min(f["people.sensitive"].(int64), total)
	f["people.by_region"] = map[string]int64{"US-CA": here, "US-TX": total - here}
	f["people.us_state_max"] = max(here, total-here)
	if f["data.class"] == "general" {
		f["judged.cac_data_threat"] = "none"
	}
	delete(f, "discovered_at")
	delete(f, "delay.law_enforcement_until")
	delete(f, "delay.attorney_general_until")
	return f
}

// What is answered from part of the facts is never taken back by the rest of them: a duty that is owed stays owed unless an
// exception is shown, one that is not owed stays so, and a possible one becomes either.
func TestKnowledgeOnlySettles(t *testing.T) {
	e := load(t)
	rapid.Check(t, func(t *rapid.T) {
		full := world(t)
		part := maps.Clone(full)
		for _, n := range full.Names() {
			if n != "aware_at" && !slices.Contains(assumed, n) && rapid.Bool().Draw(t, "hide "+string(n)) {
				delete(part, n)
			}
		}
		whole, err := e.AssessAll(nil, full, three)
		if err != nil {
			t.Fatal(err)
		}
		partly, err := e.AssessAll(nil, part, three)
		if err != nil {
			t.Fatal(err)
		}
		was, excused := map[string]breach.Owed{}, map[string]bool{}
		for _, o := range partly.Obligations {
			was[o.Key()] = o.Owed
		}
		for _, q := range partly.Questions {
			for _, key := range q.Decides {
				excused[key] = true // an exception, or an open condition, hangs on an unknown fact
			}
		}
		for _, o := range whole.Obligations {
			switch before := was[o.Key()]; {
			case o.Owed == breach.Possible:
				t.Errorf("%s is open though everything is known; depends on %v", o.Key(), o.Depends)
			case before == breach.IsOwed && o.Owed == breach.NotOwed && !excused[o.Key()] && o.Stage == breach.StageSingle:
				t.Errorf("%s was owed and is not: %v", o.Key(), o.Why)
			case before == breach.NotOwed && o.Owed == breach.IsOwed && o.Stage != breach.StageFinal:
				t.Errorf("%s was not owed and is", o.Key())
			}
		}
		for _, s := range partly.Severities {
			i := slices.IndexFunc(whole.Severities, func(w breach.Severity) bool { return w.Scale == s.Scale })
			if i < 0 {
				continue // the scale turned out not to apply
			}
			if whole.Severities[i].Rank < s.Rank {
				t.Errorf("%s sank from %s to %s", s.Scale, s.Level, whole.Severities[i].Level)
			}
		}
	})
}
