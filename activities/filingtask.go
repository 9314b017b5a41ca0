package activities

import (
	"errors"
	"fmt"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
)

// askWords say what a person is to do about a filing, and what to type when it is done.
func askWords(kind breach.TaskKind, o store.Obligation, to Addressee, in FileReportInput, why error) (title, detail breach.Text) {
	name := o.Result.Addressee
	receipt := fmt.Sprintf("tocsin filing receipt %s %s --number … --at … --who …", in.Incident, in.Key)
	end := breach.Text{
		ZH: "已报送的，请登记回执（编号或回执照片、时间、接收人），本任务随之结束：" + receipt + "。",
		EN: "Once it is handed over, record the receipt (its number or a photo of it, the time, who took it); that ends this task: " + receipt + ".",
	}
	again := breach.Text{ZH: "确认未送达的，以“未完成”结束本任务，系统将重新报送。", EN: "If it certainly did not arrive, end this task as not done and the system files again."}
	switch kind {
	case breach.TaskInDoubt:
		return breach.Text{ZH: "请核实是否已送达：" + name.ZH, EN: "Find out whether it arrived: " + name.EN}, breach.Text{
			ZH: "报告已发出，但对方是否收到不明。系统不会重复报送。请向对方核实。" + place(to).ZH + end.ZH + again.ZH,
			EN: "The report left, but whether it arrived is not known. The system will not file it again by itself. Ask the authority. " + place(to).EN + end.EN + " " + again.EN,
		}
	case breach.TaskRefused:
		code := codeOf(why)
		return breach.Text{ZH: "报送被拒绝：" + name.ZH, EN: "Filing refused: " + name.EN}, breach.Text{
			ZH: fmt.Sprintf("报告未能送达（%s%s）。请更正配置（authorities 中的地址，或 notifiers 中的中继设置）后以“未完成”结束本任务，系统将重新报送；或改用网站、热线或当面报送。", wayOf(to), code) + place(to).ZH + end.ZH,
			EN: fmt.Sprintf("The report was not taken (%s%s). Mend the configuration (the address under authorities, or the relay under notifiers) and end this task as not done, and the system files again; or hand it over by portal, hotline or in person. ", wayOf(to), code) + place(to).EN + end.EN,
		}
	default:
		return breach.Text{ZH: "请人工报送：" + name.ZH, EN: "File by hand: " + name.EN}, breach.Text{
			ZH: fmt.Sprintf("“%s”没有系统可用的报送方式（authorities 中的 %s）。已批准的报告全文附于本任务，可直接粘贴（tocsin filing paste %s %s）；PDF 与 DOCX：tocsin filing export %[3]s %[4]s。", name.ZH, o.Result.Authority, in.Incident, in.Key) + place(to).ZH + end.ZH,
			EN: fmt.Sprintf("There is no way for the system to file with %s (authorities: %s). The approved report's text goes with this task, ready to paste (tocsin filing paste %s %s); its PDF and DOCX: tocsin filing export %[3]s %[4]s. ", name.EN, o.Result.Authority, in.Incident, in.Key) + place(to).EN + end.EN,
		}
	}
}

// wayRefused asks a person to mend the way that a report goes, while it is tried again.
func wayRefused(o store.Obligation, to Addressee, in FileReportInput, why error) store.Task {
	name, failed := o.Result.Addressee, wayOf(to)+codeOf(why)
	return store.Task{
		IncidentID: in.Incident, Kind: breach.TaskFinding, Ref: "way of " + in.Key, OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "报送通道拒绝我方：" + name.ZH, EN: "The way to file refuses us: " + name.EN},
		Detail: breach.Text{
			ZH: fmt.Sprintf("报告尚未发出（%s）：被拒的是我方的凭据、发件人或证书。系统会继续重试，但时限仍在计算。请修正 notifiers 中的设置并重启 worker；送达后（tocsin filing list %s）结束本任务。", failed, in.Incident),
			EN: fmt.Sprintf("The report has not left (%s): what is refused is our credentials, sender or certificate. It is tried again by itself, but the clock runs. Mend the settings under notifiers and restart the workers; end this task when it has arrived (tocsin filing list %s).", failed, in.Incident),
		},
	}
}

// place says where a person goes with a report.
func place(to Addressee) breach.Text {
	var zh, en []string
	if to.Portal != "" {
		zh, en = append(zh, "网站 "+to.Portal), append(en, "portal "+to.Portal)
	}
	if to.Hotline != "" {
		zh, en = append(zh, "电话 "+to.Hotline), append(en, "phone "+to.Hotline)
	}
	if len(zh) == 0 {
		return breach.Text{}
	}
	return breach.Text{ZH: "联系方式：" + strings.Join(zh, "，") + "。", EN: "Where: " + strings.Join(en, ", ") + ". "}
}

func wayOf(to Addressee) string {
	if to.Way == "" {
		return "email"
	}
	return to.Way
}

// codeOf is an attempt's code; the other side's words stay outside.
func codeOf(err error) string {
	if e, ok := errors.AsType[*notifiers.Error](err); ok && e.Code != "" {
		return ", " + e.Doing + " " + e.Code
	}
	return ""
}
