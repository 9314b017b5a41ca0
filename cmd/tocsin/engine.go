package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/errgroup"

	"tocsin/activities"
	"tocsin/internal/breach"
	"tocsin/internal/config"
	"tocsin/internal/dispatch"
	"tocsin/internal/intent"
	"tocsin/internal/playbook"
	"tocsin/internal/regulation"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/notifiers/all"
	"tocsin/notifiers/email"
	"tocsin/templates"
	"tocsin/workflows"
)

// connect reaches the engine. The error says where it was looked for and what to do.
func connect(ctx context.Context, cfg config.Config, log *slog.Logger) (sdk.Client, error) {
	o := sdk.Options{
		HostPort: cfg.Temporal.Address, Namespace: cfg.Temporal.Namespace,
		Logger: sdklog.NewStructuredLogger(log.With("part", "temporal")),
	}
	if err := secure(&o, cfg.Temporal); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := sdk.DialContext(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("the engine, Temporal, does not answer at %s (namespace %s): is it running, and is temporal.address right? tocsin dev starts one on this machine", cfg.Temporal.Address, cfg.Temporal.Namespace)
	}
	return c, nil
}

// settings are what an incident takes along when it starts.
func settings(cfg config.Config) workflows.Settings {
	s := workflows.Settings{
		Playbook: cfg.Plan.Playbook, ShardSize: cfg.Policy.ShardSize, ChunkSize: cfg.Policy.ChunkSize, ShardWindow: cfg.Policy.ShardsAtOnce,
		Reminders: slices.Sorted(slices.Values(cfg.Policy.Reminders)), EscalateBefore: cfg.Policy.EscalateBefore, PublicDays: cfg.Policy.PublicDays,
		FirstWave:     workflows.FirstWave{Size: cfg.Policy.FirstWave.Size, Above: int64(cfg.Policy.FirstWave.Above), Wait: cfg.Policy.FirstWave.Wait},
		GatherBounces: cfg.Bounces.Gather,
		Guard:         workflows.Guard{Enabled: cfg.Policy.Guard.Enabled, Before: cfg.Policy.Guard.Before, Rules: cfg.Policy.Guard.Rules},
	}
	for _, step := range cfg.Policy.Escalation {
		s.Escalation = append(s.Escalation, workflows.Step{At: step.At, Before: step.Before, After: step.After})
	}
	for _, c := range cfg.Ladder {
		s.Ladder = append(s.Ladder, breach.Channel(c))
	}
	return s
}

// house is everything that activities need, made from the configuration once. All faults of the configuration are named
// together.
type house struct {
	cfg       config.Config
	store     *store.Store
	texts     *templates.Set
	laws      *regulation.Engine
	profile   breach.Facts
	speaker   templates.Organisation
	notifiers map[breach.Channel]notifiers.Notifier
	ways      map[string]notifiers.Notifier // of authorities with a way of their own, by key
}

func newHouse(cfg config.Config, s *store.Store) (*house, error) {
	h := &house{cfg: cfg, store: s, notifiers: map[breach.Channel]notifiers.Notifier{}, ways: map[string]notifiers.Notifier{}}
	var faults []error
	var err error
	if h.texts, err = templates.Open(cfg.Templates); err != nil {
		faults = append(faults, err)
	}
	if h.laws, err = regulation.Load(cfg.Laws...); err != nil {
		faults = append(faults, err)
	}
	if h.profile, err = orgFacts(cfg.Organisation.Facts); err != nil {
		faults = append(faults, err)
	}
	h.speaker = speaker(cfg.Organisation)
	if err := h.speaker.Validate(); err != nil {
		faults = append(faults, fmt.Errorf("organisation: %w", err))
	}
	var relays []email.Relay
	for i, n := range cfg.Notifiers {
		built, err := all.Build(breach.Channel(n.Channel), n.Provider, returning(n, cfg.Bounces), time.Now)
		if err != nil {
			faults = append(faults, fmt.Errorf("notifiers[%d] (%s %s): %w", i, n.Channel, n.Provider, err))
			continue
		}
		if built.Channel() != breach.Email {
			h.notifiers[built.Channel()] = built
			continue
		}
		relays = append(relays, email.Relay{Notifier: built, PerSecond: n.PerSecond})
	}
	if len(relays) > 0 {
		if h.notifiers[breach.Email], err = email.NewRelays(time.Now, relays...); err != nil {
			faults = append(faults, fmt.Errorf("notifiers: %w", err))
		}
	}
	for i, a := range cfg.Authorities {
		if a.FiledBy() == config.WayEmail || a.FiledBy() == config.WayHand {
			continue
		}
		built, err := buildWay(a.FiledBy(), a.Settings)
		if err != nil {
			faults = append(faults, fmt.Errorf("authorities[%d] (%s, %s): %w", i+1, a.Key, a.FiledBy(), err))
			continue
		}
		h.ways[a.Key] = built
	}
	if h.texts != nil {
		if err := h.checkPlan(); err != nil {
			faults = append(faults, fmt.Errorf("plan.playbook %s: %w", cfg.Plan.Playbook, err))
		}
	}
	for _, c := range cfg.Ladder {
		if _, ok := h.notifiers[breach.Channel(c)]; !ok && len(faults) == 0 {
			faults = append(faults, fmt.Errorf("ladder: %s has no notifier; add one, or take the channel out of the ladder", c))
		}
	}
	if _, ok := h.notifiers[breach.Email]; !ok && len(faults) == 0 {
		faults = append(faults, errors.New("notifiers: one with channel email is needed: reports to authorities leave by it"))
	}
	return h, errors.Join(faults...)
}

