package store

import (
	"context"
	"fmt"

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

// ReconcileStep says how far a reconciliation has come.
type ReconcileStep struct {
	Step int         `json:"step"` // from 1
	Of   int         `json:"of"`
	Says breach.Text `json:"says"` // what is being read
}

// Reconcile counts everything anew and sets it against what is kept: nothing is trusted, and every row of people, of standings
// and of the ledger is read, at one instant of the incident. With a campaign's number other than 0 it counts that campaign
// alone. tell, which may be nil, hears of each part before it is read.
func (s *Store) Reconcile(ctx context.Context, id breach.IncidentID, campaign int, tell func(ReconcileStep)) ([]Identity, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("reconcile", err)
	}
	if err := s.indexContacts(ctx, no); err != nil {
		return nil, err
	}
	if err := s.sample(ctx, no); err != nil {
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
		out, err = countAnew(ctx, tx, no, campaign, tell)
		return err
	})
	return out, wrap("reconcile", err)
}

// sample tells the planner how large an incident's tables are by now: it looks at some thousand rows of each.
func (s *Store) sample(ctx context.Context, no int64) error {
	for _, t := range growing {
		table := fmt.Sprintf("%s_%d", t, no)
		if exists, err := tableExists(ctx, s.pool, table); err != nil || !exists {
			return wrap("gather statistics", err)
		}
		if _, err := s.pool.Exec(ctx, `analyze `+table); err != nil {
			return wrap("gather statistics", err)
		}
	}
	return nil
}

// boundMemory keeps what a count sorts or hashes below some hundred megabytes, however many people there are: the rest goes
// through the disk.
const boundMemory = `set local work_mem = '48MB'; set local hash_mem_multiplier = 2; set local max_parallel_workers_per_gather = 2; set local jit = off`

func countAnew(ctx context.Context, tx pgx.Tx, no int64, campaign int, tell func(ReconcileStep)) ([]Identity, error) {
	if _, err := tx.Exec(ctx, boundMemory); err != nil {
		return nil, err
	}
	b := books{tx: tx, no: no, campaign: campaign}
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	parts := b.parts()
	for i, p := range parts {
		if tell != nil {
			tell(ReconcileStep{Step: i + 1, Of: len(parts), Says: p.says})
		}
		if err := p.read(ctx); err != nil {
			return nil, fmt.Errorf("count %s: %w", p.says.EN, err)
		}
	}
	var out []Identity
	for _, x := range identities() {
		if x.about.fits(&b) {
			i := Identity{Name: x.name, Says: x.says}
			i.Left, i.Right = x.sides(&b)
			out = append(out, i)
		}
	}
	return out, nil
}

// scope says of what a sum speaks.
type scope int

const (
	ofAll         scope = iota // of an incident, and of each campaign
	ofIncident                 // of an incident as a whole
	ofPeople                   // of an incident, and of each campaign that tells people for the first time
	ofCampaign                 // of one campaign that tells people for the first time
	ofSupplements              // of an incident, and of each campaign that supplements another
)

func (s scope) fits(b *books) bool {
	switch s {
	case ofIncident:
		return b.campaign == 0
	case ofPeople:
		return !b.supplement
	case ofCampaign:
		return b.campaign != 0 && !b.supplement
	case ofSupplements:
		return len(b.extra) > 0
	case ofAll:
	}
	return true
}

// identity is a sum, and how both its sides come out of what was read.
type identity struct {
	name  string
	about scope
	says  breach.Text
	sides func(*books) (left, right int64)
}

