package regulation_test

import (
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func everything() (org, facts breach.Facts) {
	org = company.Merge(breach.Facts{
		"org.jurisdictions": []string{"AU", "BR", "CA", "CN", "EU", "GB", "HK", "IN", "JP", "KR", "SG", "US"},
		"org.hipaa_role":    "covered_entity", "org.sec_registrant": true, "org.miit_sector": true,
	})
	facts = breach.Facts{
		"state": "confirmed", "kinds": []string{"leak"}, "data.personal": true, "aware_at": three, "people.total": int64(1_200_000),
		"people.u18": int64(300), "people.u14": int64(20), "harm.serious_or_likely": true, "crime.intrusion": true,
		"people.by_region": map[string]int64{"CN": 1_199_000, "US-CA": 600, "US-NY": 400},
	}
	return org, facts
}

// All packs for one incident.
func BenchmarkAssess(b *testing.B) {
	e := load(b)
	org, facts := everything()
	for b.Loop() {
		if _, err := e.Assess(org, facts, three); err != nil {
			b.Fatal(err)
		}
	}
}

// The mainland China packs for one incident, as most companies have it.
func BenchmarkAssessChina(b *testing.B) {
	e := load(b)
	_, facts := everything()
	for b.Loop() {
		if _, err := e.Assess(company, facts, three); err != nil {
			b.Fatal(err)
		}
	}
}

// What a command pays before it can answer.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := regulation.Load(); err != nil {
			b.Fatal(err)
		}
	}
}
