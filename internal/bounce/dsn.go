package bounce

import (
	"regexp"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// order is how telling an action is when a report has several recipients, as after an alias was expanded: whoever got it by
// one of them was told, and as long as one is still tried nothing has failed.
var order = []breach.ReturnKind{
	breach.ReturnDelivered, breach.ReturnRelayed, breach.ReturnExpanded, breach.ReturnDelayed, breach.ReturnFailed,
}

// status reads what message/delivery-status says. Source: RFC 3464, 2.3.3 (Action), 2.3.4 (Status).
func (s *scan) status() (Report, bool) {
	found := map[breach.ReturnKind]fields{}
	for _, g := range s.groups {
		action, _, _ := strings.Cut(strings.ToLower(g.get("action")), " ")
		kind := breach.ReturnKind(strings.Trim(action, "\"'();"))
		if !slices.Contains(order, kind) && strings.HasPrefix(g.get("status"), "5") { // left out, or "failure": still failed
			kind = breach.ReturnFailed
		}
		if _, ok := found[kind]; !ok {
			found[kind] = g
		}
	}
	for _, kind := range order {
		g, ok := found[kind]
		if !ok {
			continue
		}
		r := Report{Kind: kind, Status: codeIn(g.get("status"))}
		if kind == breach.ReturnFailed {
			r.Status, r.Class = classify(g.get("status"), g.get("diagnostic-code"))
		}
		return r, true
	}
	return Report{}, false
}

var (
	enhanced = regexp.MustCompile(`(?:^|[^\d.])([245]\.\d{1,3}\.\d{1,3})(?:$|[^\d.])`)
	basic    = regexp.MustCompile(`(?:^|[^\d.])([45]\d\d)(?:$|[^\d.])`)
)

func codeIn(s string) string {
	if m := enhanced.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	return ""
}

// classify says why an attempt failed: by the enhanced code, and where that says nothing, as 5.0.0 does, by the other
// server's reply. Source: RFC 3463; the registry of enhanced status codes (RFC 5248).
func classify(status, diagnostic string) (code string, class breach.BounceClass) {
	code = codeIn(status)
	if vague(code) {
		if c := codeIn(diagnostic); c != "" && !vague(c) {
			code = c
		}
	}
	if code == "" {
		if m := basic.FindStringSubmatch(diagnostic); m != nil {
			code = m[1][:1] + ".0.0"
		}
	}
	return code, classOf(code, strings.ToLower(diagnostic))
}

func vague(code string) bool { return code == "" || strings.HasSuffix(code, ".0.0") }

func classOf(code, words string) breach.BounceClass {
	if strings.HasPrefix(code, "4") {
		return breach.BounceExpired // a report of failure with 4.x.x: the queue's time was over
	}
	_, detail, _ := strings.Cut(code, ".")
	subject, _, _ := strings.Cut(detail, ".")
	switch {
	case detail == "1.7" || detail == "1.8": // our address is refused, not theirs
		return breach.BouncePolicy
	case detail == "2.2":
		return breach.BounceFull
	case detail == "7.13" || detail == "7.17" || detail == "7.18": // account disabled, owner changed
		return breach.BounceHard
	case subject == "7":
		if unknownUser.MatchString(words) { // 5.7.1 is said for many reasons
			return breach.BounceHard
		}
		return breach.BouncePolicy
	case subject == "1" || detail == "2.0" || detail == "2.1" || detail == "4.4":
		return breach.BounceHard
	}
	return classByWords(words)
}

// What servers say where their code says little. English and Chinese cover the codes of the large providers; NetEase names its
// policies like DT:SPM.
var (
	unknownUser = regexp.MustCompile(`user unknown|unknown user|no such (?:user|mailbox|recipient|person)|does ?n[o']t exist|not found|invalid (?:recipient|mailbox|address)|unknown (?:recipient|address|mailbox)|mailbox unavailable|recipient (?:address )?(?:rejected: (?:user|undeliverable|access denied)|unknown)|account (?:disabled|is disabled|inactive)|user (?:suspended|not local)|not listed in|不存在|无此用户|用户未找到|查無此`)
	fullBox     = regexp.MustCompile(`(?:mailbox|inbox|account|user|recipient)[^.]{0,40}(?:full|over ?quota|exceed)|over ?quota|quota (?:exceeded|full)|insufficient (?:system )?storage|out of storage|已满|容量不足`)
	refusedUs   = regexp.MustCompile(`spam|black ?list|block ?list|blocked|policy|dmarc|\bspf\b|\bdkim\b|reputation|banned|unsolicited|rate limit|too many|frequency limited|content denied|\b(?:dt|hl|mi|rp|wm):[a-z]{3}\b|垃圾邮件|黑名单|拒收`)
)

func classByWords(words string) breach.BounceClass {
	switch {
	case fullBox.MatchString(words):
		return breach.BounceFull
	case unknownUser.MatchString(words):
		return breach.BounceHard
	case refusedUs.MatchString(words):
		return breach.BouncePolicy
	}
	return breach.BounceOther
}
