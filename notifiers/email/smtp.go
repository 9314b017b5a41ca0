// Package email hands mail to a relay by SMTP. Rendering and the wire's first words are go-mail's; the pool of connections,
// the writing of finished bytes and the verdict are ours, because go-mail renders while it sends (a failure half way through
// would be delivered as a truncated mail) and its error classes call a lost answer permanent.
//
// A mail is Permanent only where this recipient or this message was refused: 5xx to RCPT, DATA or the message itself. What
// the relay has against us is Temporary, whatever its number and whenever it is said (greeting, STARTTLS, AUTH, MAIL FROM; at
// RCPT that it does not relay for us): somebody can mend it, and it says nothing about the person. So is what it refuses by
// policy. See [refusal].
package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"regexp"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tocsin/internal/breach"
	"tocsin/notifiers"
	"tocsin/notifiers/internal/section"
)

// SMTPConfig is the relay's section of the configuration. Lengths of time are RFC 5321's by default (4.5.3.2).
type SMTPConfig struct {
	Host           string        `key:"host" required:"true" help:"the relay's host name"`
	Port           int           `key:"port" help:"587 for submission, 465 with tls: implicit, 25 between servers"`
	TLS            string        `key:"tls" help:"mandatory (STARTTLS or nothing), implicit (TLS from the first byte), opportunistic, none"`
	CAFile         string        `key:"ca_file" help:"PEM file of the authority that signed the relay's certificate; the system's where empty"`
	Hello          string        `key:"hello" help:"the name to say in EHLO; the sender's domain where empty"`
	Auth           string        `key:"auth" help:"auto, plain, login, cram-md5 or scram-sha-256; auto takes the strongest that is offered"`
	Username       string        `key:"username" help:"no authentication where empty"`
	PasswordFile   string        `key:"password_file" help:"file that holds the password"`
	From           string        `key:"from" required:"true" help:"From of every mail: Example Ltd <notice@example.com>"`
	ReplyTo        string        `key:"reply_to" help:"a monitored mailbox for answers; From where empty"`
	EnvelopeSender string        `key:"envelope_sender" help:"where bounces go, with {id} for what tells the delivery: bounce+{id}@bounces.example.com; bounces.address where empty, and From without either"`
	MessageIDHost  string        `key:"message_id_host" help:"what stands after @ in a Message-ID; the sender's domain where empty"`
	MaxBytes       int           `key:"max_bytes" help:"the largest mail, in bytes as sent: attachments grow by a third; a smaller limit of the relay holds, too"`
	Connections    int           `key:"connections" help:"open connections at most; so many mails can be in doubt at once"`
	ConnectTimeout time.Duration `key:"connect_timeout" help:"for dialling, greeting, STARTTLS and authentication together"`
	CommandTimeout time.Duration `key:"command_timeout" help:"for each command's answer"`
	FinalTimeout   time.Duration `key:"final_timeout" help:"for the answer to the message; shorter than 10m makes needless doubts"`
	IdleTimeout    time.Duration `key:"idle_timeout" help:"an idle connection older than this is not used again"`
}

// DefaultSMTP returns the section's defaults.
func DefaultSMTP() SMTPConfig {
	return SMTPConfig{
		Port: 587, TLS: "mandatory", Auth: "auto", MaxBytes: 20 << 20, Connections: 10,
		ConnectTimeout: time.Minute, CommandTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, IdleTimeout: 30 * time.Second,
	}
}

// SMTP sends through one relay.
type SMTP struct {
	cfg      SMTPConfig
	now      func() time.Time
	from     *mail.Address
	replyTo  *mail.Address
	sender   string // with idLike where marked
	marked   bool
	idDomain string
	pool     *pool
	frames   frames
}

var _ notifiers.Notifier = (*SMTP)(nil)

// NewSMTP checks a section, naming every fault at once, and returns its notifier. It does not dial.
func NewSMTP(cfg SMTPConfig, now func() time.Time) (*SMTP, error) {
	s := &SMTP{cfg: cfg, now: now}
	errs := []error{s.readSenders(), checkNumbers(cfg)}
	dialer, err := s.dialer()
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	s.pool = newPool(dialer, cfg.Connections, cfg.IdleTimeout, now)
	return s, nil
}

func (s *SMTP) readSenders() error {
	var errs []error
	read := func(key, value string) *mail.Address {
		if value == "" {
			return nil
		}
		a, err := cleanMailbox(value)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not a mailbox like Example Ltd <notice@example.com>", key, value))
		}
		return a
	}
	s.from, s.replyTo = read("from", s.cfg.From), read("reply_to", s.cfg.ReplyTo)
	bounce := read("envelope_sender", strings.Replace(s.cfg.EnvelopeSender, idMark, idLike, 1))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if s.from == nil {
		return errors.New("from is missing: write Example Ltd <notice@example.com>")
	}
	s.sender = s.from.Address
	if bounce != nil {
		s.sender = bounce.Address
	}
	s.marked = strings.Contains(s.cfg.EnvelopeSender, idMark)
	s.idDomain = s.cfg.MessageIDHost
	if s.idDomain == "" {
		_, s.idDomain, _ = strings.Cut(s.from.Address, "@")
	}
	if !hostName.MatchString(s.idDomain) {
		return fmt.Errorf("message_id_host: %q is not a host name", s.idDomain)
	}
	return nil
}

// idMark in the configured envelope sender stands for what tells the delivery: its id with a MAC, 49 characters. idLike holds
// its place while the address is checked.
const (
	idMark = "{id}"
	idLike = "00000000000000000000000000000000.0000000000000000"
)

// returnForm is what may stand for the mark: it goes into a command as it is.
var returnForm = regexp.MustCompile(`^[0-9a-z.]{1,49}$`)

