package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// ImportIssue is a row that was set aside, or kept with a warning. It never holds the value.
type ImportIssue struct {
	Line     int64  `json:"line" db:"line"`
	Column   string `json:"column" db:"column_name"`
	Reason   string `json:"reason" db:"reason"`
	SetAside bool   `json:"set_aside" db:"set_aside"`
}

// ImportResult sums up one file. RowsIn always equals PeopleNew + PeopleKnown + SetAside.
type ImportResult struct {
	No          int    `json:"no" db:"no"`
	Encoding    string `json:"encoding" db:"encoding"`
	RowsIn      int64  `json:"rows_in" db:"rows_in"`
	PeopleNew   int64  `json:"people_new" db:"people_new"`
	PeopleKnown int64  `json:"people_known" db:"people_known"`
	SetAside    int64  `json:"set_aside" db:"set_aside"`
	Warnings    int64  `json:"warnings" db:"warnings"`
}

// issueBatch is how many issues are written at once.
const issueBatch = 5000

// Import loads one file. People are sealed and copied into a table of the import's own as they come, and become part of the
// incident when it is finished. It is not safe for concurrent use; every Import must be finished or aborted.
type Import struct {
	store   *Store
	conn    *pgxpool.Conn // holds the incident's import lock
	no      int64         // the incident's
	id      breach.IncidentID
	by      breach.Person
	cohorts cohorts
	sealing *sealing // nil before the first person
	batch   *sealBatch
	ids     idBlock
	roles   []breach.Audience
	issues  []ImportIssue
	added   added
	copied  int64 // recipients of whom the database says that it has them
	result  ImportResult
}

// BeginImport opens a file's import into an incident. One file at a time is read into an incident; a second one is refused. What
// an import that broke off had read becomes part of the incident now.
func (s *Store) BeginImport(ctx context.Context, id breach.IncidentID, by breach.Person) (*Import, error) {
	if _, err := s.keys.Keys(ctx, id); err != nil {
		return nil, err
	}
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("begin import", err)
	}
	imp := &Import{store: s, no: no, id: id, by: by, cohorts: cohorts{store: s, no: no, known: map[cohortKey]*cohortOf{}}}
	if err := imp.lock(ctx); err != nil {
		return nil, err
	}
	if err := imp.begin(ctx); err != nil {
		imp.Abort()
		return nil, err
	}
	return imp, nil
}

// importLock is the first half of the advisory lock's key, the incident's number the second.
const importLock = 0x70656f70

func (imp *Import) lock(ctx context.Context) error {
	conn, err := imp.store.pool.Acquire(ctx)
	if err != nil {
		return bare(err)
	}
	var held bool
	if err := conn.QueryRow(ctx, `select pg_try_advisory_lock($1, $2)`, importLock, imp.no).Scan(&held); err != nil {
		conn.Release()
		return wrap("begin import", err)
	}
	if !held {
		conn.Release()
		return refused("import_under_way", "another file is being read into %s: send this one when that has ended", imp.id)
	}
	imp.conn = conn
	return nil
}

