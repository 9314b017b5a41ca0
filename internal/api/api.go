// Package api is how the world reaches Tocsin: alerts and reports come in, people's decisions come in, status goes out, and
// anybody may check that a notice is real.
//
// Every route is one row of one table ([Routes]) that says who may use it; the router is built from that table and denies
// all else. A human act is one call of the store, which writes it down, journals it and queues what the engine must hear:
// accepted means committed. The API never talks to the engine, so a deadline can be met and a leak reported while the engine
// is down.
//
// Refusals are problem documents (RFC 9457) with one sentence that says what is wrong and one that says what to do; they
// repeat nothing of what was sent. The log names routes, ids and people of ours, never a path, a body or an address.
//
// The package keeps out: law, texts of notices, sending, and every decision about what happens next.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// Options are what a handler needs. Store, Now and Log must be set.
type Options struct {
	Store *store.Store
	Now   func() time.Time
	Log   *slog.Logger

	PublicURL    string      // where people type the address of the public pages: "https://notice.example.cn"
	Organisation breach.Text // whose notices the public pages show

	Region    string          // numbering plan of phone numbers in people files without country code; default "CN"
	Language  breach.Language // of people whose file does not say; default zh-CN
	Zone      *time.Location  // on whose calendar ages are counted; default Asia/Shanghai
	MaxUpload int64           // bytes of one people file; default 2 GiB

	// ParquetReader is a command that calls audience.ServeParquet, which reads a stranger's Parquet file in a process of its
	// own. Without one Parquet is refused.
	ParquetReader []string

	// ParseNumber reads a notice number as people type it and returns its one form. Nil takes it as typed, in upper case.
	ParseNumber func(string) (string, error)

	// Unnamed makes the text of a notice to people as it reads without any name, for everybody who checks it. Nil leaves the
	// text as it was approved, with the places of names marked.
	Unnamed func(breach.Rendition) breach.Rendition

	// LawsFor names the laws that protect people who live in a region, among those that some rules make due: the first one's
	// text is theirs. HomeLaw is whose text people get of whom no region is known, GeneralLaw those whom no law protects.
	LawsFor             func(region string, rules []string) []string
	HomeLaw, GeneralLaw string

	// CheckWords names what in words for a notice would make a cautious reader take it for a fraud: such a notice is never
	// made. Nil checks nothing.
	CheckWords func(breach.NoticeWords) []string

	// TestSend mails one text of a notice, with lines for these categories of data, to one of our own people. Nil sends none.
	// OurAddresses are theirs.
	TestSend     func(ctx context.Context, to string, r breach.Rendition, categories []string) error
	OurAddresses []string

	// Forms knows what reports to authorities ask for. Its zero value knows nothing: then every answer is taken.
	Forms Forms

	// ClientIP tells whom a request of the public pages comes from, for their rate limit. Nil takes the connection's other
	// end, which behind a proxy is the proxy: then all people share one limit.
	ClientIP func(*http.Request) string

	Metrics *prometheus.Registry // where the API counts; nil counts nowhere
}

func (o *Options) complete() {
	if o.Store == nil || o.Now == nil || o.Log == nil {
		panic("api: Options needs Store, Now and Log")
	}
	if o.Region == "" {
		o.Region = "CN"
	}
	if o.Language == "" {
		o.Language = breach.Chinese
	}
	if o.Zone == nil {
		o.Zone = time.FixedZone("UTC+8", 8*60*60) // China has had no other since 1991; no table of zones needed
	}
	if o.MaxUpload <= 0 {
		o.MaxUpload = 2 << 30
	}
	if o.ParseNumber == nil {
		o.ParseNumber = func(s string) (string, error) { return strings.ToUpper(strings.TrimSpace(s)), nil }
	}
	if o.Unnamed == nil {
		o.Unnamed = func(r breach.Rendition) breach.Rendition { return r }
	}
	if o.ClientIP == nil {
		o.ClientIP = remoteIP
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
}

// server is what the handlers share.
type server struct {
	Options
	store   *store.Store
	count   *counters
	pages   *pages
	tallies *tallies

	uploads   chan struct{} // people files that are being read
	papers    chan struct{} // pieces of evidence that are being read
	perPerson *limiter      // requests of one token
	perIP     *limiter      // requests of the public check
}

// New returns the API and the public pages. It panics where the options or the table of routes are not complete.
func New(o Options) http.Handler {
	o.complete()
	s := &server{
		Options: o, store: o.Store,
		count:     newCounters(o.Metrics),
		pages:     newPages(o.Organisation, publicHost(o.PublicURL)),
		tallies:   newTallies(o.Store, o.Now),
		uploads:   make(chan struct{}, maxUploads),
		papers:    make(chan struct{}, maxUploads),
		perPerson: newLimiter(100, 2000),
		perIP:     newLimiter(0.5, 20),
	}
	return s.router()
}

// maxUploads is how many people files are read at once: each holds a connection to the database.
const maxUploads = 4

// publicHost is the address as people would type it.
func publicHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
