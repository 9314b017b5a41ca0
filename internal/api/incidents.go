package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// Report is a suspicion as a person or a script tells it: POST /v1/incidents.
type Report struct {
	Title       string       `json:"title"`                 // a line for the person who is woken
	Facts       breach.Facts `json:"facts,omitempty"`       // what is known already
	Why         string       `json:"why,omitempty"`         // where the facts come from
	Fingerprint string       `json:"fingerprint,omitempty"` // equal for reports of the same thing; without one each report is an incident of its own
}

// openIncident takes a report. Two people's reports are two incidents unless they name the same fingerprint; the same
// request again, by its Idempotency-Key, is the same incident.
func openIncident(s *server, c *call) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	var in Report
	if err := intake.Decode(body, &in); err != nil {
		return err
	}
	if in.Title = intake.Line(in.Title, 200); in.Title == "" {
		return unprocessable("title", "The field title is empty.", "Say in a line what is suspected, such as \"customer table for sale on a forum\".")
	}
	if in.Why, err = why(in.Why, false); err != nil {
		return err
	}
	if in.Why == "" {
		in.Why = "stated by the report"
	}
	key := c.r.Header.Get("Idempotency-Key")
	if len(key) > 200 {
		return problem(http.StatusBadRequest, "malformed", "The Idempotency-Key is longer than 200 characters.", "Use a UUID.")
	}
	if key == "" {
		opened, err := s.open(c, in, "")
		return c.replyOpened(opened, err)
	}
	answer, found, err := s.store.Repeat(c.r.Context(), c.holder.Person, key, body)
	if err != nil {
		return err
	}
	if found {
		var earlier store.Opened
		if err := json.Unmarshal(answer, &earlier); err != nil {
			return errors.New("an earlier answer cannot be read")
		}
		c.w.Header().Set("Idempotent-Replayed", "true")
		return c.replyOpened(earlier, nil)
	}
	opened, err := s.open(c, in, key)
	if err == nil {
		err = s.store.Remember(c.r.Context(), c.holder.Person, key, body, opened)
	}
	return c.replyOpened(opened, err)
}

func (s *server) open(c *call, in Report, key string) (store.Opened, error) {
	opened, err := s.store.OpenIncident(c.r.Context(), store.NewIncident{
		Fingerprint: reportFingerprint(c.holder.Person, in.Fingerprint, key),
		Source:      "person", Title: in.Title, By: c.holder.Person, Facts: in.Facts, Why: in.Why,
	})
	if err != nil || !opened.Joined {
		return opened, err
	}
	return opened, s.fill(c, opened.Incident, in.Facts, in.Why)
}

// reportFingerprint decides which incident a report joins: what it says itself, else its key, else none. It is hashed, as
// it is kept in clear and came from a stranger.
func reportFingerprint(by breach.Person, stated, key string) string {
	switch {
	case stated != "":
		return "api:" + shortHash("stated", stated)
	case key != "":
		return "api:" + shortHash("key", string(by), key)
	}
	return "api:" + rand.Text()
}

func shortHash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (c *call) replyOpened(o store.Opened, err error) error {
	if err != nil {
		return err
	}
	c.w.Header().Set("Location", "/v1/incidents/"+string(o.Incident))
	return c.reply(map[bool]int{true: http.StatusOK, false: http.StatusCreated}[o.Joined], o)
}

// IncidentList is a page of incidents, newest first.
type IncidentList struct {
	Incidents []store.Overview `json:"incidents"`
	Before    int64            `json:"before,omitempty"` // ask for the next page with ?before=; absent on the last
}

func listIncidents(s *server, c *call) error {
	before, err := c.number("before", 0, 1<<40)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 50, 200)
	if err != nil {
		return err
	}
	limit = max(limit, 1)
	overviews, err := s.store.Overviews(c.r.Context(), before, int(limit))
	if err != nil {
		return err
	}
	out := IncidentList{Incidents: overviews}
	if int64(len(overviews)) == limit {
		out.Before = overviews[len(overviews)-1].No
	}
	return c.reply(http.StatusOK, out)
}

// IncidentView is where an incident stands, in one answer.
type IncidentView struct {
	store.Incident
	Now         time.Time            `json:"now"` // the server's clock, for counting down
	Facts       breach.Facts         `json:"facts"`
	Assessed    bool                 `json:"assessed"` // the law packs have answered the newest facts
	Severities  []breach.Severity    `json:"severities"`
	Questions   []breach.Question    `json:"questions"`
	Assumed     []breach.Reason      `json:"assumed,omitempty"`
	Obligations []store.Obligation   `json:"obligations"`
	Next        *Deadline            `json:"next,omitempty"` // nil where no clock runs
	Tally       breach.Tally         `json:"tally"`
	Campaigns   []CampaignView       `json:"campaigns"`
	Imports     []store.ImportResult `json:"imports"`
	OpenTasks   int                  `json:"open_tasks"`
	Awaiting    []store.Document     `json:"awaiting"` // versions that wait for a second person
}

// Deadline is the nearest instant that a duty must be met by.
type Deadline struct {
	Obligation string      `json:"obligation"`
	Title      breach.Text `json:"title"`
	At         time.Time   `json:"at"`
	Lawful     bool        `json:"lawful"` // false: our policy's instant, where the law gives no number
	Zone       string      `json:"zone,omitempty"`
}

// CampaignView is a campaign with its deliveries counted by channel.
type CampaignView struct {
	store.Campaign
	Channels []breach.ChannelTally `json:"channels"`
}

func showIncident(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	v, err := s.view(c, id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, v)
}

func (s *server) view(c *call, id breach.IncidentID) (IncidentView, error) {
	ctx := c.r.Context()
	v := IncidentView{Now: s.Now().UTC(), Severities: []breach.Severity{}, Questions: []breach.Question{}}
	var err error
	if v.Incident, err = s.store.Incident(ctx, id); err != nil {
		return v, err
	}
	facts, err := s.store.Facts(ctx, id, 0)
	if err != nil {
		return v, err
	}
	v.Facts = facts.Facts
	assessment, err := s.store.Assessment(ctx, id)
	switch {
	case err == nil:
		v.Assessed = v.AssessedRev == v.FactsRev
		v.Severities, v.Assumed = orEmpty(assessment.Severities), assessment.Assumed
		v.Questions = orEmpty(assessment.Questions)
	case !errors.Is(err, store.ErrNotFound):
		return v, err
	}
	if v.Obligations, err = s.store.Obligations(ctx, id); err != nil {
		return v, err
	}
	v.Next = nextDeadline(v.Obligations)
	if v.Tally, err = s.tallies.of(ctx, id); err != nil {
		return v, err
	}
	if v.Campaigns, err = s.campaigns(ctx, id); err != nil {
		return v, err
	}
	if v.Imports, err = s.store.Imports(ctx, id); err != nil {
		return v, err
	}
	tasks, err := s.store.Tasks(ctx, id, false)
	if err != nil {
		return v, err
	}
	v.OpenTasks = len(tasks)
	v.Awaiting, err = s.awaiting(ctx, id)
	return v, err
}

func nextDeadline(obligations []store.Obligation) *Deadline {
	var next *Deadline
	for _, o := range obligations {
		at, lawful := o.DueAt, true
		if at == nil {
			at, lawful = o.PolicyAt, false
		}
		if o.Status.Ended() || at == nil || next != nil && !at.Before(next.At) {
			continue
		}
		next = &Deadline{Obligation: o.Key, Title: o.Result.Title, At: *at, Lawful: lawful, Zone: o.Result.Zone}
	}
	return next
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
