package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/internal/bounce"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/regulation"
	"tocsin/internal/seal"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the settings, write a sample, or print the SMS texts to register",
		Example: `  tocsin config sample > tocsin.yaml
  tocsin config check
  tocsin config sms-templates`,
	}
	cmd.AddCommand(configCheckCommand(), configSampleCommand(), configSMSCommand())
	return cmd
}

// exitNotReady says that the settings are in order, and that some report could not be filed or notice drafted with them today.
const exitNotReady = 3

func configCheckCommand() *cobra.Command {
	var o viewOptions
	var purpose string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Name every fault of the settings, and what could not be filed or told with them today",
		Long: `Name every fault of the settings at once. For serve, it then tries what filing would need for each report that the law may ask
of you: an addressee, a way that works at this moment (a folder is written to, a secret read; no server is asked), somebody
who signs, and the form in both languages. It also drafts every notice to people for an invented incident.

It ends with 0 where all is in order, with 1 where the settings cannot be used, and with 3 where they can, but some report
could not be filed, or some notice not be drafted, today.`,
		Example: `  tocsin config check
  tocsin config check --output json
  tocsin config check --config /etc/tocsin.yaml --for client`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, known := map[string]config.Purpose{"serve": config.ForServing, "dev": config.ForDev, "client": config.ForClient}[purpose]
			if !known {
				return usage("--for must be serve, dev or client")
			}
			if err := o.check(); err != nil {
				return err
			}
			cfg, err := readConfig(cmd)
			if err != nil {
				return err
			}
			return checkConfig(cmd, o, cfg, p)
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&purpose, "for", "serve", "what the settings are wanted for: serve, dev or client")
	return cmd
}

// configReport is what a check found, for machines.
type configReport struct {
	Faults   []config.Finding `json:"faults"`
	Warnings []config.Finding `json:"warnings"`
	Filings  *readiness       `json:"filings,omitempty"`           // for serve alone
	Untold   []breach.Text    `json:"cannot_be_drafted,omitempty"` // why notices to people could not be drafted
}

func checkConfig(cmd *cobra.Command, o viewOptions, cfg config.Config, purpose config.Purpose) error {
	known := knownWords
	if laws, err := regulation.Load(cfg.Laws...); err == nil { // else newHouse says what is wrong with them
		known.Authorities = map[string]string{}
		for _, a := range laws.Authorities() {
			known.Authorities[a.Key] = a.Name.ZH
		}
	}
	found := cfg.Check(purpose, known)
	report := configReport{Faults: orNone(found.Faults), Warnings: orNone(found.Warnings)}
	if purpose == config.ForServing && len(found.Faults) == 0 {
		h, err := newHouse(cfg, nil) // reads packs, texts and the providers' own settings
		if h != nil {
			defer func() { _ = h.close() }()
		}
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				report.Faults = append(report.Faults, config.Finding{Text: line})
			}
		} else {
			ready, err := h.readyToFile(cmd.Context(), now())
			if err != nil {
				return err
			}
			report.Filings, report.Untold = &ready, h.cannotTell(now())
		}
	}
	if err := showConfigReport(cmd, o, report); err != nil {
		return err
	}
	switch {
	case len(report.Faults) > 0:
		return &exitError{code: exitFailure, text: "the settings cannot be used: mend what is named above"}
	case len(report.Untold) > 0:
		return &exitError{code: exitNotReady, text: "the settings can be used, but notices to people could not be drafted today"}
	case report.Filings != nil && len(report.Filings.Blocks) > 0:
		return &exitError{code: exitNotReady, text: fmt.Sprintf("the settings are in order, but %d reports could not be filed today", len(report.Filings.Blocks))}
	}
	return nil
}

func orNone(f []config.Finding) []config.Finding {
	if f == nil {
		return []config.Finding{}
	}
	return f
}

func showConfigReport(cmd *cobra.Command, o viewOptions, r configReport) error {
	if o.output == "json" {
		return writeJSON(cmd.OutOrStdout(), r)
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	for _, f := range r.Faults {
		fmt.Fprintln(cmd.ErrOrStderr(), f)
	}
	if len(r.Faults) > 0 {
		return nil
	}
	return o.show(cmd, r, func(p *page) {
		if r.Filings != nil {
			p.readiness(*r.Filings)
		}
		if len(r.Untold) > 0 {
			p.untold(r.Untold)
		}
		p.line("%s", p.say("设置无误。", "The settings are in order."))
	})
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
	Way: func(way string, in map[string]any) error {
		n, err := buildWay(way, in)
		if err != nil {
			return err
		}
		return n.Close()
	},
	Return: func(address string) error {
		_, err := bounce.ParseAddress(address)
		return err
	},
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
