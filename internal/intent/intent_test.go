package intent

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var shard = Shard{Incident: "INC-20261122-0001", Campaign: 1, Shard: 3}

func started(t *testing.T, d Dir, fence int64) *Log {
	t.Helper()
	l, err := d.Open(shard, fence)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func begin(t *testing.T, l *Log, contacts ...int64) {
	t.Helper()
	for _, c := range contacts {
		if err := l.Begin(c, [32]byte{byte(c)}); err != nil {
			t.Fatal(err)
		}
	}
}

func end(t *testing.T, l *Log, contact int64, state string) {
	t.Helper()
	if err := l.End(End{Contact: contact, State: state, Code: "250", SHA256: []byte{byte(contact)}}); err != nil {
		t.Fatal(err)
	}
}

func taken(t *testing.T, d Dir, before int64) Left {
	t.Helper()
	left, err := d.Take(shard, before)
	if err != nil || len(left) != 1 {
		t.Fatalf("%d logs, %v; want one", len(left), err)
	}
	return left[0]
}

func TestAnHeirLearnsWhatHadBegunAndWhatHadEnded(t *testing.T) {
	d := Dir(filepath.Join(t.TempDir(), "made"))
	l := started(t, d, 7)
	begin(t, l, 1, 2, 3)
	end(t, l, 1, "accepted")
	end(t, l, 3, "temporary")
	left := taken(t, d, 8)
	if left.Fence != 7 || len(left.Begun) != 1 || !bytes.Equal(left.Begun[2][:1], []byte{2}) {
		t.Errorf("begun without an end: %+v", left)
	}
	if len(left.Ended) != 2 || left.Ended[1].State != "accepted" || left.Ended[1].Code != "250" || left.Ended[3].State != "temporary" {
		t.Errorf("ended: %+v", left.Ended)
	}
	left.Remove()
	if again, err := d.Take(shard, 9); err != nil || len(again) != 0 {
		t.Errorf("after its removal: %+v, %v", again, err)
	}
}

func TestNothingLeavesUnderALogThatAnHeirHasTaken(t *testing.T) {
	d := Dir(t.TempDir())
	l := started(t, d, 7)
	begin(t, l, 1)
	left := taken(t, d, 8)
	if err := l.Begin(2, [32]byte{}); !errors.Is(err, ErrTaken) {
		t.Errorf("a message of the earlier holder: %v", err)
	}
	if _, known := left.Begun[2]; known {
		t.Error("the heir knows of a message that came later")
	}
	if again := taken(t, d, 9); len(again.Begun) != 2 { // an heir that died before it had written what it read
		t.Errorf("the heir's heir: %+v", again)
	}
}

// Whatever the order of two goroutines, a message that was let go is known to the heir.
func TestAnHeirMissesNoMessageThatWasLetGo(t *testing.T) {
	for range 200 {
		d := Dir(t.TempDir())
		l := started(t, d, 1)
		var gone []int64
		var wg sync.WaitGroup
		wg.Go(func() {
			for c := int64(1); ; c++ {
				if err := l.Begin(c, [32]byte{}); err != nil {
					return
				}
				gone = append(gone, c)
			}
		})
		left := taken(t, d, 2)
		wg.Wait()
		for _, c := range gone {
			if _, known := left.Begun[c]; !known {
				t.Fatalf("message %d was let go, and the heir has not heard of it", c)
			}
		}
	}
}

func TestAnEndCountsForItsOwnAttemptOnly(t *testing.T) {
	d := Dir(t.TempDir())
	l := started(t, d, 7)
	begin(t, l, 1, 2, 3)
	end(t, l, 1, "temporary")
	end(t, l, 2, "temporary")
	end(t, l, 3, "temporary")
	if err := l.Settled([]int64{1, 2}); err != nil {
		t.Fatal(err)
	}
	begin(t, l, 1)
	left := taken(t, d, 8)
	if len(left.Begun) != 1 || left.Begun[1] == nil {
		t.Errorf("begun: %v, want the second attempt of 1", left.Begun)
	}
	if len(left.Ended) != 1 || left.Ended[3].State != "temporary" {
		t.Errorf("ended: %v, want 3 alone: what 1 and 2 came to is in the ledger", left.Ended)
	}
}

func TestOtherShardsAndLaterHoldersAreLeftAlone(t *testing.T) {
	d := Dir(t.TempDir())
	begin(t, started(t, d, 9), 1)
	other := shard
	other.Shard = 31
	l, err := d.Open(other, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if left, err := d.Take(shard, 9); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
	begin(t, l, 2)
}

// A last line without its end was cut off by the death of its process: its message had not left.
func TestALineThatWasCutOffNeverBegan(t *testing.T) {
	d := Dir(t.TempDir())
	l := started(t, d, 7)
	begin(t, l, 1)
	if _, err := l.file.WriteString("b2 abcd"); err != nil {
		t.Fatal(err)
	}
	if left := taken(t, d, 8); len(left.Begun) != 1 || left.Begun[1] == nil {
		t.Errorf("%+v", left)
	}
}

func TestALogThatCannotBeReadIsNotBelieved(t *testing.T) {
	for name, text := range map[string]string{
		"of another boot": "0b9a3e5e-0000-0000-0000-000000000000\nb1 00\n",
		"without a head":  "\nb1 00\n",
		"empty":           "",
		"no kind":         boot() + "\n\n",
		"an unknown kind": boot() + "\nx1\n",
		"no number":       boot() + "\nbx 00\n",
		"no hash":         boot() + "\nb1 zz\n",
		"half an end":     boot() + "\ne{\"c\":1\n",
		"not settled":     boot() + "\ns1 x\n",
	} {
		d := Dir(t.TempDir())
		path := d.path(shard, 7)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		left, err := d.Take(shard, 8)
		if err != nil || len(left) != 0 {
			t.Errorf("%s: %+v, %v", name, left, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: it is still there", name)
		}
	}
}

// After a record that could not be kept whole, nothing leaves: what is written behind it could not be read.
func TestNothingLeavesOnceTheDiskHasFailed(t *testing.T) {
	d := Dir(t.TempDir())
	l := started(t, d, 7)
	begin(t, l, 1)
	l.Close()
	for range 2 {
		if err := l.Begin(2, [32]byte{}); !errors.Is(err, ErrDisk) || strings.Contains(err.Error(), string(d)) {
			t.Errorf("a message that the log does not have: %v", err)
		}
	}
	if !l.failed.Load() {
		t.Error("it would write behind what failed")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(file).Open(shard, 1); !errors.Is(err, ErrDisk) {
		t.Errorf("a folder that is a file: %v", err)
	}
	if err := Dir(file).Ready(); !errors.Is(err, ErrDisk) {
		t.Errorf("a folder that is a file, before anything is sent: %v", err)
	}
}

func TestWhatEarlierBootsLeftIsRemoved(t *testing.T) {
	d := Dir(t.TempDir())
	begin(t, started(t, d, 7), 1)
	old := d.path(shard, 6)
	if err := os.WriteFile(old, []byte("0b9a3e5e-0000-0000-0000-000000000000\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := d.Ready(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("the log of an earlier boot is still there")
	}
	taken(t, d, 8)
}

func TestWithoutAFolderNothingIsKept(t *testing.T) {
	l, err := Dir("").Open(shard, 1)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, l, 1)
	end(t, l, 1, "accepted")
	l.Remove()
	if left, err := Dir("").Take(shard, 2); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
}
