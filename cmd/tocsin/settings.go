package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/config"
)

// tokenVariable holds the command line's token. It is a secret and therefore no setting.
const tokenVariable = "TOCSIN_TOKEN"

// addConfigFlags gives every command the ways to change a setting.
func addConfigFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.String("config", "", "settings file (default: TOCSIN_CONFIG, else tocsin.yaml if it is there)")
	f.StringArray("set", nil, "one setting for this run, such as --set api.listen=127.0.0.1:9000; may be repeated")
}

// loadConfig reads file, environment and flags, and names every fault that matters for the purpose at once.
func loadConfig(cmd *cobra.Command, purpose config.Purpose) (config.Config, error) {
	cfg, err := readConfig(cmd)
	if err != nil {
		return cfg, err
	}
	return cfg, several("the settings cannot be used", cfg.Validate(purpose))
}

func readConfig(cmd *cobra.Command) (config.Config, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return config.Config{}, err
	}
	pairs, err := cmd.Flags().GetStringArray("set")
	if err != nil {
		return config.Config{}, err
	}
	o := config.Options{File: file, Set: map[string]string{}}
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return config.Config{}, usage("--set takes key=value, such as --set api.listen=127.0.0.1:9000")
		}
		o.Set[key] = value
	}
	for flag, key := range map[string]string{"api": "api.url", "token-file": "api.token_file"} {
		if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
			o.Set[key] = f.Value.String()
		}
	}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, tokenVariable+"=") {
			o.Environ = append(o.Environ, pair)
		}
	}
	cfg, err := config.Load(o)
	return cfg, several("the settings cannot be used", err)
}

// several writes one fault on the line and many below it.
func several(what string, err error) error {
	if err == nil {
		return nil
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) == 1 {
		return err
	}
	return fmt.Errorf("%s:\n  %s", what, strings.Join(lines, "\n  "))
}

// newLogger writes as the settings say.
func newLogger(w io.Writer, l config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // checked with the settings; info otherwise
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
