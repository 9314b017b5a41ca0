package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/load"
	"tocsin/internal/store"
)

// ImportAnswer sums up an import, or what one would do. Rows in equals new people, known people and rows set aside; after a
// dry run, which does not look who is on file, people and rows set aside.
type ImportAnswer struct {
	store.ImportResult
	DryRun    bool             `json:"dry_run,omitempty"` // nothing was written
	Format    string           `json:"format"`            // "CSV", "NDJSON", "XLSX", "Parquet"
	Packing   string           `json:"packing,omitempty"` // "gzip", "zstd"
	SHA256    store.HexBytes   `json:"sha256"`            // of the file as it came
	Columns   []ColumnRead     `json:"columns"`           // the columns that were understood
	Ignored   []string         `json:"ignored"`           // headers of those that were not; nothing of them is kept
	KnowsAges bool             `json:"knows_ages"`        // false: no column can tell minors from adults, so every age is unknown
	Numbered  bool             `json:"numbered"`          // false: no number tells people apart, so a row that is corrected and sent again counts as another person
	Reasons   map[string]int64 `json:"reasons"`           // issues by what is wrong
	Issues    []IssueView      `json:"issues"`            // the first of them
	More      int64            `json:"more"`              // issues beyond those; GET …/people/issues lists all
	Guardians int              `json:"guardians_read,omitempty"`
	Preview   *Preview         `json:"preview,omitempty"` // of a dry run
	Tally     breach.Tally     `json:"tally"`
}

// Preview is what a dry run found.
type Preview struct {
	People     int64             `json:"people"`    // rows that tell of a person
	Reachable  int64             `json:"reachable"` // of them with a usable contact, their own or a guardian's
	Ages       map[string]int64  `json:"ages"`
	Languages  map[string]int64  `json:"languages"`  // "" where the file does not say
	Regions    map[string]int64  `json:"regions"`    // likewise
	Categories map[string]int64  `json:"categories"` // people of whom each was exposed
	Sample     []audience.Masked `json:"sample"`     // the first few, masked
}

// ColumnRead is a header and what it was taken for.
type ColumnRead struct {
	Header string `json:"header"`
	Field  string `json:"field"`
}

// IssueView is a row that was set aside, or kept with a warning, in words. It holds no value of the row.
type IssueView struct {
	store.ImportIssue
	Text *breach.Text `json:"text,omitempty"`
}

const (
	shownIssues   = 1000          // issues that the answer to an import holds
	shownPeople   = 5             // people that a preview shows
	guardiansFile = "guardians: " // before the column of an issue in the second file
)

// fileKinds are the media types of people files. What a file is, its bytes tell.
var fileKinds = []string{
	"text/csv", "text/tab-separated-values", "application/x-ndjson", "application/ndjson", "application/jsonl",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.apache.parquet",
	"application/gzip", "application/zstd", "application/octet-stream",
}

// importPeople reads a file of people as it comes in. A file whose header makes no sense is refused before anything is
// written. Where the stream breaks off, what was read stays: sending the file again completes it, as a person who is on
// file already is known by then.
func importPeople(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	kind, parameters, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" && !slices.Contains(fileKinds, kind) {
		return problem(http.StatusUnsupportedMediaType, "media_type", "The body must be a file of people: CSV, NDJSON, XLSX or Parquet, plain or packed with gzip or zstd.",
			"Send it with the header Content-Type: application/octet-stream; its bytes tell what it is.")
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		c.w.Header().Set("Retry-After", "30")
		return problem(http.StatusTooManyRequests, "too_many", "Other people files are being read just now.", "Send it again in half a minute.")
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	o, dry, err := s.readingOptions(c.r.URL.Query())
	if err != nil {
		return err
	}
	facts, err := s.store.Facts(c.r.Context(), id, 0)
	if err != nil {
		return err
	}
	o.Happened, _ = facts.Facts.Time("occurred_at") // zero where nobody knows
	body := &upload{call: c, now: s.Now, began: s.Now(), body: c.r.Body, sum: sha256.New()}
	in := &peopleImport{server: s, call: c, body: body, dry: dry}
	if kind == "multipart/form-data" {
		if err := in.guardians(parameters["boundary"], &o); err != nil {
			return err
		}
	}
	return in.run(id, o)
}

// readingOptions reads what the caller says of the file. A parameter that is not known is refused: it may have been meant to
// change what becomes of people.
func (s *server) readingOptions(q url.Values) (o audience.Options, dry bool, err error) {
	o = audience.Options{Region: s.Region, At: s.Now().In(s.Zone), Child: s.ParquetReader}
	for name, values := range q {
		last := values[len(values)-1]
		switch name {
		case "dry_run":
			if dry, err = strconv.ParseBool(last); err != nil {
				err = errors.New("dry_run must be true or false")
			}
		case "encoding":
			o.Encoding, err = audience.ParseEncoding(last)
		case "sheet":
			o.Sheet = last
		case "key":
			if o.Key = audience.Key(last); o.Key != audience.KeyAuto && o.Key != audience.KeyResidentID {
				err = fmt.Errorf("key must be %s, or be left out", audience.KeyResidentID)
			}
		case "map":
			err = each(values, audience.ParseMapping, &o.Map)
		case "set":
			err = each(values, audience.ParseConstant, &o.Set)
		default:
			err = errors.New("parameters are dry_run, encoding, sheet, key, map and set; one of another name was sent")
		}
		if err != nil {
			return o, dry, problem(http.StatusBadRequest, "malformed", sentence(err.Error()), "Nothing was imported.")
		}
	}
	return o, dry, nil
}

