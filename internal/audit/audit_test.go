package audit_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/audit"
)

// line is an entry as it is stored.
type line struct {
	entry audit.Entry
	hash  []byte
}

func chain(n int) ([]line, audit.Head) {
	var lines []line
	var head audit.Head
	for i := range n {
		e := audit.Entry{
			Seq: int64(i + 1), At: time.UnixMicro(1_795_000_000_000_000 + int64(i)), Actor: "wang", Action: "filing.approve",
			Incident: 3, Subject: fmt.Sprintf("document-%d", i), Detail: []byte(fmt.Sprintf(`{"n":%d}`, i)),
		}
		lines = append(lines, line{e, audit.Next(head.Hash, e)})
		head = audit.Head{Seq: e.Seq, Hash: lines[i].hash}
	}
	return lines, head
}

func each(lines []line) iter.Seq2[audit.Entry, []byte] {
	return func(yield func(audit.Entry, []byte) bool) {
		for _, l := range lines {
			if !yield(l.entry, l.hash) {
				return
			}
		}
	}
}

func fault(err error) string {
	if f, ok := errors.AsType[*audit.Fault](err); ok {
		return fmt.Sprint(f.Kind, " ", f.Seq)
	}
	return fmt.Sprint(err)
}

// The bytes are stored for years, so the format is nailed down by an example.
func TestTheFormatStays(t *testing.T) {
	e := audit.Entry{Seq: 1, At: time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC), Actor: "王", Action: "a", Incident: 2, Subject: "s", Detail: []byte("{}")}
	want := "0000000000000010" + hex.EncodeToString([]byte("tocsin-journal-1")) + "0000000000000000" +
		"0000000000000008" + "0000000000000002" + "0000000000000008" + "0000000000000001" + "0000000000000008" + "000660d3067598c4" +
		"0000000000000003" + "e78e8b" + "0000000000000001" + "61" + "0000000000000001" + "73" + "0000000000000002" + "7b7d"
	if got := hex.EncodeToString(audit.Canonical(nil, e)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e.At = e.At.In(time.FixedZone("CST", 8*3600))
	if got := hex.EncodeToString(audit.Canonical(nil, e)); got != want {
		t.Error("the zone of an instant changes its bytes")
	}
}

func TestAWholeChainFits(t *testing.T) {
	for n := range 5 {
		lines, head := chain(n)
		var anchors []audit.Head
		for _, l := range lines {
			anchors = append(anchors, audit.Head{Seq: l.entry.Seq, Hash: l.hash})
		}
		if err := audit.Verify(head, each(lines), anchors...); err != nil {
			t.Errorf("%d entries: %v", n, err)
		}
	}
}

func TestEachChangedBitIsFound(t *testing.T) {
	const n = 4
	tried := 0
	for i := range n {
		for name, flips := range flips() {
			for bit := range flips.bits {
				lines, head := chain(n)
				lines[i].entry.Detail, lines[i].hash = bytes.Clone(lines[i].entry.Detail), bytes.Clone(lines[i].hash)
				flips.flip(&lines[i], bit)
				f, ok := errors.AsType[*audit.Fault](audit.Verify(head, each(lines)))
				if !ok || f.Seq > int64(i+1) {
					t.Fatalf("entry %d, %s, bit %d: %v", i+1, name, bit, f)
				}
				tried++
			}
		}
	}
	t.Logf("%d bits", tried)
}

type flip struct {
	bits int
	flip func(l *line, bit int)
}

func flips() map[string]flip {
	lines, _ := chain(1)
	text := func(s string, bit int) string {
		b := []byte(s)
		b[bit/8] ^= 1 << (bit % 8)
		return string(b)
	}
	e := lines[0].entry
	return map[string]flip{
		"seq":      {63, func(l *line, bit int) { l.entry.Seq ^= 1 << bit }},
		"at":       {50, func(l *line, bit int) { l.entry.At = time.UnixMicro(l.entry.At.UnixMicro() ^ 1<<bit) }},
		"actor":    {8 * len(e.Actor), func(l *line, bit int) { l.entry.Actor = text(l.entry.Actor, bit) }},
		"action":   {8 * len(e.Action), func(l *line, bit int) { l.entry.Action = text(l.entry.Action, bit) }},
		"incident": {63, func(l *line, bit int) { l.entry.Incident ^= 1 << bit }},
		"subject":  {8 * len(e.Subject), func(l *line, bit int) { l.entry.Subject = text(l.entry.Subject, bit) }},
		"detail":   {8 * len(e.Detail), func(l *line, bit int) { l.entry.Detail[bit/8] ^= 1 << (bit % 8) }},
		"hash":     {8 * audit.HashSize, func(l *line, bit int) { l.hash[bit/8] ^= 1 << (bit % 8) }},
	}
}

