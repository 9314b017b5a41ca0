package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func TestNoticeWords(t *testing.T) {
	w := newWorld(t)
	id := w.openIncident()
	path := "/v1/incidents/" + string(id) + "/notice-words"
	if got := want[store.NoticeWordsRevision](t, w.as(breach.RoleManager, "GET", path, ""), 200); got.Rev != 0 {
		t.Errorf("words before anybody wrote any: %+v", got)
	}
	body := `{"words":{"cause":{"zh":"权限设置有误。","en":"Rights were set wrongly."},"measures":[{"zh":"已隔离。","en":"Isolated."}]},"why":"forensics"}`
	got := want[store.NoticeWordsRevision](t, w.as(breach.RoleResponder, "PUT", path, body), 200)
	if got.Rev != 1 || got.Author != person(breach.RoleResponder) || got.Words.Cause.EN != "Rights were set wrongly." || len(got.Words.Measures) != 1 {
		t.Errorf("%+v", got)
	}
	facts := want[api.FactHistory](t, w.as(breach.RoleResponder, "GET", "/v1/incidents/"+string(id)+"/facts", ""), 200)
	if last := facts.Revisions[len(facts.Revisions)-1]; len(facts.Revisions) != 2 || last.Author != person(breach.RoleResponder) {
		t.Errorf("the engine does not hear of the words: %+v", facts.Revisions)
	}
	refused(t, w.as(breach.RoleManager, "PUT", path, body), 403, "role")
	refused(t, w.as(breach.RoleLead, "PUT", path, `{"words":{"cause":{"zh":"只有中文"}},"why":"x"}`), 422, "words")
	refused(t, w.as(breach.RoleLead, "PUT", path, `{"words":{"harms":[{"zh":"","en":""}]},"why":"x"}`), 422, "words")
	refused(t, w.as(breach.RoleLead, "PUT", path, `{"words":{"cause":{"zh":"`+strings.Repeat("长", 601)+`","en":"x"}},"why":"x"}`), 422, "words")
	refused(t, w.as(breach.RoleLead, "PUT", path, `{"words":{}}`), 422, "why")
	refused(t, w.as(breach.RoleLead, "GET", "/v1/incidents/INC-2020-0001/notice-words", ""), 404, "not_found")
}

// Words with which no notice would be made are refused when they are written, and not when the notice is drafted.
func TestNoticeWordsThatWouldBeRefused(t *testing.T) {
	w := newWorld(t, func(o *api.Options) {
		o.CheckWords = func(words breach.NoticeWords) []string {
			if strings.Contains(words.Cause.EN+words.Correction.EN, "click") {
				return []string{"cause (en) asks for a click"}
			}
			return nil
		}
	})
	id := w.openIncident()
	path := "/v1/incidents/" + string(id)
	p := refused(t, w.as(breach.RoleLead, "PUT", path+"/notice-words", `{"words":{"cause":{"zh":"请点击","en":"click"}},"why":"x"}`), 422, "words")
	if !strings.Contains(p.Detail, "cause (en) asks for a click") {
		t.Errorf("%+v", p)
	}
	if got := want[store.NoticeWordsRevision](t, w.as(breach.RoleLead, "GET", path+"/notice-words", ""), 200); got.Rev != 0 {
		t.Errorf("they were written all the same: %+v", got)
	}
}

// A test message goes to our own people only, is journalled before it leaves, and tells nobody.
func TestTestSend(t *testing.T) {
	var sent []string
	var failure error
	w := newWorld(t, func(o *api.Options) {
		o.OurAddresses = []string{"li.wei@example.com"}
		o.TestSend = func(_ context.Context, to string, r breach.Rendition, own []string) error {
			sent = append(sent, to+" "+r.Law+" "+string(r.Audience)+" "+string(r.Language)+" "+strings.Join(own, ","))
			return failure
		}
	})
	id := w.openIncident()
	var content breach.Content
	for _, law := range []string{"cn-pipl", "us-california"} {
		regions := map[string][]string{"cn-pipl": {"CN"}, "us-california": {"US-CA"}}[law]
		for _, l := range []breach.Language{breach.Chinese, breach.English} {
			content.Renditions = append(content.Renditions, breach.Rendition{Language: l, Audience: breach.ToPerson, Law: law, Regions: regions, Categories: []string{"contact"}})
		}
	}
	b, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.AddDocument(t.Context(), store.Document{IncidentID: id, Kind: breach.DocNotice, Subject: "notice/1", Author: "on.call", Content: b}); err != nil {
		t.Fatal(err)
	}
	path := "/v1/incidents/" + string(id) + "/campaigns/1/test-send"
	got := want[api.TestSent](t, w.as(breach.RoleResponder, "POST", path, `{"to":"Li.Wei@example.com","region":"US-CA","language":"en","categories":["contact"]}`), 200)
	if got.Law != "us-california" || len(sent) != 1 || sent[0] != "Li.Wei@example.com us-california person en contact" {
		t.Errorf("%+v, %q", got, sent)
	}
	refused(t, w.as(breach.RoleResponder, "POST", path, `{"to":"victim@example.com"}`), 422, "not_ours")
	refused(t, w.as(breach.RoleResponder, "POST", path, `{"to":"li.wei@example.com","categories":["genetic"]}`), 422, "categories")
	refused(t, w.as(breach.RoleResponder, "POST", path, `{"to":"li.wei@example.com","audience":"guardian"}`), 404, "not_found")
	refused(t, w.as(breach.RoleManager, "POST", path, `{"to":"li.wei@example.com"}`), 403, "role")
	refused(t, w.as(breach.RoleResponder, "POST", strings.Replace(path, "/1/", "/2/", 1), `{"to":"li.wei@example.com"}`), 404, "not_found")
	failure = errors.New("the server said no")
	refused(t, w.as(breach.RoleResponder, "POST", path, `{"to":"li.wei@example.com"}`), http.StatusBadGateway, "not_sent")
	if len(sent) != 2 {
		t.Errorf("%q", sent)
	}
	entries, err := w.store.Journal(t.Context(), id, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	looks := 0
	for _, e := range entries {
		if e.Action == "notice.test_send" {
			looks++
			if strings.Contains(string(e.Detail), "example.com") {
				t.Errorf("an address stands in the journal: %s", e.Detail)
			}
		}
	}
	if looks != 2 {
		t.Errorf("%d test messages are journalled, want 2", looks)
	}
}
