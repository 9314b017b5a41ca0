package audience

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"math/big"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// ServeParquet is the whole of the child process: it takes its order from in, reads the sealed copy that it was given as its
// file 3 within the memory it was allowed, and writes the rows to out. Its error is not for people: the parent says what they
// need to know.
func ServeParquet(in io.Reader, out io.Writer) error {
	o, err := readOrder(in)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(o.Memory / 2)
	if err := limitMemory(o.Memory); err != nil {
		return errors.New("limit memory")
	}
	c := &parquetChild{out: bufio.NewWriterSize(out, 64<<10), order: o}
	copied := &spool{file: os.NewFile(3, "copy"), key: o.Key, size: o.Size}
	if err := c.serve(copied); err != nil {
		kind := byte('E')
		if errors.Is(err, errColumns) {
			kind = 'N'
		}
		_ = c.out.WriteByte(kind)
	}
	return c.out.Flush()
}

var errColumns = errors.New("too many columns")

type parquetChild struct {
	out     *bufio.Writer
	order   order
	leaves  []leaf
	cells   []childCell
	scratch []byte
}

// leaf is a column of the file that holds values.
type leaf struct {
	name  string
	write func(c *parquetChild, v parquet.Value) (text string, mark byte)
}

type childCell struct {
	text string
	mark byte
	set  bool
}

// Positions in marksByNumber.
const (
	childFine, childRounded, childLong, childEncoding, childSeveral = 0, 1, 2, 3, 4
)

func (c *parquetChild) serve(copied *spool) (err error) {
	defer func() {
		if recover() != nil { // the library panics over files that contradict themselves
			err = errHalfParquet
		}
	}()
	f, err := parquet.OpenFile(copied, copied.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return errHalfParquet
	}
	if err := c.columns(f.Root(), nil, false); err != nil {
		return err
	}
	c.cells = make([]childCell, len(c.leaves))
	for i, l := range c.leaves {
		c.cells[i] = childCell{text: cutText(l.name, c.order.FieldBytes)}
	}
	if err := c.frame('H'); err != nil {
		return err
	}
	total := int64(0)
	for _, group := range f.RowGroups() {
		n, err := c.rows(group)
		if err != nil {
			return err
		}
		if n != group.NumRows() {
			return errHalfParquet
		}
		total += n
	}
	if total != f.NumRows() {
		return errHalfParquet
	}
	return c.out.WriteByte('Z')
}

func cutText(s string, limit int) string {
	for len(s) > limit || !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s[:min(len(s), limit)], "")
	}
	return s
}

// columns lists the leaves in the order of their indexes. Guardians in a list cannot be told apart here and are read as
// separate columns only where they are; the wrappers that lists need are left out of the names.
func (c *parquetChild) columns(node *parquet.Column, path []string, repeated bool) error {
	if node.Leaf() {
		if len(c.leaves) == c.order.Columns {
			return errColumns
		}
		c.leaves = append(c.leaves, newLeaf(strings.Join(path, "."), node.Type()))
		return nil
	}
	for _, child := range node.Columns() {
		name := append(slices.Clip(path), child.Name())
		if len(path) > 0 && (child.Repeated() && (child.Name() == "list" || child.Name() == "bag") || repeated && (child.Name() == "element" || child.Name() == "item" || child.Name() == "array_element")) {
			name = path
		}
		if err := c.columns(child, name, repeated || child.Repeated()); err != nil {
			return err
		}
	}
	return nil
}

// rows writes the rows of a group and counts them.
func (c *parquetChild) rows(group parquet.RowGroup) (int64, error) {
	rows := group.Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 64)
	total := int64(0)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			if err := c.row(row); err != nil {
				return total, err // the parent has gone
			}
			total++
		}
		switch {
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, errHalfParquet
		case n == 0:
			return total, errHalfParquet
		}
	}
}

func (c *parquetChild) row(row parquet.Row) error {
	clear(c.cells)
	for _, v := range row {
		i := v.Column()
		if i < 0 || i >= len(c.leaves) || v.IsNull() {
			continue
		}
		text, mark := c.leaves[i].write(c, v)
		cell := &c.cells[i]
		switch {
		case !cell.set:
			*cell = childCell{text, mark, true}
		case mark != childFine:
			cell.mark = mark
		case cell.text != text && len(cell.text)+len(text) < c.order.FieldBytes:
			cell.text += ";" + text // a list: of categories, or of what one cell cannot hold, and then it is no contact
		}
	}
	for i := range c.cells {
		cell := &c.cells[i]
		switch {
		case !utf8.ValidString(cell.text):
			cell.text, cell.mark = "", childEncoding
		case len(cell.text) > c.order.FieldBytes:
			cell.text, cell.mark = "", childLong
		}
	}
	return c.frame('R')
}

func (c *parquetChild) frame(kind byte) error {
	b := append(c.scratch[:0], kind)
	b = binary.AppendUvarint(b, uint64(len(c.cells)))
	for _, cell := range c.cells {
		b = append(b, cell.mark)
		b = binary.AppendUvarint(b, uint64(len(cell.text)))
		b = append(b, cell.text...)
	}
	c.scratch = b
	_, err := c.out.Write(b)
	return err
}

