package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// books is what a reconciliation has read. Every table is read once, from end to end or in ranges of ids, and summed up by
// what the sums ask for: a handful of rows of each stays, however many people there are. Nobody is looked up one by one.
type books struct {
	tx       pgx.Tx
	no       int64
	campaign int // 0: the whole incident

	supplement  bool         // the campaign is one that supplements another
	supplements map[int]bool // campaigns that do
	lo, hi      int64        // ids of recipients and standings
	frozen      []frozenRange
	extra       []frozenRange // supplements, whose standings are their own

	people     []personGroup
	deliveries []deliveryGroup
	kept       []keptCount
	evidence   map[breach.Channel]evidence

	supplemented           map[countKey]int64 // recipients of supplements, anew
	extraTold, extraProved int64              // told by a supplement; those of them with a delivery that was accepted

	importedPeople, importedRecipients, untaken int64
	shardIDs, campaignIDs                       int64
	families, familiesRight                     int64
	failures, failuresMoved                     int64
	published                                   bool
}

// frozenRange is the recipients of a campaign that tells people for the first time.
type frozenRange struct {
	n      int
	lo, hi int64
}

// personGroup counts recipients with their standings that are alike.
type personGroup struct {
	Campaign int    `db:"campaign_n"` // that told them first; 0 for none
	Cohort   int    `db:"cohort"`
	Flags    *int16 `db:"flags"`    // of the recipient; nil where there is none on file
	Standing *int16 `db:"standing"` // the standing's flags; nil where nothing was tried
	State    string `db:"state"`
	Head     string `db:"head"` // where the person stands that the standing stands for
	ToldBy   string `db:"told_by"`
	Freed    bool   `db:"freed"`    // an exemption is in force
	ByEmail  bool   `db:"by_email"` // a delivery that names them as its first was accepted
	BySMS    bool   `db:"by_sms"`
	N        int64  `db:"n"`
}

// accepted says whether the recipients' own delivery by a channel was.
func (g personGroup) accepted(channel breach.Channel) bool {
	return channel == breach.Email && g.ByEmail || channel == breach.SMS && g.BySMS
}

func (g personGroup) toldBy(channel breach.Channel) bool {
	return g.State == string(breach.RecipientTold) && g.ToldBy == string(channel)
}

// whole says whether there is nothing left to tell them.
func (g personGroup) whole() bool {
	return g.State == string(breach.RecipientTold) || g.State == string(breach.RecipientExempt)
}

// deliveryGroup counts deliveries that are alike.
type deliveryGroup struct {
	Campaign int                  `db:"campaign_n"`
	Channel  breach.Channel       `db:"channel"`
	State    breach.DeliveryState `db:"state"`
	Resent   bool                 `db:"resent"`
	Placed   bool                 `db:"placed"`   // in a shard and on a rung of its campaign
	Reported bool                 `db:"reported"` // bounced, and a failure is on record
	N        int64                `db:"n"`
}

// countKey is a cell of the running counts.
type countKey struct {
	Campaign int    `db:"campaign_n"`
	Cohort   int    `db:"cohort"`
	Channel  string `db:"channel"`
	State    string `db:"state"`
	Resent   bool   `db:"resent"`
}

type keptCount struct {
	Kind string `db:"kind"`
	countKey
	N int64 `db:"n"`
}

// evidence is what recipients and ledger say together of one channel.
type evidence struct {
	told  int64 // recipients told by it with an accepted delivery
	whole int64 // accepted deliveries with nobody behind them left untold
	again int64 // deliveries to a contact that has one already
}

// part is one reading.
type part struct {
	says breach.Text
	read func(context.Context) error
}

