package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/seal"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the settings, or write a sample",
		Example: `  tocsin config sample > tocsin.yaml
  tocsin config check`,
	}
	cmd.AddCommand(configCheckCommand(), configSampleCommand())
	return cmd
}

func configCheckCommand() *cobra.Command {
	var purpose string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Name every fault of the settings at once; nothing is started or reached",
		Example: `  tocsin config check
  tocsin config check --config /etc/tocsin.yaml --for client`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, known := map[string]config.Purpose{"serve": config.ForServing, "dev": config.ForDev, "client": config.ForClient}[purpose]
			if !known {
				return usage("--for must be serve, dev or client")
			}
			cfg, err := readConfig(cmd)
			if err != nil {
				return err
			}
			report := cfg.Check(p, knownWords)
			for _, w := range report.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			if err := report.Err(); err != nil {
				return several("the settings cannot be used", err)
			}
			if p == config.ForServing {
				h, err := newHouse(cfg, nil) // reads packs, texts and the providers' own settings
				if err := errors.Join(err, h.close()); err != nil {
					return several("the settings cannot be used", err)
				}
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The settings are in order.")
			return nil
		},
	}
	cmd.Flags().StringVar(&purpose, "for", "serve", "what the settings are wanted for: serve, dev or client")
	return cmd
}

// knownWords is what the settings' values are compared with.
var knownWords = config.Known{
	Fact: func(assignment string) error {
		name, _, err := breach.ParseAssignment(assignment)
		if err != nil {
			return err
		}
		if def, _ := breach.DefOf(name); !def.Org {
			return fmt.Errorf("%s is a fact of an incident, not of the organisation", name)
		}
		return nil
	},
	Location: time.LoadLocation,
}

func configSampleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "sample",
		Short:   "Write a settings file with every key, its default, and when you need it",
		Example: `  tocsin config sample > tocsin.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), config.Sample())
			return err
		},
	}
}

func keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: "Make the key that seals personal data", Example: `  tocsin key create`}
	cmd.AddCommand(&cobra.Command{
		Use:   "create [FILE]",
		Short: "Make a master key in a new file; an existing one is never overwritten",
		Long: `Make a master key in a new file that only you can read: seal.key_file of the settings, unless you name another.

All personal data is sealed under keys that this key wraps. Keep a copy in another place: without it nothing that was
sealed can ever be read again.`,
		Example: `  tocsin key create
  tocsin key create /etc/tocsin/seal.key`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := keyFile(cmd, args)
			if err != nil {
				return err
			}
			if err := seal.CreateMasterFile(file); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Wrote %s. Keep a copy of it in another place.\n", file)
			return nil
		},
	})
	return cmd
}

func keyFile(cmd *cobra.Command, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	cfg, err := readConfig(cmd)
	if err != nil {
		return "", err
	}
	file := cfg.SealKeyFile()
	if file == "" {
		return "", errors.New("seal.key_file is empty: name a file")
	}
	return file, makeFolder(file)
}
