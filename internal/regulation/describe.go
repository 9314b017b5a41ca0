package regulation

import (
	"slices"

	"tocsin/internal/breach"
)

// PackInfo describes one pack for people who check it.
type PackInfo struct {
	breach.PackRef
	Title       breach.Text      `json:"title"`
	File        string           `json:"file"`
	Instruments []InstrumentInfo `json:"instruments"`
	Authorities []Authority      `json:"authorities,omitempty"`
	Scales      []ScaleInfo      `json:"scales,omitempty"`
	Rules       []RuleInfo       `json:"rules"`
	Sources     []Source         `json:"sources,omitempty"`
}

// InstrumentInfo describes one law, regulation or standard. Dates are written year-month-day; an empty one is open.
type InstrumentInfo struct {
	Key    string      `json:"key"`
	Name   breach.Text `json:"name"`
	Native string      `json:"native,omitempty"` // official name where it is neither Chinese nor English
	Issuer string      `json:"issuer,omitempty"`
	Number string      `json:"number,omitempty"`
	From   string      `json:"from,omitempty"`
	Until  string      `json:"until,omitempty"`
	Source string      `json:"source"`
}

// ArticleInfo is one numbering of an article with its validity.
type ArticleInfo struct {
	Text  breach.Text `json:"text"`
	From  string      `json:"from,omitempty"`
	Until string      `json:"until,omitempty"`
}

// ConditionInfo is one condition: its words, and the expression that is evaluated.
type ConditionInfo struct {
	Text breach.Text       `json:"text"`
	Expr string            `json:"expr"`
	Uses []breach.FactName `json:"uses,omitempty"`
}

// RuleInfo describes one rule.
type RuleInfo struct {
	ID         breach.RuleID   `json:"id"`
	Row        string          `json:"row"` // the reference's row that it encodes
	Title      breach.Text     `json:"title"`
	Instrument string          `json:"instrument"` // key
	Articles   []ArticleInfo   `json:"articles"`
	From       string          `json:"from,omitempty"`
	Until      string          `json:"until,omitempty"`
	To         []breach.Text   `json:"to"`
	Duties     []breach.Duty   `json:"duties"`
	Stage      breach.Stage    `json:"stage"`
	Follows    []breach.RuleID `json:"follows,omitempty"`
	When       []ConditionInfo `json:"when"`
	Unless     []ConditionInfo `json:"unless,omitempty"`
	Deadline   breach.Text     `json:"deadline"`
	Hard       bool            `json:"hard"`
	CoveredBy  []breach.RuleID `json:"covered_by,omitempty"`
	Content    []breach.Text   `json:"content,omitempty"`
	Channels   []string        `json:"channels,omitempty"`
	Source     string          `json:"source"`
	Verify     *breach.Text    `json:"verify,omitempty"`
	File       string          `json:"file"`
	Line       int             `json:"line"`
}

// ScaleInfo describes one scale of severity, gravest level last.
type ScaleInfo struct {
	Key    string      `json:"key"`
	Name   breach.Text `json:"name"`
	Levels []LevelInfo `json:"levels"`
}

// LevelInfo describes one level and the lines that give it.
type LevelInfo struct {
	Key   string          `json:"key"`
	Name  breach.Text     `json:"name"`
	Lines []ConditionInfo `json:"lines,omitempty"`
}

// Describe lists every loaded pack with its rules, by name.
func (e *Engine) Describe() []PackInfo {
	var out []PackInfo
	for _, p := range e.packs {
		info := PackInfo{PackRef: p.ref, Title: p.title, File: p.file, Authorities: p.authorities, Sources: p.sources}
		for _, i := range p.instruments {
			info.Instruments = append(info.Instruments, InstrumentInfo{
				Key: i.key, Name: i.name, Native: i.native, Issuer: i.issuer, Number: i.number,
				From: i.span.from.open(), Until: i.span.until.open(), Source: i.source,
			})
		}
		for _, s := range p.scales {
			info.Scales = append(info.Scales, s.describe())
		}
		for _, r := range p.rules {
			info.Rules = append(info.Rules, r.describe())
		}
		out = append(out, info)
	}
	return out
}

// Rule describes one rule by its id, and whether there is one.
func (e *Engine) Rule(id breach.RuleID) (RuleInfo, bool) {
	for _, r := range e.rules {
		if r.id == id {
			return r.describe(), true
		}
	}
	return RuleInfo{}, false
}

func (r *rule) describe() RuleInfo {
	info := RuleInfo{
		ID: r.id, Row: r.row, Title: r.title, Instrument: r.instrument.key,
		From: r.span.from.open(), Until: r.span.until.open(), Stage: r.stage,
		When: describe(append(slices.Clone(r.pack.applies), r.when...)), Unless: describe(r.unless),
		Deadline: r.deadlineWords(r.clocks[0]), Hard: r.deadline != nil && r.deadline.hard,
		Content: r.content, Channels: r.channels, Source: r.source, Verify: r.verify, File: r.file, Line: r.line,
	}
	for _, a := range r.articles {
		info.Articles = append(info.Articles, ArticleInfo{a.in, a.span.from.open(), a.span.until.open()})
	}
	for _, to := range r.to {
		name := to.name
		if to.same {
			name = breach.Text{ZH: "与首次报告相同", EN: "the same as the first report"}
		}
		info.To, info.Duties = append(info.To, name), append(info.Duties, to.duty)
	}
	for _, q := range r.follows {
		info.Follows = append(info.Follows, q.id)
	}
	for _, q := range r.coveredBy {
		info.CoveredBy = append(info.CoveredBy, q.id)
	}
	return info
}

func (s *scale) describe() ScaleInfo {
	info := ScaleInfo{Key: s.key, Name: s.name}
	for _, l := range s.levels {
		level := LevelInfo{Key: l.key, Name: l.name}
		for _, ln := range l.lines {
			level.Lines = append(level.Lines, describe([]*clause{ln.clause})...)
		}
		info.Levels = append(info.Levels, level)
	}
	return info
}

func describe(clauses []*clause) []ConditionInfo {
	var out []ConditionInfo
	for _, c := range clauses {
		out = append(out, ConditionInfo{c.text, c.source, c.facts})
	}
	return out
}

// open writes a date, and nothing for an open end.
func (d date) open() string {
	if d == (date{}) {
		return ""
	}
	return d.String()
}
