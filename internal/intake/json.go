package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep objects and arrays may lie within each other.
const MaxDepth = 32

// Fault says why a body was refused: the place, and the rule in words for the person who mends it. It holds no value.
type Fault struct {
	At   string // "alerts[0].startsAt", "line 3, column 7"; empty where it is the whole body
	Text string
}

// Error names the place and the rule.
func (f *Fault) Error() string {
	if f.At == "" {
		return f.Text
	}
	return f.At + ": " + f.Text
}

func fault(at, format string, args ...any) error {
	return &Fault{At: at, Text: fmt.Sprintf(format, args...)}
}

// within places a fault of a part in the whole.
func within(at string, err error) error {
	f, ok := errors.AsType[*Fault](err)
	if !ok {
		return err
	}
	return fault(strings.Trim(at+"."+f.At, "."), "%s", strings.TrimPrefix(f.Text, "the body "))
}

// Decode reads the one JSON value of body into out: UTF-8, at most [MaxBytes] and [MaxDepth], names in their exact case, no
// unknown and no repeated ones, nothing after the value. Its error is a [*Fault].
func Decode(body []byte, out any) error {
	if err := checkShape(body); err != nil {
		return err
	}
	return explain(body, json.Unmarshal(body, out, json.RejectUnknownMembers(true)))
}

// decodeForeign is [Decode] for a vendor's format, where unknown names are let through.
func decodeForeign(body []byte, out any) error {
	if err := checkShape(body); err != nil {
		return err
	}
	return explain(body, json.Unmarshal(body, out))
}

// checkShape walks the tokens once, so that depth is bounded before anything is built of them.
func checkShape(body []byte) error {
	if len(body) > MaxBytes {
		return fault("", "the body is larger than %d KiB", MaxBytes>>10)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return fault("", "the body is empty: send a JSON object")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		_, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return explain(body, err)
		}
		if dec.StackDepth() > MaxDepth {
			return fault(position(body, dec.InputOffset()), "the JSON is nested deeper than %d levels", MaxDepth)
		}
	}
}

// explain keeps the place and the rule of a library's error and drops the value that it quotes.
func explain(body []byte, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return explainSyntax(body, syntax)
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fault("", "the body is not the JSON object that is expected here")
	}
	at := place(semantic.JSONPointer)
	switch {
	case errors.Is(semantic.Err, json.ErrUnknownName):
		return fault(at, "there is no such field; names are compared in their exact case")
	case semantic.Err != nil && explained(semantic):
		return fault(at, "%s", semantic.Err.Error())
	}
	if at == "" {
		return fault("", "the body must be %s", kindOf(semantic))
	}
	return fault(at, "must be %s", kindOf(semantic))
}

// explained reports whether the error's words are our own: those of a type of ours that reads itself and quotes no value.
func explained(e *json.SemanticError) bool {
	return e.GoType != nil && strings.HasPrefix(e.GoType.PkgPath(), "tocsin/")
}

func kindOf(e *json.SemanticError) string {
	if e.GoType == nil {
		return "of another type"
	}
	switch kind := e.GoType.Kind().String(); kind {
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	case "map", "struct":
		if e.GoType.String() == "time.Time" {
			return "a time in RFC 3339 with its zone, such as 2026-11-21T03:10:00+08:00"
		}
		return "an object"
	case "slice", "array":
		return "a list"
	default:
		if strings.HasPrefix(kind, "int") || strings.HasPrefix(kind, "uint") {
			return "a whole number"
		}
		return "of another type"
	}
}

func explainSyntax(body []byte, e *jsontext.SyntacticError) error {
	at := position(body, e.ByteOffset)
	switch {
	case errors.Is(e.Err, jsontext.ErrDuplicateName):
		return fault(place(e.JSONPointer), "the field appears twice")
	case errors.Is(e.Err, io.ErrUnexpectedEOF):
		return fault(at, "the JSON ends in the middle")
	case strings.Contains(e.Error(), "invalid UTF-8"):
		return fault(at, "the text is not UTF-8")
	case strings.Contains(e.Error(), "after top-level value"):
		return fault(at, "there is something after the end of the JSON")
	}
	return fault(at, "the body is not valid JSON")
}

// position writes a byte offset as a person's editor shows it. Both count from 1.
func position(body []byte, offset int64) string {
	before := body[:min(max(offset, 0), int64(len(body)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d, column %d", line, column)
}

// place writes a pointer as a person would, "alerts[0].startsAt". A name that is not a plain word is not repeated: it came
// from a stranger.
func place(p jsontext.Pointer) string {
	var b strings.Builder
	for token := range p.Tokens() {
		switch {
		case isNumber(token):
			b.WriteString("[" + token + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(plainName(token))
		}
	}
	return b.String()
}

func isNumber(s string) bool {
	return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == ""
}

func plainName(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '.'
	}
	if len(s) > 64 || s == "" || strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return "(a field)"
	}
	return s
}
