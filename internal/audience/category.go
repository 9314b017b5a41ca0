package audience

import (
	"slices"
	"strings"
	"sync"

	"tocsin/internal/breach"
)

// categoriesOf maps a cell that lists what was exposed of a person, such as "name;phone" or "姓名、手机号", to the
// vocabulary of the fact data.categories, sorted and without repetitions. all is false where a word of it is not known: the
// others are still returned.
func categoriesOf(s string) (known []string, all bool) {
	all = true
	for word := range strings.FieldsFuncSeq(s, betweenCategories) {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if c, ok := categoryNames()[headerKey(word)]; ok {
			known = append(known, c)
			continue
		}
		parts := strings.Fields(word) // 姓名 手机号
		for _, part := range parts {
			c, ok := categoryNames()[headerKey(part)]
			if all = all && ok && len(parts) > 1; ok {
				known = append(known, c)
			}
		}
	}
	slices.Sort(known)
	return slices.Compact(known), all
}

func betweenCategories(r rune) bool {
	return strings.ContainsRune(";,|/+、，；\n", r)
}

// categoryNames holds each category by its name in the vocabulary, its words in both languages, and what files write.
var categoryNames = sync.OnceValue(func() map[string]string {
	m := make(map[string]string)
	def, _ := breach.DefOf("data.categories")
	for _, c := range def.Choices {
		for _, name := range []string{c.Value, c.Label.ZH, c.Label.EN} {
			m[headerKey(name)] = c.Value
		}
	}
	for category, names := range moreCategoryNames {
		for name := range strings.SplitSeq(names, "|") {
			m[headerKey(name)] = category
		}
	}
	return m
})

var moreCategoryNames = map[string]string{
	"name":            "名字|full name|names",
	"contact":         "手机号|手机|电话|电话号码|邮箱|电子邮箱|电子邮件|地址|住址|通信地址|phone|mobile|email|e-mail|address|postal address|contacts",
	"id_number":       "身份证号|身份证|身份证号码|护照号|护照|证件号|证件|驾驶证号|id card|resident id|passport|ssn|social security number|driver licence|driver license",
	"biometric":       "人脸|人脸信息|指纹|声纹|虹膜|face|fingerprint|voiceprint|iris|biometrics",
	"health":          "医疗|健康|病历|诊断|medical|health|medical records|diagnosis",
	"finance_account": "银行卡|银行卡号|银行账户|支付账户|信用卡|金融账户信息|bank account|bank card|credit card|card number|payment account|iban",
	"whereabouts":     "位置|行踪|定位|轨迹|location|gps|locations",
	"credentials":     "密码|口令|账号密码|password|passwords|credential|password hash",
	"comms_content":   "聊天记录|短信内容|邮件内容|messages|chat|chats",
	"logistics":       "快递|物流|运单|delivery|shipping",
	"transaction":     "订单|交易|交易记录|消费记录|order|orders|transaction|purchase|purchases",
	"loan":            "贷款|loan|loans",
	"education":       "教育|学籍|成绩|education|school records|grades",
	"genetic":         "基因|dna|genetic|genetics",
	"religion":        "宗教|religion",
	"image_voice":     "照片|图像|录音|视频|photo|photos|image|voice|video",
	"criminal":        "犯罪|前科|criminal record",
}
