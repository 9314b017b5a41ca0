package api

import (
	"errors"
	"net/http"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// AlertsTaken is the answer to a source. What it names is durable.
type AlertsTaken struct {
	Incidents []store.Opened `json:"incidents"`          // each incident once, in the order of the alerts
	Over      int            `json:"over,omitempty"`     // resolved alerts that belong to no open incident; nothing is kept of them
	Warnings  []string       `json:"warnings,omitempty"` // what was not understood and left out
}

// takeAlerts accepts the alerts of one format. Where it fails half way, what was taken stays taken: the source sends the
// payload again and the first alerts join.
func takeAlerts(src intake.Source) handler {
	return func(s *server, c *call) error {
		body, err := c.body()
		if err != nil {
			return err
		}
		batch, err := src.Parse(body)
		if err != nil {
			return err
		}
		out := AlertsTaken{Incidents: []store.Opened{}, Warnings: batch.Warnings}
		at := map[breach.IncidentID]int{}
		for _, a := range batch.Alerts {
			opened, err := s.takeAlert(c, a)
			switch {
			case errors.Is(err, store.ErrNotFound) && a.Resolved:
				out.Over++
				s.count.alerts.WithLabelValues(src.Name, "over").Inc()
				continue
			case err != nil:
				return err
			}
			s.count.alerts.WithLabelValues(src.Name, map[bool]string{true: "joined", false: "opened"}[opened.Joined]).Inc()
			if i, seen := at[opened.Incident]; seen {
				out.Incidents[i].Alerts = opened.Alerts
				continue
			}
			at[opened.Incident] = len(out.Incidents)
			out.Incidents = append(out.Incidents, opened)
		}
		return c.reply(http.StatusAccepted, out)
	}
}

func (s *server) takeAlert(c *call, a breach.Alert) (store.Opened, error) {
	in := store.NewIncident{
		Fingerprint: a.Fingerprint, Source: a.Source, Title: a.Title, By: c.holder.Person,
		Facts: a.Hints, Why: "stated by the alert", Alert: &a,
	}
	if a.Resolved {
		return s.store.CountAlert(c.r.Context(), in)
	}
	opened, err := s.store.OpenIncident(c.r.Context(), in)
	if err != nil || !opened.Joined {
		return opened, err
	}
	return opened, s.fill(c, opened.Incident, a.Hints, "stated by a later alert")
}

// fill states what a joining report knows and nobody has said yet. That the incident was closed in the meantime is no
// failure: the report is written down.
func (s *server) fill(c *call, id breach.IncidentID, hints breach.Facts, why string) error {
	err := s.store.FillFacts(c.r.Context(), id, hints, c.holder.Person, why)
	if r, ok := errors.AsType[*store.Refused](err); ok && r.Code == "closed" {
		return nil
	}
	return err
}
