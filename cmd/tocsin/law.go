package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tocsin/internal/breach"
	"tocsin/internal/regulation"
)

// lawCommands are the commands that answer from the law packs alone. They need no server, no database and no configuration.
func lawCommands() []*cobra.Command {
	return []*cobra.Command{obligationsCommand(), regulationCommand(), factsCommand()}
}

// lawOptions are the flags that the law commands share.
type lawOptions struct {
	output string
	lang   string
	packs  []string
}

func (o *lawOptions) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.output, "output", "table", "table or json")
	cmd.Flags().StringVar(&o.lang, "lang", "", "zh-CN or en; by default the language of the environment")
	cmd.Flags().StringArrayVar(&o.packs, "packs", nil, "a folder of packs of your own, besides the built-in ones; may be repeated")
}

// language is the one asked for, else that of the environment, else English.
func (o *lawOptions) language() (breach.Language, error) {
	switch strings.ToLower(o.lang) {
	case "zh-cn", "zh":
		return breach.Chinese, nil
	case "en":
		return breach.English, nil
	case "":
	default:
		return "", fmt.Errorf("--lang must be zh-CN or en, not %q", o.lang)
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if strings.HasPrefix(v, "zh") {
				return breach.Chinese, nil
			}
			break
		}
	}
	return breach.English, nil
}

// begin checks the shared flags and loads the packs.
func (o *lawOptions) begin() (*regulation.Engine, breach.Language, error) {
	if o.output != "table" && o.output != "json" {
		return nil, "", fmt.Errorf("--output must be table or json, not %q", o.output)
	}
	lang, err := o.language()
	if err != nil {
		return nil, "", err
	}
	engine, err := regulation.Load(o.packs...)
	if err != nil {
		return nil, "", fmt.Errorf("the packs cannot be used:\n%w", err)
	}
	return engine, lang, nil
}

func obligationsCommand() *cobra.Command {
	var o lawOptions
	var factsFile, orgFile, now string
	var all, brief bool
	cmd := &cobra.Command{
		Use:   "obligations --facts FILE",
		Short: "Tell who must be told what, by when, and why, from a file of facts",
		Long: `Tell who must be told what, by when, and why.

The answer comes from the law packs inside this program; no server is asked and nothing is stored.
What is not known yet is not guessed: a duty that hangs on it is called possible, and the questions
to answer next are listed, the most pressing first.`,
		Example: `  tocsin facts new > facts.yaml        # a template to fill in
  tocsin obligations --facts facts.yaml
  tocsin obligations --facts facts.yaml --org organisation.yaml --lang zh-CN
  tocsin obligations --facts facts.yaml --all --output json
  tocsin obligations diff yesterday.yaml today.yaml`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: false,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, lang, err := o.begin()
			if err != nil {
				return err
			}
			if factsFile == "" {
				return errors.New("name a file of facts: --facts facts.yaml (tocsin facts new writes one; - reads standard input)")
			}
			facts, org, at, err := readCase(cmd.InOrStdin(), factsFile, orgFile, now)
			if err != nil {
				return err
			}
			assess := engine.Assess
			if all {
				assess = engine.AssessAll
			}
			a, err := assess(org, facts, at)
			if err != nil {
				return err
			}
			if o.output == "json" {
				return writeJSON(cmd.OutOrStdout(), a)
			}
			p := newPage(cmd.OutOrStdout(), lang)
			p.contradictions(regulation.Contradictions(org.Merge(facts)))
			p.assessment(a, engine.Describe(), brief)
			return p.flush()
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&factsFile, "facts", "", "file of facts, YAML or JSON; - for standard input")
	cmd.Flags().StringVar(&orgFile, "org", "", "file with the organisation's profile (the org.* facts), if they are not in the facts")
	cmd.Flags().StringVar(&now, "now", "", "the present instant, RFC 3339; by default the clock's")
	cmd.Flags().BoolVar(&all, "all", false, "also list what is not owed, with the reason why not")
	cmd.Flags().BoolVar(&brief, "brief", false, "only the tables, without the reasons")
	cmd.AddCommand(diffCommand())
	return cmd
}

