package email_test

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func messages() map[string]notifiers.Message {
	zh := notifytest.Message(1, "wang@example.net")
	zh.HTML = "<!doctype html><html lang=\"zh-CN\"><body><p>您好，王小燕。</p></body></html>"
	en := notifytest.Message(2, "jane@example.net")
	en.Language, en.Subject = breach.English, "About your personal data"
	en.Text = "Dear Jane,\n\n.a line that begins with a dot\nFrom here on: naïve, 100 % = all.\n" + strings.Repeat("long ", 60) + "\n"
	filing := notifytest.Message(3, "incident@authority.example")
	filing.HTML = "<p>见附件</p>"
	filing.Attachments = []notifiers.Attachment{
		{Name: "report.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 report")},
		{Name: "facts.json", Type: "application/json", Bytes: []byte(`{"people.total":1200000}`)},
	}
	return map[string]notifiers.Message{"notice_zh": zh, "notice_en_text_only": en, "filing_with_attachments": filing}
}

func TestGolden(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			w, err := s.Prepare(m)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.WriteFile(path, w.Body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.Body, want) {
				t.Errorf("bytes differ from %s (go test ./notifiers/email -update rewrites it)\n%s", path, w.Body)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	m := messages()["notice_zh"]
	w, err := s.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(w.Body))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"Message-Id": "<" + string(m.ID) + "@example.com>", "Auto-Submitted": "auto-generated", "Content-Language": "zh-CN",
		"Reply-To": "<privacy@example.com>", "To": "<wang@example.net>", "Date": "Sun, 22 Nov 2026 02:00:00 +0000",
		"User-Agent": "", "X-Mailer": "", "List-Unsubscribe": "", "Precedence": "",
	} {
		if got := msg.Header.Get(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	if from, err := msg.Header.AddressList("From"); err != nil || from[0].Name != "某某公司" || from[0].Address != "notice@example.com" {
		t.Errorf("From: %v, %v", from, err)
	}
	if bare := regexp.MustCompile(`[^\r]\n|\r[^\n]`).Find(w.Body); bare != nil {
		t.Errorf("a line ends without CRLF: %q", bare)
	}
	for line := range bytes.SplitSeq(w.Body, []byte("\r\n")) {
		if len(line) > 998 {
			t.Errorf("a line of %d bytes; RFC 5322 allows 998", len(line))
		}
	}
}

// With one boundary for every level, the inner end would close the outer part and lose the attachments.
func TestNestedPartsHaveBoundariesOfTheirOwn(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	w, err := s.Prepare(messages()["filing_with_attachments"])
	if err != nil {
		t.Fatal(err)
	}
	msg, err := mail.ReadMessage(bytes.NewReader(w.Body))
	if err != nil {
		t.Fatal(err)
	}
	kinds := kindsOf(t, msg.Header.Get("Content-Type"), msg.Body)
	want := "multipart/mixed multipart/alternative text/plain text/html application/pdf application/json"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("parts %s, want %s", got, want)
	}
}

func kindsOf(t *testing.T, contentType string, body io.Reader) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{kind}
	if !strings.HasPrefix(kind, "multipart/") {
		return kinds
	}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return kinds
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kindsOf(t, p.Header.Get("Content-Type"), p)...)
	}
}

// What the ledger hashed is what the relay received, dots and all.
func TestBytesArriveAsPrepared(t *testing.T) {
	in := notifytest.StartInbox(t, inbox.Options{})
	s := newSMTP(t, config(t, in.SMTPAddr()))
	for name, m := range messages() {
		w, err := s.Prepare(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Send(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		got := in.Messages(inbox.Filter{ID: string(m.ID)})
		if len(got) != 1 || !bytes.Equal(got[0].Raw, w.Body) {
			t.Errorf("%s: received bytes differ from those prepared", name)
		}
		if len(got[0].Attachments) != len(m.Attachments) || got[0].HTML != m.HTML || got[0].From != "bounce@example.com" {
			t.Errorf("%s: read back %+v", name, got[0])
		}
		for i, a := range got[0].Attachments {
			if a.Name != m.Attachments[i].Name || a.Type != m.Attachments[i].Type || !bytes.Equal(a.Bytes, m.Attachments[i].Bytes) {
				t.Errorf("%s: attachment %d came as %+v", name, i, a)
			}
		}
	}
}

func TestDateIsTheClocksWhereTheMessageHasNone(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	m := messages()["notice_zh"]
	m.Date = time.Time{}
	w, err := s.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(w.Body, []byte("Date: Sun, 22 Nov 2026 02:00:00 +0000\r\n")) {
		t.Errorf("date: %s", w.Body[:400])
	}
}

func TestInternationalDomainBecomesASCII(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	m := notifytest.Message(1, "Li.Na+x@例子.测试")
	w, err := s.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := "Li.Na+x@xn--fsqu00a.xn--0zwm56d"; w.To != want || !bytes.Contains(w.Body, []byte("To: <"+want+">\r\n")) {
		t.Errorf("to %q, want %q", w.To, want)
	}
}

func TestUnfitTextIsRefused(t *testing.T) {
	s := newSMTP(t, config(t, "127.0.0.1:25"))
	for rule, change := range map[string]func(*notifiers.Message){
		"no subject":            func(m *notifiers.Message) { m.Subject = "" },
		"header in the subject": func(m *notifiers.Message) { m.Subject = "a\r\nBcc: b@example.net" },
		"broken characters":     func(m *notifiers.Message) { m.Text = "\xff" },
		"no text":               func(m *notifiers.Message) { m.Text = "" },
		"NUL in the HTML":       func(m *notifiers.Message) { m.HTML = "a\x00" },
		"path in a file name":   func(m *notifiers.Message) { m.Attachments = []notifiers.Attachment{{Name: "../x", Type: "text/plain"}} },
		"header in an attachment": func(m *notifiers.Message) {
			m.Attachments = []notifiers.Attachment{{Name: "x", Type: "text/plain\r\nX: y"}}
		},
		"attachment without a type": func(m *notifiers.Message) { m.Attachments = []notifiers.Attachment{{Name: "x"}} },
		"id with another form":      func(m *notifiers.Message) { m.ID = "x@y" },
	} {
		t.Run(rule, func(t *testing.T) {
			m := messages()["notice_zh"]
			change(&m)
			if _, err := s.Prepare(m); notifiers.OutcomeOf(err) != breach.Permanent {
				t.Errorf("got %v, want a permanent error", err)
			}
		})
	}
}
