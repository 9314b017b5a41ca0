package main

import (
	"fmt"
	"time"

	"tocsin/internal/breach"
	"tocsin/templates"
)

// The organisation and the notice of the benchmark: the real templates, with an incident that says much, so that one mail
// is 13 kB on the wire.
func speaker() templates.Organisation {
	return templates.Organisation{
		Name: breach.Text{ZH: "示例在线教育有限公司", EN: "Example Online Education Co., Ltd."}, Short: breach.Text{ZH: "示例教育", EN: "Example Education"},
		HomePage: "https://www.example.com", Hotline: "400-000-0000", Email: "privacy@example.com",
	}
}

func longNotice() (templates.NoticeText, error) {
	at := time.Date(2026, 11, 20, 19, 10, 0, 0, time.UTC)
	t, err := templates.Default().Notice(templates.NoticeView{
		Organisation: speaker(), Number: templates.NewNoticeNumber([16]byte{1, 2, 3}), Incident: "INC-2026-0001", State: "confirmed",
		Kinds: []string{"leak"}, Categories: []string{"credentials", "name", "contact", "education", "finance_account", "whereabouts", "id_number"}, OccurredAt: &at, AwareAt: &at, IssuedAt: at,
		Harms: []breach.Text{{ZH: "有人可能冒充我们的客服、老师或者快递员给您打电话，准确说出您的姓名和报名的课程，以骗取您的信任。"}},
		Advice: []breach.Text{
			{ZH: "如果您在别的网站用过同样的密码，请在那些网站上也尽快更换，并且不要再与其他账号共用。"},
			{ZH: "近期如接到自称本公司人员的来电，请先挂断，再自行拨打本通知所列的电话核实。"},
		},
		Cause: breach.Text{
			ZH: "一台查询服务器的访问权限设置有误，有人借此批量读取了学员资料。",
			EN: "The access rights of one query server were set wrongly, and someone used this to read student records in bulk.",
		},
		Measures: []breach.Text{
			{ZH: "已将该服务器从网络上隔离，并吊销它能用到的全部密钥。", EN: "We took that server off the network and revoked every key it could use."},
			{ZH: "已强制下线全部会话；下次登录我们自己的网站或应用时，需要设置新密码。", EN: "We ended all sessions. When people next open our own website or app, they choose a new password there."},
		},
	}, breach.ToPerson, breach.Chinese)
	if err != nil {
		return t, err
	}
	t, _ = t.For()
	return t, nil
}

// name and address are those of the n-th person, who does not exist.
func name(n int) string    { return "示例" + string([]rune("甲乙丙丁戊己庚辛壬癸")[n%10]) }
func address(n int) string { return fmt.Sprintf("shili.%07d@example.com", n) }
