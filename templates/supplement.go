package templates

import (
	"errors"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
)

// Earlier is the notice that a supplementary one corrects or adds to, and what its readers are told of the difference.
type Earlier struct {
	Number     string      // its notice number
	At         time.Time   // the date that it bears
	Changed    breach.Text // what has changed since
	Categories []string    // of data that it spoke of; what the new one speaks of besides is named at its top
}

// supplementGrammar is that of the lines that a supplementary notice begins with.
var supplementGrammar = grammar{
	head:    []string{"subject_person", "subject_minor", "subject_guardian", "push_title", "push_body", "push_body_minor", "more_person", "more_minor", "more_guardian"},
	scalars: []string{"organisation", "short", "home_page", "hotline", "number", "incident", "issued_date", "earlier_number", "earlier_date", "changed"},
	lists:   []string{"more", "more_head"},
	flags:   []string{"person", "minor", "guardian"},
}

func (e *Earlier) validate() error {
	if e == nil {
		return nil
	}
	var faults []error
	if n, err := ParseNoticeNumber(e.Number); err != nil || n != e.Number {
		faults = append(faults, errors.New("notice: the earlier notice's number is not a notice number in its one form"))
	}
	if e.At.IsZero() {
		faults = append(faults, errors.New("notice: the earlier notice's date is missing"))
	}
	if e.Changed.ZH == "" || e.Changed.EN == "" {
		faults = append(faults, errors.New("notice: what has changed since the earlier notice is missing, in Chinese or in English"))
	}
	return errors.Join(faults...)
}

// supplement puts at the top of a notice which one it corrects or adds to, and what changed. It returns the blocks with these,
// and the words of the head that take the place of the form's. The SMS stays: what an SMS says is registered beforehand.
func (s *Set) supplement(v NoticeView, a breach.Audience, l breach.Language, blocks []block) ([]block, map[string]string) {
	src, values := s.notices["supplement."+string(l)], s.supplementValues(v, a, l)
	head := map[string]string{
		"subject":    join(src.head["subject_"+string(a)], values),
		"push_title": join(src.head["push_title"], values),
		"push_body":  join(src.head["push_body"], values),
	}
	if a == breach.ToMinor {
		head["push_body"] = join(src.head["push_body_minor"], values)
	}
	return slices.Insert(slices.Clone(blocks), belowSender(blocks), src.expand(values)...), head
}

// belowSender is the place after the greeting, the paragraph that names the sender and, to a guardian of several children, the
// one that says who is meant.
func belowSender(blocks []block) int {
	at := 1 + slices.IndexFunc(blocks, func(b block) bool { return strings.Contains(b.text, mark("greeting")) })
	if at < len(blocks) && blocks[at].kind == paragraph && blocks[at].group == "" {
		at++
	}
	if at < len(blocks) && slices.ContainsFunc(blocks[at].choice, func(c condition) bool { return c.several }) {
		at++
	}
	return at
}

func (s *Set) supplementValues(v NoticeView, a breach.Audience, l breach.Language) noticeValues {
	out := s.noticeValues(v, string(a), a, l)
	loc, err := zone(v.Organisation.Zone)
	if err != nil {
		loc = time.UTC
	}
	out.scalars["earlier_number"], out.scalars["earlier_date"] = v.Earlier.Number, date(v.Earlier.At, loc, l)
	out.scalars["changed"] = clean(v.Earlier.Changed.In(l))
	out.flags = map[string]bool{"person": a == breach.ToPerson, "minor": a == breach.ToMinor, "guardian": a == breach.ToGuardian}
	out.lists, out.chosen = map[string][]string{}, map[string][]choosing{}
	for _, p := range phrases(s.words[l], string(a), "category.", v.newCategories()) {
		out.lists["more"] = append(out.lists["more"], p.text)
		out.chosen["more"] = append(out.chosen["more"], p.choice)
	}
	if fresh := v.newCategories(); len(out.lists["more"]) > 0 {
		out.lists["more_head"] = []string{join(s.notices["supplement."+string(l)].head["more_"+string(a)], out)}
		out.chosen["more_head"] = []choosing{{{categories: fresh}}}
	}
	return out
}

// newCategories are those that the earlier notice did not speak of.
func (v NoticeView) newCategories() []string {
	return slices.DeleteFunc(inOrder("data.categories", v.Categories), func(c string) bool { return slices.Contains(v.Earlier.Categories, c) })
}