// parts lists what is to be read, in the order of the reading.
func (b *books) parts() []part {
	parts := []part{{breach.Text{ZH: "导入、分片与随记的数", EN: "imports, shards and running counts"}, b.readKept}}
	if !b.supplement {
		for lo := b.lo; lo < b.hi; lo += personRange {
			hi := min(b.hi, lo+personRange)
			parts = append(parts, part{
				breach.Text{ZH: fmt.Sprintf("收件人 %d 至 %d", lo, hi-1), EN: fmt.Sprintf("recipients %d to %d", lo, hi-1)},
				func(ctx context.Context) error { return b.readPeople(ctx, lo, hi) },
			})
		}
	}
	parts = append(parts, part{breach.Text{ZH: "投递台账", EN: "the ledger of deliveries"}, b.readDeliveries})
	if !b.supplement {
		for _, channel := range countedChannels {
			parts = append(parts, part{
				breach.Text{ZH: fmt.Sprintf("共用同一 %s 联系方式的人", channel), EN: "who shares a contact by " + string(channel)},
				func(ctx context.Context) error { return b.readShared(ctx, channel) },
			})
		}
	}
	for _, c := range b.extra {
		parts = append(parts, part{
			breach.Text{ZH: fmt.Sprintf("第 %d 号补充告知的收件人", c.n), EN: fmt.Sprintf("recipients of supplement %d", c.n)},
			func(ctx context.Context) error { return b.readSupplement(ctx, c) },
		})
	}
	if b.campaign == 0 {
		parts = append(parts, part{breach.Text{ZH: "有多名收件人的人", EN: "people with several recipients"}, b.readFamilies})
	}
	return append(parts, part{breach.Text{ZH: "退信报告", EN: "what came back"}, b.readReturned})
}

// personRange is how many ids are read at a time: what joins them fits into memory.
const personRange = 1_000_000

// open finds what is to be read.
func (b *books) open(ctx context.Context) error {
	b.supplemented = map[countKey]int64{}
	b.evidence, b.supplements = map[breach.Channel]evidence{}, map[int]bool{}
	type row struct {
		N          int    `db:"n"`
		Lo         *int64 `db:"lo"`
		Hi         *int64 `db:"hi"`
		Supplement bool   `db:"supplement"`
	}
	campaigns, err := list[row](ctx, b.tx, `select n, lo, hi, supplements is not null as supplement from campaign where incident_no = $1`, b.no)
	if err != nil {
		return err
	}
	found := false
	for _, c := range campaigns {
		b.supplements[c.N] = c.Supplement
		switch {
		case c.Lo == nil || c.Hi == nil:
		case !c.Supplement:
			b.frozen = append(b.frozen, frozenRange{c.N, *c.Lo, *c.Hi})
		case b.campaign == 0 || b.campaign == c.N:
			b.extra = append(b.extra, frozenRange{c.N, *c.Lo, *c.Hi})
		}
		if c.N != b.campaign {
			continue
		}
		if c.Lo == nil || c.Hi == nil {
			return refused("not_frozen", "notice %d was not sent yet: there is nothing to count before its audience is fixed", c.N)
		}
		found, b.supplement, b.lo, b.hi = true, c.Supplement, *c.Lo, *c.Hi
	}
	if b.campaign != 0 {
		if !found {
			return ErrNotFound
		}
		return nil
	}
	// Two plain minima each: an index answers them, however many rows there are.
	return b.tx.QueryRow(ctx, `
		select least((select min(id) from recipient where incident_no = $1), (select min(id) from standing where incident_no = $1), 9223372036854775806),
			greatest((select max(id) from recipient where incident_no = $1), (select max(id) from standing where incident_no = $1), 0) + 1`, b.no).Scan(&b.lo, &b.hi)
}

// readKept reads what imports, shards and running counts say.
func (b *books) readKept(ctx context.Context) error {
	err := b.tx.QueryRow(ctx, `
		select (select coalesce(sum(people), 0) from cohort where incident_no = $1),
			case when $2 = 0 then (select coalesce(sum(recipients), 0) from cohort where incident_no = $1)
				else (select coalesce(sum(recipients), 0) from people_import where incident_no = $1 and lo >= $3 and hi <= $4) end,
			(select coalesce(sum(recipients), 0) from people_import where incident_no = $1 and lo >= (select coalesce(max(hi), 0) from campaign where incident_no = $1)),
			(select coalesce(sum(hi - lo), 0) from (
				select s.lo, least(s.hi, coalesce(lead(s.lo) over (partition by s.campaign_n order by s.lo), s.hi)) as hi
				from shard s where s.incident_no = $1 and $2 in (0, s.campaign_n)) x),
			(select coalesce(sum(hi - lo), 0) from campaign where incident_no = $1 and frozen_at is not null and $2 in (0, n)),
			exists (select from public_notice where incident_no = $1)`, b.no, b.campaign, b.lo, b.hi).
		Scan(&b.importedPeople, &b.importedRecipients, &b.untaken, &b.shardIDs, &b.campaignIDs, &b.published)
	if err != nil {
		return err
	}
	b.kept, err = list[keptCount](ctx, b.tx, `
		select kind, campaign_n, cohort, channel, state, resent, sum(n)::bigint as n from `+runningCounts+` k
		where incident_no = $1 and (kind = 'delivery' or state <> 'open') and (kind = 'person' or $2 in (0, campaign_n))
		group by 1, 2, 3, 4, 5, 6`, b.no, b.campaign)
	return err
}

