package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/templates"
)

// program is what the commands that run Tocsin share: the settings, the database, and the API on top of it.
type program struct {
	cfg     config.Config
	log     *slog.Logger
	store   *store.Store
	texts   *templates.Set
	metrics *prometheus.Registry
}

// openProgram opens the sealing key and the database. Each error names the setting and what to type.
func openProgram(ctx context.Context, cfg config.Config, log *slog.Logger) (*program, error) {
	texts, err := templates.Open(cfg.Templates)
	if err != nil {
		return nil, several("the settings cannot be used", err)
	}
	s, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := s.CheckKey(ctx); err != nil {
		s.Close()
		return nil, err
	}
	p := &program{cfg: cfg, log: log, store: s, texts: texts, metrics: prometheus.NewRegistry()}
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return p, nil
}

func openStore(ctx context.Context, cfg config.Config) (*store.Store, error) {
	master, err := seal.OpenMasterFile(cfg.SealKeyFile())
	if err != nil {
		return nil, err
	}
	url, err := cfg.DatabaseURL()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, url, master, time.Now)
	if err == nil {
		s.RequireApprovals(approvals(cfg.Policy.Approvals))
	}
	return s, err
}

// handler is the API and the public pages.
func (p *program) handler() http.Handler {
	name := breach.Text{ZH: p.cfg.Organisation.Name, EN: p.cfg.Organisation.NameEN}
	if name.EN == "" {
		name.EN = name.ZH
	}
	texts, err := templates.Open(p.cfg.Templates)
	if err != nil { // whoever runs incidents stops at it; the API goes on with the texts that ship
		texts = templates.Default()
	}
	return api.New(api.Options{
		LawsFor: texts.LawsFor, HomeLaw: templates.HomeLaw, GeneralLaw: templates.GeneralLaw,
		Store: p.store, Now: time.Now, Log: p.log.With("part", "api"), Metrics: p.metrics,
		PublicURL: p.cfg.API.PublicURL, Organisation: name, ParseNumber: templates.ParseNoticeNumber, Unnamed: unnamed,
		CheckWords: func(w breach.NoticeWords) []string { return refusedWords(texts, speaker(p.cfg.Organisation), w) },
		TestSend:   testSender(p.cfg), OurAddresses: addresses(p.cfg.Contacts),
		ParquetReader: parquetReader(),
		Forms:         reportForms(p.texts),
	})
}

// refusedWords says what no notice would be made with.
func refusedWords(texts *templates.Set, o templates.Organisation, w breach.NoticeWords) []string {
	var out []string
	for _, f := range texts.CheckWords(o, w) {
		out = append(out, f.Part+" "+f.Says)
	}
	return out
}

// reportForms tells the API what reports ask for.
func reportForms(texts *templates.Set) api.Forms {
	prompts := map[string]api.FormPrompt{}
	for _, a := range templates.AnswerItems() {
		prompts[a.Key] = api.FormPrompt{Key: a.Key, Name: a.Name, Help: a.Help}
	}
	return api.Forms{
		Items: func(o breach.Obligation) (string, []api.FormItem, error) {
			form := texts.FormFor(o)
			items, err := formItems(texts, o, prompts)
			for _, later := range laterReports { // what only a later report asks for can be answered beforehand
				if err != nil {
					break
				}
				o.Stage = later.stage
				if texts.FormFor(o) == form {
					continue
				}
				var more []api.FormItem
				more, err = formItems(texts, o, prompts)
				items = append(items, onlyIn(more, items, later.name)...)
			}
			return form, items, err
		},
		Check: func(item string, text, notApplicable breach.Text) error {
			return templates.CheckAnswer(item, templates.Answer{Text: text, NotApplicable: notApplicable})
		},
		Other: []api.FormPrompt{prompts[store.DelayItem]},
	}
}

// laterReports are those that a duty may bring by itself after the first.
var laterReports = []struct {
	stage breach.Stage
	name  breach.Text
}{
	{breach.StageSupplement, breach.Text{ZH: "续报", EN: "supplement"}},
	{breach.StageWithdrawal, breach.Text{ZH: "撤回", EN: "withdrawal"}},
}

func formItems(texts *templates.Set, o breach.Obligation, prompts map[string]api.FormPrompt) ([]api.FormItem, error) {
	rows, err := texts.DutyItems(o)
	if err != nil {
		return nil, err
	}
	items := make([]api.FormItem, len(rows))
	for i, r := range rows {
		items[i] = api.FormItem{Label: r.Label, Facts: r.Facts}
		for _, key := range r.Answers {
			prompt, ok := prompts[key]
			if !ok { // a content of the law that the form has no row of its own for
				prompt = api.FormPrompt{Key: key, Name: r.Label, Help: breach.Text{ZH: "法律要求的内容。", EN: "The law asks for it."}}
			}
			items[i].Answers = append(items[i].Answers, prompt)
		}
	}
	return items, nil
}

// onlyIn keeps the rows of a later report's form that ask for something the first form does not, and says so.
func onlyIn(later, first []api.FormItem, name breach.Text) []api.FormItem {
	asked := map[string]bool{store.WithdrawalItem: true} // why is said when it is asked for
	for _, it := range first {
		for _, p := range it.Answers {
			asked[p.Key] = true
		}
	}
	var out []api.FormItem
	for _, it := range later {
		it.Facts = nil // facts are asked for once
		it.Answers = slices.DeleteFunc(slices.Clone(it.Answers), func(p api.FormPrompt) bool { return asked[p.Key] })
		if len(it.Answers) > 0 {
			it.Label.ZH, it.Label.EN = it.Label.ZH+"（"+name.ZH+"）", it.Label.EN+" ("+name.EN+")"
			out = append(out, it)
		}
	}
	return out
}

// unnamed is a notice as it reads where no name is known, with every line that anybody may get: who checks one compares
// theirs with it.
func unnamed(r breach.Rendition) breach.Rendition {
	if r.Marks == nil {
		return r
	}
	t := templates.NoticeText{Language: r.Language, Audience: r.Audience, Text: r.Text, HTML: r.HTML, Marks: templates.Marks(*r.Marks), Categories: r.Categories}
	t = t.Merge(templates.MergeNames{Several: true})
	r.Text, r.HTML = t.Text, t.HTML
	return r
}

// shutdownTime is how long requests that have begun may take to end.
const shutdownTime = 20 * time.Second

// listen answers HTTP at an address until ctx ends, then lets what has begun end. ready is told the address once it
// listens, which a port 0 only then has.
func listen(ctx context.Context, address string, h http.Handler, log *slog.Logger, ready func(net.Addr)) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("nothing can listen at %s: is another program there already? --set api.listen=… takes another address", address)
	}
	server := api.Server(address, h, log)
	ready(l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP at %s: %w", address, err)
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return errors.Join(errors.New("some requests had not ended when the time for it was over"), server.Close())
	}
	return nil
}

func (p *program) close() { p.store.Close() }
