package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/notifiers"
	"tocsin/templates"
)

// readiness is what the settings come to for the reports that an incident may bring.
type readiness struct {
	Ready  int         `json:"ready"`   // duties whose report a machine could hand over now
	ByHand int         `json:"by_hand"` // a person hands it over, and the settings say where
	Blocks []blockedBy `json:"cannot_be_filed"`
}

// blockedBy is a duty whose report could not be handed over today.
type blockedBy struct {
	Rule      breach.RuleID `json:"rule"`
	Authority string        `json:"authority"`
	Addressee breach.Text   `json:"addressee"`
	Title     breach.Text   `json:"title"`
	Owed      breach.Owed   `json:"owed"` // for an incident of which nothing is known yet
	Way       string        `json:"way"`
	Why       []breach.Text `json:"why"`
}

// readyToFile tries what filing would need, for every duty to report that the organisation's profile does not rule out: an
// addressee, a way that works at this moment, a signer, and the form in each language. Nothing is sent and no server is asked.
func (h *house) readyToFile(ctx context.Context, now time.Time) (readiness, error) {
	r := readiness{Blocks: []blockedBy{}}
	assessed, err := h.laws.Assess(h.profile, breach.Facts{}, now)
	if err != nil {
		return r, err
	}
	broken := map[string][]breach.Text{} // by authority
	for _, o := range assessed.Obligations {
		if o.Duty != breach.DutyFiling || o.Authority == "" { // a report to a customer or a parent company has no entry here
			continue
		}
		a, known := h.cfg.Authority(o.Authority)
		why, asked := broken[o.Authority]
		if !asked {
			why = h.cannotReach(ctx, o, a, known)
			broken[o.Authority] = why
		}
		why = append(slices.Clone(why), h.cannotWrite(o, a, now)...)
		switch {
		case len(why) > 0:
			way := ""
			if known {
				way = a.FiledBy()
			}
			r.Blocks = append(r.Blocks, blockedBy{Rule: o.Rule, Authority: o.Authority, Addressee: o.Addressee, Title: o.Title, Owed: o.Owed, Way: way, Why: why})
		case a.FiledBy() == config.WayHand:
			r.ByHand++
		default:
			r.Ready++
		}
	}
	slices.SortStableFunc(r.Blocks, func(x, y blockedBy) int { return strings.Compare(x.Authority, y.Authority) })
	return r, nil
}

// cannotReach says why nothing can be handed over to an authority.
func (h *house) cannotReach(ctx context.Context, o breach.Obligation, a config.Authority, known bool) []breach.Text {
	switch {
	case !known:
		return []breach.Text{{
			ZH: "authorities 中没有“" + o.Addressee.ZH + "”：请补充这一 key 和报送方式",
			EN: "authorities has no entry for " + o.Addressee.EN + ": add this key with a way",
		}}
	case a.FiledBy() == config.WayHand && a.Portal == "" && a.Hotline == "":
		return []breach.Text{{ZH: "人工报送，但没有写明门户（portal）或热线（hotline）", EN: "filed by hand, and neither portal nor hotline says where"}}
	}
	p, ok := h.wayTo(a).(notifiers.Prober)
	if !ok {
		return nil
	}
	if err := p.Probe(ctx); err != nil {
		return []breach.Text{{ZH: "此刻无法写入：" + err.Error(), EN: "cannot be written to just now: " + err.Error()}}
	}
	return nil
}

// cannotWrite says why the report of a duty cannot be drawn up. It fills the form with what is known without an incident.
func (h *house) cannotWrite(o breach.Obligation, a config.Authority, now time.Time) []breach.Text {
	signer := h.signer(a)
	if signer.Name == "" || signer.Phone == "" {
		return []breach.Text{{
			ZH: "没有签署人：填写 organisation.signer 的姓名和电话，或该机关自己的 signer",
			EN: "nobody signs: give organisation.signer a name and a phone, or this authority a signer of its own",
		}}
	}
	var why []breach.Text
	for _, l := range templates.Languages() {
		_, err := h.texts.Filing(h.texts.FormFor(o), templates.FilingView{
			Organisation: h.speaker, Signer: signer, Incident: breach.NewIncidentID(now.Year(), 1), Obligation: o, Facts: h.profile, PreparedAt: now,
		}, l)
		if err != nil {
			why = append(why, breach.Text{ZH: fmt.Sprintf("%s 版表格无法填写：%v", l, err), EN: fmt.Sprintf("the form cannot be filled in %s: %v", l, err)})
		}
	}
	return why
}

// readiness lists what could not be filed, the duties of one authority together.
func (p *page) readiness(r readiness) {
	if len(r.Blocks) > 0 {
		p.line("%s", p.say("下列报告今天无法报送：", "These reports could not be filed today:"))
		var rows []table.Row
		for _, b := range r.Blocks {
			var why []string
			for _, w := range b.Why {
				why = append(why, w.In(p.lang))
			}
			way := b.Way
			if way == "" {
				way = "–"
			}
			rows = append(rows, table.Row{string(b.Rule) + "/" + b.Authority, way, strings.Join(why, "\n")})
		}
		p.table(table.Row{p.say("义务", "Duty"), p.say("方式", "Way"), p.say("原因", "Why not")}, rows, 2)
	}
	p.line("%s", p.say(
		fmt.Sprintf("贵单位可能承担的报告义务：%d 项可由系统报送，%d 项由人工报送，%d 项今天无法报送。", r.Ready, r.ByHand, len(r.Blocks)),
		fmt.Sprintf("Reports that the law may ask of you: %d would leave by themselves, %d by hand, %d could not be filed today.", r.Ready, r.ByHand, len(r.Blocks))))
}
