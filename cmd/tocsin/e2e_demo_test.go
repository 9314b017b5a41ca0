package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"tocsin/internal/config"
)

// The demo plays a whole incident. Whatever is kept or shown of it beside the sealed rows, the messages and the people file
// themselves may hold no name, address, number, token or account of anybody in the people files.
func TestTheDemoLeavesNoPersonalDataBehind(t *testing.T) {
	t.Parallel()
	cfg := demoConfig(config.Default(), false)
	cfg.Log.Level = "debug"
	out, logs := &journal{}, &journal{}
	places := map[string]string{}
	var find *finder
	err := playDemo(t.Context(), cfg, demoOptions{People: 600, Out: out, Logs: logs, Done: func(ctx context.Context, d *demo) error {
		find = newFinder(d.canaries)
		return gather(ctx, d, logs, places)
	}})
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	places["what the demo prints"], places["the logs"] = out.String(), logs.String()

	if len(find.canaries) < 1000 || find.short > 0 || find.forms < len(find.canaries)+500 {
		t.Errorf("%d canaries in %d forms, %d too short to be found: names, addresses and numbers of 600 people are more", len(find.canaries), find.forms, find.short)
	}
	for place, text := range places {
		if text == "" {
			t.Errorf("nothing was found at %s, so nothing was searched", place)
		}
		if n := find.in(text); n > 0 {
			t.Errorf("%s: %d times something of the people file", place, n)
		}
		for _, canary := range []int{0, len(find.canaries) / 2, len(find.canaries) - 1} {
			seeded := text[:len(text)/2] + "\n" + find.canaries[canary] + "\n" + text[len(text)/2:]
			if find.in(seeded) != 1 {
				t.Errorf("%s: a canary that was put there is not found", place)
			}
		}
	}
	t.Logf("%d canaries in %d forms searched in %d places", len(find.canaries), find.forms, len(places))
}

// A search that finds nothing proves something only if it finds what is there, however it is written.
func TestTheSearchForPersonalDataBites(t *testing.T) {
	t.Parallel()
	find := newFinder([]string{"王示例三", "wang.san@example.com", "+8613812345678", "demo-0000001"})
	for place, text := range map[string]string{
		"in a sentence":                "told 王示例三 by email",
		"escaped in JSON":              `{"name":"\u738b\u793a\u4f8b\u4e09"}`,
		"an address in other case":     "to=Wang.San@Example.com",
		"a number as it is":            "x+8613812345678x",
		"a number without its country": `"phone":"13812345678"`,
		"a number with spaces":         "138 1234 5678",
		"a number with dashes":         "(+86) 138-1234-5678",
		"an account":                   "person=demo-0000001,",
	} {
		if find.in(text) != 1 {
			t.Errorf("%s: not found", place)
		}
	}
	var history strings.Builder
	spell(&history, &historypb.History{Events: []*historypb.HistoryEvent{{Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
		WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
			Input: &commonpb.Payloads{Payloads: []*commonpb.Payload{{Data: []byte(`{"to":"王示例三"}`)}}},
		},
	}}}})
	if find.in(history.String()) != 1 {
		t.Error("in a payload of a history: not found")
	}
	for place, text := range map[string]string{
		"another person": "王示例四 wang.si@example.com", "a longer number": "913812345678", "digits of an instant": "1381234567890123",
	} {
		if find.in(text) != 0 {
			t.Errorf("%s: found", place)
		}
	}
}

// finder searches a text for many strings at once.
type finder struct {
	canaries []string
	forms    int
	short    int                 // canaries too short to be looked for
	byStart  map[string][]string // the first bytes of a form, and the forms that begin so
}

// startBytes is how many bytes of a form are looked up; shorter canaries would be found everywhere.
const startBytes = 8

func newFinder(canaries []string) *finder {
	f := &finder{byStart: map[string][]string{}}
	for _, c := range canaries {
		if c = strings.ToLower(strings.TrimSpace(c)); len(c) < startBytes {
			f.short++
			continue
		}
		f.canaries = append(f.canaries, c)
		for _, form := range forms(c) {
			f.forms++
			f.byStart[form[:startBytes]] = append(f.byStart[form[:startBytes]], form)
		}
	}
	return f
}

// forms are the ways to write a canary: a number also as people in its country write it.
func forms(canary string) []string {
	national := strings.TrimPrefix(canary, "+86")
	if len(national) != 11 || !numeric(national) {
		return []string{canary}
	}
	a, b, c := national[:3], national[3:7], national[7:]
	return []string{national, a + " " + b + " " + c, a + "-" + b + "-" + c}
}

var codePoints = regexp.MustCompile(`(?:\\u[0-9a-f]{4})+`)

// in counts canaries in a text.
func (f *finder) in(text string) int {
	text = codePoints.ReplaceAllStringFunc(strings.ToLower(text), func(e string) string {
		if plain, err := strconv.Unquote(`"` + e + `"`); err == nil {
			return plain
		}
		return e
	})
	n := 0
	for i := 0; i+startBytes <= len(text); i++ {
		for _, form := range f.byStart[text[i:i+startBytes]] {
			if strings.HasPrefix(text[i:], form) && !(numeric(form) && withinNumber(text, i, i+len(form))) {
				n++
				break
			}
		}
	}
	return n
}

