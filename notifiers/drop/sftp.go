package drop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/section"
)

// SFTPConfig is a server's section of the configuration. The server's host key must be known beforehand, from a known_hosts
// file or by its fingerprint: a report is not given to whoever answers.
type SFTPConfig struct {
	Host           string        `key:"host" required:"true" help:"the server's host name"`
	Port           int           `key:"port" help:"the server's port"`
	Username       string        `key:"username" required:"true" help:"our account there"`
	KeyFile        string        `key:"key_file" required:"true" help:"file that holds our private key"`
	PassphraseFile string        `key:"passphrase_file" help:"file that holds the key's passphrase, where it has one"`
	KnownHosts     string        `key:"known_hosts_file" help:"file with the server's host key, as ssh-keyscan writes it"`
	HostKey        string        `key:"host_key" help:"the host key's fingerprint instead, SHA256:…, as ssh-keygen -lf shows it"`
	Folder         string        `key:"folder" help:"the folder there; where we land after logging in when empty"`
	MaxBytes       int           `key:"max_bytes" help:"the largest report, in bytes"`
	ConnectTimeout time.Duration `key:"connect_timeout" help:"for dialling and logging in together"`
	Timeout        time.Duration `key:"timeout" help:"for the whole of a report"`
}

// DefaultSFTP returns the section's defaults.
func DefaultSFTP() SFTPConfig {
	return SFTPConfig{Port: 22, MaxBytes: 100 << 20, ConnectTimeout: 30 * time.Second, Timeout: 10 * time.Minute}
}

// SFTP puts reports onto one server. Each report has a connection of its own.
type SFTP struct {
	cfg    SFTPConfig
	now    func() time.Time
	signer ssh.Signer
	hosts  hosts
}

var (
	_ notifiers.Notifier = (*SFTP)(nil)
	_ notifiers.Asker    = (*SFTP)(nil)
)

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// NewSFTP checks a section, naming every fault at once, and returns its notifier. It reads the key and the known hosts and
// does not dial.
func NewSFTP(cfg SFTPConfig, now func() time.Time) (*SFTP, error) {
	s := &SFTP{cfg: cfg, now: now}
	errs := []error{cfg.check()}
	var err error
	if s.signer, err = cfg.readKey(); err != nil {
		errs = append(errs, err)
	}
	if s.hosts, err = readHosts(cfg); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

func (cfg SFTPConfig) check() error {
	var errs []error
	if !hostName.MatchString(cfg.Host) && net.ParseIP(cfg.Host) == nil {
		errs = append(errs, fmt.Errorf("host: %q is not a host name", cfg.Host))
	}
	if cfg.Port < 1 || cfg.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not a port; 1 to 65535", cfg.Port))
	}
	if cfg.Username == "" || strings.ContainsAny(cfg.Username, "\r\n\x00") {
		errs = append(errs, errors.New("username is missing: write our account on the server"))
	}
	if strings.ContainsAny(cfg.Folder, "\r\n\x00") {
		errs = append(errs, errors.New("folder: holds a line end"))
	}
	if cfg.ConnectTimeout < time.Second || cfg.Timeout < time.Second {
		errs = append(errs, errors.New("connect_timeout, timeout: at least 1s"))
	}
	return errors.Join(append(errs, checkSize(cfg.MaxBytes))...)
}

func (cfg SFTPConfig) readKey() (ssh.Signer, error) {
	pem, err := os.ReadFile(cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	if cfg.PassphraseFile == "" {
		signer, err := ssh.ParsePrivateKey(pem)
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
			return nil, fmt.Errorf("key_file: %s asks for a passphrase; name the file that holds it in passphrase_file", cfg.KeyFile)
		}
		if err != nil {
			return nil, fmt.Errorf("key_file: %s holds no private key; ssh-keygen -t ed25519 makes one", cfg.KeyFile)
		}
		return signer, nil
	}
	pass, err := section.Secret("passphrase_file", cfg.PassphraseFile)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(pem, []byte(pass))
	if err != nil {
		return nil, fmt.Errorf("passphrase_file: %s does not open the key in key_file", cfg.PassphraseFile)
	}
	return signer, nil
}

