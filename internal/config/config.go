package config

import (
	"slices"
	"time"
)

// Config is every setting. [Default] is what holds where nothing is said, and the sample file explains each key.
type Config struct {
	DataDir      string       `mapstructure:"data_dir"` // what Tocsin keeps on this machine
	Database     Database     `mapstructure:"database"`
	Temporal     Temporal     `mapstructure:"temporal"`
	API          API          `mapstructure:"api"`
	Seal         Seal         `mapstructure:"seal"`
	Log          Log          `mapstructure:"log"`
	Organisation Organisation `mapstructure:"organisation"`
	Authorities  []Authority  `mapstructure:"authorities"`
	Contacts     []Contact    `mapstructure:"contacts"`
	Notifiers    []Notifier   `mapstructure:"notifiers"`
	Bounces      Bounces      `mapstructure:"bounces"`
	Ladder       []string     `mapstructure:"ladder"` // channels in the order of trying
	Policy       Policy       `mapstructure:"policy"`
	Plan         Plan         `mapstructure:"plan"`
	Templates    string       `mapstructure:"templates"` // folder with texts of yours
	Laws         []string     `mapstructure:"laws"`      // folders with packs of law of yours
	Dev          Dev          `mapstructure:"dev"`
}

// Database says where PostgreSQL is.
type Database struct {
	URL            string `mapstructure:"url"`           // empty: tocsin dev starts one; serve and worker need it
	PasswordFile   string `mapstructure:"password_file"` // where the URL has no password
	MaxConnections int    `mapstructure:"max_connections"`
}

// Temporal says where the engine is.
type Temporal struct {
	Address    string      `mapstructure:"address"` // host:port; empty: tocsin dev starts one; serve and worker need it
	Namespace  string      `mapstructure:"namespace"`
	TLS        TemporalTLS `mapstructure:"tls"`
	APIKeyFile string      `mapstructure:"api_key_file"`
}

// TemporalTLS is used where Enabled or any file is set.
type TemporalTLS struct {
	Enabled    bool   `mapstructure:"enabled"`
	CAFile     string `mapstructure:"ca_file"`
	CertFile   string `mapstructure:"cert_file"`
	KeyFile    string `mapstructure:"key_file"`
	ServerName string `mapstructure:"server_name"`
}

// InUse reports whether connections are to be encrypted.
func (t TemporalTLS) InUse() bool { return t.Enabled || t.CAFile != "" || t.CertFile != "" }

// API says where the server listens, and where the command line finds it.
type API struct {
	Listen    string `mapstructure:"listen"`     // host:port
	PublicURL string `mapstructure:"public_url"` // how people outside reach the public pages
	URL       string `mapstructure:"url"`        // how the command line reaches the server
	TokenFile string `mapstructure:"token_file"` // the command line's token; empty: <data_dir>/token
}

// Seal says where the key is that wraps the incidents' keys.
type Seal struct {
	KeyFile string `mapstructure:"key_file"` // empty: <data_dir>/seal.key
}

// Log says how loud and in which form.
type Log struct {
	Level  string `mapstructure:"level"`  // debug, info, warn, error
	Format string `mapstructure:"format"` // text, json
}

// Organisation is who files the reports and signs the notices.
type Organisation struct {
	Name        string   `mapstructure:"name"`
	NameEN      string   `mapstructure:"name_en"`
	ShortName   string   `mapstructure:"short_name"` // as people know it; the full name where empty
	ShortNameEN string   `mapstructure:"short_name_en"`
	Phone       string   `mapstructure:"phone"`    // the hotline that notices name
	Hours       string   `mapstructure:"hours"`    // when somebody answers there; empty says nothing
	HoursEN     string   `mapstructure:"hours_en"` // the same in English
	Zone        string   `mapstructure:"zone"`     // IANA name of the zone that notices tell times in; empty is Asia/Shanghai
	Email       string   `mapstructure:"email"`
	HomePage    string   `mapstructure:"home_page"`
	Number      string   `mapstructure:"number"`  // unified social credit code, or another registration number; stands in reports
	Address     string   `mapstructure:"address"` // registered address; stands in reports
	AddressEN   string   `mapstructure:"address_en"`
	Signer      Signer   `mapstructure:"signer"`
	Facts       []string `mapstructure:"facts"` // "org.cii_involved=false"; the vocabulary's owner reads them
}

// Signer is the person whom an authority may call about a report.
type Signer struct {
	Name    string `mapstructure:"name"`
	Title   string `mapstructure:"title"`
	TitleEN string `mapstructure:"title_en"`
	Phone   string `mapstructure:"phone"`
	Email   string `mapstructure:"email"`
}

// Authority is an addressee of filings. Key is what the packs of law call it.
type Authority struct {
	Key      string         `mapstructure:"key"`
	Name     string         `mapstructure:"name"`
	Way      string         `mapstructure:"way"` // see Ways; empty: email where there is one, else hand
	Email    string         `mapstructure:"email"`
	Settings map[string]any `mapstructure:"settings"` // of the ways http, folder and sftp: their own
	Zone     string         `mapstructure:"zone"`     // IANA name; empty is the pack's
	Hotline  string         `mapstructure:"hotline"`  // whom a person calls
	Portal   string         `mapstructure:"portal"`   // where a person types the report in
	Signer   Signer         `mapstructure:"signer"`   // who signs to this authority; organisation.signer where its name is empty
}