func diffCommand() *cobra.Command {
	var o lawOptions
	var orgFile, now string
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Tell which duties are new, moved or gone between two files of facts",
		Long: `Tell which duties are new, moved or gone, and which facts are responsible.

BEFORE and AFTER are files of facts, or assessments saved with tocsin obligations --output json.`,
		Example: `  tocsin obligations diff yesterday.yaml today.yaml
  tocsin obligations diff saved.json today.yaml --lang zh-CN`,
		Args:         cobra.ExactArgs(2),
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			engine, lang, err := o.begin()
			if err != nil {
				return err
			}
			before, factsBefore, err := readSide(cmd.InOrStdin(), engine, args[0], orgFile, now)
			if err != nil {
				return err
			}
			after, factsAfter, err := readSide(cmd.InOrStdin(), engine, args[1], orgFile, now)
			if err != nil {
				return err
			}
			var changed []breach.FactName
			if factsBefore != nil && factsAfter != nil {
				changed = regulation.ChangedFacts(factsBefore, factsAfter)
			}
			d := regulation.Compare(before, after, changed)
			if o.output == "json" {
				return writeJSON(cmd.OutOrStdout(), d)
			}
			p := newPage(cmd.OutOrStdout(), lang)
			p.diff(d)
			return p.flush()
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&orgFile, "org", "", "file with the organisation's profile (the org.* facts), if they are not in the facts")
	cmd.Flags().StringVar(&now, "now", "", "the present instant, RFC 3339; by default the clock's")
	return cmd
}

// readSide reads one side of a comparison: a saved assessment, or facts that are assessed now.
func readSide(in io.Reader, engine *regulation.Engine, name, orgFile, now string) (breach.Assessment, breach.Facts, error) {
	data, err := readInput(in, name)
	if err != nil {
		return breach.Assessment{}, nil, err
	}
	var saved breach.Assessment
	if json.Unmarshal(data, &saved) == nil && len(saved.Packs) > 0 {
		return saved, nil, nil
	}
	facts, err := regulation.ParseFacts(name, data)
	if err != nil {
		return breach.Assessment{}, nil, err
	}
	org, at, err := readOrg(in, orgFile, now)
	if err != nil {
		return breach.Assessment{}, nil, err
	}
	a, err := engine.Assess(org, facts, at)
	return a, facts, err
}

func readCase(in io.Reader, factsFile, orgFile, now string) (facts, org breach.Facts, at time.Time, err error) {
	data, err := readInput(in, factsFile)
	if err != nil {
		return nil, nil, at, err
	}
	if facts, err = regulation.ParseFacts(factsFile, data); err != nil {
		return nil, nil, at, err
	}
	org, at, err = readOrg(in, orgFile, now)
	return facts, org, at, err
}

func readOrg(in io.Reader, orgFile, now string) (org breach.Facts, at time.Time, err error) {
	at = time.Now()
	if now != "" {
		if at, err = time.Parse(time.RFC3339, now); err != nil {
			return nil, at, errors.New("--now must be a time with its zone, such as 2026-11-22T03:00:00+08:00")
		}
	}
	if orgFile == "" {
		return nil, at, nil
	}
	data, err := readInput(in, orgFile)
	if err != nil {
		return nil, at, err
	}
	if org, err = regulation.ParseFacts(orgFile, data); err != nil {
		return nil, at, err
	}
	for _, n := range org.Names() {
		if def, _ := breach.DefOf(n); !def.Org {
			return nil, at, fmt.Errorf("%s: %s is a fact of an incident, not of the organisation; move it to the file of facts", orgFile, n)
		}
	}
	return org, at, nil
}

// maxInput limits what is read of a file. An assessment with everything in it has some 300 kB.
const maxInput = 8 << 20

func readInput(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(in, maxInput))
		if err != nil {
			return nil, errors.New("standard input cannot be read")
		}
		return data, nil
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read", name)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file of facts", name)
	case info.Size() > maxInput:
		return nil, fmt.Errorf("%s is larger than 8 MiB; is it a file of facts?", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read", name)
	}
	return data, nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// terminal reports whether w is a terminal, and how wide it is.
func terminal(w io.Writer) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	return width, err == nil
}
