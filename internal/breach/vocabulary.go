package breach

// The facts that conditions of law may speak of, in the order in which a person would be asked: what happened, to whom,
// with which data, how bad; then the instants; then what authorities said; last what the organisation is, which the
// configuration should know. Add a fact here and every pack, command and form knows it. Facts are only ever added:
// histories and tables keep the old names.
var factDefs = withValues(
	happened, people, dataInvolved, harm, losses, crime, judged, enisa, instants, ordered, organisation,
)

func withValues(groups ...[]FactDef) []FactDef {
	var all []FactDef
	for _, group := range groups {
		for _, d := range group {
			for _, c := range d.Choices {
				d.Values = append(d.Values, c.Value)
			}
			all = append(all, d)
		}
	}
	return all
}

var happened = []FactDef{
	{
		Name: "state", Type: FactEnum,
		Choices:  []Choice{{"suspected", Text{"怀疑", "suspected"}}, {"confirmed", Text{"已确认", "confirmed"}}},
		Label:    Text{"事件状态", "State"},
		Question: Text{"泄露是已经确认，还是仅为怀疑？", "Is the leak confirmed, or only suspected?"},
	},
	{
		Name: "kinds", Type: FactSet,
		Choices: []Choice{
			{"leak", Text{"泄露", "leak"}},
			{"tamper", Text{"篡改", "tampering"}},
			{"loss", Text{"丢失", "loss"}},
			{"damage", Text{"毁损", "damage"}},
			{"unavailable", Text{"无法使用", "unavailability"}},
		},
		Label:    Text{"事件类型", "Kind of incident"},
		Question: Text{"数据是被泄露、篡改、丢失、毁损，还是无法使用？", "Was data leaked, tampered with, lost, damaged, or made unavailable?"},
	},
	{
		Name: "data.personal", Type: FactBool,
		Label:    Text{"涉及个人信息", "Personal information involved"},
		Question: Text{"涉及的数据中有没有个人信息？", "Is any of the data personal information?"},
	},
	{
		Name: "aware_at", Type: FactTime, Clock: true,
		Label:    Text{"发现或获知时间", "Awareness time"},
		Question: Text{"贵单位何时发现或获知此事？", "When did the organisation become aware of it?"},
	},
}

var people = []FactDef{
	{
		Name: "people.total", Type: FactInt, Unit: "people",
		Label:    Text{"受影响人数", "People affected"},
		Question: Text{"多少人受影响（按人数，不按记录数）？", "How many people are affected (people, not records)?"},
	},
	{
		Name: "people.minors", Type: FactBool,
		Label:    Text{"涉及未成年人", "Minors affected"},
		Question: Text{"受影响的人中有没有未满十八周岁的（人数可以暂不清楚）？", "Are any of them under 18, even if nobody knows yet how many?"},
	},
	{
		Name: "people.u18", Type: FactInt, Unit: "people", After: "people.minors",
		Label:    Text{"未满十八周岁人数", "People under 18"},
		Question: Text{"其中有多少未满十八周岁？", "How many of them are under 18?"},
	},
	{
		Name: "people.u14", Type: FactInt, Unit: "people", After: "people.minors",
		Label:    Text{"未满十四周岁人数", "People under 14"},
		Question: Text{"其中有多少未满十四周岁？", "How many of them are under 14?"},
	},
	{
		Name: "people.sensitive", Type: FactInt, Unit: "people", After: "data.categories",
		Label:    Text{"敏感个人信息受影响人数", "People whose sensitive information is affected"},
		Question: Text{"多少人的敏感个人信息受影响？", "How many people have sensitive personal information affected?"},
	},
	{
		Name: "people.by_region", Type: FactCounts, Unit: "people",
		Label: Text{"按地区人数", "People by region"},
		Question: Text{
			"各国家和地区（美国按州）分别有多少人受影响？",
			"How many people are affected in each country (in the United States: in each state)?",
		},
	},
	{
		Name: "people.us_state_max", Type: FactInt, Unit: "people",
		Label:    Text{"美国单一州内最多人数", "Most residents of one US state"},
		Question: Text{"受影响人数最多的美国州有多少居民受影响？", "How many residents are affected in the US state with the most?"},
	},
	{
		Name: "people.elderly", Type: FactBool,
		Label:    Text{"涉及老年人", "Elderly people affected"},
		Question: Text{"受影响的人中有没有老年人（巴西）？", "Are elderly people among them (Brazil)?"},
	},
	{
		Name: "people.unidentified", Type: FactBool,
		Label: Text{"无法确定具体受影响人员", "Affected people cannot be identified"},
		Question: Text{
			"是否怀疑数据外泄（或已在交易），但无法确定具体是哪些人？",
			"Is a leak suspected, or data on sale, while it cannot be told whose data it is?",
		},
	},
	{
		Name: "people.unreachable", Type: FactInt, Unit: "people", Later: true,
		Label:    Text{"无法逐一告知的人数", "People whom no channel reaches"},
		Question: Text{"有多少人没有任何可用的联系方式？", "How many people are left without any working individual channel?"},
	},
}

