package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Finding is one thing wrong with the settings, in the operator's words.
type Finding struct {
	Key  string `json:"key,omitempty"` // "authorities[2].email"; empty where the text names it
	Text string `json:"text"`          // what is wrong and what to do
}

// String is the finding on one line.
func (f Finding) String() string {
	if f.Key == "" {
		return f.Text
	}
	return f.Key + ": " + f.Text
}

// Report is what a check found. Faults stop the start; with warnings Tocsin runs, but something will be missing.
type Report struct {
	Faults, Warnings []Finding
}

// Err is every fault, one a line, or nil.
func (r Report) Err() error {
	var all []error
	for _, f := range r.Faults {
		all = append(all, errors.New(f.String()))
	}
	return errors.Join(all...)
}

// Purpose says for what the settings are wanted; each wants others.
type Purpose int

// The purposes.
const (
	ForClient  Purpose = iota // a command that only talks to the server
	ForDev                    // tocsin dev: it starts what is missing
	ForServing                // serve, worker, migrate: everything must be there
)

// Known is what other packages know of the settings' values. A nil field is not checked.
type Known struct {
	Fact        func(assignment string) error             // reads "org.cii_involved=false"
	Provider    func(channel, provider string) error      // says which there are
	Playbooks   []string                                  // the plans that ship or lie in the operator's folder
	Authorities map[string]string                         // keys that the packs of law file to, and their names
	Settings    func(n Notifier) error                    // decodes a provider's section
	Way         func(way string, in map[string]any) error // decodes the section of the way http, folder or sftp
	Location    func(name string) (*time.Location, error) // time.LoadLocation
	Return      func(address string) error                // reads "bounce+{id}@bounces.example.com"
}

// Check looks at every value. It reaches for no server and opens no secret; it only looks whether a secret's file is there.
func (c Config) Check(p Purpose, k Known) Report {
	r := &report{}
	c.checkClient(r)
	if p == ForClient {
		return r.Report
	}
	c.checkServers(r, p)
	c.checkOrganisation(r, k)
	c.checkAddressees(r, k)
	c.checkChannels(r, k)
	c.checkBounces(r, k)
	c.checkPolicy(r)
	c.checkEscalation(r)
	c.Policy.checkFilings(r)
	c.checkTiming(r, k)
	c.checkPlan(r, k)
	return r.Report
}

// Validate names every fault of the settings at once, or returns nil.
func (c Config) Validate(p Purpose) error { return c.Check(p, Known{}).Err() }

type report struct{ Report }

func (r *report) fault(key, format string, args ...any) {
	r.Faults = append(r.Faults, Finding{key, fmt.Sprintf(format, args...)})
}

func (r *report) warn(key, format string, args ...any) {
	r.Warnings = append(r.Warnings, Finding{key, fmt.Sprintf(format, args...)})
}

func (c Config) checkClient(r *report) {
	r.url("api.url", c.API.URL)
	r.file("api.token_file", c.API.TokenFile)
	r.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	r.oneOf("log.format", c.Log.Format, "text", "json")
	if c.DataDir == "" {
		r.fault("data_dir", "must name a folder; it is made where it is missing")
	}
}

func (c Config) checkServers(r *report, p Purpose) {
	if p == ForServing && c.Database.URL == "" {
		r.fault("database.url", "is empty: set it to your PostgreSQL, such as postgres://tocsin@db.example:5432/tocsin (tocsin dev starts one itself)")
	}
	if c.Database.URL != "" {
		if u, err := url.Parse(c.Database.URL); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			r.fault("database.url", "must begin with postgres://, such as postgres://tocsin@db.example:5432/tocsin")
		}
	}
	r.file("database.password_file", c.Database.PasswordFile)
	r.atLeast("database.max_connections", c.Database.MaxConnections, 2)
	if p == ForServing && c.Temporal.Address == "" {
		r.fault("temporal.address", "is empty: set it to your Temporal's host:port, such as temporal.example:7233 (tocsin dev starts one itself)")
	}
	if c.Temporal.Address != "" {
		r.hostPort("temporal.address", c.Temporal.Address)
	}
	if c.Temporal.Namespace == "" {
		r.fault("temporal.namespace", "must name a namespace, such as default")
	}
	c.checkTLS(r)
	r.hostPort("api.listen", c.API.Listen)
	r.url("api.public_url", c.API.PublicURL)
	r.file("seal.key_file", c.Seal.KeyFile)
	c.checkPorts(r)
}

