package regulation

import (
	"embed"
	"errors"
	"path"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"tocsin/internal/breach"
)

//go:embed calendars/*.yaml
var calendarFiles embed.FS

// yearCalendar is a calendar whose every year is published by a notice: holidays, and the weekend days on which people
// work to make up for them.
type yearCalendar struct {
	name    string
	years   map[int]bool
	off     map[date]bool // holidays on what would be working days
	working map[date]bool // make-up working days at weekends
}

// calendarDoc is one file of calendars/.
type calendarDoc struct {
	Format   located   `yaml:"format"`
	Calendar located   `yaml:"calendar"`
	Version  located   `yaml:"version"`
	ZH       string    `yaml:"zh"`
	EN       string    `yaml:"en"`
	Years    []yearDoc `yaml:"years"`
}

type yearDoc struct {
	Year     int         `yaml:"year"`
	Source   string      `yaml:"source"` // the notice's name and number
	Address  string      `yaml:"address"`
	Holidays []rangeDoc  `yaml:"holidays"`
	MakeUp   []makeUpDoc `yaml:"make_up"`
}

type rangeDoc struct {
	ZH    string  `yaml:"zh"`
	EN    string  `yaml:"en"`
	From  located `yaml:"from"`
	Until located `yaml:"until"`
}

type makeUpDoc struct {
	Date located `yaml:"date"`
}

func loadCalendars() (map[string]calendar, []breach.PackRef, error) {
	entries, err := calendarFiles.ReadDir("calendars")
	if err != nil {
		return nil, nil, err
	}
	all, refs := libraryCalendars(), []breach.PackRef(nil)
	for _, e := range entries {
		name := path.Join("calendars", e.Name())
		data, err := calendarFiles.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		cal, ref, err := parseCalendar(name, data)
		if err != nil {
			return nil, nil, err
		}
		all[cal.name], refs = cal, append(refs, ref)
	}
	return all, refs, nil
}

func parseCalendar(name string, data []byte) (*yearCalendar, breach.PackRef, error) {
	var doc calendarDoc
	if err := yaml.UnmarshalWithOptions(data, &doc, yaml.Strict()); err != nil {
		return nil, breach.PackRef{}, yamlFault(name, err)
	}
	cal := &yearCalendar{name: doc.Calendar.Text, years: map[int]bool{}, off: map[date]bool{}, working: map[date]bool{}}
	var faults []error
	read := func(l located, year int) date {
		d, err := parseDate(l.Text)
		if err != nil || d.year < year-1 || d.year > year+1 {
			faults = append(faults, &Fault{File: name, Line: l.Line, Text: strconv.Quote(l.Text) + " is no day of " + strconv.Itoa(year), Mend: "write year-month-day"})
		}
		return d
	}
	for _, y := range doc.Years {
		if y.Source == "" {
			faults = append(faults, &Fault{File: name, Line: doc.Calendar.Line, Text: strconv.Itoa(y.Year) + " names no source", Mend: "name the notice"})
		}
		cal.years[y.Year] = true
		for _, h := range y.Holidays {
			from, until := read(h.From, y.Year), read(h.Until, y.Year)
			for d, n := from, 0; !until.before(d) && n < 32; d, n = d.plus(1), n+1 {
				cal.off[d] = true
			}
		}
		for _, m := range y.MakeUp {
			cal.working[read(m.Date, y.Year)] = true
		}
	}
	ref := breach.PackRef{Name: "calendar-" + cal.name, Version: doc.Version.Text, SHA256: hashOf(data)}
	return cal, ref, errors.Join(faults...)
}

func (c *yearCalendar) isWorking(d date) (bool, error) {
	if !c.years[d.year] {
		return false, &NotPublishedError{Calendar: c.name, Year: d.year}
	}
	switch {
	case c.working[d]:
		return true, nil
	case c.off[d]:
		return false, nil
	}
	return !weekend(d), nil
}

func weekend(d date) bool { return strings.HasPrefix(d.weekday().String(), "S") }
