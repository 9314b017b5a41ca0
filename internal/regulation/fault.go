package regulation

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Fault is one thing wrong in a pack, where it stands, and how to mend it.
type Fault struct {
	File string // as embedded, or the path the operator gave
	Line int    // from 1; 0 where the file as a whole is meant
	Text string // what is wrong
	Mend string // what to write instead
}

// Error reads "cn-cac.yaml:12: what is wrong; how to mend it".
func (f *Fault) Error() string {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	if f.Mend == "" {
		return place + ": " + f.Text
	}
	return place + ": " + f.Text + "; " + f.Mend
}

// Faults takes the error of [Load] apart.
func Faults(err error) []*Fault {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Fault
		for _, e := range joined.Unwrap() {
			all = append(all, Faults(e)...)
		}
		return all
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return []*Fault{f}
	}
	return []*Fault{{Text: err.Error()}}
}

// located is a scalar that remembers where it stands.
type located struct {
	Text string
	Line int
}

// UnmarshalYAML keeps a scalar as it is written: a date stays text, a number stays its digits.
func (l *located) UnmarshalYAML(n ast.Node) error {
	l.Line = n.GetToken().Position.Line
	switch n := n.(type) {
	case *ast.StringNode:
		l.Text = n.Value
	case *ast.LiteralNode:
		l.Text = n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		l.Text = strings.TrimSpace(n.GetToken().Value)
	default:
		return fmt.Errorf("[%d:%d] a single value is wanted here", l.Line, n.GetToken().Position.Column)
	}
	return nil
}

// yamlFault turns the YAML library's error into one of ours.
func yamlFault(file string, err error) *Fault {
	line, text := 0, err.Error()
	if e, ok := errors.AsType[yaml.Error](err); ok {
		text = e.GetMessage()
		if t := e.GetToken(); t != nil {
			line = t.Position.Line
		}
	}
	text, _, _ = strings.Cut(text, "\n")
	if line == 0 {
		if n, _ := fmt.Sscanf(text, "[%d:", &line); n == 1 {
			_, text, _ = strings.Cut(text, "] ")
		}
	}
	return &Fault{File: file, Line: line, Text: text, Mend: "see docs/law.md for the fields of a pack"}
}
