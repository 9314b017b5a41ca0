package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// DelayItem is the item that says why a report is late.
const DelayItem = "delay"

// WithdrawalItem is the item that says why a report is taken back.
const WithdrawalItem = "withdrawal"

// Answer is what a person says to an item of a form that facts cannot fill. Text answers; NotApplicable says why there can be
// no answer. With both empty an earlier answer is taken back. The texts are sealed.
type Answer struct {
	Item          string        `json:"item"`
	Text          breach.Text   `json:"text"`
	NotApplicable breach.Text   `json:"not_applicable"`
	By            breach.Person `json:"by,omitempty"`
	At            time.Time     `json:"at,omitzero"`
	Rev           int           `json:"rev,omitempty"` // the change of the obligation's answers that brought it
}

func (a Answer) given() bool { return a.Text != breach.Text{} || a.NotApplicable != breach.Text{} }

// maxAnswer bounds one answer in bytes, in both languages together.
const maxAnswer = 64 << 10

type sealedAnswer struct {
	Text          breach.Text `json:"text"`
	NotApplicable breach.Text `json:"not_applicable"`
}

// SetAnswers adds answers to an obligation's form and returns the revision they make. What says the same as before changes
// nothing; otherwise the engine hears of it and drafts a new version. Whether a form asks for an item is the caller's to know.
func (s *Store) SetAnswers(ctx context.Context, id breach.IncidentID, key string, by breach.Person, answers []Answer) (rev int, err error) {
	for _, a := range answers {
		switch n := len(a.Text.ZH) + len(a.Text.EN) + len(a.NotApplicable.ZH) + len(a.NotApplicable.EN); {
		case strings.TrimSpace(a.Item) == "":
			return 0, refused("answer", "an answer must name its item, such as cause")
		case n > maxAnswer:
			return 0, refused("too_large", "the answer to %s has %d bytes; at most %d are taken: put the rest into an attachment and refer to it", a.Item, n, maxAnswer)
		}
	}
	err = s.tx(ctx, "set answers", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		rev, err = s.setAnswers(ctx, tx, no, id, key, by, answers)
		return err
	})
	return rev, err
}

func (s *Store) setAnswers(ctx context.Context, tx pgx.Tx, no int64, id breach.IncidentID, key string, by breach.Person, answers []Answer) (int, error) {
	var duty breach.Duty
	if err := tx.QueryRow(ctx, `select duty from obligation where incident_no = $1 and key = $2`, no, key).Scan(&duty); err != nil {
		return 0, err
	}
	if duty != breach.DutyFiling {
		return 0, refused("not_a_filing", "%s is met without a report, so there is no form to answer", key)
	}
	known, rev, err := s.answersIn(ctx, tx, no, id, key, 0)
	if err != nil {
		return 0, err
	}
	changed := slices.DeleteFunc(slices.Clone(answers), func(a Answer) bool {
		i := slices.IndexFunc(known, func(k Answer) bool { return k.Item == a.Item })
		return i < 0 && !a.given() || i >= 0 && known[i].Text == a.Text && known[i].NotApplicable == a.NotApplicable
	})
	if len(changed) == 0 {
		return rev, nil
	}
	rev++
	items := []string{}
	keys, err := s.keysIn(ctx, tx, id)
	if err != nil {
		return 0, err
	}
	for _, a := range changed {
		plain, err := json.Marshal(sealedAnswer{a.Text, a.NotApplicable})
		if err != nil {
			return 0, err
		}
		sealed, err := keys.Seal("filing_answer", answerRow(key, rev, a.Item), plain)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, `insert into filing_answer (incident_no, obligation_key, rev, item, given, text_sealed, author) values ($1, $2, $3, $4, $5, $6, $7)`,
			no, key, rev, a.Item, a.given(), sealed, by); err != nil {
			return 0, err
		}
		items = append(items, a.Item)
	}
	if err := note(ctx, tx, no, by, "answers.set", key, Detail{"rev": rev, "items": items}); err != nil {
		return 0, err
	}
	if slices.Contains(items, DelayItem) {
		if err := endTasks(ctx, tx, no, by, key, breach.TaskLateReason); err != nil {
			return 0, err
		}
	}
	return rev, post(ctx, tx, no, AnswersSet, key, key, AnswersRev{Obligation: key, Rev: rev})
}