// readPeople sets the recipients of a range of ids beside their standings.
func (b *books) readPeople(ctx context.Context, lo, hi int64) error {
	var campaigns []int32 // named, so that the ledger's index finds their part of the range
	for _, c := range b.frozen {
		if c.lo < hi && c.hi > lo {
			campaigns = append(campaigns, int32(c.n))
		}
	}
	groups, err := list[personGroup](ctx, b.tx, `
		select coalesce(c.n, 0) as campaign_n, coalesce(r.cohort, 0) as cohort, r.flags, s.flags as standing, coalesce(s.state, '') as state,
			coalesce(`+headState+`, '') as head, coalesce(s.told_by, '') as told_by, s.state = 'exempt' and exists (
				select from exemption e where e.incident_no = $1 and e.person = r.person and e.approved_at is not null and e.lifted_at is null) is true as freed,
			e.contact is not null as by_email, m.contact is not null as by_sms, count(*) as n
		from (select id, cohort, flags, person from recipient where incident_no = $1 and id >= $2 and id < $3) r
		full join (select id, flags, state, person_state, told_by from standing where incident_no = $1 and id >= $2 and id < $3) s on s.id = r.id
		left join campaign c on c.incident_no = $1 and coalesce(r.id, s.id) >= c.lo and coalesce(r.id, s.id) < c.hi and c.supplements is null
		left join `+acceptedBy(breach.Email)+` e on e.campaign_n = c.n and e.contact = r.id
		left join `+acceptedBy(breach.SMS)+` m on m.campaign_n = c.n and m.contact = r.id
		group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10`, b.no, lo, hi, campaigns)
	b.people = append(b.people, groups...)
	return err
}

// readDeliveries reads the ledger.
func (b *books) readDeliveries(ctx context.Context) (err error) {
	b.deliveries, err = list[deliveryGroup](ctx, b.tx, `
		select d.campaign_n, d.channel, d.state, d.resent, s.shard is not null and d.channel = any(c.ladder) as placed,
			d.state = 'bounced' and exists (select from receipt_fact f where f.incident_no = $1 and f.campaign_n = d.campaign_n
				and f.channel = d.channel and f.contact = d.contact and f.kind = 'failed') as reported, count(*) as n
		from delivery d left join shard s on s.incident_no = $1 and s.campaign_n = d.campaign_n and s.shard = d.shard
		left join campaign c on c.incident_no = $1 and c.n = d.campaign_n
		where d.incident_no = $1 and $2 in (0, d.campaign_n) group by 1, 2, 3, 4, 5, 6`, b.no, b.campaign)
	return err
}

// acceptedBy is the SQL for the deliveries of a range that a channel took over.
func acceptedBy(channel breach.Channel) string {
	return `(select campaign_n, contact from delivery where incident_no = $1 and campaign_n = any($4) and channel = '` + string(channel) + `'
		and contact >= $2 and contact < $3 and state = 'accepted')`
}