func each[T any](values []string, parse func(string) (T, error), into *[]T) error {
	for _, v := range values {
		x, err := parse(v)
		if err != nil {
			return err
		}
		*into = append(*into, x)
	}
	return nil
}

// peopleImport is one file on its way in.
type peopleImport struct {
	server *server
	call   *call
	body   *upload
	dry    bool
	second *audience.Guardians
	imp    *store.Import // nil in a dry run
	answer ImportAnswer
}

// guardians reads the first part of a body in two parts, and leaves the second to be read. The order is part of the format:
// people are not held until their guardians come.
func (p *peopleImport) guardians(boundary string, o *audience.Options) error {
	wrong := problem(http.StatusBadRequest, "malformed", "A body in two parts holds the file of guardians first, in a part named guardians, and then the file of people, in a part named people.", "Nothing was imported.")
	if boundary == "" {
		return wrong
	}
	parts := multipart.NewReader(p.body, boundary)
	first, err := parts.NextRawPart()
	if err != nil || first.FormName() != "guardians" {
		return wrong
	}
	if p.second, err = audience.OpenGuardians(first, *o); err != nil {
		return p.body.refusal(err, false)
	}
	second, err := parts.NextRawPart()
	if err != nil || second.FormName() != "people" {
		return wrong
	}
	o.Guardians = p.second
	p.body.file = second
	p.body.sum.Reset() // the hash is the people file's
	return nil
}

func (p *peopleImport) run(id breach.IncidentID, o audience.Options) error {
	ctx := p.call.r.Context()
	file, err := audience.Open(p.body.reader(), o)
	if err != nil {
		return p.body.refusal(err, false)
	}
	defer file.Close()
	p.answer = ImportAnswer{DryRun: p.dry, Reasons: map[string]int64{}, Issues: []IssueView{}}
	if p.dry {
		p.answer.Preview = &Preview{
			Ages: map[string]int64{}, Languages: map[string]int64{}, Regions: map[string]int64{}, Categories: map[string]int64{}, Sample: []audience.Masked{},
		}
	} else {
		if p.imp, err = p.server.store.BeginImport(ctx, id, p.call.holder.Person); err != nil {
			return err
		}
		defer p.imp.Abort()
	}
	if err := p.reportGuardians(); err != nil {
		return err
	}
	if err := p.read(file); err != nil {
		return err
	}
	if err := p.reportAlone(file); err != nil {
		return err
	}
	p.describe(file)
	if p.dry {
		return p.call.reply(http.StatusOK, p.answer)
	}
	if p.answer.ImportResult, err = p.imp.Finish(ctx, file.Encoding(), [sha256.Size]byte(p.answer.SHA256)); err != nil {
		return err
	}
	p.server.countRows(p.answer.ImportResult)
	if p.answer.Tally, err = p.server.store.Tally(ctx, id); err != nil {
		return err
	}
	return p.call.reply(http.StatusCreated, p.answer)
}

// describe says how the file was read, which is settled only once all of it was.
func (p *peopleImport) describe(file *audience.File) {
	a := &p.answer
	a.Format, a.Packing, a.Encoding, a.KnowsAges, a.Numbered = file.Format(), file.Packing(), file.Encoding(), file.KnowsAges(), file.Numbered()
	a.Ignored, a.SHA256 = orEmpty(file.Ignored()), p.body.sum.Sum(nil)
	for _, col := range file.Columns() {
		a.Columns = append(a.Columns, ColumnRead{Header: col.Header, Field: string(col.Field)})
	}
	if p.second != nil {
		a.Guardians = p.second.Len()
	}
}

// read reads the file while what was read is written.
func (p *peopleImport) read(file *audience.File) error {
	rows := int64(0)
	taking, reading := load.Rows(file, func(row *audience.Row) error {
		if rows++; rows%100_000 == 0 {
			p.call.log.Info("import progress", "rows", rows, "bytes", p.body.read.Load())
		}
		return p.take(row)
	}, p.body.stop)
	switch {
	case taking != nil:
		return taking
	case reading != nil:
		return p.body.refusal(reading, !p.dry)
	}
	p.body.drain()
	return nil
}

func (p *peopleImport) take(row *audience.Row) error {
	if r := row.Reject; r != nil {
		return p.issue(store.ImportIssue{Line: r.Line, Column: r.Column, Reason: string(r.Reason), SetAside: true}, r.Text)
	}
	for _, w := range row.Warnings {
		if err := p.issue(store.ImportIssue{Line: row.Line, Column: w.Column, Reason: string(w.Reason)}, w.Text); err != nil {
			return err
		}
	}
	if p.dry {
		p.answer.look(row.Person)
		return nil
	}
	return p.imp.Add(p.call.r.Context(), load.Person(row.Person, p.server.Language))
}