var dataInvolved = []FactDef{
	{
		Name: "data.categories", Type: FactSet,
		Choices: []Choice{
			{"name", Text{"姓名", "names"}},
			{"contact", Text{"联系方式", "contact details"}},
			{"id_number", Text{"证件号码", "identity document numbers"}},
			{"biometric", Text{"生物识别信息", "biometric data"}},
			{"religion", Text{"宗教信仰", "religious belief"}},
			{"specific_identity", Text{"特定身份", "specific identity"}},
			{"health", Text{"医疗健康", "health data"}},
			{"finance_account", Text{"金融账户", "financial accounts"}},
			{"whereabouts", Text{"行踪轨迹", "whereabouts"}},
			{"child_u14", Text{"不满十四周岁儿童的信息", "information on children under 14"}},
			{"credentials", Text{"账号口令", "account credentials"}},
			{"comms_content", Text{"通信内容", "contents of communications"}},
			{"logistics", Text{"物流信息", "delivery data"}},
			{"transaction", Text{"交易信息", "transactions"}},
			{"loan", Text{"贷款信息", "loan data"}},
			{"dating", Text{"婚介信息", "dating and marriage data"}},
			{"investor", Text{"投资者信息", "investor data"}},
			{"education", Text{"教育信息", "education data"}},
			{"genetic", Text{"基因信息", "genetic data"}},
			{"sex_life", Text{"性生活信息", "data on sexual life"}},
			{"politics", Text{"政治观点", "political views"}},
			{"union", Text{"工会信息", "trade union membership"}},
			{"criminal", Text{"犯罪记录", "criminal records"}},
			{"image_voice", Text{"图像声音", "images and voice"}},
			{"privileged", Text{"职业秘密", "legally privileged information"}},
		},
		Label:    Text{"数据类别", "Categories of data"},
		Question: Text{"涉及哪些类别的个人信息？", "Which categories of personal information are involved?"},
	},
	{
		Name: "data.class", Type: FactEnum,
		Choices: []Choice{
			{"general", Text{"一般数据", "general data"}},
			{"important", Text{"重要数据", "important data"}},
			{"core", Text{"核心数据", "core data"}},
		},
		Label:    Text{"数据分级", "Class of data"},
		Question: Text{"涉及的数据中最高一级是一般、重要还是核心数据？", "What is the highest class of the data: general, important or core?"},
	},
	{
		Name: "data.unintelligible", Type: FactBool,
		Label:    Text{"数据无法识读", "Data unintelligible"},
		Question: Text{"数据是否经过强加密且密钥安全，他人无法识读？", "Was the data strongly encrypted, with the key safe, so that nobody can read it?"},
	},
	{
		Name: "data.phi", Type: FactBool,
		Label:    Text{"涉及美国受保护健康信息", "Protected health information involved"},
		Question: Text{"是否涉及美国法上的受保护健康信息（PHI）？", "Is protected health information (PHI, 45 CFR 160.103) involved?"},
	},
	{
		Name: "data.significant_harm_kind", Type: FactBool,
		Label: Text{"属于新加坡规定的重大损害数据", "Data prescribed in Singapore as causing significant harm"},
		Question: Text{
			"是否涉及新加坡规定的数据（连同姓名、别名或证件号），或账户的登录凭据？",
			"Does it hold data prescribed in Singapore together with a full name, alias or identification number, or account credentials?",
		},
	},
	{
		Name: "data.large_scale", Type: FactBool,
		Label:    Text{"大规模数据", "Large-scale data"},
		Question: Text{"是否属于巴西法上的大规模数据？", "Is it large-scale data in the sense of Brazil's regulation?"},
	},
	{
		Name: "exposure.internal_only", Type: FactBool,
		Label:    Text{"仅在单位内部", "Internal only"},
		Question: Text{"事件是否只发生在单位内部，没有外泄？", "Did the incident stay within the organisation?"},
	},
}

