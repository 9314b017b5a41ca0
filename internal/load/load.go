// Package load carries people from a file into an incident: a file is read while what was read is written, and a person as a
// file tells of them becomes one as they are kept. It decides nothing about a row and keeps nothing of it.
package load

import (
	"errors"
	"io"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// Person carries a person over. fallback is the language of whoever's row names none. Somebody of unknown age for whom the file
// names a guardian is told as a minor is: the guardian too, so that nobody's guardian is left out over a missing birth date.
func Person(p *audience.Person, fallback breach.Language) store.AffectedPerson {
	out := store.AffectedPerson{
		Identity: p.IdentityKey(), Name: p.Name, Age: string(p.Age), Language: p.Language,
		Contacts: store.Contacts{Email: p.Email, Phone: p.Phone, Push: p.PushToken, Address: p.Address},
		Region:   p.Region, Categories: p.Categories,
		Minor: p.Age.IsMinor() || p.Age == audience.AgeUnknown && len(p.Guardians) > 0,
	}
	if out.Language == "" {
		out.Language = fallback
	}
	for _, g := range p.Guardians {
		out.Guardians = append(out.Guardians, store.Guardian{Name: g.Name, Contacts: store.Contacts{Email: g.Email, Phone: g.Phone}})
	}
	return out
}

// batch is how many rows pass from the reading of the file to whoever takes them at once: enough that passing them costs
// nothing, few enough that they weigh nothing.
const batch = 256

// Rows gives one row after another to take, while the file is read on in another goroutine; the reading has ended when Rows
// returns. Where take fails, halt is called, which must end a read that waits; taking is its error, reading the file's.
func Rows(file *audience.File, take func(audience.Row) error, halt func()) (taking, reading error) {
	batches, free := make(chan []audience.Row, 4), make(chan []audience.Row, 6)
	stop := make(chan struct{})
	go func() {
		defer close(batches)
		reading = parse(file, batches, free, stop)
	}()
	if taking = takeAll(batches, free, take); taking != nil {
		close(stop)
		halt()
	}
	for range batches { // until the reader has ended
	}
	return taking, reading
}

// parse gives out rows in batches until the file ends, fails, or nobody wants them.
func parse(file *audience.File, batches chan<- []audience.Row, free <-chan []audience.Row, stop <-chan struct{}) error {
	for {
		rows := make([]audience.Row, 0, batch)
		select {
		case used := <-free:
			rows = used[:0]
		default:
		}
		var err error
		for len(rows) < batch && err == nil {
			var row audience.Row
			if row, err = file.Next(); err == nil {
				rows = append(rows, row)
			}
		}
		select {
		case batches <- rows:
		case <-stop:
			return nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func takeAll(batches <-chan []audience.Row, free chan<- []audience.Row, take func(audience.Row) error) error {
	for rows := range batches {
		for _, row := range rows {
			if err := take(row); err != nil {
				return err
			}
		}
		clear(rows)
		select {
		case free <- rows:
		default:
		}
	}
	return nil
}
