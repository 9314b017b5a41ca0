package audience

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonSource reads one JSON object a line. The columns are the keys that the first lines have; a line that brings a key of
// its own adds a column. Objects within objects are written as one name, guardian.phone; a list of guardians as
// guardian1.phone, guardian2.phone.
type jsonSource struct {
	lines  *lineReader
	limits Limits
	raw    bool
	head   *header
	column map[string]int
	input  bytes.Reader
	dec    *jsontext.Decoder
	path   []byte
}

func openNDJSON(lines *lineReader, o Options, p *plan) (source, *header, error) {
	s := &jsonSource{lines: lines, limits: o.Limits, raw: o.Raw, column: make(map[string]int), head: &header{plan: p}}
	if p != nil {
		s.head.constant = p.constant
	}
	s.dec = jsontext.NewDecoder(&s.input)
	window := lines.ahead()
	if first := bytes.TrimLeft(window, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return nil, nil, errors.New("the file is one JSON list: write each object on a line of its own, as jq -c '.[]' FILE does")
	}
	firstLine, _, _ := bytes.Cut(window, []byte("\n"))
	if err := lines.dec.settle(firstLine, window[min(len(firstLine)+1, len(window)):]); err != nil {
		return nil, nil, err
	}
	s.survey(window)
	if s.head.known == 0 && bytes.HasPrefix(bytes.TrimSpace(firstLine), []byte("{")) && len(bytes.TrimSpace(firstLine)) < 3 {
		return nil, nil, errors.New("the JSON is spread over lines: write each object on a line of its own, as jq -c . FILE does")
	}
	if err := s.head.check(); err != nil {
		return nil, nil, err
	}
	return s, s.head, nil
}

// survey meets the keys of the lines ahead.
func (s *jsonSource) survey(window []byte) {
	var rec record
	for n := 0; n < 1000 && len(window) > 0; n++ {
		line, rest, whole := bytes.Cut(window, []byte("\n"))
		if !whole && len(window) == windowBytes {
			return
		}
		if text, fault := s.lines.dec.decode(physical{raw: line}, s.lines); fault == "" && len(line) <= s.limits.RecordBytes {
			rec.cells, rec.marks, rec.fault = rec.cells[:0], nil, ""
			s.object(text, &rec)
		}
		window = rest
	}
}

func (s *jsonSource) encoding() string { return s.lines.dec.encoding() }
func (s *jsonSource) format() string   { return formatNDJSON }
func (s *jsonSource) close()           {}

func (s *jsonSource) next(rec *record) error {
	for {
		p, err := s.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil && isUnpacking(err):
			return err
		case err != nil:
			return fmt.Errorf("read the file of people after line %d: %w", s.lines.no, err)
		case p.blank():
			continue
		}
		rec.line, rec.end = p.no, p.no
		if p.long {
			rec.fault = TooLong
			return nil
		}
		var text string
		if text, rec.fault = s.lines.text(p); rec.fault != "" {
			if s.raw {
				rec.raw = strings.ToValidUTF8(string(p.raw), "\uFFFD")
			}
			return nil
		}
		if s.raw {
			rec.raw = text
		}
		s.object(strings.TrimPrefix(text, "\ufeff"), rec)
		return nil
	}
}

// object reads a line into cells.
func (s *jsonSource) object(text string, rec *record) {
	rec.cells = rec.cells[:0]
	for range s.head.cells {
		rec.cells = append(rec.cells, "")
	}
	s.input.Reset([]byte(text))
	s.dec.Reset(&s.input)
	s.path = s.path[:0]
	switch kind := s.dec.PeekKind(); kind {
	case '{':
	case 'n', 't', 'f', '"', '0', '[':
		rec.fault = NotObject
		return
	default:
		rec.fault = BadJSON
		return
	}
	if err := s.value(rec, 0); err != nil {
		s.blame(err, rec)
		return
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		rec.fault = BadJSON // something follows the object
	}
}

// errStop ends the reading of an object whose fault is noted already.
var errStop = errors.New("stop")

func (s *jsonSource) blame(err error, rec *record) {
	switch {
	case errors.Is(err, errStop):
	case errors.Is(err, jsontext.ErrDuplicateName):
		rec.fault = TwiceKey
	default:
		rec.fault = BadJSON
	}
}

