package templates

import (
	"errors"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// FormWithdrawal takes an earlier report back.
const FormWithdrawal = "general/withdrawal"

// FormGeneral is the form for duties that have none of their own here. It gives every content that the law asks for a row.
const FormGeneral = "general/report"

// ownForm matches the forms that an operator may add: both languages of filings/<authority>/<form>.
var ownForm = regexp.MustCompile(`^filings/[a-z0-9-]+/[a-z0-9-]+\.(zh-CN|en)\.txt$`)

// selector is one word of a form's line "rules:": a rule, one of its addressees, one of its stages.
var selector = regexp.MustCompile(`^[a-z0-9.-]+(/[a-z0-9-]+)?(@(single|initial|supplement|final|withdrawal))?$`)

// ownForms lists the operator's forms that replace no shipped one.
func ownForms(overrides fs.FS) []string {
	if overrides == nil {
		return nil
	}
	var names []string
	_ = fs.WalkDir(overrides, ".", func(name string, d fs.DirEntry, err error) error { // strangers reports a folder that cannot be read
		if err != nil || d.IsDir() || !ownForm.MatchString(name) {
			return err
		}
		if _, err := fs.Stat(shipped, name); err != nil {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// link puts the parts into the forms and learns which rules each form is for. An operator's own form goes before a shipped one.
func (s *Set) link(own []string) error {
	var faults []error
	for _, src := range s.filings {
		faults = append(faults, src.putIn(s.parts))
	}
	s.byRule = map[string]string{}
	ownRules := map[string]string{}
	for _, form := range s.Forms() {
		rules := s.byRule
		if slices.Contains(own, "filings/"+form+"."+string(breach.Chinese)+".txt") {
			rules = ownRules
		}
		faults = append(faults, s.claim(form, rules))
	}
	maps.Copy(s.byRule, ownRules)
	return errors.Join(faults...)
}

// claim notes the rules of a form, once its two languages agree on them.
func (s *Set) claim(form string, rules map[string]string) error {
	zh, en := s.filings[form+"."+string(breach.Chinese)], s.filings[form+"."+string(breach.English)]
	if zh == nil || en == nil {
		return fmt.Errorf("filings/%s: a form needs both languages: %[1]s.%s.txt and %[1]s.%s.txt", form, breach.Chinese, breach.English)
	}
	for _, key := range filingGrammar.plain {
		if zh.plain[key] != en.plain[key] {
			return fmt.Errorf("%s and %s: the line \"%s: …\" must be the same in both", zh.path, en.path, key)
		}
	}
	var faults []error
	for _, sel := range strings.Fields(zh.plain["rules"]) {
		other := rules[sel]
		rules[sel] = form
		switch {
		case !selector.MatchString(sel):
			faults = append(faults, fmt.Errorf("%s: in rules, %q must be a rule, with /addressee or @stage where the form is for one only", zh.path, sel))
		case other != "":
			faults = append(faults, fmt.Errorf("%s: filings/%s is the form for %s already", zh.path, other, sel))
		}
	}
	return errors.Join(faults...)
}

// putIn replaces each {{part}} by the part's lines.
func (s *source) putIn(parts map[string]*source) error {
	_, language, _ := strings.Cut(strings.TrimSuffix(s.path, ".txt"), ".")
	body, err := flat(s, language, parts, nil)
	s.body = body
	return errors.Join(err, s.checkMarks())
}

// checkMarks sees to it that each content the law asks for is followed by something that says it.
func (s *source) checkMarks() error {
	var faults []error
	for i, l := range s.body {
		if l.kind != contentMark {
			continue
		}
		next := slices.IndexFunc(s.body[i:], func(n line) bool { return n.kind != contentMark })
		if next < 0 || !slices.Contains([]lineKind{row, each, lines, paragraph}, s.body[i+next].kind) {
			faults = append(faults, fmt.Errorf("%s: the law asks for %q, and nothing after it answers", s.path, l.group))
		}
	}
	return errors.Join(faults...)
}

// flat gives a text's lines with those of its parts. in are the parts on the way down, so that none holds itself.
func flat(s *source, language string, parts map[string]*source, in []string) ([]line, error) {
	var body []line
	var faults []error
	for _, l := range s.body {
		if l.kind != include {
			body = append(body, l)
			continue
		}
		name := l.name.name
		p := parts[name+"."+language]
		if p == nil || slices.Contains(in, name) {
			faults = append(faults, fmt.Errorf("%s: there is no part named %q that can stand here; parts are the files of filings/parts", s.path, name))
			continue
		}
		inner, err := flat(p, language, parts, append(slices.Clone(in), name))
		body, faults = append(body, inner...), append(faults, err)
	}
	return body, errors.Join(faults...)
}

// Forms lists the forms of the set, sorted.
func (s *Set) Forms() []string {
	seen := map[string]bool{}
	for key := range s.filings {
		form, _, _ := strings.Cut(key, ".")
		seen[form] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// FormFor returns the form for an obligation: the one that names its rule, addressee and stage most closely in its line
// "rules:", and [FormGeneral] where none names the rule.
func (s *Set) FormFor(o breach.Obligation) string {
	rule, addressee, stage := string(o.Rule), "/"+o.Authority, "@"+string(o.Stage)
	for _, sel := range []string{rule + addressee + stage, rule + stage, rule + addressee, rule} {
		if form, ok := s.byRule[sel]; ok && (o.Stage != breach.StageWithdrawal || strings.HasSuffix(sel, stage)) {
			return form
		}
	}
	if o.Stage == breach.StageWithdrawal {
		return FormWithdrawal
	}
	return FormGeneral
}

// FormRules lists the rules that forms are for, sorted.
func (s *Set) FormRules() []breach.RuleID {
	seen := map[breach.RuleID]bool{}
	for sel := range s.byRule {
		sel, _, _ = strings.Cut(sel, "@")
		rule, _ := breach.SplitObligationKey(sel)
		seen[rule] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// FormReads lists the languages that the addressee of a form works in, as BCP 47 tags, the first one first. It is empty
// where that depends on the addressee, as it does across the European Union. A report in any other language needs a
// translation beside it.
func (s *Set) FormReads(form string) []string {
	src := s.filings[form+"."+string(breach.Chinese)]
	if src == nil {
		return nil
	}
	return strings.Fields(src.plain["reads"])
}

// FilingLanguages puts the language that the addressee reads first: it becomes the report, the other its attachment.
func (s *Set) FilingLanguages(o breach.Obligation) []breach.Language {
	chinese, english := []breach.Language{breach.Chinese, breach.English}, []breach.Language{breach.English, breach.Chinese}
	for _, tag := range s.FormReads(s.FormFor(o)) {
		switch base, _, _ := strings.Cut(tag, "-"); base {
		case "zh":
			return chinese
		case "en":
			return english
		}
	}
	if o.Zone == "Asia/Shanghai" || o.Zone == "" {
		return chinese
	}
	return english
}

// FormCarries reports whether a form answers a content that the law asks for, in the words of the law's pack.
func (s *Set) FormCarries(form string, content breach.Text) bool {
	for _, l := range Languages() {
		src := s.filings[form+"."+string(l)]
		if src == nil || !slices.Contains(src.marks(), clean(content.In(l))) {
			return false
		}
	}
	return true
}

const formStyle = `body{margin:0 auto;padding:24px;max-width:820px;color:#1a1a1a;background:#fff;` +
	`font:15px/1.7 "Songti SC","SimSun","Noto Serif CJK SC",Georgia,serif}` +
	`h1{font-size:22px;text-align:center;margin:0 0 20px}h2{font-size:16px;margin:22px 0 8px}` +
	`table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:6px 10px;text-align:left;vertical-align:top}` +
	`th{width:34%;font-weight:normal;background:#f4f4f4}ul{margin:0 0 14px;padding-left:22px}` +
	`@media print{body{padding:0;max-width:none}}`

func formPage(title string, l breach.Language, inside string) string {
	t := html.EscapeString(title)
	return "<!DOCTYPE html>\n<html lang=\"" + html.EscapeString(string(l)) + "\">\n<head>\n<meta charset=\"utf-8\">\n<title>" + t +
		"</title>\n<style>" + formStyle + "</style>\n</head>\n<body>\n<h1>" + t + "</h1>\n" + inside + "</body>\n</html>\n"
}