// readShared looks at the contacts that several recipients have: in each campaign, one message to the first of them tells all.
// What stands in the groups of people takes every recipient for the only one with a contact; this corrects it.
func (b *books) readShared(ctx context.Context, channel breach.Channel) error {
	var e evidence
	err := b.tx.QueryRow(ctx, strings.ReplaceAll(`
		with shared as (
			select {column} as contact from recipient where incident_no = $1 and {column} is not null and id >= $3 and id < $4 group by {column} having count(*) > 1),
		behind as (
			select c.n as campaign_n, r.{column} as contact, r.id, coalesce(s.state = 'told' and s.told_by = $2, false) as told,
				coalesce(s.state, 'open') in ('told', 'exempt') as whole, d.contact is not null as written, coalesce(d.state = 'accepted', false) as accepted
			from shared h join recipient r on r.incident_no = $1 and r.{column} = h.contact and r.id >= $3 and r.id < $4
			join campaign c on c.incident_no = $1 and r.id >= c.lo and r.id < c.hi and c.supplements is null
			left join standing s on s.incident_no = $1 and s.id = r.id
			left join delivery d on d.incident_no = $1 and d.campaign_n = c.n and d.channel = $2 and d.contact = r.id),
		contacts as (
			select count(*) filter (where told) as told, bool_and(whole) as whole, (array_agg(accepted order by id))[1] as accepted,
				count(*) filter (where accepted and told) as own_told, count(*) filter (where accepted and whole) as own_whole,
				greatest(count(*) filter (where written) - 1, 0) as again
			from behind group by campaign_n, contact)
		select coalesce(sum(told) filter (where accepted), 0) - coalesce(sum(own_told), 0),
			count(*) filter (where accepted and whole) - coalesce(sum(own_whole), 0), coalesce(sum(again), 0)::bigint from contacts`,
		"{column}", contactColumn(channel)), b.no, channel, b.lo, b.hi).Scan(&e.told, &e.whole, &e.again)
	for _, g := range b.people {
		if g.accepted(channel) && g.toldBy(channel) {
			e.told += g.N
		}
		if g.accepted(channel) && g.whole() {
			e.whole += g.N
		}
	}
	b.evidence[channel] = e
	return err
}

// readSupplement reads a supplement's own standings, and looks for the delivery behind each of those who were told by it.
func (b *books) readSupplement(ctx context.Context, c frozenRange) error {
	type group struct {
		Cohort int    `db:"cohort"`
		State  string `db:"state"`
		ToldBy string `db:"told_by"`
		N      int64  `db:"n"`
	}
	table := standingsOf(b.no, c.n, true)
	groups, err := list[group](ctx, b.tx, `
		select r.cohort, s.state, coalesce(s.told_by, '') as told_by, count(*) as n
		from `+table+` s join recipient r on r.incident_no = $1 and r.id = s.id where s.incident_no = $1 and s.state <> 'open' group by 1, 2, 3`, b.no)
	if err != nil {
		return err
	}
	for _, g := range groups {
		b.supplemented[countKey{Campaign: c.n, Cohort: g.Cohort, Channel: g.ToldBy, State: g.State}] += g.N
		if g.State == string(breach.RecipientTold) {
			b.extraTold += g.N
		}
	}
	for _, channel := range countedChannels {
		var proved int64
		if err := b.tx.QueryRow(ctx, strings.NewReplacer("{column}", contactColumn(channel), "{table}", table).Replace(`
			select coalesce(sum(g.told), 0) from (
				select min(r.id) as first, count(*) filter (where s.state = 'told' and s.told_by = $3) as told
				from recipient r left join {table} s on s.incident_no = $1 and s.id = r.id
				where r.incident_no = $1 and r.{column} is not null and r.id >= $4 and r.id < $5 group by r.{column}) g
			join delivery d on d.incident_no = $1 and d.campaign_n = $2 and d.channel = $3 and d.contact = g.first and d.state = 'accepted'`),
			b.no, c.n, channel, c.lo, c.hi).Scan(&proved); err != nil {
			return err
		}
		b.extraProved += proved
	}
	return nil
}

// readFamilies folds the people with several recipients anew.
func (b *books) readFamilies(ctx context.Context) error {
	return b.tx.QueryRow(ctx, `
		select count(*), count(*) filter (where coalesce(t.person_state, 'open') = f.state)
		from (select id, person from recipient where incident_no = $1 and flags = 3) h
		left join (`+foldedPeople+`) f on f.person = h.person
		left join standing t on t.incident_no = $1 and t.id = h.id`, b.no).Scan(&b.families, &b.familiesRight)
}

