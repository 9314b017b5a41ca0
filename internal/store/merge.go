package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// merged is what an import brought.
type merged struct{ people, recipients, reached int64 }

// added is what one import added to its table, counted while it was added.
type added struct {
	lo, hi  int64 // of the ids, hi exclusive; both 0 before the first
	cohorts map[cohortKey]*cohortOf
}

func (a *added) row(r *recipientRow, c *cohortOf) {
	if a.hi == 0 {
		a.lo = r.id
	}
	a.hi = r.id + 1
	c.added.recipients++
	if r.flags&flagHead != 0 {
		c.added.people++
	}
}

func (a *added) recipients() (n int64) {
	for _, c := range a.cohorts {
		n += c.added.recipients
	}
	return n
}

// mergeLeftovers takes over what imports that broke off had read. The caller holds the incident's import lock.
func (s *Store) mergeLeftovers(ctx context.Context, no int64) error {
	rows, err := s.pool.Query(ctx, `select no from people_import where incident_no = $1 and finished_at is null order by no`, no)
	if err != nil {
		return wrap("read imports", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return wrap("read imports", err)
	}
	for _, importNo := range open {
		m, err := s.mergeStage(ctx, no, importNo, nil)
		if err != nil {
			return err
		}
		if _, err := s.pool.Exec(ctx, `
			update people_import set finished_at = now(), rows_in = $3, people_new = $3 where incident_no = $1 and no = $2`, no, importNo, m.people); err != nil {
			return wrap("end import", err)
		}
	}
	return nil
}

// mergeStage makes an import's table part of the incident's people: each person once, whatever the file or an earlier one
// said of them, and no recipient twice. Merging again changes nothing. The caller holds the incident's import lock, and gives
// what it knows to be in the table, or nil.
func (s *Store) mergeStage(ctx context.Context, no int64, importNo int, known *added) (m merged, err error) {
	stage, table := stageName(no, importNo), recipientName(no)
	err = s.tx(ctx, "merge people", func(tx pgx.Tx) error {
		staged, err := tableExists(ctx, tx, stage)
		if err != nil || !staged {
			return err
		}
		present, err := tableExists(ctx, tx, table)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `set local maintenance_work_mem = '256MB'; set local work_mem = '64MB'`); err != nil {
			return err
		}
		x := merging{tx: tx, no: no, stage: stage, table: table}
		asAdded := false // nothing was united
		if present {
			err = x.unite(ctx, true)
		} else {
			asAdded, err = x.index(ctx)
		}
		if err != nil {
			return err
		}
		if asAdded && known != nil {
			m, err = x.write(ctx, importNo, known)
		} else {
			m, err = x.count(ctx, importNo)
		}
		if err != nil {
			return err
		}
		return x.end(ctx, present)
	})
	return m, err
}

type merging struct {
	tx           pgx.Tx
	no           int64
	stage, table string
}

// run executes statements with the names put in: {stage}, {table}, {no}.
func (m merging) run(ctx context.Context, sql string) error {
	sql = strings.NewReplacer("{stage}", m.stage, "{table}", m.table, "{no}", fmt.Sprint(m.no)).Replace(sql)
	_, err := m.tx.Exec(ctx, sql)
	return err
}

const uniquePerson = `create unique index {table}_person on {stage} (person) where flags & 1 <> 0`

// index is for the first file. That nobody is in it twice is proved by the index itself; only where the index cannot be made
// are they looked for, and asAdded is false.
func (m merging) index(ctx context.Context) (asAdded bool, err error) {
	err = pgx.BeginFunc(ctx, m.tx, func(sub pgx.Tx) error {
		return merging{sub, m.no, m.stage, m.table}.run(ctx, uniquePerson)
	})
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "23505" { // unique_violation
		if err = m.unite(ctx, false); err == nil {
			err = m.run(ctx, uniquePerson)
		}
		return false, err
	}
	return true, err
}

// end makes the stage's rows the incident's.
func (m merging) end(ctx context.Context, present bool) error {
	if present {
		return m.run(ctx, `insert into {table} select * from {stage} order by id; drop table {stage}`)
	}
	// The check spares PostgreSQL from reading the table for what all of its rows say.
	return m.run(ctx, `alter table {stage} rename to {table}; alter table recipient attach partition {table} for values in ({no});
		alter table {table} drop constraint if exists of_incident`)
}

