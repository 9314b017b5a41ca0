package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// sentCampaign is a campaign with every kind of outcome: told by mail, told by SMS after a refusal, bounced, missed, families,
// shared contacts, one exempt, some told by public notice.
func sentCampaign(t *testing.T, s *store.Store) breach.IncidentID {
	t.Helper()
	id := openIncident(t, s)
	mother := store.Guardian{Name: "母", Contacts: store.Contacts{Email: "mother@example.com"}}
	kid := func(name string) store.AffectedPerson {
		return store.AffectedPerson{
			Identity: name, Name: name, Age: "under_14", Minor: true, Language: breach.Chinese, Region: "CN", Categories: []string{"education"},
			Contacts: store.Contacts{Phone: "+86138000010" + fmt.Sprintf("%02d", len(name))}, Guardians: []store.Guardian{mother},
		}
	}
	importPeople(t, s, id,
		adult("甲", "shared@example.com", "+8613800000001"), adult("乙", "shared@example.com", ""), adult("丙", "bad@example.com", "+8613800000003"),
		adult("丁", "bad2@example.com", ""), adult("戊", "", ""), kid("大"), kid("中中"), adult("己", "gone@example.com", "+8613800000004"))
	var gone breach.DeliveryID
	walk(t, s, id, func(w store.Work) store.Result {
		if w.To == "gone@example.com" {
			gone = w.Delivery
		}
		if w.To == "bad@example.com" || w.To == "bad2@example.com" {
			return refusal(w)
		}
		return accepted(w)
	})
	came(t, s, gone, breach.ReturnFailed, breach.BounceHard, "x")
	fold(t, s)
	tally(t, s, id)
	if _, err := s.FinishCampaign(t.Context(), id, 1); err != nil {
		t.Fatal(err)
	}
	return id
}

// Everything adds up after a campaign with every kind of outcome; and of each identity one violation, put into the tables by
// hand, is seen.
func TestReconcile(t *testing.T) {
	s, url := openAt(t)
	id := sentCampaign(t, s)
	clean, err := s.Reconcile(t.Context(), id, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	var told int64
	for _, i := range clean {
		if !i.Holds() {
			t.Errorf("%s: %d and %d", i.Name, i.Left, i.Right)
		}
		if i.Says.ZH == "" || i.Says.EN == "" {
			t.Errorf("%s says nothing", i.Name)
		}
		if i.Name == "told_email" {
			told = i.Left
		}
	}
	if told == 0 {
		t.Error("nobody is told by mail, so nothing was proved")
	}
	violations := map[string]string{
		"people":             `update cohort set people = people + 1 where no = 1`,
		"recipients":         `update cohort set recipients = recipients + 1 where no = 1`,
		"sum":                `update standing set state = 'forgotten' where id = (select min(id) from standing where flags = 1)`,
		"recipient_sum":      `update standing set state = 'forgotten' where id = (select min(id) from standing)`,
		"standings":          `insert into standing (incident_no, id, passed, flags, state) select incident_no, 999999, 0, 1, 'open' from campaign`,
		"campaigns":          `update campaign set hi = hi - 1`,
		"shards":             `update shard set hi = hi - 1 where shard = 1`,
		"ledger":             `update delivery set shard = 77 where contact = (select min(contact) from delivery)`,
		"running_people":     `insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n) select incident_no, 'person', 0, 1, '', 'told', 1 from campaign`,
		"running_recipients": `insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n) select incident_no, 'recipient', 1, 1, 'email', 'told', -1 from campaign`,
		"running_deliveries": `insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n) select incident_no, 'delivery', 1, 0, 'email', 'accepted', 1 from campaign`,
		"public":             `update standing set state = 'public', told_by = null where state = 'missed'`,
		"bounces":            `update delivery set state = 'bounced' where channel = 'sms' and contact = (select max(contact) from delivery where channel = 'sms')`,
		"returned": `insert into receipt_fact (incident_no, campaign_n, channel, contact, kind, class, status, how, blind)
			select incident_no, campaign_n, channel, contact, 'failed', 'hard', '5.1.1', 'address', '\x01' from delivery where state = 'accepted' order by contact limit 1`,
		"exempt":   `update standing set state = 'exempt' where state = 'missed'`,
		"families": `update standing set person_state = 'missed' where flags = 3 and person_state = 'told'`,
		"once_email": `insert into delivery (incident_no, campaign_n, channel, contact, shard, state, fence)
			select d.incident_no, 1, 'email', b.id, d.shard, 'rejected', 1 from recipient a join recipient b on b.email = a.email and b.id > a.id
			join delivery d on d.contact = a.id and d.channel = 'email' limit 1`,
		"once_sms": `with twin as (update recipient set sms = (select sms from recipient where id = (select min(contact) from delivery where channel = 'sms'))
				where id = (select max(id) from recipient) returning incident_no, id)
			insert into delivery (incident_no, campaign_n, channel, contact, shard, state, fence) select incident_no, 1, 'sms', id, 3, 'rejected', 1 from twin`,
		"told_email":     `update delivery set state = 'rejected' where channel = 'email' and state = 'accepted'`,
		"accepted_email": `update standing set state = 'missed' where told_by = 'email' and flags = 1 and id = (select min(id) from standing where told_by = 'email' and flags = 1)`,
		"told_sms":       `update standing set told_by = 'sms' where told_by = 'email' and flags = 1`,
		"accepted_sms":   `update standing set state = 'missed' where told_by = 'sms' and flags = 1`,
	}
	elsewhere := []string{"recipients", "standings"} // these violations lie outside of the campaign
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	alone, err := s.Reconcile(t.Context(), id, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range alone {
		if !i.Holds() || i.Left == 0 && slices.Contains([]string{"recipients", "recipient_sum", "told_email", "returned"}, i.Name) {
			t.Errorf("of the campaign alone, %s: %d and %d", i.Name, i.Left, i.Right)
		}
	}
	clean = append(clean, store.Identity{Name: "recipient_sum"})
	for _, i := range clean {
		violation, ok := violations[i.Name]
		if !ok {
			t.Errorf("nobody has seen %s fire", i.Name)
			continue
		}
		t.Run(i.Name, func(t *testing.T) {
			tx, err := db.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(t.Context())
			tag, err := tx.Exec(t.Context(), violation)
			if err != nil || tag.RowsAffected() == 0 {
				t.Fatalf("the violation changes nothing: %v", err)
			}
			fires := func(campaign int) (counted, fires bool) {
				got, err := store.ReconcileIn(t.Context(), tx, id, campaign)
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(got, func(x store.Identity) bool { return x.Name == i.Name })
				return at >= 0, at >= 0 && !got[at].Holds()
			}
			whole, seen := fires(0)
			one, seenAlone := fires(1)
			if whole && !seen || one && !seenAlone && !slices.Contains(elsewhere, i.Name) || !whole && !one {
				t.Errorf("it is not seen: of the incident %v, of the campaign %v", seen, seenAlone)
			}
		})
	}
}
