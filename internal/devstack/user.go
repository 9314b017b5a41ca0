package devstack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that PostgreSQL runs as: it refuses to run as root. The zero value is ourselves.
type account struct {
	name     string
	uid, gid uint32
	other    bool // not ourselves
}

// unprivileged picks ourselves, or postgres or nobody where we are root.
func unprivileged() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), other: true}, nil
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody: " +
		"create one (adduser --system postgres), or start as another user")
}

// attr is what a process needs to run as this account.
func (a account) attr() *syscall.SysProcAttr {
	if !a.other {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

// own hands one file or folder to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// canReach reports whether the account may pass through every folder above dir.
func (a account) canReach(dir string) bool {
	if !a.other {
		return true
	}
	for d := filepath.Dir(dir); ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err == nil && !a.mayEnter(info) {
			return false
		}
		if d == filepath.Dir(d) {
			return true
		}
	}
}

func (a account) mayEnter(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	mode := info.Mode().Perm()
	switch {
	case st.Uid == a.uid:
		return mode&0o100 != 0
	case st.Gid == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// home makes the folder for a cluster that was asked for at dir, owned by the account. Where the account cannot reach dir
// (a work tree below /root), it is a folder in /var/tmp that dir decides.
func (a account) home(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the folder for PostgreSQL: %w", err)
	}
	wanted := dir
	if !a.canReach(dir) {
		sweepElsewhere()
		sum := sha256.Sum256([]byte(dir))
		dir = elsewhere + hex.EncodeToString(sum[:6])
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make the folder for PostgreSQL: %w", err)
	}
	err = os.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		err = a.own(dir)
	case os.IsExist(err):
		err = a.mine(dir)
	}
	if err == nil && dir != wanted {
		err = os.WriteFile(filepath.Join(dir, origin), []byte(wanted), 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("make the folder for PostgreSQL: %w", err)
	}
	return dir, nil
}

// elsewhere begins the folders of clusters that could not lie where they were asked for, and origin is the file in them
// that says where that was.
const (
	elsewhere = "/var/tmp/tocsin-postgres-"
	origin    = "asked-for"
)

// sweepElsewhere removes clusters that were asked for in a temporary folder which is gone, such as a demo's.
func sweepElsewhere() {
	homes, _ := filepath.Glob(elsewhere + "*")
	for _, home := range homes {
		wanted, err := os.ReadFile(filepath.Join(home, origin))
		if err != nil || !strings.HasPrefix(string(wanted), filepath.Clean(os.TempDir())+"/") {
			continue
		}
		if _, err := os.Stat(filepath.Dir(string(wanted))); os.IsNotExist(err) && !serving(home) {
			_ = os.RemoveAll(home)
		}
	}
}

// serving reports whether a server runs in a cluster's home.
func serving(home string) bool {
	b, err := os.ReadFile(filepath.Join(home, "data", "postmaster.pid"))
	if err != nil {
		return false
	}
	line, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(line)
	return err == nil && syscall.Kill(pid, 0) == nil
}

// mine refuses a folder that somebody else may have laid in our way.
func (a account) mine(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	want := uint32(os.Geteuid())
	if a.other {
		want = a.uid
	}
	if st.Uid == want {
		return nil
	}
	if a.other && st.Uid == 0 { // ours, from before we knew the account
		return a.own(dir)
	}
	return fmt.Errorf("%s belongs to another user (uid %d): remove it, or choose another data folder", dir, st.Uid)
}
