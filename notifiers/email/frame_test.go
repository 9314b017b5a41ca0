package email

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// What a frame makes and what go-mail makes are the same bytes.
func TestFramesMakeWhatGoMailMakes(t *testing.T) {
	s := newRelay(t)
	base := notifiers.Message{
		ID: "00112233445566778899aabbccddeeff", To: "wang@example.net", Language: breach.Chinese, Subject: "关于您个人信息的告知", Text: "您好。\n", HTML: "<p>您好。</p>",
		Date: time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC),
	}
	for rule, change := range map[string]func(*notifiers.Message){
		"Chinese":                   func(*notifiers.Message) {},
		"English":                   func(m *notifiers.Message) { m.Language, m.Subject = breach.English, "About your data" },
		"no language":               func(m *notifiers.Message) { m.Language = "" },
		"text only":                 func(m *notifiers.Message) { m.HTML = "" },
		"English text only":         func(m *notifiers.Message) { m.Language, m.HTML = breach.English, "" },
		"text without its last end": func(m *notifiers.Message) { m.Language, m.HTML, m.Text = breach.English, "", "no line end" },
		"address that just fits":    func(m *notifiers.Message) { m.To = strings.Repeat("a", 67-len("@example.net")-1) + "@example.net" },
		"address that is folded":    func(m *notifiers.Message) { m.To = strings.Repeat("a", 67-len("@example.net")) + "@example.net" },
		"long address": func(m *notifiers.Message) {
			m.To = strings.Repeat("b", 64) + "@" + strings.Repeat("c.", 60) + "example"
		},
		"57 bytes":                  func(m *notifiers.Message) { m.Text = strings.Repeat("x", 57) },
		"58 bytes":                  func(m *notifiers.Message) { m.Text = strings.Repeat("x", 58) },
		"dots and dashes":           func(m *notifiers.Message) { m.Language, m.Text = breach.English, ".\n..\n--\n.x\n" },
		"a stand-in in the text":    func(m *notifiers.Message) { m.Language, m.Text = breach.English, standInText+standInID+standInTo },
		"a stand-in in the subject": func(m *notifiers.Message) { m.Subject = "x " + standInID },
		"long":                      func(m *notifiers.Message) { m.Text = strings.Repeat("某某 long = \n", 2000) },
		"no date":                   func(m *notifiers.Message) { m.Date = time.Time{} },
	} {
		t.Run(rule, func(t *testing.T) {
			m := base
			change(&m)
			sameAsGoMail(t, s, m)
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add("wang@example.net", "About your data", "Dear Jane,\r\n.\n", "<p>é</p>", true)
	f.Add("a@b.example", "标题", "正文 \t\n", "", false)
	f.Fuzz(func(t *testing.T, to, subject, text, html string, chinese bool) {
		m := notifiers.Message{ID: "00112233445566778899aabbccddeeff", To: to, Subject: subject, Text: text, HTML: html, Date: time.Unix(1e9, 0), Language: breach.English}
		if chinese {
			m.Language = breach.Chinese
		}
		s := newRelay(t)
		if _, err := s.Prepare(m); err == nil {
			sameAsGoMail(t, s, m)
		}
	})
}

func sameAsGoMail(t *testing.T, s *SMTP, m notifiers.Message) {
	t.Helper()
	w, err := s.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.render(m, w.To)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(want, []byte("\r\n")) {
		want = append(want, "\r\n"...)
	}
	if !bytes.Equal(w.Body, want) {
		t.Errorf("the frame made\n%q\ngo-mail makes\n%q", w.Body, want)
	}
}

// Every kind of notice has a frame: without one it would be made slowly, and no other test would see it.
func TestNoticesHaveFrames(t *testing.T) {
	s := newRelay(t)
	for _, l := range []breach.Language{breach.Chinese, breach.English} {
		for _, html := range []bool{false, true} {
			if s.newFrame(frameKey{l, "个人信息 notice", html}) == nil {
				t.Errorf("language %s, html %t: no frame", l, html)
			}
		}
	}
}

func newRelay(t *testing.T) *SMTP {
	t.Helper()
	cfg := DefaultSMTP()
	cfg.Host, cfg.TLS, cfg.From, cfg.ReplyTo = "127.0.0.1", "none", "某某公司 <notice@example.com>", "privacy@example.com"
	s, err := NewSMTP(cfg, func() time.Time { return time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Whoever adds to a message must think of frames, which would leave the new field out.
func TestFramesKnowEveryFieldOfAMessage(t *testing.T) {
	known := "ID To Language Subject Text HTML Variables Audience Attachments Date Return" // Return is no part of the bytes; Variables and Audience are not for mail; Attachments have no frame
	var have []string
	for f := range reflect.TypeFor[notifiers.Message]().Fields() {
		have = append(have, f.Name)
	}
	if got := strings.Join(have, " "); got != known {
		t.Errorf("a message has %s; frames know %s", got, known)
	}
}
