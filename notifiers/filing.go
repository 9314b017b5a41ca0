package notifiers

import (
	"context"
	"errors"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// Codes of our own, for what no protocol has a number for. [Reason] says them in words.
const (
	CodeTooLarge  = "too_large"  // the report is larger than the way takes, or than the other side's own limit
	CodeNoReceipt = "no_receipt" // taken, but without the receipt's number that was agreed on
	CodeExists    = "exists"     // the place holds something else under our name
	CodeHostKey   = "host_key"   // the server is not the one that we know
	CodeNoAccess  = "no_access"  // the folder does not let us write
)

// A Prober says whether a report could be handed over at this moment, without handing one over and without leaving a trace.
// An error tells a person what to mend.
type Prober interface {
	Probe(ctx context.Context) error
}

// filingName is the form of what a filing's message is addressed to, where the way itself knows the place: the authority's key.
var filingName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// fileName is the form of an attachment's name: plain ASCII, nothing that a path or a header could take for its own.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// UnfitFiling names what in a report cannot be handed over as files, "id", "to", "subject", "text" or "attachment", or nothing.
// The message's To is the authority's key.
func UnfitFiling(m Message) string {
	switch {
	case !ValidID(m.ID):
		return "id"
	case !filingName.MatchString(m.To):
		return "to"
	case m.Subject == "" || !utf8.ValidString(m.Subject):
		return "subject"
	case m.Text == "" || !utf8.ValidString(m.Text) || !utf8.ValidString(m.HTML):
		return "text"
	}
	seen := map[string]bool{}
	for _, a := range m.Attachments {
		kind, _, err := mime.ParseMediaType(a.Type)
		if err != nil || !strings.Contains(kind, "/") || strings.ContainsAny(a.Type, "\r\n") || !fileName.MatchString(a.Name) || seen[strings.ToLower(a.Name)] {
			return "attachment"
		}
		seen[strings.ToLower(a.Name)] = true
	}
	return ""
}

// FilesSize is the number of bytes of a message's attachments as they are, before they are encoded.
func FilesSize(m Message) int {
	n := 0
	for _, a := range m.Attachments {
		n += len(a.Bytes)
	}
	return n
}

// Reason says in a person's words what stood in the way of an attempt and what to do, where the code alone would not; else it
// is empty. It holds nothing of the message.
func Reason(err error) breach.Text {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return breach.Text{}
	}
	if t, ok := reasons[e.Code]; ok {
		return t
	}
	switch e.Doing {
	case "rcpt":
		return breach.Text{
			ZH: "对方的邮件服务器拒绝了收件地址。请核对该机关在配置中的邮箱，或改用其他方式报送。",
			EN: "The authority's mail server refused the address. Check the email in the authority's settings, or hand the report over another way.",
		}
	case "authenticate":
		return breach.Text{
			ZH: "对方不接受我方的账号。请核对该机关在配置中的账号与密钥文件。",
			EN: "The other side does not accept our account. Check the account and the key file in the authority's settings.",
		}
	}
	return breach.Text{}
}

var reasons = map[string]breach.Text{
	CodeTooLarge: {
		ZH: "报告连同附件超过了该报送方式允许的大小，未发出任何内容。请减小或拆分附件后重新批准，或改用其他方式报送（门户、文件夹、当面）。",
		EN: "The report with its attachments is larger than this way takes; nothing was sent. Make the attachments smaller and approve again, or hand it over another way: portal, folder, in person.",
	},
	CodeNoReceipt: {
		ZH: "对方表示已接收，但没有给出约定的回执编号。请向对方索取编号。",
		EN: "The other side said that it took the report, but gave no receipt number. Ask for the number.",
	},
	CodeExists: {
		ZH: "目标位置已有同名而内容不同的文件，未作覆盖。请查明该文件从何而来。",
		EN: "The place already holds another file under the same name; it was not overwritten. Find out where that file came from.",
	},
	CodeHostKey: {
		ZH: "服务器出示的主机密钥与配置不符，未发出任何内容。请通过其他途径向对方核实主机密钥，核实前不要更改配置。",
		EN: "The server showed another host key than the settings name; nothing was sent. Ask the authority for its host key by another way before you change the settings.",
	},
	CodeNoAccess: {
		ZH: "目标文件夹不允许写入。请为运行本系统的用户开通写入权限。",
		EN: "The folder does not let Tocsin write. Give its user the right to write there.",
	},
	"no_folder": {
		ZH: "服务器上没有配置中的文件夹。请核对 folder，或请对方建立。",
		EN: "The server has no folder as the settings name it. Check folder, or ask for it to be made.",
	},
	"attachment": {
		ZH: "附件的文件名或类型无法传送。文件名只能使用字母、数字、点、横线和下划线，且不得重复。",
		EN: "An attachment's name or type cannot be carried. Use letters, digits, dots, hyphens and underscores, and no name twice.",
	},
	"address": {
		ZH: "配置中的邮箱地址无法使用。请核对该机关的地址。",
		EN: "The address in the settings cannot be used. Check the authority's address.",
	},
}
