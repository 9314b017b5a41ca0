package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// A supplementary notice corrects an earlier one or adds to it, and goes to those who had it. Such a campaign has the
// recipients of the one that it supplements, and a table of standings of its own beside theirs: nobody in it counts a second
// time as told of the incident. Whoever has no row there had the earlier notice by the first channel of the ladder, and
// waits; the others are written when the audience is frozen.

// recipientOutside is the state, in a supplement's standings, of whom it is not for: they never had the earlier notice.
const recipientOutside breach.RecipientState = "outside"

// standingsOf names the table where telling a campaign's recipients stands.
func standingsOf(no int64, campaign int, supplement bool) string {
	if supplement {
		return fmt.Sprintf("standing_%d_s%d", no, campaign)
	}
	return "standing"
}

// standings reads which table that is.
func standings(ctx context.Context, q querier, no int64, campaign int) (string, error) {
	var supplement bool
	err := q.QueryRow(ctx, `select supplements is not null and frozen_at is not null from campaign where incident_no = $1 and n = $2`, no, campaign).Scan(&supplement)
	return standingsOf(no, campaign, supplement), err
}

// Supplement is what a person asked for: a notice for those who had an earlier one.
type Supplement struct {
	No          int           `json:"no" db:"no"`
	Supplements int           `json:"supplements" db:"supplements"` // the notice that it corrects or adds to
	Changed     breach.Text   `json:"changed" db:"changed"`         // what its readers are told has changed
	AskedBy     breach.Person `json:"asked_by" db:"asked_by"`
	Why         string        `json:"why" db:"why"`
	AskedAt     time.Time     `json:"asked_at" db:"asked_at"`
	Campaign    *int          `json:"campaign,omitempty" db:"campaign_n"` // what it became; nil until it is drafted
}

const supplementColumns = `p.no, p.supplements, p.changed, p.asked_by, p.why, p.asked_at, p.campaign_n`

// AskSupplement asks for a supplementary notice to those who had the n-th. While an earlier one of the same notice was not
// sent yet, asking again writes that one anew. It is refused for a notice that nobody had yet, and for one that supplements
// another: what people had first is what is supplemented.
func (s *Store) AskSupplement(ctx context.Context, id breach.IncidentID, n int, changed breach.Text, by breach.Person, why string) (Supplement, error) {
	var out Supplement
	err := s.tx(ctx, "ask for a supplement", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := maySupplement(ctx, tx, no, n); err != nil {
			return err
		}
		out, err = one[Supplement](ctx, tx, `
			update supplement p set changed = $3, asked_by = $4, why = $5, asked_at = now()
			where p.incident_no = $1 and p.supplements = $2 and not exists (
				select from campaign c where c.incident_no = $1 and c.n = p.campaign_n and c.frozen_at is not null)
			returning `+supplementColumns, no, n, changed, by, why)
		if err == nil {
			return rewriteSupplement(ctx, tx, no, out)
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		out, err = one[Supplement](ctx, tx, `
			insert into supplement as p (incident_no, no, supplements, changed, asked_by, why)
			select $1, coalesce(max(no), 0) + 1, $2, $3, $4, $5 from supplement where incident_no = $1 returning `+supplementColumns, no, n, changed, by, why)
		if err != nil {
			return err
		}
		if err := note(ctx, tx, no, by, "supplement.ask", strconv.Itoa(out.No), Detail{"notice": n}); err != nil {
			return err
		}
		return post(ctx, tx, no, SupplementAsked, strconv.Itoa(out.No), "", SupplementRef{No: out.No, Supplements: n})
	})
	return out, err
}

// rewriteSupplement has a supplement drafted anew: new facts make a new version, which voids what was decided on the last.
func rewriteSupplement(ctx context.Context, tx pgx.Tx, no int64, p Supplement) error {
	if err := note(ctx, tx, no, p.AskedBy, "supplement.rewrite", strconv.Itoa(p.No), Detail{"notice": p.Supplements}); err != nil {
		return err
	}
	var facts breach.Facts
	if err := tx.QueryRow(ctx, `select facts from fact_revision where incident_no = $1 order by rev desc limit 1`, no).Scan(&facts); err != nil {
		return err
	}
	rev, err := reviseFacts(ctx, tx, no, facts, nil, p.AskedBy, p.Why)
	if err != nil {
		return err
	}
	return post(ctx, tx, no, FactsAmended, "", "rev", FactsRev{Rev: rev.Rev})
}

func maySupplement(ctx context.Context, tx pgx.Tx, no int64, n int) error {
	var supplements *int
	var frozen bool
	err := tx.QueryRow(ctx, `select supplements, frozen_at is not null from campaign where incident_no = $1 and n = $2`, no, n).Scan(&supplements, &frozen)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case err != nil:
		return err
	case supplements != nil:
		return refused("supplement", "notice %d supplements notice %d: name that one, and whoever had it gets the new one too", n, *supplements)
	case !frozen:
		return refused("not_sent", "nobody had notice %d yet: it is drafted anew from new facts by itself, so amend the facts or its words", n)
	}
	return nil
}

