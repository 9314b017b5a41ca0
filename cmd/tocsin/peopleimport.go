package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tocsin/internal/api"
	"tocsin/internal/audience"
	"tocsin/internal/breach"
)

// importOptions are what is said of a file of people on the command line.
type importOptions struct {
	view       viewOptions
	maps       []string
	encoding   string
	sheet      string
	samePerson string
	guardians  string
	rejects    string
	withValues bool
	dryRun     bool
	retries    int
	loopback   bool
}

func peopleImportCommand() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import INCIDENT FILE",
		Short: "Import a file of affected people and their guardians",
		Long: `Import a file of affected people and their guardians. FILE is a file, - for standard input, an https:// address such as
a presigned one of an object store, or s3://BUCKET/KEY with the usual variables of the environment: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, and AWS_ENDPOINT_URL for another store than Amazon's. It may be CSV or TSV, NDJSON, an Excel workbook (.xlsx) or Parquet, plain or packed with
gzip or zstd; its bytes tell which. Texts may be UTF-8, UTF-16 or GB18030.

Headers are understood in Chinese and English (tocsin people fields lists them); at least one column must be a contact. Try
--dry-run first: it writes nothing and shows how each column was taken. A row that cannot be understood is set aside and
listed with its line, column and reason; the rest goes on, and the exit code is then 3. Columns that are not understood are
named and not kept.

Importing a file twice, or a second file that names the same people, counts nobody twice. An import that broke off is
completed by importing the file again: it is read from its beginning, and people who are on file are recognised. A cut
connection is tried again by itself.`,
		Example: `  tocsin people import INC-2026-0001 people.csv --dry-run
  tocsin people import INC-2026-0001 people.xlsx --map '联系人=phone' --map '备用=-' --set language=zh-CN
  tocsin people import INC-2026-0001 pupils.csv --guardians parents.csv --rejects rejects.csv
  tocsin people import INC-2026-0001 'https://bucket.example.com/people.parquet?X-Amz-Signature=…'
  tocsin people import INC-2026-0001 s3://exports/2026/people.csv.zst
  mysql -B -e 'select …' | tocsin people import INC-2026-0001 -`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	o.view.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing; show how columns were taken, counts, a masked sample and what is wrong")
	f.StringArrayVar(&o.maps, "map", nil, "COLUMN=FIELD: what a column means; #3 is the third, FIELD - leaves it out; may be repeated")
	f.StringVar(&o.encoding, "encoding", "", "of a text whose encoding cannot be told: utf-8, utf-16le, utf-16be, gb18030, big5, shift_jis, euc-kr, windows-1252")
	f.StringVar(&o.sheet, "sheet", "", "which sheet of a workbook that has several")
	f.StringVar(&o.samePerson, "key", "", "resident_id: accounts with one identity number are one person (the number is never kept)")
	f.StringVar(&o.guardians, "guardians", "", "a second file with guardians, joined by person_id, external_id, resident_id, or the child's name and birth date")
	f.StringVar(&o.rejects, "rejects", "", "write every issue into this CSV file: line, column, reason")
	f.BoolVar(&o.withValues, "with-values", false, "with --rejects: also the row as your file has it, readable by you alone")
	f.IntVar(&o.retries, "retries", 5, "how often a cut connection is tried again")
	f.BoolVar(&o.loopback, "allow-loopback", false, "")
	_ = f.MarkHidden("allow-loopback") // it exists
	return cmd
}

// check refuses what cannot go together before anything is opened.
func (o *importOptions) check(source string) error {
	if err := o.view.check(); err != nil {
		return err
	}
	switch {
	case o.withValues && o.rejects == "":
		return usage("--with-values needs --rejects FILE, the file that the rows are written into")
	case o.withValues && source == "-":
		return usage("--with-values reads the file a second time, which standard input does not allow: save it as a file first")
	case o.guardians == "-":
		return usage("--guardians must be a file: standard input, if anything, is the people's")
	case o.retries < 0:
		return usage("--retries must not be negative")
	}
	return nil
}

// parameters are the options as the API takes them. --set serves two purposes: a name without a dot is a field of people, all
// others are settings of this run.
func (o *importOptions) parameters(cmd *cobra.Command) (url.Values, error) {
	q := url.Values{}
	for _, m := range o.maps {
		if _, err := audience.ParseMapping(m); err != nil {
			return nil, usage("--map: %v", err)
		}
		q.Add("map", m)
	}
	constants, err := takeConstants(cmd.Flags())
	if err != nil {
		return nil, err
	}
	for _, c := range constants {
		if _, err := audience.ParseConstant(c); err != nil {
			return nil, usage("%v", err)
		}
		q.Add("set", c)
	}
	if _, err := audience.ParseEncoding(o.encoding); err != nil {
		return nil, usage("--encoding: %v", err)
	}
	if o.samePerson != "" && o.samePerson != string(audience.KeyResidentID) {
		return nil, usage("--key can be %s only; without it the account tells people apart", audience.KeyResidentID)
	}
	for name, v := range map[string]string{"encoding": o.encoding, "sheet": o.sheet, "key": o.samePerson} {
		if v != "" {
			q.Set(name, v)
		}
	}
	if o.dryRun {
		q.Set("dry_run", "true")
	}
	return q, nil
}

