// Package synthetic writes files of people who do not exist, for the demo, for tests and for benchmarks. The same options
// give the same bytes.
//
// The names say that they are examples, the mail domains are reserved by RFC 2606. There is no reserved range of Chinese
// mobile numbers, and an importer takes only valid ones: a number in such a file may be somebody's. Only a stack that sends to
// loopback may be fed with it; the local stack does nothing else.
package synthetic

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"tocsin/internal/audience"
)

// Mail domains by which the local inbox knows how to misbehave.
const (
	RefusedDomain  = "refuse.example" // refused for good
	DeferredDomain = "defer.example"  // refused for now, once
)

// Encoding is how the file is written.
type Encoding int

// The encodings.
const (
	UTF8 Encoding = iota
	UTF8WithMark
	GB18030
)

// Options say who is in the file. The kinds from Shared to PushOnly are adults, do not overlap, and are counted in People.
type Options struct {
	Seed     uint64
	At       time.Time // ages are those of this day, in its location; it must be set
	First    int       // number of the first person, so that a second file holds others
	Encoding Encoding

	People      int // all who must be told
	Minors      int // of them; two thirds are under 14. Each has one or two guardians, some guardians have several children
	Shared      int // share email and phone with one other adult, in pairs
	Broken      int // have an email address that cannot be one, and a good phone number
	Refused     int // have an address the relay refuses, and a good phone number
	Deferred    int // have an address the relay defers once
	RefusedOnly int // have nothing but an address the relay refuses
	Unreachable int // have no usable contact
	PushOnly    int // have nothing but a push token
	BadRows     int // rows beside People that cannot be understood as a person, of every kind in turn
}

// Tally says what a reader must find, and a campaign reach.
type Tally struct {
	Rows      int // records after the header: People + BadRows
	People    int
	Minors    int
	Under14   int
	Guardians int // distinct
	BadRows   int
	Emails    int // distinct usable addresses, guardians' included
	Phones    int // distinct usable numbers, guardians' included
	Tokens    int // distinct push tokens
	NoContact int // people without a usable contact of their own or of a guardian
	Warned    map[audience.Reason]int
}

// Result is what was written.
type Result struct {
	Tally    Tally
	Canaries []string // every name, address, number, token and account in the file; none may be seen outside
}

// Generate writes a file of people as CSV with Chinese headers. Its error is a fault of the options, or w's.
func Generate(w io.Writer, o Options) (Result, error) {
	if err := o.check(); err != nil {
		return Result{}, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	if o.Encoding == UTF8WithMark {
		_, _ = out.WriteString("\xef\xbb\xbf")
	}
	g := newGenerator(o, encoded(out, o.Encoding), out)
	if err := errors.Join(g.run(), out.Flush()); err != nil {
		return Result{}, fmt.Errorf("write synthetic people: %w", err)
	}
	return g.result(), nil
}

func (o Options) check() error {
	special := o.Minors + o.Shared + o.Broken + o.Refused + o.Deferred + o.RefusedOnly + o.Unreachable + o.PushOnly
	switch {
	case o.At.IsZero():
		return errors.New("synthetic people: At is not set")
	case min(o.People, o.Minors, o.Shared, o.Broken, o.Refused, o.Deferred, o.RefusedOnly, o.Unreachable, o.PushOnly, o.BadRows, o.First) < 0:
		return errors.New("synthetic people: a count is negative")
	case special > o.People:
		return fmt.Errorf("synthetic people: the kinds add up to %d, more than %d people", special, o.People)
	case o.First+o.People > 9_999_999:
		return errors.New("synthetic people: there are numbers for 9,999,999 people")
	}
	return nil
}

func encoded(w io.Writer, e Encoding) io.Writer {
	if e == GB18030 {
		return transform.NewWriter(w, simplifiedchinese.GB18030.NewEncoder())
	}
	return w
}
