package templates

import "tocsin/internal/breach"

func prompt(key, zh, en, helpZH, helpEN string) AnswerItem {
	return AnswerItem{key, breach.Text{ZH: zh, EN: en}, breach.Text{ZH: helpZH, EN: helpEN}}
}

var answerItems = []AnswerItem{
	// what happened
	prompt("system", "涉事设施、系统、平台", "Facility, system or platform", "名称、用途、部署位置；多个的逐一写明。", "Name, purpose and where it runs; name each one."),
	prompt("product", "产品或者服务", "Product or service", "名称、版本、用户范围。", "Name, version, and who uses it."),
	prompt("defect", "安全缺陷、漏洞", "Defect or vulnerability", "内容、触发条件、编号（如有）；不写可直接利用的细节。", "What it is, how it is triggered, its number if any; no detail that lets others exploit it."),
	prompt("exploited", "是否已被利用", "Whether it has been exploited", "有无被利用的迹象，依据是什么。", "Signs of use, and how you know."),
	prompt("place", "事发地点", "Place", "机房或办公地点所在的省、市；云上系统写明云服务商和地域。", "City of the data centre or office; for a cloud, the provider and the region."),
	prompt("circumstances", "事件情况", "Circumstances", "两三句话写明发生了什么、怎样发现的。", "In two or three sentences: what happened, and how it was found."),
	prompt("scope", "事件范围", "Scope", "涉及的业务、系统、数据和地区。", "The business, systems, data and places concerned."),
	prompt("detection", "发现方式", "How it was discovered", "监测告警、用户投诉、外部通报等，及发现人的岗位。", "An alarm, a complaint, a tip from outside; and the post of who found it."),
	prompt("date_range", "起止时间", "Date or period", "从何时起、到何时止；只知道大致时间的，写明“约”。", "From when to when; say “about” where it is only known roughly."),
	prompt("cause", "原因", "Cause", "已经查明的写明依据；尚在核查的写明目前判断。", "What is established, and on what evidence; else the present view."),
	prompt("responsible", "造成事件的人", "Who caused it", "内部人员写岗位不写姓名；外部人员写已知线索。", "For staff the post, no name; for outsiders what is known."),
	prompt("leads", "溯源线索", "Leads for tracing", "可能的攻击者、攻击路径、存在的漏洞、可疑网络地址。", "Possible attacker, attack path, vulnerabilities, suspicious network addresses."),
	prompt("ransom", "勒索要求", "Ransom demand", "要求支付的金额、方式、日期；没有的写明不适用及理由。", "Amount, method and date demanded; if none, say that it does not apply and why."),
	prompt("scene", "现场保护", "Preservation of the scene", "日志、镜像、原始记录的保存位置和保管人岗位。", "Where logs, images and original records are kept, and who (the post) keeps them."),

	// data and people
	prompt("data_items", "具体数据项", "Data items", "逐项列出，如姓名、手机号、住址。", "One by one, such as name, mobile number, address."),
	prompt("data_nature", "数据的内容和性质", "Content and nature of the data", "是否原始数据、是否加密、能否直接识别个人。", "Raw or derived, encrypted or not, whether it identifies people directly."),
	prompt("records", "记录数", "Number of records", "大致条数；与人数不同的原因。", "Approximate number, and why it differs from the number of people."),
	prompt("people_estimate", "人数估计", "Approximate number of people", "人数尚未查清时的估计和估计方法。", "An estimate while the number is open, and how it was made."),
	prompt("people_kinds", "受影响人员类别", "Categories of people", "客户、学员、员工、患者等。", "Customers, students, staff, patients and so on."),
	prompt("people_region", "本辖区受影响人数", "People in this jurisdiction", "本州、本国受影响居民人数，或所在地区分布。", "Residents of this state or country affected, or where the people live."),
	prompt("children", "儿童、青少年、老年人人数", "Children, adolescents and elderly people", "分别写明人数；不掌握的写明原因。", "A number for each; if not known, why."),
	prompt("sensitive_items", "敏感数据", "Sensitive data", "涉及的敏感数据及人数；不涉及的写明理由。", "Which sensitive data and of how many people; if none, say why."),
	prompt("safeguards", "事前的安全措施", "Safeguards before the breach", "加密、访问控制、去标识化等，及其是否仍然有效。", "Encryption, access control, pseudonymisation and whether they held."),
	prompt("cross_border", "跨境情况", "Cross-border aspects", "其他国家或地区的受影响人员、接收方和已报告的监管机构。", "People, recipients and authorities in other countries."),
	prompt("processor", "受托人或供应商", "Processor or vendor", "涉及的受托处理者、供应商及其角色；不涉及的写明理由。", "The processors and vendors involved, and their part; if none, say why."),

	// effect
	prompt("impact", "已造成的影响和危害", "Impact and harm so far", "业务中断、投诉、资金损失等，写明数字。", "Interruption, complaints, losses; with figures."),
	prompt("harm", "可能造成的危害", "Possible harm", "如诈骗、骚扰、冒用身份；留空则按数据类别写。", "Such as fraud, harassment, identity theft; if empty it follows from the kinds of data."),
	prompt("consequences", "可能的后果", "Likely consequences", "对个人的权利与自由可能有什么后果，有多严重。", "What it may mean for the people concerned, and how serious that is."),
	prompt("risk_assessment", "风险评估", "Assessment of the risk", "评估的方法、结论和理由。", "The method, the conclusion and the reasons."),
	prompt("trend", "发展趋势", "Trend", "是否仍在继续，可能扩大到哪里。", "Whether it goes on, and where it may spread."),
	prompt("materiality", "对财务和经营的影响", "Effect on finances and operations", "已发生的和合理可能发生的重大影响。", "The material effect, had or reasonably likely."),
	prompt("secondary", "二次损害", "Secondary damage", "是否已有被滥用的情况，或存在这种可能。", "Whether data has been misused, or may be."),

	// what is done
	prompt("measures", "已采取的措施（补充）", "Measures taken (in addition)", "应急方案中没有记录的措施。", "What the steps of the plan do not record."),
	prompt("effect", "措施的效果", "Effect of the measures", "是否已经止损，依据是什么。", "Whether it is contained, and how you know."),
	prompt("planned", "拟采取的措施", "Measures planned", "内容和完成时间。", "What, and by when."),
	prompt("support", "请求支援事项", "Support requested", "需要主管部门协助的事项；不需要的写明不适用及理由。", "What you ask the authority for; if nothing, say so and why."),
	prompt("prevention", "防止再次发生的措施", "Measures against recurrence", "已做的和计划做的。", "What was done and what is planned."),
	prompt("advice", "个人可以采取的措施", "What people can do", "留空则按数据类别写。", "If empty it follows from the kinds of data."),
	prompt("mitigation", "减轻不利影响的措施", "Measures against adverse effects", "为受影响的人做了什么。", "What is done for the people concerned."),

	// telling people
	prompt("notified_at", "告知个人的时间", "When people were told", "开始和完成的日期；尚未告知的写明计划。", "First and last day; if not yet, the plan."),
	prompt("notice_method", "告知方式", "How people are told", "邮件、短信、信函、公告等。", "Email, text message, letter, public notice."),
	prompt("notice_content", "告知内容", "Content of the notice", "概要；附样本的写明附件名称。", "A summary; name the attachment if a sample is enclosed."),
	prompt("notice_template", "通知样本", "Template of the notice", "附件名称；样本不含个人数据。", "Name of the attachment; the sample holds no personal data."),
	prompt("notice_reason", "不告知或者推迟告知个人的理由", "Why people are not told, or later", "法律依据和事实理由。", "The provision and the facts."),
	prompt("substitute", "替代告知", "Substitute notice", "方式、地址、起止日期；没有的写明不适用及理由。", "Form, place and dates; if none, say that it does not apply and why."),
	prompt("identity_services", "身份保护服务", "Identity theft services", "提供者、期限、如何登记；不提供的写明理由。", "Provider, term and how to enrol; if not offered, why."),
	prompt("relief", "救济程序", "Relief", "投诉、赔偿的受理部门和程序。", "Where and how people complain and claim."),
	prompt("rights", "权利告知", "Telling people of their rights", "怎样告知个人可以请求损害赔偿、申请纠纷调解。", "How people learn that they may claim damages and ask for mediation."),
	prompt("toll_free", "免费咨询电话", "Toll-free number", "号码和开通期限。", "Number, and until when it is staffed."),
	prompt("publication", "向社会公布的情况", "Publication", "是否已经公布，何时、以何种方式；不公布的写明理由。", "Whether, when and how it was made public; if not, why."),

	// us and others
	prompt("dpo", "数据保护官或联系人", "Data protection officer or contact", "岗位、电话、邮箱。", "Post, telephone and email."),
	prompt("licence", "许可证或者备案编号", "Licence or registration number", "业务许可证号、备案号或登记编号。", "Number of the business licence, filing or registration."),
	prompt("annex_form", "附件《数据安全事件信息报告表》", "The plan's incident report form", "按预案附件样式填写后作为附件提交，此处写附件名称。", "Fill in the form annexed to the plan, attach it, and name the attachment here."),
	prompt("sector", "行业", "Sector", "所属行业和主要业务。", "Line of business."),
	prompt("police_report", "警方报案", "Police report", "受理机关、编号、日期；未报案的写明理由。", "Which police, the number and the date; if none, why."),
	prompt("law_enforcement_delay", "执法机关要求推迟", "Delay asked for by law enforcement", "机关、日期、书面或口头、推迟到何时；没有的写明不适用及理由。", "Agency, date, written or oral, until when; if none, say so and why."),
	prompt("other_reports", "向其他机关的报告", "Reports to other authorities", "机关、日期、编号。", "Authority, date and number."),
	prompt("customer", "客户及合同", "Customer and contract", "客户名称和服务合同编号。", "Name of the customer and number of the contract."),
	prompt("customer_people", "客户一方受影响的人员", "The customer's people affected", "能识别的写明清单的附件名称，不写姓名。", "Name the attachment that lists them; no names here."),
	prompt("customer_advice", "建议客户采取的措施", "Advice to the customer", "请客户立即做的事，如更换口令、核查日志。", "What the customer should do at once, such as changing passwords or reading logs."),
	prompt("duty_point", "值班联系方式", "Duty desk", "全天候值班电话。", "A telephone that is answered day and night."),

	// the report itself
	prompt("delay", "迟报原因", "Why the report is late", "从获知到报告之间发生了什么。", "What happened between awareness and the report."),
	prompt("news", "新的情况", "What is new", "上次报告以后的新情况和调查进展。", "What came up since the last report."),
	prompt("corrections", "更正", "Corrections", "此前报告中需要更正的内容；没有的写明不适用及理由。", "What an earlier report said wrongly; if nothing, say so and why."),
	prompt("accountability", "责任处理", "Accountability", "对责任人员的处理。", "What was done about those responsible."),
	prompt("rectification", "整改情况", "Rectification", "已完成和进行中的整改。", "What is finished and what is under way."),
	prompt("lessons", "教训", "Lessons", "暴露的问题和改进。", "What it showed, and what changes."),
	prompt("other", "其他应当报告的情况", "Other matters", "没有的写明不适用及理由。", "If nothing, say so and why."),
	prompt("withdrawal", "撤回的原因", "Why it is withdrawn", "核查的结论和依据。", "What the check found, and on what evidence."),
}
