// Package all lists the providers that ship. A provider becomes part of Tocsin by one line here; it decodes and judges its
// own section of the configuration, so adding one touches nothing else.
package all

import (
	"fmt"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/chat"
	"tocsin/notifiers/drop"
	"tocsin/notifiers/email"
	"tocsin/notifiers/internal/section"
	"tocsin/notifiers/portal"
	"tocsin/notifiers/push"
	"tocsin/notifiers/sms"
)

// Key describes one key of a provider's section.
type Key = section.Key

// Provider describes what ships.
type Provider struct {
	Channel breach.Channel
	Name    string // as the configuration names it, "aliyun"
	Keys    []Key
}

var shipped = []shipment{
	ship(breach.Email, "smtp", email.DefaultSMTP, email.NewSMTP),
	ship(breach.SMS, "aliyun", sms.DefaultAliyun, sms.NewAliyun),
	ship(breach.Push, "getui", push.DefaultGetui, push.NewGetui),
	ship(breach.Chat, "webhook", chat.DefaultWebhook, chat.NewWebhook),
	ship(breach.Portal, "http", portal.DefaultHTTP, portal.NewHTTP),
	ship(breach.Drop, "folder", drop.DefaultFolder, drop.NewFolder),
	ship(breach.Drop, "sftp", drop.DefaultSFTP, drop.NewSFTP),
}

type shipment struct {
	Provider
	build func(map[string]any, func() time.Time) (notifiers.Notifier, error)
}

// ship ties a name to a provider's defaults and constructor.
func ship[C any, N notifiers.Notifier](ch breach.Channel, name string, defaults func() C, build func(C, func() time.Time) (N, error)) shipment {
	return shipment{
		Provider: Provider{Channel: ch, Name: name, Keys: section.Describe(defaults())},
		build: func(in map[string]any, now func() time.Time) (notifiers.Notifier, error) {
			cfg := defaults()
			if err := section.Decode(in, &cfg); err != nil {
				return nil, err
			}
			n, err := build(cfg, now)
			if err != nil { // not n: a nil pointer in an interface is not nil
				return nil, err
			}
			return n, nil
		},
	}
}

// Providers lists what ships, in the order of the default ladder.
func Providers() []Provider {
	out := make([]Provider, len(shipped))
	for i, s := range shipped {
		out[i] = s.Provider
	}
	return out
}

// Build makes the notifier that a section of the configuration describes. The section holds the provider's own keys and
// nothing else; every fault is named by its key. Files with secrets are read now; nothing is dialled. now is the clock.
func Build(ch breach.Channel, provider string, in map[string]any, now func() time.Time) (notifiers.Notifier, error) {
	var names []string
	for _, s := range shipped {
		if s.Channel != ch {
			continue
		}
		if s.Name == provider {
			n, err := s.build(in, now)
			if err != nil {
				return nil, fmt.Errorf("%s provider %s: %w", ch, provider, err)
			}
			return n, nil
		}
		names = append(names, s.Name)
	}
	if names == nil {
		return nil, fmt.Errorf("no provider serves the channel %q", ch)
	}
	return nil, fmt.Errorf("there is no %s provider %q; there is %s", ch, provider, strings.Join(names, ", "))
}
