package activities_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/templates"
)

func (h *house) notices() *activities.Notices {
	return &activities.Notices{Store: h.store, Templates: templates.Default(), Organisation: templates.Organisation{
		Name: breach.Text{ZH: "示例公司", EN: "Example Ltd"}, Short: breach.Text{ZH: "示例", EN: "Example"},
		HomePage: "https://www.example.com", Hotline: "400-000-0000", Email: "privacy@example.com",
	}}
}

func (h *house) content(id breach.DocumentID) breach.Content {
	h.t.Helper()
	d, err := h.store.Document(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	var c breach.Content
	if err := json.Unmarshal(d.Content, &c); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// A notice bears the date of the facts that it tells, not that of the incident; facts that change nothing in it leave it, its
// date and so its approval alone.
func TestNoticeDate(t *testing.T) {
	h := newHouse(t)
	id := h.openIncident(breach.Facts{"state": "confirmed", "data.categories": []string{"contact"}})
	draft := func() (activities.Draft, breach.Content) {
		t.Helper()
		d, err := run[activities.Draft](h, h.notices().DraftNotice, activities.DraftNoticeInput{Incident: id, Campaign: 1, Ladder: []breach.Channel{breach.Email}})
		if err != nil {
			t.Fatal(err)
		}
		return d, h.content(d.Document)
	}
	amend := func(f breach.Facts) time.Time {
		t.Helper()
		if _, err := h.store.AmendFacts(t.Context(), id, f, "zhao.min", "test"); err != nil {
			t.Fatal(err)
		}
		r, err := h.store.Facts(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		return r.At
	}
	first, was := draft()
	amend(breach.Facts{"people.total": int64(12)})
	again, _ := draft()
	if again.Document != first.Document || again.Version != first.Version {
		t.Errorf("a fact that the notice does not tell made version %d of it", again.Version)
	}
	newest := amend(breach.Facts{"data.categories": []string{"contact", "health"}})
	next, now := draft()
	if next.Document == first.Document || now.IssuedAt == nil || !now.IssuedAt.Equal(newest) || was.IssuedAt == nil || !was.IssuedAt.Before(newest) {
		t.Errorf("dated %v, then %v for facts of %v", was.IssuedAt, now.IssuedAt, newest)
	}
}

// The page for everybody names the authorities of the places that it is for.
func TestPublicNoticeNamesItsPlaces(t *testing.T) {
	home := breach.Facts{"state": "confirmed", "data.categories": []string{"contact"}, "people.by_region": map[string]int64{"CN": 9}}
	both := home.Merge(breach.Facts{"harm.risk": "high", "people.by_region": map[string]int64{"CN": 9, "HK": 9}})
	cases := []struct {
		name        string
		facts       breach.Facts
		says, omits []string
	}{
		{"at home", home, []string{"网信", "96110"}, []string{"999", "中国大陆\n"}},
		{"at home and in Hong Kong", both, []string{"网信", "96110", "中国大陆\n"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			id := h.openIncident(c.facts)
			d, err := run[activities.Draft](h, h.notices().DraftPublicNotice, activities.DraftPublicInput{Incident: id, N: 1})
			if err != nil {
				t.Fatal(err)
			}
			text := h.content(d.Document).Renditions[0].Text
			for _, s := range c.says {
				if !strings.Contains(text, s) {
					t.Errorf("does not say %q:\n%s", s, text)
				}
			}
			for _, s := range c.omits {
				if strings.Contains(text, s) {
					t.Errorf("says %q", s)
				}
			}
		})
	}
}
