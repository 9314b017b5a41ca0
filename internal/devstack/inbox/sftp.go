package inbox

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// dropDesk is an SFTP server whose files live in memory, the same for every session. A file that gets a name like
// <addressee>-<32 hexadecimal digits>.zip has been handed over and becomes a message.
type dropDesk struct {
	host   ssh.Signer
	config *ssh.ServerConfig

	mu    sync.Mutex
	files map[string]*dropFile
	conns map[net.Conn]bool
	ended bool
}

type dropFile struct {
	mu   sync.Mutex
	data []byte
	at   time.Time
}

// reportName is a report's finished name, its addressee and its id; unfinishedName holds for it while it is uploaded, too.
var (
	reportName     = regexp.MustCompile(`^(.+)-([0-9a-f]{32})\.zip$`)
	unfinishedName = regexp.MustCompile(`^\.?(.+)-[0-9a-f]{32}\.zip\b`)
)

// newDropDesk makes a host key of its own. Every user and every key is let in: the server listens on loopback alone.
func newDropDesk() (*dropDesk, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("start inbox: make a host key: %w", err)
	}
	host, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, fmt.Errorf("start inbox: make a host key: %w", err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() == "stranger" {
			return nil, fmt.Errorf("this user is never let in")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	d := &dropDesk{host: host, config: config, conns: map[net.Conn]bool{}}
	d.clear()
	return d, nil
}

func (d *dropDesk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files = map[string]*dropFile{}
}

func (d *dropDesk) add(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns[c] = true
	return !d.ended
}

func (d *dropDesk) remove(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.conns, c)
}

func (d *dropDesk) cutAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	for c := range d.conns {
		_ = c.Close()
	}
}

func (in *Inbox) serveSFTP() {
	for {
		c, err := in.sftpLn.Accept()
		if err != nil {
			return
		}
		in.served.Go(func() {
			defer in.sftp.remove(c)
			defer func() { _ = c.Close() }()
			if in.sftp.add(c) {
				in.serveDrop(c)
			}
		})
	}
}

// serveDrop speaks SSH until the client has gone. Of its channels only sessions with the sftp subsystem are served.
func (in *Inbox) serveDrop(c net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(c, in.sftp.config)
	if err != nil {
		return
	}
	var sessions sync.WaitGroup
	defer sessions.Wait()
	sessions.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		if offered.ChannelType() != "session" {
			_ = offered.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		sessions.Go(func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), "sftp"), nil)
			}
		})
		sessions.Go(func() {
			h := &dropSession{in: in, conn: c}
			server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h})
			_ = server.Serve()
			_ = server.Close()
		})
	}
}

// dropSession is one client's view of the files.
type dropSession struct {
	in   *Inbox
	conn net.Conn
}

func (s *dropSession) find(name string) (*dropFile, error) {
	d := s.in.sftp
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return f, nil
}

// addressee is who a file is for, by its name.
func addressee(name string) string {
	if m := unfinishedName.FindStringSubmatch(path.Base(name)); m != nil {
		return m[1]
	}
	return ""
}

// Fileread opens a file for reading.
func (s *dropSession) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	f, err := s.find(r.Filepath)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.NewReader(bytes.Clone(f.data)), nil
}

// Filewrite opens a file for writing, or cuts the connection where a fault says so.
func (s *dropSession) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if to := addressee(r.Filepath); to != "" {
		if f, struck := s.in.faults.peek(ChannelDrop, AtRequest, to); struck && f.Do == Cut {
			s.in.faults.take(ChannelDrop, AtRequest, to)
			s.in.note(ChannelDrop, Cut)
			_ = s.conn.Close()
			return nil, errCut
		}
	}
	d := s.in.sftp
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.files[r.Filepath]
	if !ok || r.Pflags().Trunc {
		f = &dropFile{at: s.in.box.now()}
		d.files[r.Filepath] = f
	}
	return f, nil
}

// WriteAt writes a piece of a file.
func (f *dropFile) WriteAt(b []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < 0 || at+int64(len(b)) > maxReport {
		return 0, sftp.ErrSSHFxFailure
	}
	if grow := int(at) + len(b) - len(f.data); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	return copy(f.data[at:], b), nil
}

