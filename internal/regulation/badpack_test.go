package regulation

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// compileWith compiles a pack of an operator together with the embedded ones.
func compileWith(t testing.TB, name, text string) (*Engine, error) {
	t.Helper()
	files, err := embeddedFiles()
	if err != nil {
		t.Fatal(err)
	}
	return compile(append(files, file{name, []byte(text)}))
}

func ownPack(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/packs/own.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOwnPackLoads(t *testing.T) {
	if _, err := compileWith(t, "own.yaml", ownPack(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("testdata/packs"); err != nil {
		t.Fatal(err)
	}
}

// Every wrong pack is refused with its line and the mend.
func TestBadPacks(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // what is changed in the good pack
		at       string // a piece of the line that must be named; new where empty
		text     string // what the fault says
		mend     string // what it advises
	}{
		{"unknown fact", "people.total >= 50", "people.totl >= 50", "", "undeclared reference to 'people.totl'", "did you mean people.total?"},
		{"unknown fact, nothing like it", "people.total >= 50", "weather.rain", "", "undeclared reference", "tocsin facts new lists them"},
		{"unknown level", "at_least.own_scale.big", "at_least.own_scale.huge", "", "undeclared reference", "use a fact's name"},
		{"CEL type error", "people.total >= 50", "people.total == \"many\"", "", "no matching overload", "compare a fact with a value of its own type"},
		{"a condition that is no truth", "people.total >= 50", "people.total + 50", "", "gives int, not true or false", "compare it with a value"},
		{"CEL syntax", "people.total >= 50", "people.total >=", "", "Syntax error", "it is CEL"},
		{"a word the fact can never have", `"leak" in kinds`, `"leek" in kinds`, "", `kinds is never "leek"`, "use one of leak, tamper"},
		{"comprehensions are off", `"leak" in kinds`, `kinds.exists(k, k == "leak")`, "", "undeclared reference", ""},
		{"a region must be written out", "people.total >= 50", "'people.by_region[org.role] >= 50'", "people.by_region", "a region must be written out", "in quotes"},
		{"a division may fail", "people.total >= 50", "people.total / people.u18 >= 50", "", "may not use /", "compare facts"},
		{"a conversion may fail", "people.total >= 50", "int(org.role) >= 50", "", "may not use int", "compare facts"},
		{"an index of nothing", "people.total >= 50", "'kinds[3] == \"leak\"'", "kinds[3]", "", ""},
		{"missing article", "    article: [{ zh: 第10条, en: clause 10 }]\n", "", "own-customer-final", "names no article", "write article:"},
		{"article in one language", "{ zh: 第10条, en: clause 10 }", "{ zh: 第10条 }", "", "the article is missing in Chinese or English", "write zh:"},
		{"overlapping validity", "en: clause 7, until: 2026-06-30", "en: clause 7, until: 2026-07-01", "from: 2026-07-01", "overlaps", "end the old numbering the day before"},
		{"validity ends before it begins", "from: 2026-07-01", "from: 2026-07-01, until: 2026-01-01", "", "ends before it begins", "swap the dates"},
		{"no date", "from: 2026-01-01", "from: tomorrow", "", `"tomorrow" is not a date`, "year-month-day"},
		{"unreachable stage: follows nothing", "    follows: [own-customer-notice]\n", "    when: [{ term: leaked }]\n", "own-customer-final", "unreachable: it follows no first report", "write follows:"},
		{"unreachable stage: never in force together", "    stage: final\n", "    stage: final\n    from: 2020-01-01\n    until: 2020-12-31\n", "own-customer-final", "never in force together", "mend the validity"},
		{"unreachable stage: a circle", "    stage: initial\n", "    stage: initial\n    follows: [own-customer-final]\n", "own-customer-notice", "no stage of it can be reached", "break the circle"},
		{"follows itself", "follows: [own-customer-notice]", "follows: [own-customer-final]", "", "follows itself", "name another rule"},
		{"follows a rule that is not there", "follows: [own-customer-notice]", "follows: [own-customer-note]", "", "does not exist", "use the id of a rule"},
		{"unknown stage", "stage: final", "stage: finale", "", `there is no stage "finale"`, "use single, initial"},
		{"unknown authority", "to: [own-customer-a]", "to: [own-customer-b]", "", `there is no authority "own-customer-b"`, "declare it under authorities:"},
		{"unknown instrument", "    instrument: A\n    article: [{ zh: 第10条", "    instrument: B\n    article: [{ zh: 第10条", "instrument: B", `there is no instrument "B"`, "declare it"},
		{"no addressee", "    to: [own-customer-a]\n", "", "own-customer-notice", "names no addressee", "write to:"},
		{"no clock", "    clock: [aware_at]\n", "", "own-customer-notice", "has no clock", "such as aware_at"},
		{"a clock that is none", "clock: [aware_at]", "clock: [people.total]", "", "is not an instant that deadlines run from", "use a clock: aware_at"},
		{"no time at all", "    deadline: { amount: 30, unit: calendar_day, kind: hard }\n", "", "own-customer-final", "says nothing about time", "write deadline:"},
		{"unknown unit", "unit: calendar_day", "unit: moon", "", `there is no unit "moon"`, "use minute, hour"},
		{"no amount", "amount: 30", "amount: 0", "", "a deadline of 0 cannot be", "from 1 to"},
		{"a deadline of a thousand years", "amount: 30", "amount: 365000", "", "cannot be", "from 1 to"},
		{"neither hard nor soft", "unit: calendar_day, kind: hard", "unit: calendar_day, kind: firm", "", "kind is \"firm\"", "hard where the law gives the number"},
		{"unknown calendar", "calendar: cn", "calendar: moon", "", `there is no calendar "moon"`, "use one of br, cn, jp, us-federal"},
		{"unknown urgency", "urgency: promptly", "urgency: soonish", "", `there is no urgency "soonish"`, "use one of"},
		{"no source", "    source: own\n    verify: [own-doubt]\n", "", "own-customer-notice", "the source is missing", "write source:"},
		{"a source without title", "    source: own\n    verify: [own-doubt]", "    source: found F77\n    verify: [own-doubt]", "found F77", "source F77 has no title", "add it under sources:"},
		{"memory without a doubt", "    source: own\n    verify: [own-doubt]", "    source: memory", "source: memory", "needs a doubt", "write verify:"},
		{"unknown doubt", "verify: [own-doubt]", "verify: [D-77]", "", `there is no doubt "D-77"`, "declare it under doubts:"},
		{"unknown term", "{ term: leaked }", "{ term: leeked }", "", "there is no term leeked", "declare it under terms:"},
		{"words missing", `zh: 发生泄露, en: a leak occurred }`, `zh: 发生泄露 }`, "", "term's text is missing in Chinese or English", "write it as zh: and en:"},
		{"unknown field", "    urgency: promptly\n", "    urgancy: promptly\n", "urgancy", `unknown field "urgancy"`, "docs/law.md"},
		{"a rule twice", "id: own-customer-final", "id: own-customer-notice", "Final word", "", ""},
		{"a rule of another pack", "id: own-customer-final", "id: cn-cac-final", "", "declared twice", "give each rule its own id"},
		{"an authority of another pack", "key: own-customer-a", "key: cn-police", "", "declared twice", "declare it once"},
		{"a pack twice", "pack: own-contract", "pack: cn-cac", "", "loaded twice", "rename it"},
		{"no zone", "zone: Asia/Shanghai", "zone: China", "", `zone "China" is unknown`, "IANA name"},
		{"no version", "version: \"1\"\n", "", "pack: own-contract", "the pack has no version", "write version:"},
		{"wrong format", "format: 1", "format: 2", "", `format is "2"`, "begin the pack with format: 1"},
		{"a level that cannot be reached", "        lines:\n          - { expr: people.total >= 50, zh: 50 人以上, en: 50 people or more }\n", "", "key: big", "can never be reached", "write lines:"},
		{"a rule without a condition", "    when:\n      - { term: leaked }\n      - { expr: at_least.own_scale.big, zh: 达到“大”级, en: the level is big }\n", "", "own-customer-notice", "says for nothing when it applies", "write when:"},
		{"broken YAML", "rules:\n", "rules: [\n", "", "", ""},
	}
	good := ownPack(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Count(good, tt.old) == 0 {
				t.Fatalf("the good pack has no %q", tt.old)
			}
			bad := strings.Replace(good, tt.old, tt.new, 1)
			_, err := compileWith(t, "own.yaml", bad)
			faults := Faults(err)
			if len(faults) == 0 {
				t.Fatal("the pack is accepted")
			}
			for _, f := range faults {
				if f.File == "" || f.Line == 0 || f.Text == "" || f.Mend == "" {
					t.Errorf("incomplete: %v", f)
				}
			}
			at := tt.at
			if at == "" {
				at = strings.TrimSpace(strings.SplitN(tt.new, "\n", 2)[0])
			}
			lines := linesWith(bad, at)
			found := slices.ContainsFunc(faults, func(f *Fault) bool {
				return strings.Contains(f.Text, tt.text) && strings.Contains(f.Mend, tt.mend) && (tt.text == "" || slices.Contains(lines, f.Line))
			})
			if !found {
				t.Errorf("want lines %v, %q, %q; got:\n%v", lines, tt.text, tt.mend, err)
			}
		})
	}
}

func linesWith(text, piece string) []int {
	var out []int
	for i, l := range strings.Split(text, "\n") {
		if strings.Contains(l, piece) {
			out = append(out, i+1)
		}
	}
	return out
}

// All faults come at once.
func TestFaultsComeTogether(t *testing.T) {
	bad := strings.NewReplacer("people.total >= 50", "people.totl >= 50", "unit: calendar_day", "unit: moon", "to: [own-customer-a]", "to: [nobody]").Replace(ownPack(t))
	_, err := compileWith(t, "own.yaml", bad)
	if n := len(Faults(err)); n != 3 {
		t.Errorf("%d faults, want 3:\n%v", n, err)
	}
}

func TestLoadRefusesWhatIsNoFolderOfPacks(t *testing.T) {
	for _, dir := range []string{"testdata/nowhere", "testdata/packs/own.yaml", t.TempDir()} {
		if _, err := Load(dir); len(Faults(err)) != 1 || Faults(err)[0].Mend == "" {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
