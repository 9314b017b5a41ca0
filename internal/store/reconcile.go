package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Identity is one sum that must hold: two ways to count the same thing.
type Identity struct {
	Name  string      `json:"name"`
	Says  breach.Text `json:"says"`
	Left  int64       `json:"left"`
	Right int64       `json:"right"`
}

// Holds reports whether both sides are equal.
func (i Identity) Holds() bool { return i.Left == i.Right }

// identity is a sum as it is counted: SQL for both sides, with $1 the incident's number.
type identity struct {
	name        string
	says        breach.Text
	left, right string
}

// newestCampaign is the SQL expression for the campaign that last took a recipient r; null where none did.
const newestCampaign = `(select max(c.n) from campaign c where c.incident_no = $1 and r.id >= c.lo and r.id < c.hi)`

// headState is the SQL expression for where the person stands that a standing s stands for.
const headState = `case when s.flags & 2 <> 0 then coalesce(s.person_state, 'open') else s.state end`

// identities lists the sums, cheap ones first. Each names the two sides in its words, left then right.
func identities() []identity {
	all := []identity{
		{
			"people",
			breach.Text{ZH: "导入时计的受影响人数 = 名册中的人数", EN: "affected people as imports counted them = people on file"},
			`select coalesce(sum(people), 0) from cohort where incident_no = $1`,
			`select count(*) from recipient where incident_no = $1 and flags & 1 <> 0`,
		},
		{
			"recipients",
			breach.Text{ZH: "导入时计的收件人数 = 名册中的收件人数", EN: "recipients as imports counted them = recipients on file"},
			`select coalesce(sum(recipients), 0) from cohort where incident_no = $1`,
			`select count(*) from recipient where incident_no = $1`,
		},
		{
			"sum",
			breach.Text{
				ZH: "受影响 = 已告知 + 公告告知 + 免除 + 进行中 + 未送达（逐人重数）",
				EN: "affected = told + told by public notice + exempt + open + missed, everybody counted anew",
			},
			`select coalesce(sum(people), 0) from cohort where incident_no = $1`,
			`select count(*) filter (where s.id is null) + count(*) filter (where ` + headState + ` in ('told', 'public', 'exempt', 'open', 'missed'))
				from recipient r left join standing s on s.incident_no = $1 and s.id = r.id where r.incident_no = $1 and r.flags & 1 <> 0`,
		},
		{
			"standings",
			breach.Text{ZH: "有状态的收件人 = 其中在名册中、标记相符的", EN: "standings = those of a recipient on file with the same flags"},
			`select count(*) from standing where incident_no = $1`,
			`select count(*) from standing s join recipient r on r.incident_no = $1 and r.id = s.id and r.flags = s.flags where s.incident_no = $1`,
		},
		{
			"campaigns",
			breach.Text{ZH: "各次告知名单中的收件人 + 尚未纳入的 = 全部收件人", EN: "recipients of campaigns + those that none has taken = all recipients"},
			`select (select count(*) from recipient r where r.incident_no = $1 and ` + newestCampaign + ` is not null)
				+ coalesce((select sum(recipients) from people_import where incident_no = $1 and lo >= (select coalesce(max(hi), 0) from campaign where incident_no = $1)), 0)`,
			`select count(*) from recipient where incident_no = $1`,
		},
		{
			"shards",
			breach.Text{ZH: "分片覆盖的收件人区间 = 各次告知的区间", EN: "ids that shards cover = ids of their campaigns"},
			`select coalesce(sum(hi - lo), 0) from (
				select s.lo, least(s.hi, coalesce(lead(s.lo) over (partition by s.campaign_n order by s.lo), s.hi)) as hi from shard s where s.incident_no = $1) x`,
			`select coalesce(sum(hi - lo), 0) from campaign where incident_no = $1 and frozen_at is not null`,
		},
		{
			"ledger",
			breach.Text{ZH: "台账中的投递 = 属于某一分片、某一渠道的", EN: "deliveries = those that belong to a shard and a rung of their campaign"},
			`select count(*) from delivery where incident_no = $1`,
			`select count(*) from delivery d join shard s on s.incident_no = $1 and s.campaign_n = d.campaign_n and s.shard = d.shard
				join campaign c on c.incident_no = $1 and c.n = d.campaign_n and d.channel = any(c.ladder) where d.incident_no = $1`,
		},
		running("running_people", "person", breach.Text{ZH: "随记的人数（非进行中），逐项 = 重数的", EN: "running counts of people no longer open = counted anew, state by state"},
			`cohort, state`, `state <> 'open'`,
			`select r.cohort, `+headState+` as state from standing s join recipient r on r.incident_no = $1 and r.id = s.id where s.incident_no = $1 and s.flags & 1 <> 0`),
		running("running_recipients", "recipient", breach.Text{ZH: "随记的收件人数（非进行中），逐项 = 重数的", EN: "running counts of recipients no longer open = counted anew, state by state"},
			`cohort, state`, `state <> 'open'`,
			`select r.cohort, s.state from standing s join recipient r on r.incident_no = $1 and r.id = s.id where s.incident_no = $1`),
		running("running_deliveries", "delivery", breach.Text{ZH: "随记的投递数，逐项 = 重数的", EN: "running counts of deliveries = counted anew, by campaign, channel and state"},
			`campaign_n, channel, state, resent`, `true`, `select campaign_n, channel, state, resent from delivery where incident_no = $1`),
		{
			"public",
			breach.Text{ZH: "以公告告知的收件人 = 其中确有公告发布的", EN: "recipients told by public notice = those while a public notice was published"},
			`select count(*) from standing where incident_no = $1 and state = 'public'`,
			`select count(*) from standing s where s.incident_no = $1 and s.state = 'public' and exists (select from public_notice p where p.incident_no = $1)`,
		},
		{
			"bounces",
			breach.Text{ZH: "被退回的投递 = 其中有退信记录的", EN: "deliveries that bounced = those with a report that came back"},
			`select count(*) from delivery where incident_no = $1 and state = 'bounced'`,
			`select count(*) from delivery d where d.incident_no = $1 and d.state = 'bounced' and exists (
				select from receipt_fact f where f.incident_no = $1 and f.campaign_n = d.campaign_n and f.channel = d.channel and f.contact = d.contact)`,
		},
		{
			"exempt",
			breach.Text{ZH: "被免除的收件人 = 其中有获准免除记录的", EN: "recipients who are exempt = those with an approved exemption on record"},
			`select count(*) from standing where incident_no = $1 and state = 'exempt'`,
			`select count(*) from standing s join recipient r on r.incident_no = $1 and r.id = s.id where s.incident_no = $1 and s.state = 'exempt'
				and exists (select from exemption e where e.incident_no = $1 and e.person = r.person and e.approved_at is not null and e.lifted_at is null)`,
		},
		{
			"families",
			breach.Text{ZH: "有多名收件人的人 = 其中状态与收件人相符的", EN: "people with several recipients = those who stand where their recipients say"},
			`select count(*) from recipient where incident_no = $1 and flags = 3`,
			`select count(*) from (` + foldedPeople + `) f join recipient h on h.incident_no = $1 and h.person = f.person and h.flags & 1 <> 0
				left join standing t on t.incident_no = $1 and t.id = h.id where coalesce(t.person_state, 'open') = f.state`,
		},
	}
	for _, channel := range []breach.Channel{breach.Email, breach.SMS} {
		all = append(all, evidenceOf(channel)...)
	}
	return all
}

