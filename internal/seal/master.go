package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Master wraps the keys of incidents. It must be safe for concurrent use. Implementations keep their own key out of reach:
// a file for local use, a key-management service in production.
type Master interface {
	// Wrap encrypts a key so that only Unwrap with the same associated data gives it back.
	Wrap(ctx context.Context, plaintext, associated []byte) ([]byte, error)

	// Unwrap is the inverse of Wrap. Its error is [ErrUnreadable] where the bytes were wrapped elsewhere or changed.
	Unwrap(ctx context.Context, wrapped, associated []byte) ([]byte, error)

	// KeyID names the key that Wrap uses, for certificates and journals. It is no secret.
	KeyID() string
}

// maxMasterFile is far above the size of a keyset with a hundred rotated keys.
const maxMasterFile = 64 << 10

// OpenMasterFile reads a master key that [CreateMasterFile] wrote. It refuses a file that anyone but its owner can read.
// The errors say what to type.
func OpenMasterFile(path string) (Master, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil { // the library's words may quote the file
		return nil, fmt.Errorf("master key file %s does not hold a key that tocsin wrote: restore it from its copy; without it nothing sealed under it can be read", path)
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("master key file %s holds a key of another kind than AES-256-GCM: give the file that `tocsin key create` wrote", path)
	}
	return &fileMaster{aead: a, id: "file:" + strconv.FormatUint(uint64(handle.KeysetInfo().GetPrimaryKeyId()), 10)}, nil
}

func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("master key file %[1]s does not exist: type `tocsin key create %[1]s` to make one, and keep a copy of it in another place: %[2]w", path, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("read the master key file: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the master key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("master key file %s is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("master key file %[1]s can be read by others (mode %04[2]o): type `chmod 600 %[1]s`, and think about who may have read it", path, info.Mode().Perm())
	case info.Size() > maxMasterFile:
		return nil, fmt.Errorf("master key file %s has %d bytes: a key has a few hundred", path, info.Size())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxMasterFile))
	if err != nil {
		return nil, fmt.Errorf("read the master key file: %w", err)
	}
	return text, nil
}

// CreateMasterFile makes a master key and writes it to a new file that only its owner can read. It never overwrites: an
// existing file is the key to everything sealed so far, and the error is then [fs.ErrExist]. The file is complete or absent.
func CreateMasterFile(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return fmt.Errorf("make a master key: %w", err)
	}
	defer clear(text.Bytes())
	return writeNew(path, text.Bytes())
}

// writeNew gives the finished file its name with a link, which fails where the name is taken.
func writeNew(path string, text []byte) (err error) {
	defer func() {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("master key file %s exists and is never overwritten: use it, or choose another path: %w", path, fs.ErrExist)
		} else if err != nil {
			err = fmt.Errorf("write the master key file: %w", err)
		}
	}()
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".tocsin-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link stays
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// fileMaster is a keyset in memory. A file with several keys (after a rotation) unwraps with each and wraps with its primary.
type fileMaster struct {
	aead tink.AEAD
	id   string
}

func (m *fileMaster) KeyID() string { return m.id }

func (m *fileMaster) Wrap(_ context.Context, plaintext, associated []byte) ([]byte, error) {
	return m.aead.Encrypt(plaintext, associated)
}

func (m *fileMaster) Unwrap(_ context.Context, wrapped, associated []byte) ([]byte, error) {
	plain, err := m.aead.Decrypt(wrapped, associated)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", m.id, ErrUnreadable)
	}
	return plain, nil
}

// Format prints the key's name for every verb, so that no log can show the key.
func (m *fileMaster) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, "master key "+m.id) }
