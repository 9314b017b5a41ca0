package playbook

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

var reference = regexp.MustCompile(`__[a-zA-Z][a-zA-Z0-9_-]*?__:value`)

// references lists the variables that a text uses, each once.
func references(text string) []string {
	var names []string
	for _, m := range reference.FindAllString(text, -1) {
		if name := strings.TrimSuffix(m, ":value"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Values are the operator's values for a plan's variables, by CACAO name ("__containment_gateway__"). They may be secret:
// they come from the configuration of the process that does the step and go into no history.
type Values map[string]string

// MissingValue says that a step cannot be executed because a variable has no value: the step is [NotExecuted].
type MissingValue struct{ Name string }

// Error names the variable, never a value.
func (e *MissingValue) Error() string {
	return fmt.Sprintf("the playbook's variable %s has no value; set it in the configuration", e.Name)
}

// CheckValues reports values that would have no effect: for a variable that the plan does not have, or for a constant.
func (p *Plan) CheckValues(operator Values) error {
	var names []string
	for name := range operator {
		names = append(names, name)
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		v, ok := p.variable(name)
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("the playbook has no variable %s", name))
		case v.Constant:
			errs = append(errs, fmt.Errorf("the playbook's variable %s is constant and cannot be set", name))
		}
	}
	return errors.Join(errs...)
}

// value returns a variable's value: the operator's, else the file's.
func (p *Plan) value(name string, operator Values) (string, error) {
	v, ok := p.variable(name)
	if !ok {
		return "", &MissingValue{Name: name}
	}
	if set, ok := operator[name]; ok && !v.Constant {
		return set, nil
	}
	if !v.Given || (v.External && v.Value == "") {
		return "", &MissingValue{Name: name}
	}
	return v.Value, nil
}

// fill puts values in place of references, each through escape.
func (p *Plan) fill(text string, operator Values, escape func(string) (string, error)) (string, error) {
	var first error
	out := reference.ReplaceAllStringFunc(text, func(m string) string {
		v, err := p.value(strings.TrimSuffix(m, ":value"), operator)
		if err == nil {
			v, err = escape(v)
		}
		if err != nil && first == nil {
			first = err
		}
		return v
	})
	return out, first
}

// ManualText returns a manual command's words with its variables filled in. A variable without a value is named in
// brackets, so that the person knows what to look up; a credential is never shown.
func (p *Plan) ManualText(c Command, operator Values) breach.Text {
	show := func(text, unset, hidden string) string {
		return reference.ReplaceAllStringFunc(text, func(m string) string {
			name := strings.TrimSuffix(m, ":value")
			bare := strings.Trim(name, "_")
			if v, ok := p.variable(name); ok && v.Secret {
				return "[" + bare + hidden + "]"
			}
			v, err := p.value(name, operator)
			if err != nil {
				return "[" + bare + unset + "]"
			}
			return v
		})
	}
	return breach.Text{
		ZH: show(c.Text.ZH, "：未配置", "：保密，不显示"),
		EN: show(c.Text.EN, ": not configured", ": secret, not shown"),
	}
}

// markSecrets marks the variables that headers use as credentials.
func markSecrets(p *Plan) {
	for _, s := range p.Steps {
		for _, c := range s.Commands {
			if c.HTTP == nil {
				continue
			}
			for _, h := range c.HTTP.Headers {
				if !credential(h.Name) {
					continue
				}
				for i := range p.Variables {
					if slices.Contains(references(h.Value), p.Variables[i].Name) {
						p.Variables[i].Secret = true
					}
				}
			}
		}
	}
}

// checkSecrets refuses a credential whose value stands in the file: a plan travels through histories that many may read.
func checkSecrets(p *Plan) error {
	var fs faults
	for _, v := range p.Variables {
		if v.Secret && v.Value != "" {
			fs.add(pointer("playbook_variables", v.Name, "value"), "is used as a credential and must not stand in the playbook; remove the value, set external to true, and set it in the configuration")
		}
	}
	return fs.join()
}
