package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/bounce"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/seal"
	"tocsin/internal/store"
)

// ledgerSink keeps what comes back in the ledger.
type ledgerSink struct{ store *store.Store }

// Take returns when the mail is durable.
func (s ledgerSink) Take(ctx context.Context, r bounce.Returned) error {
	err := s.store.TakeReturned(ctx, store.Returned{
		Delivery: r.Delivery, Kind: r.Report.Kind, Class: r.Report.Class, Status: r.Report.Status, How: r.How, Raw: r.Raw,
	})
	if errors.Is(err, store.ErrNotFound) {
		return bounce.ErrNoDelivery
	}
	return err
}

// bounces takes in mail that comes back until ctx ends, where the settings say so. ready is told the address.
func (p *program) bounces(ctx context.Context, ready func(net.Addr)) error {
	b := p.cfg.Bounces
	if b.Listen == "" {
		return nil
	}
	house, err := p.store.House(ctx)
	if err != nil {
		return err
	}
	o, err := p.bounceOptions(house)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", b.Listen)
	if err != nil {
		return fmt.Errorf("nothing can listen for bounces at %s: is another program there already? --set bounces.listen=… takes another address", b.Listen)
	}
	ready(l.Addr())
	return bounce.NewServer(o).Serve(ctx, l)
}

func (p *program) bounceOptions(house *seal.House) (bounce.Options, error) {
	b := p.cfg.Bounces
	address, err := bounce.ParseAddress(b.Address)
	if err != nil {
		return bounce.Options{}, fmt.Errorf("bounces.address: %w", err)
	}
	came := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tocsin_returned_total", Help: "Mails that came back, by what they said; or refused, forged, limited.",
	}, []string{"what"})
	p.metrics.MustRegister(came)
	o := bounce.Options{
		Protocol: bounce.Protocol(b.Protocol), Hello: orElse(b.Hello, address.Domain()), Address: address,
		MaxBytes: int64(b.MaxKilobytes) << 10, MaxConnections: b.MaxConnections, MaxPerAddress: b.MaxPerAddress, PerSecond: b.PerSecond,
		Check: house.CheckReturn, Sink: ledgerSink{p.store}, Log: p.log.With("part", "bounces"),
		Count: func(what string) { came.WithLabelValues(what).Inc() },
	}
	if b.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(b.CertFile, b.KeyFile)
		if err != nil {
			return o, errors.New("bounces.cert_file and bounces.key_file do not hold a certificate in PEM and its key")
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	return o, nil
}

// returnPolicy is what the settings say of what comes back.
func returnPolicy(cfg config.Config) store.ReturnPolicy {
	return store.ReturnPolicy{RetryFull: cfg.Bounces.RetryFull, HoldDomain: cfg.Bounces.HoldDomain, MaxTries: cfg.Policy.MaxTemporaryAttempts}
}

// returning gives a relay the address that bounces come to, where its own section names none.
func returning(n config.Notifier, b config.Bounces) map[string]any {
	if breach.Channel(n.Channel) != breach.Email || b.Address == "" || n.Settings["envelope_sender"] != nil {
		return n.Settings
	}
	settings := map[string]any{"envelope_sender": b.Address}
	for k, v := range n.Settings {
		settings[k] = v
	}
	return settings
}
