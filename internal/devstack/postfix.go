package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// PostfixOptions say what a private Postfix does with mail.
type PostfixOptions struct {
	Deliver   string        // host:port of the server that stands in for every destination, by SMTP
	Bounces   string        // host:port that takes the mail of BouncesOf, by LMTP
	BouncesOf string        // a domain
	Lifetime  time.Duration // how long a mail is tried before it comes back; whole seconds
}

// Postfix is a private mail server on loopback, with a queue of its own. It is a real relay: it takes mail, tries for a
// while, and sends reports of failure.
type Postfix struct {
	dir  string
	addr string
	proc *process
}

// ErrNoPostfix says what is missing for a private Postfix.
var ErrNoPostfix = errors.New("no Postfix on this machine: install it (Debian, Ubuntu: apt-get install postfix; as an ordinary user fakeroot too)")

// postfixFolders are where systems keep Postfix's daemons.
var postfixFolders = []string{"/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix"}

func findPostfix() (string, bool) {
	for _, dir := range postfixFolders {
		if _, err := os.Stat(filepath.Join(dir, "master")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// StartPostfix starts a private Postfix and returns when it answers. It touches nothing of an installed instance. Its daemons
// want to change users: as root they do, as an ordinary user they believe so, under fakeroot. The error is [ErrNoPostfix]
// where a program is missing.
func StartPostfix(ctx context.Context, o PostfixOptions) (_ *Postfix, err error) {
	daemons, ok := findPostfix()
	if !ok {
		return nil, ErrNoPostfix
	}
	command := []string{filepath.Join(daemons, "master"), "-d"}
	if os.Geteuid() != 0 {
		fake, err := exec.LookPath("fakeroot")
		if err != nil {
			return nil, ErrNoPostfix
		}
		command = append([]string{fake}, command...)
	}
	dir, err := os.MkdirTemp("/var/tmp", "tocsin-postfix-") // its users must get through, and paths of sockets are short
	if err != nil {
		return nil, fmt.Errorf("make a folder for Postfix: %w", err)
	}
	p := &Postfix{dir: dir}
	defer func() {
		if err != nil {
			_ = p.Close()
		}
	}()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := p.furnish(daemons, o); err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], append(command[1:], "-c", p.path("etc"))...)
	cmd.Env = append(os.Environ(), "MAIL_CONFIG="+p.path("etc"))
	cmd.Dir = dir
	if p.proc, err = startProcess(cmd, dir, "TERM"); err != nil {
		return nil, err
	}
	return p, p.await(ctx)
}

func (p *Postfix) path(names ...string) string {
	return filepath.Join(append([]string{p.dir}, names...)...)
}

// Addr is where it takes mail.
func (p *Postfix) Addr() string { return p.addr }

// furnish writes its settings and makes its queue.
func (p *Postfix) furnish(daemons string, o PostfixOptions) error {
	owner, group := "postfix", "postdrop"
	u, err := user.Lookup(owner)
	if err != nil {
		return ErrNoPostfix
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return ErrNoPostfix
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return ErrNoPostfix
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return ErrNoPostfix
	}
	for _, name := range []string{"etc", "data", "spool"} {
		if err := os.MkdirAll(p.path(name), 0o755); err != nil {
			return err
		}
	}
	for _, name := range strings.Fields("incoming active deferred defer bounce maildrop hold corrupt flush trace saved private public pid") {
		if err := os.MkdirAll(p.path("spool", name), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(p.dir, 0o755); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		for _, name := range strings.Fields("data spool/incoming spool/active spool/deferred spool/defer spool/bounce spool/maildrop spool/hold spool/corrupt spool/flush spool/trace spool/saved spool/private spool/public") {
			id := -1
			if strings.HasSuffix(name, "maildrop") || strings.HasSuffix(name, "public") {
				id = gid
			}
			if err := os.Chown(p.path(name), uid, id); err != nil {
				return err
			}
		}
	}
	host, port, err := net.SplitHostPort(o.Deliver)
	if err != nil {
		return fmt.Errorf("where Postfix delivers: %w", err)
	}
	bounceHost, bouncePort, err := net.SplitHostPort(o.Bounces)
	if err != nil {
		return fmt.Errorf("where bounces go: %w", err)
	}
	main := fmt.Sprintf(mainCF, p.dir, daemons, owner, group, host, port, o.BouncesOf, bounceHost, bouncePort, max(1, int(o.Lifetime/time.Second)))
	if err := os.WriteFile(p.path("etc", "main.cf"), []byte(main), 0o644); err != nil {
		return err
	}
	return os.WriteFile(p.path("etc", "master.cf"), []byte(fmt.Sprintf(masterCF, p.addr)), 0o644)
}

// mainCF relays everything to one server, tries each second, and knows no DNS.
const mainCF = `compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = %[2]s
mail_owner = %[3]s
setgid_group = %[4]s
import_environment = MAIL_CONFIG TZ LANG=C LD_PRELOAD LD_LIBRARY_PATH FAKEROOTKEY FAKED_MODE
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = relay.example.com
mydestination =
local_recipient_maps =
local_transport = error:no local mail
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
relayhost = [%[5]s]:%[6]s
transport_maps = inline:{%[7]s=lmtp:[%[8]s]:%[9]s}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_tls_security_level = none
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
maximal_queue_lifetime = %[10]ds
bounce_queue_lifetime = %[10]ds
default_destination_concurrency_limit = 50
default_destination_concurrency_failed_cohort_limit = 1000
smtpd_client_connection_count_limit = 0
`

const masterCF = `%s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// await returns when it greets.
func (p *Postfix) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		var d net.Dialer
		if c, err := d.DialContext(ctx, "tcp", p.addr); err == nil {
			deadline, _ := ctx.Deadline()
			_ = c.SetReadDeadline(deadline)
			var greeting [4]byte
			n, _ := c.Read(greeting[:])
			_ = c.Close()
			if n == 4 && string(greeting[:]) == "220 " {
				return nil
			}
		}
		select {
		case <-look.C:
		case <-p.proc.ended:
			return fmt.Errorf("Postfix ended as soon as it was started; it says:\n%s", p.Log())
		case <-ctx.Done():
			return fmt.Errorf("Postfix does not answer; it says:\n%s", p.Log())
		}
	}
}

// Log is what it has logged. It names recipients.
func (p *Postfix) Log() string {
	b, err := os.ReadFile(p.path("log"))
	if err != nil {
		return ""
	}
	return string(b)
}

// Close ends it and removes its queue.
func (p *Postfix) Close() error {
	if p.proc != nil {
		if b, err := os.ReadFile(p.path("spool", "pid", "master.pid")); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil { // not fakeroot's
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		p.proc.stop(10*time.Second, syscall.SIGTERM)
	}
	return os.RemoveAll(p.dir)
}
