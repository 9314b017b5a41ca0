package regulation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"tocsin/internal/breach"
)

// maxFactsFile limits a file of facts. One with every fact set has some 5,000 bytes.
const maxFactsFile = 1 << 20

// ParseFacts reads a file of facts, YAML or JSON: "people.total: 1200", one fact a line. A fact without a value, or null,
// stays unknown. All faults come back together, each a [*Fault] with its line.
func ParseFacts(name string, data []byte) (breach.Facts, error) {
	if len(data) > maxFactsFile {
		return nil, &Fault{File: name, Text: "the file is larger than 1 MiB", Mend: "is it a file of facts? tocsin facts new writes one"}
	}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		f := yamlFault(name, err)
		f.Mend = "write one fact a line, such as people.total: 1200 (tocsin facts new writes a template)"
		if strings.Contains(f.Text, "already defined") {
			f.Mend = "keep one of the two"
		}
		return nil, f
	}
	facts := breach.Facts{}
	var faults []error
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		faults = append(faults, readFacts(name, doc.Body, facts)...)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return facts, nil
}

func readFacts(file string, body ast.Node, facts breach.Facts) []error {
	var values []*ast.MappingValueNode
	switch n := body.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	case *ast.NullNode, *ast.CommentGroupNode:
		return nil
	default:
		return []error{&Fault{
			File: file, Line: body.GetToken().Position.Line, Text: "this is not a list of facts",
			Mend: "write one fact a line, such as people.total: 1200",
		}}
	}
	var faults []error
	for _, v := range values {
		line := v.GetToken().Position.Line
		if t := v.Key.GetToken(); t != nil {
			line = t.Position.Line
		}
		fail := func(err error) { faults = append(faults, &Fault{File: file, Line: line, Text: err.Error()}) }
		def, known := breach.DefOf(breach.FactName(keyText(v.Key)))
		if !known {
			_, _, err := breach.ParseAssignment(keyText(v.Key) + "=")
			fail(err)
			continue
		}
		if _, twice := facts[def.Name]; twice {
			fail(fmt.Errorf("%s is given twice", def.Name))
			continue
		}
		var raw any
		if err := yaml.NodeToValue(v.Value, &raw); err != nil {
			fail(fmt.Errorf("the value of %s cannot be read", def.Name))
			continue
		}
		if raw == nil {
			continue
		}
		value, err := factFromYAML(def, raw)
		if err != nil {
			fail(err)
			continue
		}
		facts[def.Name] = value
	}
	return faults
}

func keyText(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return k.String()
}

// factFromYAML reads a decoded YAML value. Text forms as on the command line are accepted too: "leak, tamper", "CN:1200".
func factFromYAML(def breach.FactDef, raw any) (any, error) {
	if s, ok := raw.(string); ok {
		return def.Parse(s)
	}
	b, err := json.Marshal(map[string]any{string(def.Name): raw})
	if err != nil {
		return nil, fmt.Errorf("the value of %s cannot be read", def.Name)
	}
	var f breach.Facts
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	return f[def.Name], nil
}
