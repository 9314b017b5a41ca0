package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/audience/synthetic"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/store"
)

// readmes are the front pages; the first one is also played.
var readmes = []string{"README.md", "README.zh-CN.md"}

func readProject(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// shellLine is one line of a README's sh blocks: words, and the file that > names.
type shellLine struct {
	text  string
	words []string
	into  string
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// shellLines are a page's commands in order.
func shellLines(t *testing.T, page string) []shellLine {
	t.Helper()
	var lines []shellLine
	for _, block := range shellBlock.FindAllStringSubmatch(page, -1) {
		for text := range strings.Lines(block[1]) {
			if l := splitShell(text); len(l.words) > 0 {
				lines = append(lines, l)
			}
		}
	}
	if len(lines) == 0 {
		t.Fatal("the page has no commands")
	}
	return lines
}

// splitShell reads what the READMEs use of the shell: words, double quotes, a comment at the end, > file.
func splitShell(text string) shellLine {
	var l shellLine
	quoted, open, word := false, false, ""
	end := func() {
		if open {
			l.words = append(l.words, word)
		}
		open, word = false, ""
	}
scan:
	for _, c := range strings.TrimSpace(text) {
		switch {
		case c == '"':
			quoted, open = !quoted, true
		case !quoted && c == '#' && !open:
			break scan
		case !quoted && c == ' ':
			end()
		default:
			open, word = true, word+string(c)
		}
	}
	end()
	l.text = strings.Join(l.words, " ")
	if n := len(l.words); n > 2 && l.words[n-2] == ">" {
		l.words, l.into = l.words[:n-2], l.words[n-1]
	}
	return l
}

func TestShellLinesAreReadAsAShellReadsThem(t *testing.T) {
	for text, want := range map[string]shellLine{
		"make demo   # one incident": {text: "make demo", words: []string{"make", "demo"}},
		`tocsin x "a b" k=v`:         {text: "tocsin x a b k=v", words: []string{"tocsin", "x", "a b", "k=v"}},
		"tocsin x > f.yaml":          {text: "tocsin x > f.yaml", words: []string{"tocsin", "x"}, into: "f.yaml"},
		"# nothing but words":        {},
	} {
		if got := splitShell(text); got.text != want.text || !slices.Equal(got.words, want.words) || got.into != want.into {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestREADMEsInBothLanguagesHaveTheSameCommands(t *testing.T) {
	var lists [][]string
	for _, name := range readmes {
		var list []string
		for _, l := range shellLines(t, readProject(t, name)) {
			list = append(list, l.text)
		}
		lists = append(lists, list)
	}
	if !slices.Equal(lists[0], lists[1]) {
		t.Errorf("%s:\n%s\n\n%s:\n%s", readmes[0], strings.Join(lists[0], "\n"), readmes[1], strings.Join(lists[1], "\n"))
	}
}

var codeSpan = regexp.MustCompile("`((?:tocsin|make) [^`\n]+)`")

// Every command that a page names, in a block or in a sentence, exists.
func TestREADMEsNameOnlyCommandsThatExist(t *testing.T) {
	for _, name := range readmes {
		page := readProject(t, name)
		lines := shellLines(t, page)
		for _, span := range codeSpan.FindAllStringSubmatch(page, -1) {
			lines = append(lines, splitShell(span[1]))
		}
		for _, l := range lines {
			if err := exists(t, l.words); err != nil {
				t.Errorf("%s: %s: %v", name, l.text, err)
			}
		}
	}
}

// exists finds a make target or a command; exports are obeyed where the page is played.
func exists(t *testing.T, words []string) error {
	switch words[0] {
	case "make":
		return makeTarget(t, words[1])
	case "tocsin":
		return tocsinCommand(words[1:])
	case "export":
		return nil
	}
	return errors.New("the test does not know what to do with it")
}

func tocsinCommand(args []string) error {
	began := false
	root := rootCommand(&began)
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if cmd == root || cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return errors.New("there is no such command")
	}
	return nil
}

// makeTarget checks that a target exists, and that those of the first block are what somebody runs: demo the command that is
// tested, test what CI runs.
func makeTarget(t *testing.T, target string) error {
	recipe := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:.*\n((?:\t.*\n)*)`).FindStringSubmatch(readProject(t, "Makefile") + "\n")
	switch {
	case recipe == nil:
		return errors.New("the Makefile has no such target")
	case target == "demo" && strings.TrimSpace(recipe[1]) != "bin/tocsin demo":
		return errors.New("it does not run tocsin demo")
	case target == "test" && !regexp.MustCompile(`(?m)^step .* make .*\btest$`).MatchString(readProject(t, ".ci/run")):
		return errors.New("CI does not run it")
	}
	return nil
}

func TestACommandThatDoesNotExistIsFound(t *testing.T) {
	for _, text := range []string{"tocsin incident opne x", "tocsin regulations list", "make nothing", "tocsin"} {
		if words := strings.Fields(text); exists(t, words) == nil {
			t.Errorf("%q counts as a command", text)
		}
	}
}

// The README, typed line by line by somebody who follows it: against one real local stack, in a folder of their own, with
// the tokens that its exports name.
func TestREADMECanBeTypedAsItStands(t *testing.T) {
	lines := shellLines(t, readProject(t, readmes[0]))
	r := startReader(t)
	for _, l := range lines {
		switch l.words[0] {
		case "tocsin":
			r.tocsin(l)
		case "export":
			r.export(l)
		}
	}
	for act := range follow {
		if !r.typed[act] {
			t.Errorf("the README does not show tocsin %s any more: take it out of this test", act)
		}
	}
}

// reader is who follows the README.
type reader struct {
	t        *testing.T
	manager  *client
	people   int
	incident string
	typed    map[string]bool
}

// readmeTime is how long the reader waits for the engine before something is taken to be wrong.
const readmeTime = time.Minute

// startReader brings up what make dev does, on free ports, and moves to the folder that it was started in.
func startReader(t *testing.T) *reader {
	dir := t.TempDir()
	cfg := demoConfig(config.Default(), false)
	cfg.DataDir = filepath.Join(dir, config.Default().DataDir)
	l, err := startLocal(t.Context(), cfg, true, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- l.run(ctx, io.Discard, func(a string) { address <- a }) }()
	r := &reader{t: t, people: 20, typed: map[string]bool{}}
	select {
	case a := <-address:
		r.manager = &client{base: a, token: l.tokens[breach.RoleManager], http: newHTTPClient()}
		t.Setenv("TOCSIN_API_URL", a)
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Setenv("LC_ALL", "en_GB.UTF-8")
	t.Chdir(dir)
	var file bytes.Buffer
	if _, err := synthetic.Generate(&file, synthetic.Options{Seed: 7, First: 1, People: r.people, Minors: 4, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	r.write("people.csv", file.Bytes())
	return r
}

func (r *reader) write(name string, content []byte) {
	if err := os.WriteFile(name, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// export obeys the two exports of the README.
func (r *reader) export(l shellLine) {
	name, value, _ := strings.Cut(l.words[1], "=")
	switch file, isFile := strings.CutPrefix(strings.Join(append([]string{value}, l.words[2:]...), " "), "$(cat "); {
	case name == tokenVariable && isFile:
		token, err := os.ReadFile(strings.TrimSuffix(file, ")"))
		if err != nil {
			r.t.Fatalf("%s: %v", l.text, err)
		}
		r.t.Setenv(name, strings.TrimSpace(string(token)))
	case name == "PATH" && value == "$PWD/bin:$PATH":
	default:
		r.t.Errorf("%s: the test does not know this export", l.text)
	}
}

var exampleIncident = regexp.MustCompile(`INC-\d{4}-\d{4}`)

// step is what the README's reader needs before a command, and what must come of it.
type step struct {
	before func(*reader) bool // true once the engine is as far as a reader who takes their time finds it
	code   int
	says   []string // on either output
	after  func(*reader, string)
}

// follow says it for each command, by its first two words.
var follow = map[string]step{
	"incident open":    {says: []string{"Follow it: tocsin incident watch INC-"}, after: func(r *reader, out string) { r.incident = exampleIncident.FindString(out) }},
	"incident watch":   {before: (*reader).assessed, says: []string{"Phase:"}},
	"task list":        {before: (*reader).hasTasks, says: []string{"responder"}},
	"incident facts":   {says: []string{"The facts are at revision 2."}},
	"incident show":    {before: (*reader).owesReport, says: []string{"relatively major", "03:5", "Possible, depending on facts not known yet"}},
	"facts new":        {},
	"obligations":      {},
	"regulation list":  {says: []string{"cn-cac"}},
	"people import":    {says: []string{"20"}},
	"people count":     {says: []string{"affected", "20"}},
	"people segments":  {},
	"filing form":      {before: (*reader).drafted, says: []string{"cause"}},
	"filing answer":    {before: (*reader).drafted},
	"filing diff":      {before: (*reader).answered, says: []string{"a leaked operator password"}},
	"filing export":    {after: func(r *reader, _ string) { r.isPDF("report.pdf") }},
	"notice status":    {before: (*reader).hasNotice},
	"notice reconcile": {},
	"register export":  {after: func(r *reader, _ string) { r.holds("register.csv", r.incident) }},
	"filing list":      {before: (*reader).drafted, says: []string{"cn-cac-other/cn-cac-provincial", "awaits approval"}},
	"filing show":      {before: (*reader).drafted, says: []string{"Prepared by", "zhao.min", "SHA-256"}},
	"filing approve":   {before: (*reader).drafted, says: []string{"Approved: cn-cac-other/cn-cac-provincial"}, after: (*reader).isFiled},
	"notice list":      {},
	"incident close":   {before: (*reader).assessed, code: exitFailure, says: []string{"cannot be closed yet", "tocsin "}},
	"config sample":    {},
	"config check":     {code: exitFailure, says: []string{"database.url: is empty", "temporal.address: is empty"}},
}

// tocsin types one line.
func (r *reader) tocsin(l shellLine) {
	args := slices.Clone(l.words[1:])
	act := args[0]
	if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
		act += " " + args[1]
	}
	s, known := follow[act]
	if !known {
		r.t.Fatalf("%s: say in this test what must come of tocsin %s", l.text, act)
	}
	r.typed[act] = true
	for i, a := range args {
		if r.incident != "" {
			args[i] = exampleIncident.ReplaceAllString(a, r.incident)
		}
	}
	if s.before != nil {
		r.until(l.text, s.before)
	}
	if act == "filing approve" { // no terminal here: the reader says yes to the hash that they read
		args = append(args, "--yes", "--sha256", r.hashOf(args[2:]))
	}
	var out, errOut bytes.Buffer
	code := run(args, strings.NewReader(""), &out, &errOut)
	if l.into != "" {
		r.write(l.into, out.Bytes())
	}
	said := out.String() + errOut.String()
	if code != s.code {
		r.t.Fatalf("%s\nexit code %d, not %d\n%s", l.text, code, s.code, said)
	}
	for _, words := range s.says {
		if !strings.Contains(said, words) {
			r.t.Errorf("%s\ndoes not say %q:\n%s", l.text, words, said)
		}
	}
	if s.after != nil {
		s.after(r, said)
	}
}

// hashOf reads a report as a program does and returns its hash.
func (r *reader) hashOf(args []string) string {
	var out, errOut bytes.Buffer
	if code := run(append(append([]string{"filing", "show"}, args...), "--output", "json"), nil, &out, &errOut); code != exitOK {
		r.t.Fatalf("filing show: %s", errOut.String())
	}
	var v api.DocumentView
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		r.t.Fatal(err)
	}
	return v.SHA256.String()
}

// until looks again and again whether the engine is there yet.
func (r *reader) until(what string, there func(*reader) bool) {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	patient := time.NewTimer(readmeTime)
	defer patient.Stop()
	for !there(r) {
		select {
		case <-look.C:
		case <-patient.C:
			r.t.Fatalf("before %q: what must be there did not come in %s", what, readmeTime)
		}
	}
}

func (r *reader) view() (v api.IncidentView) {
	r.get("", &v)
	return v
}

func (r *reader) get(path string, v any) {
	if err := r.manager.get(r.t.Context(), "/v1/incidents/"+r.incident+path, v); err != nil {
		r.t.Fatal(err)
	}
}

func (r *reader) assessed() bool { return r.view().Assessed }

func (r *reader) hasTasks() bool { return r.view().OpenTasks > 0 }

func (r *reader) owesReport() bool {
	v := r.view()
	return v.Assessed && slices.ContainsFunc(v.Obligations, func(o store.Obligation) bool { return o.Key == theReport && o.Owed == breach.IsOwed })
}

// theReport is the duty that the README reports on.
const theReport = "cn-cac-other/cn-cac-provincial"

func (r *reader) report() (api.FilingView, bool) {
	var l api.FilingList
	r.get("/filings", &l)
	i := slices.IndexFunc(l.Filings, func(f api.FilingView) bool { return f.Obligation.Key == theReport })
	if i < 0 {
		return api.FilingView{}, false
	}
	return l.Filings[i], true
}

func (r *reader) hasNotice() bool { return len(r.view().Campaigns) > 0 }

// drafted: the report is written from the newest facts, so that no newer version comes in between.
func (r *reader) drafted() bool {
	f, ok := r.report()
	v := r.view()
	return ok && v.Assessed && f.Document != nil && f.Document.FactsRev == v.FactsRev
}

// answered: the newest version says what was answered.
func (r *reader) answered() bool {
	f, ok := r.report()
	if !ok || f.Document == nil {
		return false
	}
	var v api.DocumentView
	if err := r.manager.get(r.t.Context(), "/v1/documents/"+string(f.Document.ID), &v); err != nil {
		r.t.Fatal(err)
	}
	return slices.ContainsFunc(v.Content.Renditions, func(t breach.Rendition) bool { return strings.Contains(t.Text, "a leaked operator password") })
}

func (r *reader) isPDF(name string) { r.holds(name, "%PDF-") }

func (r *reader) holds(name, words string) {
	content, err := os.ReadFile(name)
	if err != nil {
		r.t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(words)) {
		r.t.Errorf("%s does not hold %q", name, words)
	}
}

// isFiled: the approved report went out by mail and was taken over.
func (r *reader) isFiled(string) {
	r.until("the report is filed", func(r *reader) bool {
		f, ok := r.report()
		return ok && f.Filing != nil && f.Filing.State == breach.Accepted.String()
	})
}

var relativeLink = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)

// Every picture and page that the READMEs and docs point to is there.
func TestPagesPointToWhatExists(t *testing.T) {
	pages := slices.Clone(readmes)
	docs, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range docs {
		pages = append(pages, filepath.Join("docs", filepath.Base(d)))
	}
	for _, page := range pages {
		for _, link := range relativeLink.FindAllStringSubmatch(readProject(t, page), -1) {
			if _, err := os.Stat(filepath.Join("..", "..", filepath.Dir(page), filepath.FromSlash(link[1]))); err != nil {
				t.Errorf("%s points to %s, which is not there", page, link[1])
			}
		}
	}
}