// identities lists the sums. Each names the two sides in its words, left then right.
func identities() []identity {
	all := []identity{
		{
			"people", ofIncident,
			breach.Text{ZH: "导入时计的受影响人数 = 名册中的人数", EN: "affected people as imports counted them = people on file"},
			func(b *books) (int64, int64) { return b.importedPeople, b.onFile(true) },
		},
		{
			"recipients", ofPeople,
			breach.Text{ZH: "导入时计的收件人数 = 名册中的收件人数", EN: "recipients as imports counted them = recipients on file"},
			func(b *books) (int64, int64) { return b.importedRecipients, b.onFile(false) },
		},
		{
			"sum", ofIncident,
			breach.Text{
				ZH: "受影响 = 已告知 + 公告告知 + 免除 + 进行中 + 未送达（逐人重数）",
				EN: "affected = told + told by public notice + exempt + open + missed, everybody counted anew",
			},
			func(b *books) (int64, int64) { return b.importedPeople, b.accounted(true) },
		},
		{
			"recipient_sum", ofCampaign,
			breach.Text{
				ZH: "收件人 = 已告知 + 公告告知 + 免除 + 进行中 + 未送达（逐一重数）",
				EN: "recipients = told + told by public notice + exempt + open + missed, everybody counted anew",
			},
			func(b *books) (int64, int64) { return b.importedRecipients, b.accounted(false) },
		},
		{
			"standings", ofPeople,
			breach.Text{ZH: "有状态的收件人 = 其中在名册中、标记相符的", EN: "standings = those of a recipient on file with the same flags"},
			func(b *books) (int64, int64) {
				return b.standings(func(personGroup) bool { return true }), b.standings(func(g personGroup) bool { return g.Flags != nil && *g.Flags == *g.Standing })
			},
		},
		{
			"campaigns", ofIncident,
			breach.Text{ZH: "各次告知名单中的收件人 + 尚未纳入的 = 全部收件人", EN: "recipients of campaigns + those that none has taken = all recipients"},
			func(b *books) (int64, int64) { return b.inCampaigns() + b.untaken, b.onFile(false) },
		},
		{
			"shards", ofAll,
			breach.Text{ZH: "分片覆盖的收件人区间 = 各次告知的区间", EN: "ids that shards cover = ids of their campaigns"},
			func(b *books) (int64, int64) { return b.shardIDs, b.campaignIDs },
		},
		{
			"ledger", ofAll,
			breach.Text{ZH: "台账中的投递 = 属于某一分片、某一渠道的", EN: "deliveries = those that belong to a shard and a rung of their campaign"},
			func(b *books) (int64, int64) {
				return b.delivered(func(deliveryGroup) bool { return true }), b.delivered(func(g deliveryGroup) bool { return g.Placed })
			},
		},
		{
			"running_people", ofIncident,
			breach.Text{ZH: "随记的人数（非进行中），逐项 = 重数的", EN: "running counts of people no longer open = counted anew, state by state"},
			func(b *books) (int64, int64) { return b.running("person", b.peopleAnew()) },
		},
		{
			"running_recipients", ofPeople,
			breach.Text{ZH: "随记的收件人数（非进行中），逐项 = 重数的", EN: "running counts of recipients no longer open = counted anew, state by state"},
			func(b *books) (int64, int64) { return b.running("recipient", b.recipientsAnew()) },
		},
		{
			"running_deliveries", ofAll,
			breach.Text{ZH: "随记的投递数，逐项 = 重数的", EN: "running counts of deliveries = counted anew, by campaign, channel and state"},
			func(b *books) (int64, int64) { return b.running("delivery", b.deliveriesAnew()) },
		},
		{
			"running_supplements", ofSupplements,
			breach.Text{ZH: "随记的补充告知收件人数，逐项 = 重数的", EN: "running counts of recipients of supplements = counted anew, state by state"},
			func(b *books) (int64, int64) { return b.running("supplement", b.supplemented) },
		},
		{
			"supplements", ofSupplements,
			breach.Text{ZH: "以补充告知告知的收件人 = 其中台账有已接收投递的", EN: "recipients told by supplements = those with a delivery that was accepted"},
			func(b *books) (int64, int64) { return b.extraTold, b.extraProved },
		},
		{
			"public", ofPeople,
			breach.Text{ZH: "以公告告知的收件人 = 其中确有公告发布的", EN: "recipients told by public notice = those while a public notice was published"},
			func(b *books) (int64, int64) {
				n := b.inState(breach.RecipientPublic)
				if !b.published {
					return n, 0
				}
				return n, n
			},
		},
		{
			"exempt", ofPeople,
			breach.Text{ZH: "被免除的收件人 = 其中有获准免除记录的", EN: "recipients who are exempt = those with an approved exemption on record"},
			func(b *books) (int64, int64) {
				return b.inState(breach.RecipientExempt), b.standings(func(g personGroup) bool { return g.State == string(breach.RecipientExempt) && g.Freed })
			},
		},
		{
			"families", ofIncident,
			breach.Text{ZH: "有多名收件人的人 = 其中状态与收件人相符的", EN: "people with several recipients = those who stand where their recipients say"},
			func(b *books) (int64, int64) { return b.families, b.familiesRight },
		},
		{
			"bounces", ofAll,
			breach.Text{ZH: "被退回的投递 = 其中有退信记录的", EN: "deliveries that bounced = those with a report of failure that came back"},
			func(b *books) (int64, int64) {
				return b.delivered(func(g deliveryGroup) bool { return g.State == breach.DeliveryBounced }),
					b.delivered(func(g deliveryGroup) bool { return g.State == breach.DeliveryBounced && g.Reported })
			},
		},
		{
			"returned", ofAll,
			breach.Text{
				ZH: "已处理且不过时的退信报告 = 其中投递已不再算作送达的",
				EN: "reports of failure that were dealt with in time = those whose delivery no longer counts as taken over",
			},
			func(b *books) (int64, int64) { return b.failures, b.failuresMoved },
		},
	}
	for _, channel := range countedChannels {
		all = append(all, evidenceOf(channel)...)
	}
	return all
}

// countedChannels are those whose messages count as telling somebody.
var countedChannels = []breach.Channel{breach.Email, breach.SMS}

// evidenceOf are the sums that bind recipients and ledger together on one channel: no contact has two deliveries of a notice,
// nobody counts as told without a message that was taken over, and no message that was taken over leaves anybody behind it untold.
func evidenceOf(channel breach.Channel) []identity {
	return []identity{
		{
			"once_" + string(channel), ofPeople,
			breach.Text{
				ZH: fmt.Sprintf("%s 投递 = 有投递的联系方式（每个联系方式至多一次）", channel),
				EN: fmt.Sprintf("deliveries by %s = contacts that have one, each at most once", channel),
			},
			func(b *books) (int64, int64) {
				n := b.delivered(func(g deliveryGroup) bool { return g.Channel == channel && !b.supplements[g.Campaign] })
				return n, n - b.evidence[channel].again
			},
		},
		{
			"told_" + string(channel), ofPeople,
			breach.Text{
				ZH: fmt.Sprintf("以 %s 告知的收件人 = 其中台账有已接收投递的", channel),
				EN: fmt.Sprintf("recipients told by %s = those with a delivery that was accepted", channel),
			},
			func(b *books) (int64, int64) {
				return b.standings(func(g personGroup) bool { return g.toldBy(channel) }), b.evidence[channel].told
			},
		},
		{
			"accepted_" + string(channel), ofPeople,
			breach.Text{
				ZH: fmt.Sprintf("%s 已接收的投递 = 其中背后的人都已告知的", channel),
				EN: fmt.Sprintf("deliveries accepted by %s = those with nobody behind them left untold", channel),
			},
			func(b *books) (int64, int64) {
				return b.delivered(func(g deliveryGroup) bool {
					return g.Channel == channel && g.State == breach.DeliveryAccepted && !b.supplements[g.Campaign]
				}), b.evidence[channel].whole
			},
		},
	}
}
