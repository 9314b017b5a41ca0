package audience

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// parquetSource takes rows from a child process that parses the file. A hostile Parquet file can ask for more memory than
// there is, which no Go program survives; here it is the child that ends.
type parquetSource struct {
	copy   *spool
	child  *exec.Cmd
	out    *bufio.Reader
	limits Limits
	raw    bool
	width  int
	row    int64
	given  int64 // bytes of cells so far
	head   *header
	cells  []string
	marks  []Reason
	first  bool
}

var (
	errNoChild     = errors.New("the file is a Parquet file, and nothing is set up here to read one safely: export it as CSV")
	errHalfParquet = errors.New("the Parquet file is incomplete or damaged: it was cut off on its way, or is not what it says; export it again")
	errParquetDied = errors.New("the Parquet file could not be read within the memory that reading may take: it is damaged or made to do harm, or has very large row groups; export it as CSV")
)

func openParquet(in *bufio.Reader, o Options, p *plan) (source, *header, error) {
	if len(o.Child) == 0 {
		return nil, nil, errNoChild
	}
	copied, err := newSpool(in, o.TempDir)
	if err != nil {
		return nil, nil, err
	}
	s := &parquetSource{copy: copied, limits: o.Limits, raw: o.Raw}
	if err := s.open(o.Child, p); err != nil {
		s.close()
		return nil, nil, err
	}
	return s, s.head, nil
}

// checkFooter looks at what must be true before anything of the file is believed.
//
// Source: the Parquet format, "File format": PAR1 at both ends, and the length of the footer before the last.
func (s *parquetSource) checkFooter() error {
	if s.copy.size < 12 {
		return errHalfParquet
	}
	var tail [8]byte
	if _, err := s.copy.ReadAt(tail[:], s.copy.size-8); err != nil && !errors.Is(err, io.EOF) {
		return errHalfParquet
	}
	switch footer := int64(binary.LittleEndian.Uint32(tail[:])); {
	case string(tail[4:]) == "PARE":
		return errors.New("the Parquet file is encrypted: export it without encryption")
	case string(tail[4:]) != "PAR1", footer > s.copy.size-12, footer == 0:
		return errHalfParquet
	case footer > 32<<20:
		return errors.New("the Parquet file describes itself in more than 32 MiB: export it as CSV")
	}
	return nil
}

func (s *parquetSource) open(command []string, p *plan) error {
	if err := s.checkFooter(); err != nil {
		return err
	}
	// #nosec G204 -- the command is this program's own, given by whoever starts it
	s.child = exec.Command(command[0], command[1:]...)
	s.child.Env = []string{"GOTRACEBACK=none", "GOMAXPROCS=1"}
	s.child.ExtraFiles = []*os.File{s.copy.file}
	order := order{Key: s.copy.key, Size: s.copy.size, Memory: s.limits.ChildBytes, Columns: s.limits.Columns, FieldBytes: s.limits.FieldBytes}
	s.child.Stdin = strings.NewReader(order.encode())
	out, err := s.child.StdoutPipe()
	if err == nil {
		err = s.child.Start()
	}
	if err != nil {
		s.child = nil
		return errors.New("the process that reads Parquet files cannot be started: export the file as CSV, and tell whoever runs Tocsin")
	}
	s.out = bufio.NewReaderSize(out, 64<<10)
	if err := s.frame('H'); err != nil {
		return err
	}
	head := parseHeader(slices.Clone(s.cells), p)
	if err := head.check(); err != nil {
		return err
	}
	s.head, s.width = &head, len(head.cells)
	switch err := s.frame('R'); {
	case errors.Is(err, io.EOF):
		return errors.New("the Parquet file has columns and no rows")
	case err != nil:
		return err
	}
	s.first = true
	return nil
}

func (s *parquetSource) encoding() string { return encUTF8 }
func (s *parquetSource) format() string   { return formatParquet }

func (s *parquetSource) close() {
	if s.child != nil && s.child.Process != nil {
		_ = s.child.Process.Kill() // it may have ended already
		_ = s.child.Wait()
	}
	s.copy.close()
}

func (s *parquetSource) next(rec *record) error {
	if !s.first {
		if err := s.frame('R'); err != nil {
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			return fmt.Errorf("after row %d: %w", s.row, err)
		}
	}
	s.first = false
	s.row++
	rec.line, rec.end = s.row, s.row
	if s.raw {
		rec.raw = asCSV(s.cells)
	}
	for i, m := range s.marks {
		if m == TooLong || m == BadEncoding {
			rec.fault, rec.column = m, i
			return nil
		}
		if m != "" {
			rec.marks = s.marks
		}
	}
	rec.cells = append(rec.cells[:0], s.cells...)
	for _, c := range rec.cells {
		if strings.IndexByte(c, 0) >= 0 {
			rec.fault = NUL
		}
	}
	return nil
}

// marksByNumber are what the child may say of a cell.
var marksByNumber = []Reason{"", Rounded, TooLong, BadEncoding, Several, Nested}

// frame reads what the child says next: a header, a row, its end, or why it stopped.
func (s *parquetSource) frame(want byte) error {
	kind, err := s.out.ReadByte()
	if err != nil {
		return errParquetDied
	}
	switch kind {
	case want:
	case 'Z':
		return io.EOF
	case 'N':
		return errors.New("the Parquet file has more columns than are read: export those that are needed")
	default:
		return errHalfParquet
	}
	n, err := binary.ReadUvarint(s.out)
	if err != nil || n > uint64(s.limits.Columns) || want == 'R' && n != uint64(s.width) {
		return errParquetDied
	}
	s.cells, s.marks = s.cells[:0], s.marks[:0]
	for range n {
		if err := s.cell(); err != nil {
			return err
		}
	}
	if s.given > freeBytes && s.given/s.limits.Ratio > s.copy.size {
		return errBomb
	}
	return nil
}

func (s *parquetSource) cell() error {
	mark, err := s.out.ReadByte()
	if err != nil || int(mark) >= len(marksByNumber) {
		return errParquetDied
	}
	size, err := binary.ReadUvarint(s.out)
	if err != nil || size > uint64(s.limits.FieldBytes) {
		return errParquetDied
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(s.out, text); err != nil {
		return errParquetDied
	}
	s.given += int64(size) + 1
	s.cells = append(s.cells, string(text))
	s.marks = append(s.marks, marksByNumber[mark])
	return nil
}

// order is what the child is told: how to open the copy, and how much it may take.
type order struct {
	Key                 [32]byte
	Size, Memory        int64
	Columns, FieldBytes int
}

func (o order) encode() string {
	b := append([]byte(nil), o.Key[:]...)
	for _, n := range []int64{o.Size, o.Memory, int64(o.Columns), int64(o.FieldBytes)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return string(b)
}

func readOrder(r io.Reader) (o order, err error) {
	var b [64]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return o, errors.New("there is no order: this command is started by tocsin itself")
	}
	copy(o.Key[:], b[:32])
	n := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[32+8*i:])) }
	o.Size, o.Memory, o.Columns, o.FieldBytes = n(0), n(1), int(n(2)), int(n(3))
	return o, nil
}