// unite leaves one row that stands for each person, and drops recipients that are there already: the same person, role and
// contacts. A person who is on file gains the recipients that are new, so a second file with better contacts is not lost.
func (m merging) unite(ctx context.Context, present bool) error {
	onFile, headOnFile := "", "false"
	if present {
		if err := m.dropKnown(ctx); err != nil {
			return err
		}
		onFile = `union select s.person from {stage} s join {table} p on p.person = s.person and p.flags & 1 <> 0`
		headOnFile = `exists (select from {table} p where p.person = s.person and p.flags & 1 <> 0)`
	}
	err := m.run(ctx, `
		create index {stage}_person on {stage} (person);
		analyze {stage};
		create temporary table again (person uuid primary key) on commit drop;
		insert into again select person from {stage} where flags & 1 <> 0 group by person having count(*) > 1 `+onFile+`;
		analyze again;
		delete from {stage} s using (
			select s.id, row_number() over (partition by s.person, c.role, s.email, s.sms, s.push order by s.id) as n
			from {stage} s join again a on a.person = s.person join cohort c on c.incident_no = {no} and c.no = s.cohort) d
		where d.id = s.id and d.n > 1;
		update {stage} s set flags = flags & ~1 from again a
		where s.person = a.person and s.flags & 1 <> 0 and (`+headOnFile+` or s.id > (select min(x.id) from {stage} x where x.person = s.person and x.flags & 1 <> 0));
		update {stage} s set flags = flags | 2 from again a where s.person = a.person;
		drop index {stage}_person`)
	if err != nil || !present {
		return err
	}
	// Whose only row was on file has several now; all others that have several are flagged already.
	return m.run(ctx, `
		update {table} p set flags = p.flags | 2 from (select distinct s.person from {stage} s join again a on a.person = s.person) x
		where p.person = x.person and p.flags & 1 <> 0 and p.flags & 2 = 0;
		update standing t set flags = p.flags, person_state = coalesce(t.person_state, t.state) from {table} p join again a on a.person = p.person
		where p.flags & 2 <> 0 and t.incident_no = {no} and t.id = p.id and t.flags <> p.flags`)
}

// dropKnown leaves out the recipients that are on file already, nearly all where a file comes twice or completes one that broke
// off: what is new moves to a table that takes the stage's place. Those on file are found by two indexes, or joined as a whole
// where the new file is large: the rows that stand for their person, and then the others, whose persons have several.
func (m merging) dropKnown(ctx context.Context) error {
	const known = ` exists (select from {table} p join cohort k on k.incident_no = {no} and k.no = p.cohort
		where p.person = s.person and k.role = c.role and p.email is not distinct from s.email and p.sms is not distinct from s.sms
			and p.push is not distinct from s.push and `
	return m.run(ctx, `
		create index if not exists {table}_several on {table} (person) where flags & 2 <> 0;
		analyze {table};
		analyze {stage};
		create table {stage}_new (like {stage} including all);
		insert into {stage}_new select s.* from {stage} s join cohort c on c.incident_no = {no} and c.no = s.cohort
		where not`+known+`p.flags & 1 <> 0) and not`+known+`p.flags & 1 = 0 and p.flags & 2 <> 0);
		drop table {stage};
		alter table {stage}_new rename to {stage}`)
}

// write writes down what an import knows that it added, by cohort and for itself.
func (m merging) write(ctx context.Context, importNo int, known *added) (out merged, err error) {
	var no []int32
	var people, recipients []int64
	for _, c := range known.cohorts {
		no, people, recipients = append(no, c.no), append(people, c.added.people), append(recipients, c.added.recipients)
		out.people += c.added.people
		out.recipients += c.added.recipients
	}
	out.reached = out.people // nobody of them was there before
	_, err = m.tx.Exec(ctx, `
		with counted as (
			update cohort c set people = c.people + b.people, recipients = c.recipients + b.recipients
			from unnest($3::integer[], $4::bigint[], $5::bigint[]) as b (no, people, recipients)
			where c.incident_no = $1 and c.no = b.no)
		update people_import set lo = $6, hi = $7, recipients = $8, reached = $9 where incident_no = $1 and no = $2`,
		m.no, importNo, no, people, recipients, known.lo, known.hi, out.recipients, out.reached)
	return out, err
}

// count writes down what the stage holds, by cohort and for the import.
func (m merging) count(ctx context.Context, importNo int) (out merged, err error) {
	err = m.tx.QueryRow(ctx, `
		with brought as (
			select cohort, count(*) filter (where flags & 1 <> 0) as people, count(*) as recipients, min(id) as lo, max(id) + 1 as hi from `+m.stage+` group by cohort),
		counted as (
			update cohort c set people = c.people + b.people, recipients = c.recipients + b.recipients from brought b
			where c.incident_no = $1 and c.no = b.cohort returning 1),
		gained as (
			select count(distinct person) as n from `+m.stage+` s where flags & 2 <> 0 and flags & 1 = 0
				and not exists (select from `+m.stage+` h where h.person = s.person and h.flags & 1 <> 0))
		update people_import i set lo = b.lo, hi = b.hi, recipients = coalesce(b.recipients, 0), reached = coalesce(b.people, 0) + gained.n
		from (select min(lo) as lo, max(hi) as hi, sum(people) as people, sum(recipients) as recipients from brought) b, gained
		where i.incident_no = $1 and i.no = $2 returning coalesce(b.people, 0), i.recipients, i.reached`, m.no, importNo).
		Scan(&out.people, &out.recipients, &out.reached)
	return out, err
}
