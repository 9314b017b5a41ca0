package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// heldDue is the SQL expression for the instant that a duty o is to be kept by: the law's, later by as long as holds let its
// clock rest.
const heldDue = `o.due_at + ` + rested

// rested is how long holds have let a duty's clock rest, those in force to their end.
const rested = `coalesce((select sum(greatest(least(h.until_at, coalesce(h.voided_at, h.until_at)) - h.approved_at, interval '0')) from document h
	where h.incident_no = o.incident_no and h.kind = 'hold' and h.subject = o.key and h.pauses), interval '0')`

// holding is the hold in force of a duty o, for a lateral join.
const holding = `left join lateral (select h.until_at, h.evidence_id from document h where h.incident_no = o.incident_no and h.kind = 'hold' and h.subject = o.key
	and h.approved_at is not null and h.voided_at is null and h.until_at > now() order by h.until_at desc limit 1) h on true`

// Hold asks that a duty's clock rest until an instant, because an authority asks for it.
type Hold struct {
	Incident breach.IncidentID
	Key      string // the duty
	Until    time.Time
	AskedBy  string // which authority asks, and who there; sealed
	Reason   string // sealed
	Evidence string // the paper's id, required
	By       breach.Person
}

// Waiver asks that a duty be given up.
type Waiver struct {
	Incident breach.IncidentID
	Key      string
	Reason   string // sealed; it stands in the register
	Evidence string // a paper's id, where there is one
	By       breach.Person
}

// ProposeHold writes a hold for a second person to decide on. When it is approved, the duty's clock rests until its end.
// Refused are a hold without its paper, one that ends in the past, and one on a duty to tell people: that is delayed only where
// its law says so, by stating the fact that the law names.
func (s *Store) ProposeHold(ctx context.Context, in Hold) (Document, error) {
	if err := s.mayPostpone(ctx, in.Incident, in.Key, in.Reason, "postponed"); err != nil {
		return Document{}, err
	}
	o, err := s.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return Document{}, err
	}
	switch {
	case strings.TrimSpace(in.Evidence) == "":
		return Document{}, refused("needs_paper", "a hold rests on the authority's paper: add it as evidence of kind hold, then name its id")
	case strings.TrimSpace(in.AskedBy) == "":
		return Document{}, refused("needs_asker", "say which authority asks for the hold")
	case !in.Until.After(time.Unix(0, 0)):
		return Document{}, refused("needs_end", "say until when the hold lasts, such as 2026-12-01T00:00:00Z")
	}
	content := func(l breach.Language) (title, text string) {
		say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(l) }
		return say("暂缓："+o.Result.Title.ZH, "Hold: "+o.Result.Title.EN), fmt.Sprintf(
			say("事项：%s\n法定时限：%s\n暂缓至：%s\n提出机关：%s\n依据文件：%s\n理由：%s", "Duty: %s\nThe law's instant: %s\nHold until: %s\nAsked for by: %s\nPaper: %s\nReason: %s"),
			o.Result.Title.In(l), breach.Due{At: o.DueAt, PolicyAt: o.PolicyAt, Zone: o.Result.Zone}.In(l), breach.Instant(in.Until, o.Result.Zone, l), in.AskedBy, in.Evidence, in.Reason)
	}
	d := Document{IncidentID: in.Incident, Kind: breach.DocHold, Subject: in.Key, Author: in.By, UntilAt: &in.Until, Evidence: &in.Evidence}
	return s.addPostponement(ctx, d, in.Reason, content)
}

// ProposeWaiver writes a waiver for a second person to decide on. When it is approved, the duty ends as waived.
func (s *Store) ProposeWaiver(ctx context.Context, in Waiver) (Document, error) {
	if err := s.mayPostpone(ctx, in.Incident, in.Key, in.Reason, "waived"); err != nil {
		return Document{}, err
	}
	o, err := s.Obligation(ctx, in.Incident, in.Key)
	if err != nil {
		return Document{}, err
	}
	d := Document{IncidentID: in.Incident, Kind: breach.DocWaiver, Subject: in.Key, Author: in.By}
	if in.Evidence != "" {
		d.Evidence = &in.Evidence
	}
	return s.addPostponement(ctx, d, in.Reason, func(l breach.Language) (title, text string) {
		say := func(zh, en string) string { return breach.Text{ZH: zh, EN: en}.In(l) }
		return say("放弃履行："+o.Result.Title.ZH, "Waiver: "+o.Result.Title.EN), fmt.Sprintf(
			say("事项：%s\n法定时限：%s\n理由：%s", "Duty: %s\nThe law's instant: %s\nReason: %s"),
			o.Result.Title.In(l), breach.Due{At: o.DueAt, PolicyAt: o.PolicyAt, Zone: o.Result.Zone}.In(l), in.Reason)
	})
}