func (c Config) checkPorts(r *report) {
	for _, p := range []struct {
		key  string
		port int
	}{
		{"dev.postgres_port", c.Dev.PostgresPort},
		{"dev.temporal_port", c.Dev.TemporalPort},
		{"dev.temporal_ui_port", c.Dev.TemporalUIPort},
		{"dev.smtp_port", c.Dev.SMTPPort},
		{"dev.inbox_port", c.Dev.InboxPort},
	} {
		if p.port < 0 || p.port > 65535 {
			r.fault(p.key, "must be a port from 1 to 65535, or 0 for a free one")
		}
	}
}

func (c Config) checkTLS(r *report) {
	t := c.Temporal.TLS
	r.file("temporal.tls.ca_file", t.CAFile)
	r.file("temporal.tls.cert_file", t.CertFile)
	r.file("temporal.tls.key_file", t.KeyFile)
	r.file("temporal.api_key_file", c.Temporal.APIKeyFile)
	if (t.CertFile == "") != (t.KeyFile == "") {
		r.fault("temporal.tls", "needs cert_file and key_file together, or neither")
	}
}

func (c Config) checkOrganisation(r *report, k Known) {
	o := c.Organisation
	if o.Name == "" {
		r.warn("organisation.name", "is empty: reports and notices must say who sends them")
	}
	if o.Phone == "" && o.Email == "" {
		r.warn("organisation.phone", "is empty, and so is organisation.email: a notice must say how to reach you (PIPL art. 57)")
	}
	if o.HomePage == "" {
		r.warn("organisation.home_page", "is empty: people check a notice on the page they know")
	} else {
		r.url("organisation.home_page", o.HomePage)
	}
	r.address("organisation.email", o.Email)
	if (o.Hours == "") != (o.HoursEN == "") {
		r.fault("organisation.hours", "and organisation.hours_en belong together: notices go out in Chinese and in English; write both, or neither")
	}
	if k.Location != nil {
		if _, err := k.Location(o.Zone); err != nil {
			r.fault("organisation.zone", "is not a time zone, such as Asia/Shanghai")
		}
	}
	if o.Signer.Name == "" || o.Signer.Phone == "" {
		r.warn("organisation.signer", "has no name or no phone: every report names a person whom the authority may call, and without one none can be drawn up")
	}
	r.address("organisation.signer.email", o.Signer.Email)
	for i, fact := range o.Facts {
		key := fmt.Sprintf("organisation.facts[%d]", i+1)
		if !strings.Contains(fact, "=") {
			r.fault(key, "must be name=value, such as org.cii_involved=false")
		} else if k.Fact != nil {
			r.ask(key, k.Fact(fact))
		}
	}
}

func (c Config) checkAddressees(r *report, k Known) {
	seen := map[string]bool{}
	for i, a := range c.Authorities {
		key := fmt.Sprintf("authorities[%d]", i+1)
		switch {
		case a.Key == "":
			r.fault(key+".key", "is empty: it says which of the laws' addressees this is")
		case seen[a.Key]:
			r.fault(key+".key", "%s is here twice", a.Key)
		case k.Authorities != nil && k.Authorities[a.Key] == "":
			r.fault(key+".key", "%s", unknownWord(a.Key, "addressee in any pack of law", keysOf(k.Authorities)))
		}
		seen[a.Key] = true
		r.checkWay(key, a, k)
		r.checkSigner(key+".signer", a.Signer)
		if a.Zone != "" && k.Location != nil {
			if _, err := k.Location(a.Zone); err != nil {
				r.fault(key+".zone", "is not a time zone's name, such as Asia/Shanghai")
			}
		}
	}
	for i, person := range c.Contacts {
		key := fmt.Sprintf("contacts[%d]", i+1)
		if person.Role == "" {
			r.fault(key+".role", "is empty: it says when this person is told, such as lead or approver")
		}
		if person.Email == "" {
			r.fault(key+".email", "is empty: nobody could be reached")
		}
		r.address(key+".email", person.Email)
		if person.Language != "" {
			r.oneOf(key+".language", person.Language, "zh-CN", "en")
		}
	}
	if len(c.Contacts) == 0 {
		r.warn("contacts", "is empty: a deadline that nears is shown and logged, but wakes nobody")
	}
}

