package regulation

import (
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
)

// withSecondRule is the operator's pack with one more rule, which takes the place of the first where a crime is suspected.
func withSecondRule(t *testing.T, extra string) *Engine {
	t.Helper()
	e, err := compileWith(t, "own.yaml", ownPack(t)+`  - id: own-loud
    title: { zh: 电话通知甲方, en: Call customer A }
    instrument: A
    article: [{ zh: 第11条, en: clause 11 }]
    to: [own-customer-a]
    when:
      - { expr: crime.suspected, zh: 涉嫌犯罪, en: a crime is suspected }
    clock: [aware_at]
    urgency: immediately
    source: own
`+extra)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func owedOf(t *testing.T, e *Engine, facts breach.Facts, rule string) *breach.Obligation {
	t.Helper()
	a, err := e.AssessAll(nil, facts, time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Obligations {
		if string(a.Obligations[i].Rule) == rule {
			return &a.Obligations[i]
		}
	}
	t.Fatalf("nothing is said of %s", rule)
	return nil
}

func TestSupersedes(t *testing.T) {
	e := withSecondRule(t, "    supersedes: [own-customer-notice]\n")
	facts := breach.Facts{"kinds": []string{"leak"}, "people.total": int64(50), "aware_at": time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)}
	tests := []struct {
		name  string
		facts breach.Facts
		want  breach.Owed
	}{
		{"nothing stronger", breach.Facts{"crime.suspected": false}, breach.IsOwed},
		{"superseded", breach.Facts{"crime.suspected": true}, breach.NotOwed},
		{"perhaps superseded", breach.Facts{}, breach.Possible},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := owedOf(t, e, facts.Merge(tt.facts), "own-customer-notice")
			if o.Owed != tt.want {
				t.Errorf("it is %s, want %s", o.Owed, tt.want)
			}
			if tt.want == breach.NotOwed && !strings.Contains(o.Why[0].Text.EN, "superseded by own-loud") {
				t.Errorf("why not: %v", o.Why)
			}
			if tt.want == breach.Possible && (len(o.Depends) != 1 || o.Depends[0] != "crime.suspected") {
				t.Errorf("depends on %v", o.Depends)
			}
		})
	}
}

// A report taken back follows the report, goes to the same addressee, and is owed only with it.
func TestWithdrawal(t *testing.T) {
	e := withSecondRule(t, `  - id: own-withdrawal
    title: { zh: 撤回通知, en: Take the notice back }
    instrument: A
    article: [{ zh: 第12条, en: clause 12 }]
    to: [same]
    stage: withdrawal
    follows: [own-customer-notice]
    when:
      - { expr: harm.avoided, zh: 已查明没有危害, en: no harm was found }
    clock: [handling_ended_at]
    deadline: { amount: 2, unit: hour, kind: hard }
    source: own
`)
	ended := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	facts := breach.Facts{"kinds": []string{"leak"}, "people.total": int64(50), "harm.avoided": true, "handling_ended_at": ended}
	o := owedOf(t, e, facts, "own-withdrawal")
	if o.Owed != breach.IsOwed || o.Stage != breach.StageWithdrawal || o.Authority != "own-customer-a" || !o.DueAt.Equal(ended.Add(2*time.Hour)) {
		t.Errorf("%+v", o)
	}
	if o := owedOf(t, e, facts.Merge(breach.Facts{"people.total": int64(49)}), "own-withdrawal"); o.Owed != breach.NotOwed {
		t.Errorf("without a report it is %s", o.Owed)
	}
}

// The operator's deadline is counted by the named calendar, and its old article by date.
func TestOwnPackCounts(t *testing.T) {
	e := withSecondRule(t, "")
	facts := breach.Facts{"kinds": []string{"leak"}, "people.total": int64(50), "aware_at": time.Date(2026, 6, 30, 4, 0, 0, 0, time.UTC)}
	o := owedOf(t, e, facts, "own-customer-notice")
	if want := time.Date(2026, 7, 1, 15, 59, 59, 0, time.UTC); o.Article != "clause 7" || o.DueAt == nil || !o.DueAt.Equal(want) {
		t.Errorf("%s, due %v, want clause 7 and %v", o.Article, o.DueAt, want)
	}
	facts["aware_at"] = time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC) // 1 July in China
	if o := owedOf(t, e, facts, "own-customer-notice"); o.Article != "clause 9" {
		t.Errorf("%s, want clause 9", o.Article)
	}
}
