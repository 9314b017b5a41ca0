package api

import (
	"net/http"
	"strconv"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// pageSize is how many rows a page of the journal or the ledger has.
const pageSize = 1000

// JournalPage is a page of an incident's journal, oldest first.
type JournalPage struct {
	Entries []store.JournalEntry `json:"entries"`
	After   int64                `json:"after,omitempty"` // ask for the next page with ?after=; absent on the last
}

func journal(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	after, err := c.number("after", 0, 1<<50)
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	entries, err := s.store.Journal(c.r.Context(), id, after, pageSize)
	if err != nil {
		return err
	}
	out := JournalPage{Entries: orEmpty(entries)}
	if len(entries) == pageSize {
		out.After = entries[len(entries)-1].Seq
	}
	return c.reply(http.StatusOK, out)
}

// DeliveryPage is a page of the delivery ledger, by id, without contacts.
type DeliveryPage struct {
	Deliveries []store.Delivery  `json:"deliveries"`
	After      breach.DeliveryID `json:"after,omitempty"` // ask for the next page with ?after=; absent on the last
}

func deliveries(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	rows, err := s.store.Deliveries(c.r.Context(), id, breach.DeliveryID(c.r.URL.Query().Get("after")), pageSize)
	if err != nil {
		return err
	}
	out := DeliveryPage{Deliveries: orEmpty(rows)}
	if len(rows) == pageSize {
		out.After = rows[len(rows)-1].ID
	}
	return c.reply(http.StatusOK, out)
}

// parseN reads a campaign's number within its incident.
func parseN(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, notFound("A campaign's number is 1 or higher.", "tocsin notice list shows the campaigns of an incident.")
	}
	return n, nil
}
