package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/rogpeppe/go-internal/testscript"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/pgtest"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/templates"
)

// database runs the tests with a PostgreSQL that is removed afterwards.
type database struct{ m *testing.M }

// Run runs the tests, at least four at once: most of the time they wait for what they started.
func (d database) Run() int {
	if err := flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	return pgtest.Main(d.m) // reads the command line, which goes before
}

func TestMain(m *testing.M) {
	testscript.Main(database{m}, map[string]func(){"tocsin": main})
}

// The operator's commands, each as a script of what is typed and what must come: against the real API on a real database.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               func(env *testscript.Env) error { return prepare(t, env) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"grab": grab, "draft": draft, "campaign": campaign, "sent": sent, "duty": duty, "task": task, "report": report, "met": met, "exec-status": execStatus, "parquet": parquetFile,
		},
	})
}

type storeKey struct{}

// prepare gives a script an API, a database, and tokens in $RESPONDER, $LEAD, $APPROVER, $MANAGER and $SOURCE. TOCSIN_TOKEN
// is the responder's.
func prepare(t *testing.T, env *testscript.Env) error {
	url := pgtest.New(t, store.Migrate)
	key := filepath.Join(env.WorkDir, "master.key")
	if err := seal.CreateMasterFile(key); err != nil {
		return err
	}
	master, err := seal.OpenMasterFile(key)
	if err != nil {
		return err
	}
	s, err := store.Open(t.Context(), url, master, time.Now)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	server := httptest.NewUnstartedServer(nil)
	self, err := exec.LookPath("tocsin") // this test binary under that name
	if err != nil {
		return err
	}
	server.Config = api.Server("", api.New(api.Options{
		Store: s, Now: time.Now, Log: log, Forms: reportForms(templates.Default()), ParquetReader: []string{self, readParquet},
		CheckWords: func(w breach.NoticeWords) []string {
			return refusedWords(templates.Default(), templates.Organisation{HomePage: "https://www.example.com", Hotline: "400-000-0000"}, w)
		},
	}), log)
	server.Start()
	env.Defer(s.Close)
	env.Defer(server.Close)
	for _, role := range breach.Roles() {
		token, err := s.AddToken(t.Context(), store.Holder{Token: string(role), Person: breach.Person("the." + role), Roles: []breach.Role{role}}, 0, "test")
		if err != nil {
			return err
		}
		env.Setenv(strings.ToUpper(string(role)), token)
	}
	env.Setenv(tokenVariable, env.Getenv("RESPONDER"))
	env.Setenv("TOCSIN_API_URL", server.URL)
	env.Setenv("TOCSIN_DATABASE_URL", url)
	env.Setenv("TOCSIN_SEAL_KEY_FILE", key)
	env.Setenv("LC_ALL", "en_GB.UTF-8")
	env.Values[storeKey{}] = s
	return nil
}

func storeOf(ts *testscript.TestScript) *store.Store { return ts.Value(storeKey{}).(*store.Store) }

// grab NAME REGEXP sets a variable to what the first group found in the last output.
func grab(ts *testscript.TestScript, neg bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil || neg {
		ts.Fatalf("%s is not in the output", args[1])
	}
	ts.Setenv(args[0], m[len(m)-1])
}

// exec-status CODE COMMAND... runs a command and compares its exit code.
func execStatus(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Check(err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d", code)
	}
}

// parquet FILE writes a Parquet file of two people who do not exist.
func parquetFile(ts *testscript.TestScript, _ bool, args []string) {
	type person struct {
		ID    string `parquet:"user_id"`
		Name  string `parquet:"姓名"`
		Phone int64  `parquet:"手机号"`
		Birth int32  `parquet:"出生日期,date"`
	}
	ts.Check(parquet.WriteFile(ts.MkAbs(args[0]), []person{{"p-1", "己六", 13800138011, 7000}, {"p-2", "庚七", 13800138012, 8000}}))
}

// draft INCIDENT KIND SUBJECT AUTHOR adds a document as the engine does.
func draft(ts *testscript.TestScript, _ bool, args []string) {
	content, err := json.Marshal(breach.Content{Renditions: []breach.Rendition{
		{Language: breach.Chinese, Title: "关于一起数据安全事件的报告", Text: "正文第一行\n第二行"},
		{Language: breach.English, Title: "Report on a data incident", Text: "First line\nSecond line", SMS: "Short form"},
	}})
	ts.Check(err)
	_, err = storeOf(ts).AddDocument(context.Background(), store.Document{
		IncidentID: breach.IncidentID(args[0]), Kind: breach.DocumentKind(args[1]), Subject: args[2], Author: breach.Person(args[3]), Content: content,
	})
	ts.Check(err)
}

