package api

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"time"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// ImportAnswer sums up an import. Rows in equals new people, known people and rows set aside.
type ImportAnswer struct {
	store.ImportResult
	SHA256    store.HexBytes `json:"sha256"`     // of the file as it came
	Columns   []ColumnRead   `json:"columns"`    // the columns that were understood
	Ignored   []string       `json:"ignored"`    // headers of those that were not; nothing of them is kept
	KnowsAges bool           `json:"knows_ages"` // false: no column can tell minors from adults, so every age is unknown
	Issues    []IssueView    `json:"issues"`     // the first of them
	More      int64          `json:"more"`       // issues beyond those; GET …/people/issues lists all
	Tally     breach.Tally   `json:"tally"`
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

// shownIssues is how many issues the answer to an import holds.
const shownIssues = 1000

// importPeople reads a file of people as it comes in. A file whose header makes no sense is refused before anything is
// written. Where the stream breaks off, what was read stays: sending the file again completes it, as a person who is on
// file already is known by then.
func importPeople(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "text/csv" {
		return problem(http.StatusUnsupportedMediaType, "media_type", "The body must be a CSV file.", "Send it with the header Content-Type: text/csv.")
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
	body := &upload{call: c, now: s.Now, began: s.Now(), sum: sha256.New()}
	file, err := audience.Open(body, audience.Options{Region: s.Region, At: s.Now().In(s.Zone)})
	if err != nil {
		return body.refusal(err)
	}
	defer file.Close()
	imp, err := s.store.BeginImport(c.r.Context(), id, c.holder.Person)
	if err != nil {
		return err
	}
	defer imp.Abort()
	answer := ImportAnswer{Ignored: orEmpty(file.Ignored()), KnowsAges: file.KnowsAges(), Issues: []IssueView{}}
	for _, col := range file.Columns() {
		answer.Columns = append(answer.Columns, ColumnRead{Header: col.Header, Field: string(col.Field)})
	}
	if err := s.readPeople(c, file, imp, body, &answer); err != nil {
		return err
	}
	answer.SHA256 = body.sum.Sum(nil)
	if answer.ImportResult, err = imp.Finish(c.r.Context(), file.Encoding(), [sha256.Size]byte(answer.SHA256)); err != nil {
		return err
	}
	s.countRows(answer.ImportResult)
	if answer.Tally, err = s.store.Tally(c.r.Context(), id); err != nil {
		return err
	}
	return c.reply(http.StatusCreated, answer)
}

func (s *server) readPeople(c *call, file *audience.File, imp *store.Import, body *upload, answer *ImportAnswer) error {
	for {
		row, err := file.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return body.refusal(err)
		}
		if err := s.takeRow(c, row, imp, answer); err != nil {
			return err
		}
		if n := imp.Progress(); n%100_000 == 0 {
			c.log.Info("import progress", "rows", n, "bytes", body.read)
		}
	}
}

func (s *server) takeRow(c *call, row audience.Row, imp *store.Import, answer *ImportAnswer) error {
	if r := row.Reject; r != nil {
		return answer.issue(c, imp, store.ImportIssue{Line: r.Line, Column: r.Column, Reason: string(r.Reason), SetAside: true}, r.Text)
	}
	for _, w := range row.Warnings {
		if err := answer.issue(c, imp, store.ImportIssue{Line: row.Line, Column: w.Column, Reason: string(w.Reason)}, w.Text); err != nil {
			return err
		}
	}
	return imp.Add(c.r.Context(), s.asStored(row.Person))
}

func (a *ImportAnswer) issue(c *call, imp *store.Import, i store.ImportIssue, text breach.Text) error {
	if len(a.Issues) < shownIssues {
		a.Issues = append(a.Issues, IssueView{ImportIssue: i, Text: &text})
	} else {
		a.More++
	}
	return imp.Report(c.r.Context(), i)
}

// asStored carries a person over. Somebody of unknown age for whom the file names a guardian is told as a minor is: the
// guardian too, so that nobody's guardian is left out over a missing birth date.
func (s *server) asStored(p *audience.Person) store.AffectedPerson {
	out := store.AffectedPerson{
		Identity: p.IdentityKey(), Name: p.Name, Age: string(p.Age), Language: p.Language,
		Contacts: store.Contacts{Email: p.Email, Phone: p.Phone, Push: p.PushToken, Address: p.Address},
		Region:   p.Region, Categories: p.Categories,
		Minor: p.Age.IsMinor() || p.Age == audience.AgeUnknown && len(p.Guardians) > 0,
	}
	if out.Language == "" {
		out.Language = s.Language
	}
	for _, g := range p.Guardians {
		out.Guardians = append(out.Guardians, store.Guardian{Name: g.Name, Contacts: store.Contacts{Email: g.Email, Phone: g.Phone}})
	}
	return out
}

func (s *server) countRows(r store.ImportResult) {
	s.count.rows.WithLabelValues("new").Add(float64(r.PeopleNew))
	s.count.rows.WithLabelValues("known").Add(float64(r.PeopleKnown))
	s.count.rows.WithLabelValues("set_aside").Add(float64(r.SetAside))
}

// upload is the body of an import: it is hashed as it is read, and its deadline moves on with what arrives, so that a
// large file has its time and a caller who sends a byte a minute has not.
type upload struct {
	*call
	now   func() time.Time
	began time.Time
	read  int64
	sum   hash.Hash
	err   error // of the reader, but for its end
}

const (
	uploadGrace = 60 * time.Second
	uploadRate  = 16 << 10 // bytes a second that a caller must keep up over the whole file
)

// Read reads from the connection.
func (u *upload) Read(p []byte) (int, error) {
	u.extend(u.began.Add(uploadGrace + time.Duration(u.read/uploadRate)*time.Second))
	n, err := u.r.Body.Read(p)
	u.read += int64(n)
	_, _ = u.sum.Write(p[:n]) // a hash never fails
	if err != nil && !errors.Is(err, io.EOF) {
		u.err = err
	}
	return n, err
}

// refusal tells a file that makes no sense from a connection that broke off.
func (u *upload) refusal(err error) error {
	if tooBig, ok := errors.AsType[*http.MaxBytesError](u.err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("The file is larger than %d bytes.", tooBig.Limit),
			"Split it, keeping the header in each part; people of the parts that were read are not counted twice.")
	}
	if u.err != nil {
		return problem(http.StatusBadRequest, "cut_off", "The file broke off before its end, or came too slowly.",
			"Send it again from the beginning: people who were read already are not counted twice.")
	}
	return unprocessable("file", sentence(err.Error()), "Nothing was imported.")
}

func countPeople(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	tally, err := s.store.Tally(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, tally)
}

// IssueList is a page of an import's issues, by line.
type IssueList struct {
	Import int                 `json:"import"`
	Issues []store.ImportIssue `json:"issues"`
	After  int64               `json:"after,omitempty"` // ask for the next page with ?after=; absent on the last
}

func importIssues(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	no, err := c.number("import", 1, 1<<30)
	if err != nil {
		return err
	}
	after, err := c.number("after", 0, 1<<50)
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	issues, err := s.store.ImportIssues(c.r.Context(), id, int(no), after, shownIssues)
	if err != nil {
		return err
	}
	out := IssueList{Import: int(no), Issues: orEmpty(issues)}
	if len(issues) == shownIssues {
		out.After = issues[len(issues)-1].Line
	}
	return c.reply(http.StatusOK, out)
}
