package templates

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a fraud would write. A sentence is read as a cautious reader would: "do not click" refuses, "somebody downloaded the
// records" tells, and "click below" asks. What can be read in two ways counts as asking.
var (
	// commands must have their refusal directly before them ("do not click"), or close their sentence with one ("do not do it").
	commands = []ask{
		{"点击 点开 点链接 点这里 点此 点下 点按钮 点图标 点一下 點擊 扫码 扫一扫 扫描 掃描 掃碼 二维码 长按 長按 下载 下載 附件", `点击|点开|点链接|点这里|点此|点下方|点下面|点按钮|点图标|点一下|點擊|扫码|扫一扫|扫描|掃描|掃碼|二维码|长按|長按|下载|下載|附件`},
		{"打开 访问 进入 跳转", `(打开|访问|进入|跳转)[^，。；]{0,8}(链接|网址|页面|按钮|小程序)`},
		{"登录 验证身份 实名认证 激活", `请登录|登录链接|重新登录|验证身份|实名认证|激活`},
		{"填写 填好 提供 回复 发送 发给 上传 提交 告知 告诉 报出 说出 念出 输入 出示 转发 准备好", `(填写|填好|提供|回复|发送|发给|上传|提交|告知|告诉|报出|说出|念出|输入|出示|转发|准备好)[^，。；]{0,14}?(密码|口令|验证码|动态码|位数字|里的数字|证件|身份证|银行卡|卡号|照片|个人信息|您的姓名|您的住址)`},
		{"密码 口令 验证码 动态码 数字 卡号", `(密码|口令|验证码|动态码|数字|卡号)[^，。；]{0,8}(告诉|告知|发给|报给|念给|提供给|交给)`},
		{"加 添加 扫", `(加|添加|扫)[^，。；]{0,8}(微信|QQ|钉钉|企业微信|好友|群聊|客服群)`},
		{"微信 qq 公众号 小程序", `(?i)关注[^，。；]{0,6}公众号|小程序(搜|办理|核)|(加入|进)[^，。；]{0,4}(qq|微信) ?群`},
		{"屏幕共享 共享屏幕 远程 安装", `屏幕共享|共享屏幕|请[^，。；]{0,12}远程|(请|需|应|必须|可以|即可)[^，。；]{0,8}安装[^，。；]{0,14}(应用|软件|程序|插件|证书|助手|卫士|App|APP)`},
		{"回复", `回复 ?[“"]?[A-Za-z0-9]{1,6}([^A-Za-z0-9]|$)`},
		{"私信 面谈 见面", `私信[^，。；]{0,8}(客服|专员|我们)`},
		{"click tap scan qr download attach", `(?i)\bclick\b|\btap (here|on)\b|\bscan\b|\bQR\b|\bdownload\b|\b(see|open|find|read|view|complete|sign|in) (the|our|your|this) attach|\battached (is|are|you|please|document|file|form)|\b(document|file|form|details?) (is |are )?attached\b|\bplease[^.;]{0,20}\battach`},
		{"open follow use visit press go", `(?i)\b(press|go) here\b|\bgo to the following\b|\b(open|follow|use|visit|press)\b[^.;]{0,24}\b(link|button|url|page below)\b`},
		{"log sign verify confirm activate", `(?i)\blog ?in\b|\bsign in\b|\bverify your\b|\bconfirm your\b|\bactivate\b`},
		{"enter provide send reply submit upload give tell text share", `(?i)\b(enter|provide|send|reply with|submit|upload|give|tell|text|share)\b[^.;]{0,30}\b(password|pin|otp|code|digits|identity|passport|social security|card|account number|photo|details)\b`},
		{"read", `(?i)\bread (out|back|us|me)\b[^.;]{0,20}\b(password|pin|otp|code|digits)\b|\bread\b[^.;]{0,30}\b(digits|code)\b[^.;]{0,24}\bto (us|our|the|an)\b`},
		{"install screen remote", `(?i)(^|please |must |should |need to |have to )install\b[^.;]{0,30}\b(app|application|software|program|tool|plug-in|certificate|anydesk|teamviewer)\b|\bscreen[- ]sharing\b|\bshare your screen\b|\b(allow|let)\b[^.;]{0,30}\bremote\b`},
		{"reply text", `(?i)\b(reply|text) ("|')?(yes|stop|[yn1-9])\b`},
	}
	// asked are things that may only be named to say that we do not ask for them, that nobody should, or what became of them.
	asked = []ask{
		{"验证码 驗證碼 转账 轉帳 汇款 匯款 打款 充值 付 支付 缴费 保证金 手续费 押金 解冻费 安全账户 资金 款 钱", `验证码|驗證碼|转账|轉帳|汇款|匯款|打款|充值|付款|支付|缴费|付钱|保证金|手续费|押金|解冻费|安全账户|(资金|款项|钱)[^，。；]{0,8}(转|汇|打|存)(到|入|至|给)`},
		{"礼品卡 购物卡 比特币 虚拟币 usdt", `(?i)(购买|买|发送|转)[^，。；]{0,8}(礼品卡|购物卡|比特币|虚拟币|usdt)`},
		{"code transfer pay deposit fee", `(?i)\b(verification|security) codes?\b|\btransfer\b|\bpay\b|\b(make|send|complete|submit|settle|confirm|small|your) payments?\b|\bpayments? (is|are) (due|required|needed)\b|\bdeposit\b|\bfee\b|\bfees (apply|are due)\b`},
		{"gift bitcoin btc usdt crypto", `(?i)\b(buy|purchase|send)\b[^;]{0,24}\b(gift cards?|bitcoins?|btc|usdt|crypto\w*)\b`},
	}
	// threats press for time or frighten. A notice says what to do today, and threatens nobody.
	threats = []ask{
		{"否则", `否则[^，。；]{0,8}，?[^，。；]{0,20}(账号|账户|冻结|停用|注销|封|责任|后果|损失)`},
		{"逾期 后果 最后 小时内 分钟内", `逾期|后果自负|最后(一次)?通知|(请|须|必须|务必)[^，。；]{0,14}(小时|分钟)(之)?内`},
		{"账号 账户 帐号 帐户", `(账号|账户|帐号|帐户)[^，。；]{0,8}(将|会)被[^，。；]{0,4}(冻结|停用|注销|封)`},
		{"unless otherwise or if", `(?i)\b(or|otherwise|unless|if you (do not|don't|fail))\b[^.;]{0,60}\b(account|access|card)\b[^.;]{0,30}\b(clos|suspend|block|lock|terminat|cancel|delet|freez|froz)\w*`},
		{"account access card", `(?i)\byour (account|access|card)\b[^.;]{0,24}\b(clos|suspend|block|lock|terminat|cancel|delet|freez|froz)\w*[^.;]{0,30}\b(unless|if you)\b`},
		{"within act final last", `(?i)\b(act|respond|reply|confirm|call|answer)\b[^.;]{0,30}\bwithin (\d+|a few|one|two|24|48) ?(hours?|minutes?)\b|\bact (now|immediately)\b|\b(final|last) (notice|warning)\b`},
	}

	refusalBefore = regexp.MustCompile(`(?i)(绝不会?|不会|不要|切勿|没有|从不|无)((把|将|向|给|对)[^，。；请]{0,8})?$|\b(never|do not|don't|no) $`)
	refusalNear   = regexp.MustCompile(`(?i)绝不|不会|不要|切勿|从不|没有任何|\bnever\b|\bdo not\b|\bdon't\b|\bno honest\b|\b(no|without( a| any)?|free of( any)?|(bears?|covers?|waives?|refunds?) (the|any|every)) $`)
	refusalAfter  = regexp.MustCompile(`(?i)不要照做|不要答应|\bdo not do it\b|\bsay no\b`)
)

