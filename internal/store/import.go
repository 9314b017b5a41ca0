package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// AffectedPerson is one row of a file of people, cleaned. Everything in it but Age and Language is sealed on its way in.
type AffectedPerson struct {
	Identity  string // equal for the same person in another file
	Name      string
	Contacts  Contacts
	Age       string // audience.AgeClass: "adult", "minor", "under_14", "unknown"
	Minor     bool   // a guardian must be told
	Language  breach.Language
	Guardians []Guardian
}

// Contacts are where somebody can be reached, normalised; empty where unknown.
type Contacts struct {
	Email, Phone, Push string
}

// Guardian is who is told for a minor.
type Guardian struct {
	Name     string
	Contacts Contacts
}

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

// importBatch is how many people one transaction carries: large enough for COPY to pay, small enough for flat memory.
const importBatch = 5000

// Import loads one file. It is not safe for concurrent use; every Import must be finished or aborted.
type Import struct {
	store  *Store
	conn   *pgxpool.Conn
	keys   *seal.Keys
	no     int64 // the incident's
	id     breach.IncidentID
	by     breach.Person
	batch  []AffectedPerson
	issues []ImportIssue
	result ImportResult
}

// partitioned are the tables of people, each with one partition an incident.
var partitioned = []string{"affected_person", "contact", "recipient", "delivery"}

// BeginImport opens a file's import into an incident.
func (s *Store) BeginImport(ctx context.Context, id breach.IncidentID, by breach.Person) (*Import, error) {
	keys, err := s.keys.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	imp := &Import{store: s, keys: keys, id: id, by: by}
	err = s.tx(ctx, "begin import", func(tx pgx.Tx) error {
		if imp.no, err = lockIncident(ctx, tx, id); err != nil {
			return err
		}
		if err := ensurePartitions(ctx, tx, imp.no); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `
			insert into people_import (incident_no, no, by_person)
			select $1, coalesce(max(no), 0) + 1, $2 from people_import where incident_no = $1 returning no`, imp.no, by).Scan(&imp.result.No)
	})
	if err != nil {
		return nil, err
	}
	if imp.conn, err = s.pool.Acquire(ctx); err != nil {
		return nil, bare(err)
	}
	_, err = imp.conn.Exec(ctx, `
		create temp table if not exists stage_person (id bigint, identity bytea, sealed bytea, age text);
		create temp table if not exists stage_contact (channel text, blind bytea, sealed bytea);
		create temp table if not exists stage_recipient (id bigint, identity bytea, role text, language text, sealed bytea, email bytea, sms bytea, push bytea);
		truncate stage_person, stage_contact, stage_recipient`)
	if err != nil {
		imp.conn.Release()
		return nil, wrap("begin import", bare(err))
	}
	return imp, nil
}

// ensurePartitions gives an incident its own tables of people. They are attached rather than created as partitions,
// because that takes no lock that would wait for other incidents' work.
func ensurePartitions(ctx context.Context, tx pgx.Tx, no int64) error {
	for _, table := range partitioned {
		name := table + "_" + strconv.FormatInt(no, 10)
		var exists bool
		if err := tx.QueryRow(ctx, `select to_regclass($1) is not null`, name).Scan(&exists); err != nil {
			return err
		}
		if exists {
			continue
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`create table %[1]s (like %[2]s including all); alter table %[2]s attach partition %[1]s for values in (%[3]d)`, name, table, no)); err != nil {
			return err
		}
	}
	return nil
}

// Add takes one person. It writes to the database once a batch is full.
func (imp *Import) Add(ctx context.Context, p AffectedPerson) error {
	imp.batch = append(imp.batch, p)
	imp.result.RowsIn++
	return imp.flushFull(ctx)
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
	return imp.flushFull(ctx)
}

func (imp *Import) flushFull(ctx context.Context) error {
	if len(imp.batch) < importBatch && len(imp.issues) < importBatch {
		return nil
	}
	return imp.flush(ctx)
}