var harm = []FactDef{
	{
		Name: "harm.avoided", Type: FactBool,
		Label:    Text{"已有效避免危害", "Harm effectively avoided"},
		Question: Text{"所采取的措施是否已有效避免造成危害？", "Did the measures taken effectively prevent harm?"},
	},
	{
		Name: "harm.serious_or_likely", Type: FactBool,
		Label:    Text{"造成或者可能造成严重后果", "Serious consequences, caused or likely"},
		Question: Text{"是否已经造成或者可能造成严重后果？", "Has it caused, or may it cause, serious consequences?"},
	},
	{
		Name: "harm.users", Type: FactBool, After: "org.miit_sector",
		Label:    Text{"可能损害用户合法权益", "May harm users' rights"},
		Question: Text{"是否可能损害用户的合法权益？", "May it harm the lawful rights of users?"},
	},
	{
		Name: "harm.interested", Type: FactBool,
		Label:    Text{"对个人、组织合法权益造成危害", "Harms the rights of people or organisations"},
		Question: Text{"是否对个人或组织的合法权益造成危害？", "Does it harm the lawful rights of people or organisations?"},
	},
	{
		Name: "harm.risk", Type: FactEnum,
		Choices: []Choice{
			{"unlikely", Text{"不太可能有风险", "unlikely"}}, {"risk", Text{"有风险", "a risk"}}, {"high", Text{"高风险", "a high risk"}},
		},
		Label:    Text{"对个人权利与自由的风险", "Risk to people's rights and freedoms"},
		Question: Text{"对个人的权利与自由有多大风险（GDPR）？", "How great is the risk to people's rights and freedoms (GDPR)?"},
	},
	{
		Name: "harm.disproportionate", Type: FactBool,
		Label: Text{"逐一告知成本明显过高", "Individual notice disproportionate"},
		Question: Text{
			"逐一告知是否属于不成比例的努力，或费用超过法定数额？",
			"Would telling each person be a disproportionate effort, or cost more than the law's figure?",
		},
	},
	{
		Name: "harm.us_low_probability", Type: FactBool,
		Label: Text{"泄露可能性低（HIPAA 四因素）", "Low probability of compromise (HIPAA)"},
		Question: Text{
			"按 HIPAA 四因素评估，是否证明信息被泄露的可能性低？",
			"Does the four-factor assessment under HIPAA show a low probability of compromise?",
		},
	},
	{
		Name: "harm.imminent_misuse", Type: FactBool,
		Label:    Text{"可能立即被滥用", "Misuse imminent"},
		Question: Text{"信息是否可能马上被滥用？", "May the information be misused at any moment?"},
	},
	{
		Name: "harm.property", Type: FactBool,
		Label:    Text{"可能造成财产损害", "Property damage possible"},
		Question: Text{"信息被不当利用是否可能造成财产损害？", "May misuse of the information cause damage to property?"},
	},
	{
		Name: "harm.recovered", Type: FactBool,
		Label: Text{"已收回且风险显著降低", "Recovered, risk markedly low"},
		Question: Text{
			"泄露途径是否已查明、数据是否已收回或删除、侵害可能性是否显著降低？",
			"Was the path found, the data recovered or deleted, and the risk made markedly low?",
		},
	},
	{
		Name: "harm.remedied", Type: FactBool,
		Label: Text{"已补救，不太可能造成重大损害", "Remedied, significant harm unlikely"},
		Question: Text{
			"事后补救或事前保护是否已使重大损害不太可能发生（新加坡）？",
			"Do remedial action or earlier protection make significant harm unlikely (Singapore)?",
		},
	},
	{
		Name: "harm.au_serious", Type: FactBool,
		Label:    Text{"很可能造成严重损害（澳大利亚）", "Serious harm likely (Australia)"},
		Question: Text{"是否有合理理由相信很可能对某人造成严重损害？", "Are there reasonable grounds to believe that serious harm to someone is likely?"},
	},
	{
		Name: "harm.br_significant", Type: FactBool,
		Label: Text{"可能严重影响权益（巴西）", "May significantly affect interests and rights (Brazil)"},
		Question: Text{
			"是否可能对数据主体的权益造成重大影响（巴西）？",
			"May it significantly affect people's interests and fundamental rights (Brazil)?",
		},
	},
	{
		Name: "harm.ca_real_risk", Type: FactBool,
		Label:    Text{"存在重大损害的真实风险（加拿大）", "Real risk of significant harm (Canada)"},
		Question: Text{"是否存在重大损害的真实风险（加拿大）？", "Is there a real risk of significant harm (Canada)?"},
	},
	{
		Name: "harm.hk_real_risk", Type: FactBool,
		Label:    Text{"存在损害的真实风险（香港）", "Real risk of harm (Hong Kong)"},
		Question: Text{"是否存在损害的真实风险（香港）？", "Is there a real risk of harm (Hong Kong)?"},
	},
}

