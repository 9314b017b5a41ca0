package api

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// open says of each open matter what it is, and what to type next. Which matters are open the store alone decides, as the
// engine asks it too before it closes.
func (st standing) open() []OpenItem {
	var items []OpenItem
	for _, group := range st.possible() {
		items = append(items, st.possibleItem(group))
	}
	for _, m := range st.matters {
		item, listed := st.item(m)
		if listed {
			item.Kind, item.Ref = m.Kind, m.Key
			items = append(items, item)
		}
	}
	return items
}

// possible groups the duties that the same unknown facts would settle.
func (st standing) possible() [][]store.Obligation {
	var groups [][]store.Obligation
	at := map[string]int{}
	for _, o := range st.obligations {
		if o.Status != store.ObligationPossible || !st.isOpen("obligation", o.Key) {
			continue
		}
		facts := assignments(o.Result.Depends)
		i, seen := at[facts]
		if !seen {
			i = len(groups)
			at[facts] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], o)
	}
	return groups
}

func (st standing) isOpen(kind, key string) bool {
	return slices.ContainsFunc(st.matters, func(m store.Matter) bool { return m.Kind == kind && m.Key == key })
}

func (st standing) possibleItem(group []store.Obligation) OpenItem {
	var zh, en, keys []string
	for _, o := range group {
		keys = append(keys, o.Key)
		if !slices.Contains(en, o.Result.Title.EN) { // one report may have several addressees
			zh, en = append(zh, o.Result.Title.ZH), append(en, o.Result.Title.EN)
		}
	}
	return OpenItem{
		Kind: "possible", Ref: strings.Join(keys, " "), Next: st.typeFacts(group[0].Result.Depends),
		Text: breach.Text{ZH: "可能的义务，须先查明事实：" + strings.Join(zh, "；"), EN: "Possibly owed, find the facts out: " + strings.Join(en, "; ")},
	}
}

func (st standing) typeFacts(names []breach.FactName) string {
	return "tocsin incident facts " + string(st.incident.ID) + assignments(names) + " --why …"
}

// assignments writes facts as they are typed.
func assignments(names []breach.FactName) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(" " + string(n) + "=…")
	}
	return b.String()
}

// item words one matter. Possible duties are listed in groups instead.
func (st standing) item(m store.Matter) (OpenItem, bool) {
	id := string(st.incident.ID)
	say := func(zh, en, next string) (OpenItem, bool) {
		return OpenItem{Text: breach.Text{ZH: zh, EN: en}, Next: next}, true
	}
	switch m.Kind {
	case "obligation":
		return st.obligationItem(m)
	case "task":
		if i := slices.IndexFunc(st.tasks, func(t store.Task) bool { return t.ID == m.Key }); i >= 0 {
			t := st.tasks[i]
			return say("待办："+t.Title.ZH, "Task: "+t.Title.EN, "tocsin task complete "+t.ID)
		}
	case "notice":
		return say("第 "+m.Key+" 号告知尚未完成", "Notice "+m.Key+" is not finished", "tocsin notice list "+id)
	case "public notice":
		return say("公告待审批或待发布", "The public notice waits to be approved or published", "tocsin notice show "+id+" "+m.Key)
	case "people":
		return say(st.peopleText(m))
	case "facts":
		return say("最新事实尚未完成评估", "The newest facts have not been assessed yet", "tocsin incident show "+id)
	}
	return say(m.Kind+" "+m.Key+" "+m.Status, m.Kind+" "+m.Key+" "+m.Status, "tocsin incident show "+id)
}

func (st standing) peopleText(m store.Matter) (zh, en, next string) {
	next = "tocsin people count " + string(st.incident.ID)
	switch m.Key {
	case "open":
		return "仍在告知中的人数：" + m.Status, "People who are still being told: " + m.Status, next
	case "missed":
		return "任何渠道都未能告知、也未以公告告知的人数：" + m.Status, "People whom no channel reached and no public notice told: " + m.Status, next
	}
	return "尚未列入任何告知的对象：" + m.Status, "People or guardians who belong to no notice yet: " + m.Status, next
}

func (st standing) obligationItem(m store.Matter) (OpenItem, bool) {
	i := slices.IndexFunc(st.obligations, func(o store.Obligation) bool { return o.Key == m.Key })
	if i < 0 || st.obligations[i].Status == store.ObligationPossible {
		return OpenItem{}, false
	}
	o, id := st.obligations[i], string(st.incident.ID)
	if o.Status == store.ObligationWaiting {
		return OpenItem{
			Text: breach.Text{ZH: "期限尚未起算：" + o.Result.Title.ZH, EN: "Its clock has not started: " + o.Result.Title.EN},
			Next: st.typeFacts([]breach.FactName{o.Result.Clock}),
		}, true
	}
	switch {
	case o.Status == store.ObligationLate:
		return OpenItem{
			Text: breach.Text{ZH: "须先说明迟报原因：" + o.Result.Title.ZH, EN: "Needs the reason of its lateness first: " + o.Result.Title.EN},
			Next: fmt.Sprintf("tocsin filing answer %s %s %s.zh=… %[3]s.en=…", id, o.Key, store.DelayItem),
		}, true
	case o.MetAt != nil: // the chain goes on
		return OpenItem{
			Text: breach.Text{ZH: "续报或撤回尚未报送；不需要的，请退回：" + o.Result.Title.ZH, EN: "A supplement or withdrawal is not filed; refuse it where it is not needed: " + o.Result.Title.EN},
			Next: "tocsin filing list " + id,
		}, true
	}
	next := map[breach.Duty]string{
		breach.DutyFiling: "tocsin filing list " + id, breach.DutyNotice: "tocsin notice list " + id,
		breach.DutyPublic: "tocsin notice list " + id, breach.DutyMeasure: "tocsin task list " + id,
	}[o.Duty]
	return OpenItem{Text: breach.Text{ZH: "尚未履行：" + o.Result.Title.ZH, EN: "Not met yet: " + o.Result.Title.EN}, Next: next}, true
}