// readReturned looks at the failures that came back: each that was dealt with, was not about an earlier attempt, and came
// before the incident was closed has taken its delivery back.
func (b *books) readReturned(ctx context.Context) error {
	return b.tx.QueryRow(ctx, `
		select count(*), count(*) filter (where d.state <> 'accepted' and not (d.state = 'in_doubt' and d.next_at = 'infinity'))
		from receipt_fact f join incident i on i.no = f.incident_no
		left join delivery d on d.incident_no = $1 and d.campaign_n = f.campaign_n and d.channel = f.channel and d.contact = f.contact
		where f.incident_no = $1 and f.kind = 'failed' and $2 in (0, f.campaign_n) and (d.intent_at is null or f.at >= d.intent_at)
			and (i.closed_at is null or f.at < i.closed_at) and not exists (select from receipt_due u where u.no = f.no)`, b.no, b.campaign).
		Scan(&b.failures, &b.failuresMoved)
}

// onFile counts recipients, or the people that they stand for.
func (b *books) onFile(people bool) (n int64) {
	for _, g := range b.people {
		if g.Flags != nil && (!people || *g.Flags&1 != 0) {
			n += g.N
		}
	}
	return n
}

// accounted counts recipients, or people, who are in one of the states that there are.
func (b *books) accounted(people bool) (n int64) {
	for _, g := range b.people {
		state := g.State
		if people {
			state = g.Head
		}
		if g.Flags == nil || people && *g.Flags&1 == 0 {
			continue
		}
		switch breach.RecipientState(state) {
		case breach.RecipientTold, breach.RecipientPublic, breach.RecipientExempt, breach.RecipientOpen, breach.RecipientMissed:
			n += g.N
		default:
			if g.Standing == nil { // nothing was tried yet: open
				n += g.N
			}
		}
	}
	return n
}

func (b *books) standings(which func(personGroup) bool) (n int64) {
	for _, g := range b.people {
		if g.Standing != nil && which(g) {
			n += g.N
		}
	}
	return n
}

func (b *books) inState(s breach.RecipientState) int64 {
	return b.standings(func(g personGroup) bool { return g.State == string(s) })
}

func (b *books) inCampaigns() (n int64) {
	for _, g := range b.people {
		if g.Flags != nil && g.Campaign != 0 {
			n += g.N
		}
	}
	return n
}

func (b *books) delivered(which func(deliveryGroup) bool) (n int64) {
	for _, g := range b.deliveries {
		if which(g) {
			n += g.N
		}
	}
	return n
}

func (b *books) peopleAnew() map[countKey]int64 {
	anew := map[countKey]int64{}
	for _, g := range b.people {
		if g.Flags != nil && g.Standing != nil && *g.Standing&1 != 0 && g.Head != string(breach.RecipientOpen) {
			anew[countKey{Cohort: g.Cohort, State: g.Head}] += g.N
		}
	}
	return anew
}

func (b *books) recipientsAnew() map[countKey]int64 {
	anew := map[countKey]int64{}
	for _, g := range b.people {
		if g.Flags != nil && g.Standing != nil && g.State != string(breach.RecipientOpen) {
			anew[countKey{Campaign: g.Campaign, Cohort: g.Cohort, Channel: g.ToldBy, State: g.State}] += g.N
		}
	}
	return anew
}

func (b *books) deliveriesAnew() map[countKey]int64 {
	anew := map[countKey]int64{}
	for _, g := range b.deliveries {
		anew[countKey{Campaign: g.Campaign, Channel: string(g.Channel), State: string(g.State), Resent: g.Resent}] += g.N
	}
	return anew
}

// running sets running counts against counts anew, cell by cell: the left side is the larger of both totals, the right what
// both have in common, so they are equal only where every cell is.
func (b *books) running(kind string, anew map[countKey]int64) (left, right int64) {
	var kept, total int64
	for _, k := range b.kept {
		if k.Kind == kind {
			kept += max(k.N, -k.N)
			right += max(0, min(k.N, anew[k.countKey]))
		}
	}
	for _, n := range anew {
		total += n
	}
	return max(kept, total), right
}
