package audience

import "strings"

// arena holds short texts that are made of others, many to one piece of memory. Its zero value is ready.
type arena struct{ text strings.Builder }

const arenaBytes = 8 << 10

// join is a and b in one text.
func (a *arena) join(x, y string) string {
	from := a.room(len(x) + len(y))
	a.text.WriteString(x)
	a.text.WriteString(y)
	return a.text.String()[from:]
}

// keep is b as a text that stays.
func (a *arena) keep(b []byte) string {
	from := a.room(len(b))
	a.text.Write(b)
	return a.text.String()[from:]
}

// room makes sure that n bytes fit without moving those before, and tells where they will be.
func (a *arena) room(n int) (from int) {
	if a.text.Cap()-a.text.Len() < n {
		a.text = strings.Builder{}
		a.text.Grow(max(n, arenaBytes))
	}
	return a.text.Len()
}
