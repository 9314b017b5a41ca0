// Package audience reads files of affected people and gives back one clean row after another: a [Person] whom somebody must
// tell, or a [Reject] that says where and why a row could not be understood. Nothing is dropped in silence: each line of the
// file that is not blank belongs to exactly one row.
//
// It reads CSV and TSV, NDJSON, XLSX and Parquet, plain or packed with gzip or zstd, and tells them apart by their bytes, never
// by a name. A format is an implementation of the unexported source: it delivers cells by line, the rest stays as it is.
//
// A file is refused as a whole only where its header makes no sense or its encoding cannot be told, before the first row. It is
// read as a stream; memory does not grow with it. What one row can cost is bounded before anything is parsed, see [Limits]. XLSX
// and Parquet begin at their end, so they are first laid down in a file that is sealed with a key of this process and has no
// name; Parquet is parsed by a child process with a memory limit, since a hostile one ends the process that reads it.
//
// The rules lean to the side of the affected: a row with a broken address stays a person and the address becomes a [Warning];
// a person without any usable contact is kept, since they count and are owed a public notice; an age that the file does not
// settle is unknown, never adult. Resident identity numbers give a birth date, or tell people apart, and are then forgotten;
// unknown columns are named and not kept.
//
// The package stores nothing and sends nothing. Its errors, rejects and warnings name lines, columns and rules, never a value.
package audience

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// Options say how a file is read.
type Options struct {
	Region    string    // whose numbering plan a phone number without country code belongs to, ISO 3166; empty means "CN"
	At        time.Time // ages are counted on this instant's day, in its own location; it must be set
	Happened  time.Time // when the incident began: who was under 14 then counts as under 14; zero: At
	Limits    Limits
	Encoding  string     // of a text, see [ParseEncoding]; empty: it is told from the bytes
	Sheet     string     // of a workbook; empty: the only one that holds anything
	Map       []Mapping  // what columns mean, before their headers are asked
	Set       []Constant // what holds where a row says nothing
	Key       Key        // what tells people apart
	Guardians *Guardians // of a second file
	TempDir   string     // where sealed copies of workbooks and Parquet files lie while they are read; empty: the system's
	Child     []string   // a command that calls [ServeParquet]; without one Parquet is refused
	Raw       bool       // keep each row as it stood in the file, in Row.Raw
}

// Limits bound what a file can cost. A zero field takes the default.
type Limits struct {
	RecordBytes int   // a record with its line ends; default 64 KiB, at most 512 KiB
	FieldBytes  int   // one cell; default 8 KiB
	Columns     int   // cells of a record; default 256
	RecordLines int   // lines that one record may span, by line breaks within quotes; default 64
	Ratio       int64 // how many times its size a packed file may unpack to, beyond the first 16 MiB; default 250
	TextBytes   int64 // of a workbook's shared strings; default 96 MiB
	ChildBytes  int64 // memory of the process that parses Parquet; default 1 GiB
}

const maxRecordBytes = 512 << 10

func (l Limits) withDefaults() Limits {
	l.RecordBytes = min(either(l.RecordBytes, 64<<10), maxRecordBytes)
	l.FieldBytes = either(l.FieldBytes, 8<<10)
	l.Columns = either(l.Columns, 256)
	l.RecordLines = either(l.RecordLines, 64)
	l.Ratio = either(l.Ratio, 250)
	l.TextBytes = either(l.TextBytes, 96<<20)
	l.ChildBytes = either(l.ChildBytes, 1<<30)
	return l
}