var losses = []FactDef{
	{
		Name: "loss.direct_cny", Type: FactInt, Unit: "CNY",
		Label:    Text{"直接经济损失", "Direct economic loss"},
		Question: Text{"直接经济损失多少元人民币？", "How much is the direct economic loss, in yuan?"},
	},
	{
		Name: "outage.cii_full_minutes", Type: FactInt, Unit: "minutes", After: "org.cii_involved",
		Label:    Text{"关键信息基础设施整体中断", "Critical infrastructure stopped wholly"},
		Question: Text{"关键信息基础设施整体停止运行了多少分钟？", "For how many minutes did critical information infrastructure stop wholly?"},
	},
	{
		Name: "outage.cii_main_minutes", Type: FactInt, Unit: "minutes", After: "org.cii_involved",
		Label:    Text{"关键信息基础设施主要功能中断", "Critical infrastructure's main function stopped"},
		Question: Text{"关键信息基础设施主要功能中断了多少分钟？", "For how many minutes did its main function stop?"},
	},
	{
		Name: "outage.portal_minutes", Type: FactInt, Unit: "minutes", After: "org.portal",
		Label:    Text{"门户网站中断", "Portal down"},
		Question: Text{"门户网站或新闻网站无法访问了多少分钟？", "For how many minutes was the portal or news site down?"},
	},
	{
		Name: "outage.telecom_minutes", Type: FactInt, Unit: "minutes", After: "org.miit_sector",
		Label:    Text{"通信系统中断或无线电干扰", "Telecom systems down or radio interference"},
		Question: Text{"通信系统中断或无线电干扰持续了多少分钟？", "For how many minutes were telecom systems down, or radio disturbed?"},
	},
	{
		Name: "impact.people", Type: FactInt, Unit: "people",
		Label:    Text{"工作生活受影响人数", "People whose life and work are affected"},
		Question: Text{"水电气油热、交通、医疗、购物等受影响的有多少人？", "How many people lost water, power, gas, oil, heat, transport, medical care or shopping?"},
	},
	{
		Name: "impact.city_percent", Type: FactInt, Unit: "percent",
		Label:    Text{"受影响人口占地市比例", "Share of a city's people"},
		Question: Text{"工作生活受影响的人口占一个地市的百分之几？", "What share of a prefecture city's people is affected, in percent?"},
	},
	{
		Name: "impact.province_percent", Type: FactInt, Unit: "percent",
		Label:    Text{"受影响人口占省级比例", "Share of a province's people"},
		Question: Text{"工作生活受影响的人口占一个省份的百分之几？", "What share of a province's people is affected, in percent?"},
	},
	{
		Name: "content.home_minutes", Type: FactInt, Unit: "minutes",
		Label:    Text{"首页违法信息持续", "Illegal content on the home page"},
		Question: Text{"违法信息在首页上停留了多少分钟？", "For how many minutes was illegal content on the home page?"},
	},
	{
		Name: "content.page_minutes", Type: FactInt, Unit: "minutes",
		Label:    Text{"其他页面违法信息持续", "Illegal content on another page"},
		Question: Text{"违法信息在其他页面上停留了多少分钟？", "For how many minutes was illegal content on another page?"},
	},
	{
		Name: "content.reposts", Type: FactInt, Unit: "times",
		Label:    Text{"违法信息转发次数", "Reposts of illegal content"},
		Question: Text{"违法信息被转发了多少次？", "How often was illegal content reposted?"},
	},
	{
		Name: "content.views", Type: FactInt, Unit: "times",
		Label:    Text{"违法信息浏览次数", "Views of illegal content"},
		Question: Text{"违法信息被浏览了多少次？", "How often was illegal content viewed?"},
	},
	{
		Name: "impact.material", Type: FactBool,
		Label:    Text{"对投资者具有重要性", "Material to investors"},
		Question: Text{"是否已认定该事件对投资者具有重要性（美国证券法）？", "Was the incident determined to be material to investors (United States)?"},
	},
	{
		Name: "impact.hk_core_function", Type: FactBool,
		Label:    Text{"影响核心功能（香港）", "Core function affected (Hong Kong)"},
		Question: Text{"是否影响关键基础设施的核心功能（香港）？", "Is the core function of the critical infrastructure disrupted (Hong Kong)?"},
	},
}

var crime = []FactDef{
	{
		Name: "crime.suspected", Type: FactBool,
		Label:    Text{"涉嫌犯罪", "Crime suspected"},
		Question: Text{"是否涉嫌违法犯罪？", "Is a crime suspected?"},
	},
	{
		Name: "crime.intrusion", Type: FactBool,
		Label:    Text{"非法侵入", "Intrusion"},
		Question: Text{"是否有人未经允许进入系统、增删改数据或植入恶意程序？", "Did someone enter, change or delete without permission, or plant malware?"},
	},
	{
		Name: "crime.wrongful_purpose", Type: FactBool,
		Label:    Text{"出于不正当目的", "Wrongful purpose"},
		Question: Text{"是否可能出于不正当目的（如攻击、盗取）？", "May it have been done with a wrongful purpose, such as an attack or theft?"},
	},
	{
		Name: "product.defect", Type: FactBool,
		Label: Text{"产品缺陷涉及国家安全或公共利益", "Product defect touching national security or the public interest"},
		Question: Text{
			"自有产品或服务是否有涉及国家安全、公共利益的安全缺陷或漏洞？",
			"Is there a defect or vulnerability in an own product or service that touches national security or the public interest?",
		},
	},
}