// ask is a pattern of words that a fraud would use, with stems of which one stands wherever it does.
type ask struct{ stems, pattern string }

// asks is every pattern that asks for something.
func asks() []ask { return slices.Concat(commands, asked) }

// patterns holds the compiled patterns, by their source.
var patterns = sync.OnceValue(func() map[string]*regexp.Regexp {
	m := map[string]*regexp.Regexp{}
	for _, a := range slices.Concat(asks(), threats) {
		m[a.pattern] = regexp.MustCompile(a.pattern)
	}
	return m
})

// in finds the pattern. Most sentences have none of the stems, and looking for those is much quicker.
func (a ask) in(sentence, lower string) [][]int {
	for stem := range strings.FieldsSeq(a.stems) {
		if strings.Contains(lower, stem) {
			return patterns()[a.pattern].FindAllStringIndex(sentence, -1)
		}
	}
	return nil
}

// demand returns the first words of a sentence that ask for what a notice must not ask for, unless the sentence refuses it
// or tells that somebody did it.
func demand(sentence string) string {
	sentence = plainSigns(sentence)
	lower := strings.ToLower(sentence)
	for _, w := range commands {
		for _, at := range w.in(sentence, lower) {
			if !refusalBefore.MatchString(sentence[:at[0]]) && !refusalAfter.MatchString(sentence) && !told(sentence, at) {
				return sentence[at[0]:at[1]]
			}
		}
	}
	for _, w := range asked {
		for _, at := range w.in(sentence, lower) {
			if !refusalNear.MatchString(near(sentence, at[0])) && !refusalAfter.MatchString(sentence) && !told(sentence, at) {
				return sentence[at[0]:at[1]]
			}
		}
	}
	return ""
}

