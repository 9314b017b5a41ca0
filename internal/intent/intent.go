// Package intent is the local half of the delivery ledger: for each hold on a shard, a log of the messages that its holder began to
// send and of what became of them, on the holder's own disk. The ledger in PostgreSQL says which batch may be on its way; the log
// narrows that down to the messages that really are, without a commit for each of them.
//
// A log outlives its process, not its machine: a record is handed to the kernel before a byte of the message leaves, and nothing is
// forced to the disk. It is therefore believed only within the boot that wrote it. Where it is missing, the whole batch is in doubt.
//
// Logs hold numbers of the ledger, hashes and codes; never a name, an address, or a word of a message.
package intent

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// ErrTaken says that another holder has taken the shard over: nothing may leave under this log any more.
var ErrTaken = errors.New("the shard has another holder")

// ErrDisk says that a record could not be kept, so nothing may leave. Its text names no path.
var ErrDisk = errors.New("the log of intents cannot be written: look for space and rights in <data_dir>/intents")

// Dir is where a machine's logs are. The empty Dir keeps none: every message of a batch that was broken off is then in doubt.
type Dir string

// Shard names what a log is about.
type Shard struct {
	Incident string
	Campaign int
	Shard    int
}

// End is what an attempt came to, in the words of the ledger.
type End struct {
	Contact   int64         `json:"c"`
	State     string        `json:"s"`
	Code      string        `json:"k,omitempty"`
	Reference string        `json:"r,omitempty"`
	Again     time.Duration `json:"a,omitempty"`
	MoveOn    bool          `json:"m,omitempty"`
	SHA256    []byte        `json:"h,omitempty"`
}

// Log is the log of one hold. It may be used by several goroutines.
type Log struct {
	file   *os.File
	failed atomic.Bool
}

// A line is a kind, its subject, and a newline. A line without its end was never answered, so what it tells of never began.
const (
	begun   = 'b' // contact, hash
	ended   = 'e' // an End as JSON
	settled = 's' // contacts
)

// Open starts the log of a hold.
func (d Dir) Open(s Shard, fence int64) (*Log, error) {
	if d == "" {
		return &Log{}, nil
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, ErrDisk
	}
	f, err := os.OpenFile(d.path(s, fence), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, ErrDisk
	}
	l := &Log{file: f}
	return l, l.write([]byte(boot() + "\n"))
}

// Begin keeps that a message with a hash is about to leave. It may leave only where Begin returns nil. ErrTaken says that an heir reads
// this log; what it has read by then, and whatever was begun before, counts as begun.
func (l *Log) Begin(contact int64, sum [32]byte) error {
	if l.file == nil {
		return nil
	}
	line := make([]byte, 0, 96)
	line = append(line, begun)
	line = strconv.AppendInt(line, contact, 10)
	line = append(line, ' ')
	line = hex.AppendEncode(line, sum[:])
	if err := l.write(append(line, '\n')); err != nil {
		return err
	}
	// The order counts: first our record, then the look. An heir does it the other way round, so one of the two sees the other.
	info, err := l.file.Stat()
	if err != nil {
		return ErrDisk
	}
	if !writable(info) {
		return ErrTaken
	}
	return nil
}

// End keeps what a message came to. It is not needed where nothing left.
func (l *Log) End(e End) error {
	if l.file == nil {
		return nil
	}
	text, err := json.Marshal(e)
	if err != nil {
		return ErrDisk
	}
	line := make([]byte, 0, len(text)+2)
	line = append(line, ended)
	line = append(line, text...)
	return l.write(append(line, '\n'))
}

// Settled keeps that the ledger has what these contacts' earlier attempts came to, before they are begun anew.
func (l *Log) Settled(contacts []int64) error {
	if l.file == nil || len(contacts) == 0 {
		return nil
	}
	line := []byte{settled}
	for _, c := range contacts {
		line = append(strconv.AppendInt(line, c, 10), ' ')
	}
	return l.write(append(line, '\n'))
}

// write appends a line. After one that failed nothing is written any more: a line behind a broken one could not be read.
func (l *Log) write(line []byte) error {
	if l.failed.Load() {
		return ErrDisk
	}
	if _, err := l.file.Write(line); err != nil {
		l.failed.Store(true)
		return ErrDisk
	}
	return nil
}

// Close ends the use of a log and leaves it for whoever takes the shard over.
func (l *Log) Close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}

