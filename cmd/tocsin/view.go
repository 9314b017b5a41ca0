package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/breach"
)

// now is this process's clock.
func now() time.Time { return time.Now() }

// viewOptions are the flags of commands that show something.
type viewOptions struct {
	output string
	lang   string
}

func (o *viewOptions) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.output, "output", "table", "table or json")
	cmd.Flags().StringVar(&o.lang, "lang", "", "zh-CN or en; by default the language of the environment")
}

func (o *viewOptions) check() error {
	if o.output != "table" && o.output != "json" {
		return usage("--output must be table or json")
	}
	if _, err := o.language(); err != nil {
		return usage("%v", err)
	}
	return nil
}

func (o *viewOptions) language() (breach.Language, error) {
	law := lawOptions{lang: o.lang}
	return law.language()
}

// show writes v as JSON, or as draw lays it out.
func (o *viewOptions) show(cmd *cobra.Command, v any, draw func(*page)) error {
	if o.output == "json" {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	lang, err := o.language()
	if err != nil {
		return err
	}
	p := newPage(cmd.OutOrStdout(), lang)
	draw(p)
	return p.flush()
}

// addAPIFlags gives a command the ways to find the API.
func addAPIFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().String("api", "", "the API's address (default: api.url of the settings)")
	cmd.PersistentFlags().String("token-file", "", "file with the token (default: api.token_file; "+tokenVariable+" goes before it)")
}

// query is a command that reads one answer of the API and shows it.
func query[T any](o *viewOptions, path func(args []string) (string, error), draw func(p *page, v T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		where, err := path(args)
		if err != nil {
			return err
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		var v T
		if err := c.get(cmd.Context(), where, &v); err != nil {
			return err
		}
		return o.show(cmd, v, func(p *page) { draw(p, v) })
	}
}

// order is what a command asks of the incident that its first argument names: path follows the incident's own.
type order struct {
	method, path string
	body         any
}

// act makes the RunE of a command that asks for something to be done. ready reads the flags and the arguments; what it refuses is
// refused before anything is asked.
func act[T any](o *viewOptions, ready func(id breach.IncidentID, args []string) (order, error), draw func(p *page, id breach.IncidentID, v T)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		id, err := incidentArg(args)
		if err != nil {
			return err
		}
		todo, err := ready(id, args)
		if err != nil {
			return err
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		var v T
		if err := c.send(cmd.Context(), todo.method, "/v1/incidents/"+string(id)+todo.path, todo.body, &v); err != nil {
			return err
		}
		return o.show(cmd, v, func(p *page) { draw(p, id, v) })
	}
}

// incidentPath makes the path of something of the incident that the first argument names.
func incidentPath(rest string) func(args []string) (string, error) {
	return func(args []string) (string, error) {
		id, err := incidentArg(args)
		return "/v1/incidents/" + string(id) + rest, err
	}
}

func incidentArg(args []string) (breach.IncidentID, error) {
	id, err := breach.ParseIncidentID(strings.ToUpper(strings.TrimSpace(args[0])))
	if err != nil {
		return "", usage("%v", err)
	}
	return id, nil
}

func escape(s string) string { return url.PathEscape(s) }

// stamp writes an instant in this machine's zone, to the minute, with its offset.
func stamp(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.Local().Format("2006-01-02 15:04 -07:00")
}

// left writes the time until an instant, or since it.
func (p *page) left(until time.Duration) string {
	late := until < 0
	d := until.Abs().Truncate(time.Second)
	days, clock := int(d/(24*time.Hour)), d%(24*time.Hour)
	s := fmt.Sprintf("%02d:%02d:%02d", int(clock.Hours()), int(clock.Minutes())%60, int(clock.Seconds())%60)
	if days > 0 {
		s = p.say(fmt.Sprintf("%d 天 ", days), fmt.Sprintf("%d d ", days)) + s
	}
	if late {
		return p.paint(text.FgRed, p.say("已超期 ", "late by ")+s)
	}
	if until < time.Hour {
		return p.paint(text.FgYellow, s)
	}
	return s
}

func (p *page) paint(c text.Color, s string) string {
	if !p.colour {
		return s
	}
	return c.Sprint(s)
}

func joined[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

// cut shortens a text to what fits a column.
func cut(s string, width int) string { return text.Trim(s, width) }
