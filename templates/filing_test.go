package templates_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// A late report says why it is late.
func TestFilingLate(t *testing.T) {
	s := defaults()
	v := sampleFiling("cn-cac/initial")
	v.PreparedAt = v.Obligation.DueAt.Add(time.Minute)
	d, err := s.Filing("cn-cac/initial", v, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.Text, "迟报原因：") {
		t.Error("the late report does not say why")
	}
	if d, err = s.Filing("cn-cac/initial", sampleFiling("cn-cac/initial"), breach.Chinese); err != nil || strings.Contains(d.Text, "迟报原因") {
		t.Error("a report in time excuses itself", err)
	}
}

// The golden files are what authorities will read: every form in every language.
func TestFilingGolden(t *testing.T) {
	s := defaults()
	if len(s.Forms()) < 57 {
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
	s := defaults()
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
	s := defaults()
	v := sampleFiling("cn-cac/initial")
	v.Facts = breach.Facts{"people.minors": false}
	d, err := s.Filing("cn-cac/initial", v, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"未满十八周岁人数：0 人", "未满十四周岁人数：0 人", "不适用，因为未收到任何勒索要求。"} {
		if !strings.Contains(d.Text, want) {
			t.Errorf("lacks %q", want)
		}
	}
}

// What the organisation is follows from its profile where nobody wrote it down.
func TestFilingKindOfOrganisation(t *testing.T) {
	v := sampleFiling("cn-cac/initial")
	v.Organisation.Kind = breach.Text{}
	v.Facts["org.network_operator"], v.Facts["org.telecom_or_icp"], v.Facts["org.central_organ"] = true, true, false
	d, err := defaults().Filing("cn-cac/initial", v, breach.Chinese)
	if err != nil {
		t.Fatal(err)
	}
	if b := rowOf(t, d, "单位类型"); b.Text != "网络运营者；电信业务经营者或互联网信息服务提供者" {
		t.Errorf("%+v", b)
	}
}

func TestFilingLacks(t *testing.T) {
	s := defaults()
	v := sampleFiling("cn-cac/initial")
	v.Signer.Phone = ""
	if _, err := s.Filing("cn-cac/initial", v, breach.Chinese); err == nil || !strings.Contains(err.Error(), "signer") {
		t.Errorf("no signer: %v", err)
	}
	if _, err := s.Filing("cn-cac/none", sampleFiling("cn-cac/initial"), breach.Chinese); err == nil {
		t.Error("a form that does not exist was accepted")
	}
	v = sampleFiling("cn-cac/initial")
	v.Obligation.Zone = "Mars/Base"
	if _, err := s.Filing("cn-cac/initial", v, breach.Chinese); err == nil {
		t.Error("a zone that does not exist was accepted")
	}
}

// The closest form wins: addressee and stage, stage, addressee, rule; a withdrawal is a withdrawal whatever it takes back.
func TestFormFor(t *testing.T) {
	cases := []struct {
		rule  breach.RuleID
		to    string
		stage breach.Stage
		form  string
	}{
		{"cn-cac-other", "cn-cac-provincial", breach.StageInitial, "cn-cac/initial"},
		{"cn-cac-other", "cn-cac-provincial", breach.StageSupplement, "cn-cac/supplement"},
		{"cn-cac-supplement", "cn-cac-provincial", breach.StageSupplement, "cn-cac/supplement"},
		{"cn-cac-other", "cn-cac-provincial", breach.StageFinal, "cn-cac/final"},
		{"cn-cac-other", "cn-cac-provincial", breach.StageWithdrawal, "general/withdrawal"},
		{"cn-cac-cii", "cn-police", breach.StageInitial, "cn-cii/initial"},
		{"cn-minor-authority", "cn-pi-department", breach.StageSupplement, "cn-minor/authority"},
		{"eu-33-authority", "eu-supervisory-authority", breach.StageSupplement, "eu-gdpr/supplement"},
		{"us-ny-regulators", "us-ny-ag", breach.StageSingle, "us-state/ny-attorney-general"},
		{"us-ny-regulators", "us-ny-police", breach.StageSingle, "us-state/ny-state-police"},
		{"us-ny-regulators", "us-ny-police", breach.StageSupplement, "us-state/ny-state-police"},
		{"jp-final-60", "jp-ppc", breach.StageFinal, "jp-ppc/final"},
		{"zz-own-law", "zz-office", breach.StageSingle, "general/report"},
		{"zz-own-law", "zz-office", breach.StageWithdrawal, "general/withdrawal"},
	}
	s := defaults()
	for _, c := range cases {
		o := breach.Obligation{Rule: c.rule, Authority: c.to, Stage: c.stage}
		if got := s.FormFor(o); got != c.form {
			t.Errorf("%s to %s, %s: %s, want %s", c.rule, c.to, c.stage, got, c.form)
		}
	}
}

// The language that the authority reads comes first.
func TestFilingLanguages(t *testing.T) {
	s := defaults()
	for _, c := range []struct {
		rule  breach.RuleID
		zone  string
		reads string
		first breach.Language
	}{
		{"cn-cac-other", "Asia/Shanghai", "zh-CN", breach.Chinese},
		{"us-tx-ag", "America/Chicago", "en", breach.English},
		{"hk-voluntary", "Asia/Hong_Kong", "en zh-HK", breach.English},
		{"jp-prelim", "Asia/Tokyo", "ja", breach.English},
		{"eu-33-authority", "Europe/Brussels", "", breach.English},
		{"zz-own-law", "Asia/Shanghai", "", breach.Chinese},
		{"zz-own-law", "Africa/Nairobi", "", breach.English},
	} {
		o := breach.Obligation{Rule: c.rule, Zone: c.zone}
		if reads := strings.Join(s.FormReads(s.FormFor(o)), " "); reads != c.reads {
			t.Errorf("%s: reads %q, want %q", c.rule, reads, c.reads)
		}
		if l := s.FilingLanguages(o); l[0] != c.first || len(l) != 2 {
			t.Errorf("%s: %v", c.rule, l)
		}
	}
}

// Stage, deadline and zone are said as they are; our own policy never stands in a filing as if it were law.
func TestFilingWords(t *testing.T) {
	s := defaults()
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
			v.Obligation.Deadline = breach.Text{}
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
			v := sampleFiling("cn-cac/initial")
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

// Every item that a person may be asked for stands in some form.
func TestAnswerKeysAreUsed(t *testing.T) {
	s := defaults()
	var all strings.Builder
	for _, form := range s.Forms() {
		v := sampleFiling(form)
		for _, key := range templates.AnswerKeys() {
			v.Answers[key] = templates.Answer{Text: breach.Text{ZH: "钥匙", EN: "<" + key + ">"}}
		}
		delete(v.Facts, "people.total")
		delete(v.Facts, "people.by_region")
		v.Obligation.Hard, v.Obligation.DueAt = true, &occurred
		d, err := s.Filing(form, v, breach.English)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(d.Text)
	}
	for _, key := range templates.AnswerKeys() {
		if !strings.Contains(all.String(), "<"+key+">") {
			t.Errorf("no form asks for %q", key)
		}
	}
}
