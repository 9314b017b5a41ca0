package playbook

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

const (
	maxBytes = 1 << 20 // of a playbook's file
	maxDepth = 32      // of nested objects and lists
)

//go:embed schema.json
var schemaJSON []byte

var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		panic("playbook: schema.json: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	const id = "urn:tocsin:cacao-2.0-subset"
	if err := c.AddResource(id, doc); err != nil {
		panic("playbook: schema.json: " + err.Error())
	}
	return c.MustCompile(id)
})

// checkShape checks size, JSON syntax and the schema.
func checkShape(b []byte) error {
	if len(b) > maxBytes {
		return fmt.Errorf("the playbook has %d bytes; at most %d are read", len(b), maxBytes)
	}
	if err := checkJSON(b); err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return errors.New("the playbook is not one JSON object")
	}
	err = schema().Validate(doc)
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return errors.New("the playbook could not be checked against the schema")
	}
	var fs faults
	collect(&fs, invalid)
	return fs.join()
}

// collect gathers the innermost causes: they name the place a person has to mend.
func collect(fs *faults, e *jsonschema.ValidationError) {
	if len(e.Causes) == 0 {
		fs.add(pointer(e.InstanceLocation...), mend(e.ErrorKind))
		return
	}
	for _, c := range e.Causes {
		collect(fs, c)
	}
}

// mend says what to do about a schema error, without repeating the file's values: they may be secret.
func mend(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Required:
		return "required, and missing here: " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "these names are not allowed here: " + strings.Join(slices.Sorted(slices.Values(k.Properties)), ", ") + "; remove them or correct their spelling (an identifier is a type, --, and a UUID; a variable is __name__)"
	case *kind.FalseSchema:
		return "CACAO 2.0 does not have this property in this place; remove it or correct its spelling"
	case *kind.Const:
		return fmt.Sprintf("must be %v", k.Want)
	case *kind.Enum:
		return fmt.Sprintf("must be one of %v", k.Want)
	case *kind.Type:
		return "must be of type " + strings.Join(k.Want, " or ") + ", not " + k.Got
	case *kind.Pattern:
		return "does not have the form that CACAO 2.0 asks for: " + k.Want
	case *kind.MinItems:
		return "needs at least " + strconv.Itoa(k.Want) + " entries"
	case *kind.MinProperties:
		return "needs at least " + strconv.Itoa(k.Want) + " entries"
	case *kind.MinLength:
		return "must not be empty"
	}
	return k.LocalizedString(message.NewPrinter(language.English))
}

// checkJSON refuses what Go's decoder would quietly let pass: a key given twice, a second value behind the first, and
// nesting without end.
func checkJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := checkValue(dec, nil); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(b[:min(int(syntax.Offset), len(b))], []byte("\n"))
			return fmt.Errorf("the playbook is not JSON: mistake in line %d", line)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the playbook is not JSON: it ends too early")
		}
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the playbook must be one JSON object with nothing behind it")
	}
	return nil
}

func checkValue(dec *json.Decoder, at []string) error {
	if len(at) > maxDepth {
		return &Fault{Path: pointer(at...), Says: "nested deeper than " + strconv.Itoa(maxDepth) + " levels"}
	}
	t, err := dec.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		seen := map[string]bool{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return &Fault{Path: pointer(append(at, name)...), Says: "this key is given twice; keep one"}
			}
			seen[name] = true
			if err := checkValue(dec, append(slices.Clone(at), name)); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if err := checkValue(dec, append(slices.Clone(at), strconv.Itoa(i))); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = dec.Token() // the closing bracket
	return err
}
