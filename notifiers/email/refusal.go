package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	gomail "github.com/wneessen/go-mail"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// refusal is the relay's no: its numbers, and what its words amount to. The words themselves list recipients and are dropped.
type refusal struct {
	code     int
	enhanced string // RFC 3463's, "5.7.1"; empty where there is none
	sender   bool   // the words speak of our sender, or of our not having signed in
	relaying bool   // they say that the relay does not relay for us
	nobody   bool   // they say that there is no such mailbox
	policy   bool   // they speak of spam, blocks and policies
}

// Error names the number alone.
func (r *refusal) Error() string { return "refused with " + strconv.Itoa(r.code) }

// readRefusal reads an answer of one line or several.
func readRefusal(code int, answer []byte) *refusal {
	r := &refusal{code: code}
	if m := enhancedCode.FindSubmatch(answer); m != nil {
		r.enhanced = string(m[1])
	}
	r.sender, r.relaying = aboutSender.Match(answer), aboutRelaying.Match(answer)
	r.nobody, r.policy = aboutNobody.Match(answer), aboutPolicy.Match(answer)
	return r
}

// What relays say where their numbers say little: most refuse at RCPT what is wrong with us (Postfix delays every refusal to
// there), and with 550 or 554 like everything else.
var (
	enhancedCode  = regexp.MustCompile(`(?m)^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b`)
	aboutSender   = regexp.MustCompile(`(?i)sender (?:address |domain )?(?:is )?(?:rejected|denied|refused|not (?:verified|allowed|authori[sz]ed|permitted))|verified sender|not owned by user|send ?as ?denied|permissions? to send as|mail from must|address (?:is )?not verified|unauthenticated (?:senders?|users?|clients?)|not authenticated to|client (?:is |was )?not authenticated|authenticat\w+ (?:is )?(?:needed|required)|must (?:first )?(?:authenticate|log ?in|issue a starttls)|please (?:authenticate|log ?in)|client host rejected|credits? exceeded|account (?:is )?(?:suspended|locked)`)
	aboutRelaying = regexp.MustCompile(`(?i)relay(?:ing)? (?:access )?(?:is )?(?:denied|not (?:permitted|allowed|authori[sz]ed)|prohibited|forbidden)|(?:unable|not (?:permitted|allowed|authori[sz]ed)) to relay|(?:can(?:no|')t|do(?:es)? not|don't) relay|allowed rcpthosts`)
	aboutNobody   = regexp.MustCompile(`(?i)(?:user|mailbox|recipient|address) (?:is )?(?:unknown|not found)|unknown (?:user|mailbox|recipient)|no such (?:user|mailbox|recipient|person|address)|user does ?n[o']t exist|recipient (?:address )?(?:rejected: (?:user|undeliverable|access denied))|account (?:is )?disabled|不存在|无此用户`)
	aboutPolicy   = regexp.MustCompile(`(?i)spam|black ?list|block ?list|blocked|dmarc|\bspf\b|\bdkim\b|reputation|unsolicited|frequency limited|content denied|垃圾邮件|黑名单`)
)

// against says whom a refusal after MAIL is about, and what it comes to for this recipient. Source: RFC 5321, 4.2.3; RFC 4954, 6;
// the registry of enhanced status codes (RFC 5248).
func (r *refusal) against(doing string) (breach.Outcome, notifiers.Against) {
	_, detail, _ := strings.Cut(r.enhanced, ".")
	switch {
	case ofOurs[r.code] || ofOursStatus[detail] || r.sender:
		return breach.Temporary, notifiers.Us
	case r.code < 500:
		if r.relaying {
			return breach.Temporary, notifiers.Us
		}
		return breach.Temporary, ""
	case r.nobody || detail == "7.13" || detail == "7.17" || detail == "7.18": // account disabled, owner changed
		return breach.Permanent, ""
	case r.relaying:
		return breach.Temporary, notifiers.Us
	case strings.HasPrefix(detail, "7.") || r.policy && !strings.HasPrefix(detail, "1."):
		return breach.Temporary, notifiers.Policy
	case detail == "2.2", detail == "" && doing == "rcpt" && r.code == 552: // a full mailbox; RFC 5321, 4.5.3.1.10
		return breach.Temporary, ""
	}
	return breach.Permanent, ""
}

// ofOurs are the numbers that speak of the conversation or of our signing in, whenever they are said.
var ofOurs = map[int]bool{500: true, 502: true, 503: true, 523: true, 524: true, 526: true, 530: true, 534: true, 535: true, 538: true}

// ofOursStatus are the enhanced ones, without their class: our sender's address, our authentication, and Exchange's relaying.
var ofOursStatus = map[string]bool{
	"1.7": true, "1.8": true, "7.3": true, "7.8": true, "7.9": true, "7.10": true, "7.11": true, "7.14": true,
	"7.54": true, "7.57": true, "7.60": true, "7.64": true, "7.139": true, "2.252": true,
}

// codeOf is the relay's number, or 0 where it gave none.
func codeOf(err error) int {
	if e, ok := errors.AsType[*notifiers.Error](err); ok {
		n, _ := strconv.Atoi(e.Code)
		return n
	}
	if e, ok := errors.AsType[*refusal](err); ok {
		return e.code
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok { // go-mail's
		return e.Code
	}
	return 0
}

// verdict keeps the numbers and drops the words. otherwise is the outcome where no number came.
func verdict(err error, doing string, otherwise breach.Outcome) *notifiers.Error {
	e := &notifiers.Error{Channel: breach.Email, Doing: doing, Outcome: otherwise}
	code := codeOf(err)
	if code != 0 {
		e.Code = strconv.Itoa(code)
	}
	switch r, refused := errors.AsType[*refusal](err); {
	case code >= 400 && code < 600 && (doing == "connect" || doing == "mail"):
		return ours(e, code)
	case code >= 400 && code < 600 && refused:
		e.Outcome, e.Against = r.against(doing)
	case code == 0 && doing == "connect":
		e.Code, e.Against = setup(err)
	}
	return e
}

// ours makes a refusal of us, before the relay heard for whom the mail is, one that may be mended. With 4xx that may happen by
// itself.
func ours(e *notifiers.Error, code int) *notifiers.Error {
	e.Outcome = breach.Temporary
	if code >= 500 {
		e.Against = notifiers.Us
	}
	switch code {
	case 530, 534, 535, 538, 454:
		e.Doing = "authenticate"
	}
	return e
}

// setup names why no connection was had where no number says it. What a repetition cannot help is against us.
func setup(err error) (code string, against notifiers.Against) {
	words := err.Error() // go-mail's own have no types; they are looked at, not kept
	switch {
	case errors.Is(err, context.Canceled):
		return "", ""
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return "timeout", ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody-listens", ""
	case is[*net.DNSError](err):
		return "dns", ""
	case is[*tls.CertificateVerificationError](err), is[x509.UnknownAuthorityError](err), is[x509.HostnameError](err), is[x509.CertificateInvalidError](err):
		return "certificate", notifiers.Us
	case is[tls.RecordHeaderError](err), is[tls.AlertError](err):
		return "tls", notifiers.Us
	case strings.Contains(words, "does not support STARTTLS"):
		return "no-starttls", notifiers.Us
	case errors.Is(err, gomail.ErrNoSupportedAuthDiscovered), strings.Contains(words, "AUTH"), strings.Contains(words, "unencrypted connection"):
		return "no-auth", notifiers.Us
	}
	return "", ""
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
