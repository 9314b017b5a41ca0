package regulation

import (
	"slices"

	"tocsin/internal/breach"
)

// scale is a compiled scale of severity.
type scale struct {
	key        string
	name       breach.Text
	when       []*clause
	span       span
	instrument *instrument
	articles   []article
	base       int // rank of the level that needs no line; 0 where the scale gives none
	levels     []*level
	score      *score
	source     string
	verify     []breach.Text // for scales that add up; the others have it by line
}

// level has the rank of its place, from 1.
type level struct {
	key    string
	name   breach.Text
	lines  []*line
	points float64 // for scales that add up
}

type line struct {
	clause *clause
	source string
	verify breach.Text
}

// ranked is a level's verdict: is the severity at least this?
type ranked struct {
	verdict
	why    []breach.Reason
	verify []breach.Text // the doubts about the lines that hold
}

// judge decides every level of a scale and puts the answers on the scene. applies is whether the pack and the scale apply
// at all.
func (s *scene) judge(sc *scale, applies verdict) (breach.Severity, error) {
	atLeast, err := s.ranks(sc)
	if err != nil {
		return breach.Severity{}, err
	}
	out := breach.Severity{Scale: sc.key, ScaleName: sc.name, Source: sc.source}
	for rank, l := range slices.Backward(sc.levels) {
		r := atLeast[rank]
		v := allOf(applies, r.verdict)
		v.used = r.used // that the law applies at all is said by the rule itself
		s.levels[levelName(sc.key, l.key)] = v
		if v.truth == isTrue && out.Rank == 0 {
			out.Level, out.LevelName, out.Rank, out.Why = l.key, l.name, rank+1, r.why
			out.Verify = joined(r.verify)
		}
		if v.truth != isFalse && out.Possible == "" {
			out.Possible = l.key
		}
	}
	return out, nil
}

func joined(texts []breach.Text) *breach.Text {
	if len(texts) == 0 {
		return nil
	}
	out := texts[0]
	for _, t := range texts[1:] {
		out.ZH += t.ZH
		out.EN += " " + t.EN
	}
	return &out
}

// ranks answers, for each level from the slightest, whether the severity is at least that.
func (s *scene) ranks(sc *scale) ([]ranked, error) {
	if sc.score != nil {
		return s.scoreRanks(sc), nil
	}
	out := make([]ranked, len(sc.levels))
	higher := ranked{verdict: verdict{truth: isFalse}}
	for rank, l := range slices.Backward(sc.levels) {
		here := higher
		for _, ln := range l.lines {
			v, err := s.eval(ln.clause)
			if err != nil {
				return nil, err
			}
			here.verdict = anyOf(here.verdict, v)
			if v.truth == isTrue {
				here.why = append(slices.Clip(here.why), s.reason(ln.clause.text, v.used))
				if ln.verify != (breach.Text{}) && !slices.Contains(here.verify, ln.verify) {
					here.verify = append(slices.Clip(here.verify), ln.verify)
				}
			}
		}
		if rank+1 <= sc.base {
			here.verdict = verdict{truth: isTrue, used: here.used}
		}
		out[rank] = here
		higher = here
	}
	return out, nil
}

// score is (highest of highest, clamped) x times + each of plus, in points.
type score struct {
	highest []points
	low     float64
	high    float64
	times   points
	plus    []points
}

// points gives a number for each value of one fact.
type points struct {
	fact   breach.FactName
	values map[string]float64
}

// span of what a fact can bring: one number where it is known, the extremes where it is not.
func (p points) span(f breach.Facts) (low, high float64, known bool) {
	if v, ok := f.Enum(p.fact); ok {
		return p.values[v], p.values[v], true
	}
	if b, ok := f.Bool(p.fact); ok {
		v := "false"
		if b {
			v = "true"
		}
		return p.values[v], p.values[v], true
	}
	first := true
	for _, v := range p.values {
		if first || v < low {
			low = v
		}
		if first || v > high {
			high = v
		}
		first = false
	}
	return low, high, false
}

// sum is the lowest and the highest score that the known facts leave possible.
func (sc *score) sum(f breach.Facts) (low, high float64, used, missing []breach.FactName) {
	note := func(p points, known bool) {
		if known {
			used = append(used, p.fact)
		} else {
			missing = append(missing, p.fact)
		}
	}
	for _, p := range sc.highest {
		l, h, known := p.span(f)
		low, high = max(low, l), max(high, h)
		note(p, known)
	}
	low, high = min(max(low, sc.low), sc.high), min(max(high, sc.low), sc.high)
	l, h, known := sc.times.span(f)
	low, high = low*l, high*h
	note(sc.times, known)
	for _, p := range sc.plus {
		l, h, known := p.span(f)
		low, high = low+l, high+h
		note(p, known)
	}
	return low, high, used, missing
}

func (s *scene) scoreRanks(sc *scale) []ranked {
	low, high, used, missing := sc.score.sum(s.facts)
	why := []breach.Reason{s.reason(scoreText(low, high), used)}
	out := make([]ranked, len(sc.levels))
	for i, l := range sc.levels {
		switch {
		case low >= l.points:
			out[i] = ranked{verdict{truth: isTrue, used: used}, why, sc.verify}
		case high < l.points:
			out[i] = ranked{verdict{truth: isFalse, used: used}, nil, nil}
		default:
			out[i] = ranked{verdict{truth: isOpen, used: used, missing: missing}, nil, nil}
		}
	}
	return out
}