// levels are the choices of a judgement on the four Chinese levels.
func levels() []Choice {
	return []Choice{
		{"none", Text{"均不构成", "none"}},
		{"general", Text{"一般", "general"}},
		{"relatively_major", Text{"较大", "relatively major"}},
		{"major", Text{"重大", "major"}},
		{"particularly_major", Text{"特别重大", "particularly major"}},
	}
}

var judged = []FactDef{
	{
		Name: "judged.cac_general_clause", Type: FactEnum, After: "people.total", Choices: levels(),
		Label: Text{"按概括条款判断的级别（国家网信办分级）", "Level by the general clause (CAC grading)"},
		Question: Text{
			"未达到人数标准时，按“大量”“较大量”个人信息等概括条款，应判断为哪一级？",
			"Below the numeric lines: which level would you give by the general clause (“large amount” of personal information)?",
		},
	},
	{
		Name: "judged.cac_data_threat", Type: FactEnum, After: "data.class", Choices: levels(),
		Label: Text{"重要、核心数据对国家安全的威胁（国家网信办分级）", "Threat by important or core data (CAC grading)"},
		Question: Text{
			"重要或核心数据外泄对国家安全、社会稳定的威胁属于哪一级？",
			"Which level has the threat that the important or core data poses to national security and social stability?",
		},
	},
	{
		Name: "judged.cac_content", Type: FactEnum, After: "content.home_minutes", Choices: levels(),
		Label:    Text{"主管部门认定的内容传播级别", "Spread of content, as found by the authority"},
		Question: Text{"主管部门是否就违法信息传播认定了级别？", "Did the authority state a level for the spread of illegal content?"},
	},
	{
		Name: "judged.mi17_other", Type: FactEnum, After: "org.telecom_or_icp", Choices: levels(),
		Label: Text{"公共互联网其他情形的级别（2017 年预案）", "Level by the other lines of the 2017 plan"},
		Question: Text{
			"按大面积断网、域名解析异常、病毒爆发等情形，属于 2017 年预案的哪一级？",
			"By outage, name resolution or virus outbreak, which level of the 2017 plan is reached?",
		},
	},
	{
		Name: "judged.mi17_may_grow", Type: FactBool, After: "org.telecom_or_icp",
		Label:    Text{"可能发展为重大以上事件", "May become major"},
		Question: Text{"是否可能发展为特别重大或重大突发事件？", "May it become a major or particularly major event?"},
	},
	{
		Name: "judged.pbc_level", Type: FactEnum, After: "org.pbc_field", Choices: levels(),
		Label:    Text{"人民银行分级", "Level under the central bank's measures"},
		Question: Text{"按人民银行办法，事件属于哪一级？", "Which level has the event under the central bank's measures?"},
	},
}

