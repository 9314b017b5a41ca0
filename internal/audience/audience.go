// Package audience reads files of affected people and gives back one clean row after another: a [Person] whom somebody must
// tell, or a [Reject] that says where and why a row could not be understood. Nothing is dropped in silence: each line of the
// file that is not blank belongs to exactly one row.
//
// A file is refused as a whole only where its header makes no sense. It is read as a stream; memory does not grow with it. What
// one row can cost is bounded before anything is parsed, see [Limits].
//
// The rules lean to the side of the affected: a row with a broken address stays a person and the address becomes a [Warning];
// a person without any usable contact is kept, since they count and are owed a public notice; an age that the file does not
// settle is unknown, never adult. Resident identity numbers give a birth date and are then forgotten, and unknown columns are
// named and not kept.
//
// The package stores nothing and sends nothing. Its errors, rejects and warnings name lines, columns and rules, never a value.
//
// Today it reads CSV. Another format is another implementation of the unexported source: it delivers cells by line, the rest
// stays as it is.
package audience

import (
	"errors"
	"io"
	"time"
)

// Options say how a file is read.
type Options struct {
	Region string    // whose numbering plan a phone number without country code belongs to, ISO 3166; empty means "CN"
	At     time.Time // ages are counted on this instant's day, in its own location; it must be set
	Limits Limits
}

// Limits bound what one record can cost. A zero field takes the default.
type Limits struct {
	RecordBytes int // a record with its line ends; default 64 KiB, at most 512 KiB
	FieldBytes  int // one cell; default 8 KiB
	Columns     int // cells of a record; default 256
	RecordLines int // lines that one record may span, by line breaks within quotes; default 64
}

const maxRecordBytes = 512 << 10

func (l Limits) withDefaults() Limits {
	or := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	or(&l.RecordBytes, 64<<10)
	or(&l.FieldBytes, 8<<10)
	or(&l.Columns, 256)
	or(&l.RecordLines, 64)
	l.RecordBytes = min(l.RecordBytes, maxRecordBytes)
	return l
}

// Row is one row of a file: a person or a reject, never both.
type Row struct {
	Line     int64 // its first line; the header's is usually 1
	EndLine  int64 // its last line; greater than Line where a quoted cell breaks over lines
	Person   *Person
	Reject   *Reject
	Warnings []Warning // what is wrong with a person's row although it is kept
}

// A source delivers records in order. A fault belongs to one record; the error ends the file, with [io.EOF] at its end.
type source interface {
	next() (record, error)
	encoding() string
}

type record struct {
	line, end int64
	cells     []string // valid until the next record
	fault     Reason   // why the record could not be read; empty where it could
	column    int      // the cell at fault, -1 where it is the record
}

// File is an opened file of people. It is for one goroutine.
type File struct {
	src    source
	header header
	build  builder
}

// Open reads the encoding and the header of a CSV file. Its error is for the person who chose the file: one sentence that says
// what is wrong with the file as a whole and what to do; it quotes nothing from it. An error of r itself is wrapped.
func Open(r io.Reader, o Options) (*File, error) {
	if o.At.IsZero() {
		return nil, errors.New("audience: Options.At is not set: ages must be counted at an instant")
	}
	if o.Region == "" {
		o.Region = "CN"
	}
	src, head, err := openCSV(r, o.Limits.withDefaults())
	if err != nil {
		return nil, err
	}
	return &File{src: src, header: head, build: builder{header: head, region: o.Region, at: o.At}}, nil
}

// Encoding names how the file was read: "UTF-8", "UTF-8 with BOM" or "GB18030". Where the first lines are plain ASCII it may
// still change from "UTF-8" to "GB18030" while rows are read.
func (f *File) Encoding() string { return f.src.encoding() }

// Columns lists the columns that are understood, in the file's order.
func (f *File) Columns() []Column { return f.header.columns() }

// Ignored lists the headers of the columns that are not understood and not kept, in the file's order.
func (f *File) Ignored() []string { return f.header.ignored() }

// KnowsAges reports whether the file has a column that can tell minors from adults. Without one every age is unknown.
func (f *File) KnowsAges() bool {
	return f.header.has(BirthDate) || f.header.has(IsMinor) || f.header.has(ResidentID)
}

// Next returns the next row, or [io.EOF] after the last. Another error means that the reader failed; the rows before it
// stand.
func (f *File) Next() (Row, error) {
	rec, err := f.src.next()
	if err != nil {
		return Row{}, err
	}
	row := Row{Line: rec.line, EndLine: rec.end}
	if rec.fault != "" {
		row.Reject = f.build.reject(rec.line, rec.column, rec.fault)
		return row, nil
	}
	f.build.person(rec, &row)
	return row, nil
}
