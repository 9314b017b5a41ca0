package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// CloseIn proposes to close an incident: POST /v1/incidents/{id}/close.
type CloseIn struct {
	Why string `json:"why"`
}

// proposeClosing writes the closure document that a second person decides on like on any other. While something is open
// it refuses, naming each thing and what to type next. A proposal that fits the facts of now is not written twice.
func proposeClosing(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in CloseIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	ctx := c.r.Context()
	incident, err := s.store.Incident(ctx, id)
	if err != nil {
		return err
	}
	if incident.ClosedAt != nil {
		return problem(http.StatusConflict, "closed", string(id)+" is closed already.", "")
	}
	standing, err := s.standing(ctx, incident)
	if err != nil {
		return err
	}
	if open := standing.open(); len(open) > 0 {
		p := problem(http.StatusConflict, "still_open", fmt.Sprintf("%s cannot be closed yet; still open: %d.", id, len(open)), "Each is listed with what to type next.")
		p.Open = open
		return p
	}
	if d := standing.proposal(); d != nil && d.FactsRev == incident.FactsRev {
		return c.reply(http.StatusOK, d)
	}
	content, err := json.Marshal(standing.closure(in.Why))
	if err != nil {
		return fmt.Errorf("write closure: %w", err)
	}
	d, err := s.store.AddDocument(ctx, store.Document{
		IncidentID: id, Kind: breach.DocClosure, Subject: "closure/1", Author: c.holder.Person, FactsRev: incident.FactsRev, Content: content,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, d)
}

// standing is what a closure says, and what tells of each matter that keeps it from being written.
type standing struct {
	incident    store.Incident
	matters     []store.Matter // what is open; empty where it may be closed
	severities  []breach.Severity
	obligations []store.Obligation
	filings     []store.Filing
	tasks       []store.Task
	documents   []store.Document
	published   []store.PublicNotice
	tally       breach.Tally
}

func (s *server) standing(ctx context.Context, incident store.Incident) (standing, error) {
	st := standing{incident: incident}
	id := incident.ID
	var err error
	// Each step runs only where those before it went well.
	read := func(step func() error) {
		if err == nil {
			err = step()
		}
	}
	read(func() (err error) { st.matters, err = s.store.OpenMatters(ctx, id); return })
	read(func() (err error) { st.obligations, err = s.store.Obligations(ctx, id); return })
	read(func() (err error) { st.filings, err = s.store.Filings(ctx, id); return })
	read(func() (err error) { st.tasks, err = s.store.Tasks(ctx, id, true); return })
	read(func() (err error) { st.documents, err = s.store.Documents(ctx, id, false, everyKind...); return })
	read(func() (err error) { st.published, err = s.store.PublicNotices(ctx, id); return })
	read(func() (err error) { st.tally, err = s.store.Tally(ctx, id); return })
	if err == nil && incident.AssessedRev > 0 {
		var a breach.Assessment
		if a, err = s.store.Assessment(ctx, id); err == nil {
			st.severities = a.Severities
		}
	}
	return st, err
}

// proposal is the closure that waits, or was approved and not yet acted on.
func (st standing) proposal() *store.Document {
	i := slices.IndexFunc(st.documents, func(d store.Document) bool { return d.Kind == breach.DocClosure })
	if i < 0 {
		return nil
	}
	return &st.documents[i]
}

// closure is the document. It holds no instant of its own making: the same standing gives the same bytes.
func (st standing) closure(why string) breach.Content {
	return breach.Content{Reason: why, Renditions: []breach.Rendition{
		st.closureIn(breach.Chinese, why), st.closureIn(breach.English, why),
	}}
}

func (st standing) closureIn(l breach.Language, why string) breach.Rendition {
	in := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(l) }
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line(in("理由：%s", "Reason: %s"), why)
	line("")
	line(in("一、分级", "1. Severity"))
	for _, sev := range st.severities {
		level := sev.LevelName.In(l)
		if sev.Level == "" {
			level = in("未达到任何级别", "no level reached")
		}
		line(in("- %s：%s", "- %s: %s"), sev.ScaleName.In(l), level)
	}
	line("")
	line(in("二、义务", "2. Duties"))
	for _, o := range st.obligations {
		line(in("- %s：%s%s", "- %s: %s%s"), o.Result.Title.In(l)+basis(o.Result, l), statusWord(o.Status).In(l), st.proof(o, l))
	}
	line("")
	line(in("三、告知", "3. People told"))
	t := st.tally
	line(in("受影响 %d 人，其中未成年人 %d 人（不满十四周岁 %d 人）。", "%d people affected, of them %d minors (%d under 14)."), t.Affected, t.Minors, t.Under14)
	line(in("逐一告知 %d 人，公告告知 %d 人，依法免除 %d 人。", "%d told individually, %d by public notice, %d lawfully exempt."), t.Told, t.Public, t.Exempt)
	for _, p := range st.published {
		line(in("公告编号 %s，公示至 %s。", "Public notice %s, posted until %s."), p.Number, p.UntilAt.UTC().Format("2006-01-02"))
	}
	if undone := st.undone(); len(undone) > 0 {
		line("")
		line(in("四、未能完成的待办", "4. Tasks that could not be done"))
		for _, task := range undone {
			line("- %s", task.Title.In(l))
		}
	}
	return breach.Rendition{
		Language: l,
		Title:    fmt.Sprintf(in("关闭事件 %s", "Closing of incident %s"), st.incident.ID),
		Text:     strings.TrimRight(b.String(), "\n"),
	}
}

// basis names the instrument and the article, in brackets.
func basis(o breach.Obligation, l breach.Language) string {
	text := strings.TrimSpace(o.Instrument.In(l) + " " + o.ArticleIn.In(l))
	switch {
	case text == "":
		return ""
	case l == breach.Chinese:
		return "（" + text + "）"
	}
	return " (" + text + ")"
}

// proof is when a duty was met, and under which receipt.
func (st standing) proof(o store.Obligation, l breach.Language) string {
	if o.MetAt == nil {
		return ""
	}
	text := breach.Text{ZH: "，", EN: ", "}.In(l) + o.MetAt.UTC().Format("2006-01-02 15:04 UTC")
	for _, f := range slices.Backward(st.filings) {
		if f.Obligation == o.Key && f.State == "accepted" && f.Reference != "" {
			return text + breach.Text{ZH: "，回执 ", EN: ", receipt "}.In(l) + f.Reference
		}
	}
	return text
}

func (st standing) undone() []store.Task {
	var tasks []store.Task
	for _, t := range st.tasks {
		if t.Outcome != nil && *t.Outcome == "not_done" {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

func statusWord(s store.ObligationStatus) breach.Text {
	switch s {
	case store.ObligationMet:
		return breach.Text{ZH: "已履行", EN: "met"}
	case store.ObligationGone:
		return breach.Text{ZH: "不再适用", EN: "not owed"}
	case store.ObligationCovered:
		return breach.Text{ZH: "由另一份报告一并履行", EN: "met by another report to the same addressee"}
	case store.ObligationAcked:
		return breach.Text{ZH: "已履行，对方已确认", EN: "met and acknowledged"}
	case store.ObligationWaived:
		return breach.Text{ZH: "经两人同意不再履行", EN: "waived by two people"}
	case store.ObligationWithdrawn:
		return breach.Text{ZH: "报告已撤回", EN: "report taken back"}
	default: // a closure is written only where nothing is open
		return breach.Text{ZH: "未结", EN: "open"}
	}
}
