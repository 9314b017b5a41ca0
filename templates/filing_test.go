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
	stage, rule, prepared := breach.StageInitial, breach.RuleID("cn-cac-other"), aware.Add(150*time.Minute)
	if form == "cn-cac/final" {
		stage, rule = breach.StageFinal, "cn-cac-final"
		prepared = time.Date(2026, 12, 15, 2, 0, 0, 0, time.UTC)
		due = time.Date(2026, 12, 28, 15, 59, 59, 0, time.UTC)
	}
	v := templates.FilingView{
		Organisation: sampleOrganisation(),
		Signer: templates.Signer{
			Name: "李明", Phone: "+86 10 0000 0000", Email: "security@example.com",
			Title: breach.Text{ZH: "个人信息保护负责人", EN: "personal information protection officer"},
		},
		Incident: "INC-2026-0001",
		Obligation: breach.Obligation{
			Rule: rule, Stage: stage, Hard: true, DueAt: &due, Zone: "Asia/Shanghai",
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
		PreparedAt: prepared,
	}
	if form == templates.FormWithdrawal {
		v.Obligation.Stage = breach.StageWithdrawal
		v.Answers["withdrawal"] = templates.Answer{Text: breach.Text{ZH: "经核查，被读取的是演练用的虚构数据，不涉及任何真实个人。", EN: "The data read was invented for an exercise and concerns no real person."}}
	}
	if stage == breach.StageFinal {
		finish(&v)
	}
	return v
}

// finish adds what is known at the end.
func finish(v *templates.FilingView) {
	v.Tally = &breach.Tally{Affected: 1_200_000, Told: 1_192_000, Public: 8_000}
	v.Facts["handling_ended_at"] = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	v.Facts["people.u14"] = int64(210_000)
	v.Facts["loss.direct_cny"] = int64(640_000)
	for key, text := range map[string]breach.Text{
		"impact":         {ZH: "学员资料被批量读取。截至目前，收到冒充老师收费的投诉 14 起，未发现财产损失。", EN: "Student records were read in bulk. So far there are 14 complaints of callers posing as teachers and asking for money; no loss is known."},
		"accountability": {ZH: "已对直接负责的主管人员和其他责任人员按内部制度处理。", EN: "The managers and staff responsible were dealt with under internal rules."},
		"rectification":  {ZH: "已收回全部越权访问权限，改为双人审批；对批量查询设置告警和限额；完成全量权限复查。", EN: "All excess access rights were withdrawn and now need two people's approval; bulk queries raise an alarm and are limited; every access right was reviewed."},
		"lessons":        {ZH: "权限变更缺少复核；告警无人值守的时段过长。已写入应急预案。", EN: "Changes of access rights were not reviewed, and alarms went unwatched for too long at night. Both are now in the emergency plan."},
	} {
		v.Answers[key] = templates.Answer{Text: text}
	}
}

// A late report says why it is late.
func TestFilingLate(t *testing.T) {
	s := templates.Default()
	v := sampleFiling("")
	v.PreparedAt = v.Obligation.DueAt.Add(time.Minute)
	d, err := s.Filing("cn-cac/initial", v, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Text, "迟报原因：") {
		t.Error("the late report does not say why")
	}
	if d, err = s.Filing("cn-cac/initial", sampleFiling(""), breach.Chinese); err != nil || strings.Contains(d.Text, "迟报原因") {
		t.Error("a report in time excuses itself", err)
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
			v.Organisation.Address, v.Organisation.CreditCode, v.Signer.Email = breach.Text{}, "", ""
			d, err := s.Filing(form, v, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(d.Text, "\n") {
				if line = strings.TrimSpace(line); line == "·" {
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
		{"us-sec-withdrawal", breach.StageWithdrawal, "general/withdrawal"},
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

// Stage, deadline and zone are said as they are; our own policy never stands in a filing as if it were law.
func TestFilingWords(t *testing.T) {
	s := templates.Default()
	policy := aware.Add(time.Hour)
	cases := []struct {
		name  string
		spoil func(*templates.FilingView)
		want  string
	}{
		{"supplement", func(v *templates.FilingView) { v.Obligation.Stage, v.Revision = breach.StageSupplement, 2 }, "(supplement no. 2)"},
		{"single", func(v *templates.FilingView) { v.Obligation.Stage = breach.StageSingle }, "(first report)"},
		{"single, again", func(v *templates.FilingView) { v.Obligation.Stage, v.Revision = breach.StageSingle, 3 }, "(report no. 3)"},
		{"no number in law", func(v *templates.FilingView) {
			v.Obligation.Hard, v.Obligation.DueAt, v.Obligation.PolicyAt = false, nil, &policy
			v.Obligation.Deadline = breach.Text{ZH: "立即", EN: "immediately"}
		}, "Deadline in law: immediately"},
		{"no words either", func(v *templates.FilingView) {
			v.Obligation.Hard, v.Obligation.DueAt, v.Obligation.PolicyAt = false, nil, &policy
		}, "Deadline in law: the law gives no number"},
		{"a zone west of Greenwich", func(v *templates.FilingView) { v.Obligation.Zone = "America/St_Johns" }, "(UTC-03:30; 2026-11-20 19:10 UTC)"},
		{"UTC", func(v *templates.FilingView) { v.Obligation.Zone = "UTC" }, "(UTC; 2026-11-20 19:10 UTC)"},
		{"a graver level is open", func(v *templates.FilingView) { v.Severities[0].Possible = "major" }, "relatively major; may prove higher"},
		{"known to be none", func(v *templates.FilingView) { v.Facts["data.categories"] = []string{} }, "Categories of data: none"},
		{"hostile words", func(v *templates.FilingView) {
			v.Answers["trend"] = templates.Answer{Text: breach.Text{ZH: "x", EN: "a\r\n## b <script>\u202e"}}
		}, "Trend and possible further impact: a ## b <script>\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v := sampleFiling("")
			c.spoil(&v)
			d, err := s.Filing("cn-cac/initial", v, breach.English)
			if err != nil || !strings.Contains(d.Text, c.want) {
				t.Errorf("lacks %q (%v):\n%s", c.want, err, d.Text)
			}
			if strings.Contains(d.HTML, "<script") {
				t.Error("a value became markup")
			}
		})
	}
}
