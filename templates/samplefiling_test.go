package templates_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// defaults are the shipped texts, read once.
var defaults = sync.OnceValue(templates.Default)

// duties are the filing duties of the packs of law; a test in a room that may know the law keeps the file true.
var duties = func() []breach.Obligation {
	b, err := os.ReadFile("testdata/duties.json")
	if err != nil {
		panic(err)
	}
	var out []breach.Obligation
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	return out
}()

// dutyOf returns the first duty that a form is for.
func dutyOf(form string) breach.Obligation {
	s := defaults()
	i := slices.IndexFunc(duties, func(o breach.Obligation) bool { return s.FormFor(o) == form })
	if i < 0 { // the general forms: a duty of a pack of the operator's own
		i = slices.IndexFunc(duties, func(o breach.Obligation) bool { return o.Rule == "cn-cac-other" })
		o := duties[i]
		o.Rule, o.Content = "zz-own-law", append(slices.Clone(o.Content)[:2], breach.Text{ZH: "受影响系统的供应商", EN: "Vendor of the affected system"})
		if form == templates.FormWithdrawal {
			o.Stage = breach.StageWithdrawal
		}
		return o
	}
	return duties[i]
}

// sampleFiling is a report about an invented incident. Some items are given, some unknown, some do not apply.
func sampleFiling(form string) templates.FilingView {
	contained := aware.Add(25 * time.Minute)
	o := dutyOf(form)
	v := templates.FilingView{
		Organisation: sampleOrganisation(),
		Signer: templates.Signer{
			Name: "李明", Phone: "+86 10 0000 0000", Email: "security@example.com",
			Title: breach.Text{ZH: "个人信息保护负责人", EN: "personal information protection officer"},
		},
		Incident:   "INC-2026-0001",
		Obligation: o,
		Facts: breach.Facts{
			"state": "confirmed", "kinds": []string{"leak"}, "data.personal": true,
			"data.categories": []string{"contact", "credentials", "education", "name"},
			"people.total":    int64(1_200_000), "people.u18": int64(380_000),
			"people.by_region": map[string]int64{"CN": 1_190_000, "GB": 2_100, "US-CA": 3_100, "US-NY": 1_400},
			"occurred_at":      occurred, "aware_at": aware, "org.cii_involved": false, "org.role": "controller",
			"crime.intrusion": true, "crime.suspected": true, "harm.risk": "high", "data.unintelligible": false,
		},
		Severities: []breach.Severity{
			{ScaleName: breach.Text{ZH: "网络安全事件分级（国家网信办 2025）", EN: "Cybersecurity incident grading (CAC 2025)"}, Level: "relatively_major", LevelName: breach.Text{ZH: "较大", EN: "relatively major"}},
			{ScaleName: breach.Text{ZH: "公共互联网网络安全突发事件分级（2017）", EN: "Public internet emergencies (2017)"}},
		},
		Measures:   []templates.Entry{{At: &contained, Text: breach.Text{ZH: "已将查询服务器从网络上隔离，并吊销它能用到的全部密钥。", EN: "The query server was taken off the network and every key it could use was revoked."}}},
		Timeline:   []templates.Entry{{At: &aware, Text: breach.Text{ZH: "监测系统告警，值班人员确认异常下载。", EN: "An alarm was raised, and the person on call confirmed unusual downloads."}}},
		Answers:    sampleAnswers(),
		PreparedAt: aware.Add(150 * time.Minute),
	}
	switch {
	case strings.HasPrefix(string(o.Rule), "in-dpdp"): // in force later
		v.PreparedAt = v.PreparedAt.AddDate(1, 0, 0)
	case o.Stage == breach.StageSupplement:
		v.PreparedAt = aware.Add(20 * time.Hour)
	case o.DueAt != nil && o.DueAt.Before(v.PreparedAt):
		v.PreparedAt = aware.Add(40 * time.Minute)
	}
	if form == templates.FormWithdrawal {
		v.Answers["impact"] = templates.Answer{Text: breach.Text{ZH: "11月20日的异常下载来自一次经批准的演练，没有真实个人信息被读取。", EN: "The unusual downloads of 20 November were part of an approved exercise; no real personal information was read."}}
		v.Facts["people.total"] = int64(0)
	}
	v.Facts["org.cii_involved"] = strings.HasPrefix(form, "cn-cii")
	if o.Stage == breach.StageSupplement || o.Stage == breach.StageFinal || o.Stage == breach.StageWithdrawal {
		v.Previous = []templates.Previous{{Stage: breach.StageInitial, At: aware.Add(150 * time.Minute), Receipt: "2026-1121-0042"}}
	}
	if o.Stage == breach.StageFinal {
		finish(&v)
	}
	return v
}

// finish adds what is known at the end.
func finish(v *templates.FilingView) {
	v.PreparedAt = time.Date(2026, 12, 15, 2, 0, 0, 0, time.UTC)
	v.Tally = &breach.Tally{Affected: 1_200_000, Told: 1_192_000, Public: 8_000}
	v.Facts["handling_ended_at"] = time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	v.Facts["people.u14"] = int64(210_000)
	v.Facts["loss.direct_cny"] = int64(640_000)
}

