package audience

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// freeBytes is how much a packed file may unpack to before its ratio is looked at.
const freeBytes = 16 << 20

// zstdWindow bounds what a zstd decoder holds; zstd's own levels up to 19 need 8 MiB.
const zstdWindow = 32 << 20

// What is wrong with a packed file. The words are for the person who chose it.
var (
	errBomb   = errors.New("the packed file unpacks to far more than files of people do, so it is damaged or made to do harm: unpack it yourself and look at it")
	errCutOff = errors.New("the packed file ends before its end: it was cut off on its way; fetch or pack it again")
	errBroken = errors.New("the packed file is damaged: pack it again")
	errWindow = errors.New("the zstd file needs a window of more than 32 MiB: pack it again without --long and --ultra")
)

// unpack looks for gzip and zstd. What it returns has room for a file's first window.
func unpack(r io.Reader, l Limits) (*bufio.Reader, string, error) {
	src := bufio.NewReaderSize(r, 64<<10)
	head, err := src.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read the file of people: %w", err)
	}
	counted := &counter{r: src}
	packed := &unpacker{in: counted, ratio: l.Ratio}
	name := ""
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(counted)
		if err != nil {
			return nil, "", packed.fault(err)
		}
		name, packed.r = "gzip", z
	case isZstd(head):
		z, err := zstd.NewReader(counted, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, "", packed.fault(err)
		}
		name, packed.r = "zstd", z
	default:
		return bufio.NewReaderSize(src, windowBytes), "", nil
	}
	in := bufio.NewReaderSize(packed, windowBytes)
	head, err = in.Peek(4)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, "", reading(err)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")), isZstd(head):
		return nil, "", errors.New("the file is packed twice: unpack it once")
	}
	return in, name, nil
}

// isZstd recognises a frame, or one that is to be skipped, with which parallel packers begin.
// Source: RFC 8878, 3.1.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")) || len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// counter counts what was taken from a reader, and keeps its own error apart from those of unpacking.
type counter struct {
	r   io.Reader
	n   int64
	err error
}

// Read reads on.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// unpacker bounds what a decoder makes of its input.
type unpacker struct {
	r     io.Reader
	in    *counter
	out   int64
	ratio int64
	err   error
}

// Read reads on. An error stays.
func (u *unpacker) Read(p []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	n, err := u.r.Read(p)
	u.out += int64(n)
	if u.out > freeBytes && u.out/u.ratio > u.in.n {
		u.err = errBomb
		return 0, u.err
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		u.err = u.fault(err)
		return n, u.err
	}
	return n, err
}

// fault says in our words what a decoder says in its own.
func (u *unpacker) fault(err error) error {
	switch {
	case u.in.err != nil:
		return u.in.err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errCutOff
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return errWindow
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return errBomb
	}
	return errBroken
}

// reading says that the file could not be read. What unpacking found is told in its own words.
func reading(err error) error {
	if isUnpacking(err) {
		return err
	}
	return fmt.Errorf("read the file of people: %w", err)
}

func isUnpacking(err error) bool {
	for _, e := range []error{errBomb, errCutOff, errBroken, errWindow} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