// Progress is how many rows were read so far.
func (imp *Import) Progress() int64 { return imp.result.RowsIn }

// Abort ends an import that cannot go on. What was written stays: loading the file again completes it.
func (imp *Import) Abort() {
	if imp.conn != nil {
		imp.conn.Release()
		imp.conn = nil
	}
}

// Finish writes the rest, tells the engine, and returns the sums. sum is the SHA-256 of the file.
func (imp *Import) Finish(ctx context.Context, encoding string, sum [sha256.Size]byte) (ImportResult, error) {
	defer imp.Abort()
	if err := imp.flush(ctx); err != nil {
		return imp.result, err
	}
	imp.result.Encoding = encoding
	r := imp.result
	err := imp.store.tx(ctx, "finish import", func(tx pgx.Tx) error {
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

func (imp *Import) flush(ctx context.Context) error {
	if len(imp.batch) == 0 && len(imp.issues) == 0 {
		return nil
	}
	added, err := int64(0), error(nil)
	err = wrap("import people", pgx.BeginFunc(ctx, imp.conn, func(tx pgx.Tx) error {
		if err := imp.stage(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, unstagePeople, imp.no).Scan(&added); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, unstageContacts, imp.no); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, unstageRecipients, imp.no); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `truncate stage_person, stage_contact, stage_recipient`)
		return err
	}))
	if err != nil {
		return err
	}
	imp.result.PeopleNew += added
	imp.result.PeopleKnown += int64(len(imp.batch)) - added
	imp.batch, imp.issues = imp.batch[:0], imp.issues[:0]
	return nil
}

const (
	unstagePeople = `
		with added as (
			insert into affected_person (incident_no, id, identity, sealed, age)
			select distinct on (identity) $1::bigint, id, identity, sealed, age from stage_person order by identity, id
			on conflict (incident_no, identity) do nothing returning 1)
		select count(*) from added`
	unstageContacts = `
		insert into contact (incident_no, id, channel, blind, sealed)
		select $1::bigint, nextval('contact_id'), channel, blind, sealed from (select distinct on (blind) * from stage_contact order by blind) s
		on conflict (incident_no, blind) do nothing`
	// A person who is on file already gains the recipients that are new, so a second file with better contacts is not lost.
	unstageRecipients = `
		insert into recipient (incident_no, id, person_id, role, language, sealed, email_contact, sms_contact, push_contact)
		select $1::bigint, s.id, p.id, s.role, s.language, s.sealed, e.id, m.id, d.id
		from stage_recipient s
		join affected_person p on p.incident_no = $1 and p.identity = s.identity
		left join contact e on e.incident_no = $1 and e.blind = s.email
		left join contact m on m.incident_no = $1 and m.blind = s.sms
		left join contact d on d.incident_no = $1 and d.blind = s.push
		on conflict do nothing`
)

// stage seals the batch and copies it into the connection's own tables.
func (imp *Import) stage(ctx context.Context, tx pgx.Tx) error {
	var st staging
	first, err := reserve(ctx, tx, "person_id", len(imp.batch))
	if err != nil {
		return err
	}
	for i, p := range imp.batch {
		if err := st.addPerson(imp.keys, first+int64(i), p); err != nil {
			return err
		}
	}
	if first, err = reserve(ctx, tx, "recipient_id", len(st.recipients)); err != nil {
		return err
	}
	for i, r := range st.recipients {
		id := first + int64(i)
		sealed, err := imp.keys.Seal("recipient", strconv.FormatInt(id, 10), r[4].([]byte))
		if err != nil {
			return err
		}
		r[0], r[4] = id, sealed
	}
	var issues [][]any
	for _, x := range imp.issues {
		issues = append(issues, []any{imp.no, imp.result.No, x.Line, x.Column, x.Reason, x.SetAside})
	}
	for _, c := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"stage_person", []string{"id", "identity", "sealed", "age"}, st.people},
		{"stage_contact", []string{"channel", "blind", "sealed"}, st.contacts},
		{"stage_recipient", []string{"id", "identity", "role", "language", "sealed", "email", "sms", "push"}, st.recipients},
		{"import_reject", []string{"incident_no", "import_no", "line", "column_name", "reason", "set_aside"}, issues},
	} {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{c.table}, c.columns, pgx.CopyFromRows(c.rows)); err != nil {
			return err
		}
	}
	return nil
}

