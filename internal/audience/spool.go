package audience

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is a copy of a file that must be read from its end. It lies on the disk under a key that only this process and the
// child that reads it have, and loses its name at once, so that nothing can be found of it afterwards.
//
// The cipher is AES-256 in counter mode: any part can be read alone. Nobody but this process can write to the file, so it
// bears no seal against changes.
type spool struct {
	file *os.File
	key  [32]byte
	size int64
}

// newSpool copies r. An error of r is returned as it is.
func newSpool(r io.Reader, dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "tocsin-sealed-*") // mode 0600
	if err != nil {
		return nil, errors.New("a workbook or Parquet file is laid down, sealed, while it is read, and the folder for temporary files cannot be written to: make room there, or send CSV")
	}
	_ = os.Remove(f.Name()) // where the system cannot remove an open file, close does
	s := &spool{file: f}
	if _, err := rand.Read(s.key[:]); err != nil {
		s.close()
		return nil, errors.New("there is no randomness for a key")
	}
	stream, err := s.stream(0)
	if err != nil {
		s.close()
		return nil, err
	}
	if s.size, err = io.Copy(&sealing{f, stream}, r); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// errDisk is a full or failing disk.
var errDisk = errors.New("the folder for temporary files is full or cannot be written to, and a workbook or Parquet file is laid down there, sealed, while it is read: make room, or send CSV")

// sealing writes what it is given under the key.
type sealing struct {
	w      io.Writer
	stream cipher.Stream
}

// Write seals in place: the caller, io.Copy, does not look at its buffer again.
func (s *sealing) Write(p []byte) (int, error) {
	s.stream.XORKeyStream(p, p)
	n, err := s.w.Write(p)
	if err != nil {
		return n, errDisk
	}
	return n, nil
}

// stream is the key stream from a multiple of the block size on.
func (s *spool) stream(block uint64) (cipher.Stream, error) {
	c, err := aes.NewCipher(s.key[:])
	if err != nil {
		return nil, fmt.Errorf("seal a copy: %w", err)
	}
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], block)
	return cipher.NewCTR(c, iv[:]), nil
}

// ReadAt opens a part.
func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read a sealed copy: negative offset")
	}
	n, err := s.file.ReadAt(p, off)
	stream, bad := s.stream(uint64(off / aes.BlockSize))
	if bad != nil {
		return 0, bad
	}
	var skip [aes.BlockSize]byte
	stream.XORKeyStream(skip[:off%aes.BlockSize], skip[:off%aes.BlockSize])
	stream.XORKeyStream(p[:n], p[:n])
	return n, err
}

func (s *spool) close() {
	name := s.file.Name()
	_ = s.file.Close()
	_ = os.Remove(name) // usually gone already
	clear(s.key[:])
}
