package load_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/load"
	"tocsin/internal/store"
)

func open(t *testing.T, r io.Reader) *audience.File {
	t.Helper()
	f, err := audience.Open(r, audience.Options{At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func table(rows int) string {
	var b strings.Builder
	b.WriteString("用户ID,姓名,邮箱\n")
	for i := range rows {
		fmt.Fprintf(&b, "u%d,示例,a%d@example.com\n", i, i)
	}
	return b.String()
}

func TestRowsComeInOrderAndOnce(t *testing.T) {
	const rows = 5000
	n := 0
	taking, reading := load.Rows(open(t, strings.NewReader(table(rows))), func(row *audience.Row) error {
		if want := fmt.Sprint("u", n); row.Person == nil || row.Person.ExternalID != want || row.Person.Email != fmt.Sprintf("a%d@example.com", n) {
			t.Errorf("row %d is another", n)
		}
		n++
		return nil
	}, func() { t.Error("halted") })
	if taking != nil || reading != nil || n != rows {
		t.Errorf("%d rows, %v, %v", n, taking, reading)
	}
}

var errFull, errBroke = errors.New("full"), errors.New("broke")

// A read that waits is ended when rows are no longer wanted.
func TestAFailureEndsTheReading(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, table(80_000)) // more than is looked at before the first row; then no more comes, nor the end
	}()
	n := 0
	taking, _ := load.Rows(open(t, r), func(*audience.Row) error {
		if n++; n == 700 {
			return errFull
		}
		return nil
	}, func() { _ = r.CloseWithError(errBroke) })
	if !errors.Is(taking, errFull) || n != 700 {
		t.Errorf("%d rows, %v", n, taking)
	}
}

// The rows before a break are taken.
func TestABreakIsTheReadings(t *testing.T) {
	n := 0
	taking, reading := load.Rows(open(t, io.MultiReader(strings.NewReader(table(1300)), broken{})), func(*audience.Row) error { n++; return nil }, func() {})
	if taking != nil || !errors.Is(reading, errBroke) || n != 1300 {
		t.Errorf("%d rows, %v, %v", n, taking, reading)
	}
}

type broken struct{}

// Read fails.
func (broken) Read([]byte) (int, error) { return 0, errBroke }

func TestPersonIsCarriedOver(t *testing.T) {
	p := audience.Person{
		ExternalID: "u1", Name: "示例", Email: "a@example.com", Phone: "+8613800000001", Address: "示例路1号", Age: audience.AgeUnknown, Region: "CN", Categories: []string{"name"},
		Guardians: []audience.Guardian{{Name: "示例家长", Email: "b@example.com", Phone: "+8613800000002"}},
	}
	want := store.AffectedPerson{
		Identity: p.IdentityKey(), Name: "示例", Age: "unknown", Language: breach.Chinese, Region: "CN", Categories: []string{"name"},
		Minor:     true, // of unknown age, with a guardian
		Contacts:  store.Contacts{Email: "a@example.com", Phone: "+8613800000001", Address: "示例路1号"},
		Guardians: []store.Guardian{{Name: "示例家长", Contacts: store.Contacts{Email: "b@example.com", Phone: "+8613800000002"}}},
	}
	if got := load.Person(&p, breach.Chinese); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p.Guardians, p.Language = nil, breach.English
	if got := load.Person(&p, breach.Chinese); got.Minor || got.Language != breach.English {
		t.Errorf("got %+v", got)
	}
}
