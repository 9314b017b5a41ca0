// Package inbox stands in for the outside world: a mail server, one SMS provider, one push provider, a chat webhook,
// an authority's portal and its SFTP server, and the targets of an emergency plan, on loopback sockets. Whatever Tocsin would send to people and machines arrives here and
// can be read on one page; nothing leaves the machine.
//
// It is for local use and for tests, and says so on every page and in its SMTP greeting. It speaks the documented protocols
// (RFC 5321, Alibaba Cloud Dysmsapi 2017-05-25 with ACS3-HMAC-SHA256, Getui REST v2) and is told by [Fault] rules when to
// refuse, defer, drop, hold or cut. It shares no code with the notifiers, so that an error in one is not repeated in the other.
package inbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	gosmtp "github.com/emersion/go-smtp"
	"golang.org/x/crypto/ssh"
)

// Options says where to listen and whom to believe.
type Options struct {
	SMTPListen  string            // host:port; "127.0.0.1:0" when empty
	HTTPListen  string            // host:port; "127.0.0.1:0" when empty
	SFTPListen  string            // host:port; "127.0.0.1:0" when empty
	Credentials Credentials       // [LocalCredentials] when zero
	Templates   map[string]string // SMS template code -> text with ${variables}; nil accepts every code
	TLS         *tls.Config       // offers STARTTLS where it is set
	Now         func() time.Time  // required: the clock that stamps what arrives
}

// Credentials are what a client must know to be let in.
type Credentials struct {
	SMTPUsername     string // asks for SMTP AUTH PLAIN where it is set
	SMTPPassword     string
	SMSAccessKeyID   string
	SMSAccessSecret  string
	PushAppID        string
	PushAppKey       string
	PushMasterSecret string
	PortalToken      string // asks the portal's clients for Authorization: Bearer where it is set
}

// LocalCredentials are the well-known ones of a laptop. They protect nothing.
func LocalCredentials() Credentials {
	return Credentials{
		SMSAccessKeyID: "local-access-key", SMSAccessSecret: "local-access-secret",
		PushAppID: "local-app", PushAppKey: "local-app-key", PushMasterSecret: "local-master-secret",
	}
}

// Inbox is a running stand-in. Its methods are safe for concurrent use.
type Inbox struct {
	opts   Options
	box    *box
	faults *faults
	sms    *smsDesk
	push   *pushDesk
	sftp   *dropDesk

	ctx    context.Context // ends with Close, so that held requests go home
	cancel context.CancelFunc
	smtp   *gosmtp.Server
	http   *http.Server
	smtpLn net.Listener
	httpLn net.Listener
	sftpLn net.Listener
	served sync.WaitGroup
	once   sync.Once
}

// Start listens and serves until ctx ends or [Inbox.Close] is called.
func Start(ctx context.Context, o Options) (*Inbox, error) {
	if o.Now == nil {
		return nil, errors.New("start inbox: Options.Now is not set")
	}
	if o.Credentials == (Credentials{}) {
		o.Credentials = LocalCredentials()
	}
	in := &Inbox{opts: o, box: newBox(o.Now), faults: newFaults(), sms: newSMSDesk(), push: newPushDesk()}
	var err error
	if in.sftp, err = newDropDesk(); err != nil {
		return nil, err
	}
	if err := in.listen(); err != nil {
		return nil, err
	}
	in.ctx, in.cancel = context.WithCancel(ctx)
	in.smtp = in.newSMTP()
	in.http = &http.Server{
		Handler:           in.routes(),
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return in.ctx },
		ErrorLog:          log.New(io.Discard, "", 0), // its lines quote requests, and requests hold addresses
	}
	in.served.Go(func() { _ = in.smtp.Serve(&listener{Listener: in.smtpLn, in: in}) })
	in.served.Go(func() { _ = in.http.Serve(in.httpLn) })
	in.served.Go(in.serveSFTP)
	context.AfterFunc(in.ctx, func() { _ = in.Close() })
	return in, nil
}

func (in *Inbox) listen() error {
	var err error
	if in.smtpLn, err = net.Listen("tcp", orLoopback(in.opts.SMTPListen)); err != nil {
		return fmt.Errorf("start inbox: listen for mail on %s: %w", orLoopback(in.opts.SMTPListen), err)
	}
	if in.httpLn, err = net.Listen("tcp", orLoopback(in.opts.HTTPListen)); err != nil {
		_ = in.smtpLn.Close()
		return fmt.Errorf("start inbox: listen for HTTP on %s: %w", orLoopback(in.opts.HTTPListen), err)
	}
	if in.sftpLn, err = net.Listen("tcp", orLoopback(in.opts.SFTPListen)); err != nil {
		_, _ = in.smtpLn.Close(), in.httpLn.Close()
		return fmt.Errorf("start inbox: listen for SFTP on %s: %w", orLoopback(in.opts.SFTPListen), err)
	}
	return nil
}

func orLoopback(addr string) string {
	if addr == "" {
		return "127.0.0.1:0"
	}
	return addr
}

// Close cuts every connection and waits until the servers have gone. It may be called more than once.
func (in *Inbox) Close() error {
	in.once.Do(func() {
		in.cancel()
		_ = in.smtpLn.Close()
		_ = in.smtp.Close()
		_ = in.http.Close()
		_ = in.sftpLn.Close()
		in.sftp.cutAll()
		in.served.Wait()
	})
	return nil
}

// SMTPAddr is where mail is taken, "127.0.0.1:40025".
func (in *Inbox) SMTPAddr() string { return in.smtpLn.Addr().String() }

// URL is the page for people, without a slash at its end.
func (in *Inbox) URL() string { return "http://" + in.httpLn.Addr().String() }

// SMSEndpoint is what the SMS provider's endpoint is set to.
func (in *Inbox) SMSEndpoint() string { return in.URL() + "/sms" }

// PushEndpoint is what the push provider's endpoint is set to, without the application's id.
func (in *Inbox) PushEndpoint() string { return in.URL() + "/v2" }

// ChatEndpoint takes chat webhooks.
func (in *Inbox) ChatEndpoint() string { return in.URL() + "/chat" }

// PortalEndpoint takes reports as an authority's portal would.
func (in *Inbox) PortalEndpoint() string { return in.URL() + "/portal" }

// SFTPAddr is where reports are taken by SFTP, "127.0.0.1:40022".
func (in *Inbox) SFTPAddr() string { return in.sftpLn.Addr().String() }

// SFTPHostKey is the fingerprint of the SFTP server's host key, "SHA256:…". It is a new one at each start.
func (in *Inbox) SFTPHostKey() string { return ssh.FingerprintSHA256(in.sftp.host.PublicKey()) }

// TargetEndpoint is a plan's containment target of that name.
func (in *Inbox) TargetEndpoint(name string) string { return in.URL() + "/target/" + name }