// Remove ends a log whose every record is in the ledger.
func (l *Log) Remove() {
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name())
	}
}

func (d Dir) path(s Shard, fence int64) string {
	return filepath.Join(string(d), fmt.Sprintf("%s%d%s", s.prefix(), fence, suffix))
}

const suffix = ".log"

func (s Shard) prefix() string { return fmt.Sprintf("%s.%d.%d.", s.Incident, s.Campaign, s.Shard) }

// Left is what an earlier holder's log tells.
type Left struct {
	Fence int64
	Begun map[int64][]byte // contacts without an end, with the hash of what may have left
	Ended map[int64]End    // not all of them may be in the ledger yet

	path string
}

// Take takes over what earlier holders of a shard left on this machine: the logs under fences before one. They are closed to
// whoever may still hold them, then read. A log of an earlier boot, or one that cannot be read, is not believed, and removed.
func (d Dir) Take(s Shard, before int64) ([]Left, error) {
	if d == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, ErrDisk
	}
	var all []Left
	for _, e := range entries {
		number, ours := strings.CutPrefix(e.Name(), s.prefix())
		number, whole := strings.CutSuffix(number, suffix)
		fence, err := strconv.ParseInt(number, 10, 64)
		if !ours || !whole || err != nil || fence >= before {
			continue
		}
		left, err := read(filepath.Join(string(d), e.Name()), fence)
		if err != nil {
			return nil, err
		}
		if left != nil {
			all = append(all, *left)
		}
	}
	return all, nil
}

// Remove ends what was taken over, once the ledger has it.
func (l Left) Remove() { _ = os.Remove(l.path) }

func read(path string, fence int64) (*Left, error) {
	closed, err := shut(path)
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if errors.Is(err, os.ErrNotExist) { // its holder ended well just now
		return nil, nil
	}
	if err != nil {
		return nil, ErrDisk
	}
	lines := strings.Split(string(text), "\n")
	lines = lines[:len(lines)-1] // what has no end
	left := &Left{Fence: fence, Begun: map[int64][]byte{}, Ended: map[int64]End{}, path: path}
	if !closed || len(lines) == 0 || !believed(lines[0]) || !left.take(lines[1:]) {
		_ = os.Remove(path)
		return nil, nil
	}
	return left, nil
}

// shut makes a log read-only, which its holder looks at. It reports false where the disk knows no such mark: the holder may go on then.
func shut(path string) (bool, error) {
	if err := os.Chmod(path, 0o400); err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	return err == nil && !writable(info), err
}

func writable(info os.FileInfo) bool { return info.Mode().Perm()&0o200 != 0 }

// believed reports whether a log's first line is of this boot. Where the system does not tell one boot from another, none is.
func believed(line string) bool { return line != "" && line == boot() }

func (l *Left) take(lines []string) bool {
	for _, line := range lines {
		if line == "" || !l.takeLine(line[0], line[1:]) {
			return false
		}
	}
	return true
}

func (l *Left) takeLine(kind byte, rest string) bool {
	switch kind {
	case begun:
		number, hash, _ := strings.Cut(rest, " ")
		contact, err := strconv.ParseInt(number, 10, 64)
		sum, err2 := hex.DecodeString(hash)
		if err != nil || err2 != nil {
			return false
		}
		l.Begun[contact] = sum
		delete(l.Ended, contact)
	case ended:
		var e End
		if err := json.Unmarshal([]byte(rest), &e); err != nil {
			return false
		}
		delete(l.Begun, e.Contact)
		l.Ended[e.Contact] = e
	case settled:
		for number := range strings.FieldsSeq(rest) {
			contact, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				return false
			}
			delete(l.Ended, contact)
		}
	default:
		return false
	}
	return true
}

// Ready makes the folder and removes what earlier boots of this machine left. Its error says why no worker could send.
func (d Dir) Ready() error {
	if d == "" {
		return nil
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return ErrDisk
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return ErrDisk
	}
	for _, e := range entries {
		if path := filepath.Join(string(d), e.Name()); strings.HasSuffix(path, suffix) && ofEarlierBoot(path) {
			_ = os.Remove(path)
		}
	}
	return nil
}

func ofEarlierBoot(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(boot()))
	n, _ := io.ReadFull(f, head)
	return n > 0 && string(head[:n]) != boot()
}
