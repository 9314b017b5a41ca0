package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func noticeReconcileCommand() *cobra.Command {
	var o viewOptions
	var campaign int
	cmd := &cobra.Command{
		Use:   "reconcile INCIDENT",
		Short: "Prove that the counts add up: count everybody and every delivery anew and compare; ends with 1 on a mismatch",
		Long: `Prove that the counts add up. Everybody and every delivery of all the incident's notices is counted anew, at one instant, and set
against what is kept: imports against the list, the list against campaigns and shards, recipients told against deliveries accepted,
deliveries against what came back, running counts against the tables. Each sum is printed with its two sides. It reads every row
once: some seconds for a million people, and on a terminal it says how far it is. With --campaign it counts one notice alone. It
ends with 1 where a sum does not hold.`,
		Example: `  tocsin notice reconcile INC-2026-0001
  tocsin notice reconcile INC-2026-0001 --campaign 2
  tocsin notice reconcile INC-2026-0001 --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if cmd.Flags().Changed("campaign") && campaign < 1 {
				return usage("--campaign is a notice's number, 1 or higher")
			}
			id, err := incidentArg(args)
			if err != nil {
				return err
			}
			lang, err := o.language()
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			path := "/v1/incidents/" + string(id) + "/reconcile"
			if campaign > 0 {
				path += fmt.Sprintf("?campaign=%d", campaign)
			}
			counting := newCounting(cmd.ErrOrStderr(), lang)
			r, err := c.reconcile(cmd.Context(), path, counting.show)
			counting.end()
			if err != nil {
				return err
			}
			if err := o.show(cmd, r, func(p *page) { p.reconciled(r) }); err != nil {
				return err
			}
			if !r.Holds {
				return fmt.Errorf("the counts of %s do not add up: keep the database as it is and tell whoever runs Tocsin", id)
			}
			return nil
		},
	}
	o.add(cmd)
	cmd.Flags().IntVar(&campaign, "campaign", 0, "count one notice alone, by its number; without it the whole incident")
	return cmd
}

// reconcile asks for a count, and hears how far it is. It has no limit of time of its own: the API has one.
func (c *client) reconcile(ctx context.Context, path string, reading func(store.ReconcileStep)) (api.Reconciled, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, nil)
	if err != nil {
		return api.Reconciled{}, errors.New("api.url is not an address")
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := c.http.Do(req)
	if err != nil {
		return api.Reconciled{}, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return api.Reconciled{}, c.refusal(resp, b)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var l api.Counting
		switch err := json.Unmarshal(lines.Bytes(), &l); {
		case err != nil:
			return api.Reconciled{}, fmt.Errorf("what answers at %s does not speak as Tocsin's API does: is api.url right?", c.base)
		case l.Problem != nil:
			return api.Reconciled{}, l.Problem
		case l.Result != nil:
			return *l.Result, nil
		case l.Reading != nil:
			reading(*l.Reading)
		}
	}
	if err := ctx.Err(); err != nil {
		return api.Reconciled{}, err
	}
	return api.Reconciled{}, fmt.Errorf("the answer of the API at %s broke off: nothing was changed, ask again", c.base)
}

// counting shows on a terminal how far a reconciliation is.
type counting struct {
	out   io.Writer // nil where nobody looks
	lang  breach.Language
	began time.Time
	shown bool
}

func newCounting(out io.Writer, lang breach.Language) *counting {
	c := &counting{lang: lang, began: now()}
	if isTerminal(out) {
		c.out = out
	}
	return c
}

func (c *counting) show(s store.ReconcileStep) {
	if c.out != nil {
		c.shown = true
		fmt.Fprint(c.out, "\r"+c.state(s, now().Sub(c.began))+clearLine)
	}
}

// state is a line such as "Counting 3 of 8: the ledger of deliveries (12s)".
func (c *counting) state(s store.ReconcileStep, since time.Duration) string {
	form := "Counting %d of %d: %s (%v)"
	if c.lang == breach.Chinese {
		form = "重数第 %d 项，共 %d 项：%s（%v）"
	}
	return fmt.Sprintf(form, s.Step, s.Of, s.Says.In(c.lang), since.Round(time.Second))
}

func (c *counting) end() {
	if c.shown {
		fmt.Fprint(c.out, "\r"+clearLine)
	}
}

func (p *page) reconciled(r api.Reconciled) {
	var rows []table.Row
	for _, i := range r.Identities {
		sign := "="
		if !i.Holds() {
			sign = p.paint(text.FgRed, "≠")
		}
		rows = append(rows, table.Row{i.Left, sign, i.Right, i.Says.In(p.lang)})
	}
	p.table(table.Row{p.say("左边", "Left"), "", p.say("右边", "Right"), p.say("应当相等", "What must be equal")}, rows)
	if r.Holds {
		p.line("%s", p.say("全部相符。", "Everything adds up."))
	}
}
