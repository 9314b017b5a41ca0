package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

// The terminal's words: to the upper left corner, clear to the line's end, clear all that follows.
const (
	home      = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
	clearAll  = "\x1b[2J"
)

func incidentWatchCommand() *cobra.Command {
	var o viewOptions
	var once bool
	cmd := &cobra.Command{
		Use:   "watch INCIDENT",
		Short: "Follow an incident: phase, severity, each clock counting down, campaign progress",
		Long: `Follow an incident, refreshed every second until it is closed. Where the output is no terminal, or with --once, it
shows one snapshot and ends.`,
		Example: "  tocsin incident watch INC-2026-0001\n  tocsin incident watch INC-2026-0001 --once",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if once || o.output == "json" || !isTerminal(cmd.OutOrStdout()) {
				return query(&o, incidentPath(""), (*page).incident)(cmd, args)
			}
			if err := o.check(); err != nil {
				return err
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			lang, err := o.language()
			if err != nil {
				return err
			}
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			w := watcher{client: c, id: id, out: cmd.OutOrStdout(), lang: lang, tick: tick.C, height: terminalHeight(cmd.OutOrStdout())}
			return w.run(cmd.Context())
		},
	}
	o.add(cmd)
	cmd.Flags().BoolVar(&once, "once", false, "show one snapshot and end")
	return cmd
}

// watcher redraws an incident at each tick until it is closed. A lost connection is said and tried again: the person is
// there to look.
type watcher struct {
	client *client
	id     breach.IncidentID
	out    io.Writer
	lang   breach.Language
	tick   <-chan time.Time
	height func() int // lines of the terminal

	last  api.IncidentView
	drawn bool
}

func (w *watcher) run(ctx context.Context) error {
	for {
		err := w.look(ctx)
		switch _, refused := asProblem(err); {
		case ctx.Err() != nil:
			return nil // the person has seen enough
		case err != nil && (refused || !w.drawn):
			return err
		}
		if err := w.draw(err); err != nil {
			return err
		}
		if w.last.Phase == breach.PhaseClosed {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.tick:
		}
	}
}

func (w *watcher) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var v api.IncidentView
	err := w.client.get(ctx, "/v1/incidents/"+string(w.id), &v)
	if err == nil {
		w.last = v
	}
	return err
}

// draw writes over what was there, line by line, so that nothing flickers.
func (w *watcher) draw(trouble error) error {
	p := newPage(w.out, w.lang)
	if trouble != nil { // first, so that a small terminal shows it
		p.line("%s", p.paint(text.FgRed, p.say("连接中断，正在重试。以下为 ", "The connection is lost; trying again. This is as of ")+w.last.Now.Local().Format("15:04:05")))
	}
	p.incident(w.last)
	start := home
	if !w.drawn {
		start = clearAll + home
	}
	w.drawn = true
	lines := strings.Split(strings.TrimRight(p.buf.String(), "\n"), "\n")
	if most := w.height() - 1; len(lines) > most {
		more := len(lines) - most + 1
		lines = append(lines[:most-1], p.say(fmt.Sprintf("……还有 %d 行：tocsin incident show %s", more, w.id), fmt.Sprintf("… %d more lines: tocsin incident show %s", more, w.id)))
	}
	if _, err := io.WriteString(w.out, start+strings.Join(lines, clearLine+"\n")+clearLine+"\n"+clearRest); err != nil {
		return errors.New("the terminal is gone")
	}
	return nil
}

// terminalHeight tells how many lines a terminal has at present.
func terminalHeight(out io.Writer) func() int {
	return func() int {
		if f, ok := out.(*os.File); ok {
			if _, lines, err := term.GetSize(int(f.Fd())); err == nil && lines > 10 {
				return lines
			}
		}
		return 40
	}
}