func TestFaultsAreNamed(t *testing.T) {
	lines, head := chain(5)
	rewritten, rewrittenHead := chain(5)
	rewritten[1].entry.Actor = "li"
	rehash(rewritten, 1, 5, &rewrittenHead)
	half, halfHead := chain(5)
	half[1].entry.Actor = "li"
	rehash(half, 1, 2, &halfHead)
	moved := append(slices.Clone(lines[:1]), lines[2], lines[1], lines[3], lines[4])
	swapped := slices.Clone(lines)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	swapped[1].entry.Seq, swapped[2].entry.Seq = 2, 3
	at := func(l []line, i int) audit.Head { return audit.Head{Seq: l[i].entry.Seq, Hash: l[i].hash} }
	for _, c := range []struct {
		name    string
		lines   []line
		head    audit.Head
		anchors []audit.Head
		want    string
	}{
		{"first entry deleted", lines[1:], head, nil, "missing 1"},
		{"entry deleted", append(slices.Clone(lines[:2]), lines[3:]...), head, nil, "missing 3"},
		{"end cut off", lines[:3], head, nil, "cut 4"},
		{"all cut off", nil, head, nil, "cut 1"},
		{"end and head cut off, anchor kept", lines[:3], at(lines, 2), []audit.Head{at(lines, 4)}, "cut 4"},
		{"entries after the head", lines, at(lines, 2), nil, "surplus 4"},
		{"entries of a chain without head", lines, audit.Head{}, nil, "surplus 1"},
		{"a hash without entries", nil, audit.Head{Hash: head.Hash}, nil, "unanchored 0"},
		{"entries in another order", moved, head, nil, "missing 2"},
		{"entry twice", append(slices.Clone(lines[:2]), lines[1:]...), head, nil, "misplaced 2"},
		{"contents of two entries swapped", swapped, head, nil, "changed 2"},
		{"entry and its hash changed", half, head, nil, "changed 3"},
		{"all written anew but the head", rewritten, head, nil, "unanchored 5"},
		{"all written anew with the head", rewritten, rewrittenHead, nil, "<nil>"},
		{"all written anew with the head, anchor kept", rewritten, rewrittenHead, []audit.Head{at(lines, 2), at(lines, 0)}, "unanchored 3"},
		{"last entry and head of another chain", lines, audit.Head{Seq: 5, Hash: rewrittenHead.Hash}, nil, "unanchored 5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault(audit.Verify(c.head, each(c.lines), c.anchors...)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// rehash recomputes the hashes of entries [from, to), as a forger would.
func rehash(lines []line, from, to int, head *audit.Head) {
	prev := lines[from-1].hash
	for i := from; i < to; i++ {
		lines[i].hash = audit.Next(prev, lines[i].entry)
		prev = lines[i].hash
	}
	if to == len(lines) {
		head.Hash = prev
	}
}

// Random damage of every kind at once: all of it is found, and never later than it begins.
func TestRandomDamageIsFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		lines, head := chain(2 + rng.IntN(6))
		i := rng.IntN(len(lines))
		switch rng.IntN(4) {
		case 0:
			lines[i].hash = bytes.Clone(lines[i].hash)
			lines[i].hash[rng.IntN(audit.HashSize)] ^= 1 << rng.IntN(8)
		case 1:
			lines = slices.Delete(lines, i, i+1)
		case 2:
			j := (i + 1 + rng.IntN(len(lines)-1)) % len(lines)
			lines[i], lines[j] = lines[j], lines[i]
			i = min(i, j)
		case 3:
			lines = lines[:i]
		}
		f, ok := errors.AsType[*audit.Fault](audit.Verify(head, each(lines)))
		if !ok || f.Seq > int64(i+1) || f.Error() == "" {
			t.Fatalf("damage at %d of %d: %v", i+1, head.Seq, f)
		}
	}
}

func TestDifferentEntriesHaveDifferentBytes(t *testing.T) {
	text := rapid.StringMatching(`[a-c]{0,3}`)
	draw := func(t *rapid.T, name string) (prev []byte, e audit.Entry) {
		return []byte(text.Draw(t, name+" prev")), audit.Entry{
			Seq: rapid.Int64Range(0, 2).Draw(t, name+" seq"), Incident: rapid.Int64Range(0, 2).Draw(t, name+" incident"), At: time.UnixMicro(rapid.Int64Range(-1, 1).Draw(t, name+" at")),
			Actor: text.Draw(t, name+" actor"), Action: text.Draw(t, name+" action"), Subject: text.Draw(t, name+" subject"), Detail: []byte(text.Draw(t, name+" detail")),
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pa, a := draw(t, "a")
		pb, b := draw(t, "b")
		same := bytes.Equal(pa, pb) && a.Seq == b.Seq && a.Incident == b.Incident && a.At.Equal(b.At) && a.Actor == b.Actor &&
			a.Action == b.Action && a.Subject == b.Subject && bytes.Equal(a.Detail, b.Detail)
		if bytes.Equal(audit.Canonical(pa, a), audit.Canonical(pb, b)) != same {
			t.Fatal("the bytes do not tell two entries apart")
		}
	})
}