// buildWay makes what carries reports to one authority, from the settings of its way.
func buildWay(way string, in map[string]any) (notifiers.Notifier, error) {
	provider, ok := map[string]struct {
		channel breach.Channel
		name    string
	}{
		config.WayHTTP: {breach.Portal, "http"}, config.WayFolder: {breach.Drop, "folder"}, config.WaySFTP: {breach.Drop, "sftp"},
	}[way]
	if !ok {
		return nil, fmt.Errorf("the way %q has no settings of its own", way)
	}
	return all.Build(provider.channel, provider.name, in, time.Now)
}

// wayTo is what carries reports to an authority; nil where a person does.
func (h *house) wayTo(a config.Authority) notifiers.Notifier {
	if a.FiledBy() == config.WayEmail {
		return h.notifiers[breach.Email]
	}
	return h.ways[a.Key]
}

// checkPlan reads the emergency plan before an incident needs it.
func (h *house) checkPlan() error {
	b, err := h.texts.Playbook(h.cfg.Plan.Playbook)
	if err != nil {
		return err
	}
	p, err := playbook.Parse(b)
	if err != nil {
		return err
	}
	return p.CheckValues(h.planValues())
}

func orgFacts(assignments []string) (breach.Facts, error) {
	facts := breach.Facts{}
	var faults []error
	for _, a := range assignments {
		name, value, err := breach.ParseAssignment(a)
		if err != nil {
			faults = append(faults, fmt.Errorf("organisation.facts: %w", err))
			continue
		}
		if def, _ := breach.DefOf(name); !def.Org {
			faults = append(faults, fmt.Errorf("organisation.facts: %s is a fact of an incident, not of the organisation", name))
			continue
		}
		if value != nil {
			facts[name] = value
		}
	}
	return facts, errors.Join(faults...)
}

func speaker(o config.Organisation) templates.Organisation {
	name := breach.Text{ZH: o.Name, EN: o.NameEN}
	if name.EN == "" {
		name.EN = o.Name
	}
	short := breach.Text{ZH: o.ShortName, EN: o.ShortNameEN}
	if short.ZH == "" {
		short.ZH = name.ZH
	}
	if short.EN == "" {
		short.EN = name.EN
	}
	address := breach.Text{ZH: o.Address, EN: o.AddressEN}
	if address.EN == "" {
		address.EN = o.Address
	}
	return templates.Organisation{
		Name: name, Short: short, HomePage: o.HomePage, Hotline: o.Phone, Hours: breach.Text{ZH: o.Hours, EN: o.HoursEN}, Email: o.Email, Zone: o.Zone,
		CreditCode: o.Number, Address: address,
	}
}

// register tells a worker the activities of a queue.
func (h *house) register(queue string, w worker.Worker, sender *activities.Sender) {
	add := func(a any) { w.RegisterActivityWithOptions(a, activity.RegisterOptions{}) }
	if queue == workflows.QueueNotify {
		add(sender)
		return
	}
	workflows.Register(w)
	email := h.notifiers[breach.Email]
	add(&activities.Incidents{Store: h.store})
	add(&activities.Assessor{Store: h.store, Laws: h.laws, Organisation: h.profile, Now: time.Now})
	add(&activities.Plans{
		Store: h.store, Templates: h.texts, Values: h.planValues(), Allowed: h.cfg.Plan.AllowedTargets,
		// A redirect would leave the addresses that the operator allowed.
		Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	})
	add(&activities.Filings{Store: h.store, Templates: h.texts, Organisation: h.speaker, Signer: h.signer(config.Authority{}), Profile: h.profile, Authorities: h.authorities()})
	add(&activities.Notices{
		Store: h.store, Templates: h.texts, Organisation: h.speaker,
		FirstWave: activities.WavePolicy{MinAccepted: h.cfg.Policy.FirstWave.MinAccepted, MaxBounced: h.cfg.Policy.FirstWave.MaxBounced},
	})
	add(&activities.Crier{Store: h.store, Templates: h.texts, Email: email, Chat: h.notifiers[breach.Chat], Contacts: h.contacts(), Ladder: h.rungs(), Now: time.Now})
}

