package regulation

import (
	_ "embed"
	"fmt"
	"time"

	"github.com/goccy/go-yaml"

	"tocsin/internal/breach"
)

//go:embed policy.yaml
var policyFile []byte

// policy is ours, not the law's: when to escalate a duty without a number, and what to assume of a silent profile.
type policy struct {
	ref       breach.PackRef
	urgencies map[string]urgency
	assume    []assumption
}

type urgency struct {
	text  breach.Text
	after time.Duration
}

type assumption struct {
	fact  breach.FactName
	value any
	tell  bool
	text  breach.Text
}

type policyDoc struct {
	Format    int    `yaml:"format"`
	Version   string `yaml:"version"`
	Urgencies []struct {
		Key   string `yaml:"key"`
		ZH    string `yaml:"zh"`
		EN    string `yaml:"en"`
		Hours int    `yaml:"escalate_after_hours"`
	} `yaml:"urgencies"`
	Assume []struct {
		Facts map[string]any `yaml:"facts"`
		Tell  bool           `yaml:"tell"`
		ZH    string         `yaml:"zh"`
		EN    string         `yaml:"en"`
	} `yaml:"assume"`
}

func loadPolicy() (*policy, error) {
	var doc policyDoc
	if err := yaml.UnmarshalWithOptions(policyFile, &doc, yaml.Strict()); err != nil {
		return nil, yamlFault("policy.yaml", err)
	}
	p := &policy{
		ref:       breach.PackRef{Name: "policy", Version: doc.Version, SHA256: hashOf(policyFile)},
		urgencies: map[string]urgency{},
	}
	for _, u := range doc.Urgencies {
		p.urgencies[u.Key] = urgency{breach.Text{ZH: u.ZH, EN: u.EN}, time.Duration(u.Hours) * time.Hour}
	}
	for _, a := range doc.Assume {
		for _, name := range sortedKeys(a.Facts) {
			def, known := breach.DefOf(breach.FactName(name))
			if !known {
				return nil, &Fault{File: "policy.yaml", Text: fmt.Sprintf("there is no fact named %q", name)}
			}
			v, err := factFromYAML(def, a.Facts[name])
			if err != nil {
				return nil, &Fault{File: "policy.yaml", Text: err.Error()}
			}
			p.assume = append(p.assume, assumption{def.Name, v, a.Tell, breach.Text{ZH: a.ZH, EN: a.EN}})
		}
	}
	return p, nil
}

// fill adds what the policy takes for granted.
func (p *policy) fill(f breach.Facts) (filled breach.Facts, assumed []assumption) {
	filled = f.Merge(nil)
	for _, a := range p.assume {
		if _, known := filled[a.fact]; known {
			continue
		}
		filled[a.fact] = a.value
		assumed = append(assumed, a)
	}
	return filled, assumed
}

// told says what was assumed of facts that matter; assumptions in the same words become one.
func told(assumed []assumption, matters func(breach.FactName) bool) []breach.Reason {
	var out []breach.Reason
	for _, a := range assumed {
		if !a.tell || !matters(a.fact) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Text == a.text {
			out[n-1].Facts = append(out[n-1].Facts, a.fact)
			continue
		}
		out = append(out, breach.Reason{Text: a.text, Facts: []breach.FactName{a.fact}})
	}
	return out
}
