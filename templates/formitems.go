package templates

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// FormItem is a row of a form, or a list of it, with what it is filled from. An editor shows them and asks for the answers.
type FormItem struct {
	Label   breach.Text
	Answers []string          // keys of [AnswerItems]
	Facts   []breach.FactName // stated as facts of the incident; an answer under a fact's name can say why it does not apply
}

// FormItems lists the rows of a form that facts and answers fill, in reading order. What the configuration fills, such as
// the organisation's address, is left out.
func (s *Set) FormItems(form string) ([]FormItem, error) {
	zh, en := s.filings[form+"."+string(breach.Chinese)], s.filings[form+"."+string(breach.English)]
	if zh == nil || en == nil {
		return nil, unknownForm(form, s.Forms())
	}
	labels := map[string]string{} // of the English rows, by what fills them
	for _, l := range en.body {
		if it := l.formItem(); it.filled() {
			labels[it.source()] = it.Label.EN
		}
	}
	var out []FormItem
	for _, l := range zh.body {
		it := l.formItem()
		if !it.filled() {
			continue
		}
		it.Label.EN = labels[it.source()]
		if it.Label.ZH == "" {
			it.Label = listLabels[l.name.name]
		}
		if !slices.ContainsFunc(out, func(o FormItem) bool { return o.source() == it.source() }) {
			out = append(out, it)
		}
	}
	return out, nil
}

// DutyItems is [Set.FormItems] of a duty's form, with a row for each content that the law asks for and that the form has no row
// of its own for.
func (s *Set) DutyItems(o breach.Obligation) ([]FormItem, error) {
	form := s.FormFor(o)
	out, err := s.FormItems(form)
	if err != nil || o.Stage == breach.StageWithdrawal {
		return out, err
	}
	for i, c := range o.Content {
		if !s.FormCarries(form, c) {
			out = append(out, FormItem{Label: c, Answers: []string{fmt.Sprintf("asked.%d", i+1)}})
		}
	}
	return out, nil
}

func (i FormItem) filled() bool { return len(i.Answers)+len(i.Facts) > 0 }

func (i FormItem) source() string { return fmt.Sprint(i.Answers, i.Facts) }

// formItem reads what fills a line. The label is put into both languages; the caller knows which it is.
func (l line) formItem() FormItem {
	var it FormItem
	if l.kind == each && l.name.name == "measures" {
		it.Answers = []string{"measures"}
	}
	if l.kind != row {
		return it
	}
	for _, p := range l.label {
		it.Label.ZH += p.words
	}
	it.Label.EN = it.Label.ZH
	for _, p := range l.text {
		switch p.name.name {
		case "answer", "stated":
			it.Answers = append(it.Answers, p.name.arg)
		case "residents":
			it.Answers = append(it.Answers, "people_region")
			it.Facts = append(it.Facts, "people.by_region")
		case "headcount":
			it.Answers = append(it.Answers, "people_estimate")
			it.Facts = append(it.Facts, "people.total")
		case "fact":
			it.Facts = append(it.Facts, breach.FactName(p.name.arg))
		}
	}
	return it
}

func unknownForm(form string, forms []string) error {
	return fmt.Errorf("there is no form %q; the forms are: %s", form, strings.Join(forms, ", "))
}