func (h *house) sender() *activities.Sender {
	s := &activities.Sender{
		Store: h.store, Channels: map[breach.Channel]activities.Outlet{}, Now: time.Now, Logs: h.intents(), Name: rand.Text(),
		Policy: activities.SendPolicy{
			RetryFirst: h.cfg.Policy.RetryFirst, RetryMost: h.cfg.Policy.RetryMost, MaxTries: h.cfg.Policy.MaxTemporaryAttempts, RetryWindow: h.cfg.Policy.RetryWindow,
			NoDuplicate: h.cfg.Policy.InDoubt == config.PreferNoDuplicate, DoubtWindow: h.cfg.Policy.DoubtWindow, DoubtInterval: time.Minute,
		},
	}
	for channel, n := range h.notifiers {
		limit := h.cfg.Policy.Limit(string(channel))
		s.Channels[channel] = activities.Outlet{
			Notifier: n, Lanes: max(1, limit.Connections), Limiter: activities.NewLimiter(limit.PerSecond), PerSecond: limit.PerSecond, PerDestination: limit.PerDestination,
		}
	}
	for _, q := range h.cfg.Policy.QuietHours {
		s.Quiet = append(s.Quiet, quiet(q))
	}
	return s
}

// intents is where this machine's workers keep what they have begun to send.
func (h *house) intents() intent.Dir { return intent.Dir(filepath.Join(h.cfg.DataDir, "intents")) }

func (h *house) planValues() playbook.Values {
	v := playbook.Values{}
	for _, x := range h.cfg.Plan.Variables {
		v[x.Name] = x.Value
	}
	return v
}

func (h *house) authorities() map[string]activities.Addressee {
	m := map[string]activities.Addressee{}
	for _, a := range h.cfg.Authorities {
		to := activities.Addressee{Name: a.Name, Way: a.FiledBy(), To: a.Key, Via: h.wayTo(a), Portal: a.Portal, Hotline: a.Hotline, Signer: h.signer(a)}
		if to.Way == config.WayEmail {
			to.To = a.Email
		}
		m[a.Key] = to
	}
	return m
}

// rungs are whom the steps of the escalation wake, in the order of the settings.
func (h *house) rungs() []activities.Rung {
	var list []activities.Rung
	for _, step := range h.cfg.Policy.Escalation {
		rung := activities.Rung{Names: step.Names}
		for _, role := range step.Roles {
			rung.Roles = append(rung.Roles, breach.Role(role))
		}
		list = append(list, rung)
	}
	return list
}

// approvals says how many people must approve a document of each kind.
func approvals(a config.Approvals) map[breach.DocumentKind]int {
	return map[breach.DocumentKind]int{
		breach.DocFiling: a.Filing, breach.DocNotice: a.Notice, breach.DocPublicNotice: a.PublicNotice, breach.DocClosure: a.Closure,
		breach.DocHold: a.Hold, breach.DocWaiver: a.Waiver,
	}
}

func (h *house) contacts() []activities.Contact {
	var list []activities.Contact
	for _, c := range h.cfg.Contacts {
		list = append(list, activities.Contact{Name: c.Name, Role: breach.Role(c.Role), Email: c.Email, Language: breach.Language(c.Language)})
	}
	return list
}

// signer is who signs reports to an authority.
func (h *house) signer(a config.Authority) templates.Signer {
	s := h.cfg.SignerFor(a)
	return templates.Signer{Name: s.Name, Phone: s.Phone, Email: s.Email, Title: breach.Text{ZH: s.Title, EN: s.TitleEN}}
}

func (h *house) close() error {
	var faults []error
	for _, n := range h.notifiers {
		faults = append(faults, n.Close())
	}
	for _, n := range h.ways {
		faults = append(faults, n.Close())
	}
	return errors.Join(faults...)
}

// runWorker polls both queues and carries the outbox over until ctx ends. What has begun is ended first.
func (h *house) runWorker(ctx context.Context, engine sdk.Client, log *slog.Logger) error {
	if err := h.intents().Ready(); err != nil {
		return fmt.Errorf("data_dir %s: %w", h.cfg.DataDir, err)
	}
	sender := h.sender()
	var started []worker.Worker
	stopAll := func() {
		var wg sync.WaitGroup
		for _, w := range started {
			wg.Go(w.Stop)
		}
		wg.Wait()
	}
	defer stopAll()
	for _, queue := range []string{workflows.QueueIncident, workflows.QueueNotify} {
		w := worker.New(engine, queue, worker.Options{
			WorkerStopTimeout: 30 * time.Second, DisableRegistrationAliasing: true, DisableWorkflowWorker: queue == workflows.QueueNotify,
		})
		h.register(queue, w, sender)
		if err := w.Start(); err != nil {
			return fmt.Errorf("start the worker of queue %s: %w", queue, err)
		}
		started = append(started, w)
	}
	if err := h.offerReassessment(ctx); err != nil {
		log.Error("offer reassessments", "error", err)
	}
	d := &dispatch.Dispatcher{Store: h.store, Engine: engine, Settings: settings(h.cfg), Log: log}
	f := &dispatch.Folder{Store: h.store, Policy: returnPolicy(h.cfg), Log: log}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.Run(ctx) })
	group.Go(func() error { return f.Run(ctx) })
	group.Go(func() error { activities.KeepShare(ctx, sender); return nil })
	return group.Wait()
}
