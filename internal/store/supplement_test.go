package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

var whatChanged = breach.Text{ZH: "又查明涉及证件号码。", EN: "We have found that identity numbers are involved as well."}

// supplement asks for one, has it drafted as the n-th notice and freezes its audience.
func supplement(t *testing.T, s *store.Store, id breach.IncidentID, base, n int) (store.Campaign, []store.Shard) {
	t.Helper()
	ask, err := s.AskSupplement(t.Context(), id, base, whatChanged, "zhao.min", "forensics")
	if err != nil {
		t.Fatal(err)
	}
	number := "N-" + string(id) + "-" + string(rune('0'+n))
	if _, err := s.AddSupplement(t.Context(), id, n, number, []breach.Channel{breach.Email, breach.SMS, breach.Push}, ask.No); err != nil {
		t.Fatal(err)
	}
	doc := agreed(t, s, id, breach.DocNotice, "notice/"+string(rune('0'+n)))
	c, shards, err := s.Freeze(t.Context(), id, n, doc, 2)
	if err != nil {
		t.Fatal(err)
	}
	return c, shards
}

// sendAll takes a campaign down its ladder and returns whom each message went to, by channel.
func sendAll(t *testing.T, s *store.Store, id breach.IncidentID, n int, shards []store.Shard, outcome func(store.Work) store.Result) map[breach.Channel][]string {
	t.Helper()
	ctx := t.Context()
	sent := map[breach.Channel][]string{}
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} {
		for _, sh := range shards {
			l, err := s.TakeShard(ctx, id, n, sh.Shard, time.Now(), "")
			if err != nil {
				t.Fatal(err)
			}
			for after := int64(0); after < l.Hi; {
				work, next, err := s.Claim(ctx, l, channel, after, 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range work {
					names := []string{}
					for _, r := range w.Behind {
						names = append(names, r.Name)
					}
					sent[channel] = append(sent[channel], w.To+" "+strings.Join(names, "+"))
					if err := s.Begin(ctx, l, channel, []int64{w.Contact}); err != nil {
						t.Fatal(err)
					}
					if err := s.Commit(ctx, l, channel, []store.Result{outcome(w)}); err != nil {
						t.Fatal(err)
					}
				}
				after = next
			}
		}
		slices.Sort(sent[channel])
	}
	return sent
}

