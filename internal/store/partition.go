package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// partitioned are the tables of people that exist from an incident's first file on, with the part of a page that is left
// free: their rows change, and a change that stays on its page touches no index.
var partitioned = []struct {
	table      string
	fillfactor int
}{{"standing", 85}, {"delivery", 70}, {"shared_contact", 100}}

// growing are those of them that fill while a campaign is under way.
var growing = []string{"standing", "delivery"}

// ensurePartitions gives an incident its own tables. They are attached rather than created as partitions, because that takes
// no lock that would wait for other incidents' work.
func ensurePartitions(ctx context.Context, tx pgx.Tx, no int64) error {
	for _, p := range partitioned {
		name := p.table + "_" + strconv.FormatInt(no, 10)
		exists, err := tableExists(ctx, tx, name)
		if err != nil {
			return err
		}
		if exists {
			continue
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(
			`create table %[1]s (like %[2]s including all) with (fillfactor = %[4]d); alter table %[2]s attach partition %[1]s for values in (%[3]d)`,
			name, p.table, no, p.fillfactor)); err != nil {
			return err
		}
	}
	return nil
}

func tableExists(ctx context.Context, q querier, name string) (exists bool, err error) {
	err = q.QueryRow(ctx, `select to_regclass($1) is not null`, name).Scan(&exists)
	return exists, err
}

// recipientName is the partition of an incident's recipients, stageName the table that one import fills.
func recipientName(no int64) string { return fmt.Sprintf("recipient_%d", no) }

func stageName(no int64, importNo int) string { return fmt.Sprintf("recipient_%d_in_%d", no, importNo) }

// tellingIndexes are over what telling asks of recipients: by id, by contact, and those of a person with several.
var tellingIndexes = []struct{ name, on string }{
	{"id", "(id)"}, {"several", "(person) where flags & 2 <> 0"}, {"email", "(email)"}, {"sms", "(sms)"}, {"push", "(push)"},
}

// indexContacts makes the indexes by which recipients, and those who share a contact, are found, once an incident's people are about to
// be told. Loading goes without them: building them over all rows is several times faster than row by row.
func (s *Store) indexContacts(ctx context.Context, no int64) error {
	table := recipientName(no)
	if exists, err := tableExists(ctx, s.pool, table); err != nil || !exists {
		return wrap("index contacts", err)
	}
	for _, index := range tellingIndexes {
		name := table + "_" + index.name
		if exists, err := tableExists(ctx, s.pool, name); err != nil {
			return wrap("index contacts", err)
		} else if exists {
			continue
		}
		err := s.tx(ctx, "index contacts", func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, fmt.Sprintf(`set local maintenance_work_mem = '256MB'; create index if not exists %s on %s %s`, name, table, index.on))
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err := s.pool.Exec(ctx, `vacuum (analyze) `+table) // what was loaded is visible to all, so an index says enough
	return wrap("index contacts", err)
}
