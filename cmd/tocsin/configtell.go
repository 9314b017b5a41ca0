package main

import (
	"errors"
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// cannotTell says why notices to people could not be drafted with these settings, each reason once: every text is made for an
// invented incident. The day on which people must be told is the wrong one to learn that a name is too long for an SMS.
func (h *house) cannotTell(now time.Time) []breach.Text {
	var out []breach.Text
	said := map[string]bool{} // language and part
	categories, _ := breach.DefOf("data.categories")
	for _, law := range h.texts.Laws() {
		for _, a := range []breach.Audience{breach.ToPerson, breach.ToMinor, breach.ToGuardian} {
			for _, l := range templates.Languages() {
				_, err := h.texts.Notice(templates.NoticeView{
					Organisation: h.speaker, Number: templates.NewNoticeNumber([16]byte{1}), Incident: breach.NewIncidentID(now.Year(), 1),
					State: "confirmed", Kinds: []string{"leak"}, Categories: categories.Values, OccurredAt: &now, AwareAt: &now, IssuedAt: now,
					Law: law.Name, Offer: breach.Text{ZH: "请拨打热线。", EN: "call our hotline."},
				}, a, l)
				out = append(out, untellable(err, l, said)...)
			}
		}
	}
	return out
}

// untellable puts what is wrong with a text into the operator's words, with the setting to mend, and leaves out what was said.
func untellable(err error, l breach.Language, said map[string]bool) []breach.Text {
	if err == nil {
		return nil
	}
	once := func(what string) bool { defer func() { said[what] = true }(); return !said[what] }
	lint, ok := errors.AsType[*templates.LintError](err)
	if !ok {
		if !once(err.Error()) {
			return nil
		}
		return []breach.Text{{ZH: err.Error(), EN: err.Error()}}
	}
	var out []breach.Text
	for _, f := range lint.Findings {
		if !once(string(l) + " " + f.Part) {
			continue
		}
		t := breach.Text{ZH: fmt.Sprintf("%s 文本的 %s：%s", l, f.Part, f.Says), EN: fmt.Sprintf("the %s of the texts in %s %s", f.Part, l, f.Says)}
		if key := map[breach.Language]string{breach.Chinese: "organisation.short_name", breach.English: "organisation.short_name_en"}[l]; f.Part != "text" && f.Part != "html" {
			t.ZH += "；请在 " + key + " 填写人们熟知的简称（英文简称用拉丁字母）"
			t.EN += ": set " + key + " to the short name that people know, in Latin letters for English"
		}
		out = append(out, t)
	}
	return out
}

func (p *page) untold(why []breach.Text) {
	p.line("%s", p.say("给人们的告知今天无法起草：", "Notices to people could not be drafted today:"))
	for _, w := range why {
		p.wrapped(2, p.say(w.ZH, w.EN))
	}
}
