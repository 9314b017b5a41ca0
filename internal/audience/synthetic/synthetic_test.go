package synthetic_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audience"
	"tocsin/internal/audience/synthetic"
)

var at = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("CST", 8*60*60))

func options(e synthetic.Encoding) synthetic.Options {
	return synthetic.Options{
		Seed: 7, At: at, Encoding: e, People: 2000, Minors: 300, Shared: 40, Broken: 30, Refused: 25, Deferred: 20,
		RefusedOnly: 12, Unreachable: 15, PushOnly: 10, BadRows: 21,
	}
}

// found counts what the importer makes of a file.
func found(t *testing.T, file []byte) (synthetic.Tally, string) {
	t.Helper()
	f, err := audience.Open(bytes.NewReader(file), audience.Options{At: at})
	if err != nil {
		t.Fatal(err)
	}
	got := synthetic.Tally{Warned: map[audience.Reason]int{}}
	identities, emails, phones, tokens, guardians := set{}, set{}, set{}, set{}, set{}
	for {
		row, err := f.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got.Rows++
		if row.Reject != nil {
			got.BadRows++
			continue
		}
		p := row.Person
		identities.add(p.IdentityKey())
		emails.add(p.Email)
		phones.add(p.Phone)
		tokens.add(p.PushToken)
		for _, g := range p.Guardians {
			guardians.add(g.Name)
			emails.add(g.Email)
			phones.add(g.Phone)
		}
		if p.Age.IsMinor() {
			got.Minors++
		}
		if p.Age == audience.Under14 {
			got.Under14++
		}
		for _, w := range row.Warnings {
			got.Warned[w.Reason]++
			if w.Reason == audience.NoContact {
				got.NoContact++
			}
		}
	}
	got.People, got.Emails, got.Phones, got.Tokens, got.Guardians = len(identities), len(emails), len(phones), len(tokens), len(guardians)
	return got, f.Encoding()
}

type set map[string]bool

func (s set) add(v string) {
	if v != "" {
		s[v] = true
	}
}

func TestTheImporterFindsWhatIsTold(t *testing.T) {
	for e, name := range map[synthetic.Encoding]string{synthetic.UTF8: "UTF-8", synthetic.UTF8WithMark: "UTF-8 with BOM", synthetic.GB18030: "GB18030"} {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			r, err := synthetic.Generate(&file, options(e))
			if err != nil {
				t.Fatal(err)
			}
			got, encoding := found(t, file.Bytes())
			if encoding != name {
				t.Errorf("read as %s", encoding)
			}
			if d := cmp.Diff(r.Tally, got); d != "" {
				t.Error(d)
			}
			if r.Tally.People != 2000 || r.Tally.Minors != 300 || r.Tally.BadRows != 21 || r.Tally.Guardians >= 300 {
				t.Errorf("told %+v", r.Tally)
			}
		})
	}
}

func TestTheSameOptionsGiveTheSameFile(t *testing.T) {
	var a, b, c bytes.Buffer
	o := options(synthetic.GB18030)
	_, errA := synthetic.Generate(&a, o)
	_, errB := synthetic.Generate(&b, o)
	o.Seed++
	_, errC := synthetic.Generate(&c, o)
	if err := errors.Join(errA, errB, errC); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("the seed does not decide the file")
	}
}

func TestASecondFileHoldsOthers(t *testing.T) {
	o := options(synthetic.UTF8)
	one, errOne := synthetic.Generate(io.Discard, o)
	o.First, o.Seed = 5000, 8
	two, errTwo := synthetic.Generate(io.Discard, o)
	if err := errors.Join(errOne, errTwo); err != nil {
		t.Fatal(err)
	}
	seen := set{}
	for _, c := range one.Canaries {
		seen.add(c)
	}
	for _, c := range two.Canaries {
		if seen[c] {
			t.Errorf("%s is in both files", c)
		}
	}
}

func TestCanariesAreInTheFile(t *testing.T) {
	var file bytes.Buffer
	r, err := synthetic.Generate(&file, options(synthetic.UTF8))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Canaries {
		if len(c) < 6 || !bytes.Contains(file.Bytes(), []byte(c)) {
			t.Errorf("canary %q is too short or not in the file", c)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]synthetic.Options{
		"no day":                   {People: 1},
		"more kinds than people":   {At: at, People: 1, Minors: 1, Broken: 1},
		"negative":                 {At: at, People: -1},
		"more people than numbers": {At: at, People: 10_000_000},
	} {
		if _, err := synthetic.Generate(io.Discard, o); err == nil {
			t.Errorf("%s went through", name)
		}
	}
}
