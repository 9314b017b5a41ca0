// Package bounce hears what comes back after a mail was taken over: reports of failure (RFC 3464), complaints (RFC 5965), and
// the plain words of servers that know neither. Parse reads one; a Server takes them in by LMTP or SMTP and commits each
// before it says 250.
//
// Which delivery a report is about is told, in this order, by the address it came to (a token with a MAC, so that nobody can
// forge a bounce), by such a token among the headers that the report returns, and by the Message-ID among them.
//
// The package keeps out: what a report means for a person (the store folds it), SQL, and every word of a report in errors and
// logs, since reports are full of addresses.
package bounce

import (
	"tocsin/internal/breach"
)

// Report is what one returned mail says. It holds no address of a person.
type Report struct {
	Kind   breach.ReturnKind
	Class  breach.BounceClass // of what failed; empty otherwise
	Status string             // the enhanced code, "5.1.1", where there is one; a complaint's type, "abuse"

	Tokens []string            // local parts of return addresses among the returned headers, ours perhaps, newest first
	IDs    []breach.DeliveryID // Message-IDs among the returned headers that look like a delivery's
}

// Limits on what is read of a report. A report of an honest server is far below each.
const (
	maxDepth  = 6        // parts within parts
	maxParts  = 40       // in all
	maxHeader = 64 << 10 // of one part
	maxText   = 64 << 10 // of one part's text that is looked at
	maxFields = 400      // of one delivery-status part
)
