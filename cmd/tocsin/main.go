// Command tocsin is the one binary: the server, its workers, and the operator's commands, which speak to the server over
// HTTP. Nothing else in the house reads the clock, the environment or flags.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // the command line itself is wrong; nothing was tried
	exitAside   = 3 // done, but rows of a people file were set aside
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line. An interrupt ends what runs; a second one ends the process.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	began := false
	root := rootCommand(&began)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "tocsin: interrupted")
		return exitFailure
	}
	fmt.Fprintln(errOut, "tocsin:", plain(cmd, err))
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if _, usage := errors.AsType[*usageError](err); usage || !began {
		fmt.Fprintf(errOut, "Type %s --help for examples.\n", cmd.CommandPath())
		return exitUsage
	}
	if _, aside := errors.AsType[*setAside](err); aside {
		return exitAside
	}
	return exitFailure
}

// plain says in other words what cobra says of arguments.
func plain(cmd *cobra.Command, err error) string {
	if text := err.Error(); !strings.Contains(text, "arg(s)") {
		return text
	}
	return "the arguments do not fit; it is typed: " + strings.TrimSuffix(cmd.UseLine(), " [flags]")
}

// usageError is a command line that makes no sense.
type usageError struct{ text string }

// Error says what is wrong with it.
func (e *usageError) Error() string { return e.text }

// exitError is a failure with an exit code of its own.
type exitError struct {
	code int
	text string
}

// Error says what failed.
func (e *exitError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// rootCommand assembles all commands. began is set once a command line was understood and its command starts.
func rootCommand(began *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "tocsin",
		Short: "The bell for a data breach: from the first suspicion to the proof that everybody was told",
		Long: `Tocsin runs the emergency plan of a personal data breach, works out how bad it is, knows which law asks what of
whom by when, files the reports, tells every affected person and guardian, and proves afterwards that it did.`,
		Example: `  tocsin dev                                  # everything on this machine, no accounts
  tocsin incident open "customer table for sale on a forum" kinds=leak
  tocsin incident watch INC-2026-0001
  tocsin people import INC-2026-0001 people.csv
  tocsin filing list INC-2026-0001`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			*began = true
		},
	}
	root.SetVersionTemplate("tocsin {{.Version}}\n")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	addConfigFlags(root)
	root.AddGroup(
		&cobra.Group{ID: "act", Title: "Handling an incident:"},
		&cobra.Group{ID: "law", Title: "The law, without a server:"},
		&cobra.Group{ID: "run", Title: "Running Tocsin:"},
	)
	add := func(group string, commands ...*cobra.Command) {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("act", incidentCommand(), peopleCommand(), taskCommand(), filingCommand(), evidenceCommand(), registerCommand(), noticeCommand(), documentCommand())
	add("law", lawCommands()...)
	add("run", engineCommands()...)
	add("run", serveCommand(), migrateCommand(), configCommand(), keyCommand(), tokenCommand(), journalCommand())
	root.AddCommand(readParquetCommand())
	refuseUnknown(root)
	return root
}

// refuseUnknown makes a misspelt subcommand an error; cobra itself would print help and report success.
func refuseUnknown(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		refuseUnknown(c)
	}
	if cmd.Runnable() || !cmd.HasSubCommands() {
		return
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		text := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return usage("%s", text)
	}
}

// version is the module's, else the commit that was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		v = "devel"
	}
	return v + " (" + info.GoVersion + ")"
}