func (imp *Import) begin(ctx context.Context) error {
	if err := imp.store.mergeLeftovers(ctx, imp.no); err != nil {
		return err
	}
	return imp.store.tx(ctx, "begin import", func(tx pgx.Tx) error {
		if _, err := lockIncident(ctx, tx, imp.id); err != nil {
			return err
		}
		if err := ensurePartitions(ctx, tx, imp.no); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			insert into people_import (incident_no, no, by_person)
			select $1, coalesce(max(no), 0) + 1, $2 from people_import where incident_no = $1 returning no`, imp.no, imp.by).Scan(&imp.result.No)
	})
}

// Add takes one person.
func (imp *Import) Add(ctx context.Context, p AffectedPerson) error {
	if imp.sealing == nil {
		if err := imp.openStage(ctx); err != nil {
			return err
		}
	}
	imp.result.RowsIn++
	b := imp.batch
	first := len(b.rows)
	b.rows, imp.roles = recipientsOf(b.rows, imp.roles[:0], &p)
	for i, role := range imp.roles {
		row := &b.rows[first+i]
		cohort, err := imp.cohorts.of(ctx, role, &p)
		if err != nil {
			return err
		}
		row.cohort = cohort.no
		if row.id, err = imp.ids.next(ctx, imp.store.pool); err != nil {
			return wrap("import people", err)
		}
		imp.added.row(row, cohort)
	}
	if len(b.rows) < sealBatchRows {
		return nil
	}
	imp.sealing.add(b)
	imp.batch = newSealBatch()
	if imp.sealing.failed() {
		return imp.endSealing()
	}
	return nil
}

// openStage makes the import's own table.
func (imp *Import) openStage(ctx context.Context) error {
	table := stageName(imp.no, imp.result.No)
	if _, err := imp.store.pool.Exec(ctx, fmt.Sprintf(`
		create table %s (like recipient, constraint of_incident check (incident_no = %d));
		alter table %[1]s alter column incident_no set default %[2]d`, table, imp.no)); err != nil {
		return wrap("import people", err)
	}
	imp.batch = newSealBatch()
	imp.sealing = startSealing(ctx, imp.conn, func() (*seal.Keys, error) { return imp.store.keys.Keys(ctx, imp.id) }, table)
	return nil
}

// endSealing waits until all that was added is copied.
func (imp *Import) endSealing() error {
	if imp.sealing == nil {
		return nil
	}
	if len(imp.batch.rows) > 0 {
		imp.sealing.add(imp.batch)
	}
	copied, err := imp.sealing.close()
	imp.copied = copied
	imp.sealing, imp.batch = nil, nil
	return wrap("import people", err)
}

// Report takes an issue of a row. A row that is set aside counts as read; a warning belongs to a row that is added too.
func (imp *Import) Report(ctx context.Context, issue ImportIssue) error {
	imp.issues = append(imp.issues, issue)
	if issue.SetAside {
		imp.result.RowsIn++
		imp.result.SetAside++
	} else {
		imp.result.Warnings++
	}
	if len(imp.issues) < issueBatch {
		return nil
	}
	return imp.writeIssues(ctx)
}

func (imp *Import) writeIssues(ctx context.Context) error {
	if len(imp.issues) == 0 {
		return nil
	}
	_, err := imp.store.pool.CopyFrom(ctx, pgx.Identifier{"import_reject"}, []string{"incident_no", "import_no", "line", "column_name", "reason", "set_aside"},
		pgx.CopyFromSlice(len(imp.issues), func(i int) ([]any, error) {
			x := imp.issues[i]
			return []any{imp.no, imp.result.No, x.Line, x.Column, x.Reason, x.SetAside}, nil
		}))
	imp.issues = imp.issues[:0]
	return wrap("write import issues", err)
}

// Progress is how many rows were read so far.
func (imp *Import) Progress() int64 { return imp.result.RowsIn }

// Abort ends an import that cannot go on. What was copied stays aside until the next import into the incident takes it over:
// loading the file again completes it. Until then the incident cannot be closed.
func (imp *Import) Abort() {
	if imp.conn == nil {
		return
	}
	_ = imp.endSealing() // the caller has an error already
	ctx := context.Background()
	_, err := imp.conn.Exec(ctx, `select pg_advisory_unlock($1, $2)`, importLock, imp.no)
	if err == nil {
		_, err = imp.conn.Exec(ctx, `reset synchronous_commit`)
	}
	if err != nil {
		_ = imp.conn.Conn().Close(ctx) // the lock, and the setting, end with their connection
	}
	imp.conn.Release()
	imp.conn = nil
}

// Finish makes the people part of the incident, tells the engine, and returns the sums. sum is the SHA-256 of the file.
func (imp *Import) Finish(ctx context.Context, encoding string, sum [sha256.Size]byte) (ImportResult, error) {
	defer imp.Abort()
	if err := errors.Join(imp.endSealing(), imp.writeIssues(ctx)); err != nil {
		return imp.result, err
	}
	imp.added.cohorts = imp.cohorts.known
	if n := imp.added.recipients(); n != imp.copied {
		return imp.result, fmt.Errorf("import people: %d recipients were copied, and %d added", imp.copied, n)
	}
	merged, err := imp.store.mergeStage(ctx, imp.no, imp.result.No, &imp.added)
	if err != nil {
		return imp.result, err
	}
	imp.result.Encoding, imp.result.PeopleNew = encoding, merged.people
	imp.result.PeopleKnown = imp.result.RowsIn - imp.result.SetAside - merged.people
	r := imp.result
	err = imp.store.tx(ctx, "finish import", func(tx pgx.Tx) error {
		if _, err := lockIncident(ctx, tx, imp.id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update people_import set sha256 = $3, encoding = $4, rows_in = $5, people_new = $6, people_known = $7, set_aside = $8, warnings = $9, finished_at = now()
			where incident_no = $1 and no = $2`,
			imp.no, r.No, sum[:], encoding, r.RowsIn, r.PeopleNew, r.PeopleKnown, r.SetAside, r.Warnings); err != nil {
			return err
		}
		if err := note(ctx, tx, imp.no, imp.by, "people.import", string(imp.id), Detail{
			"import": r.No, "rows": r.RowsIn, "new": r.PeopleNew, "known": r.PeopleKnown, "set_aside": r.SetAside,
		}); err != nil {
			return err
		}
		tally, err := countPeople(ctx, tx, imp.no)
		if err != nil {
			return err
		}
		if err := imp.raiseFacts(ctx, tx, tally); err != nil {
			return err
		}
		return post(ctx, tx, imp.no, PeopleImported, string(imp.id), "people", PeopleCount{Affected: tally.Affected, Import: r.No})
	})
	return r, err
}