// running sets running counts against counts anew, cell by cell: the left side is the larger of both totals, the right what
// both have in common, so they are equal only where every cell is.
func running(name, kind string, says breach.Text, keys, where, scan string) identity {
	kept := `(select ` + keys + `, sum(n) as n from ` + runningCounts + ` k where incident_no = $1 and kind = '` + kind + `' and ` + where + ` group by ` + keys + `) kept`
	anew := `(select ` + keys + `, count(*) as n from (` + scan + `) a where ` + where + ` group by ` + keys + `) anew`
	return identity{
		name, says,
		`select greatest((select coalesce(sum(abs(n)), 0) from ` + kept + `), (select coalesce(sum(n), 0) from ` + anew + `))`,
		`select coalesce(sum(greatest(0, least(kept.n, anew.n))), 0) from ` + kept + ` join ` + anew + ` using (` + keys + `)`,
	}
}

// evidenceOf are the sums that bind recipients and ledger together on one channel: nobody counts as told without a message
// that was taken over, and no message that was taken over leaves anybody behind it untold.
func evidenceOf(channel breach.Channel) []identity {
	column := contactColumn(channel)
	// Every recipient with the contact that names its delivery: the campaign's first who has it.
	base := strings.NewReplacer("{column}", column, "{channel}", string(channel), "{campaign}", newestCampaign).Replace(`
		from (select r.id, {campaign} as campaign_n, r.{column} as contact from recipient r where r.incident_no = $1 and r.{column} is not null) r
		join lateral (select min(b.id) as first from recipient b join campaign c on c.incident_no = $1 and c.n = r.campaign_n
			where b.incident_no = $1 and b.{column} = r.contact and b.id >= c.lo and b.id < c.hi) f on true`)
	return []identity{
		{
			"told_" + string(channel),
			breach.Text{
				ZH: fmt.Sprintf("以 %s 告知的收件人 = 其中台账有已接收投递的", channel),
				EN: fmt.Sprintf("recipients told by %s = those with a delivery that was accepted", channel),
			},
			fmt.Sprintf(`select count(*) from standing where incident_no = $1 and state = 'told' and told_by = '%s'`, channel),
			fmt.Sprintf(`select count(*) `+base+`
				join standing s on s.incident_no = $1 and s.id = r.id and s.state = 'told' and s.told_by = '%[1]s'
				join delivery d on d.incident_no = $1 and d.campaign_n = r.campaign_n and d.channel = '%[1]s' and d.contact = f.first and d.state = 'accepted'`, channel),
		},
		{
			"accepted_" + string(channel),
			breach.Text{
				ZH: fmt.Sprintf("%s 已接收的投递 = 其中背后的人都已告知的", channel),
				EN: fmt.Sprintf("deliveries accepted by %s = those with nobody behind them left untold", channel),
			},
			fmt.Sprintf(`select count(*) from delivery d where d.incident_no = $1 and d.channel = '%s' and d.state = 'accepted'
				and d.campaign_n = (select max(c.n) from campaign c where c.incident_no = $1 and d.contact >= c.lo and d.contact < c.hi)`, channel),
			fmt.Sprintf(`select count(*) from (select r.campaign_n, f.first, bool_and(coalesce(s.state, 'open') in ('told', 'exempt')) as whole `+base+`
				left join standing s on s.incident_no = $1 and s.id = r.id group by 1, 2) x
				join delivery d on d.incident_no = $1 and d.campaign_n = x.campaign_n and d.channel = '%s' and d.contact = x.first and d.state = 'accepted' where x.whole`, channel),
		},
	}
}