var enisa = []FactDef{
	{
		Name: "enisa.simple", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"不涉及", "not involved"}},
			{"default", Text{"一般情形", "default"}},
			{"status", Text{"可推知社会或经济状况", "lets one assume social or financial status"}},
			{"sensitive", Text{"可推知健康、性生活、政治、宗教", "lets one assume health, sexual life, politics or religion"}},
			{"safety", Text{"关系到人身安全或心理状况", "critical for safety or psychological condition"}},
		},
		Label:    Text{"ENISA：简单数据", "ENISA: simple data"},
		Question: Text{"姓名、联系方式、学历、职业等简单数据能让人推知什么？", "What do the simple data (names, contacts, education, job) let one assume?"},
	},
	{
		Name: "enisa.behavioural", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"不涉及", "not involved"}},
			{"little", Text{"了解有限或已公开", "little insight, or already public"}},
			{"default", Text{"一般情形", "default"}},
			{"profile", Text{"构成详细日常画像", "a detailed daily profile"}},
			{"sensitive", Text{"画像暴露敏感信息", "a profile that reveals sensitive data"}},
		},
		Label:    Text{"ENISA：行为数据", "ENISA: behavioural data"},
		Question: Text{"位置、流量、偏好、习惯等行为数据暴露到什么程度？", "How much do behavioural data (location, traffic, habits) reveal?"},
	},
	{
		Name: "enisa.financial", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"不涉及", "not involved"}},
			{"no_insight", Text{"无实际了解", "no real insight"}},
			{"little", Text{"具体但了解有限", "specific, but little insight"}},
			{"default", Text{"一般情形", "default"}},
			{"full", Text{"足以欺诈或构成详细画像", "permits fraud, or a detailed profile"}},
		},
		Label:    Text{"ENISA：财务数据", "ENISA: financial data"},
		Question: Text{"收入、交易、卡号、账单等财务数据暴露到什么程度？", "How much do financial data (income, cards, invoices) reveal?"},
	},
	{
		Name: "enisa.sensitive", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"不涉及", "not involved"}},
			{"no_insight", Text{"无实际了解", "no insight"}},
			{"general", Text{"只能作一般推测", "general assumptions only"}},
			{"assumption", Text{"只能推测", "assumptions only"}},
			{"default", Text{"一般情形", "default"}},
		},
		Label:    Text{"ENISA：敏感数据", "ENISA: sensitive data"},
		Question: Text{"健康、政治、宗教、性生活等敏感数据暴露到什么程度？", "How much do sensitive data (health, politics, religion, sexual life) reveal?"},
	},
	{
		Name: "enisa.identification", Type: FactEnum,
		Choices: []Choice{
			{"negligible", Text{"可忽略", "negligible"}},
			{"limited", Text{"有限", "limited"}},
			{"significant", Text{"显著", "significant"}},
			{"maximum", Text{"最大", "maximum"}},
		},
		Label:    Text{"ENISA：识别难易", "ENISA: ease of identification"},
		Question: Text{"从数据识别出具体个人有多容易？", "How easily can people be identified from the data?"},
	},
	{
		Name: "enisa.confidentiality", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"暴露，无不法使用迹象", "exposed, no evidence of unlawful use"}},
			{"known", Text{"已知接收者", "known recipients"}},
			{"unknown", Text{"接收者数量不明", "unknown number of recipients"}},
		},
		Label:    Text{"ENISA：保密性", "ENISA: confidentiality"},
		Question: Text{"数据到了谁手里？", "Into whose hands did the data come?"},
	},
	{
		Name: "enisa.integrity", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"未改动，或改动但无不当使用", "unaltered, or altered without known wrong use"}},
			{"recoverable", Text{"改动且可能被不当使用，可恢复", "altered, possibly misused, recoverable"}},
			{"lost", Text{"改动且不可恢复", "altered, not recoverable"}},
		},
		Label:    Text{"ENISA：完整性", "ENISA: integrity"},
		Question: Text{"数据是否被改动，能否恢复？", "Was the data altered, and can it be recovered?"},
	},
	{
		Name: "enisa.availability", Type: FactEnum,
		Choices: []Choice{
			{"none", Text{"可轻易恢复", "easily recovered"}},
			{"temporary", Text{"暂时无法使用", "temporary loss"}},
			{"full", Text{"完全丧失", "full loss"}},
		},
		Label:    Text{"ENISA：可用性", "ENISA: availability"},
		Question: Text{"数据是否无法使用，能否恢复？", "Is the data unavailable, and can it be recovered?"},
	},
	{
		Name: "enisa.malicious", Type: FactBool,
		Label:    Text{"ENISA：恶意", "ENISA: malicious intent"},
		Question: Text{"是否出于恶意？", "Was there malicious intent?"},
	},
}

var instants = []FactDef{
	{
		Name: "occurred_at", Type: FactTime, Clock: true,
		Label:    Text{"发生时间", "Time of occurrence"},
		Question: Text{"事件何时发生或开始？", "When did it happen, or begin?"},
	},
	{
		Name: "discovered_at", Type: FactTime, Clock: true, Later: true,
		Label: Text{"知悉时间（美国，含应当知悉）", "Discovery (United States; may be constructive)"},
		Question: Text{
			"按美国法何时知悉，或以合理勤勉本应知悉？不填则以发现或获知时间计算。",
			"When was it discovered, or would it have been with reasonable diligence? Left open, the awareness time is used.",
		},
	},
	{
		Name: "assessed_at", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"完成评估时间", "Assessment made"},
		Question: Text{"何时完成是否应当报告的评估？", "When was the assessment made that the breach is notifiable?"},
	},
	{
		Name: "determined_at", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"认定时间", "Determination"},
		Question: Text{"何时认定构成泄露，或认定具有重要性？", "When was it determined that a breach occurred, or that it is material?"},
	},
	{
		Name: "notified_people_at", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"告知个人时间", "People told"},
		Question: Text{"何时向受影响的个人发出告知？", "When were the affected people told?"},
	},
	{
		Name: "information_available_at", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"补充信息可得时间", "Missing information available"},
		Question: Text{"首次报告时缺少的信息何时认定或取得？", "When was the information missing from the first filing determined or available?"},
	},
	{
		Name: "handling_ended_at", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"处置结束时间", "End of handling"},
		Question: Text{"处置工作何时结束？", "When did the handling of the incident end?"},
	},
}

