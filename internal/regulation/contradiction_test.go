package regulation_test

import (
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

func TestContradictions(t *testing.T) {
	tests := []struct {
		name  string
		facts breach.Facts
		want  string
	}{
		{"nothing known", breach.Facts{}, ""},
		{"all of them", breach.Facts{"people.total": int64(5), "people.u18": int64(5), "people.u14": int64(5)}, ""},
		{"more children than minors", breach.Facts{"people.u18": int64(3), "people.u14": int64(4)}, "People under 14 (4) is more than People under 18 (3)"},
		{"more minors than people", breach.Facts{"people.total": int64(1000), "people.u18": int64(1200)}, "People under 18 (1,200) is more than People affected (1,000)"},
		{"minors denied and counted", breach.Facts{"people.minors": false, "people.u18": int64(1)}, "no minors are affected, yet People under 18 is 1"},
		{"aware before it happened", breach.Facts{"occurred_at": three, "aware_at": three.Add(-time.Hour)}, "Awareness time lies before Time of occurrence"},
		{"aware as it happened", breach.Facts{"occurred_at": three, "aware_at": three}, ""},
		{"ended before awareness", breach.Facts{"aware_at": three, "handling_ended_at": three.Add(-time.Hour)}, "End of handling lies before Awareness time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			for _, c := range regulation.Contradictions(tt.facts) {
				if c.ZH == "" {
					t.Error("it says nothing in Chinese")
				}
				got += c.EN
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
