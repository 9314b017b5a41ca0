// Package activities is where the engine touches the world: one struct for each thing touched, one method for each act.
// Workflows name the methods; cmd/tocsin fills the structs.
//
// An activity may run twice, so each is written to be repeated: what it writes has a key of its own, and what leaves the
// house has an intent in the ledger first. Inputs and results are ids, instants and counts, since histories are kept and
// shown; names, addresses and texts stay in PostgreSQL.
package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/store"
)

// The types of application errors that a retry cannot help.
const (
	ErrTypeRefused  = "Refused"  // the state of things does not allow it
	ErrTypeNotFound = "NotFound" // it does not exist
	ErrTypeTexts    = "Texts"    // a template cannot be rendered, or breaks a rule for notices
)

// final marks errors that a retry cannot help. It passes all others through.
func final(err error) error {
	if r, ok := errors.AsType[*store.Refused](err); ok {
		return temporal.NewNonRetryableApplicationError(r.Text, ErrTypeRefused, nil, r.Code)
	}
	if errors.Is(err, store.ErrNotFound) {
		return temporal.NewNonRetryableApplicationError("not found", ErrTypeNotFound, nil)
	}
	return err
}