// look counts a person in a preview.
func (a *ImportAnswer) look(p *audience.Person) {
	a.RowsIn++
	v := a.Preview
	v.People++
	v.Ages[string(p.Age)]++
	v.Languages[string(p.Language)]++
	v.Regions[p.Region]++
	for _, c := range p.Categories {
		v.Categories[c]++
	}
	if p.Reachable() || slices.ContainsFunc(p.Guardians, audience.Guardian.Reachable) {
		v.Reachable++
	}
	if len(v.Sample) < shownPeople {
		v.Sample = append(v.Sample, p.Masked())
	}
}

// reportGuardians tells what is wrong in the second file. Its rows are not among those of the file of people.
func (p *peopleImport) reportGuardians() error {
	if p.second == nil {
		return nil
	}
	issues, more := p.second.Issues()
	for _, r := range issues {
		if err := p.issue(store.ImportIssue{Line: r.Line, Column: guardiansFile + r.Column, Reason: string(r.Reason)}, r.Text); err != nil {
			return err
		}
	}
	p.answer.More += int64(more)
	return nil
}

// reportAlone tells of guardians of nobody.
func (p *peopleImport) reportAlone(file *audience.File) error {
	alone, all := file.Unmatched(shownIssues)
	for _, r := range alone {
		if err := p.issue(store.ImportIssue{Line: r.Line, Column: guardiansFile, Reason: string(r.Reason)}, r.Text); err != nil {
			return err
		}
	}
	p.answer.More += int64(all - len(alone))
	return nil
}

func (p *peopleImport) issue(i store.ImportIssue, text breach.Text) error {
	a := &p.answer
	a.Reasons[i.Reason]++
	if len(a.Issues) < shownIssues {
		a.Issues = append(a.Issues, IssueView{ImportIssue: i, Text: &text})
	} else {
		a.More++
	}
	if !p.dry {
		return p.imp.Report(p.call.r.Context(), i)
	}
	if i.SetAside {
		a.RowsIn++
		a.SetAside++
	} else {
		a.Warnings++
	}
	return nil
}

// upload is the body of an import: it is hashed as it is read, and its deadline moves on with what arrives, so that a
// large file has its time and a caller who sends a byte a minute has not.
type upload struct {
	*call
	now   func() time.Time
	began time.Time
	body  io.Reader
	file  io.Reader // the part with the people, of a body in two parts
	read  atomic.Int64
	sum   hash.Hash
	err   error // of the reader, but for its end

	stopped atomic.Bool
}

const (
	uploadGrace = 60 * time.Second
	uploadRate  = 16 << 10 // bytes a second that a caller must keep up over the whole file
)

// Read reads from the connection.
func (u *upload) Read(p []byte) (int, error) {
	u.extend(u.began.Add(uploadGrace + time.Duration(u.read.Load()/uploadRate)*time.Second))
	if u.stopped.Load() {
		return 0, errStopped
	}
	n, err := u.body.Read(p)
	u.read.Add(int64(n))
	if u.file == nil {
		_, _ = u.sum.Write(p[:n]) // a hash never fails
	}
	if err != nil && !errors.Is(err, io.EOF) {
		u.err = err
	}
	return n, err
}

// errStopped ends the reading of a file of which no more is wanted.
var errStopped = errors.New("stopped")

// stop ends the reading, also of one that waits for a slow caller. The order matters: a reader that sets its own deadline
// afterwards sees that it is to stop.
func (u *upload) stop() {
	u.stopped.Store(true)
	_ = http.NewResponseController(u.w).SetReadDeadline(time.Unix(1, 0)) // not every connection has one
}

// reader reads the file of people.
func (u *upload) reader() io.Reader {
	if u.file == nil {
		return u
	}
	return io.TeeReader(u.file, u.sum)
}

// drain reads what follows a file's end: nothing, but for the end of a body in parts.
func (u *upload) drain() { _, _ = io.Copy(io.Discard, io.LimitReader(u.reader(), 1<<20)) }

// refusal tells a file that makes no sense from a connection that broke off. begun says that rows before it were written.
func (u *upload) refusal(err error, begun bool) error {
	if tooBig, ok := errors.AsType[*http.MaxBytesError](u.err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("The file is larger than %d bytes.", tooBig.Limit),
			"Pack it with gzip or zstd, or split it, keeping the header in each part; people who were read already are not counted twice.")
	}
	if u.err != nil {
		return problem(http.StatusBadRequest, "cut_off", "The file broke off before its end, or came too slowly.",
			"Send it again from the beginning: people who were read already are not counted twice.")
	}
	if begun {
		return unprocessable("damaged", sentence(err.Error()), "The rows before were read. Mend the file and send the whole of it again: people who were read already are not counted twice.")
	}
	return unprocessable("file", sentence(err.Error()), "Nothing was imported.")
}