var ordered = []FactDef{
	{
		Name: "filing.initial_incomplete", Type: FactBool, Later: true,
		Label:    Text{"首次报告有缺项", "First report incomplete"},
		Question: Text{"首次报告是否有缺项需要补报？", "Did the first report leave items open?"},
	},
	{
		Name: "filing.new_progress", Type: FactBool, Later: true,
		Label:    Text{"报告后有重要新情况", "Important news since the report"},
		Question: Text{"报告后是否出现新的重要情况或调查进展？", "Has an important new situation or finding come up since the report?"},
	},
	{
		Name: "authority.ordered_notice", Type: FactBool, Later: true,
		Label:    Text{"主管部门要求告知个人", "Authority ordered notice to people"},
		Question: Text{"主管部门是否要求告知个人？", "Did an authority order that people be told?"},
	},
	{
		Name: "authority.ordered_suspension", Type: FactBool, Later: true,
		Label:    Text{"主管部门要求暂停有关行为", "Authority ordered suspension"},
		Question: Text{"电信管理机构是否要求暂停有关行为？", "Did the telecom authority order the conduct to be suspended?"},
	},
	{
		Name: "authority.interview", Type: FactBool, Later: true,
		Label:    Text{"主管部门约谈", "Authority interview"},
		Question: Text{"主管部门是否已约谈本单位？", "Did an authority summon the organisation to an interview?"},
	},
	{
		Name: "authority.forbade_notice", Type: FactBool, Later: true,
		Label:    Text{"主管部门要求暂不告知", "Authority forbade notice"},
		Question: Text{"警方或主管部门是否要求不得告知个人？", "Did the police or the authority direct that people are not to be told?"},
	},
	{
		Name: "delay.law_enforcement_until", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"执法机关要求推迟至", "Delay for law enforcement until"},
		Question: Text{"执法机关要求把告知推迟到何时？", "Until when did law enforcement ask for the notice to be delayed?"},
	},
	{
		Name: "delay.attorney_general_until", Type: FactTime, Clock: true, Later: true,
		Label:    Text{"美国司法部长准许推迟至", "Delay granted by the Attorney General until"},
		Question: Text{"美国司法部长书面准许把披露推迟到何时？", "Until when did the US Attorney General allow disclosure to be delayed, in writing?"},
	},
}

