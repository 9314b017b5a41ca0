package drop

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"regexp"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hosts knows the server's host key.
type hosts struct {
	file        ssh.HostKeyCallback // nil where a fingerprint is given
	fingerprint string
}

var fingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

func readHosts(cfg SFTPConfig) (hosts, error) {
	switch {
	case cfg.KnownHosts == "" && cfg.HostKey == "":
		return hosts{}, errors.New("known_hosts_file and host_key are both empty: one of them must name the server's host key; ask the authority for it, and compare with ssh-keyscan")
	case cfg.KnownHosts != "" && cfg.HostKey != "":
		return hosts{}, errors.New("known_hosts_file and host_key are both set; one of them is enough")
	case cfg.HostKey != "":
		if !fingerprint.MatchString(cfg.HostKey) {
			return hosts{}, fmt.Errorf("host_key: %q is not a fingerprint like SHA256: and 43 characters, as ssh-keygen -lf shows it", cfg.HostKey)
		}
		return hosts{fingerprint: cfg.HostKey}, nil
	}
	file, err := knownhosts.New(cfg.KnownHosts)
	if err != nil {
		return hosts{}, fmt.Errorf("known_hosts_file: %w", err)
	}
	return hosts{file: file}, nil
}

var errStranger = errors.New("the host key is not the one in the settings")

func (h hosts) check(host string, remote net.Addr, key ssh.PublicKey) error {
	if h.file != nil {
		return h.file(host, remote, key)
	}
	if ssh.FingerprintSHA256(key) != h.fingerprint {
		return errStranger
	}
	return nil
}

// algorithms asks the server for a key that the file knows, where it has several: else it shows another and looks like a
// stranger. Nil leaves the choice to the library.
func (h hosts) algorithms(addr string) []string {
	if h.file == nil {
		return nil
	}
	probe, err := ssh.NewPublicKey(make(ed25519.PublicKey, ed25519.PublicKeySize))
	if err != nil {
		return nil
	}
	known, ok := errors.AsType[*knownhosts.KeyError](h.file(addr, &net.TCPAddr{}, probe))
	if !ok {
		return nil
	}
	var all []string
	for _, k := range known.Want {
		if t := k.Key.Type(); t == ssh.KeyAlgoRSA {
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		} else {
			all = append(all, t)
		}
	}
	return all
}
