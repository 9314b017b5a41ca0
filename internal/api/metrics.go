package api

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tocsin/internal/store"
)

// counters are what the API counts. Labels are routes, formats and kinds of answers: no incident, no person.
type counters struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	alerts   *prometheus.CounterVec
	rows     *prometheus.CounterVec
}

func newCounters(r *prometheus.Registry) *counters {
	c := &counters{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_api_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tocsin_api_request_seconds", Help: "Time to answer, by route.", Buckets: []float64{.005, .02, .1, .5, 2, 10, 60},
		}, []string{"route"}),
		alerts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_alerts_total", Help: "Alerts accepted, by format and by what became of them: opened, joined, or over."}, []string{"source", "became"}),
		rows:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tocsin_people_rows_total", Help: "Rows of people files read, by what became of them: new, known or set_aside."}, []string{"became"}),
	}
	r.MustRegister(c.requests, c.seconds, c.alerts, c.rows)
	return c
}

func (c *counters) request(route Route, status int, took time.Duration) {
	name := route.Method + " " + route.Pattern
	c.requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
	c.seconds.WithLabelValues(name).Observe(took.Seconds())
}

// Metrics returns the handler of /metrics, which belongs on an address of its own that the public does not reach. Beside
// what is registered it shows what the database counts: open incidents, open tasks, overdue duties, documents that wait
// for approval, events that wait for the engine.
func Metrics(s *store.Store, r *prometheus.Registry, now func() time.Time) http.Handler {
	r.MustRegister(house{s, now})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Timeout: 10 * time.Second})
}

// house reads counts from the database at each scrape.
type house struct {
	store *store.Store
	now   func() time.Time
}

var (
	openIncidents = prometheus.NewDesc("tocsin_incidents_open", "Incidents that are not closed.", nil, nil)
	openTasks     = prometheus.NewDesc("tocsin_tasks_open", "Tasks that wait for a person.", nil, nil)
	overdue       = prometheus.NewDesc("tocsin_obligations_overdue", "Duties that have not ended and whose lawful instant has passed.", nil, nil)
	awaiting      = prometheus.NewDesc("tocsin_documents_awaiting", "Documents that wait for a second person.", nil, nil)
	outboxWaiting = prometheus.NewDesc("tocsin_outbox_waiting", "Events that have not reached the engine.", nil, nil)
	outboxAge     = prometheus.NewDesc("tocsin_outbox_oldest_seconds", "Age of the oldest event that has not reached the engine.", nil, nil)
	databaseUp    = prometheus.NewDesc("tocsin_database_up", "1 where the database answered this scrape.", nil, nil)
)

// Describe lists the numbers.
func (h house) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{openIncidents, openTasks, overdue, awaiting, outboxWaiting, outboxAge, databaseUp} {
		out <- d
	}
}

// Collect reads them.
func (h house) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64) { out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	counts, err := h.store.Counts(ctx)
	waiting, oldest, outboxErr := h.store.Waiting(ctx)
	if err != nil || outboxErr != nil {
		gauge(databaseUp, 0)
		return
	}
	gauge(databaseUp, 1)
	gauge(openIncidents, float64(counts.OpenIncidents))
	gauge(openTasks, float64(counts.OpenTasks))
	gauge(overdue, float64(counts.Overdue))
	gauge(awaiting, float64(counts.Awaiting))
	gauge(outboxWaiting, float64(waiting))
	age := 0.0
	if oldest != nil {
		age = max(0, h.now().Sub(*oldest).Seconds())
	}
	gauge(outboxAge, age)
}

// quiet is net/http's own log: it may quote a caller's address or request, so only that something happened is kept.
type quiet struct{ slog.Handler }

// Handle writes a constant line.
func (q quiet) Handle(ctx context.Context, r slog.Record) error {
	return q.Handler.Handle(ctx, slog.NewRecord(r.Time, slog.LevelWarn, "an HTTP connection failed", 0))
}
