package inbox

import (
	"crypto/rand"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

//go:embed page.html
var pageFS embed.FS

const pageSize = 50

// routes lists every address of the inbox. The cross-origin check keeps web pages of others from setting faults.
func (in *Inbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", in.showList)
	mux.HandleFunc("GET /messages/{seq}", in.showMessage)
	mux.HandleFunc("GET /messages/{seq}/html", in.showHTML)
	mux.HandleFunc("GET /messages/{seq}/raw", in.showRaw)
	mux.HandleFunc("GET /messages/{seq}/attachments/{n}", in.showAttachment)
	mux.HandleFunc("GET /api/messages", in.listMessages)
	mux.HandleFunc("GET /api/messages/{seq}", in.getMessage)
	mux.HandleFunc("DELETE /api/messages", func(w http.ResponseWriter, _ *http.Request) { in.Clear(); w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /api/counts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, in.Counts()) })
	mux.HandleFunc("GET /api/faults", func(w http.ResponseWriter, _ *http.Request) { in.writeFaults(w) })
	mux.HandleFunc("PUT /api/faults", in.putFaults)
	mux.HandleFunc("POST /api/release", func(w http.ResponseWriter, _ *http.Request) { in.Release(); w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST /sms", in.serveSMS)
	mux.HandleFunc("POST /v2/{app}/auth", in.servePushAuth)
	mux.HandleFunc("POST /v2/{app}/push/single/cid", in.servePush)
	mux.HandleFunc("POST /chat", in.serveChat)
	mux.HandleFunc("POST /portal", in.servePortal)
	mux.HandleFunc("GET /target/{name}", in.serveTarget)
	mux.HandleFunc("POST /target/{name}", in.serveTarget)
	mux.HandleFunc("GET /target/{name}/{path...}", in.serveTarget) // a target has an API of its own below its address
	mux.HandleFunc("POST /target/{name}/{path...}", in.serveTarget)
	return http.NewCrossOriginProtection().Handler(mux)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	if err := d.Decode(v); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "the body is not the JSON that is expected: " + err.Error()})
		return false
	}
	return true
}

func newRequestID() string { return strings.ToUpper(uuid.NewString()) }

func randomHex(n int) string {
	b := make([]byte, n/2)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// filterOf reads ?channel=&to=&id=&before=&limit= of a request.
func filterOf(r *http.Request) (Filter, error) {
	q := r.URL.Query()
	f := Filter{Channel: q.Get("channel"), To: q.Get("to"), ID: q.Get("id"), Limit: pageSize, Heads: true}
	var errs []error
	if f.Channel != "" && !slices.Contains(Channels(), f.Channel) {
		errs = append(errs, fmt.Errorf("channel: give one of %s", strings.Join(Channels(), ", ")))
	}
	if s := q.Get("before"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			errs = append(errs, errors.New("before: give the seq of a message"))
		}
		f.Before = n
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 1000 {
			errs = append(errs, errors.New("limit: give a number from 1 to 1000"))
		}
		f.Limit = n
	}
	return f, errors.Join(errs...)
}

type messageList struct {
	Messages []Message `json:"messages"`
	Next     int64     `json:"next,omitempty"` // give it as before= for the next page
}

func (in *Inbox) list(f Filter) messageList {
	want := f.Limit
	f.Limit++
	ms := in.Messages(f)
	out := messageList{Messages: ms}
	if len(ms) > want {
		out.Messages, out.Next = ms[:want], ms[want-1].Seq
	}
	if out.Messages == nil {
		out.Messages = []Message{}
	}
	return out
}

// listMessages answers GET /api/messages; full=1 adds the texts.
func (in *Inbox) listMessages(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	f.Heads = r.URL.Query().Get("full") == ""
	writeJSON(w, http.StatusOK, in.list(f))
}

// one finds the message that a path names.
func (in *Inbox) one(w http.ResponseWriter, r *http.Request) (Message, bool) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err == nil && seq > 0 {
		if ms := in.Messages(Filter{Before: seq + 1, Limit: 1}); len(ms) == 1 && ms[0].Seq == seq {
			return ms[0], true
		}
	}
	http.Error(w, "There is no such message in the local inbox. 本地收件箱中没有这条消息。", http.StatusNotFound)
	return Message{}, false
}