var organisation = []FactDef{
	{
		Name: "org.jurisdictions", Type: FactSet, Org: true,
		Choices: []Choice{
			{"CN", Text{"中国大陆", "mainland China"}},
			{"EU", Text{"欧盟", "European Union"}},
			{"GB", Text{"英国", "United Kingdom"}},
			{"US", Text{"美国", "United States"}},
			{"JP", Text{"日本", "Japan"}},
			{"KR", Text{"韩国", "South Korea"}},
			{"SG", Text{"新加坡", "Singapore"}},
			{"AU", Text{"澳大利亚", "Australia"}},
			{"IN", Text{"印度", "India"}},
			{"BR", Text{"巴西", "Brazil"}},
			{"CA", Text{"加拿大", "Canada"}},
			{"HK", Text{"中国香港", "Hong Kong"}},
		},
		Label:    Text{"适用法域", "Jurisdictions"},
		Question: Text{"哪些国家和地区的法律适用于贵单位？", "The laws of which countries apply to the organisation?"},
	},
	{
		Name: "org.role", Type: FactEnum, Org: true,
		Choices:  []Choice{{"controller", Text{"个人信息处理者", "controller"}}, {"processor", Text{"受托人", "processor"}}},
		Label:    Text{"角色", "Role"},
		Question: Text{"对这些数据，贵单位是个人信息处理者，还是受托处理的一方？", "For this data, is the organisation the controller or a processor?"},
	},
	{
		Name: "org.cii_involved", Type: FactBool, Org: true,
		Label:    Text{"涉及关键信息基础设施", "Critical information infrastructure"},
		Question: Text{"是否涉及关键信息基础设施？", "Is critical information infrastructure involved?"},
	},
	{
		Name: "org.central_organ", Type: FactBool, Org: true,
		Label:    Text{"中央和国家机关及其直属单位", "Central or state organ"},
		Question: Text{"贵单位是否为中央和国家机关各部门或其直属单位？", "Is the organisation a central or state organ, or a unit directly under one?"},
	},
	{
		Name: "org.network_operator", Type: FactBool, Org: true,
		Label:    Text{"网络运营者", "Network operator"},
		Question: Text{"贵单位是否为网络的所有者、管理者或服务提供者？", "Does the organisation own, manage or provide services on a network?"},
	},
	{
		Name: "org.telecom_or_icp", Type: FactBool, Org: true,
		Label:    Text{"电信业务经营者或互联网信息服务提供者", "Telecom or internet information service"},
		Question: Text{"贵单位是否为电信业务经营者或互联网信息服务提供者？", "Is the organisation a telecom operator or an internet information service provider?"},
	},
	{
		Name: "org.miit_sector", Type: FactBool, Org: true,
		Label:    Text{"工业、电信、无线电领域数据处理者", "Industry, telecom or radio data handler"},
		Question: Text{"贵单位是否为工业、电信或无线电领域的数据处理者？", "Does the organisation handle data in industry, telecom or radio?"},
	},
	{
		Name: "org.bank_or_insurer", Type: FactBool, Org: true,
		Label:    Text{"银行保险机构", "Bank or insurer"},
		Question: Text{"贵单位是否为银行或保险机构？", "Is the organisation a bank or an insurer?"},
	},
	{
		Name: "org.pbc_field", Type: FactBool, Org: true,
		Label:    Text{"人民银行业务领域", "Business field of the central bank"},
		Question: Text{"贵单位是否在中国人民银行业务领域内？", "Does the organisation work in a business field of the People's Bank of China?"},
	},
	{
		Name: "org.sector_rule", Type: FactBool, Org: true,
		Label:    Text{"行业主管部门另有报告规定", "Sector regulator with its own rule"},
		Question: Text{"行业主管部门是否另有网络安全事件报告规定？", "Does a sector regulator have its own rule on reporting incidents?"},
	},
	{
		Name: "org.security_vendor", Type: FactBool, Org: true,
		Label:    Text{"网络安全或运维服务提供者", "Provider of security or operations services"},
		Question: Text{"贵单位是否为客户提供网络安全或系统运维服务，并在客户处发现了事件？", "Does the organisation provide security or operations services to the customer where the event was found?"},
	},
	{
		Name: "org.portal", Type: FactEnum, Org: true,
		Choices: []Choice{
			{"none", Text{"不属于", "none"}},
			{"provincial_or_central", Text{"省级以上党政门户或中央重点新闻网站", "party or government portal of a province or above, or central key news site"}},
			{"prefecture_or_provincial_news", Text{"地市级以上党政门户或省级以上新闻网站", "portal of a prefecture city or above, or provincial news site"}},
			{"other", Text{"其他党政门户或新闻网站", "another party or government portal or news site"}},
		},
		Label:    Text{"党政门户或新闻网站", "Government portal or news site"},
		Question: Text{"受影响的网站是不是党政机关门户或重点新闻网站，哪一级？", "Is the site a party or government portal or key news site, and of which rank?"},
	},
	{
		Name: "org.people_held", Type: FactInt, Unit: "people", Org: true,
		Label:    Text{"处理个人信息的人数", "People whose information is held"},
		Question: Text{"贵单位共处理多少人的个人信息？", "Of how many people does the organisation hold personal information?"},
	},
	{
		Name: "org.hipaa_role", Type: FactEnum, Org: true,
		Choices: []Choice{
			{"none", Text{"均不是", "neither"}},
			{"covered_entity", Text{"适用机构", "covered entity"}},
			{"business_associate", Text{"业务伙伴", "business associate"}},
		},
		Label:    Text{"HIPAA 角色", "Role under HIPAA"},
		Question: Text{"按 HIPAA，贵单位是适用机构还是业务伙伴？", "Under HIPAA, is the organisation a covered entity or a business associate?"},
	},
	{
		Name: "org.ny_dfs", Type: FactBool, Org: true,
		Label:    Text{"纽约州金融局监管", "Supervised by New York's DFS"},
		Question: Text{"贵单位是否受纽约州金融服务局监管？", "Is the organisation a covered entity of New York's Department of Financial Services?"},
	},
	{
		Name: "org.sec_registrant", Type: FactBool, Org: true,
		Label:    Text{"美国证监会注册发行人", "SEC registrant"},
		Question: Text{"贵单位是否向美国证监会定期报告（8-K）？", "Does the organisation file Form 8-K with the SEC?"},
	},
	{
		Name: "org.sec_smaller", Type: FactBool, Org: true, After: "org.sec_registrant",
		Label:    Text{"小型报告公司（美国证监会）", "Smaller reporting company (SEC)"},
		Question: Text{"贵单位是否为美国证监会所称小型报告公司？", "Is the organisation a smaller reporting company?"},
	},
	{
		Name: "org.comms_provider", Type: FactBool, Org: true,
		Label:    Text{"公众电子通信服务提供者（英国）", "Public communications provider (United Kingdom)"},
		Question: Text{"贵单位是否在英国提供公众电子通信服务？", "Does the organisation provide a public electronic communications service in the United Kingdom?"},
	},
	{
		Name: "org.br_small_agent", Type: FactBool, Org: true,
		Label:    Text{"小型处理者（巴西）", "Small processing agent (Brazil)"},
		Question: Text{"贵单位是否为巴西法上的小型处理者？", "Is the organisation a small processing agent in Brazil?"},
	},
	{
		Name: "org.hk_ci_operator", Type: FactBool, Org: true,
		Label:    Text{"香港关键基础设施营运者", "Critical infrastructure operator (Hong Kong)"},
		Question: Text{"贵单位是否为香港指定的关键基础设施营运者？", "Is the organisation a designated critical infrastructure operator in Hong Kong?"},
	},
}
