package inbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pushDesk is the push provider's memory.
type pushDesk struct {
	mu     sync.Mutex
	tokens map[string]time.Time // token -> its end
	tasks  map[string]string    // request_id -> task
}

const (
	tokenLife    = 24 * time.Hour // "接口调用时间+1天"
	pushSkew     = 15 * time.Minute
	maxPushTitle = 50
	maxPushBody  = 256
)

func newPushDesk() *pushDesk {
	d := &pushDesk{}
	d.clear()
	return d
}

func (d *pushDesk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tokens, d.tasks = map[string]time.Time{}, map[string]string{}
}

// ExpirePushTokens makes every token that was given out invalid.
func (in *Inbox) ExpirePushTokens() {
	in.push.mu.Lock()
	defer in.push.mu.Unlock()
	clear(in.push.tokens)
}

// pushAnswer is Getui's common frame.
type pushAnswer struct {
	Code int            `json:"code"`
	Msg  string         `json:"msg"`
	Data map[string]any `json:"data,omitempty"`
}

// pushNo answers with a business code at the HTTP status that the provider pairs with it: 10000s are 401, 20000s 400,
// 30000s 403.
func pushNo(w http.ResponseWriter, code int, msg string) {
	status := map[int]int{1: http.StatusUnauthorized, 2: http.StatusBadRequest, 3: http.StatusForbidden}[code/10000]
	if status == 0 {
		status = http.StatusOK
	}
	writeJSON(w, status, pushAnswer{Code: code, Msg: msg})
}

// servePushAuth gives out a token for sign = sha256(appkey + timestamp + mastersecret).
func (in *Inbox) servePushAuth(w http.ResponseWriter, r *http.Request) {
	var ask struct{ Sign, Timestamp, Appkey string }
	if !readJSON(w, r, &ask) || !in.ourApp(w, r) {
		return
	}
	c, now := in.opts.Credentials, in.opts.Now()
	sum := sha256.Sum256([]byte(ask.Appkey + ask.Timestamp + c.PushMasterSecret))
	ms, err := strconv.ParseInt(ask.Timestamp, 10, 64)
	switch {
	case ask.Appkey != c.PushAppKey:
		pushNo(w, 20001, "appkey is invalid")
		return
	case err != nil || time.UnixMilli(ms).Sub(now).Abs() > pushSkew:
		pushNo(w, 20001, "timestamp is invalid")
		return
	case ask.Sign != hex.EncodeToString(sum[:]):
		pushNo(w, 20001, "sign is invalid")
		return
	}
	token, end := randomHex(32), now.Add(tokenLife)
	in.push.mu.Lock()
	in.push.tokens[token] = end
	in.push.mu.Unlock()
	writeJSON(w, http.StatusOK, pushAnswer{Msg: "success", Data: map[string]any{
		"expire_time": strconv.FormatInt(end.UnixMilli(), 10), "token": token,
	}})
}

func (in *Inbox) ourApp(w http.ResponseWriter, r *http.Request) bool {
	if r.PathValue("app") == in.opts.Credentials.PushAppID {
		return true
	}
	pushNo(w, 20001, "appid is invalid")
	return false
}

func (d *pushDesk) valid(token string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	end, ok := d.tokens[token]
	return ok && now.Before(end)
}

type pushRequest struct {
	RequestID string `json:"request_id"`
	Audience  struct {
		CID []string `json:"cid"`
	} `json:"audience"`
	PushMessage struct {
		Notification *struct {
			Title     string `json:"title"`
			Body      string `json:"body"`
			ClickType string `json:"click_type"`
		} `json:"notification"`
	} `json:"push_message"`
}

// servePush takes one push to one device. A request_id that came before is dropped, and answered like the first time.
func (in *Inbox) servePush(w http.ResponseWriter, r *http.Request) {
	if !in.ourApp(w, r) {
		return
	}
	if !in.push.valid(r.Header.Get("token"), in.opts.Now()) {
		pushNo(w, 10001, "token错误/失效")
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	var ask pushRequest
	if json.Unmarshal(raw, &ask) != nil {
		pushNo(w, 1, "not JSON")
		return
	}
	if wrong := ask.wrong(); wrong != "" {
		in.note(ChannelPush, Refuse)
		pushNo(w, 20001, wrong)
		return
	}
	to := ask.Audience.CID[0]
	if task, again := in.push.task(ask.RequestID); again {
		in.box.note(ChannelPush, func(c *Counts) { c.Repeated++ })
		pushYes(w, task, to)
		return
	}
	f, struck := in.faults.take(ChannelPush, AtRequest, to)
	if struck && in.pushStruck(w, f, to) {
		return
	}
	seq := in.box.put(Message{Channel: ChannelPush, ID: ask.RequestID, To: to, Subject: ask.PushMessage.Notification.Title, Raw: raw})
	task := in.push.keep(ask.RequestID, seq)
	in.afterStored(r, f, struck)
	in.box.accept(seq)
	pushYes(w, task, to)
}

// wrong names the first parameter that the provider would not take.
func (p pushRequest) wrong() string {
	n := p.PushMessage.Notification
	switch {
	case len(p.RequestID) < 10 || len(p.RequestID) > 32:
		return "request_id is invalid"
	case len(p.Audience.CID) != 1:
		return "cid is invalid"
	case len(p.Audience.CID[0]) < 20 || strings.ContainsAny(p.Audience.CID[0], " \t\r\n"):
		return "target user is invalid"
	case n == nil || n.Title == "":
		return "title can not be empty"
	case n.Body == "":
		return "body can not be empty"
	case len([]rune(n.Title)) > maxPushTitle:
		return "title is invalid"
	case len([]rune(n.Body)) > maxPushBody:
		return "body is invalid"
	case n.ClickType == "":
		return "click_type can not be empty"
	}
	return ""
}

func (d *pushDesk) task(requestID string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, ok := d.tasks[requestID]
	return t, ok
}

func (d *pushDesk) keep(requestID string, seq int64) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	task := "RASS_LOCAL_" + strconv.FormatInt(seq, 10)
	d.tasks[requestID] = task
	return task
}

// pushStruck answers for a fault that comes before anything is stored, and reports whether it did.
func (in *Inbox) pushStruck(w http.ResponseWriter, f Fault, to string) bool {
	code, err := strconv.Atoi(f.Code)
	switch f.Do {
	case Refuse:
		if err != nil {
			code = 20001
		}
	case Defer:
		if err != nil {
			code = 10005
		}
	case Cut:
		in.note(ChannelPush, f.Do)
		cut()
	default:
		return false
	}
	in.note(ChannelPush, f.Do)
	switch {
	case f.Do == Refuse && f.Code == "successed_ignore":
		writeJSON(w, http.StatusOK, pushAnswer{Msg: "success", Data: map[string]any{"RASS_LOCAL_0": map[string]string{to: f.Code}}})
	case code >= 400 && code < 600:
		http.Error(w, "answered by a fault rule of the local inbox", code)
	case code == 20001:
		pushNo(w, code, "target user is invalid")
	default:
		pushNo(w, code, "answered by a fault rule of the local inbox")
	}
	return true
}

func pushYes(w http.ResponseWriter, task, cid string) {
	writeJSON(w, http.StatusOK, pushAnswer{Msg: "success", Data: map[string]any{task: map[string]string{cid: "successed_online"}}})
}

func readPush(m *Message) {
	var p pushRequest
	if json.Unmarshal(m.Raw, &p) != nil || p.PushMessage.Notification == nil {
		m.Text = string(bytes.ToValidUTF8(m.Raw, []byte("?")))
		return
	}
	m.Text = p.PushMessage.Notification.Body
}
