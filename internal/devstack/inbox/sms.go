package inbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Send statuses of QuerySendDetails.
const (
	SMSWaiting   = 1
	SMSFailed    = 2
	SMSDelivered = 3
)

// providerZone is the provider's clock: SendDate is a day in China.
var providerZone = time.FixedZone("CST", 8*3600)

// smsDesk is the SMS provider's memory.
type smsDesk struct {
	mu     sync.Mutex
	byTo   map[string][]*smsSent // number in the provider's form
	nonces map[string]bool
}

type smsSent struct {
	outID, template string
	seq             int64
	at              time.Time
	status          int
}

func newSMSDesk() *smsDesk {
	d := &smsDesk{}
	d.clear()
	return d
}

func (d *smsDesk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byTo, d.nonces = map[string][]*smsSent{}, map[string]bool{}
}

// SetSMSStatus changes what QuerySendDetails tells about every message with that OutId. Without it they are delivered.
func (in *Inbox) SetSMSStatus(outID string, status int) {
	in.sms.mu.Lock()
	defer in.sms.mu.Unlock()
	for _, sent := range in.sms.byTo {
		for _, s := range sent {
			if s.outID == outID {
				s.status = status
			}
		}
	}
}

// serveSMS is the provider's one address; the action is in a header.
func (in *Inbox) serveSMS(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	c := in.opts.Credentials
	if f := checkACS3(r, body, c.SMSAccessKeyID, c.SMSAccessSecret, in.opts.Now()); f != nil {
		in.smsError(w, f.status, f.code, f.words)
		return
	}
	if !in.sms.fresh(r.Header.Get("x-acs-signature-nonce")) {
		in.smsError(w, http.StatusBadRequest, "SignatureNonceUsed", "Specified signature nonce was used already.")
		return
	}
	if r.Header.Get("x-acs-version") != "2017-05-25" {
		in.smsError(w, http.StatusBadRequest, "InvalidVersion", "Specified parameter Version is not valid.")
		return
	}
	args := r.URL.Query()
	if form, err := url.ParseQuery(string(body)); err == nil {
		for k, v := range form {
			args[k] = append(args[k], v...)
		}
	}
	switch r.Header.Get("x-acs-action") {
	case "SendSms":
		in.sendSMS(w, r, args)
	case "QuerySendDetails":
		in.querySMS(w, args)
	default:
		in.smsError(w, http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found.")
	}
}

func (d *smsDesk) fresh(nonce string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if nonce == "" || d.nonces[nonce] {
		return false
	}
	d.nonces[nonce] = true
	return true
}

// smsError answers as the gateway does.
func (in *Inbox) smsError(w http.ResponseWriter, status int, code, words string) {
	writeJSON(w, status, map[string]string{"RequestId": newRequestID(), "HostId": "tocsin-inbox.localhost", "Code": code, "Message": words})
}

// smsNo answers as the service does: status 200 and a code.
func (in *Inbox) smsNo(w http.ResponseWriter, code, words string) {
	in.note(ChannelSMS, Refuse)
	writeJSON(w, http.StatusOK, map[string]string{"RequestId": newRequestID(), "Code": code, "Message": words})
}

var (
	mainland = regexp.MustCompile(`^1[3-9]\d{9}$`)
	abroad   = regexp.MustCompile(`^[1-9]\d{6,14}$`)
)

// national brings the documented ways to write a number to the provider's one.
func national(n string) (string, bool) {
	for _, p := range []string{"+86", "0086", "86", "+", ""} {
		if s, ok := strings.CutPrefix(n, p); ok && mainland.MatchString(s) {
			return s, true
		}
	}
	s := strings.TrimPrefix(strings.TrimPrefix(n, "+"), "00")
	return s, abroad.MatchString(s) && !strings.HasPrefix(s, "86")
}

func (in *Inbox) sendSMS(w http.ResponseWriter, r *http.Request, args url.Values) {
	for _, name := range []string{"PhoneNumbers", "SignName", "TemplateCode"} {
		if args.Get(name) == "" {
			in.smsError(w, http.StatusBadRequest, "Missing"+name, name+" is mandatory for this action.")
			return
		}
	}
	to, ok := national(args.Get("PhoneNumbers"))
	if !ok {
		in.smsNo(w, "isv.MOBILE_NUMBER_ILLEGAL", "invalid mobile number")
		return
	}
	if code := in.badTemplate(args); code != "" {
		in.smsNo(w, code, "template or its variables are not acceptable")
		return
	}
	e164 := "+" + to
	if mainland.MatchString(to) {
		e164 = "+86" + to
	}
	f, struck := in.faults.take(ChannelSMS, AtRequest, e164)
	if struck && in.smsStruck(w, f) {
		return
	}
	seq := in.box.put(Message{
		Channel: ChannelSMS, ID: args.Get("OutId"), From: args.Get("SignName"), To: e164,
		Subject: args.Get("TemplateCode"), Raw: []byte(args.Encode()),
	})
	in.sms.keep(to, &smsSent{outID: args.Get("OutId"), template: args.Get("TemplateCode"), seq: seq, at: in.opts.Now(), status: SMSDelivered})
	in.afterStored(r, f, struck)
	in.box.accept(seq)
	writeJSON(w, http.StatusOK, map[string]string{
		"RequestId": newRequestID(), "Code": "OK", "Message": "OK", "BizId": fmt.Sprintf("%018d^0", seq),
	})
}

func (d *smsDesk) keep(to string, s *smsSent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byTo[to] = append(d.byTo[to], s)
}

// smsStruck answers for a fault that comes before anything is stored, and reports whether it did.
func (in *Inbox) smsStruck(w http.ResponseWriter, f Fault) bool {
	code := f.Code
	switch f.Do {
	case Refuse:
		if code == "" {
			code = "isv.MOBILE_NUMBER_ILLEGAL"
		}
	case Defer:
		if code == "" {
			code = "isv.BUSINESS_LIMIT_CONTROL"
		}
	case Cut:
		in.note(ChannelSMS, f.Do)
		cut()
	default:
		return false
	}
	in.note(ChannelSMS, f.Do)
	switch status, err := strconv.Atoi(code); {
	case err == nil:
		http.Error(w, "answered by a fault rule of the local inbox", status)
	case strings.HasPrefix(code, "Throttling"), strings.HasPrefix(code, "ServiceUnavailable"):
		in.smsError(w, http.StatusServiceUnavailable, code, "Request was denied due to request throttling.")
	default:
		writeJSON(w, http.StatusOK, map[string]string{"RequestId": newRequestID(), "Code": code, "Message": "answered by a fault rule of the local inbox"})
	}
	return true
}

// afterStored drops or holds an HTTP answer.
func (in *Inbox) afterStored(r *http.Request, f Fault, struck bool) {
	switch {
	case !struck:
	case f.Do == Drop:
		cut()
	case f.Do == Hold:
		in.faults.wait(in.ctx, r.Context())
		if r.Context().Err() != nil {
			cut()
		}
	}
}

// badTemplate says what the provider finds wrong with a template, if anything.
func (in *Inbox) badTemplate(args url.Values) string {
	var vars map[string]string
	if p := args.Get("TemplateParam"); p != "" && json.Unmarshal([]byte(p), &vars) != nil {
		return "isv.INVALID_JSON_PARAM"
	}
	if in.opts.Templates == nil {
		return ""
	}
	text, ok := in.opts.Templates[args.Get("TemplateCode")]
	if !ok {
		return "isv.SMS_TEMPLATE_ILLEGAL"
	}
	for _, name := range variables.FindAllStringSubmatch(text, -1) {
		if _, ok := vars[name[1]]; !ok {
			return "isv.TEMPLATE_MISSING_PARAMETERS"
		}
	}
	return ""
}

var variables = regexp.MustCompile(`\$\{(\w+)\}`)

// readSMS renders what a phone would show.
func (in *Inbox) readSMS(m *Message) {
	args, err := url.ParseQuery(string(m.Raw))
	if err != nil {
		m.Text = string(m.Raw)
		return
	}
	var vars map[string]string
	_ = json.Unmarshal([]byte(args.Get("TemplateParam")), &vars)
	text, ok := in.opts.Templates[m.Subject]
	if !ok {
		var lines []string
		for k, v := range vars {
			lines = append(lines, k+": "+v)
		}
		slices.Sort(lines)
		text = m.Subject + "\n" + strings.Join(lines, "\n")
	}
	m.Text = "【" + m.From + "】" + variables.ReplaceAllStringFunc(text, func(v string) string {
		return vars[v[2:len(v)-1]]
	})
}

type smsDetail struct {
	PhoneNum     string
	SendStatus   int
	ErrCode      string
	TemplateCode string
	Content      string
	SendDate     string
	ReceiveDate  string
	OutId        string //nolint:revive // the provider's spelling
}

// querySMS answers by number and day, newest first.
func (in *Inbox) querySMS(w http.ResponseWriter, args url.Values) {
	size, err1 := strconv.Atoi(args.Get("PageSize"))
	page, err2 := strconv.Atoi(args.Get("CurrentPage"))
	if err1 != nil || err2 != nil || size < 1 || size > 50 || page < 1 {
		writeJSON(w, http.StatusOK, map[string]string{"RequestId": newRequestID(), "Code": "isv.INVALID_PARAMETERS", "Message": "PageSize is 1 to 50, CurrentPage from 1"})
		return
	}
	to, _ := national(args.Get("PhoneNumber"))
	all := in.sms.of(to, args.Get("SendDate"))
	rows := []smsDetail{}
	for i := (page - 1) * size; i < min(len(all), page*size); i++ {
		rows = append(rows, in.detail(to, all[i]))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"RequestId": newRequestID(), "Code": "OK", "Message": "OK", "TotalCount": strconv.Itoa(len(all)),
		"SmsSendDetailDTOs": map[string]any{"SmsSendDetailDTO": rows},
	})
}

func (d *smsDesk) of(to, day string) []smsSent {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []smsSent
	for _, s := range slices.Backward(d.byTo[to]) {
		if s.at.In(providerZone).Format("20060102") == day {
			out = append(out, *s)
		}
	}
	return out
}

func (in *Inbox) detail(to string, s smsSent) smsDetail {
	at := s.at.In(providerZone).Format(time.DateTime)
	row := smsDetail{PhoneNum: to, SendStatus: s.status, TemplateCode: s.template, SendDate: at, OutId: s.outID}
	if ms := in.Messages(Filter{Before: s.seq + 1, Limit: 1}); len(ms) == 1 {
		row.Content = ms[0].Text
	}
	switch s.status {
	case SMSDelivered:
		row.ErrCode, row.ReceiveDate = "DELIVERED", at
	case SMSFailed:
		row.ErrCode = "MOBILE_NOT_ON_SERVICE"
	}
	return row
}
