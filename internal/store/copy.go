package store

import (
	"encoding/binary"
	"io"
)

// COPY in PostgreSQL's binary format, written by hand: pgx's own encoder costs more for a row than sealing it.
// Source: PostgreSQL documentation, COPY, "Binary Format".

const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // signature, flags, no extension
	copyTrailer = "\xff\xff"
)

// tuple appends fields to a COPY stream.
type tuple []byte

func (t *tuple) begin(columns int) { *t = binary.BigEndian.AppendUint16(*t, uint16(columns)) }

func (t *tuple) int64(v int64) {
	*t = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(*t, 8), uint64(v))
}

func (t *tuple) int32(v int32) {
	*t = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(*t, 4), uint32(v))
}

func (t *tuple) int16(v int16) {
	*t = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(*t, 2), uint16(v))
}

// bytes writes a bytea or, of 16 bytes, a uuid; nil is null.
func (t *tuple) bytes(b []byte) {
	if b == nil {
		*t = append(*t, 0xff, 0xff, 0xff, 0xff)
		return
	}
	*t = append(binary.BigEndian.AppendUint32(*t, uint32(len(b))), b...)
}

// copyPart is one COPY command's stream: what the batches hold, up to a number of rows or the end of batches.
type copyPart struct {
	batches <-chan *sealBatch
	rows    int // left to take
	current []byte
	spent   *sealBatch
	state   int // 0 before the header, 1 within, 2 after the trailer
	took    int
	ended   bool // no more batches will come
	err     error
}

func (c *copyPart) Read(p []byte) (int, error) {
	for len(c.current) == 0 {
		switch c.state {
		case 0:
			c.current, c.state = []byte(copyHeader), 1
		case 1:
			if err := c.next(); err != nil {
				return 0, err
			}
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, c.current)
	c.current = c.current[n:]
	return n, nil
}

// next takes the next batch, in order, when it is sealed.
func (c *copyPart) next() error {
	if c.spent != nil {
		c.spent.release()
		c.spent = nil
	}
	if c.rows > 0 {
		if b, ok := <-c.batches; ok {
			<-b.sealed
			if b.err != nil {
				c.err = b.err
				return b.err
			}
			c.current, c.spent = b.out, b
			c.rows -= len(b.rows)
			c.took += len(b.rows)
			return nil
		}
		c.ended = true
	}
	c.current, c.state = []byte(copyTrailer), 2
	return nil
}