// near is what stands shortly before a place.
func near(sentence string, at int) string { return sentence[max(0, at-70):at] }

// threat returns the first words of a sentence that press the reader.
func threat(sentence string) string {
	sentence = plainSigns(sentence)
	lower := strings.ToLower(sentence)
	for _, w := range threats {
		if at := w.in(sentence, lower); len(at) > 0 && !refusalAfter.MatchString(sentence) {
			return sentence[at[0][0]:at[0][1]]
		}
	}
	return ""
}

// anyFraud reports that words have any of the patterns that ask for something, refused or not: a name has no need of them. It runs
// once for each message.
func anyFraud(words string) bool {
	words = plainSigns(words)
	lower := strings.ToLower(words)
	return slices.ContainsFunc(stems(), func(s stem) bool { return strings.Contains(lower, s.word) && s.pattern.MatchString(words) })
}

// stem is a word that stands wherever a pattern does.
type stem struct {
	word    string
	pattern *regexp.Regexp
}

var stems = sync.OnceValue(func() []stem {
	var out []stem
	for _, a := range asks() {
		for word := range strings.FieldsSeq(a.stems) {
			out = append(out, stem{word, patterns()[a.pattern]})
		}
	}
	return out
})

var (
	// toReader are words with which a clause turns to its reader.
	toReader = regexp.MustCompile(`(?i)请|您需|您应|您可|您必须|您只需|你需|你要|你可|需要|需向|务必|必须|即可|就能|便可|点此|此处|下方|如下|为您|给您|发送?[到至]您|向我们|\bplease\b|\byou (must|should|need|can|have to)\b|\b(update|confirm|enter)\b`)
	// telling are words with which a clause says what became of something.
	telling = regexp.MustCompile(`了([^解断结]|$)|[^通超经不]过|未(受|被|涉|泄|读|保)|没有(受|被|涉|保)|不涉及|曾|已|被|遭|正在|有人|对方|他人|攻击者|黑客|不法分子|犯罪|员工|工作人员|同事|服务商|供应商|我们(没有|未|将|会|在|正|对|也)|由我们`)
	// impostor opens a sentence that tells what others may do in our name: all that follows is theirs, unless the reader is
	// pressed in between.
	impostor   = regexp.MustCompile(`(?i)(有人|他人|对方|骗子|不法分子|犯罪分子|诈骗分子|陌生人)[^，。；]{0,10}(冒充|假冒|假扮|谎称|自称|利用|以您|用您)|\b(someone|somebody|people|they|strangers?|criminals?|fraudsters?|callers?)\b[^,.;]{0,24}\b(pretend|pose|posing|claim|impersonat)\w*`)
	pressing   = regexp.MustCompile(`(?i)请|您需|您应|你要|务必|必须|即可|就能|立即|马上|尽快|\bplease\b|\byou (must|should|need|have to)\b|\b(now|immediately|at once)\b`)
	othersWant = regexp.MustCompile(`(有人|他人|对方|骗子|他们|陌生人|不法分子|犯罪分子|诈骗分子)[^。；请]*(要求|让|叫|骗|诱导|诱骗|催促)(您|你|孩子|家长)[^，。；请]{0,6}$`)
	weWant     = regexp.MustCompile(`我们(将|会|可能|现|需)?(要求|让|叫|催促)(您|你|孩子|家长)`)
	whenYou    = regexp.MustCompile(`(?i)\b(when|whenever|before|after|once|next time) you( next| first)? $`)
	signIn     = regexp.MustCompile(`(?i)^(sign|log) ?in\b`)
	weProvide  = regexp.MustCompile(`我们[^，。；请]{0,10}(为|向|给)(您|你|孩子|受影响的人)[^，。；请]{0,8}$`)
	theySaid   = regexp.MustCompile(`(?i)\b(we|they|who|attackers?|criminals?|someone|somebody|employees?|staff)( will| can| may| might| could| also| now| have| had| did not)? $`)
	inOrderTo  = regexp.MustCompile(`(?i)\b(used|tried|managed|able|attempted|began|set up|wanted)\b[^.;]{0,60}\bto $`)
	itself     = regexp.MustCompile(`^(记录|密码|信息|数据|明细|账户|账号|方式|凭证|流水|订单|日志|历史|系统|接口|平台|服务器)|^(?i:[ -]?(records?|data|details|information|history|histories|cards?|methods?|accounts?|copy|copies|archives?|results?|card numbers?|transactions?|systems?|services?|providers?|processors?|was|were)\b)`)
	befell     = regexp.MustCompile(`(?i)^[^.;]{0,40}\b(was|were|is|are|may have been|have been|has been)( not| never| also| probably)? (read|seen|taken|stolen|copied|exposed|stored|involved|affected|included|leaked|disclosed|among)\b`)
)

