package templates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

func sampleFiling(form string) templates.FilingView {
	contained := time.Date(2026, 11, 20, 20, 5, 0, 0, time.UTC)
	due := aware.Add(4 * time.Hour)
	stage := breach.StageInitial
	if form == "cn-cac/final" {
		stage = breach.StageFinal
	}
	return templates.FilingView{
		Organisation: sampleOrganisation(),
		Signer: templates.Signer{
			Name: "李明", Phone: "+86 10 0000 0000", Email: "security@example.com",
			Title: breach.Text{ZH: "个人信息保护负责人", EN: "personal information protection officer"},
		},
		Incident: "INC-2026-0001",
		Obligation: breach.Obligation{
			Rule: "cn-cac-other", Stage: stage, Hard: true, DueAt: &due, Zone: "Asia/Shanghai",
			Title:      breach.Text{ZH: "向属地省级网信部门报告网络安全事件", EN: "Report the incident to the provincial cyberspace administration"},
			Instrument: breach.Text{ZH: "国家网络安全事件报告管理办法", EN: "Administrative Measures for National Cybersecurity Incident Reporting"},
			Article:    "第4条", ArticleIn: breach.Text{ZH: "第4条", EN: "art. 4"},
			Addressee: breach.Text{ZH: "属地省级网信部门", EN: "Provincial cyberspace administration where the operator is located"},
			Content:   []breach.Text{{ZH: "事件原因初步分析", EN: "Preliminary analysis of the cause"}},
		},
		Facts: breach.Facts{
			"state": "confirmed", "kinds": []string{"leak"}, "data.personal": true,
			"data.categories": []string{"contact", "credentials", "education", "name"},
			"people.total":    int64(1_200_000), "people.u18": int64(380_000),
			"occurred_at": occurred, "aware_at": aware, "org.cii_involved": false, "org.role": "controller",
			"crime.intrusion": true, "crime.suspected": true,
		},
		Severities: []breach.Severity{
			{ScaleName: breach.Text{ZH: "网络安全事件分级（国家网信办 2025）", EN: "Cybersecurity incident grading (CAC 2025)"}, Level: "relatively_major", LevelName: breach.Text{ZH: "较大", EN: "relatively major"}},
			{ScaleName: breach.Text{ZH: "公共互联网网络安全突发事件分级（2017）", EN: "Public internet emergencies (2017)"}},
		},
		Measures: []templates.Entry{{At: &contained, Text: breach.Text{ZH: "已将查询服务器从网络上隔离，并吊销它能用到的全部密钥。", EN: "The query server was taken off the network and every key it could use was revoked."}}},
		Timeline: []templates.Entry{{At: &aware, Text: breach.Text{ZH: "监测系统告警，值班人员确认异常下载。", EN: "An alarm was raised, and the person on call confirmed unusual downloads."}}},
		Answers: map[string]templates.Answer{
			"system": {Text: breach.Text{ZH: "学员资料查询服务（一台服务器及其只读数据库）", EN: "Student record query service (one server and its read-only database)"}},
			"cause":  {Text: breach.Text{ZH: "访问权限设置有误。", EN: "The access rights were set wrongly."}},
			"ransom": {NotApplicable: breach.Text{ZH: "未收到任何勒索要求。", EN: "no ransom was demanded."}},
		},
		Tally:      &breach.Tally{Affected: 1_200_000, Told: 1_190_000, Public: 8_000, Open: 2_000},
		PreparedAt: issued,
	}
}

// The golden files are what authorities will read: every form in every language.
func TestFilingGolden(t *testing.T) {
	s := templates.Default()
	if len(s.Forms()) < 7 {
		t.Fatalf("forms: %v", s.Forms())
	}
	for _, form := range s.Forms() {
		for _, l := range templates.Languages() {
			t.Run(form+" "+string(l), func(t *testing.T) {
				d, err := s.Filing(form, sampleFiling(form), l)
				if err != nil {
					t.Fatal(err)
				}
				golden(t, fmt.Sprintf("filings/%s.%s.txt", form, l), d.Text)
				golden(t, fmt.Sprintf("filings/%s.%s.html", form, l), d.HTML)
			})
		}
	}
}