// takeConstants takes those values of --set that speak of people out of the flag.
func takeConstants(flags *pflag.FlagSet) (constants []string, err error) {
	f := flags.Lookup("set")
	if f == nil {
		return nil, nil
	}
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return nil, errors.New("--set is no list") // it is
	}
	var settings []string
	for _, pair := range list.GetSlice() {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, ".") {
			settings = append(settings, pair)
		} else {
			constants = append(constants, pair)
		}
	}
	if len(constants) > 0 {
		err = list.Replace(settings)
	}
	return constants, err
}

func (o *importOptions) run(cmd *cobra.Command, args []string) error {
	if err := o.check(args[1]); err != nil {
		return err
	}
	id, err := incidentArg(args)
	if err != nil {
		return err
	}
	query, err := o.parameters(cmd)
	if err != nil {
		return err
	}
	src, err := newPeopleSource(cmd.InOrStdin(), args[1], o.loopback)
	if err != nil {
		return err
	}
	if o.guardians != "" {
		if _, _, err := openPeople(nil, o.guardians); err != nil {
			return err
		}
	}
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	path := "/v1/incidents/" + string(id) + "/people"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	answer, err := o.send(cmd, c, path, src)
	if err != nil {
		return err
	}
	return o.report(cmd, c, id, src, answer)
}

// report shows what came of it, and writes the file of rejects.
func (o *importOptions) report(cmd *cobra.Command, c *client, id breach.IncidentID, src *peopleSource, answer api.ImportAnswer) error {
	written := int64(0)
	if o.rejects != "" {
		w := rejectsWriter{options: o, client: c, incident: id, source: src, answer: answer}
		var err error
		if written, err = w.write(cmd.Context()); err != nil {
			return err
		}
	}
	if err := o.view.show(cmd, answer, func(p *page) {
		p.imported(answer)
		if o.rejects != "" {
			p.line("%s", p.say(fmt.Sprintf("%d 条问题已写入 %s。", written, o.rejects), fmt.Sprintf("%d issues were written into %s.", written, o.rejects)))
			if answer.DryRun && answer.More > 0 {
				p.line("%s", p.say(fmt.Sprintf("该文件并不完整：试读只保留最前面的问题，另有 %d 条；导入时会全部写入。", answer.More), fmt.Sprintf("That file is not complete: a dry run keeps the first issues only, and there are %d more. An import writes them all.", answer.More)))
			}
		}
	}); err != nil {
		return err
	}
	if answer.SetAside > 0 {
		return &setAside{n: answer.SetAside, incident: id, no: answer.No, dry: o.dryRun}
	}
	return nil
}

// setAside is an import that went well but for some rows. Scripts see it by the exit code.
type setAside struct {
	n        int64
	incident breach.IncidentID
	no       int
	dry      bool
}

// Error says what to do about them.
func (e *setAside) Error() string {
	next := fmt.Sprintf("tocsin people issues %s --import %d lists them; mend these rows and import them in a file of their own, with the header", e.incident, e.no)
	if e.dry {
		next = "mend them, or leave them out, before you import"
	}
	if e.n == 1 {
		return "1 row was set aside: " + next
	}
	return fmt.Sprintf("%d rows were set aside: %s", e.n, next)
}

// retryWait is how long the first new attempt waits; each next one waits twice as long, at most half a minute.
const retryWait = time.Second

// send uploads the file, again where the connection broke and the source can be read from its beginning.
func (o *importOptions) send(cmd *cobra.Command, c *client, path string, src *peopleSource) (api.ImportAnswer, error) {
	ctx := cmd.Context()
	wait := retryWait
	for attempt := 0; ; attempt++ {
		answer, sent, err := o.upload(cmd, c, path, src)
		if err == nil || attempt >= o.retries || !src.again || !worthAnother(err, sent) {
			return answer, err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "tocsin: %v\nTrying again in %v (%d of %d): the file is read from its beginning, and people who are on file are not counted twice.\n", err, wait, attempt+1, o.retries)
		select {
		case <-ctx.Done():
			return answer, ctx.Err()
		case <-time.After(wait):
		}
		wait = min(2*wait, 30*time.Second)
	}
}

