package main

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/devstack/inbox"
	"tocsin/templates"
)

// approvedSample is a document as a person approves it, under two laws.
func approvedSample(t *testing.T) breach.Content {
	t.Helper()
	at := time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC)
	var c breach.Content
	for law, regions := range map[string][]string{"cn-pipl": {"CN"}, "us-california": {"US-CA"}} {
		for _, a := range []breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian} {
			for _, l := range templates.Languages() {
				n, err := templates.Default().Notice(templates.NoticeView{
					Organisation: templates.Organisation{
						Name: breach.Text{ZH: "示例公司", EN: "Example Ltd"}, Short: breach.Text{ZH: "示例", EN: "Example"},
						HomePage: "https://www.example.com", Hotline: "400-000-0000", Email: "privacy@example.com",
					},
					Number: templates.NewNoticeNumber([16]byte{1}), Incident: "INC-2026-0001", AwareAt: &at, IssuedAt: at, Law: law,
					Categories: []string{"contact", "health"},
				}, a, l)
				if err != nil {
					t.Fatal(err)
				}
				marks := breach.Marks(n.Marks)
				c.Renditions = append(c.Renditions, breach.Rendition{
					Language: l, Audience: a, Title: n.Subject, Text: n.Text, HTML: n.HTML, SMS: n.SMS, PushHead: n.PushTitle, Push: n.PushBody,
					Marks: &marks, Law: law, Regions: regions, Categories: n.Categories,
				})
			}
		}
	}
	return c
}

// A preview is what people get, with invented names: the whole of what was approved, or what was asked for.
func TestPreviews(t *testing.T) {
	c := approvedSample(t)
	cases := []struct {
		name string
		po   previewOptions
		n    int
		says []string
		not  string
	}{
		{"everything", previewOptions{channel: "email", format: "text"}, 12, nil, "⟦"},
		{"one", previewOptions{channel: "email", format: "text", language: "en", audience: "guardian", region: "US-CA"}, 1, []string{"What Happened", "Sample Child A and Sample Child B", "medical"}, "⟦"},
		{"own data", previewOptions{channel: "email", format: "text", language: "en", audience: "person", region: "CN", categories: "contact"}, 1, []string{"contact details", "Sample Name"}, "medical"},
		{"SMS", previewOptions{channel: "sms", format: "text", language: "zh-CN", audience: "minor", region: "CN"}, 1, []string{"【示例】"}, "■"},
		{"push", previewOptions{channel: "push", format: "text", language: "zh-CN", audience: "person", region: "CN"}, 1, []string{"重要通知"}, "■"},
	}
	for _, x := range cases {
		t.Run(x.name, func(t *testing.T) {
			got, err := x.po.render(c, "hash")
			if err != nil || len(got) != x.n {
				t.Fatalf("%d texts, %v", len(got), err)
			}
			for _, p := range got {
				if strings.Contains(p.Text, x.not) || strings.Contains(p.HTML, x.not) {
					t.Errorf("says %q", x.not)
				}
			}
			for _, s := range x.says {
				if !strings.Contains(got[0].Text, s) {
					t.Errorf("lacks %q:\n%s", s, got[0].Text)
				}
			}
		})
	}
	if _, err := (&previewOptions{channel: "email", categories: "genetic"}).render(c, ""); err == nil || !strings.Contains(err.Error(), "contact, health") {
		t.Errorf("%v", err)
	}
	mail, err := (&previewOptions{format: "eml"}).bytes(preview{Language: "en", Subject: "s", Text: "a text\n", HTML: "<p>x</p>"})
	if err != nil || !strings.Contains(string(mail), "Auto-Submitted") || !strings.Contains(string(mail), "multipart/alternative") {
		t.Errorf("%v\n%s", err, mail)
	}
}

// A test message says that it is one, in its subject and in both parts, and is otherwise what people get.
func TestSendingATest(t *testing.T) {
	in, err := inbox.Start(context.Background(), inbox.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	host, port, err := net.SplitHostPort(in.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	send := testSender(config.Config{Notifiers: []config.Notifier{{Channel: "email", Provider: "smtp", Settings: map[string]any{"host": host, "port": n, "tls": "none", "from": "notice@example.com"}}}})
	r, ok := approvedSample(t).Notice("US-CA", breach.English, breach.ToPerson)
	if !ok {
		t.Fatal("no text")
	}
	if err := send(t.Context(), "li.wei@example.com", r, []string{"contact"}); err != nil {
		t.Fatal(err)
	}
	got := in.Messages(inbox.Filter{})
	if len(got) != 1 {
		t.Fatalf("%d messages arrived", len(got))
	}
	m := got[0]
	if !strings.HasPrefix(m.Subject, "[TEST] ") || !strings.Contains(m.Text, testMark.EN) || !strings.Contains(m.HTML, testMark.EN) {
		t.Errorf("not marked as a test: %q\n%s\n%s", m.Subject, m.Text, m.HTML)
	}
	if !strings.Contains(m.Text, "Dear Sample Name") || !strings.Contains(m.Text, "contact details") || strings.Contains(m.Text, "medical") {
		t.Errorf("%s", m.Text)
	}
	if err := testSender(config.Config{})(t.Context(), "li.wei@example.com", r, nil); err == nil {
		t.Error("sent without a notifier")
	}
}

// A diff of a notice tells its many texts apart, and shows the short forms too.
func TestCompareVersionsOfANotice(t *testing.T) {
	version := func(n int, child, sms string) api.DocumentView {
		v := api.DocumentView{Content: breach.Content{Renditions: []breach.Rendition{
			{Language: breach.English, Audience: breach.ToPerson, Law: "cn-pipl", Title: "T", Text: "same", SMS: sms},
			{Language: breach.English, Audience: breach.ToMinor, Law: "cn-pipl", Title: "T", Text: child, SMS: "s"},
			{Language: breach.English, Audience: breach.ToPerson, Law: "eu-gdpr", Title: "T", Text: "other", SMS: "s"},
		}}}
		v.Version = n
		return v
	}
	d := compareVersions(version(1, "a\nb", "old"), version(2, "a\nc", "new"))
	var got []string
	for _, x := range d.Texts {
		for _, line := range x.Unified {
			if line[0] == '+' || line[0] == '-' {
				got = append(got, x.Law+" "+string(x.Audience)+" "+line)
			}
		}
	}
	want := []string{"cn-pipl person -SMS: old", "cn-pipl person +SMS: new", "cn-pipl minor -b", "cn-pipl minor +c"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The mark of a test message stands in the page's body, above the text.
func TestTestPage(t *testing.T) {
	const page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n</head>\n<body style=\"x\">\n<p>Hello,</p>\n</body>\n</html>\n"
	want := strings.Replace(page, "<p>Hello", "<p><strong>[TEST]</strong></p>\n<p>Hello", 1)
	if got := testPage(page, "[TEST]"); got != want {
		t.Errorf("%s", got)
	}
}
