package breach

// The facts that conditions of law may speak of, in the order in which a person would be asked. Add a fact here and every
// pack, command and form knows it. Facts are only ever added: histories and tables keep the old names.
var factDefs = []FactDef{
	{
		Name: "state", Type: FactEnum, Values: []string{"suspected", "confirmed"},
		Label:    Text{"事件状态", "State"},
		Question: Text{"泄露是已经确认，还是仅为怀疑？", "Is the leak confirmed, or only suspected?"},
	},
	{
		Name: "kinds", Type: FactSet, Values: []string{"leak", "tamper", "loss", "damage", "unavailable"},
		Label:    Text{"事件类型", "Kind of incident"},
		Question: Text{"数据是被泄露、篡改、丢失、毁损，还是无法使用？", "Was data leaked, tampered with, lost, damaged, or made unavailable?"},
	},
	{
		Name: "data.personal", Type: FactBool,
		Label:    Text{"涉及个人信息", "Personal information involved"},
		Question: Text{"涉及的数据中有没有个人信息？", "Is any of the data personal information?"},
	},
	{
		Name: "people.total", Type: FactInt, Unit: "people",
		Label:    Text{"受影响人数", "People affected"},
		Question: Text{"多少人受影响（按人数，不按记录数）？", "How many people are affected (people, not records)?"},
	},
	{
		Name: "people.u18", Type: FactInt, Unit: "people",
		Label:    Text{"其中未满十八周岁", "Of whom under 18"},
		Question: Text{"其中有多少未满十八周岁？", "How many of them are under 18?"},
	},
	{
		Name: "people.u14", Type: FactInt, Unit: "people",
		Label:    Text{"其中未满十四周岁", "Of whom under 14"},
		Question: Text{"其中有多少未满十四周岁？", "How many of them are under 14?"},
	},
	{
		Name: "aware_at", Type: FactTime, Clock: true,
		Label:    Text{"发现或获知时间", "Awareness time"},
		Question: Text{"贵单位何时发现或获知此事？", "When did the organisation become aware of it?"},
	},
	{
		Name: "occurred_at", Type: FactTime, Clock: true,
		Label:    Text{"发生时间", "Time of occurrence"},
		Question: Text{"事件何时发生或开始？", "When did it happen, or begin?"},
	},
	{
		Name: "handling_ended_at", Type: FactTime, Clock: true,
		Label:    Text{"处置结束时间", "End of handling"},
		Question: Text{"处置工作何时结束？", "When did the handling of the incident end?"},
	},
}
