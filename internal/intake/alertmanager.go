package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"tocsin/internal/breach"
)

// alertmanager is the webhook that Prometheus Alertmanager posts.
// Source: prometheus.io/docs/alerting/latest/configuration, "webhook_config"; github.com/prometheus/alertmanager
// notify/webhook/webhook.go (Message) and template/template.go (Data, Alert).
//
// Each alert of a payload stands for itself: Alertmanager groups by labels of its own configuration, which says nothing
// about whether two alerts tell of one leak. The fingerprint is Alertmanager's own, so a repeated notification, a second
// replica of a high-availability pair, and a storm all join the incident that the first one opened.
//
// A resolved alert is written down with the open incident it belongs to. Alone it opens none: what it tells of is over for
// the source, and the firing alert before it has opened one where there was a reason to.
var alertmanager = Source{
	Name:  "alertmanager",
	Title: "Prometheus Alertmanager, webhook version 4",
	Parse: parseAlertmanager,
}

// amMessage is Alertmanager's message. What we do not use is not listed: unknown names are let through.
type amMessage struct {
	Version         string           `json:"version"`
	Status          string           `json:"status"`
	TruncatedAlerts uint64           `json:"truncatedAlerts"`
	Alerts          []jsontext.Value `json:"alerts"`
}

type amAlert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    string            `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

func parseAlertmanager(body []byte) (Batch, error) {
	var m amMessage
	if err := decodeForeign(body, &m); err != nil {
		return Batch{}, err
	}
	switch {
	case m.Version != "4":
		return Batch{}, fault("version", `must be "4": this address takes Alertmanager's webhook_config and nothing else`)
	case len(m.Alerts) == 0:
		return Batch{}, fault("alerts", "must hold at least one alert")
	case len(m.Alerts) > maxAlerts:
		return Batch{}, fault("alerts", "holds more than %d alerts: set max_alerts in Alertmanager's webhook_config", maxAlerts)
	}
	var out Batch
	for i, raw := range m.Alerts {
		a, warnings, err := parseAMAlert(raw, fmt.Sprintf("alerts[%d]", i))
		if err != nil {
			return Batch{}, err
		}
		out.Alerts = append(out.Alerts, a)
		out.Warnings = append(out.Warnings, warnings...)
	}
	if m.TruncatedAlerts > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("truncatedAlerts: Alertmanager left %d alerts out; raise max_alerts in its webhook_config to see them", m.TruncatedAlerts))
	}
	return out, nil
}

func parseAMAlert(raw jsontext.Value, at string) (breach.Alert, []string, error) {
	var a amAlert
	if err := decodeForeign(raw, &a); err != nil {
		return breach.Alert{}, nil, within(at, err)
	}
	if a.Status != "firing" && a.Status != "resolved" {
		return breach.Alert{}, nil, fault(at+".status", `must be "firing" or "resolved"`)
	}
	if len(a.Labels) == 0 {
		return breach.Alert{}, nil, fault(at+".labels", "must not be empty: labels are what tells alerts apart")
	}
	startsAt, err := amTime(a.StartsAt)
	if err != nil {
		return breach.Alert{}, nil, fault(at+".startsAt", "must be a time in RFC 3339 with its zone, such as 2026-11-21T03:10:00+08:00")
	}
	hints, warnings := hintsOf(a.Labels, at)
	return breach.Alert{
		Source:      "alertmanager",
		Fingerprint: "alertmanager:" + amFingerprint(a),
		Title:       amTitle(a),
		StartsAt:    startsAt,
		Resolved:    a.Status == "resolved",
		Hints:       hints,
		Payload:     []byte(raw.Clone()),
	}, warnings, nil
}

// amTime reads an instant; Go's zero time, which Alertmanager writes for "none", and no text are none.
func amTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.IsZero() {
		return time.Time{}, err
	}
	return t.UTC(), nil
}

// amFingerprintForm is Alertmanager's: the 64 bits of its label hash. The text is stored in clear, so nothing else is taken.
var amFingerprintForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// amFingerprint is the alert's own, else a hash of its labels: older versions and imitations send none.
func amFingerprint(a amAlert) string {
	if amFingerprintForm.MatchString(a.Fingerprint) {
		return a.Fingerprint
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		fmt.Fprintf(h, "%d:%s%d:%s", len(name), name, len(a.Labels[name]), a.Labels[name])
	}
	return "labels-" + hex.EncodeToString(h.Sum(nil)[:16])
}

func amTitle(a amAlert) string {
	for _, s := range []string{a.Annotations["summary"], a.Labels["alertname"]} {
		if title := Line(s, 200); title != "" {
			return title
		}
	}
	return "Alert without a name"
}

// Line makes one line of a text from outside, of at most limit characters: no control or invisible formatting characters,
// runs of white space as one space.
func Line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return s
}