func sampleAnswers() map[string]templates.Answer {
	out := map[string]templates.Answer{}
	for key, text := range map[string]breach.Text{
		"system":          {ZH: "学员资料查询服务（一台服务器及其只读数据库）", EN: "Student record query service (one server and its read-only database)"},
		"circumstances":   {ZH: "有人利用一台查询服务器上设置有误的访问权限，批量读取了学员资料。", EN: "Someone used access rights that had been set wrongly on a query server to read student records in bulk."},
		"scope":           {ZH: "一台查询服务器及其只读数据库；其他业务系统未受影响。", EN: "One query server and its read-only database; no other business system is affected."},
		"detection":       {ZH: "流量监测系统告警，值班工程师核实。", EN: "An alarm of the traffic monitor, verified by the engineer on call."},
		"date_range":      {ZH: "约自2026年11月19日22时起，至11月21日4时许止（北京时间）。", EN: "About 22:00 on 19 November to 04:00 on 21 November 2026 (Beijing time)."},
		"cause":           {ZH: "一次例行变更把查询服务器的访问权限设置得过宽。", EN: "A routine change set the access rights of the query server too wide."},
		"product":         {ZH: "学员资料查询服务 3.2 版，供合作学校使用。", EN: "Student record query service, version 3.2, used by partner schools."},
		"people_kinds":    {ZH: "学员及其监护人", EN: "students and their guardians"},
		"records":         {ZH: "约 190 万条；一名学员平均有一条以上的课程记录。", EN: "About 1,900,000 records; a student has more than one course record on average."},
		"impact":          {ZH: "学员资料被批量读取。截至目前，收到冒充老师收费的投诉 14 起，未发现财产损失。", EN: "Student records were read in bulk. So far there are 14 complaints of callers posing as teachers and asking for money; no loss is known."},
		"consequences":    {ZH: "有人可能冒充学校或者老师行骗；重复使用密码的，其他账号可能被盗用。", EN: "Fraud by people who pose as the school or a teacher; other accounts may be taken over where a password was used twice."},
		"planned":         {ZH: "11月25日前完成全部访问权限的复查，并对批量查询设置限额。", EN: "Review of every access right, and limits on bulk queries, by 25 November."},
		"mitigation":      {ZH: "已强制重置密码，开通咨询热线，并在自有网站提示防骗。", EN: "Passwords were reset, a hotline was opened, and a warning against fraud stands on our own website."},
		"prevention":      {ZH: "权限变更改为双人审批；批量查询自动告警。", EN: "Changes of access rights need two people's approval; bulk queries raise an alarm."},
		"notice_method":   {ZH: "通过应用内消息、短信和电子邮件逐一告知，自11月22日起分批发出。", EN: "Individually by in-app message, text message and email, in waves from 22 November."},
		"dpo":             {ZH: "个人信息保护负责人，电话 +86 10 0000 0000，邮箱 privacy@example.com", EN: "Data protection officer, +86 10 0000 0000, privacy@example.com"},
		"licence":         {ZH: "示例ICP备00000000号", EN: "Example ICP filing no. 00000000"},
		"police_report":   {ZH: "已于2026年11月21日向属地公安机关报案，受案编号待发。", EN: "Reported to the local police on 21 November 2026; the case number is awaited."},
		"news":            {ZH: "日志分析表明，首次异常读取发生在11月19日22时；未发现其他系统被进入。", EN: "The logs show that the first unusual reading was on 19 November at 22:00 Beijing time; no other system was entered."},
		"materiality":     {ZH: "预计本季度因处置和退课减少收入约 5%；对流动性没有重大影响。", EN: "Response costs and refunds are expected to reduce revenue of the current quarter by about 5 per cent; liquidity is not materially affected."},
		"notice_content":  {ZH: "附件一：通知样本（不含个人数据）", EN: "Enclosure 1: sample of the notice, without personal data"},
		"notice_template": {ZH: "附件一：通知样本（不含个人数据）", EN: "Enclosure 1: template of the notice, without personal data"},
		"accountability":  {ZH: "已对直接负责的主管人员和其他责任人员按照内部制度处理。", EN: "The managers and staff responsible were dealt with under internal rules."},
		"rectification":   {ZH: "已收回全部越权访问权限，改为双人审批；对批量查询设置告警和限额；完成全量权限复查。", EN: "All excess access rights were withdrawn and now need two people's approval; bulk queries raise an alarm and are limited; every access right was reviewed."},
		"lessons":         {ZH: "权限变更缺少复核，夜间告警无人值守的时段过长。两项均已写入应急预案。", EN: "Changes of access rights were not reviewed, and alarms went unwatched for too long at night. Both are now in the emergency plan."},
		"withdrawal":      {ZH: "经核查，被读取的是演练用的虚构数据，不涉及任何真实个人。", EN: "The data read was invented for an exercise and concerns no real person."},
		"asked.3":         {ZH: "自行开发，没有供应商。", EN: "Developed by ourselves; there is no vendor."},
	} {
		out[key] = templates.Answer{Text: text}
	}
	for key, because := range map[string]breach.Text{
		"ransom":                {ZH: "未收到任何勒索要求。", EN: "no ransom was demanded."},
		"support":               {ZH: "目前能够自行处置。", EN: "we can handle the incident ourselves at present."},
		"corrections":           {ZH: "此前报告的内容没有变化。", EN: "nothing that was reported earlier has changed."},
		"substitute":            {ZH: "对每名受影响的人员都有联系方式。", EN: "there are contact details for everyone affected."},
		"law_enforcement_delay": {ZH: "没有执法机关要求推迟。", EN: "no law enforcement agency has asked for a delay."},
		"identity_services":     {ZH: "未涉及社会安全号码和驾驶执照号码。", EN: "no social security or driver's licence number was exposed."},
		"sensitive_items":       {ZH: "未涉及敏感数据。", EN: "no sensitive data is involved."},
		"processor":             {ZH: "涉事系统由本单位自行运维。", EN: "we run the system ourselves."},
	} {
		out[key] = templates.Answer{NotApplicable: because}
	}
	return out
}
