package store

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
)

// Withdraw asks that a report which was filed be taken back, because the newest assessment does not find the duty owed. The reason
// becomes the form's answer; the withdrawal is drafted, approved by others and filed like every report.
func (s *Store) Withdraw(ctx context.Context, id breach.IncidentID, key, why string, by breach.Person) error {
	if strings.TrimSpace(why) == "" {
		return refused("needs_reason", "say why the report is taken back: the withdrawal says so to the authority")
	}
	return s.tx(ctx, "withdraw", func(tx pgx.Tx) error {
		no, err := lockIncident(ctx, tx, id)
		if err != nil {
			return err
		}
		var owed breach.Owed
		var filed, back bool
		err = tx.QueryRow(ctx, `
			select o.owed, exists (select from filing f where f.incident_no = o.incident_no and f.obligation_key = o.key and f.state = 'accepted'), o.status = 'withdrawn'
			from obligation o where o.incident_no = $1 and o.key = $2`, no, key).Scan(&owed, &filed, &back)
		if err != nil {
			return err
		}
		switch {
		case back:
			return refused("withdrawn", "the report for %s was taken back already", key)
		case !filed:
			return refused("not_filed", "no report for %s was filed, so there is nothing to take back", key)
		case owed != breach.NotOwed:
			return refused("still_owed", "the newest assessment finds %s %s: amend the facts first, then take the report back", key, owed)
		}
		if _, err := s.setAnswers(ctx, tx, no, id, key, by, []Answer{{Item: WithdrawalItem, Text: breach.Text{ZH: why, EN: why}}}); err != nil {
			return err
		}
		if err := note(ctx, tx, no, by, "filing.withdraw", key, Detail{}); err != nil {
			return err
		}
		return post(ctx, tx, no, Withdrawn, key, key, WithdrawalAsked{Obligation: key})
	})
}