// Channel is [breach.Drop].
func (s *SFTP) Channel() breach.Channel { return breach.Drop }

// Close has nothing to end.
func (s *SFTP) Close() error { return nil }

// Prepare makes the ZIP. m.To is the authority's key.
func (s *SFTP) Prepare(m notifiers.Message) (notifiers.Wire, error) { return bundle(m, s.cfg.MaxBytes) }

// session is one connection; ending ctx cuts it.
type session struct {
	*sftp.Client
	ssh  *ssh.Client
	stop func() bool
}

// dial logs in. Nothing of a report has left when it fails.
func (s *SFTP) dial(ctx context.Context) (*session, error) {
	dialCtx, cancel := context.WithTimeout(ctx, s.cfg.ConnectTimeout)
	defer cancel()
	addr := net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port))
	raw, err := (&net.Dialer{}).DialContext(dialCtx, "tcp", addr)
	if err != nil {
		return nil, fail("connect", "", breach.Temporary)
	}
	endDial := context.AfterFunc(dialCtx, func() { _ = raw.Close() })
	var stranger bool
	conn, channels, requests, err := ssh.NewClientConn(raw, addr, &ssh.ClientConfig{
		User: s.cfg.Username, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.signer)}, HostKeyAlgorithms: s.hosts.algorithms(addr),
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			err := s.hosts.check(host, remote, key)
			stranger = err != nil
			return err
		},
	})
	if err != nil {
		_ = raw.Close()
		return nil, loginFailure(dialCtx, err, stranger)
	}
	client := ssh.NewClient(conn, channels, requests)
	files, err := sftp.NewClient(client)
	if !endDial() && err == nil {
		err = context.Cause(dialCtx)
	}
	if err != nil {
		_ = client.Close()
		return nil, fail("connect", "", breach.Temporary)
	}
	return &session{Client: files, ssh: client, stop: context.AfterFunc(ctx, func() { _ = raw.Close() })}, nil
}

func loginFailure(ctx context.Context, err error, stranger bool) error {
	switch {
	case stranger:
		return fail("connect", notifiers.CodeHostKey, breach.Permanent)
	case ctx.Err() == nil && strings.Contains(err.Error(), "unable to authenticate"): // the library has no type for it
		return fail("authenticate", "", breach.Permanent)
	case ctx.Err() == nil && strings.Contains(err.Error(), "no common algorithm for host key"):
		return fail("connect", notifiers.CodeHostKey, breach.Permanent)
	}
	return fail("connect", "", breach.Temporary)
}

func (x *session) end() {
	x.stop()
	_ = x.Client.Close()
	_ = x.ssh.Close()
}