// Reconcile counts everything anew and sets it against what is kept: nothing is trusted, every row is
// read, at one instant of the incident.
func (s *Store) Reconcile(ctx context.Context, id breach.IncidentID) ([]Identity, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("reconcile", err)
	}
	if err := s.indexContacts(ctx, no); err != nil {
		return nil, err
	}
	var sending bool
	if err := s.pool.QueryRow(ctx, `select exists (select from campaign where incident_no = $1 and state = 'sending')`, no).Scan(&sending); err != nil {
		return nil, wrap("reconcile", err)
	}
	if sending { // people are folded now and then while it goes on, and at its end
		if _, err := s.FoldPeople(ctx, id); err != nil {
			return nil, err
		}
	}
	var out []Identity
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var err error
		out, err = countIdentities(ctx, tx, no)
		return err
	})
	return out, wrap("reconcile", err)
}

func countIdentities(ctx context.Context, tx pgx.Tx, no int64) ([]Identity, error) {
	var out []Identity
	for _, x := range identities() {
		i := Identity{Name: x.name, Says: x.says}
		if err := tx.QueryRow(ctx, `select (`+x.left+`)::bigint, (`+x.right+`)::bigint`, no).Scan(&i.Left, &i.Right); err != nil {
			return nil, fmt.Errorf("count %s: %w", x.name, err)
		}
		out = append(out, i)
	}
	return out, nil
}