// reserve takes n consecutive values of a sequence. Its callers take turns for this moment only, not for their transaction.
func reserve(ctx context.Context, tx pgx.Tx, sequence string, n int) (first int64, err error) {
	if n == 0 {
		return 0, nil
	}
	if _, err := tx.Exec(ctx, `select pg_advisory_lock(hashtextextended($1, 1))`, sequence); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `select setval($1::regclass, nextval($1::regclass) + $2 - 1) - $2 + 1`, sequence, n).Scan(&first)
	_, unlockErr := tx.Exec(ctx, `select pg_advisory_unlock(hashtextextended($1, 1))`, sequence)
	return first, errors.Join(err, unlockErr)
}

type staging struct {
	people, contacts, recipients [][]any
}

// recipientSecret is what recipient.sealed holds.
type recipientSecret struct {
	Name   string `json:"n,omitempty"` // whom to address
	Person string `json:"p,omitempty"` // whose data it was: the same name for an adult, the minor's for a guardian
}

func (st *staging) addPerson(keys *seal.Keys, id int64, p AffectedPerson) error {
	identity := keys.Blind("person", p.Identity)
	secret, err := json.Marshal(p)
	if err != nil {
		return errors.New("seal person: cannot encode")
	}
	sealed, err := keys.Seal("affected_person", strconv.FormatInt(id, 10), secret)
	if err != nil {
		return err
	}
	st.people = append(st.people, []any{id, identity, sealed, p.Age})
	if !p.Minor {
		return st.addRecipient(keys, identity, breach.ToPerson, p.Language, recipientSecret{p.Name, p.Name}, p.Contacts)
	}
	reachable := p.Contacts != Contacts{}
	if reachable {
		if err := st.addRecipient(keys, identity, breach.ToMinor, p.Language, recipientSecret{p.Name, p.Name}, p.Contacts); err != nil {
			return err
		}
	}
	for _, g := range p.Guardians {
		if err := st.addRecipient(keys, identity, breach.ToGuardian, p.Language, recipientSecret{g.Name, p.Name}, g.Contacts); err != nil {
			return err
		}
	}
	if len(p.Guardians) == 0 {
		// A minor without a known guardian still has one who must be told: a row that no channel reaches.
		return st.addRecipient(keys, identity, breach.ToGuardian, p.Language, recipientSecret{"", p.Name}, Contacts{})
	}
	return nil
}

func (st *staging) addRecipient(keys *seal.Keys, identity []byte, role breach.Audience, l breach.Language, secret recipientSecret, c Contacts) error {
	plain, err := json.Marshal(secret)
	if err != nil {
		return errors.New("seal recipient: cannot encode")
	}
	row := []any{nil, identity, role, l, plain, nil, nil, nil}
	for i, x := range []struct {
		channel breach.Channel
		value   string
	}{{breach.Email, c.Email}, {breach.SMS, c.Phone}, {breach.Push, c.Push}} {
		if x.value == "" {
			continue
		}
		blind := keys.Blind(string(x.channel), x.value)
		sealed, err := keys.Seal("contact", string(blind), []byte(x.value))
		if err != nil {
			return err
		}
		st.contacts = append(st.contacts, []any{x.channel, blind, sealed})
		row[5+i] = blind
	}
	st.recipients = append(st.recipients, row)
	return nil
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