// The ways to hand a report over.
const (
	WayEmail  = "email"
	WayHTTP   = "http"
	WayFolder = "folder"
	WaySFTP   = "sftp"
	WayHand   = "hand" // a person, by portal, hotline or counter
)

// Ways lists the values of Authority.Way.
var Ways = []string{WayEmail, WayHTTP, WayFolder, WaySFTP, WayHand}

// FiledBy is the way to hand reports to it over, also where the settings leave it open.
func (a Authority) FiledBy() string {
	switch {
	case a.Way != "":
		return a.Way
	case a.Email != "":
		return WayEmail
	}
	return WayHand
}

// SignerFor is who signs reports to an authority.
func (c Config) SignerFor(a Authority) Signer {
	if a.Signer.Name != "" {
		return a.Signer
	}
	return c.Organisation.Signer
}

// Contact is one of our own people, told when a deadline nears.
type Contact struct {
	Role     string `mapstructure:"role"`
	Name     string `mapstructure:"name"`
	Email    string `mapstructure:"email"`
	Language string `mapstructure:"language"` // zh-CN or en; empty is zh-CN
}

// Notifier is a channel's provider. Settings are the provider's own; their keys are in lower case.
type Notifier struct {
	Channel   string         `mapstructure:"channel"`
	Provider  string         `mapstructure:"provider"`
	PerSecond float64        `mapstructure:"per_second"` // messages by this provider, for all workers together; 0 sets no bound
	Settings  map[string]any `mapstructure:"settings"`
}

// Bounces says where mail comes back to, and who listens there.
type Bounces struct {
	Address        string        `mapstructure:"address"`  // bounce+{id}@bounces.example.com; empty: nobody can tell bounces apart
	Listen         string        `mapstructure:"listen"`   // host:port; empty: nobody listens
	Protocol       string        `mapstructure:"protocol"` // lmtp, smtp
	Hello          string        `mapstructure:"hello"`    // the name to greet with; the address's domain where empty
	CertFile       string        `mapstructure:"cert_file"`
	KeyFile        string        `mapstructure:"key_file"`
	MaxKilobytes   int           `mapstructure:"max_kilobytes"` // of one mail
	MaxConnections int           `mapstructure:"max_connections"`
	MaxPerAddress  int           `mapstructure:"max_per_address"` // connections from one IP address
	PerSecond      float64       `mapstructure:"per_second"`      // mails; 0 sets no bound
	Gather         time.Duration `mapstructure:"gather"`          // before a notice that had ended goes on for those who came back
	RetryFull      time.Duration `mapstructure:"retry_full"`      // before a full mailbox is tried again
	HoldDomain     time.Duration `mapstructure:"hold_domain"`     // how long nothing is sent to a domain that refuses us
}

// Policy is what the organisation decided where law leaves it a choice.
type Policy struct {
	Reminders            []float64     `mapstructure:"reminders"`       // parts of the time to a deadline
	EscalateBefore       time.Duration `mapstructure:"escalate_before"` // before a deadline
	Escalation           []Escalation  `mapstructure:"escalation"`      // steps to named people
	Guard                Guard         `mapstructure:"guard"`
	Approvals            Approvals     `mapstructure:"approvals"`
	InDoubt              string        `mapstructure:"in_doubt"`               // prefer_no_loss, prefer_no_duplicate
	RetryFirst           time.Duration `mapstructure:"retry_first"`            // wait before the second try of what was refused for now; doubles
	RetryMost            time.Duration `mapstructure:"retry_most"`             // the longest wait
	DoubtWindow          time.Duration `mapstructure:"doubt_window"`           // how long a provider that can be asked may take to know
	MaxTemporaryAttempts int           `mapstructure:"max_temporary_attempts"` // how often
	ShardSize            int           `mapstructure:"shard_size"`             // recipients
	ChunkSize            int           `mapstructure:"chunk_size"`             // contacts that one activity sends to
	ShardsAtOnce         int           `mapstructure:"shards_at_once"`
	PublicDays           int           `mapstructure:"public_days"`  // how long a public notice is posted
	RetryWindow          time.Duration `mapstructure:"retry_window"` // how long beyond that while the destination refuses everybody
	FirstWave            FirstWave     `mapstructure:"first_wave"`
	QuietHours           []QuietHours  `mapstructure:"quiet_hours"`
	Limits               []Limit       `mapstructure:"limits"`
}

// FirstWave is a small part of a large audience that is told before the rest.
type FirstWave struct {
	Size        int           `mapstructure:"size"`         // contacts; 0: none
	Above       int           `mapstructure:"above"`        // an audience of more people has one
	Wait        time.Duration `mapstructure:"wait"`         // for what comes back
	MinAccepted float64       `mapstructure:"min_accepted"` // parts of the wave
	MaxBounced  float64       `mapstructure:"max_bounced"`
}