// Send uploads the report under an unfinished name and renames it. Until the renaming began, a failure has handed nothing
// over; after it, only the server's answer tells.
func (s *SFTP) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	if !known(w) {
		return breach.Receipt{}, fail("send", "id", breach.Permanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if ctx.Err() != nil {
		return breach.Receipt{}, fail("connect", "", breach.Temporary)
	}
	x, err := s.dial(ctx)
	if err != nil {
		return breach.Receipt{}, err
	}
	defer x.end()
	n := namesOf(w)
	switch same, err := s.holds(x, n.final, w.Body); {
	case err == nil && same:
		return receipt(w, s.now), nil
	case err == nil:
		return breach.Receipt{}, fail("send", notifiers.CodeExists, breach.Permanent)
	case !errors.Is(err, fs.ErrNotExist):
		return breach.Receipt{}, serverFailure("look", err)
	}
	if err := s.upload(x, n.part, w.Body); err != nil {
		return breach.Receipt{}, serverFailure("write", err)
	}
	if err := s.upload(x, n.sum, sumFile(w)); err != nil {
		return breach.Receipt{}, serverFailure("write", err)
	}
	if ctx.Err() != nil {
		return breach.Receipt{}, fail("send", "", breach.Temporary)
	}
	if err := x.Rename(s.at(n.part), s.at(n.final)); err != nil {
		if !answered(err) {
			return breach.Receipt{}, fail("publish", "", breach.Unknown)
		}
		return breach.Receipt{}, serverFailure("publish", err)
	}
	for _, left := range s.parts(x, n) { // what a crash left; it is known by its name as unfinished
		_ = x.Remove(s.at(left))
	}
	return receipt(w, s.now), nil
}

// parts lists the unfinished files of a report, where the server lets us list.
func (s *SFTP) parts(x *session, n names) []string {
	entries, _ := x.ReadDir(s.at("."))
	var out []string
	for _, e := range entries {
		if n.unfinished(e.Name()) {
			out = append(out, e.Name())
		}
	}
	return out
}

func (s *SFTP) at(name string) string { return path.Join(s.cfg.Folder, name) }

func (s *SFTP) holds(x *session, name string, want []byte) (bool, error) {
	info, err := x.Stat(s.at(name))
	if err != nil {
		return false, err
	}
	if info.Size() != int64(len(want)) {
		return false, nil
	}
	f, err := x.Open(s.at(name))
	if errors.Is(err, fs.ErrPermission) { // some servers let nobody read what was handed in; name and size are ours
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	return sameContent(f, want)
}

// upload writes a file anew, sees it onto the disk where the server can, and compares its size.
func (s *SFTP) upload(x *session, name string, content []byte) error {
	f, err := x.OpenFile(s.at(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if _, can := x.HasExtension("fsync@openssh.com"); can && err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	info, err := x.Stat(s.at(name))
	if err == nil && info.Size() != int64(len(content)) {
		return errors.New("the server holds another size than was written")
	}
	return err
}

// answered reports whether an error is the server's own word, and not the lack of one.
func answered(err error) bool {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return true
	}
	e, ok := errors.AsType[*sftp.StatusError](err)
	return ok && e.FxCode() != sftp.ErrSSHFxConnectionLost && e.FxCode() != sftp.ErrSSHFxNoConnection
}

// serverFailure judges an error before the report had its name: a person must mend rights, time may mend the rest.
func serverFailure(doing string, err error) *notifiers.Error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fail(doing, notifiers.CodeNoAccess, breach.Permanent)
	case errors.Is(err, fs.ErrNotExist): // the folder is not there
		return fail(doing, "no_folder", breach.Permanent)
	}
	if e, ok := errors.AsType[*sftp.StatusError](err); ok {
		return fail(doing, strconv.FormatUint(uint64(e.Code), 10), breach.Temporary)
	}
	return fail(doing, "", breach.Temporary)
}

// Ask looks for the report: there, it was handed over; only its unfinished file, it was not; neither, nobody can tell.
func (s *SFTP) Ask(ctx context.Context, w notifiers.Wire, _ time.Time) (breach.Outcome, breach.Receipt, error) {
	if !known(w) {
		return breach.Unknown, breach.Receipt{}, fail("ask", "id", breach.Permanent)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	x, err := s.dial(ctx)
	if err != nil {
		return breach.Unknown, breach.Receipt{}, err
	}
	defer x.end()
	n := namesOf(w)
	switch same, err := s.holds(x, n.final, w.Body); {
	case err == nil && same:
		return breach.Accepted, receipt(w, s.now), nil
	case err == nil:
		return breach.Permanent, breach.Receipt{}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return breach.Unknown, breach.Receipt{}, serverFailure("ask", err)
	}
	if len(s.parts(x, n)) > 0 {
		return breach.Temporary, breach.Receipt{}, nil
	}
	return breach.Unknown, breach.Receipt{}, nil
}