// A supplement goes to those who had the earlier notice, by the channel that reached them and the ladder after it, and to those of
// whom nobody knows; to nobody else. Nobody counts twice, and everything adds up.
func TestASupplementGoesToThoseWhoHadTheEarlierNotice(t *testing.T) {
	s, url := openAt(t)
	ctx := t.Context()
	id := openIncident(t, s)
	importPeople(t, s, id,
		adult("甲", "a@example.com", "+8613800000001"),      // told by mail; its supplement bounces back
		adult("乙", "bad@example.com", "+8613800000002"),    // told by SMS
		adult("丙", "bad2@example.com", ""),                 // never told
		adult("丁", "doubt@example.com", ""),                // nobody knows
		adult("戊", "", ""),                                 // no contact
		adult("己", "a@example.com", ""),                    // told with 甲
		adult("庚", "exempt@example.com", "+8613800000007"), // told, and exempt since
		adult("辛", "both@example.com", "+8613800000008"))   // told by mail; refused this time
	walk(t, s, id, func(w store.Work) store.Result {
		switch {
		case strings.HasPrefix(w.To, "bad"):
			return refusal(w)
		case w.To == "doubt@example.com":
			return store.Result{Contact: w.Contact, State: breach.DeliveryInDoubt, Code: "unsettled", MoveOn: true}
		}
		return accepted(w)
	})
	before := tally(t, s, id)
	if _, err := s.AskSupplement(ctx, id, 7, whatChanged, "zhao.min", "x"); err == nil {
		t.Error("a notice that does not exist was supplemented")
	}
	if finished, err := s.FinishCampaign(ctx, id, 1); err != nil || !finished {
		t.Fatal(finished, err)
	}
	e, err := s.AskExemption(ctx, id, store.ExemptionIn{Who: store.Who{Contacts: store.Contacts{Email: "exempt@example.com"}}, Reason: breach.ExemptHarmAvoided, Article: "PIPL 57", Paper: "EV-1", By: "lead.one", Why: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DecideExemption(ctx, id, e.No, true, "approver.two"); err != nil {
		t.Fatal(err)
	}

	c, shards := supplement(t, s, id, 1, 2)
	if c.Audience != 5 || c.Supplements == nil || *c.Supplements != 1 {
		t.Errorf("the audience is %d: %+v", c.Audience, c)
	}
	if _, err := s.AskSupplement(ctx, id, 2, whatChanged, "zhao.min", "x"); err == nil {
		t.Error("a supplement was supplemented")
	}
	var mailed []breach.DeliveryID
	sent := sendAll(t, s, id, 2, shards, func(w store.Work) store.Result {
		if w.To == "both@example.com" {
			return refusal(w)
		}
		if w.To == "a@example.com" {
			mailed = append(mailed, w.Delivery)
		}
		return accepted(w)
	})
	want := map[breach.Channel][]string{
		breach.Email: {"a@example.com 甲+己", "both@example.com 辛", "doubt@example.com 丁"},
		breach.SMS:   {"+8613800000002 乙", "+8613800000008 辛"},
	}
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} {
		if !slices.Equal(sent[channel], want[channel]) {
			t.Errorf("by %s to %q, want %q", channel, sent[channel], want[channel])
		}
	}
	if got := tally(t, s, id); got != before {
		t.Errorf("people count as %+v, before as %+v", got, before)
	}
	p, err := s.Progress(ctx, id, 2)
	if err != nil || p.Recipients != 5 || p.Told != 5 || p.Open != 0 || p.Missed != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	holds(t, s, id)
	came(t, s, mailed[0], breach.ReturnFailed, breach.BounceHard, "x")
	fold(t, s)
	if open, err := s.OpenRecipients(ctx, id, 2); err != nil || open != 1 { // 甲 has a phone, 己 nothing else
		t.Errorf("%d wait after the bounce, %v", open, err)
	}
	if got := tally(t, s, id); got != before {
		t.Errorf("after the bounce people count as %+v, before as %+v", got, before)
	}
	waiting, err := s.OpenShards(ctx, id, 2)
	if err != nil || len(waiting) == 0 {
		t.Fatal(waiting, err)
	}
	if again := sendAll(t, s, id, 2, waiting, accepted); !slices.Equal(again[breach.SMS], []string{"+8613800000001 甲"}) || len(again[breach.Email]) > 0 {
		t.Errorf("after the bounce to %q", again)
	}
	if finished, err := s.FinishCampaign(ctx, id, 2); err != nil || !finished {
		t.Error(finished, err)
	}
	p, err = s.Progress(ctx, id, 2)
	if err != nil || p.Told != 4 || p.Missed != 1 {
		t.Errorf("at the end %+v, %v", p, err)
	}
	holds(t, s, id)
	if got, err := s.Reconcile(ctx, id, 2, nil); err != nil || slices.ContainsFunc(got, func(i store.Identity) bool { return !i.Holds() }) {
		t.Errorf("the supplement alone: %+v, %v", got, err)
	}
	if _, err := s.VerifyJournal(ctx, id); err != nil {
		t.Error(err)
	}
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	for name, violation := range map[string]string{
		"running_supplements": `update progress set n = n + 1 where kind = 'supplement' and state = 'told'`,
		"supplements":         `update delivery set state = 'rejected' where campaign_n = 2 and channel = 'email' and state = 'accepted'`,
	} {
		tx, err := db.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		tag, err := tx.Exec(ctx, violation)
		if err != nil || tag.RowsAffected() == 0 {
			t.Fatalf("%s: the violation changes nothing: %v", name, err)
		}
		for _, campaign := range []int{0, 2} {
			got, err := store.ReconcileIn(ctx, tx, id, campaign)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(got, func(i store.Identity) bool { return i.Name == name && !i.Holds() }) {
				t.Errorf("campaign %d: %s is not seen", campaign, name)
			}
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// While the earlier notice is still being sent its supplement waits; asked for again before it was sent, it is written anew.
func TestASupplementWaitsForTheNoticeThatItSupplements(t *testing.T) {
	s := open(t)
	ctx := t.Context()
	id := openIncident(t, s)
	importPeople(t, s, id, adult("甲", "a@example.com", ""))
	if _, err := s.AddCampaign(ctx, id, 1, "N-1", []breach.Channel{breach.Email}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AskSupplement(ctx, id, 1, whatChanged, "zhao.min", "x"); err == nil || !strings.Contains(err.Error(), "nobody had notice 1 yet") {
		t.Errorf("a notice that nobody had was supplemented: %v", err)
	}
	doc := agreed(t, s, id, breach.DocNotice, "notice/1")
	if _, _, err := s.Freeze(ctx, id, 1, doc, 10); err != nil {
		t.Fatal(err)
	}
	first, err := s.AskSupplement(ctx, id, 1, whatChanged, "zhao.min", "x")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := s.Facts(ctx, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := breach.Text{ZH: "原因已经查清。", EN: "The cause is known now."}
	again, err := s.AskSupplement(ctx, id, 1, other, "qian.li", "y")
	if err != nil || again.No != first.No || again.Changed != other {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	if newer, err := s.Facts(ctx, id, 0); err != nil || newer.Rev != facts.Rev+1 || newer.Author != "qian.li" {
		t.Errorf("nothing makes a new version: %+v, %v", newer, err)
	}
	if _, err := s.AddSupplement(ctx, id, 2, "N-2", []breach.Channel{breach.Email}, first.No); err != nil {
		t.Fatal(err)
	}
	second := agreed(t, s, id, breach.DocNotice, "notice/2")
	_, _, err = s.Freeze(ctx, id, 2, second, 10)
	if r, ok := errors.AsType[*store.Refused](err); !ok || r.Code != store.StillSending {
		t.Errorf("frozen while the first is being sent: %v", err)
	}
	sendShard(t, s, id, 0, breach.Email, accepted)
	if _, err := s.FinishCampaign(ctx, id, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 { // an activity may be repeated
		if c, shards, err := s.Freeze(ctx, id, 2, second, 10); err != nil || c.Audience != 1 || len(shards) != 1 {
			t.Errorf("%+v %v %v", c, shards, err)
		}
	}
	if e, err := s.EarlierNotice(ctx, id, 1); err != nil || e.N != 2 || e.Number != "N-2" {
		t.Errorf("%+v %v", e, err)
	}
	third, err := s.AskSupplement(ctx, id, 1, whatChanged, "zhao.min", "z")
	if err != nil || third.No == first.No {
		t.Errorf("%+v %v", third, err)
	}
}