func newLeaf(name string, t parquet.Type) leaf {
	l := leaf{name: name, write: plainValue}
	if lt := t.LogicalType(); lt != nil {
		switch kind := lt.Value.(type) {
		case *format.DateType:
			l.write = dayValue
		case *format.TimestampType:
			l.write = instantValue(kind.Unit.Value.Duration(), kind.IsAdjustedToUTC)
		case *format.DecimalType:
			l.write = decimalValue(int(kind.Scale))
		case *format.UUIDType:
			l.write = uuidValue
		case *format.IntType:
			if !kind.IsSigned {
				l.write = unsignedValue
			}
		}
		return l
	}
	if ct := t.ConvertedType(); ct != nil {
		if write, special := converted[*ct]; special {
			l.write = write
		}
	}
	return l
}

// converted are the types of old writers that are not written as they are stored.
var converted = map[deprecated.ConvertedType]func(*parquetChild, parquet.Value) (string, byte){
	deprecated.Date: dayValue, deprecated.TimestampMillis: instantValue(time.Millisecond, true), deprecated.TimestampMicros: instantValue(time.Microsecond, true),
	deprecated.Uint8: unsignedValue, deprecated.Uint16: unsignedValue, deprecated.Uint32: unsignedValue, deprecated.Uint64: unsignedValue,
}

func plainValue(_ *parquetChild, v parquet.Value) (string, byte) {
	switch v.Kind() {
	case parquet.Boolean:
		return strconv.FormatBool(v.Boolean()), childFine
	case parquet.Int32:
		return strconv.FormatInt(int64(v.Int32()), 10), childFine
	case parquet.Int64:
		return strconv.FormatInt(v.Int64(), 10), childFine
	case parquet.Float:
		return floatValue(float64(v.Float()), 1<<24)
	case parquet.Double:
		return floatValue(v.Double(), 1e15)
	case parquet.Int96:
		return int96Value(v.Int96()), childFine
	case parquet.ByteArray, parquet.FixedLenByteArray:
	}
	return string(v.ByteArray()), childFine
}

// floatValue writes a number without an exponent. One beyond what its type keeps exactly has lost its end.
func floatValue(f, exact float64) (string, byte) {
	switch {
	case math.IsNaN(f):
		return "", childFine // how data frames write nothing
	case math.Abs(f) >= exact:
		return "", childRounded
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 0, 64), childFine
	}
	return strconv.FormatFloat(f, 'f', -1, 64), childFine
}

func unsignedValue(_ *parquetChild, v parquet.Value) (string, byte) {
	if v.Kind() == parquet.Int32 {
		return strconv.FormatUint(uint64(v.Uint32()), 10), childFine
	}
	return strconv.FormatUint(v.Uint64(), 10), childFine
}

func dayValue(_ *parquetChild, v parquet.Value) (string, byte) {
	if v.Kind() != parquet.Int32 {
		return plainValue(nil, v)
	}
	return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().Format(time.DateOnly), childFine
}

// instantValue writes an instant's day and time as the file has them: in UTC where it says so, else without a zone.
func instantValue(unit time.Duration, utc bool) func(*parquetChild, parquet.Value) (string, byte) {
	return func(_ *parquetChild, v parquet.Value) (string, byte) {
		if v.Kind() != parquet.Int64 {
			return plainValue(nil, v)
		}
		n, perSecond := v.Int64(), int64(time.Second/max(unit, 1))
		layout := "2006-01-02T15:04:05"
		if utc {
			layout += "Z"
		}
		seconds := n / perSecond
		if n%perSecond < 0 {
			seconds--
		}
		return time.Unix(seconds, 0).UTC().Format(layout), childFine
	}
}

// int96Value is an instant as old writers keep it, in UTC: nanoseconds of the day, and the Julian day.
func int96Value(n deprecated.Int96) string {
	nanos := int64(uint64(n[1])<<32 | uint64(n[0]))
	return time.Unix((int64(n[2])-2_440_588)*24*60*60, nanos).UTC().Format("2006-01-02T15:04:05Z")
}

func decimalValue(scale int) func(*parquetChild, parquet.Value) (string, byte) {
	return func(_ *parquetChild, v parquet.Value) (string, byte) {
		n := new(big.Int)
		switch v.Kind() {
		case parquet.Int32:
			n.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			n.SetInt64(v.Int64())
		default:
			b := v.ByteArray()
			if len(b) > 64 {
				return "", childLong
			}
			if n.SetBytes(b); len(b) > 0 && b[0] >= 0x80 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		if scale < 0 || scale > 76 {
			return "", childRounded
		}
		s := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s, childFine
	}
}

func uuidValue(_ *parquetChild, v parquet.Value) (string, byte) {
	b := v.ByteArray()
	if len(b) != 16 {
		return hex.EncodeToString(b), childFine
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], childFine
}
