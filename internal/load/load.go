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
const batch = 512

// Rows gives one row after another to take, while the file is read on in another goroutine; the reading has ended when Rows
// returns. A row is take's until it returns. Where take fails, halt is called, which must end a read that waits; taking is
// its error, reading the file's.
func Rows(file *audience.File, take func(*audience.Row) error, halt func()) (taking, reading error) {
	full, free := make(chan []audience.Row, 4), make(chan []audience.Row, 6)
	stop := make(chan struct{})
	go func() {
		defer close(full)
		reading = read(file, full, free, stop)
	}()
	if taking = takeAll(full, free, take); taking != nil {
		close(stop)
		halt()
	}
	for range full { // until the reader has ended
	}
	return taking, reading
}

// read gives out rows in batches until the file ends, fails, or nobody wants them.
func read(file *audience.File, full chan<- []audience.Row, free <-chan []audience.Row, stop <-chan struct{}) error {
	for {
		var rows []audience.Row
		select {
		case rows = <-free:
			rows = rows[:cap(rows)]
		default:
			rows = make([]audience.Row, batch)
		}
		n, err := file.Read(rows)
		select {
		case full <- rows[:n]:
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

func takeAll(full <-chan []audience.Row, free chan<- []audience.Row, take func(*audience.Row) error) error {
	for rows := range full {
		for i := range rows {
			if err := take(&rows[i]); err != nil {
				return err
			}
		}
		select {
		case free <- rows:
		default:
		}
	}
	return nil
}