// Filecmd renames and removes.
func (s *dropSession) Filecmd(r *sftp.Request) error {
	d := s.in.sftp
	switch r.Method {
	case "Rename":
		return s.rename(r)
	case "Remove":
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.files[r.Filepath] == nil {
			return os.ErrNotExist
		}
		delete(d.files, r.Filepath)
		return nil
	case "Setstat", "Mkdir":
		return nil
	}
	return sftp.ErrSSHFxOpUnsupported
}

// rename gives a file its name. A finished report is stored with it, with the faults of the channel; another's name is never
// taken.
func (s *dropSession) rename(r *sftp.Request) error {
	d, finished := s.in.sftp, reportName.FindStringSubmatch(path.Base(r.Target))
	var f Fault
	var struck bool
	if finished != nil {
		if f, struck = s.in.faults.take(ChannelDrop, AtRequest, finished[1]); struck && (f.Do == Refuse || f.Do == Defer) {
			s.in.note(ChannelDrop, f.Do)
			return map[Action]error{Refuse: sftp.ErrSSHFxPermissionDenied, Defer: sftp.ErrSSHFxFailure}[f.Do]
		}
	}
	data, err := d.move(r.Filepath, r.Target)
	if err != nil || finished == nil {
		return err
	}
	m := Message{Channel: ChannelDrop, To: finished[1], ID: finished[2], Raw: data}
	m.Subject = path.Base(r.Target)
	seq := s.in.box.put(m)
	switch {
	case struck && f.Do == Drop:
		_ = s.conn.Close()
		return errCut
	case struck && f.Do == Hold:
		s.in.faults.wait(s.in.ctx, context.Background())
	}
	s.in.box.accept(seq)
	return nil
}

func (d *dropDesk) move(from, to string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	file := d.files[from]
	switch {
	case file == nil:
		return nil, os.ErrNotExist
	case d.files[to] != nil:
		return nil, sftp.ErrSSHFxFailure
	}
	d.files[to] = file
	delete(d.files, from)
	file.mu.Lock()
	defer file.mu.Unlock()
	return bytes.Clone(file.data), nil
}

// Filelist answers stat and lists a folder; every folder is there.
func (s *dropSession) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "Stat" {
		if r.Filepath == "/" {
			return listing{info{name: "/", folder: true}}, nil
		}
		f, err := s.find(r.Filepath)
		if err != nil {
			return nil, err
		}
		return listing{f.info(r.Filepath)}, nil
	}
	if r.Method != "List" {
		return nil, sftp.ErrSSHFxOpUnsupported
	}
	d := s.in.sftp
	d.mu.Lock()
	defer d.mu.Unlock()
	var all listing
	for name, f := range d.files {
		if path.Dir(name) == r.Filepath {
			all = append(all, f.info(name))
		}
	}
	return all, nil
}

type listing []info

// ListAt copies a part of the list.
func (l listing) ListAt(to []os.FileInfo, at int64) (int, error) {
	n := 0
	for ; int(at)+n < len(l) && n < len(to); n++ {
		to[n] = l[int(at)+n]
	}
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

type info struct {
	name   string
	size   int64
	at     time.Time
	folder bool
}

func (f *dropFile) info(name string) info {
	f.mu.Lock()
	defer f.mu.Unlock()
	return info{name: path.Base(name), size: int64(len(f.data)), at: f.at}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.at }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }
func (i info) Mode() os.FileMode {
	if i.folder {
		return os.ModeDir | 0o755
	}
	return 0o644
}

// readDrop shows a report's covering text and its files.
func readDrop(m *Message) {
	z, err := zip.NewReader(bytes.NewReader(m.Raw), int64(len(m.Raw)))
	if err != nil {
		m.Text = "This file is not a ZIP archive."
		return
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			continue
		}
		content, err := io.ReadAll(io.LimitReader(r, maxReport))
		_ = r.Close()
		switch {
		case err != nil:
		case f.Name == "message.txt":
			m.Text = string(content)
		default:
			m.Attachments = append(m.Attachments, Attachment{Name: f.Name, Type: "application/octet-stream", Size: len(content), Bytes: content})
		}
	}
}
