package email_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/notifiers"
	"tocsin/notifiers/notifytest"
)

func report(size int) notifiers.Message {
	m := notifytest.Message(1, address(1))
	m.Attachments = []notifiers.Attachment{{Name: "report-zh-CN.pdf", Type: "application/pdf", Bytes: bytes.Repeat([]byte{0x5a}, size)}}
	return m
}

// tooLarge wants a final refusal that tells a person what to do.
func tooLarge(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*notifiers.Error](err)
	if !ok || e.Outcome != breach.Permanent || e.Code != notifiers.CodeTooLarge {
		t.Fatalf("got %v, want a permanent error with code %s", err, notifiers.CodeTooLarge)
	}
	if why := notifiers.Reason(err); !strings.Contains(why.EN, "larger than this way takes") || !strings.Contains(why.ZH, "未发出任何内容") {
		t.Errorf("the reason does not help: %+v", why)
	}
}

func TestAttachmentOfFortyMegabytesIsRefusedBeforeAnythingLeaves(t *testing.T) {
	in := start(t)
	s := newSMTP(t, config(t, in.SMTPAddr()))
	_, err := s.Prepare(report(40 << 20))
	tooLarge(t, err)
	if c := in.Counts(); len(c) != 0 {
		t.Errorf("the relay saw something: %+v", c)
	}
}

func TestLimitCountsTheMailAsSent(t *testing.T) {
	in := start(t)
	cfg := config(t, in.SMTPAddr())
	cfg.MaxBytes = 1 << 20
	s := newSMTP(t, cfg)
	if _, err := s.Prepare(report(700 << 10)); err != nil {
		t.Errorf("700 KiB become 950 in base64 and fit into 1 MiB: %v", err)
	}
	_, err := s.Prepare(report(767 << 10)) // 768 KiB would be exactly 1 MiB, without the line ends
	tooLarge(t, err)
}

// The relay says in its answer to EHLO how much it takes (RFC 1870); more is not begun, and the connection stays good.
func TestRelaysOwnLimitIsHonoured(t *testing.T) {
	in := start(t)
	cfg := config(t, in.SMTPAddr())
	cfg.MaxBytes = 64 << 20
	cfg.Connections = 1
	s := newSMTP(t, cfg)
	w, err := s.Prepare(report(30 << 20)) // 40 MiB as sent, the inbox takes 32
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), w)
	tooLarge(t, err)
	if n := in.Count(inbox.Filter{}); n != 0 {
		t.Errorf("%d mails arrived", n)
	}
	if err := send(t, s, 2); err != nil {
		t.Errorf("the next mail on the same connection: %v", err)
	}
}

func TestAddressRefusedByTheServer(t *testing.T) {
	in := start(t, inbox.Fault{To: address(1), Do: inbox.Refuse, Code: "550"})
	s := newSMTP(t, config(t, in.SMTPAddr()))
	w, err := s.Prepare(report(1 << 10))
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Send(t.Context(), w)
	if e, ok := errors.AsType[*notifiers.Error](err); !ok || e.Outcome != breach.Permanent || e.Code != "550" || e.Doing != "rcpt" {
		t.Fatalf("got %v, want a permanent refusal of the recipient with 550", err)
	}
	if why := notifiers.Reason(err); !strings.Contains(why.EN, "refused") || why.ZH == "" {
		t.Errorf("the reason does not help: %+v", why)
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows the address: %v", err)
	}
}
