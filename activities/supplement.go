package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// supplementing lays over a view what a person asked a supplementary notice to say, and which notice it corrects or adds to.
func (a *Notices) supplementing(ctx context.Context, in DraftNoticeInput, view *templates.NoticeView) (store.Supplement, error) {
	ask, err := a.Store.SupplementAsk(ctx, in.Incident, in.Ask)
	if err != nil {
		return ask, err
	}
	earlier, err := a.Store.EarlierNotice(ctx, in.Incident, ask.Supplements)
	if err != nil {
		return ask, err
	}
	d, err := a.Store.Document(ctx, earlier.Document)
	if err != nil {
		return ask, err
	}
	var content breach.Content
	if err := json.Unmarshal(d.Content, &content); err != nil {
		return ask, errors.New("the earlier notice cannot be read")
	}
	view.Earlier = &templates.Earlier{Number: earlier.Number, At: earlier.FrozenAt, Changed: ask.Changed}
	if content.IssuedAt != nil {
		view.Earlier.At = *content.IssuedAt
	}
	for _, r := range content.Renditions {
		view.Earlier.Categories = append(view.Earlier.Categories, r.Categories...)
	}
	return ask, nil
}

// saidFacts are the facts that a notice tells people.
var saidFacts = []breach.FactName{"state", "kinds", "data.categories", "occurred_at", "aware_at"}

// lookForGaps asks the lead for a supplementary notice where one that was sent says less than is known by now, or something
// else. It asks once for each revision of the facts that changed what a notice says; a supplement that is being prepared says
// it already.
func lookForGaps(ctx context.Context, s *store.Store, id breach.IncidentID) error {
	campaigns, err := s.Campaigns(ctx, id)
	if err != nil {
		return err
	}
	for _, c := range campaigns {
		if c.FrozenAt == nil || c.Supplements != nil {
			continue
		}
		pending, err := s.SupplementPending(ctx, id, c.N)
		if err != nil {
			return err
		}
		if pending {
			continue
		}
		earlier, err := s.EarlierNotice(ctx, id, c.N)
		if err != nil {
			return err
		}
		g, err := gapOf(ctx, s, id, earlier)
		if err != nil {
			return err
		}
		if len(g.changed) == 0 {
			continue
		}
		if err := s.AddGapTask(ctx, g.task(id, c.N, earlier), c.N, g.rev); err != nil {
			return err
		}
	}
	return nil
}

// gap is what a notice that was sent does not say.
type gap struct {
	rev     int // of the facts, since when it is so
	changed []breach.Text
}

func gapOf(ctx context.Context, s *store.Store, id breach.IncidentID, e store.Earlier) (gap, error) {
	var g gap
	history, err := s.FactHistory(ctx, id)
	if err != nil {
		return g, err
	}
	then := slices.IndexFunc(history, func(r store.FactRevision) bool { return r.Rev == e.FactsRev })
	if then < 0 || len(history) == 0 {
		return g, nil
	}
	now := history[len(history)-1].Facts
	for _, name := range saidFacts {
		if !reflect.DeepEqual(history[then].Facts[name], now[name]) {
			g.changed = append(g.changed, changeOf(name, history[then].Facts, now))
		}
	}
	total, err := morePeople(ctx, s, id, history[then].Facts, now)
	if err != nil {
		return g, err
	}
	if total != (breach.Text{}) {
		g.changed = append(g.changed, total)
	}
	before, after, err := s.NoticeWordsSince(ctx, id, e.FactsRev)
	if err != nil {
		return g, err
	}
	before.Words.Correction, after.Words.Correction = breach.Text{}, breach.Text{}
	rewritten := !reflect.DeepEqual(before.Words, after.Words)
	if rewritten {
		g.changed = append(g.changed, breach.Text{ZH: "告知用语（原因、措施等）", EN: "the words of the notices (cause, measures and the like)"})
	}
	for i := then + 1; i < len(history); i++ {
		r := history[i]
		moved := slices.ContainsFunc(append(slices.Clone(saidFacts), "people.total"), func(n breach.FactName) bool {
			return !reflect.DeepEqual(history[i-1].Facts[n], r.Facts[n])
		})
		if moved || rewritten && after.At != nil && r.At.Equal(*after.At) {
			g.rev = r.Rev
		}
	}
	return g, nil
}