// clauseMarks end a clause.
const clauseMarks = "，；：。,;:"

// told reports that the words found in a sentence tell of something and ask nothing of the reader: "somebody downloaded the
// records", "payment records".
func told(sentence string, at []int) bool {
	before, after := sentence[:at[0]], sentence[at[1]:]
	if weProvide.MatchString(before) || theySaid.MatchString(before) || theyWant(before) {
		return true
	}
	if whenYou.MatchString(before) && signIn.MatchString(sentence[at[0]:]) {
		return true
	}
	if to := inOrderTo.FindString(before); to != "" && !strings.Contains(strings.ToLower(to), " you ") {
		return true
	}
	clause := lastClause(before) + sentence[at[0]:at[1]] + firstClause(after)
	if toReader.MatchString(clause) {
		return false
	}
	if who := impostor.FindStringIndex(before); who != nil && !pressing.MatchString(before[who[0]:]) {
		return true
	}
	return telling.MatchString(clause) || itself.MatchString(after) || befell.MatchString(after)
}

// theyWant reports that what follows is what others want of the reader: "they may ask you to ...".
func theyWant(before string) bool {
	return othersWant.MatchString(before) && !weWant.MatchString(before)
}

func lastClause(s string) string {
	i := strings.LastIndexAny(s, clauseMarks)
	if i < 0 {
		return s
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	return s[i+size:]
}

func firstClause(s string) string {
	if i := strings.IndexAny(s, clauseMarks); i >= 0 {
		return s[:i]
	}
	return s
}

// plainSigns undoes what hides words from a reader's caution and from ours: signs of full width, and spaces or dots between
// the characters of a Chinese word.
func plainSigns(s string) string {
	if !norm.NFKC.IsNormalString(s) {
		s = strings.Map(func(r rune) rune {
			if strings.ContainsRune("，；：！？（）", r) { // Chinese punctuation stays what it is
				return r
			}
			if folded := []rune(norm.NFKC.String(string(r))); len(folded) == 1 {
				return folded[0]
			}
			return r
		}, s)
	}
	if !strings.ContainsAny(s, " -·._*") {
		return s
	}
	runes := []rune(s)
	var b strings.Builder
	for i := 0; i < len(runes); i++ {
		if strings.ContainsRune(" -·._*", runes[i]) && i > 0 && unicode.Is(unicode.Han, runes[i-1]) {
			j := i
			for j < len(runes) && strings.ContainsRune(" -·._*", runes[j]) {
				j++
			}
			if j < len(runes) && unicode.Is(unicode.Han, runes[j]) {
				i = j - 1
				continue
			}
		}
		b.WriteRune(runes[i])
	}
	return b.String()
}
