package drop

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// FolderConfig is a folder's section of the configuration.
type FolderConfig struct {
	Path     string `key:"path" required:"true" help:"the folder, from the root; it must exist, since a missing mount must not be taken for an empty folder"`
	MaxBytes int    `key:"max_bytes" help:"the largest report, in bytes"`
}

// DefaultFolder returns the section's defaults.
func DefaultFolder() FolderConfig { return FolderConfig{MaxBytes: 100 << 20} }

// Folder puts reports into a folder of this machine, which may be a mounted share.
type Folder struct {
	cfg FolderConfig
	now func() time.Time
}

var (
	_ notifiers.Notifier = (*Folder)(nil)
	_ notifiers.Asker    = (*Folder)(nil)
	_ notifiers.Prober   = (*Folder)(nil)
)

// NewFolder checks a section, naming every fault at once, and returns its notifier. It does not look at the folder; see
// [Folder.Probe].
func NewFolder(cfg FolderConfig, now func() time.Time) (*Folder, error) {
	var errs []error
	if !filepath.IsAbs(cfg.Path) {
		errs = append(errs, fmt.Errorf("path: %q; write the folder from the root, such as /srv/filings/authority", cfg.Path))
	}
	errs = append(errs, checkSize(cfg.MaxBytes))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Folder{cfg: cfg, now: now}, nil
}

func checkSize(n int) error {
	if n < 1<<10 || n > 1<<30 {
		return fmt.Errorf("max_bytes: %d; 1024 to 1073741824", n)
	}
	return nil
}

// Channel is [breach.Drop].
func (f *Folder) Channel() breach.Channel { return breach.Drop }

// Close has nothing to end.
func (f *Folder) Close() error { return nil }

// Prepare makes the ZIP. m.To is the authority's key.
func (f *Folder) Prepare(m notifiers.Message) (notifiers.Wire, error) {
	return bundle(m, f.cfg.MaxBytes)
}

// Probe writes and removes an empty file.
func (f *Folder) Probe(context.Context) error {
	t, err := os.CreateTemp(f.cfg.Path, ".tocsin-probe-*")
	if err != nil {
		return fmt.Errorf("path: %s: %w", f.cfg.Path, plain(err))
	}
	return errors.Join(t.Close(), os.Remove(t.Name()))
}

// plain takes the path out of a file's error.
func plain(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// Send writes the report and gives it its name. Until then a failure has handed nothing over.
func (f *Folder) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	if !known(w) {
		return breach.Receipt{}, fail("send", "id", breach.Permanent)
	}
	if ctx.Err() != nil {
		return breach.Receipt{}, fail("send", "", breach.Temporary)
	}
	n := namesOf(w)
	switch same, err := f.holds(n.final, w.Body); {
	case err == nil && same:
		return receipt(w, f.now), nil
	case err == nil:
		return breach.Receipt{}, fail("send", notifiers.CodeExists, breach.Permanent)
	case !errors.Is(err, fs.ErrNotExist):
		return breach.Receipt{}, fileFailure("look", err)
	}
	if err := f.write(n.part, w.Body); err != nil {
		return breach.Receipt{}, fileFailure("write", err)
	}
	if err := f.replace(n, sumFile(w)); err != nil {
		return breach.Receipt{}, fileFailure("write", err)
	}
	if ctx.Err() != nil {
		return breach.Receipt{}, fail("send", "", breach.Temporary)
	}
	if err := f.publish(n, w.Body); err != nil {
		return breach.Receipt{}, err
	}
	return receipt(w, f.now), nil
}

func (f *Folder) at(name string) string { return filepath.Join(f.cfg.Path, name) }

// holds compares a file with what it should be, without reading it whole into memory.
func (f *Folder) holds(name string, want []byte) (same bool, err error) {
	file, err := os.Open(f.at(name))
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }()
	return sameContent(file, want)
}

func sameContent(r io.Reader, want []byte) (bool, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(r, int64(len(want))+1)); err != nil {
		return false, err
	}
	return [sha256.Size]byte(h.Sum(nil)) == sha256.Sum256(want), nil
}

// write makes a file anew and sees it onto the disk.
func (f *Folder) write(name string, content []byte) error {
	file, err := os.OpenFile(f.at(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// replace writes the sums in one step.
func (f *Folder) replace(n names, content []byte) error {
	temp := n.part + ".sha256"
	if err := f.write(temp, content); err != nil {
		return err
	}
	return os.Rename(f.at(temp), f.at(n.sum))
}

// parts lists the unfinished files of a report.
func (f *Folder) parts(n names) []string {
	entries, _ := os.ReadDir(f.cfg.Path) // a folder that cannot be listed shows none
	var out []string
	for _, e := range entries {
		if n.unfinished(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

// publish gives a finished file its name, by a link, which never takes another's place. Some shares have no links: there the
// file is renamed, after another look. When that fails, the folder itself says what came of it.
func (f *Folder) publish(n names, want []byte) error {
	err := os.Link(f.at(n.part), f.at(n.final))
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		return f.judge(n, want, err)
	default:
		if _, err := os.Lstat(f.at(n.final)); !errors.Is(err, fs.ErrNotExist) {
			return f.judge(n, want, err)
		}
		if err := os.Rename(f.at(n.part), f.at(n.final)); err != nil {
			return f.judge(n, want, err)
		}
	}
	for _, left := range f.parts(n) { // this attempt's link, and what a crash left
		_ = os.Remove(f.at(left))
	}
	if d, err := os.Open(f.cfg.Path); err == nil {
		_, _ = d.Sync(), d.Close() // not every share can; the report is there all the same
	}
	return nil
}

// judge looks what a failed publishing left behind.
func (f *Folder) judge(n names, want []byte, failure error) error {
	switch same, err := f.holds(n.final, want); {
	case err == nil && same:
		return nil
	case err == nil:
		return fail("publish", notifiers.CodeExists, breach.Permanent)
	case errors.Is(err, fs.ErrNotExist):
		if len(f.parts(n)) > 0 { // still unfinished: it never had its name
			return fileFailure("publish", failure)
		}
	}
	return fail("publish", "", breach.Unknown)
}

// fileFailure judges an error before the report had its name: a person must mend rights, time may mend the rest.
func fileFailure(doing string, err error) *notifiers.Error {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return fail(doing, notifiers.CodeNoAccess, breach.Permanent)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fail(doing, "no_space", breach.Temporary)
	}
	return fail(doing, "", breach.Temporary)
}

// Ask looks for the report: there, it was handed over; only its unfinished file, it was not; neither, nobody can tell.
func (f *Folder) Ask(_ context.Context, w notifiers.Wire, _ time.Time) (breach.Outcome, breach.Receipt, error) {
	if !known(w) {
		return breach.Unknown, breach.Receipt{}, fail("ask", "id", breach.Permanent)
	}
	n := namesOf(w)
	switch same, err := f.holds(n.final, w.Body); {
	case err == nil && same:
		return breach.Accepted, receipt(w, f.now), nil
	case err == nil:
		return breach.Permanent, breach.Receipt{}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return breach.Unknown, breach.Receipt{}, fileFailure("ask", err)
	}
	if len(f.parts(n)) > 0 {
		return breach.Temporary, breach.Receipt{}, nil
	}
	return breach.Unknown, breach.Receipt{}, nil
}