// changeOf names a fact that changed; of a set, what was added and what was taken away.
func changeOf(name breach.FactName, then, now breach.Facts) breach.Text {
	def, _ := breach.DefOf(name)
	if def.Type != breach.FactSet {
		return def.Label
	}
	was, _ := then.Set(name)
	is, _ := now.Set(name)
	t := breach.Text{ZH: def.Label.ZH, EN: def.Label.EN}
	for _, part := range []struct {
		zh, en  string
		of, not []string
	}{{"新增", "added", is, was}, {"去除", "taken away", was, is}} {
		var zh, en []string
		for _, c := range def.Choices {
			if slices.Contains(part.of, c.Value) && !slices.Contains(part.not, c.Value) {
				zh, en = append(zh, c.Label.ZH), append(en, c.Label.EN)
			}
		}
		if len(zh) > 0 {
			t.ZH += "（" + part.zh + "：" + strings.Join(zh, "、") + "）"
			t.EN += " (" + part.en + ": " + strings.Join(en, ", ") + ")"
		}
	}
	return t
}

// morePeople says where more people are affected than when the notice was written and than are on file.
func morePeople(ctx context.Context, s *store.Store, id breach.IncidentID, then, now breach.Facts) (breach.Text, error) {
	is, known := now.Int("people.total")
	if was, _ := then.Int("people.total"); !known || is <= was {
		return breach.Text{}, nil
	}
	tally, err := s.Tally(ctx, id)
	if err != nil || is <= tally.Affected {
		return breach.Text{}, err
	}
	return breach.Text{
		ZH: fmt.Sprintf("受影响人数（%d 人，名册中只有 %d 人：请先用 tocsin people import %s 导入其余的人，他们会另有一份告知）", is, tally.Affected, id),
		EN: fmt.Sprintf("the number of people affected (%d, and only %d are on file: tocsin people import %s brings in the others, who get a notice of their own)", is, tally.Affected, id),
	}, nil
}

func (g gap) task(id breach.IncidentID, n int, e store.Earlier) store.Task {
	var zh, en []string
	for _, c := range g.changed {
		zh, en = append(zh, c.ZH), append(en, c.EN)
	}
	at := e.FrozenAt.UTC().Format("2006-01-02 15:04") + " UTC"
	return store.Task{
		IncidentID: id, Kind: breach.TaskFinding, OwnerRole: breach.RoleLead,
		Title: breach.Text{
			ZH: fmt.Sprintf("%s 发出的第 %d 号告知少于或不同于现已查明的情况：请准备补充告知", at, e.N),
			EN: fmt.Sprintf("The notice of %s (notice %d) says less than is known, or something else: prepare a supplementary notice", at, e.N),
		},
		Detail: breach.Text{
			ZH: fmt.Sprintf("该告知依据事实第 %d 版写成，现为第 %d 版。此后的变化：%s。请用 tocsin notice supplement %s --campaign %d --changed-zh \"…\" --changed-en \"…\" --why \"…\" 起草，由另一人审批后发给收到过前一份的人。若无须告知，请结束本任务并说明理由。",
				e.FactsRev, g.rev, strings.Join(zh, "；"), id, n),
			EN: fmt.Sprintf("It was written from revision %d of the facts; this is known since revision %d. Changed since: %s. tocsin notice supplement %s --campaign %d --changed-zh \"…\" --changed-en \"…\" --why \"…\" drafts one; another person approves it, and it goes to those who had the earlier notice. Where nobody needs to be told, end this task and say why.",
				e.FactsRev, g.rev, strings.Join(en, "; "), id, n),
		},
	}
}