func answerRow(key string, rev int, item string) string {
	return fmt.Sprintf("%s#%d/%s", key, rev, item)
}

// Answers returns what is answered to an obligation's form as of a revision (0: the newest), by item, and the newest revision.
func (s *Store) Answers(ctx context.Context, id breach.IncidentID, key string, asOf int) ([]Answer, int, error) {
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, 0, wrap("read answers", err)
	}
	answers, rev, err := s.answersIn(ctx, s.pool, no, id, key, asOf)
	return answers, rev, wrap("read answers", err)
}

func (s *Store) answersIn(ctx context.Context, q querier, no int64, id breach.IncidentID, key string, asOf int) ([]Answer, int, error) {
	type row struct {
		Item   string        `db:"item"`
		Rev    int           `db:"rev"`
		Given  bool          `db:"given"`
		Sealed []byte        `db:"text_sealed"`
		Author breach.Person `db:"author"`
		At     time.Time     `db:"at"`
	}
	rows, err := list[row](ctx, q, `
		select distinct on (item) item, rev, given, text_sealed, author, at from filing_answer
		where incident_no = $1 and obligation_key = $2 and ($3 = 0 or rev <= $3) order by item, rev desc`, no, key, asOf)
	if err != nil || len(rows) == 0 {
		return nil, 0, err
	}
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	var out []Answer
	newest := 0
	for _, r := range rows {
		newest = max(newest, r.Rev)
		if !r.Given {
			continue
		}
		plain, err := keys.Open("filing_answer", answerRow(key, r.Rev, r.Item), r.Sealed)
		if err != nil {
			return nil, 0, err
		}
		var said sealedAnswer
		if err := json.Unmarshal(plain, &said); err != nil {
			return nil, 0, fmt.Errorf("answer %s of %s cannot be read", r.Item, key)
		}
		out = append(out, Answer{Item: r.Item, Text: said.Text, NotApplicable: said.NotApplicable, By: r.Author, At: r.At, Rev: r.Rev})
	}
	return out, newest, nil
}

// answersRev is the newest revision of an obligation's answers.
func answersRev(ctx context.Context, q querier, no int64, key string) (rev int, err error) {
	err = q.QueryRow(ctx, `select coalesce(max(rev), 0) from filing_answer where incident_no = $1 and obligation_key = $2`, no, key).Scan(&rev)
	return rev, err
}

// mustExplainLateness refuses a first report whose lawful instant has passed and that does not say why.
func mustExplainLateness(ctx context.Context, tx pgx.Tx, no int64, key string, said int) error {
	late, explained, err := lateness(ctx, tx, no, key, said, nil)
	if err != nil || !late || explained {
		return err
	}
	return refused("late_reason", "the law's instant for %s has passed, and the report does not say why it is late: answer the item %s, then decide on the new version", key, DelayItem)
}

// lateness tells whether a report that is handed over at an instant (nil: now) is late, and whether the answers up to a revision
// say why. A duty that was met once is not late again.
func lateness(ctx context.Context, q querier, no int64, key string, said int, at *time.Time) (late, explained bool, err error) {
	err = q.QueryRow(ctx, `
		select o.met_at is null and o.due_at is not null and coalesce($4, now()) > `+heldDue+`,
			coalesce((select given from filing_answer a where a.incident_no = o.incident_no and a.obligation_key = o.key and a.item = $5 and a.rev <= $3
				order by a.rev desc limit 1), false)
		from obligation o where o.incident_no = $1 and o.key = $2`, no, key, said, at, DelayItem).Scan(&late, &explained)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil // no duty of that key, no instant to miss
	}
	return late, explained, err
}
