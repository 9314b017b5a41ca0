package templates

import (
	"html"
	"strings"

	"tocsin/internal/breach"
)

// FormWithdrawal takes an earlier report back.
const FormWithdrawal = "general/withdrawal"

// FormGeneral is the form for authorities that have none of their own here.
const FormGeneral = "general/report"

var forms = []struct {
	rule  string // a prefix of rule ids
	stage breach.Stage
	form  string
}{
	{"cn-cac-police", "", "cn-police/report"},
	{"cn-cac-", breach.StageFinal, "cn-cac/final"},
	{"cn-cac-vendor", "", FormGeneral}, // goes to customers, not to an authority
	{"cn-cac-", "", "cn-cac/initial"},
	{"cn-ciir-18", "", "cn-cac/initial"},
	{"cn-pipl-processor", "", FormGeneral},
	{"cn-pipl-", "", "cn-pipl/authority"},
	{"cn-civil-1038", "", "cn-pipl/authority"},
	{"cn-csl-pi-", "", "cn-pipl/authority"},
	{"cn-child-processor", "", FormGeneral},
	{"cn-child-", "", "cn-minor/authority"},
	{"cn-minor-", "", "cn-minor/authority"},
	{"cn-mi17-summary", "", "cn-cac/final"}, // asks for the same items
	{"cn-miit24-", "", "cn-miit/report"},
	{"cn-mi17-", "", "cn-miit/report"},
	{"cn-md24-", "", "cn-miit/report"},
	{"cn-police-", "", "cn-police/report"},
	{"cn-ndsr-crime", "", "cn-police/report"},
}

// FormFor returns the form that fits an obligation's rule and stage, [FormGeneral] where there is no closer one.
func FormFor(o breach.Obligation) string {
	if o.Stage == breach.StageWithdrawal {
		return FormWithdrawal
	}
	for _, f := range forms {
		if strings.HasPrefix(string(o.Rule), f.rule) && (f.stage == "" || f.stage == o.Stage) {
			return f.form
		}
	}
	return FormGeneral
}

const formStyle = `body{margin:0 auto;padding:24px;max-width:820px;color:#1a1a1a;background:#fff;` +
	`font:15px/1.7 "Songti SC","SimSun","Noto Serif CJK SC",Georgia,serif}` +
	`h1{font-size:22px;text-align:center;margin:0 0 20px}h2{font-size:16px;margin:22px 0 8px}` +
	`table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:6px 10px;text-align:left;vertical-align:top}` +
	`th{width:34%;font-weight:normal;background:#f4f4f4}ul{margin:0 0 14px;padding-left:22px}` +
	`@media print{body{padding:0;max-width:none}}`

func formPage(title string, l breach.Language, inside string) string {
	t := html.EscapeString(title)
	return "<!DOCTYPE html>\n<html lang=\"" + html.EscapeString(string(l)) + "\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + t +
		"</title>\n<style>" + formStyle + "</style>\n</head>\n<body>\n<h1>" + t + "</h1>\n" + inside + "</body>\n</html>\n"
}
