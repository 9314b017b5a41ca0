package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// Returned is one mail that came back about a delivery.
type Returned struct {
	Delivery breach.DeliveryID
	Kind     breach.ReturnKind
	Class    breach.BounceClass // of a failure
	Status   string
	How      string // what told the delivery
	Raw      []byte // the mail; personal data
}

// TakeReturned keeps what came back as a fact, for good, and queues a failure to be folded. It is durable when this returns;
// the same mail again changes nothing. Its error is [ErrNotFound] where there is no such delivery, or its incident's key was
// destroyed.
func (s *Store) TakeReturned(ctx context.Context, in Returned) error {
	ref, err := s.DeliveryRef(ctx, in.Delivery)
	if err != nil {
		return err
	}
	keys, err := s.keys.Keys(ctx, ref.Incident)
	if errors.Is(err, seal.ErrDestroyed) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return s.tx(ctx, "keep what came back", func(tx pgx.Tx) error { return addReturned(ctx, tx, keys, ref, in) })
}

func addReturned(ctx context.Context, tx pgx.Tx, keys *seal.Keys, ref DeliveryRef, in Returned) error {
	blind := keys.Blind("returned", string(in.Delivery)+"|"+string(in.Raw))
	var sealed []byte
	if in.Kind != breach.ReturnAutoReply { // what a person's machine answered is nobody's business here
		var err error
		if sealed, err = keys.Seal("receipt_fact", string(in.Delivery), in.Raw); err != nil {
			return err
		}
	}
	var no int64
	var at time.Time
	err := tx.QueryRow(ctx, `
		insert into receipt_fact (incident_no, campaign_n, channel, contact, kind, class, status, how, blind, sealed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning no, at`,
		ref.no, ref.Campaign, ref.Channel, ref.Contact, in.Kind, in.Class, in.Status, in.How, blind, sealed).Scan(&no, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // known already
	}
	if err != nil || in.Kind != breach.ReturnFailed {
		return err
	}
	_, err = tx.Exec(ctx, `insert into receipt_due (no, incident_no, campaign_n, channel, contact, class, status, at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		no, ref.no, ref.Campaign, ref.Channel, ref.Contact, in.Class, in.Status, at)
	return err
}

// ReturnPolicy is what the operator decided about what comes back.
type ReturnPolicy struct {
	RetryFull  time.Duration // how long after a full mailbox to try it again
	HoldDomain time.Duration // how long nothing is sent to a domain that refuses us
	MaxTries   int           // tries after which either counts as bounced
	HeldTask   Task          // what to ask of a person when a domain is held; it must name none, since a small one names a person
}

// waitSettled is how often a fact looks whether its delivery has an outcome by now: a bounce may be faster than the ledger.
const waitSettled = 2 * time.Second

// dueFact is a failure to be folded, with where its delivery stands.
type dueFact struct {
	No       int64                `db:"no"`
	Incident int64                `db:"incident_no"`
	Campaign int                  `db:"campaign_n"`
	Contact  int64                `db:"contact"`
	Class    breach.BounceClass   `db:"class"`
	Status   string               `db:"status"`
	State    breach.DeliveryState `db:"state"`
	Channel  breach.Channel       `db:"channel"`
	Tries    int                  `db:"tries"`
	Settled  bool                 `db:"settled"` // it has an outcome that a bounce can change
	Late     bool                 `db:"late"`    // about an attempt before the newest
	Closed   bool                 `db:"closed"`  // its incident is
}

// FoldReturned brings deliveries into line with what came back about them, and reopens the ladder of everyone behind them,
// at most limit facts at a time; it returns how many it looked at. Duplicates and late reports change nothing: only a
// delivery that counts as taken over can bounce. Each campaign that must move is told once for all of them.
func (s *Store) FoldReturned(ctx context.Context, p ReturnPolicy, limit int) (int, error) {
	var seen int
	err := s.tx(ctx, "fold what came back", func(tx pgx.Tx) error {
		facts, err := list[dueFact](ctx, tx, `
			select f.no, f.incident_no, f.campaign_n, f.channel, f.contact, f.class, f.status, coalesce(d.state, '') as state,
				coalesce(d.tries, 0) as tries, coalesce(d.state = 'accepted' or d.state = 'in_doubt' and d.next_at = 'infinity', false) as settled,
				coalesce(f.at < d.intent_at, false) as late, i.closed_at is not null as closed
			from receipt_due f join incident i on i.no = f.incident_no
			left join delivery d on d.incident_no = f.incident_no and d.campaign_n = f.campaign_n and d.channel = f.channel and d.contact = f.contact
			where f.next_at <= now() order by f.no limit $1 for update of f skip locked`, limit)
		if err != nil || len(facts) == 0 {
			return err
		}
		seen = len(facts)
		return s.foldFacts(ctx, tx, p, facts)
	})
	return seen, err
}

type campaignKey struct {
	incident int64
	n        int
}

func (s *Store) foldFacts(ctx context.Context, tx pgx.Tx, p ReturnPolicy, facts []dueFact) error {
	var done, wait []int64
	bounced := map[campaignKey][]dueFact{}
	var order []campaignKey
	for _, f := range facts {
		k := campaignKey{f.Incident, f.Campaign}
		switch {
		case f.State == breach.DeliveryRejected, f.State == breach.DeliveryBounced, f.State == "", f.Late, f.Closed:
			done = append(done, f.No) // it changes nothing any more; the fact stays
		case !f.Settled:
			wait = append(wait, f.No)
		default:
			done = append(done, f.No)
			if bounced[k] == nil {
				order = append(order, k)
			}
			bounced[k] = append(bounced[k], f)
		}
	}
	slices.SortFunc(order, func(a, b campaignKey) int { return int(a.incident-b.incident)*1000 + a.n - b.n })
	for _, k := range order {
		if err := s.bounce(ctx, tx, p, k, bounced[k]); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `delete from receipt_due where no = any($1)`, done); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `update receipt_due set next_at = now() + $2 where no = any($1)`, wait, waitSettled)
	return err
}

// bounce changes the deliveries of one campaign, and tells it.
func (s *Store) bounce(ctx context.Context, tx pgx.Tx, p ReturnPolicy, k campaignKey, facts []dueFact) error {
	l := Lease{Campaign: k.n, no: k.incident}
	// The campaign cannot end while this goes on: see FinishCampaign.
	err := tx.QueryRow(ctx, `
		select c.ladder, c.lo, c.hi, c.supplements is not null, i.id from campaign c join incident i on i.no = c.incident_no where c.incident_no = $1 and c.n = $2 for share of c`, k.incident, k.n).
		Scan(&l.Ladder, &l.first, &l.last, &l.supplement, &l.Incident)
	if err != nil {
		return err
	}
	gone, again := map[breach.Channel][]int64{}, map[breach.Channel][]int64{}
	var refusing []dueFact
	for _, f := range facts {
		retry := (f.Class == breach.BounceFull || f.Class == breach.BouncePolicy) && f.Tries < p.MaxTries
		state, next := breach.DeliveryBounced, time.Duration(0)
		switch {
		case retry && f.Class == breach.BounceFull:
			state, next = breach.DeliveryTemporary, p.RetryFull
		case retry:
			state, next = breach.DeliveryTemporary, p.HoldDomain
			refusing = append(refusing, f)
		}
		if err := markBounced(ctx, tx, f, state, next); err != nil {
			return err
		}
		if retry {
			again[f.Channel] = append(again[f.Channel], f.Contact)
		} else {
			gone[f.Channel] = append(gone[f.Channel], f.Contact)
		}
	}
	for _, channel := range l.Ladder {
		if err := reopen(ctx, tx, l, channel, gone[channel], again[channel]); err != nil {
			return err
		}
	}
	if err := s.holdDomains(ctx, tx, l, refusing, p); err != nil {
		return err
	}
	if err := note(ctx, tx, k.incident, breach.Tocsin, "delivery.bounced", "", Detail{"campaign": k.n, "deliveries": len(facts)}); err != nil {
		return err
	}
	return post(ctx, tx, k.incident, Bounced, strconv.Itoa(k.n), "bounced/"+strconv.Itoa(k.n), CampaignRef{Campaign: k.n})
}

func markBounced(ctx context.Context, tx pgx.Tx, f dueFact, state breach.DeliveryState, next time.Duration) error {
	code := strings.TrimSpace("bounced " + f.Status)
	var nextAt *time.Duration
	if next > 0 {
		nextAt = &next
	}
	_, err := tx.Exec(ctx, `
		update delivery set state = $4, code = $5, outcome_at = now(), next_at = now() + $6
		where incident_no = $1 and campaign_n = $2 and channel = $7 and contact = $3`, f.Incident, f.Campaign, f.Contact, state, code, nextAt, f.Channel)
	return err
}

// reopen takes back that people were told through contacts: those whose mail is gone go on to their next rung, or are
// missed; those whose mail is tried again wait on this one.
func reopen(ctx context.Context, tx pgx.Tx, l Lease, channel breach.Channel, gone, again []int64) error {
	at := slices.Index(l.Ladder, channel) + 1
	left := "false"
	for _, later := range l.Ladder[at:] {
		left += " or r." + contactColumn(later) + " is not null"
	}
	if len(gone) > 0 {
		_, err := tx.Exec(ctx, `
			update `+l.standings()+` t set passed = greatest(t.passed, $6), state = case when x.more then 'open' else 'missed' end, told_by = null, told_at = null
			from (select r.id, `+left+` as more `+behind(l, channel)+`) x
			where t.incident_no = $1 and t.id = x.id and t.state = 'told' and t.told_by = $5`, l.no, gone, l.first, l.last, channel, at)
		if err != nil {
			return err
		}
	}
	if len(again) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		update `+l.standings()+` t set state = 'open', told_by = null, told_at = null
		from (select r.id `+behind(l, channel)+`) x
		where t.incident_no = $1 and t.id = x.id and t.state = 'told' and t.told_by = $5`, l.no, again, l.first, l.last, channel)
	return err
}