// report INCIDENT DUTY LINE|LINE adds a report in English with a file, as the engine does.
func report(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.ReplaceAll(args[2], "|", "\n")
	_, last, _ := strings.Cut(lines, "\n")
	content, err := json.Marshal(breach.Content{Renditions: []breach.Rendition{{
		Language: breach.English, Title: "Report on a data incident", Text: lines, HTML: "<p>" + lines,
		Blocks: []breach.Block{{Kind: breach.BlockHeading, Text: "What happened"}, {Kind: breach.BlockRow, Label: "Cause", Text: last, State: breach.ItemGiven}},
	}}})
	ts.Check(err)
	id := breach.IncidentID(args[0])
	facts, err := storeOf(ts).Facts(context.Background(), id, 0)
	ts.Check(err)
	_, rev, err := storeOf(ts).Answers(context.Background(), id, args[1], 0)
	ts.Check(err)
	_, err = storeOf(ts).AddDocument(context.Background(), store.Document{
		IncidentID: id, Kind: breach.DocFiling, Subject: args[1], Author: "the.engine", Content: content, FactsRev: facts.Rev, AnswersRev: rev,
		Files: []breach.File{{Name: "report-en.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.7 synthetic\n")}},
	})
	ts.Check(err)
}

// campaign INCIDENT makes its first campaign.
func campaign(ts *testscript.TestScript, _ bool, args []string) {
	_, err := storeOf(ts).AddCampaign(context.Background(), breach.IncidentID(args[0]), 1, "7K3M-9Q2X-W4RT-8HD5-NJ6P", []breach.Channel{breach.Email, breach.SMS})
	ts.Check(err)
}

// sent INCIDENT lets its first campaign leave with a notice that was approved; nobody is on file.
func sent(ts *testscript.TestScript, _ bool, args []string) {
	ctx, s, id := context.Background(), storeOf(ts), breach.IncidentID(args[0])
	d, err := s.AddDocument(ctx, store.Document{IncidentID: id, Kind: breach.DocNotice, Subject: "notice/1", Author: "the.engine", Content: []byte(`{"renditions":[]}`)})
	ts.Check(err)
	_, err = s.Decide(ctx, store.Decision{Document: d.ID, SHA256: d.SHA256, Verdict: breach.Approved, Person: "the.approver", Role: breach.RoleApprover})
	ts.Check(err)
	_, _, err = s.Freeze(ctx, id, 1, d.ID, 100)
	ts.Check(err)
}

// duty INCIDENT owed|possible gives it a duty to report as an assessment would, due in four hours.
func duty(ts *testscript.TestScript, _ bool, args []string) {
	id := breach.IncidentID(args[0])
	facts, err := storeOf(ts).Facts(context.Background(), id, 0)
	ts.Check(err)
	due := time.Now().Add(4 * time.Hour)
	ts.Check(storeOf(ts).SaveAssessment(context.Background(), id, breach.Assessment{
		FactsRev: facts.Rev,
		Severities: []breach.Severity{{
			Scale: "cac-2025", ScaleName: breach.Text{ZH: "网信分级", EN: "CAC"}, Level: "major", LevelName: breach.Text{ZH: "重大", EN: "major"}, Possible: "major",
		}},
		Obligations: []breach.Obligation{{
			Rule: "cn-cac-other", Authority: "cac", Owed: breach.Owed(args[1]), Duty: breach.DutyFiling, DueAt: &due, Hard: true,
			Title: breach.Text{ZH: "向网信部门报告", EN: "Report to the CAC"}, Addressee: breach.Text{ZH: "省级网信部门", EN: "provincial CAC"},
			ArticleIn: breach.Text{ZH: "第六条", EN: "art. 6"}, Depends: []breach.FactName{"people.total"},
		}},
	}))
}

// met INCIDENT ends that duty.
func met(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(storeOf(ts).SetObligation(context.Background(), breach.IncidentID(args[0]), "cn-cac-other/cac", store.ObligationMet))
}

// task INCIDENT ROLE asks somebody to isolate a host.
func task(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(storeOf(ts).AddTask(context.Background(), store.Task{
		IncidentID: breach.IncidentID(args[0]), Kind: breach.TaskManualStep, Ref: "step-" + args[1], OwnerRole: breach.Role(args[1]),
		Title: breach.Text{ZH: "隔离主机", EN: "Isolate the host"}, Detail: breach.Text{ZH: "断开网络。", EN: "Take it off the network."},
	}))
}

func TestVersionAndHelp(t *testing.T) {
	var out, errOut strings.Builder
	if code := run([]string{"--version"}, nil, &out, &errOut); code != exitOK || !strings.HasPrefix(out.String(), "tocsin ") {
		t.Errorf("%d %q %q", code, out.String(), errOut.String())
	}
}