// worthAnother tells a cut connection, or a server that is busy, from a file that makes no sense.
func worthAnother(err error, sent int64) bool {
	if p, ok := asProblem(err); ok {
		return p.Code == "cut_off" || p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable
	}
	var fetched *fetchError
	return !errors.Is(err, context.Canceled) && (sent > 0 || errors.As(err, &fetched))
}

// upload sends the file once. The API is asked first whether it wants it, so that a wrong token costs no transfer.
func (o *importOptions) upload(cmd *cobra.Command, c *client, path string, src *peopleSource) (answer api.ImportAnswer, sent int64, err error) {
	ctx := cmd.Context()
	file, size, err := src.open(ctx)
	if err != nil {
		return answer, 0, err
	}
	defer file.Close()
	bar := newProgress(cmd.ErrOrStderr(), file, size)
	defer bar.end()
	var body io.Reader = bar
	kind := "application/octet-stream"
	switch {
	case o.guardians != "":
		var stop func()
		if body, kind, stop, err = withGuardians(o.guardians, bar); err != nil {
			return answer, 0, err
		}
		defer stop()
	case size >= 0:
		body = sized{bar, size}
	}
	err = c.do(ctx, http.MethodPost, path, body, kind, http.Header{"Expect": {"100-continue"}}, &answer)
	if bar.failed != nil && !errors.Is(err, context.Canceled) {
		err = bar.failed // what the source says goes before what became of the upload
	}
	return answer, bar.sent, err
}

// withGuardians makes one body of two files, the guardians first.
func withGuardians(name string, people io.Reader) (body io.Reader, kind string, stop func(), err error) {
	guardians, _, err := openPeople(nil, name)
	if err != nil {
		return nil, "", nil, err
	}
	r, w := io.Pipe()
	parts := multipart.NewWriter(w)
	go func() {
		defer guardians.Close()
		w.CloseWithError(writeParts(parts, guardians, people))
	}()
	return r, parts.FormDataContentType(), func() { _ = r.Close() }, nil
}

func writeParts(parts *multipart.Writer, guardians, people io.Reader) error {
	for _, part := range []struct {
		name string
		r    io.Reader
	}{{"guardians", guardians}, {"people", people}} {
		w, err := parts.CreateFormFile(part.name, part.name) // file names stay here: they may name people
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, part.r); err != nil {
			return err
		}
	}
	return parts.Close()
}

// openPeople opens a file, or standard input for a dash. Its size is -1 where it is not known.
func openPeople(in io.Reader, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(in), -1, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, 0, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, 0, fmt.Errorf("%s cannot be opened", name)
	case info.IsDir():
		return nil, 0, fmt.Errorf("%s is a folder: name one file of people in it", name)
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("%s is not a file: name a file of people, or - for standard input", name)
	case info.Size() == 0:
		return nil, 0, fmt.Errorf("%s is empty: nothing was imported; a people file begins with a header such as 姓名,邮箱,手机号 or name,email,phone", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("%s cannot be opened: may you read it?", name)
	}
	return f, info.Size(), nil
}

// sized is a body whose length is known.
type sized struct {
	io.Reader
	size int64
}

// progress shows on a terminal how much of a file was sent, how fast, and how long the rest will take.
type progress struct {
	io.Reader
	out    io.Writer
	size   int64
	sent   int64
	began  time.Time
	shown  time.Time
	failed error // of the source
}

func newProgress(out io.Writer, r io.Reader, size int64) *progress {
	if !isTerminal(out) {
		out = nil
	}
	return &progress{Reader: r, out: out, size: size, began: now()}
}

// Read reads on and shows how far it is, four times a second.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.sent += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		p.failed = err
	}
	if p.out == nil || now().Sub(p.shown) < 250*time.Millisecond {
		return n, err
	}
	p.shown = now()
	fmt.Fprint(p.out, "\r"+p.state(p.shown.Sub(p.began))+clearLine)
	return n, err
}

// state is a line such as "12.0 MB of 48.0 MB, 25 %, 6.0 MB/s, 6s left".
func (p *progress) state(since time.Duration) string {
	done := fmt.Sprintf("%.1f MB", float64(p.sent)/1e6)
	if p.size > 0 {
		done += fmt.Sprintf(" of %.1f MB, %d %%", float64(p.size)/1e6, 100*p.sent/p.size)
	}
	if since < time.Second || p.sent == 0 {
		return done
	}
	rate := float64(p.sent) / since.Seconds()
	done += fmt.Sprintf(", %.1f MB/s", rate/1e6)
	if p.size > p.sent {
		done += fmt.Sprintf(", %v left", time.Duration(float64(p.size-p.sent)/rate*float64(time.Second)).Round(time.Second))
	} else if p.size > 0 {
		done += ", waiting for the last rows to be written"
	}
	return done
}

func (p *progress) end() {
	if p.out != nil && !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r"+clearLine)
	}
}