func (in *Inbox) getMessage(w http.ResponseWriter, r *http.Request) {
	if m, ok := in.one(w, r); ok {
		writeJSON(w, http.StatusOK, m)
	}
}

func (in *Inbox) writeFaults(w http.ResponseWriter) {
	rules := in.Faults()
	if rules == nil {
		rules = []Fault{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"faults": rules})
}

// putFaults replaces the rules: {"faults":[{"to":"*@example.com","do":"refuse"}]}.
func (in *Inbox) putFaults(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Faults []Fault `json:"faults"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if err := in.SetFaults(body.Faults...); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	in.writeFaults(w)
}

// words are the page's own, in Chinese and English.
var words = map[string][2]string{
	"title":      {"本地收件箱", "Local inbox"},
	"warning":    {"仅供本机使用与测试：这里的消息不会送达任何人。", "For local use and tests: nothing here reaches anybody."},
	"all":        {"全部", "All"},
	"email":      {"邮件", "Email"},
	"sms":        {"短信", "SMS"},
	"push":       {"推送", "Push"},
	"chat":       {"群消息", "Chat"},
	"target":     {"处置目标", "Targets"},
	"portal":     {"机关门户", "Portal"},
	"drop":       {"SFTP", "SFTP"},
	"channel":    {"渠道", "Channel"},
	"to":         {"收件人", "To"},
	"from":       {"发件人", "From"},
	"subject":    {"主题", "Subject"},
	"time":       {"时间（UTC）", "Received (UTC)"},
	"answer":     {"应答", "Answer"},
	"accepted":   {"已接收", "accepted"},
	"unanswered": {"未应答", "not answered"},
	"none":       {"还没有消息。", "Nothing has arrived yet."},
	"older":      {"更早的消息", "Older"},
	"newest":     {"最新的消息", "Newest"},
	"text":       {"文本", "Text"},
	"html":       {"网页格式", "HTML part"},
	"files":      {"附件", "Attachments"},
	"raw":        {"原始内容", "As received"},
	"id":         {"编号", "ID"},
	"back":       {"返回列表", "Back to the list"},
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"t": func(lang, key string) string {
		if lang == "zh-CN" {
			return words[key][0]
		}
		return words[key][1]
	},
}).ParseFS(pageFS, "page.html"))

type listPage struct {
	Lang, Other string
	Filter      Filter
	Counts      map[string]Counts
	Total       int
	Channels    []string
	List        messageList
	Self        func(k, v string) string
}

func langOf(r *http.Request) (lang, other string) {
	l := r.URL.Query().Get("lang")
	if l == "" {
		l = r.Header.Get("Accept-Language")
	}
	if strings.HasPrefix(strings.ToLower(l), "zh") {
		return "zh-CN", "en"
	}
	return "en", "zh-CN"
}

// page writes HTML under a policy that lets no script run and nothing be fetched from elsewhere.
func page(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = pages.ExecuteTemplate(w, name, data)
}

func (in *Inbox) showList(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lang, other := langOf(r)
	p := listPage{Lang: lang, Other: other, Filter: f, Counts: in.Counts(), Channels: Channels(), List: in.list(f)}
	for _, c := range p.Counts {
		p.Total += c.Received
	}
	p.Self = func(k, v string) string {
		q := url.Values{"lang": {lang}}
		if f.Channel != "" {
			q.Set("channel", f.Channel)
		}
		q.Set(k, v)
		return "/?" + q.Encode()
	}
	page(w, "list", p)
}

func (in *Inbox) showMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := in.one(w, r)
	if !ok {
		return
	}
	lang, other := langOf(r)
	page(w, "message", struct {
		Lang, Other string
		M           Message
	}{lang, other, m})
}

// showHTML serves the HTML part for the frame on the message's page: no script, no fetching, an origin of its own.
func (in *Inbox) showHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := in.one(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(m.HTML))
}

func (in *Inbox) showRaw(w http.ResponseWriter, r *http.Request) {
	m, ok := in.one(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(m.Raw)
}

func (in *Inbox) showAttachment(w http.ResponseWriter, r *http.Request) {
	m, ok := in.one(w, r)
	if !ok {
		return
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(m.Attachments) {
		http.NotFound(w, r)
		return
	}
	a := m.Attachments[n]
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename*=UTF-8''%s", url.PathEscape(a.Name)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(a.Bytes)
}
