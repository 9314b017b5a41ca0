package regulation

import "tocsin/internal/breach"

// The types of this file are the format of a pack, version 1. docs/law.md explains each field.

// packDoc is one file of law.
type packDoc struct {
	Format      located         `yaml:"format"`
	Pack        located         `yaml:"pack"`
	Version     located         `yaml:"version"`
	Title       breach.Text     `yaml:"title"`
	Native      located         `yaml:"native"` // language whose manner of citing the articles follow: zh or en
	Zone        located         `yaml:"zone"`
	Applies     []clauseDoc     `yaml:"applies"`
	Instruments []instrumentDoc `yaml:"instruments"`
	Authorities []authorityDoc  `yaml:"authorities"`
	Sources     []sourceDoc     `yaml:"sources"`
	Doubts      []doubtDoc      `yaml:"doubts"`
	Contents    []contentDoc    `yaml:"contents"`
	Terms       []termDoc       `yaml:"terms"`
	Scales      []scaleDoc      `yaml:"scales"`
	Rules       []ruleDoc       `yaml:"rules"`
}

type instrumentDoc struct {
	Key    located `yaml:"key"`
	ZH     string  `yaml:"zh"`
	EN     string  `yaml:"en"`
	Native string  `yaml:"native"` // official name where it is neither Chinese nor English
	Issuer string  `yaml:"issuer"`
	Number string  `yaml:"number"`
	From   located `yaml:"from"`
	Until  located `yaml:"until"`
	Source located `yaml:"source"`
}

type authorityDoc struct {
	Key  located `yaml:"key"`
	ZH   string  `yaml:"zh"`
	EN   string  `yaml:"en"`
	Zone located `yaml:"zone"` // the pack's where it is empty
}

type sourceDoc struct {
	Key   located `yaml:"key"`
	Title string  `yaml:"title"`
}

type doubtDoc struct {
	Key located `yaml:"key"`
	All bool    `yaml:"all"` // of every rule of the pack
	ZH  string  `yaml:"zh"`
	EN  string  `yaml:"en"`
}

type contentDoc struct {
	Key   located       `yaml:"key"`
	Items []breach.Text `yaml:"items"`
}

// clauseDoc is one condition with the words for it, or the name of a term.
type clauseDoc struct {
	Expr located `yaml:"expr"`
	ZH   string  `yaml:"zh"`
	EN   string  `yaml:"en"`
	Term located `yaml:"term"`
}

type termDoc struct {
	Key  located `yaml:"key"`
	Expr located `yaml:"expr"`
	ZH   string  `yaml:"zh"`
	EN   string  `yaml:"en"`
}

type articleDoc struct {
	ZH    located `yaml:"zh"`
	EN    string  `yaml:"en"`
	From  located `yaml:"from"`
	Until located `yaml:"until"`
}

type scaleDoc struct {
	Key        located      `yaml:"key"`
	ZH         string       `yaml:"zh"`
	EN         string       `yaml:"en"`
	Instrument located      `yaml:"instrument"`
	Article    []articleDoc `yaml:"article"`
	When       []clauseDoc  `yaml:"when"`
	From       located      `yaml:"from"`
	Until      located      `yaml:"until"`
	Base       located      `yaml:"base"`   // the level of everything that no line lifts; empty: no level
	Levels     []levelDoc   `yaml:"levels"` // from the slightest to the gravest
	Score      *scoreDoc    `yaml:"score"`  // for scales that add up points
	Source     located      `yaml:"source"`
	Verify     []located    `yaml:"verify"`
}

type levelDoc struct {
	Key   located   `yaml:"key"`
	ZH    string    `yaml:"zh"`
	EN    string    `yaml:"en"`
	Lines []lineDoc `yaml:"lines"`
	Score located   `yaml:"score"` // reached from this number of points
}

type lineDoc struct {
	Expr   located   `yaml:"expr"`
	ZH     string    `yaml:"zh"`
	EN     string    `yaml:"en"`
	Source located   `yaml:"source"`
	Verify []located `yaml:"verify"`
}

// scoreDoc is (highest of Highest, clamped) x Times + each of Plus.
type scoreDoc struct {
	Highest []pointsDoc `yaml:"highest"`
	Clamp   []float64   `yaml:"clamp"`
	Times   pointsDoc   `yaml:"times"`
	Plus    []pointsDoc `yaml:"plus"`
}

type pointsDoc struct {
	Fact   located            `yaml:"fact"`
	Points map[string]float64 `yaml:"points"`
}

type ruleDoc struct {
	ID         located       `yaml:"id"`
	Row        located       `yaml:"row"` // the reference's row where one row makes several rules
	Title      breach.Text   `yaml:"title"`
	Instrument located       `yaml:"instrument"`
	Article    []articleDoc  `yaml:"article"`
	From       located       `yaml:"from"` // the instrument's where empty
	Until      located       `yaml:"until"`
	To         []located     `yaml:"to"`
	Duty       located       `yaml:"duty"` // only where it does not follow from the addressee
	Stage      located       `yaml:"stage"`
	Follows    []located     `yaml:"follows"`
	When       []clauseDoc   `yaml:"when"`
	Unless     []clauseDoc   `yaml:"unless"`
	Clock      []located     `yaml:"clock"`
	Deadline   *deadlineDoc  `yaml:"deadline"`
	Urgency    located       `yaml:"urgency"`
	Delay      *delayDoc     `yaml:"delay"`
	Content    located       `yaml:"content"`
	Contents   []breach.Text `yaml:"contents"`
	Channels   []located     `yaml:"channels"`
	CoveredBy  []located     `yaml:"covered_by"`
	Supersedes []located     `yaml:"supersedes"`
	Source     located       `yaml:"source"`
	Verify     []located     `yaml:"verify"`
}

type deadlineDoc struct {
	Amount   int     `yaml:"amount"`
	Unit     located `yaml:"unit"`  // minute, hour, calendar_day, business_day
	Start    located `yaml:"start"` // same_instant, next_day, same_day, year_end
	Roll     located `yaml:"roll"`  // none, next_business_day
	Calendar located `yaml:"calendar"`
	Kind     located `yaml:"kind"` // hard, soft
}

// delayDoc is a lawful postponement: until the fact's instant the duty rests.
type delayDoc struct {
	Fact located `yaml:"fact"`
	ZH   string  `yaml:"zh"`
	EN   string  `yaml:"en"`
}