// checkWay looks at how an authority takes reports.
func (r *report) checkWay(key string, a Authority, k Known) {
	r.address(key+".email", a.Email)
	if a.Portal != "" {
		r.url(key+".portal", a.Portal)
	}
	if len([]rune(a.Hotline)) > 64 || strings.ContainsAny(a.Hotline, "\r\n") {
		r.fault(key+".hotline", "must be a number to call, such as 12387")
	}
	way := a.FiledBy()
	r.oneOf(key+".way", way, Ways...)
	if len(a.Settings) > 0 && (way == WayEmail || way == WayHand) {
		r.fault(key+".settings", "belong to the ways http, folder and sftp; this authority's way is %s", way)
	}
	switch way {
	case WayEmail:
		if a.Email == "" {
			r.fault(key+".email", "is empty, and the way is email")
		}
	case WayHTTP, WayFolder, WaySFTP:
		if k.Way != nil {
			if err := k.Way(way, a.Settings); err != nil {
				for _, line := range strings.Split(err.Error(), "\n") {
					r.fault(key+".settings", "%s", line)
				}
			}
		}
	case WayHand:
		if a.Portal == "" && a.Hotline == "" {
			r.warn(key, "%s is filed to by hand, and neither portal nor hotline says where", a.Key)
		}
	}
}

// checkSigner looks at a person who signs. Nothing said is nothing wrong: another signer stands in.
func (r *report) checkSigner(key string, s Signer) {
	if s == (Signer{}) {
		return
	}
	if s.Name == "" {
		r.fault(key+".name", "is empty: without a name organisation.signer signs, and what is here is lost")
	}
	if s.Phone == "" {
		r.fault(key+".phone", "is empty: the authority must be able to call whoever signs")
	}
	r.address(key+".email", s.Email)
}

func (c Config) checkChannels(r *report, k Known) {
	served := map[string]bool{}
	for i, n := range c.Notifiers {
		key := fmt.Sprintf("notifiers[%d]", i+1)
		r.oneOf(key+".channel", n.Channel, Channels...)
		if served[n.Channel] && n.Channel != "email" {
			r.fault(key+".channel", "%s has two providers; only email may have several relays", n.Channel)
		}
		if n.PerSecond < 0 {
			r.fault(key+".per_second", "must not be negative; 0 sets no bound")
		} else if n.PerSecond > 0 && n.Channel != "email" {
			r.fault(key+".per_second", "is for one of several mail relays; set policy.limits for %s", n.Channel)
		}
		served[n.Channel] = true
		switch {
		case n.Provider == "":
			r.fault(key+".provider", "is empty")
		case k.Provider != nil && k.Provider(n.Channel, n.Provider) != nil:
			r.ask(key+".provider", k.Provider(n.Channel, n.Provider))
		case k.Settings != nil:
			r.ask(key+".settings", k.Settings(n))
		}
	}
	for i, channel := range c.Ladder {
		key := fmt.Sprintf("ladder[%d]", i+1)
		r.oneOf(key, channel, Channels...)
		if slices.Index(c.Ladder, channel) < i {
			r.fault(key, "%s is here twice", channel)
		}
		if len(c.Notifiers) > 0 && !served[channel] {
			r.warn(key, "%s has no provider under notifiers: people will not be told by it", channel)
		}
	}
	if len(c.Ladder) == 0 {
		r.fault("ladder", "must name at least one channel, such as email")
	}
}