func numeric(s string) bool { return strings.Trim(s, "0123456789 -") == "" }

// withinNumber reports that digits go on before or after, but for the country's code.
func withinNumber(text string, from, to int) bool {
	digit := func(i int) bool { return i >= 0 && i < len(text) && text[i] >= '0' && text[i] <= '9' }
	return digit(to) || digit(from-1) && !strings.HasSuffix(text[:from], "86")
}

// gather reads everything that is kept or shown of a demo run.
func gather(ctx context.Context, d *demo, logs *journal, places map[string]string) error {
	stack := d.local.stack
	var failed []error
	keep := func(place, text string, err error) {
		places[place] = text
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", place, err))
		}
	}
	text, err := histories(ctx, stack.Temporal.Client().WorkflowService(), stack.Namespace)
	keep("the engine's histories, memos and search attributes", text, err)
	text, err = metricsPage(ctx, logs.String())
	keep("the metrics", text, err)
	text, err = readAll(filepath.Join(stack.Postgres.Dir(), "server.log"))
	keep("PostgreSQL's log", text, err)
	text, err = readAll(filepath.Join(d.local.cfg.DataDir, "temporal", "temporal.log"))
	keep("Temporal's log", text+"\n", err)
	text, err = fileNames(d.local.cfg.DataDir, stack.Postgres.Dir())
	keep("the names of files", text, err)
	text, err = tables(ctx, d.local.cfg.Database.URL)
	keep("the database's tables", text, err)
	return errors.Join(failed...)
}

// histories is everything that the engine would show or export: every execution's description and history, each field and
// each payload as text.
func histories(ctx context.Context, engine workflowservice.WorkflowServiceClient, namespace string) (string, error) {
	var text strings.Builder
	count := 0
	for token := []byte(nil); ; {
		list, err := engine.ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: namespace, NextPageToken: token})
		if err != nil {
			return "", err
		}
		for _, w := range list.GetExecutions() {
			count++
			spell(&text, w)
			described, err := engine.DescribeWorkflowExecution(ctx, &workflowservice.DescribeWorkflowExecutionRequest{Namespace: namespace, Execution: w.GetExecution()})
			if err != nil {
				return "", err
			}
			spell(&text, described)
			for page := []byte(nil); ; {
				h, err := engine.GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
					Namespace: namespace, Execution: w.GetExecution(), NextPageToken: page, HistoryEventFilterType: enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT,
				})
				if err != nil {
					return "", err
				}
				spell(&text, h)
				if page = h.GetNextPageToken(); len(page) == 0 {
					break
				}
			}
		}
		if token = list.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	if count < 10 || !strings.Contains(text.String(), "SendChunk") {
		return "", fmt.Errorf("%d executions only", count)
	}
	return text.String(), nil
}

// spell writes a message as it is exported, and every string and payload in it once more in clear.
func spell(to *strings.Builder, m proto.Message) {
	exported, err := protojson.Marshal(m)
	if err != nil {
		exported = []byte(err.Error())
	}
	to.Write(exported)
	to.WriteByte('\n')
	spellFields(to, m.ProtoReflect())
}

func spellFields(to *strings.Builder, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				to.WriteString(k.String() + "\n")
				spellValue(to, f.MapValue(), v)
				return true
			})
		case f.IsList():
			for i := range v.List().Len() {
				spellValue(to, f, v.List().Get(i))
			}
		default:
			spellValue(to, f, v)
		}
		return true
	})
}

func spellValue(to *strings.Builder, f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		spellFields(to, v.Message())
	case protoreflect.BytesKind:
		to.Write(v.Bytes())
		to.WriteByte('\n')
	default:
		to.WriteString(v.String() + "\n")
	}
}

var metricsAddress = regexp.MustCompile(`what=metrics address=(\S+)`)

// metricsPage reads the page whose address the log tells.
func metricsPage(ctx context.Context, logs string) (string, error) {
	m := metricsAddress.FindStringSubmatch(logs)
	if m == nil {
		return "", errors.New("the log does not tell its address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m[1]+"/metrics", nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && !strings.Contains(string(b), "tocsin_") {
		err = fmt.Errorf("status %d, and no number of ours", resp.StatusCode)
	}
	return string(b), err
}

func readAll(file string) (string, error) {
	b, err := os.ReadFile(file)
	return string(b), err
}

func fileNames(dirs ...string) (string, error) {
	var names strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			names.WriteString(path + "\n")
			if errors.Is(err, fs.ErrNotExist) { // PostgreSQL works on
				return nil
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return names.String(), nil
}

// tables is every row of the database as text; what is sealed is bytes there.
func tables(ctx context.Context, url string) (string, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `select format('%I', relname) from pg_class where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace`)
	if err != nil {
		return "", err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range names {
		rows, err := conn.Query(ctx, `select t::text from `+name+` t`)
		if err != nil {
			return "", err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return "", err
		}
		text.WriteString(name + "\n" + strings.Join(lines, "\n") + "\n")
	}
	return text.String(), nil
}