func either[T int | int64](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Row is one row of a file: a person or a reject, never both.
type Row struct {
	Line     int64 // its first line; the header's is usually 1. In a workbook and a Parquet file, its row
	EndLine  int64 // its last line; greater than Line where a quoted cell breaks over lines
	Person   *Person
	Reject   *Reject
	Warnings []Warning // what is wrong with a person's row although it is kept
	Raw      string    // the row as it stood in the file, where that was asked for: personal data
}

// A source delivers records in order. A fault belongs to one record; the error ends the file, with [io.EOF] at its end. The
// header may gain columns while rows are read.
type source interface {
	next(*record) error
	encoding() string
	format() string
	close()
}

type record struct {
	line, end int64
	cells     []string // valid until the next record
	marks     []Reason // what the format says is wrong with cells; nil or parallel to cells
	fault     Reason   // why the record could not be read; empty where it could
	column    int      // the cell at fault, -1 where it is the record
	raw       string
}

// File is an opened file of people. It is for one goroutine, and must be closed.
type File struct {
	src     source
	packing string
	header  *header
	build   builder
	rec     record
	raw     bool
}

// Open reads what kind of file it is, its encoding and its header. Its error is for the person who chose the file: one
// sentence that says what is wrong with the file as a whole and what to do; it quotes nothing from it but headers and names of
// sheets. An error of r itself is wrapped.
func Open(r io.Reader, o Options) (*File, error) {
	if o.At.IsZero() {
		return nil, errors.New("audience: Options.At is not set: ages must be counted at an instant")
	}
	if o.Region == "" {
		o.Region = "CN"
	}
	o.Limits = o.Limits.withDefaults()
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	in, packing, err := unpack(r, o.Limits)
	if err != nil {
		return nil, err
	}
	src, head, err := openSource(in, o, p)
	if err != nil {
		return nil, err
	}
	f := &File{src: src, packing: packing, header: head, build: newBuilder(head, o), raw: o.Raw}
	f.build.serials = src.format() == formatXLSX
	if f.build.joined, err = o.Guardians.joinTo(head); err != nil {
		src.close()
		return nil, err
	}
	return f, nil
}

// The formats, as they are told to people.
const (
	formatCSV     = "CSV"
	formatNDJSON  = "NDJSON"
	formatXLSX    = "XLSX"
	formatParquet = "Parquet"
)

func openSource(in *bufio.Reader, o Options, p *plan) (source, *header, error) {
	head, err := in.Peek(8)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, reading(err)
	}
	if err := foreign(head); err != nil {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openXLSX(in, o, p)
	case bytes.HasPrefix(head, []byte("PAR1")):
		return openParquet(in, o, p)
	}
	text, err := openText(in, o)
	if err != nil {
		return nil, nil, err
	}
	if text.startsJSON() {
		return openNDJSON(text, o, p)
	}
	return openCSV(text, o, p)
}

// Format names what kind of file it is: "CSV", "NDJSON", "XLSX" or "Parquet".
func (f *File) Format() string { return f.src.format() }

// Packing is how the file was packed: empty, "gzip" or "zstd".
func (f *File) Packing() string { return f.packing }

// Encoding names how the text was read: "UTF-8", "UTF-8 with BOM", "GB18030", "UTF-16LE" and so on. Where the first lines are
// plain ASCII it may still change from "UTF-8" to "GB18030" while rows are read.
func (f *File) Encoding() string { return f.src.encoding() }

// Columns lists the columns that are understood, in the file's order. NDJSON may gain some while rows are read.
func (f *File) Columns() []Column { return f.header.columns() }

// Ignored lists the headers of the columns that are not understood and not kept, in the file's order.
func (f *File) Ignored() []string { return f.header.ignored() }

// KnowsAges reports whether the file has a column that can tell minors from adults. Without one every age is unknown.
func (f *File) KnowsAges() bool {
	return f.header.hasAges()
}

// Numbered reports whether a number tells people apart: of the person, the account, or where that was asked for the identity
// number. Without one all that a row says does, and a row that is corrected and read again is another person.
func (f *File) Numbered() bool {
	return f.header.has(fPersonID) || f.header.has(fExternalID) || f.build.key == KeyResidentID && f.header.has(fResidentID)
}

// Next returns the next row, or [io.EOF] after the last. Another error means that the reader failed, or that a packed or
// binary file is damaged from here on; the rows before it stand.
func (f *File) Next() (Row, error) {
	var row Row
	err := f.read(&row)
	return row, err
}

// Read fills rows with the next ones and returns how many there are, with the error of [File.Next] where they are not all. It
// writes over what the rows hold, the person above all: whoever keeps one beyond the next Read keeps a copy. Texts stay.
func (f *File) Read(rows []Row) (int, error) {
	for i := range rows {
		if err := f.read(&rows[i]); err != nil {
			return i, err
		}
	}
	return len(rows), nil
}

func (f *File) read(row *Row) error {
	rec := &f.rec
	rec.cells, rec.marks, rec.fault, rec.column, rec.raw = rec.cells[:0], nil, "", -1, ""
	if err := f.src.next(rec); err != nil {
		return err
	}
	row.Line, row.EndLine, row.Raw, row.Reject, row.Warnings = rec.line, rec.end, rec.raw, nil, row.Warnings[:0]
	if rec.fault != "" {
		row.Person, row.Reject = nil, f.build.reject(rec.line, rec.column, rec.fault)
		return nil
	}
	f.build.person(rec, row)
	return nil
}

// Unmatched lists the rows of the guardians' file that belong to nobody in this one, once all rows were read: at most limit
// of them, and how many there are.
func (f *File) Unmatched(limit int) ([]Reject, int) { return f.build.joined.unmatched(limit) }

// Close lets go of what reading took: a sealed copy, a child process.
func (f *File) Close() { f.src.close() }