// QuietHours keep a channel silent at night.
type QuietHours struct {
	Channel        string        `mapstructure:"channel"`
	From           string        `mapstructure:"from"` // "21:00"
	To             string        `mapstructure:"to"`   // "08:00"
	Zone           string        `mapstructure:"zone"` // IANA name, where the recipients live
	OverrideBefore time.Duration `mapstructure:"override_before"`
}

// Limit bounds one channel, for one worker.
type Limit struct {
	Channel        string  `mapstructure:"channel"`
	Connections    int     `mapstructure:"connections"`
	PerSecond      float64 `mapstructure:"per_second"`      // 0: as fast as the other side answers
	PerDestination float64 `mapstructure:"per_destination"` // for one recipient domain; 0: until it asks to be slower
}

// The values of Policy.InDoubt.
const (
	PreferNoLoss      = "prefer_no_loss"      // send once more under the same id
	PreferNoDuplicate = "prefer_no_duplicate" // go on to the next channel
)

// The values of Bounces.Protocol.
const (
	LMTP = "lmtp"
	SMTP = "smtp"
)

// Plan says which emergency plan runs, with what, and what it may touch.
type Plan struct {
	Playbook       string     `mapstructure:"playbook"`
	Variables      []Variable `mapstructure:"variables"`
	AllowedTargets []string   `mapstructure:"allowed_targets"` // beginnings of URLs; a step elsewhere is not executed
}

// Variable sets one of a plan's variables.
type Variable struct {
	Name  string `mapstructure:"name"`
	Value string `mapstructure:"value"`
}

// Dev is for tocsin dev alone. A port 0 takes a free one.
type Dev struct {
	PostgresPort   int    `mapstructure:"postgres_port"`
	TemporalPort   int    `mapstructure:"temporal_port"`
	TemporalUIPort int    `mapstructure:"temporal_ui_port"`
	TemporalBinary string `mapstructure:"temporal_binary"`
	SMTPPort       int    `mapstructure:"smtp_port"`
	InboxPort      int    `mapstructure:"inbox_port"`
}

// Channels are the names that a ladder, a notifier or a limit may use.
var Channels = []string{"email", "sms", "push", "voice", "letter", "chat"}

// Default is a working local configuration. Only what law needs from the operator is missing.
func Default() Config {
	return Config{
		DataDir:      ".tocsin",
		Database:     Database{MaxConnections: 20},
		Temporal:     Temporal{Namespace: "default"},
		API:          API{Listen: "127.0.0.1:8025", PublicURL: "http://127.0.0.1:8025", URL: "http://127.0.0.1:8025"},
		Log:          Log{Level: "info", Format: "text"},
		Organisation: Organisation{Facts: []string{}},
		Authorities:  []Authority{},
		Contacts:     []Contact{},
		Notifiers:    []Notifier{},
		Bounces: Bounces{
			Protocol: LMTP, MaxKilobytes: 512, MaxConnections: 100, MaxPerAddress: 20, PerSecond: 500,
			Gather: 30 * time.Second, RetryFull: 4 * time.Hour, HoldDomain: time.Hour,
		},
		Ladder: []string{"email", "sms", "push"},
		Policy: Policy{
			Reminders:            []float64{0.5, 0.8},
			EscalateBefore:       30 * time.Minute,
			Escalation:           []Escalation{},
			Guard:                Guard{Before: 10 * time.Minute, Rules: []string{}},
			Approvals:            Approvals{Filing: 1, Notice: 1, PublicNotice: 1, Closure: 1, Hold: 1, Waiver: 1},
			InDoubt:              PreferNoLoss,
			RetryFirst:           time.Minute,
			RetryMost:            time.Hour,
			DoubtWindow:          30 * time.Minute,
			MaxTemporaryAttempts: 5,
			ShardSize:            100000,
			ChunkSize:            100000,
			ShardsAtOnce:         4,
			PublicDays:           30,
			RetryWindow:          12 * time.Hour,
			FirstWave:            FirstWave{Size: 100, Above: 10000, Wait: 5 * time.Minute, MinAccepted: 0.8, MaxBounced: 0.1},
			QuietHours:           []QuietHours{},
			Limits:               []Limit{},
		},
		Plan: Plan{Playbook: "personal-data-leak", Variables: []Variable{}, AllowedTargets: []string{}},
		Laws: []string{},
		Dev:  Dev{TemporalPort: 7233, TemporalUIPort: 8233, SMTPPort: 1025, InboxPort: 8026},
	}
}

// Limit returns a channel's bounds, or careful ones where the operator set none.
func (p Policy) Limit(channel string) Limit {
	i := slices.IndexFunc(p.Limits, func(l Limit) bool { return l.Channel == channel })
	if i >= 0 {
		return p.Limits[i]
	}
	return Limit{Channel: channel, Connections: 8}
}

// Authority returns the addressee with that key.
func (c Config) Authority(key string) (Authority, bool) {
	i := slices.IndexFunc(c.Authorities, func(a Authority) bool { return a.Key == key })
	if i < 0 {
		return Authority{}, false
	}
	return c.Authorities[i], true
}