// With nothing known, no row is blank and every unknown item is listed for the supplement.
func TestFilingWithNothingKnown(t *testing.T) {
	s := templates.Default()
	unknown := map[breach.Language]string{breach.Chinese: "尚不清楚，查明后补充报告", breach.English: "not known yet; to be supplemented"}
	for _, form := range s.Forms() {
		for _, l := range templates.Languages() {
			v := sampleFiling(form)
			v.Facts, v.Answers, v.Measures, v.Timeline, v.Severities, v.Tally = nil, nil, nil, nil, nil, nil
			d, err := s.Filing(form, v, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(d.Text, "\n") {
				if line = strings.TrimSpace(line); strings.HasSuffix(line, "：") && strings.Contains(line, "@") || line == "·" {
					t.Errorf("%s %s: a blank row %q", form, l, line)
				}
				if label, isUnknown := strings.CutSuffix(line, map[breach.Language]string{breach.Chinese: "：", breach.English: ": "}[l]+unknown[l]); isUnknown {
					if !strings.Contains(d.Text, "· "+label+"\n") {
						t.Errorf("%s %s: %q is unknown and not among the items to be supplemented", form, l, label)
					}
				}
			}
			if strings.Contains(d.HTML, "<td></td>") {
				t.Errorf("%s %s: an empty cell", form, l)
			}
		}
	}
}

func TestFilingAnswersFollowFromFacts(t *testing.T) {
	s := templates.Default()
	v := sampleFiling("")
	v.Facts = breach.Facts{"people.minors": false}
	d, err := s.Filing("cn-cac/initial", v, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"其中未满十八周岁：0 人", "其中未满十四周岁：0 人", "不适用，因为未收到任何勒索要求。"} {
		if !strings.Contains(d.Text, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

func TestFilingLacks(t *testing.T) {
	s := templates.Default()
	v := sampleFiling("")
	v.Signer.Phone = ""
	if _, err := s.Filing("cn-cac/initial", v, breach.Chinese); err == nil || !strings.Contains(err.Error(), "signer") {
		t.Errorf("no signer: %v", err)
	}
	if _, err := s.Filing("cn-cac/none", sampleFiling(""), breach.Chinese); err == nil {
		t.Error("a form that does not exist was accepted")
	}
	v = sampleFiling("")
	v.Obligation.Zone = "Mars/Base"
	if _, err := s.Filing("cn-cac/initial", v, breach.Chinese); err == nil {
		t.Error("a zone that does not exist was accepted")
	}
}

func TestFormFor(t *testing.T) {
	cases := []struct {
		rule  breach.RuleID
		stage breach.Stage
		form  string
	}{
		{"cn-cac-other", breach.StageInitial, "cn-cac/initial"},
		{"cn-cac-supplement", breach.StageSupplement, "cn-cac/initial"},
		{"cn-cac-final", breach.StageFinal, "cn-cac/final"},
		{"cn-cac-police", breach.StageSingle, "cn-police/report"},
		{"cn-pipl-authority-notice", breach.StageSingle, "cn-pipl/authority"},
		{"cn-minor-authority", breach.StageSingle, "cn-minor/authority"},
		{"cn-child-authority", breach.StageSingle, "cn-minor/authority"},
		{"cn-child-processor-feedback", breach.StageSingle, "general/report"},
		{"cn-miit24-report", breach.StageInitial, "cn-miit/report"},
		{"cn-mi17-summary", breach.StageFinal, "cn-cac/final"},
		{"cn-police-24h-net", breach.StageInitial, "cn-police/report"},
		{"eu-33-authority", breach.StageInitial, "general/report"},
	}
	s := templates.Default()
	for _, c := range cases {
		o := breach.Obligation{Rule: c.rule, Stage: c.stage}
		if got := templates.FormFor(o); got != c.form {
			t.Errorf("%s: %s, want %s", c.rule, got, c.form)
		}
		if _, err := s.Filing(templates.FormFor(o), sampleFiling(""), breach.English); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}
