package audience

import (
	"fmt"
	"strconv"
	"strings"

	"tocsin/internal/breach"
)

// Mapping says what a column means, before its header is asked.
type Mapping struct {
	Column string // the header as the file writes it, or "#3" for the third column
	Field  Field  // Ignored for a column that is to be left out
}

// ParseMapping reads COLUMN=FIELD. The field may be written as any header that is understood, such as 手机号, or "-" to leave
// the column out. The error names what is wrong and what may be written.
func ParseMapping(s string) (Mapping, error) {
	i := strings.LastIndexByte(s, '=')
	if i < 1 || i == len(s)-1 {
		return Mapping{}, fmt.Errorf("a mapping is written COLUMN=FIELD, such as --map '联系人=%s' or --map '#3=-'", Phone)
	}
	column, field := strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:])
	if field == string(Ignored) {
		return Mapping{column, Ignored}, nil
	}
	no := fieldByName[headerKey(field)]
	if no == noField {
		return Mapping{}, fmt.Errorf("%q is no field; fields are %s, and - to leave a column out", showable(field), listOf(allFields()))
	}
	return Mapping{column, synonyms[no].field}, nil
}

// Constant holds for every row that says nothing of its field.
type Constant struct {
	Field Field
	Value string
}

// mayBeConstant are the fields of which one value can be true of everybody in a file. A contact is not: all would share it.
var mayBeConstant = []fieldNo{fLanguage, fRegion, fCategories, fIsMinor}

// ParseConstant reads FIELD=VALUE, such as language=zh-CN. The error names what may be written.
func ParseConstant(s string) (Constant, error) {
	field, value, ok := strings.Cut(s, "=")
	value = strings.TrimSpace(value)
	if !ok || value == "" {
		return Constant{}, fmt.Errorf("a value for all rows is written FIELD=VALUE, such as --set %s=zh-CN", Language)
	}
	no := fieldByName[headerKey(field)]
	for _, f := range mayBeConstant {
		if f != no {
			continue
		}
		if !constantFits(f, value) {
			return Constant{}, fmt.Errorf("--set %s: that value is not understood", synonyms[f].field)
		}
		return Constant{synonyms[f].field, value}, nil
	}
	return Constant{}, fmt.Errorf("one value for all rows can be set for %s only", listOf(mayBeConstant))
}

func constantFits(f fieldNo, value string) (ok bool) {
	switch f {
	case fLanguage:
		return languageOf(code(value)) != ""
	case fRegion:
		return regionOf(code(value)) != ""
	case fCategories:
		known, all := categoriesOf(code(value))
		return all && len(known) > 0
	default:
		_, ok = yesNo(code(value))
		return ok
	}
}

// Key is what tells people apart.
type Key string

// The keys.
const (
	KeyAuto       Key = ""            // the person's number where there is one, else the account, else all that the row says
	KeyResidentID Key = "resident_id" // the identity number: several accounts of one holder are one person
)

// plan is what the caller says about the columns. Nil is nothing.
type plan struct {
	mappings []Mapping
	met      []bool
	joined   bool // with guardians of a second file
	constant [fieldCount]string
}

func newPlan(o Options) (*plan, error) {
	p := &plan{mappings: o.Map, met: make([]bool, len(o.Map)), joined: o.Guardians != nil}
	for _, m := range o.Map {
		if m.Field != Ignored && fieldNumber(m.Field) == noField || m.Column == "" {
			return nil, fmt.Errorf("%q is no field that a column can be mapped to", showable(string(m.Field)))
		}
	}
	for _, c := range o.Set {
		c, err := ParseConstant(string(c.Field) + "=" + c.Value)
		if err != nil {
			return nil, err
		}
		p.constant[fieldNumber(c.Field)] = c.Value
	}
	return p, nil
}

func fieldNumber(f Field) fieldNo {
	for no := fExternalID; no < fieldCount; no++ {
		if synonyms[no].field == f {
			return no
		}
	}
	return noField
}

// fieldOf tells what the i-th column means.
func (p *plan) fieldOf(name string, i int) fieldNo {
	key := headerKey(name)
	if p != nil {
		for m, mapping := range p.mappings {
			if mapping.Column == "#"+strconv.Itoa(i+1) || mapping.Column == strings.TrimSpace(name) || key != "" && headerKey(mapping.Column) == key {
				p.met[m] = true
				return fieldNumber(mapping.Field) // noField for Ignored
			}
		}
	}
	return fieldOfHeader(name)
}

// used refuses a mapping of a column that the file does not have.
func (p *plan) used() error {
	if p == nil {
		return nil
	}
	for i, m := range p.mappings {
		if !p.met[i] {
			return fmt.Errorf("--map %s=%s: the file has no such column; a column is named as its header writes it, or by its number, such as '#3'", showable(m.Column), m.Field)
		}
	}
	return nil
}

// FieldView is a field as people are told of it.
type FieldView struct {
	Field Field
	Names []string // headers that are understood for it, the ones to recommend first
}

// Fields lists what a column can mean.
func Fields() []FieldView {
	var out []FieldView
	for _, no := range allFields() {
		out = append(out, FieldView{synonyms[no].field, strings.Fields(synonyms[no].names)})
	}
	return out
}

// CategoryChoices are the words of a column of categories.
func CategoryChoices() []breach.Choice {
	def, _ := breach.DefOf("data.categories")
	return def.Choices
}
