package templates_test

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

func samplePublic() templates.PublicView {
	return templates.PublicView{NoticeView: sampleNotice(), AsOf: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
}

func TestPublicNoticeGolden(t *testing.T) {
	s := templates.Default()
	page, err := s.PublicNotice(samplePublic())
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.PublicText(samplePublic())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "notices/public.html", string(page))
	golden(t, "notices/public.txt", text)
	sum := sha256.Sum256([]byte(text))
	if !strings.Contains(string(page), hex.EncodeToString(sum[:])) {
		t.Error("the foot does not hold the text's hash")
	}
}

// The page is complete in itself: nothing runs, nothing is fetched, nothing leads away.
func TestPublicNoticeIsStatic(t *testing.T) {
	v := samplePublic()
	v.Organisation.Name.ZH = `<script>alert(1)</script>`
	v.Cause.EN = `"><img src=x onerror=alert(1)>`
	page, err := templates.Default().PublicNotice(v)
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`(?i)<(script|img|link|iframe|object|form|a)\b|url\(|@import|<[^>]*\bon[a-z]+=`).Find(page); m != nil {
		t.Errorf("found %s", m)
	}
}

func TestMessageGolden(t *testing.T) {
	s := templates.Default()
	v := templates.CryView{
		Incident:  "INC-2026-0001",
		Duty:      breach.Text{ZH: "向属地省级网信部门报告网络安全事件", EN: "Report to the provincial cyberspace administration"},
		Addressee: breach.Text{ZH: "属地省级网信部门", EN: "Provincial cyberspace administration"},
		DueAt:     aware.Add(4 * time.Hour), Hard: true,
		Awaits:  breach.Text{ZH: "批准报告的人", EN: "someone to approve the report"},
		Command: "tocsin filing approve INC-2026-0001 cn-cac-other",
	}
	for _, l := range templates.Languages() {
		for name, make := range map[string]struct {
			after time.Duration
			text  func(templates.CryView, breach.Language) (templates.Message, error)
		}{"reminder": {2 * time.Hour, s.Reminder}, "escalation": {200 * time.Minute, s.Escalation}, "missed": {5*time.Hour + 61*time.Minute, s.Missed}, "guarded": {230 * time.Minute, s.Guarded}, "voided": {time.Hour, s.Voided}} {
			v := v
			v.Now = aware.Add(make.after)
			m, err := make.text(v, l)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "messages/"+name+"."+string(l)+".txt", m.Subject+"\n\n"+m.Text)
		}
	}
	if _, err := s.Reminder(templates.CryView{}, breach.Chinese); err == nil {
		t.Error("an empty message was made")
	}
}
