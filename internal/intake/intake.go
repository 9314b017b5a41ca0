// Package intake turns what alert sources post into [breach.Alert]s: one file per source's format, one line in [Sources],
// and captured payloads in testdata. It also holds the one strict way in which the house reads JSON from strangers
// ([Decode]).
//
// A source's format is the vendor's: fields that we do not know are let through, because vendors add some, while a version
// or a type that is not the documented one refuses the whole payload. Our own formats are ours: there an unknown field is a
// mistake and is refused.
//
// The package stores nothing, opens nothing and judges nothing. Its errors ([Fault]) and warnings name fields and rules;
// they never repeat a value, since alerts may tell of people.
package intake

import (
	"tocsin/internal/breach"
)

// Source is a format that alerts arrive in.
type Source struct {
	Name  string                      // the last part of POST /v1/alerts/<name>, and breach.Alert.Source
	Title string                      // "Prometheus Alertmanager, webhook version 4"
	Parse func([]byte) (Batch, error) // its error is a [*Fault]
}

// Batch is what one request of a source told us. It has at least one alert.
type Batch struct {
	Alerts   []breach.Alert
	Warnings []string // what was not understood and left out, for the answer to the source; without values
}

// Sources lists every format, by name.
func Sources() []Source {
	return []Source{
		alertmanager,
	}
}

// MaxBytes bounds the body of a request in any of the formats, ours included.
const MaxBytes = 1 << 20

// maxAlerts bounds the alerts of one request: each is a transaction.
const maxAlerts = 500
