package activities

import (
	"context"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// WavePolicy says when a first wave has gone well.
type WavePolicy struct {
	MinAccepted float64 // the least part of those attempted that must have been taken over
	MaxBounced  float64 // the greatest part of them that may have come back
}

// JudgeInput is the input of JudgeFirstWave.
type JudgeInput struct {
	Incident breach.IncidentID `json:"incident"`
	Campaign int               `json:"campaign"`
	Channel  breach.Channel    `json:"channel"`
}

// JudgeFirstWave looks what became of a campaign's first messages. Where too many failed, it halts the campaign and asks the
// lead: something is wrong with our mail, and everybody else would get it too.
func (a *Notices) JudgeFirstWave(ctx context.Context, in JudgeInput) error {
	w, err := a.Store.Wave(ctx, in.Incident, in.Campaign, in.Channel)
	if err != nil || a.FirstWave.fits(w) {
		return final(err)
	}
	if err := a.Store.AddTask(ctx, store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: "first wave of notice " + itoa(in.Campaign), OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "首批告知结果异常，发送已暂停", EN: "The first wave of the notice went badly; sending is halted"},
		Detail: breach.Text{
			ZH: "首批发送中，被接收的比例过低或退回的比例过高（详见 tocsin people count）。请检查邮件中继、发件域名的 SPF/DKIM/DMARC 与名单质量；确认后用 tocsin notice resume 继续。",
			EN: "Too few of the first messages were taken over, or too many came back (tocsin people count shows them). Check the relay, the sender's SPF, DKIM and DMARC, and the list; then tocsin notice resume goes on.",
		},
	}); err != nil {
		return final(err)
	}
	return final(a.Store.Halt(ctx, in.Incident, in.Campaign, true, breach.Tocsin))
}

// fits judges by what was attempted; a wave in which nothing was attempted says nothing.
func (p WavePolicy) fits(w store.Wave) bool {
	if w.Attempted == 0 {
		return true
	}
	n := float64(w.Attempted)
	return float64(w.Accepted+w.Bounced) >= p.MinAccepted*n && float64(w.Bounced) <= p.MaxBounced*n
}