// SupplementAsk returns what a person asked for, by its number.
func (s *Store) SupplementAsk(ctx context.Context, id breach.IncidentID, no int) (Supplement, error) {
	p, err := one[Supplement](ctx, s.pool, `select `+supplementColumns+` from supplement p join incident i on i.no = p.incident_no where i.id = $1 and p.no = $2`, id, no)
	return p, wrap("read supplement", err)
}

// AddSupplement is [Store.AddCampaign] for what a person asked for by AskSupplement.
func (s *Store) AddSupplement(ctx context.Context, id breach.IncidentID, n int, number string, ladder []breach.Channel, ask int) (Campaign, error) {
	err := s.tx(ctx, "add supplement", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into campaign (incident_no, n, number, ladder, supplements)
			select $1, $2, $3, $4, p.supplements from supplement p where p.incident_no = $1 and p.no = $5 on conflict do nothing`, no, n, number, ladder, ask); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update supplement set campaign_n = $2 where incident_no = $1 and no = $3`, no, n, ask)
		return err
	})
	if err != nil {
		return Campaign{}, err
	}
	return s.Campaign(ctx, id, n)
}

// freezeSupplement fixes whom a supplement is for: those who were told by the notice that it supplements, from the channel that
// reached them on, and those of whom nobody knows whether its message arrived.
func freezeSupplement(ctx context.Context, tx pgx.Tx, no int64, n, supplements int, document breach.DocumentID, size int) error {
	var lo, hi int64
	var state string
	var ladder []breach.Channel
	if err := tx.QueryRow(ctx, `
		select e.lo, e.hi, e.state, c.ladder from campaign e join campaign c on c.incident_no = e.incident_no and c.n = $3
		where e.incident_no = $1 and e.n = $2 for share of e`, no, supplements, n).Scan(&lo, &hi, &state, &ladder); err != nil {
		return err
	}
	if state != "finished" {
		return refused(StillSending, "notice %d is still being sent: its supplement goes to all who had it, once it has ended", supplements)
	}
	table := standingsOf(no, n, true)
	if _, err := tx.Exec(ctx, fmt.Sprintf(`
		create table %[1]s (like standing including all) with (fillfactor = 85);
		create trigger begun after insert on %[1]s referencing new table as fresh for each statement execute function supplement_begun('%[2]d');
		create trigger moved after update on %[1]s referencing old table as stale new table as fresh for each statement execute function supplement_moved('%[2]d')`,
		table, n)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		insert into `+table+` (incident_no, id, passed, flags, state)
		select $1, r.id, case when r.told then r.at else cardinality($4::text[]) end, r.flags, case when r.told then 'open' else '`+string(recipientOutside)+`' end
		from (
			select r.id, r.flags, coalesce(array_position($4, s.told_by) - 1, 0) as at, coalesce(s.state = 'told', false) and not exists (
				select from exemption e where e.incident_no = $1 and e.person = r.person and e.approved_at is not null and e.lifted_at is null) as told
			from recipient r left join standing s on s.incident_no = $1 and s.id = r.id
			where r.incident_no = $1 and r.id >= $2 and r.id < $3) r
		where not r.told or r.at > 0`, no, lo, hi, ladder); err != nil {
		return err
	}
	for i, channel := range ladder {
		if _, err := tx.Exec(ctx, doubted(table, channel), no, lo, hi, supplements, i); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `analyze `+table); err != nil {
		return err
	}
	if err := cutShards(ctx, tx, no, n, lo, hi, size); err != nil {
		return err
	}
	var audience int64
	if err := tx.QueryRow(ctx, `
		update campaign set state = 'sending', document_id = $3, frozen_at = now(), lo = $4, hi = $5, audience =
			coalesce((select sum(p.recipients) from people_import p where p.incident_no = $1 and p.lo >= $4 and p.hi <= $5), 0)
			- (select count(*) from `+table+` where state = '`+string(recipientOutside)+`')
		where incident_no = $1 and n = $2 returning audience`, no, n, document, lo, hi).Scan(&audience); err != nil {
		return err
	}
	if err := endGapTasks(ctx, tx, no, supplements, "done"); err != nil {
		return err
	}
	return note(ctx, tx, no, breach.Tocsin, "campaign.freeze", "", Detail{"campaign": n, "supplements": supplements, "recipients": audience, "document": document})
}

// StillSending is the code of the refusal to freeze a supplement before the notice that it supplements has ended.
const StillSending = "still_sending"

// doubted is the statement that lets those wait whom nobody told, and whose message of the earlier notice may have arrived.
func doubted(table string, channel breach.Channel) string {
	column := contactColumn(channel)
	return `
		update ` + table + ` t set state = 'open', passed = $5
		from delivery d join recipient f on f.incident_no = $1 and f.id = d.contact
		join recipient r on r.incident_no = $1 and r.` + column + ` = f.` + column + ` and r.id + 0 >= $2 and r.id + 0 < $3
		where d.incident_no = $1 and d.campaign_n = $4 and d.channel = '` + string(channel) + `' and d.state = 'in_doubt'
			and t.incident_no = $1 and t.id = r.id and t.state = '` + string(recipientOutside) + `' and not exists (
				select from exemption e where e.incident_no = $1 and e.person = r.person and e.approved_at is not null and e.lifted_at is null)`
}

// exemptFromSupplements leaves somebody out of the supplements that are under way.
func exemptFromSupplements(ctx context.Context, tx pgx.Tx, no int64, person [16]byte) error {
	running, err := list[struct {
		N int `db:"n"`
	}](ctx, tx, `select n from campaign where incident_no = $1 and supplements is not null and frozen_at is not null and state <> 'finished'`, no)
	if err != nil {
		return err
	}
	for _, c := range running {
		if _, err := tx.Exec(ctx, `
			insert into `+standingsOf(no, c.N, true)+` as standing (incident_no, id, passed, flags, state)
			select r.incident_no, r.id, 0, r.flags, 'exempt' from recipient r join campaign c on c.incident_no = $1 and c.n = $3 and r.id >= c.lo and r.id < c.hi
			where r.incident_no = $1 and r.person = $2 order by r.id
			on conflict (incident_no, id) do update set state = excluded.state where standing.state in ('open', 'missed')`, no, person, c.N); err != nil {
			return err
		}
	}
	return nil
}

// Earlier is the newest notice that those had whom a supplement is for.
type Earlier struct {
	N        int               `db:"n"`
	Number   string            `db:"number"`
	FrozenAt time.Time         `db:"frozen_at"`
	Document breach.DocumentID `db:"document_id"`
	FactsRev int               `db:"facts_rev"`
}

// EarlierNotice returns the newest notice that was sent to those who had the n-th: that, or what supplements it. ErrNotFound where
// it was not sent yet.
func (s *Store) EarlierNotice(ctx context.Context, id breach.IncidentID, n int) (Earlier, error) {
	e, err := one[Earlier](ctx, s.pool, `
		select c.n, c.number, c.frozen_at, c.document_id, d.facts_rev
		from campaign c join incident i on i.no = c.incident_no join document d on d.id = c.document_id
		where i.id = $1 and $2 in (c.n, c.supplements) and c.frozen_at is not null order by c.n desc limit 1`, id, n)
	return e, wrap("read earlier notice", err)
}

// unnamed is the SQL condition that no message may name the recipient with standing x: the law frees us from telling them, or
// a supplement is not for them.
const unnamed = `coalesce(x.state in ('exempt', '` + string(recipientOutside) + `'), false)`

// SupplementPending reports whether a supplement of a notice was asked for and not sent yet.
func (s *Store) SupplementPending(ctx context.Context, id breach.IncidentID, n int) (pending bool, err error) {
	err = s.pool.QueryRow(ctx, `
		select exists (select from supplement p join incident i on i.no = p.incident_no
			left join campaign c on c.incident_no = p.incident_no and c.n = p.campaign_n
			where i.id = $1 and p.supplements = $2 and c.frozen_at is null)`, id, n).Scan(&pending)
	return pending, wrap("read supplements", err)
}

// AddGapTask asks the lead for a supplement of the n-th notice, for what is known since a revision of the facts: once for each,
// also where somebody has ended that task. What was asked for an earlier revision and is open ends with it.
func (s *Store) AddGapTask(ctx context.Context, in Task, n, rev int) error {
	return s.tx(ctx, "ask for a supplement", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, in.IncidentID)
		if err != nil {
			return err
		}
		in.Ref = gapRef(n) + strconv.Itoa(rev)
		var asked bool
		if err := tx.QueryRow(ctx, `select exists (select from task where incident_no = $1 and kind = $2 and ref = $3)`, no, in.Kind, in.Ref).Scan(&asked); err != nil || asked {
			return err
		}
		if err := endGapTasks(ctx, tx, no, n, "not_done"); err != nil {
			return err
		}
		return s.addTask(ctx, tx, no, in)
	})
}

func gapRef(n int) string { return fmt.Sprintf("supplement of notice %d for facts ", n) }

// endGapTasks ends the open tasks that ask for a supplement of the n-th notice: it goes out, or another takes their place.
func endGapTasks(ctx context.Context, tx pgx.Tx, no int64, n int, outcome string) error {
	ended, err := list[struct {
		ID string `db:"id"`
	}](ctx, tx, `
		update task set outcome = $3, done_by = $4, done_at = now()
		where incident_no = $1 and kind = $5 and starts_with(ref, $2) and outcome is null returning id`, no, gapRef(n), outcome, breach.Tocsin, breach.TaskFinding)
	if err != nil {
		return err
	}
	for _, t := range ended {
		if err := note(ctx, tx, no, breach.Tocsin, "task."+outcome, t.ID, Detail{"kind": breach.TaskFinding}); err != nil {
			return err
		}
	}
	return nil
}
