package bounce

import (
	"bytes"
	"strings"
)

// fields is one group of header fields, by lower-case name. The first of a name counts.
type fields map[string]string

func (f fields) get(name string) string { return f[name] }

// readGroups reads groups of fields that empty lines part, as message/delivery-status has them (RFC 3464, 2.1). It is
// lenient: what is no field is passed over, since the rest of a clumsy report still tells something.
func readGroups(text []byte) []fields {
	var groups []fields
	var current fields
	var last string
	n := 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if len(current) > 0 {
				groups = append(groups, current)
			}
			current, last = nil, ""
			continue
		case line[0] == ' ' || line[0] == '\t':
			if last != "" && len(current[last]) < 4096 {
				current[last] += " " + string(bytes.TrimSpace(line))
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if n++; !ok || n > maxFields {
			last = ""
			continue
		}
		key := strings.ToLower(string(bytes.TrimSpace(name)))
		if current == nil {
			current = fields{}
		}
		last = ""
		if _, twice := current[key]; !twice {
			current[key], last = string(bytes.TrimSpace(value)), key
		}
	}
	if len(current) > 0 {
		groups = append(groups, current)
	}
	return groups
}
