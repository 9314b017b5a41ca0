package synthetic

import (
	"fmt"
	"io"
	"strings"
)

// writeBad writes a row that cannot be understood as a person. Each takes one line and leaves its neighbours alone.
func (g *generator) writeBad() error {
	g.tally.BadRows++
	n := g.number
	g.number++
	p := person{id: fmt.Sprintf("demo-%07d", n), name: surname(n) + "示例" + numerals(n), email: email(n), phone: adultPhone(n)}
	cells := p.row()
	var brokenBytes string
	switch g.bad % 7 {
	case 0: // a comma too many
		cells = append(cells[:3:3], append([]string{"x"}, cells[3:]...)...)
	case 1: // a row cut short
		cells = cells[:4]
	case 2: // a quote never closed
		cells[1] = `"` + cells[1]
	case 3: // a quote in the middle
		cells[1] += `"小名"`
	case 4: // a control character
		cells[1] += "\x07"
	case 5: // cells without content
		clear(cells)
		p = person{}
	case 6: // half a character, as after a cut
		p = person{id: p.id}
		cells, brokenBytes = []string{p.id}, ",\x81"+strings.Repeat(",", len(headers)-2)+"\r\n"
	}
	g.bad++
	g.canary(p.id, p.name, p.email, p.phone)
	line := strings.Join(cells, ",")
	if brokenBytes == "" {
		line += "\r\n"
	}
	if _, err := io.WriteString(g.text, line); err != nil {
		return err
	}
	_, err := io.WriteString(g.raw, brokenBytes)
	return err
}
