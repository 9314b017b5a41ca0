package bounce_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"tocsin/internal/bounce"
	"tocsin/internal/breach"
)

// talk says lines to a server one by one and returns its answers; what follows DATA goes out as it is.
func talk(t *testing.T, addr string, lines ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	hear := func() string {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return "gone"
			}
			if len(line) > 3 && line[3] == ' ' {
				return strings.TrimSpace(line)
			}
		}
	}
	answers := []string{hear()}
	for _, line := range lines {
		if _, err := io.WriteString(c, line+"\r\n"); err != nil {
			return append(answers, "gone")
		}
		answers = append(answers, hear())
	}
	return answers
}

// Servers return what they got, and text for people that never saw a mail's limits: a report is taken whatever its lines are.
func TestReportsOfOddServersAreTaken(t *testing.T) {
	const verp = "bounce+" + goodToken + "@bounces.example.com"
	report := string(sample(t, "postfix_unknown_user"))
	wordy := strings.Replace(report, "I'm sorry", strings.Repeat("x", 20<<10)+"I'm sorry", 1)
	for rule, c := range map[string]struct {
		protocol        bounce.Protocol
		from, rcpt, raw string
	}{
		"a line of 20 kB, as HTML has":       {bounce.SMTP, "<>", "<" + verp + ">", wordy},
		"the same by LMTP":                   {bounce.LMTP, "<>", "<" + verp + ">", wordy},
		"an international report (RFC 6533)": {bounce.SMTP, "<> SMTPUTF8 BODY=8BITMIME", "<" + verp + ">", report},
		"with its size":                      {bounce.SMTP, "<> SIZE=4000", "<" + verp + ">", report},
		"from somebody":                      {bounce.SMTP, "<mailer-daemon@example.net>", "<" + verp + ">", report},
		"with a space after the colon":       {bounce.SMTP, " <>", " <" + verp + ">", report},
		"NUL and bytes beyond ASCII":         {bounce.SMTP, "<>", "<" + verp + ">", strings.Replace(report, "\r\n\r\n", "\r\n\r\n\x00\xff\xfe\r\n", 1)},
	} {
		t.Run(rule, func(t *testing.T) {
			s := serve(t, func(o *bounce.Options) { o.Protocol = c.protocol })
			hello := "EHLO a.example.net"
			if c.protocol == bounce.LMTP {
				hello = "LHLO a.example.net"
			}
			body := strings.ReplaceAll(strings.ReplaceAll(c.raw, "\r\n", "\n"), "\n", "\r\n")
			answers := talk(t, s.addr, hello, "MAIL FROM:"+c.from, "RCPT TO:"+c.rcpt, "DATA", strings.TrimSuffix(body, "\r\n")+"\r\n.")
			if last := answers[len(answers)-1]; !strings.HasPrefix(last, "250") {
				t.Fatalf("the answers were %q", answers)
			}
			if kept := s.all(); len(kept) != 1 || kept[0].Report.Kind != breach.ReturnFailed || kept[0].Report.Class != breach.BounceHard {
				t.Errorf("%d were kept, of kinds %q", len(kept), kinds(kept))
			}
		})
	}
}

func kinds(kept []bounce.Returned) (list []string) {
	for _, k := range kept {
		list = append(list, string(k.Report.Kind)+" "+string(k.Report.Class))
	}
	return list
}

// A server in front hands over several at once, one of them twice and one forged, all commands in one packet.
func TestPipelinedAndRepeatedRecipients(t *testing.T) {
	const verp = "bounce+" + goodToken + "@bounces.example.com"
	s := serve(t, func(o *bounce.Options) { o.Protocol = bounce.LMTP })
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	report := strings.ReplaceAll(strings.ReplaceAll(string(sample(t, "postfix_unknown_user")), "\r\n", "\n"), "\n", "\r\n")
	said := "LHLO a.example.net\r\nMAIL FROM:<>\r\nRCPT TO:<" + verp + ">\r\nRCPT TO:<" + strings.Replace(verp, "0", "1", 1) + ">\r\nRCPT TO:<" + verp + ">\r\nDATA\r\n" +
		report + ".\r\nQUIT\r\n"
	if _, err := io.WriteString(c, said); err != nil {
		t.Fatal(err)
	}
	heard, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for line := range strings.Lines(string(heard)) {
		if line[3] == ' ' {
			codes = append(codes, line[:3])
		}
	}
	if got := strings.Join(codes, " "); got != "220 250 250 250 550 250 354 250 250 221" {
		t.Errorf("the answers were %s", got)
	}
	for _, k := range s.all() {
		if k.Delivery != sampleID || k.Report.Class != breach.BounceHard {
			t.Errorf("kept %s as %s", k.Delivery, k.Report.Class)
		}
	}
}