// senderOf is the envelope sender of one mail, by which a bounce is told apart. A mail that nobody keeps a ledger of, a report
// to an authority or a reminder, comes back to From, which people read.
func (s *SMTP) senderOf(token string) string {
	switch {
	case !s.marked:
		return s.sender
	case token == "":
		return s.from.Address
	}
	return strings.Replace(s.sender, idLike, token, 1)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

func checkNumbers(cfg SMTPConfig) error {
	var errs []error
	if cfg.Host == "" || !hostName.MatchString(cfg.Host) && net.ParseIP(cfg.Host) == nil {
		errs = append(errs, fmt.Errorf("host: %q is not a host name", cfg.Host))
	}
	if cfg.Hello != "" && !hostName.MatchString(cfg.Hello) {
		errs = append(errs, fmt.Errorf("hello: %q is not a host name", cfg.Hello))
	}
	if cfg.Port < 1 || cfg.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not a port; 1 to 65535", cfg.Port))
	}
	if cfg.Connections < 1 || cfg.Connections > 1000 {
		errs = append(errs, fmt.Errorf("connections: %d; 1 to 1000", cfg.Connections))
	}
	if cfg.MaxBytes < 64<<10 || cfg.MaxBytes > 1<<30 {
		errs = append(errs, fmt.Errorf("max_bytes: %d; 65536 to 1073741824", cfg.MaxBytes))
	}
	for key, d := range map[string]time.Duration{
		"connect_timeout": cfg.ConnectTimeout, "command_timeout": cfg.CommandTimeout, "final_timeout": cfg.FinalTimeout,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: must be longer than zero", key))
		}
	}
	return errors.Join(errs...)
}

// dialer configures go-mail's client, which knows greeting, STARTTLS and authentication.
func (s *SMTP) dialer() (*gomail.Client, error) {
	cfg := s.cfg
	hello := cfg.Hello
	if hello == "" {
		hello = s.idDomain
	}
	opts := []gomail.Option{
		gomail.WithHELO(hello), gomail.WithTimeout(cfg.ConnectTimeout),
		gomail.WithoutSMTPUTF8(), // addresses are ASCII here
	}
	tlsOpts, tlsConfig, err := s.security()
	if err != nil {
		return nil, err
	}
	opts = append(opts, tlsOpts...)
	opts = append(opts, gomail.WithPort(cfg.Port), gomail.WithDialContextFunc(dialInto(tlsConfig, cfg.TLS == "implicit")))
	auth, err := cfg.credentials()
	if err != nil {
		return nil, err
	}
	opts = append(opts, auth...)
	c, err := gomail.NewClient(cfg.Host, opts...)
	if err != nil {
		return nil, fmt.Errorf("host %q, port %d: %w", cfg.Host, cfg.Port, err)
	}
	return c, nil
}

func (cfg SMTPConfig) credentials() ([]gomail.Option, error) {
	if cfg.Username == "" {
		return nil, nil
	}
	how, ok := map[string]gomail.SMTPAuthType{
		"auto": gomail.SMTPAuthAutoDiscover, "plain": gomail.SMTPAuthPlain, "login": gomail.SMTPAuthLogin,
		"cram-md5": gomail.SMTPAuthCramMD5, "scram-sha-256": gomail.SMTPAuthSCRAMSHA256,
	}[cfg.Auth]
	if !ok {
		return nil, fmt.Errorf("auth: %q; write auto, plain, login, cram-md5 or scram-sha-256", cfg.Auth)
	}
	if cfg.Auth == "auto" && cfg.TLS == "implicit" { // go-mail does not see that our dialler encrypts
		how = gomail.SMTPAuthPlain
	}
	password, err := section.Secret("password_file", cfg.PasswordFile)
	if err != nil {
		return nil, err
	}
	return []gomail.Option{gomail.WithSMTPAuth(how), gomail.WithUsername(cfg.Username), gomail.WithPassword(password)}, nil
}

func (s *SMTP) security() ([]gomail.Option, *tls.Config, error) {
	conf := &tls.Config{ServerName: s.cfg.Host, MinVersion: tls.VersionTLS12}
	if s.cfg.CAFile != "" {
		pem, err := os.ReadFile(s.cfg.CAFile)
		if err != nil {
			return nil, nil, fmt.Errorf("ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("ca_file: %s holds no PEM certificate", s.cfg.CAFile)
		}
	}
	opts := []gomail.Option{gomail.WithTLSConfig(conf)}
	switch s.cfg.TLS {
	case "mandatory":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "opportunistic":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case "none":
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	case "implicit":
		opts = append(opts, gomail.WithSSL())
	default:
		return nil, nil, fmt.Errorf("tls: %q; write mandatory, implicit, opportunistic or none", s.cfg.TLS)
	}
	return opts, conf, nil
}

// Channel is [breach.Email].
func (s *SMTP) Channel() breach.Channel { return breach.Email }

// Close ends idle connections.
func (s *SMTP) Close() error {
	s.pool.close()
	return nil
}

// Send makes one attempt. A connection from the pool that turns out dead before the relay answered MAIL is replaced: up to
// there nothing of the mail has left.
func (s *SMTP) Send(ctx context.Context, w notifiers.Wire) (breach.Receipt, error) {
	if to, err := CleanAddress(w.To); err != nil || to != w.To || !notifiers.ValidID(w.ID) || w.Return != "" && !returnForm.MatchString(w.Return) { // they go into commands as they are
		return breach.Receipt{}, unfit("address")
	}
	for {
		c, err := s.pool.get(ctx)
		if err != nil {
			return breach.Receipt{}, verdict(err, "connect", breach.Temporary)
		}
		receipt, stale, err := s.converse(ctx, c, w)
		if stale && ctx.Err() == nil {
			continue
		}
		return receipt, err
	}
}
