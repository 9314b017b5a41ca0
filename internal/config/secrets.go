package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Secret reads the secret in a file that key names. A line's end after it is not part of it. The error names key and path,
// never the content.
func Secret(key, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return "", fmt.Errorf("%s: read %s: %w", key, path, err)
	}
	secret := strings.TrimRight(string(b), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s: %s is empty", key, path)
	}
	return secret, nil
}

// DatabaseURL is database.url with the password from database.password_file, where that is set.
func (c Config) DatabaseURL() (string, error) {
	if c.Database.PasswordFile == "" {
		return c.Database.URL, nil
	}
	password, err := Secret("database.password_file", c.Database.PasswordFile)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(c.Database.URL)
	if err != nil {
		return "", errors.New("database.url must begin with postgres://, such as postgres://tocsin@db.example:5432/tocsin")
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String(), nil
}

// SealKeyFile is where the wrapping key lies: seal.key_file, or seal.key in the data folder.
func (c Config) SealKeyFile() string {
	if c.Seal.KeyFile != "" {
		return c.Seal.KeyFile
	}
	return filepath.Join(c.DataDir, "seal.key")
}

// TokenFile is where the command line's token lies: api.token_file, or token in the data folder.
func (c Config) TokenFile() string {
	if c.API.TokenFile != "" {
		return c.API.TokenFile
	}
	return filepath.Join(c.DataDir, "token")
}