// maxDepth is how deep objects and lists may lie within each other.
const maxDepth = 6

// value reads the next value under the current path. What lies too deep is a fault, since it might be a contact.
func (s *jsonSource) value(rec *record, depth int) error {
	kind := s.dec.PeekKind()
	if nests := kind == '{' || kind == '['; nests && depth == maxDepth {
		return s.tooDeep(rec)
	}
	if kind == '{' {
		return s.members(rec, depth)
	}
	if kind == '[' {
		return s.elements(rec, depth)
	}
	token, err := s.dec.ReadToken()
	if err != nil {
		return err
	}
	return s.put(rec, token)
}

func (s *jsonSource) tooDeep(rec *record) error {
	rec.fault, rec.column = Nested, s.columnOf(rec)
	return errStop
}

func (s *jsonSource) members(rec *record, depth int) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	start := len(s.path)
	for s.dec.PeekKind() != '}' {
		name, err := s.dec.ReadToken()
		if err != nil {
			return err
		}
		if key := name.String(); start == 0 || !strings.HasPrefix(key, "$") { // a database's {"$numberLong": "…"} is its value
			if start > 0 {
				s.path = append(s.path, '.')
			}
			s.path = append(s.path, key...)
		}
		if err := s.value(rec, depth+1); err != nil {
			return err
		}
		s.path = s.path[:start]
	}
	_, err := s.dec.ReadToken()
	return err
}

// elements reads a list: of guardians, one after the other; of words, into one cell with semicolons between them.
func (s *jsonSource) elements(rec *record, depth int) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	start := len(s.path)
	family := guardianList(string(s.path))
	for n := 1; s.dec.PeekKind() != ']'; n++ {
		switch kind := s.dec.PeekKind(); {
		case family && n <= maxGuardians:
			s.path = strconv.AppendInt(append(s.path[:0], "guardian"...), int64(n), 10)
		case family || kind == '{' || kind == '[':
			if !family && s.head.plan.fieldOf(string(s.path), -1) == noField {
				if err := s.dec.SkipValue(); err != nil { // of a key that is not kept
					return err
				}
				s.columnOf(rec)
				continue
			}
			return s.tooDeep(rec)
		}
		if err := s.value(rec, depth+1); err != nil {
			return err
		}
		if family {
			s.path = append(s.path[:0], "guardians"...)
		}
	}
	s.path = s.path[:start]
	_, err := s.dec.ReadToken()
	return err
}

func guardianList(path string) bool {
	switch headerKey(path) {
	case "guardians", "监护人", "guardian", "parents", "家长":
		return true
	}
	return false
}

// put writes a value into its cell. A second one, of a list, is joined where the cell may hold several, and a fault elsewhere.
func (s *jsonSource) put(rec *record, token jsontext.Token) error {
	text := token.String() // of a string, a number, true and false as it is written
	if token.Kind() == 'n' {
		text = ""
	}
	i := s.columnOf(rec)
	if i < 0 || text == "" {
		return nil
	}
	if len(text) > s.limits.FieldBytes {
		rec.fault, rec.column = TooLong, i
		return errStop
	}
	switch field := s.head.fields[i]; {
	case rec.cells[i] == "":
		rec.cells[i] = text
	case field == fCategories || field == noField:
		if len(rec.cells[i])+len(text) < s.limits.FieldBytes {
			rec.cells[i] += ";" + text
		}
	case rec.cells[i] == text:
	default:
		rec.fault, rec.column = Several, i
		return errStop
	}
	return nil
}

// columnOf finds the column of the current path, or adds it. It is -1 for keys beyond the limit, which are not kept.
func (s *jsonSource) columnOf(rec *record) int {
	if i, ok := s.column[string(s.path)]; ok {
		return i
	}
	if len(s.head.cells) >= s.limits.Columns || len(s.path) > 200 {
		return -1
	}
	name := string(s.path)
	if no := s.head.plan.fieldOf(name, len(s.head.cells)); no != noField && s.head.at[no] > 0 {
		s.column[name] = int(s.head.at[no]) - 1 // two keys of one meaning, usually of different lines
		return s.column[name]
	}
	i := len(s.head.cells)
	s.head.add(name)
	rec.cells = append(rec.cells, "")
	s.column[name] = i
	return i
}
