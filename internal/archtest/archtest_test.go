package archtest_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/internal/archtest"
)

func TestTheTreeKeepsToTheTable(t *testing.T) {
	faults, err := table.Check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

func TestEveryAllowanceHasAReason(t *testing.T) {
	for _, a := range table.Allowances {
		if a.Why == "" {
			t.Errorf("why may %s import %s?", a.From, a.To)
		}
	}
}

func TestCheckFindsWhatItIsFor(t *testing.T) {
	rules := archtest.Table{
		Module: "tocsin",
		Rooms: []archtest.Room{
			{Folder: "cmd", May: []string{"."}},
			{Folder: "notifiers", May: []string{"internal/breach"}},
			{Folder: "internal/breach"},
			{Folder: "internal/store", May: []string{"internal/breach"}},
		},
		Allowances: []archtest.Allowance{{From: "internal/store", To: "internal/seal", Why: "a reason"}},
		Owners:     []archtest.Owner{{Module: "github.com/spf13/viper", Rooms: []string{"internal/config"}, Why: "read once"}},
	}
	seal := "package store\nimport _ \"tocsin/internal/seal\""
	tests := []struct {
		name, file, source, want string
	}{
		{"an import of the row", "notifiers/email/smtp.go", `import _ "tocsin/internal/breach"`, ""},
		{"an import within the room", "notifiers/email/smtp.go", `import _ "tocsin/notifiers"`, ""},
		{"everything, for wiring", "cmd/tocsin/main.go", `import _ "tocsin/internal/store"`, ""},
		{"anything, in a test", "notifiers/email/smtp_test.go", `import _ "tocsin/internal/store"`, ""},
		{"a folder that go ignores", "notifiers/testdata/x.go", `import _ "tocsin/internal/store"`, ""},
		{"a sibling", "notifiers/email/smtp.go", `import _ "tocsin/internal/store"`, "notifiers must not import internal/store"},
		{"the centre looking out", "internal/breach/breach.go", `import _ "tocsin/notifiers"`, "it may import nothing of ours"},
		{"a neighbour with the same beginning", "internal/store/a.go", `import _ "tocsin/internal/breachx"`, "must not import internal/breachx"},
		{"a room without a row", "internal/util/util.go", `import _ "tocsin/internal/breach"`, "no row of the table covers internal/util"},
		{"a module that has an owner", "internal/store/a.go", `import _ "github.com/spf13/viper"`, "is for internal/config alone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"internal/store/seal.go": {Data: []byte(seal)}, // uses the allowance
				tt.file:                  {Data: []byte("package p\n" + tt.source)},
			}
			faults, err := rules.Check(tree)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" && len(faults) > 0 {
				t.Errorf("found %q", faults)
			}
			if tt.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], tt.file) || !strings.Contains(faults[0], tt.want)) {
				t.Errorf("found %q, want one: %s", faults, tt.want)
			}
		})
	}
	faults, err := rules.Check(fstest.MapFS{})
	if err != nil || !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, "not needed any more") }) {
		t.Errorf("an allowance that nothing uses: %q, %v", faults, err)
	}
}
