package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/load"
	"tocsin/internal/store"
)

const (
	importRounds = 5
	importPeople = 1_000_000
)

// importPart measures loading people by the product's own way, from the file to the incident's table: read, checked, normalised,
// sealed, indexed. The reference is psql's \copy of the same file into a bare table.
func importPart(ctx context.Context, b *bench) error {
	s, err := startStack(ctx, b)
	if err != nil {
		return err
	}
	defer s.stop()
	file := filepath.Join(b.dir, "people.csv")
	if err := writePeople(file, importPeople); err != nil {
		return err
	}
	var ratios []float64
	for round := range importRounds {
		if err := s.settle(ctx); err != nil {
			return err
		}
		before := cpuOf(s.postmaster())
		ours, err := s.load(ctx, fmt.Sprintf("import %d", round), file)
		if err != nil {
			return err
		}
		server := cpuOf(s.postmaster()) - before
		if ours.People != importPeople {
			return fmt.Errorf("of %d people %d were imported", importPeople, ours.People)
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		theirs, err := s.copyBare(ctx, file)
		if err != nil {
			return err
		}
		ratio := theirs.Seconds() / ours.Seconds
		ratios = append(ratios, ratio)
		b.say("round %d: import %.0f people/s (%.0f MB at most; of processors %.2f µs a person, and PostgreSQL's %.2f), \\copy %.0f rows/s, ratio %.3f", round+1,
			importPeople/ours.Seconds, ours.PeakMB, ours.CPU*1e6/importPeople, server.Seconds()*1e6/importPeople, importPeople/theirs.Seconds(), ratio)
	}
	b.add("import_ratio", median(ratios))
	return nil
}

// writePeople writes a file of people who do not exist: each with an email address, most with a phone, every tenth a minor with
// a guardian.
func writePeople(file string, n int) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprint(w, "用户ID,姓名,邮箱,手机号,语言,出生日期,监护人姓名,监护人邮箱,监护人手机\n")
	for i := range n {
		born, guardian := fmt.Sprintf("19%02d-%02d-%02d", 50+i%50, 1+i%12, 1+i%28), ",,"
		if i%10 == 0 {
			born, guardian = fmt.Sprintf("20%02d-%02d-%02d", 14+i%8, 1+i%12, 1+i%28), fmt.Sprintf("示例家长,jiazhang.%07d@home.example,139%08d", i, i)
		}
		fmt.Fprintf(w, "u%07d,%s,%s,138%08d,zh-CN,%s,%s\n", i, name(i), address(i), i, born, guardian)
	}
	return w.Flush()
}

// loading is the task of the role import, loaded its result.
type loading struct {
	Database string            `json:"database"`
	Master   string            `json:"master"`
	Incident breach.IncidentID `json:"incident"`
	File     string            `json:"file"`
}

type loaded struct {
	People  int64   `json:"people"`
	Seconds float64 `json:"seconds"`
	PeakMB  float64 `json:"peak_mb"`
	CPU     float64 `json:"cpu"` // seconds
}

func (s *stack) load(ctx context.Context, name, file string) (loaded, error) {
	id, err := openIncident(ctx, s.store, name)
	if err != nil {
		return loaded{}, err
	}
	return cast[loaded](ctx, "import", loading{Database: s.database, Master: s.master, Incident: id, File: file})
}

func importRole(ctx context.Context, in []byte) (any, error) {
	var task loading
	if err := json.Unmarshal(in, &task); err != nil {
		return nil, err
	}
	s, err := openStore(ctx, task.Database, task.Master)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f, err := os.Open(task.File)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	began := time.Now()
	r, err := importFile(ctx, s, task.Incident, f)
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	used, err := cpu()
	if err != nil {
		return nil, err
	}
	peak, err := peakMB()
	return loaded{People: r.PeopleNew, Seconds: took.Seconds(), PeakMB: peak, CPU: used.Seconds()}, err
}

// importFile loads a file as the API does, by the same functions.
func importFile(ctx context.Context, s *store.Store, id breach.IncidentID, f io.Reader) (r store.ImportResult, err error) {
	sum := sha256.New()
	file, err := audience.Open(io.TeeReader(f, sum), audience.Options{At: time.Now()})
	if err != nil {
		return r, err
	}
	defer file.Close()
	imp, err := s.BeginImport(ctx, id, onCall)
	if err != nil {
		return r, err
	}
	defer imp.Abort()
	taking, reading := load.Rows(file, func(row *audience.Row) error {
		if row.Reject != nil {
			return fmt.Errorf("line %d of the benchmark's own file was refused: %s", row.Line, row.Reject.Reason)
		}
		return imp.Add(ctx, load.Person(row.Person, breach.Chinese))
	}, func() {})
	if err := errors.Join(taking, reading); err != nil {
		return r, err
	}
	return imp.Finish(ctx, file.Encoding(), [sha256.Size]byte(sum.Sum(nil)))
}

// dropPeople drops what an earlier round imported, as the bare table is dropped: neither side then finds the machine's memory filled.
const dropPeople = `do $$ declare t regclass; begin
	for t in select oid from pg_class where relkind = 'r' and relname ~ '^recipient_[0-9]+$' loop execute 'drop table ' || t; end loop;
end $$`

// settle does what PostgreSQL would do some time later about what came before, so that neither side pays for the other.
func (s *stack) settle(ctx context.Context) error {
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close(ctx) }()
	for _, sql := range []string{`drop table if exists bare`, dropPeople, `vacuum analyze`, `checkpoint`} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// copyBare loads the same file with psql's \copy into a table of texts without any index.
func (s *stack) copyBare(ctx context.Context, file string) (time.Duration, error) {
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close(ctx) }()
	if _, err := db.Exec(ctx, `create table bare (a text, b text, c text, d text, e text, f text, g text, h text, i text)`); err != nil {
		return 0, err
	}
	psql, err := exec.LookPath("psql")
	if err != nil {
		return 0, errors.New("psql is not on this machine: install PostgreSQL's client programs (Debian: postgresql-client)")
	}
	cmd := exec.CommandContext(ctx, psql, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command",
		`\copy bare from '`+strings.ReplaceAll(file, "'", "''")+`' with (format csv, header)`, s.database)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("psql: %w: %s", err, out)
	}
	return time.Since(began), nil
}
