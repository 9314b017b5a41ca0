package templates

import (
	"html"

	"tocsin/internal/breach"
)

// mailStyle is the whole style of a mail: nothing is fetched, nothing is hidden.
const mailStyle = "margin:0 auto;padding:16px;max-width:640px;color:#1a1a1a;background:#ffffff;" +
	"font:16px/1.7 -apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Segoe UI',Arial,sans-serif"

const mailHeading = "margin:24px 0 8px;font-size:18px"

// mailBody draws blocks for a mail.
func mailBody(blocks []block) string { return markup(blocks, ` style="`+mailHeading+`"`) }

// mailPage frames a mail's HTML part. It has no link, no image and no script.
func mailPage(title string, l breach.Language, inside string) string {
	return "<!DOCTYPE html>\n<html lang=\"" + html.EscapeString(string(l)) + "\">\n<head>\n<meta charset=\"utf-8\">\n<title>" +
		html.EscapeString(title) + "</title>\n</head>\n<body style=\"" + html.EscapeString(mailStyle) + "\">\n" + inside + "</body>\n</html>\n"
}
