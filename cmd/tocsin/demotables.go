package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

// tables shows what came of it, and compares the ledger with what the inbox received. It fails where they differ.
func (d *demo) tables(ctx context.Context) error {
	var v api.IncidentView
	if err := d.as[breach.RoleManager].get(ctx, d.path(""), &v); err != nil {
		return err
	}
	p := newPage(d.options.Out, breach.English)
	d.dutyTable(p, v)
	if err := d.filingTable(ctx, p); err != nil {
		return err
	}
	faults := []error{d.peopleTable(p, v.Tally), d.inboxTable(ctx, p), d.checkNotice(ctx, p), d.checkJournal(ctx, p)}
	if err := p.flush(); err != nil {
		return err
	}
	return errors.Join(faults...)
}

func (d *demo) dutyTable(p *page, v api.IncidentView) {
	p.heading("义务", "Duties")
	var rows []table.Row
	covered := 0
	for _, o := range byDeadline(v.Obligations) {
		if o.Status == store.ObligationCovered {
			covered++
		}
		if o.Status == store.ObligationGone || o.Status == store.ObligationCovered {
			continue
		}
		r := o.Result
		rows = append(rows, table.Row{r.Title.EN, r.Instrument.EN + ", " + r.Article, p.due(r), p.status(o)})
	}
	p.table(table.Row{"duty", "source", "deadline", "status"}, rows, 0, 1)
	p.line("  %d more duties of other laws are met by these same reports and notices; tocsin incident show lists each.", covered)
}

func (d *demo) filingTable(ctx context.Context, p *page) error {
	var list api.FilingList
	if err := d.as[breach.RoleManager].get(ctx, d.path("/filings"), &list); err != nil {
		return err
	}
	p.heading("报送", "Reports filed")
	var rows []table.Row
	for _, f := range list.Filings {
		if f.Filing == nil {
			continue
		}
		by := "-"
		if f.Document != nil && f.Document.ApprovedBy != nil {
			by = fmt.Sprintf("%s, not %s", *f.Document.ApprovedBy, f.Document.Author)
		}
		receipt := f.Filing.Reference
		if receipt == "" { // the server gave no number of its own: ours is in its log
			receipt = "Message-ID " + string(f.Filing.ID)[:12] + "…"
		}
		rows = append(rows, table.Row{f.Obligation.Result.Authority, f.Obligation.Result.Rule, by, f.Filing.State, receipt})
	}
	p.table(table.Row{"to", "rule", "approved by", "state", "receipt"}, rows)
	return nil
}

func (d *demo) peopleTable(p *page, t breach.Tally) error {
	p.heading("人员", "People")
	p.table(table.Row{"affected", "= told", "+ told by public notice", "+ lawfully exempt", "+ open", "+ unreached"},
		[]table.Row{{t.Affected, t.Told, t.Public, t.Exempt, t.Open, t.Missed}})
	p.line("  Minors among them: %d, of whom under 14: %d. A minor counts as told when a guardian was told, and the minor too where they can be reached.", t.Minors, t.Under14)
	if !t.Reconciles() || t.Open != 0 || t.Missed != 0 {
		return errors.New("the people do not add up: affected must equal told + told by public notice + exempt, with nobody left")
	}
	if t.Affected != int64(d.options.People) {
		return fmt.Errorf("%d people were invented and %d are on file", d.options.People, t.Affected)
	}
	return nil
}

// inboxTable asks both sides: what the ledger says was taken over, and what really arrived.
func (d *demo) inboxTable(ctx context.Context, p *page) error {
	ledger, err := d.ledger(ctx)
	if err != nil {
		return err
	}
	arrived := map[string]int{} // id -> copies
	for _, m := range d.local.stack.Inbox.Messages(inbox.Filter{Heads: true}) {
		arrived[m.Channel+" "+m.ID]++
	}
	p.heading("收件箱核对", "Ledger and inbox")
	var rows []table.Row
	var faults []error
	for _, channel := range []breach.Channel{breach.Email, breach.SMS, breach.Push} {
		var taken, refused, found, copies, doubted int
		for _, l := range ledger {
			if l.Channel != channel {
				continue
			}
			n := arrived[string(channel)+" "+string(l.ID)]
			if l.DoubtedAt != nil {
				doubted++
			}
			switch {
			case l.State == breach.DeliveryAccepted:
				taken++
			case l.State == breach.DeliveryRejected:
				refused++
			}
			if n > 0 {
				found++
			}
			copies += max(0, n-1)
			if n > 1 && l.DoubtedAt == nil {
				faults = append(faults, fmt.Errorf("%s delivery %s arrived %d times without having been in doubt", channel, l.ID, n))
			}
			if (n > 0) != (l.State == breach.DeliveryAccepted) {
				faults = append(faults, fmt.Errorf("%s delivery %s is %s in the ledger and arrived %d times", channel, l.ID, l.State, n))
			}
		}
		agree := "yes"
		if taken != found {
			agree = "NO"
			faults = append(faults, fmt.Errorf("%s: the ledger counts %d taken over, the inbox holds %d", channel, taken, found))
		}
		rows = append(rows, table.Row{channel, taken + refused, taken, refused, found, agree, doubted, copies})
	}
	p.table(table.Row{"channel", "contacts", "taken over", "refused", "in the inbox", "agree", "were in doubt", "second copies"}, rows)
	p.line("  A connection that breaks after the message went through leaves a delivery in doubt. A provider that can be asked is asked;")
	p.line("  mail is sent once more under the same Message-ID. So each second copy was a row in doubt before.")
	return errors.Join(faults...)
}

func (d *demo) ledger(ctx context.Context) ([]store.Delivery, error) {
	var all []store.Delivery
	for after := breach.DeliveryID(""); ; {
		var page api.DeliveryPage
		if err := d.as[breach.RoleAuditor].get(ctx, d.path("/deliveries?after="+url.QueryEscape(string(after))), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Deliveries...)
		if page.After == "" {
			return all, nil
		}
		after = page.After
	}
}

// checkNotice reads the public notice as anybody would.
func (d *demo) checkNotice(ctx context.Context, p *page) error {
	var list api.NoticeList
	if err := d.as[breach.RoleManager].get(ctx, d.path("/notices"), &list); err != nil {
		return err
	}
	if len(list.Published) == 0 {
		return errors.New("no public notice was published")
	}
	n := list.Published[0]
	anybody := &client{base: d.as[breach.RoleManager].base, http: newHTTPClient()}
	b, err := anybody.fetch(ctx, "GET", "/notices/"+n.Number, nil, "", nil)
	if err != nil {
		return err
	}
	p.line("")
	p.line("  Public notice %s: %d bytes, posted until %s, read at %s/notices/%s", n.Number, len(b), n.UntilAt.Format(time.DateOnly), anybody.base, n.Number)
	return nil
}

func (d *demo) checkJournal(ctx context.Context, p *page) error {
	s, err := openStore(ctx, d.local.cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	entries, err := s.VerifyJournal(ctx, d.incident)
	if err != nil {
		return err
	}
	p.line("  Journal: %d entries, the hash chain holds from the first to the last.", entries)
	return nil
}
