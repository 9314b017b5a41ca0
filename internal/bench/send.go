package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/heap"
	"tocsin/notifiers"
	"tocsin/notifiers/email"
	"tocsin/templates"
)

const (
	sendRounds = 7
	sendMails  = 15000 // of each side in each round
)

// sendPart measures the send path alone: names merged, mail made, handed over; no ledger.
func sendPart(ctx context.Context, b *bench) error {
	s, err := startSink(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := cast[sent](ctx, "send", sending{Relay: s.addr, Mails: 500}); err != nil { // warms the disk's cache
		return err
	}
	var ratios, costs []float64
	for round := range sendRounds {
		ours, err := cast[sent](ctx, "send", sending{Relay: s.addr, Mails: sendMails})
		if err != nil {
			return err
		}
		theirs, err := source(ctx, s.addr, sendMails, ours.Size)
		if err != nil {
			return err
		}
		rate, reference := sendMails/ours.Seconds, sendMails/theirs.Seconds()
		ratios, costs = append(ratios, rate/reference), append(costs, ours.CPUMicros)
		b.say("round %d: ours %.0f/s (%d bytes a mail, %.0f µs CPU), smtp-source %.0f/s, ratio %.3f", round+1, rate, ours.Size, ours.CPUMicros, reference, rate/reference)
	}
	b.add("send_path_ratio", median(ratios))
	b.add("sender_cpu_us", median(costs))
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// sending is the task of the role send, sent its result.
type sending struct {
	Relay string `json:"relay"`
	Mails int    `json:"mails"`
}

type sent struct {
	Seconds   float64 `json:"seconds"`
	CPUMicros float64 `json:"cpu_us"` // a mail
	Size      int     `json:"size"`   // bytes of a mail
}

func relay(addr string) (*email.SMTP, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cfg := email.DefaultSMTP()
	cfg.Host, cfg.TLS, cfg.From, cfg.EnvelopeSender, cfg.Connections = host, "none", "示例教育 <notice@example.com>", "bounce+{id}@example.com", connections
	if cfg.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	return email.NewSMTP(cfg, time.Now)
}

func sendRole(ctx context.Context, in []byte) (any, error) {
	heap.Spare() // as a worker does
	var task sending
	if err := json.Unmarshal(in, &task); err != nil {
		return nil, err
	}
	text, err := longNotice()
	if err != nil {
		return nil, err
	}
	smtp, err := relay(task.Relay)
	if err != nil {
		return nil, err
	}
	defer func() { _ = smtp.Close() }()
	before, err := cpu()
	if err != nil {
		return nil, err
	}
	var next, size atomic.Int64
	var lanes sync.WaitGroup
	failures := make([]error, connections)
	began := time.Now()
	for lane := range connections {
		lanes.Go(func() {
			for n := int(next.Add(1)); n <= task.Mails; n = int(next.Add(1)) {
				w, err := smtp.Prepare(message(text, n, began))
				if err == nil {
					_ = w.SHA256() // what an intent would hold
					size.Store(int64(len(w.Body)))
					_, err = smtp.Send(ctx, w)
				}
				if err != nil {
					failures[lane] = err
					return
				}
			}
		})
	}
	lanes.Wait()
	took := time.Since(began)
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	after, err := cpu()
	return sent{Seconds: took.Seconds(), CPUMicros: float64((after - before).Microseconds()) / float64(task.Mails), Size: int(size.Load())}, err
}

// message is the notice to the n-th person.
func message(text templates.NoticeText, n int, at time.Time) notifiers.Message {
	m := text.Merge(templates.MergeNames{Recipient: name(n)})
	return notifiers.Message{
		ID: breach.DeliveryID(fmt.Sprintf("%032x", n)), To: address(n), Language: m.Language, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Date: at,
	}
}