// mayPostpone refuses what can be neither postponed nor given up.
func (s *Store) mayPostpone(ctx context.Context, id breach.IncidentID, key, reason, what string) error {
	o, err := s.Obligation(ctx, id, key)
	switch {
	case err != nil:
		return err
	case o.Duty == breach.DutyNotice || o.Duty == breach.DutyPublic:
		return refused("law_only", "%s tells people; it is %s only where its law says so: state the fact that the law names, and the assessment moves the deadline or ends the duty", key, what)
	case o.Status.Ended() || o.MetAt != nil:
		return refused("ended", "%s has ended (%s): there is nothing to be %s", key, o.Status, what)
	case o.Owed == breach.NotOwed || o.Owed == breach.Possible && (!o.Result.Hard || o.DueAt == nil):
		return refused("not_owed", "%s is not owed, or not yet: there is nothing to be %s", key, what) // nobody works on it
	case strings.TrimSpace(reason) == "":
		return refused("needs_reason", "say why %s is to be %s: the reason stays with the incident", key, what)
	}
	return nil
}

func (s *Store) addPostponement(ctx context.Context, d Document, reason string, words func(breach.Language) (title, text string)) (Document, error) {
	no, err := incidentNumber(ctx, s.pool, d.IncidentID)
	if err != nil {
		return d, wrap("add document", err)
	}
	if d.Evidence != nil {
		if err := haveEvidence(ctx, s.pool, no, *d.Evidence); err != nil {
			return d, err
		}
	}
	var past bool
	if d.UntilAt != nil {
		if err := s.pool.QueryRow(ctx, `select $1 <= now()`, *d.UntilAt).Scan(&past); err != nil {
			return d, wrap("add document", err)
		}
	}
	if past {
		return d, refused("needs_end", "the hold would end in the past: say until when it lasts")
	}
	c := breach.Content{Reason: reason}
	for _, l := range []breach.Language{breach.Chinese, breach.English} {
		title, text := words(l)
		c.Renditions = append(c.Renditions, breach.Rendition{Language: l, Title: title, Text: text})
	}
	if d.Content, err = json.Marshal(c); err != nil {
		return d, err
	}
	return s.AddDocument(ctx, d)
}

// beginHold puts an approved hold in force in place of the one before it. The clock rests only if it still ran: what is late stays
// late.
func beginHold(ctx context.Context, tx pgx.Tx, no int64, d Document) error {
	if _, err := tx.Exec(ctx, `
		update document set pauses = exists (select from obligation o where o.incident_no = $2 and o.key = $3 and (o.due_at is null or now() < `+heldDue+`)) where id = $1`,
		d.ID, no, d.Subject); err != nil {
		return err
	}
	old, err := list[holdID](ctx, tx, `select id from document where incident_no = $1 and kind = 'hold' and subject = $2 and voided_at is null and approved_at is not null and id <> $3`,
		no, d.Subject, d.ID)
	if err != nil {
		return err
	}
	for _, h := range old {
		if err := voidDocument(ctx, tx, no, h.ID, fmt.Sprintf("version %d took its place", d.Version)); err != nil {
			return err
		}
	}
	return nil
}

type holdID struct {
	ID breach.DocumentID `db:"id"`
}

// ReleaseHold ends the hold in force of a duty before its time; its clock goes on. One person is enough: it only brings a
// deadline nearer.
func (s *Store) ReleaseHold(ctx context.Context, id breach.IncidentID, key string, by breach.Person) error {
	return s.tx(ctx, "release hold", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		var hold breach.DocumentID
		err = tx.QueryRow(ctx, `select id from document where incident_no = $1 and kind = 'hold' and subject = $2 and voided_at is null and approved_at is not null and until_at > now()
			for update`, no, key).Scan(&hold)
		if errors.Is(err, pgx.ErrNoRows) {
			return refused("no_hold", "no hold on %s is in force", key)
		}
		if err != nil {
			return err
		}
		if err := voidDocument(ctx, tx, no, hold, "released by "+string(by)); err != nil {
			return err
		}
		if err := note(ctx, tx, no, by, "hold.release", key, Detail{"document": hold}); err != nil {
			return err
		}
		return post(ctx, tx, no, HoldReleased, key, key, HoldEnd{Obligation: key, Document: hold})
	})
}