// holdAfter is how many recipients of a domain it takes: one is perhaps their own filter, or somebody who forges a report with
// the return address that they were sent, and must not keep a domain of millions from hearing of it.
const holdAfter = 3

// holdDomains stops what goes to domains for a while of which several recipients were refused by policy within that time, each
// counted once, and asks the lead to find out why.
func (s *Store) holdDomains(ctx context.Context, tx pgx.Tx, l Lease, facts []dueFact, p ReturnPolicy) error {
	if len(facts) == 0 || p.HoldDomain <= 0 {
		return nil
	}
	contacts, err := firstRefusals(ctx, tx, l, facts)
	if err != nil {
		return err
	}
	keys, err := s.keys.Keys(ctx, l.Incident)
	if err != nil {
		return err
	}
	type recipient struct {
		ID     int64  `db:"id"`
		Sealed []byte `db:"sealed"`
	}
	rows, err := list[recipient](ctx, tx, `select id, sealed from recipient where incident_no = $1 and id = any($2) order by id`, l.no, contacts)
	if err != nil {
		return err
	}
	counts := map[string]int64{}
	for _, r := range rows {
		plain, err := keys.Open("recipient", strconv.FormatInt(r.ID, 10), r.Sealed)
		if err != nil {
			return err
		}
		secret, err := readSecret(plain)
		if err != nil {
			return fmt.Errorf("recipient %d: %w", r.ID, err)
		}
		if _, domain, ok := strings.Cut(secret.to(breach.Email), "@"); ok {
			counts[strings.ToLower(domain)]++
		}
	}
	for domain, n := range counts {
		blind := keys.Blind("destination", domain)
		sealed, err := keys.Seal("destination_hold", string(blind), []byte(domain))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into destination_hold as h (incident_no, blind, sealed, status, refusals, until_at)
			values ($1, $2, $3, '', $4::bigint, case when $4::bigint >= $6::bigint then now() + $5::interval else now() end)
			on conflict (incident_no, blind) do update set
				refusals = case when h.until_at < now() - $5::interval then 0 else h.refusals end + excluded.refusals,
				until_at = case when case when h.until_at < now() - $5::interval then 0 else h.refusals end + excluded.refusals >= $6::bigint then now() + $5::interval else h.until_at end`,
			l.no, blind, sealed, n, p.HoldDomain, holdAfter)
		if err != nil {
			return err
		}
	}
	task := p.HeldTask
	task.IncidentID, task.Ref = l.Incident, "held domains of notice "+strconv.Itoa(l.Campaign)
	return s.addTask(ctx, tx, l.no, task)
}

// firstRefusals are the contacts that a fact is the first of its class about.
func firstRefusals(ctx context.Context, tx pgx.Tx, l Lease, facts []dueFact) ([]int64, error) {
	var contacts, numbers []int64
	for _, f := range facts {
		contacts, numbers = append(contacts, f.Contact), append(numbers, f.No)
	}
	rows, err := tx.Query(ctx, `
		select contact from receipt_fact where incident_no = $1 and campaign_n = $2 and channel = $3 and contact = any($4) and kind = 'failed' and class = $5
		group by contact having min(no) = any($6)`, l.no, l.Campaign, breach.Email, contacts, breach.BouncePolicy, numbers)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// Holds returns the mail domains of an incident that are held now, and until when.
func (s *Store) Holds(ctx context.Context, id breach.IncidentID) (map[string]time.Time, error) {
	type hold struct {
		Blind   []byte    `db:"blind"`
		Sealed  []byte    `db:"sealed"`
		UntilAt time.Time `db:"until_at"`
	}
	rows, err := list[hold](ctx, s.pool, `
		select h.blind, h.sealed, h.until_at from destination_hold h join incident i on i.no = h.incident_no where i.id = $1 and h.until_at > now()`, id)
	if err != nil || len(rows) == 0 {
		return nil, wrap("read held domains", err)
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	held := make(map[string]time.Time, len(rows))
	for _, h := range rows {
		domain, err := keys.Open("destination_hold", string(h.Blind), h.Sealed)
		if err != nil {
			return nil, err
		}
		held[string(domain)] = h.UntilAt
	}
	return held, nil
}

// Wave counts a campaign's deliveries on one channel so far.
type Wave struct {
	Attempted int64 `db:"attempted"` // begun and ended, or waiting for another try
	Accepted  int64 `db:"accepted"`  // taken over, and not come back
	Bounced   int64 `db:"bounced"`   // taken over, and come back
}

// Wave counts what became of the first messages.
func (s *Store) Wave(ctx context.Context, id breach.IncidentID, n int, channel breach.Channel) (Wave, error) {
	w, err := one[Wave](ctx, s.pool, `
		select count(*) as attempted, count(*) filter (where d.state = 'accepted') as accepted,
			count(*) filter (where d.state <> 'accepted' and exists (select from receipt_fact f
				where f.incident_no = d.incident_no and f.campaign_n = d.campaign_n and f.channel = d.channel and f.contact = d.contact and f.kind = 'failed')) as bounced
		from delivery d join incident i on i.no = d.incident_no
		where i.id = $1 and d.campaign_n = $2 and d.channel = $3 and d.state <> 'claimed'`, id, n, channel)
	return w, wrap("count the first wave", err)
}
