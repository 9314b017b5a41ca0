package config

import (
	"fmt"
	"time"
)

func (c Config) checkBounces(r *report, k Known) {
	b := c.Bounces
	r.oneOf("bounces.protocol", b.Protocol, LMTP, SMTP)
	if b.Listen != "" {
		r.hostPort("bounces.listen", b.Listen)
	}
	switch {
	case b.Address != "" && k.Return != nil:
		r.ask("bounces.address", k.Return(b.Address))
	case b.Address == "" && b.Listen != "":
		r.fault("bounces.address", "is empty, so no bounce could be told apart: write bounce+{id}@ and a domain whose mail comes to bounces.listen")
	}
	if b.Listen == "" {
		r.warn("bounces.listen", "is empty: nobody hears of mail that comes back, and whoever it was for counts as told")
	}
	r.file("bounces.cert_file", b.CertFile)
	r.file("bounces.key_file", b.KeyFile)
	if (b.CertFile == "") != (b.KeyFile == "") {
		r.fault("bounces", "needs cert_file and key_file together, or neither")
	}
	r.atLeast("bounces.max_kilobytes", b.MaxKilobytes, 16)
	r.atLeast("bounces.max_connections", b.MaxConnections, 1)
	r.atLeast("bounces.max_per_address", b.MaxPerAddress, 1)
	if b.PerSecond < 0 {
		r.fault("bounces.per_second", "must not be negative; 0 sets no bound")
	}
	r.positive("bounces.gather", b.Gather)
	r.positive("bounces.retry_full", b.RetryFull)
	r.positive("bounces.hold_domain", b.HoldDomain)
}

// checkTiming looks at what may hold messages back.
func (c Config) checkTiming(r *report, k Known) {
	r.positive("policy.retry_window", c.Policy.RetryWindow)
	w := c.Policy.FirstWave
	r.atLeast("policy.first_wave.size", w.Size, 0)
	r.atLeast("policy.first_wave.above", w.Above, 0)
	if w.Size > 0 {
		r.positive("policy.first_wave.wait", w.Wait)
	}
	r.part("policy.first_wave.min_accepted", w.MinAccepted)
	r.part("policy.first_wave.max_bounced", w.MaxBounced)
	for i, q := range c.Policy.QuietHours {
		key := fmt.Sprintf("policy.quiet_hours[%d]", i+1)
		r.oneOf(key+".channel", q.Channel, Channels...)
		r.clock(key+".from", q.From)
		r.clock(key+".to", q.To)
		if q.From == q.To {
			r.fault(key, "begins and ends at the same time: the channel would never speak")
		}
		if q.Zone == "" {
			r.fault(key+".zone", "is empty: name where the recipients live, such as Asia/Shanghai")
		} else if k.Location != nil {
			if _, err := k.Location(q.Zone); err != nil {
				r.fault(key+".zone", "is not a time zone's name, such as Asia/Shanghai")
			}
		}
		if q.OverrideBefore < 0 {
			r.fault(key+".override_before", "must not be negative; 0 never overrides")
		}
	}
}

func (r *report) part(key string, p float64) {
	if p < 0 || p > 1 {
		r.fault(key, "must lie between 0 and 1, such as 0.1 for a tenth")
	}
}

func (r *report) clock(key, value string) {
	if _, err := time.Parse("15:04", value); err != nil {
		r.fault(key, "must be a time of day, such as 21:00")
	}
}
