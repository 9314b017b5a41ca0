package breach

import "time"

// Due is a deadline as people are told of it: the law's instant, our policy's where the law gives no number, and what a hold
// does to it. Its words are the same on every surface.
type Due struct {
	At       *time.Time `json:"at,omitempty"`        // the law's instant
	PolicyAt *time.Time `json:"policy_at,omitempty"` // ours, where the law gives no number
	Waits    bool       `json:"waits,omitempty"`     // the clock has not started
	Zone     string     `json:"zone,omitempty"`      // the authority's

	Moved     *time.Time `json:"moved,omitempty"`      // the instant to keep after a hold let the clock rest; nil without one
	HeldUntil *time.Time `json:"held_until,omitempty"` // while a hold is in force
	Paper     string     `json:"paper,omitempty"`      // the evidence's id that the hold rests on
}

// Target is the instant to work towards, nil where there is none.
func (d Due) Target() *time.Time {
	switch {
	case d.Moved != nil:
		return d.Moved
	case d.At != nil:
		return d.At
	}
	return d.PolicyAt
}

// In writes the deadline in a language. A hold never hides what the law's own instant is.
func (d Due) In(l Language) string {
	zh, text := l == Chinese, ""
	switch {
	case d.At != nil:
		text = Instant(*d.At, d.Zone, l)
	case d.PolicyAt != nil && zh:
		text = Instant(*d.PolicyAt, d.Zone, l) + "（内部时限）"
	case d.PolicyAt != nil:
		text = Instant(*d.PolicyAt, d.Zone, l) + " (policy)"
	case d.Waits:
		return Text{ZH: "尚未起算", EN: "clock not started"}.In(l)
	default:
		return Text{ZH: "无具体时限", EN: "no number"}.In(l)
	}
	if d.Moved == nil {
		return text
	}
	words := Text{ZH: Instant(*d.Moved, d.Zone, Chinese) + "（经暂缓；法定时限为 " + text + "）", EN: Instant(*d.Moved, d.Zone, English) + " (after a hold; the law's own instant is " + text + ")"}.In(l)
	if d.HeldUntil == nil {
		return words
	}
	return Text{
		ZH: "暂缓至 " + Instant(*d.HeldUntil, d.Zone, Chinese) + "，依据文件 " + d.Paper + "；其后应于 ",
		EN: "held until " + Instant(*d.HeldUntil, d.Zone, English) + " by paper " + d.Paper + "; then due ",
	}.In(l) + words
}