// raiseFacts states what the people on file prove: at least so many are affected, at least so many of them minors. A
// higher number that somebody stated stays.
func (imp *Import) raiseFacts(ctx context.Context, tx pgx.Tx, t breach.Tally) error {
	var facts breach.Facts
	if err := tx.QueryRow(ctx, `select facts from fact_revision where incident_no = $1 order by rev desc limit 1`, imp.no).Scan(&facts); err != nil {
		return err
	}
	patch := breach.Facts{}
	for name, n := range map[breach.FactName]int64{"people.total": t.Affected, "people.u18": t.Minors, "people.u14": t.Under14} {
		if known, ok := facts.Int(name); !ok || known < n {
			patch[name] = n
		}
	}
	_, err := amend(ctx, tx, imp.no, patch, imp.by, fmt.Sprintf("counted in people file %d", imp.result.No))
	return err
}

// idBlock hands out recipient ids. One import at a time runs in an incident, so its ids are above those of the imports before. Its
// blocks double, since each one costs a commit: a small file wastes few ids, and a large one waits a few times.
type idBlock struct{ at, end, size int64 }

const (
	firstIDBlock = 10_000
	mostIDBlock  = 1_280_000
)

func (b *idBlock) next(ctx context.Context, q querier) (int64, error) {
	if b.at == b.end {
		b.size = min(max(firstIDBlock, 2*b.size), mostIDBlock)
		// Callers take turns for this moment only.
		err := q.QueryRow(ctx, `
			with turn as materialized (select pg_advisory_xact_lock(hashtextextended('recipient_id', 1)))
			select setval('recipient_id', nextval('recipient_id') + $1 - 1) from turn`, b.size).Scan(&b.end)
		if err != nil {
			return 0, err
		}
		b.end++
		b.at = b.end - b.size
	}
	b.at++
	return b.at - 1, nil
}

// ImportIssues lists an import's issues after a line, at most limit.
func (s *Store) ImportIssues(ctx context.Context, id breach.IncidentID, importNo int, after int64, limit int) ([]ImportIssue, error) {
	issues, err := list[ImportIssue](ctx, s.pool, `
		select r.line, r.column_name, r.reason, r.set_aside from import_reject r join incident i on i.no = r.incident_no
		where i.id = $1 and r.import_no = $2 and r.line > $3 order by r.line limit $4`, id, importNo, after, limit)
	return issues, wrap("list import issues", err)
}

// Imports lists an incident's finished imports.
func (s *Store) Imports(ctx context.Context, id breach.IncidentID) ([]ImportResult, error) {
	r, err := list[ImportResult](ctx, s.pool, `
		select p.no, p.encoding, p.rows_in, p.people_new, p.people_known, p.set_aside, p.warnings
		from people_import p join incident i on i.no = p.incident_no where i.id = $1 and p.finished_at is not null order by p.no`, id)
	return r, wrap("list imports", err)
}
