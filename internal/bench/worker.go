package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"time"

	"go.temporal.io/sdk/worker"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/heap"
	"tocsin/internal/intent"
	"tocsin/templates"
	"tocsin/workflows"
)

// working is the task of the role worker, worked its result: a worker as the product wires it, for campaigns only, until its
// standard input ends.
type working struct {
	Database  string `json:"database"`
	Master    string `json:"master"`
	Temporal  string `json:"temporal"`
	Namespace string `json:"namespace"`
	Relay     string `json:"relay"`
	Logs      string `json:"logs"`
}

type worked struct {
	CPUSeconds float64 `json:"cpu_s"`
	PeakMB     float64 `json:"peak_mb"`
}

func workerRole(ctx context.Context, in []byte) (any, error) {
	heap.Spare() // as every worker does
	var task working
	if err := json.Unmarshal(in, &task); err != nil {
		return nil, err
	}
	s, err := openStore(ctx, task.Database, task.Master)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	smtp, err := relay(task.Relay)
	if err != nil {
		return nil, err
	}
	defer func() { _ = smtp.Close() }()
	engine, err := dialTemporal(ctx, task.Temporal, task.Namespace)
	if err != nil {
		return nil, err
	}
	defer engine.Close()
	sender := &activities.Sender{
		Store: s, Channels: map[breach.Channel]activities.Outlet{}, Now: time.Now, Logs: intent.Dir(task.Logs),
		Policy: activities.SendPolicy{RetryFirst: time.Minute, RetryMost: time.Hour, MaxTries: 5, DoubtWindow: time.Hour, DoubtInterval: time.Minute},
	}
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} { // nobody here has a phone or a token in use
		sender.Channels[channel] = activities.Outlet{Notifier: smtp, Lanes: connections}
	}
	first := worker.New(engine, workflows.QueueIncident, worker.Options{DisableRegistrationAliasing: true})
	workflows.Register(first)
	first.RegisterActivity(&activities.Notices{Store: s, Templates: templates.Default(), Organisation: speaker()})
	second := worker.New(engine, workflows.QueueNotify, worker.Options{DisableRegistrationAliasing: true, DisableWorkflowWorker: true})
	second.RegisterActivity(sender)
	for _, w := range []worker.Worker{first, second} {
		if err := w.Start(); err != nil {
			return nil, err
		}
		defer w.Stop()
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return nil, err
	}
	used, err := cpu()
	if err != nil {
		return nil, err
	}
	peak, err := peakMB()
	return worked{CPUSeconds: used.Seconds(), PeakMB: peak}, err
}