func (c Config) checkPolicy(r *report) {
	p := c.Policy
	for i, part := range p.Reminders {
		if part <= 0 || part >= 1 {
			r.fault(fmt.Sprintf("policy.reminders[%d]", i+1), "must lie between 0 and 1: the part of the time that has gone, such as 0.5")
		}
	}
	r.positive("policy.escalate_before", p.EscalateBefore)
	r.positive("policy.retry_first", p.RetryFirst)
	r.positive("policy.retry_most", p.RetryMost)
	r.positive("policy.doubt_window", p.DoubtWindow)
	r.atLeast("policy.public_days", p.PublicDays, 1)
	r.oneOf("policy.in_doubt", p.InDoubt, PreferNoLoss, PreferNoDuplicate)
	r.atLeast("policy.max_temporary_attempts", p.MaxTemporaryAttempts, 1)
	r.atLeast("policy.shard_size", p.ShardSize, 1)
	r.atLeast("policy.chunk_size", p.ChunkSize, 1)
	r.atLeast("policy.shards_at_once", p.ShardsAtOnce, 1)
	if p.ChunkSize > p.ShardSize {
		r.fault("policy.chunk_size", "must not be greater than policy.shard_size")
	}
	for i, l := range p.Limits {
		key := fmt.Sprintf("policy.limits[%d]", i+1)
		r.oneOf(key+".channel", l.Channel, Channels...)
		r.atLeast(key+".connections", l.Connections, 1)
		if l.PerSecond < 0 {
			r.fault(key+".per_second", "must not be negative; 0 sets no bound")
		}
		if l.PerDestination < 0 {
			r.fault(key+".per_destination", "must not be negative; 0 sets no bound")
		}
	}
}

func (c Config) checkPlan(r *report, k Known) {
	if c.Plan.Playbook == "" {
		r.fault("plan.playbook", "must name an emergency plan, such as %s", Default().Plan.Playbook)
	} else if k.Playbooks != nil && !slices.Contains(k.Playbooks, c.Plan.Playbook) {
		r.fault("plan.playbook", "%s", unknownWord(c.Plan.Playbook, "emergency plan", k.Playbooks))
	}
	for i, v := range c.Plan.Variables {
		if v.Name == "" {
			r.fault(fmt.Sprintf("plan.variables[%d].name", i+1), "is empty")
		}
	}
	for i, target := range c.Plan.AllowedTargets {
		r.url(fmt.Sprintf("plan.allowed_targets[%d]", i+1), target)
	}
	if len(c.Plan.AllowedTargets) == 0 {
		r.warn("plan.allowed_targets", "is empty: every step of the plan is a person's task, none is carried out by itself")
	}
}

func (r *report) ask(key string, err error) {
	if err != nil {
		r.fault(key, "%s", err)
	}
}

func (r *report) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		r.fault(key, "must be one of %s", strings.Join(allowed, ", "))
	}
}

func (r *report) atLeast(key string, n, least int) {
	if n < least {
		r.fault(key, "must be %d or more", least)
	}
}

func (r *report) positive(key string, d time.Duration) {
	if d <= 0 {
		r.fault(key, "must be longer than nothing, such as 30m")
	}
}

func (r *report) url(key, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		r.fault(key, "must be an address that begins with http:// or https://")
	}
}

func (r *report) hostPort(key, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		r.fault(key, "must be host:port, such as 127.0.0.1:8025")
	}
}

func (r *report) address(key, value string) {
	if value == "" {
		return
	}
	a, err := mail.ParseAddress(value)
	if err != nil || a.Name != "" || a.Address != value {
		r.fault(key, "must be a plain email address, such as privacy@example.com")
	}
}

// file looks whether a secret's file is there and a secret.
func (r *report) file(key, path string) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.fault(key, "%s cannot be read: is the path right, and may this user read it?", path)
	case info.IsDir():
		r.fault(key, "%s is a folder, not a file", path)
	case info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(key, "ca_file") && !strings.HasSuffix(key, "cert_file"):
		r.warn(key, "%s can be read by other users of this machine: chmod 600 %s", path, filepath.Base(path))
	}
}

func unknownWord(word, kind string, known []string) string {
	if near, ok := nearest(word, known); ok {
		return fmt.Sprintf("%q is no %s; did you mean %s?", word, kind, near)
	}
	return fmt.Sprintf("%q is no %s; there are %s", word, kind, strings.Join(known, ", "))
}

func keysOf(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
