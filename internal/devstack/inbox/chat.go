package inbox

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// serveChat stores a webhook to the organisation's own people.
func (in *Inbox) serveChat(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	var m struct{ ID, To, Subject string }
	_ = json.Unmarshal(raw, &m)
	if id := r.Header.Get("webhook-id"); id != "" {
		m.ID = id
	}
	in.serveHook(w, r, Message{Channel: ChannelChat, ID: m.ID, To: m.To, Subject: m.Subject, Raw: raw})
}

// serveTarget is the machine that a step of a plan calls, and does nothing but say yes.
func (in *Inbox) serveTarget(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return
	}
	in.serveHook(w, r, Message{
		Channel: ChannelTarget, ID: r.Header.Get("Idempotency-Key"), To: r.PathValue("name"),
		Subject: r.Method + " " + r.URL.RequestURI(), Raw: raw,
	})
}

// serveHook stores and answers, with the faults of the channel.
func (in *Inbox) serveHook(w http.ResponseWriter, r *http.Request, m Message) {
	f, struck := in.faults.take(m.Channel, AtRequest, m.To)
	if struck {
		otherwise := map[Action]int{Refuse: http.StatusUnprocessableEntity, Defer: http.StatusTooManyRequests}
		switch f.Do {
		case Cut:
			in.note(m.Channel, f.Do)
			cut()
		case Refuse, Defer:
			in.note(m.Channel, f.Do)
			http.Error(w, "answered by a fault rule of the local inbox", f.number(otherwise[f.Do]))
			return
		default:
		}
	}
	seq := in.box.put(m)
	in.afterStored(r, f, struck)
	in.box.accept(seq)
	writeJSON(w, http.StatusOK, map[string]any{
		"ok": true, "note": "local stand-in: nothing was done", "target": m.To, "received": strconv.FormatInt(seq, 10),
	})
}

func readChat(m *Message) {
	var c struct{ Text string }
	if json.Unmarshal(m.Raw, &c) == nil && c.Text != "" {
		m.Text = c.Text
		return
	}
	m.Text = string(m.Raw)
}
