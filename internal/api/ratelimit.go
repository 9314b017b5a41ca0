package api

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiter bounds how often one key may ask. Its memory is bounded: where too many keys are active at once, new ones share
// one allowance.
type limiter struct {
	every rate.Limit
	burst int

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

const maxKeys = 10_000

func newLimiter(perSecond float64, burst int) *limiter {
	return &limiter{every: rate.Limit(perSecond), burst: burst, keys: map[string]*rate.Limiter{}}
}

func (l *limiter) allow(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, known := l.keys[key]
	if !known {
		if len(l.keys) >= maxKeys {
			l.forgetIdle(now)
		}
		if len(l.keys) >= maxKeys {
			key = ""
		}
		if k = l.keys[key]; k == nil {
			k = rate.NewLimiter(l.every, l.burst)
			l.keys[key] = k
		}
	}
	return k.AllowN(now, 1)
}

// forgetIdle drops those who have their whole allowance back.
func (l *limiter) forgetIdle(now time.Time) {
	for key, k := range l.keys {
		if k.TokensAt(now) >= float64(l.burst) {
			delete(l.keys, key)
		}
	}
}

// remoteIP is the other end of the connection; of an IPv6 address the network, since one person has many of the rest.
func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap()
	if addr.Is6() {
		if network, err := addr.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}
