package templates

import (
	"slices"
	"strings"
)

// A notice is approved once and read by people of whom different data were exposed, and each shall read of their own only.
// So the approved bytes hold every line that anybody may get, and around a line that is not for everybody stand marks that
// say for whom it is:
//
//	⟦only contact⟧· contact details, such as phone number, email or home address
//	⟦end⟧
//
// Choosing lines by a person's own categories adds nothing and changes nothing: every byte that leaves was approved.
const (
	onlyWord = "only " // for readers of whom data of one of the categories was exposed
	noneWord = "none " // for readers of whom data of none of the categories was exposed
	endWord  = "end"

	severalWord    = "several" // for a guardian of several children; Merge decides, since only it knows the names
	endSeveralWord = "end several"
)

// choosing says for whom a block is: for readers who meet every condition.
type choosing []condition

type condition struct {
	none       bool // of the categories, not one of them
	categories []string
	several    bool // a guardian of several children; the others are not set then
}

// mark puts the marks around a finished line.
func (c choosing) mark(line string) string {
	for _, x := range slices.Backward(c) {
		if x.several {
			line = mark(severalWord) + line + mark(endSeveralWord)
			continue
		}
		word := onlyWord
		if x.none {
			word = noneWord
		}
		line = mark(word+strings.Join(x.categories, " ")) + line + mark(endWord)
	}
	return line
}

// For leaves only what is for a reader of whom data of these categories was exposed. Nothing given means all that the
// incident exposed: where nobody knows whose data was whose, everybody is told of all of it. It is false where own names a
// category that this notice does not speak of, and the notice then must not be sent to that reader.
func (t NoticeText) For(own ...string) (NoticeText, bool) {
	for _, c := range own {
		if len(t.Categories) > 0 && !slices.Contains(t.Categories, c) {
			return t, false
		}
	}
	if len(own) == 0 {
		own = t.Categories
	}
	t.Text, t.HTML = choose(t.Text, own), strings.ReplaceAll(choose(t.HTML, own), container[item][0]+container[item][1], "")
	for strings.Contains(t.Text, "\n\n\n") { // where a whole paragraph is not for this reader
		t.Text = strings.ReplaceAll(t.Text, "\n\n\n", "\n\n")
	}
	t.Groups = slices.Clone(t.Groups)
	for i := range t.Groups {
		t.Groups[i].Text = strings.TrimSuffix(choose(t.Groups[i].Text, own), "\n")
	}
	t.chosen = true
	return t, true
}

// choose drops the marked lines that are not for a reader with these categories, and every mark.
func choose(s string, own []string) string {
	var b strings.Builder
	hidden, depth := 0, 0 // hidden: the depth that hides, or 0
	for {
		i := strings.Index(s, markOpen)
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], markClose)
		if j < 0 {
			break
		}
		inside, after := s[i+len(markOpen):i+j], s[i+j+len(markClose):]
		only, isOnly := strings.CutPrefix(inside, onlyWord)
		none, isNone := strings.CutPrefix(inside, noneWord)
		if hidden == 0 {
			b.WriteString(s[:i])
		}
		switch {
		case isOnly || isNone:
			depth++
			if hidden == 0 && (isOnly && !meets(only, own) || isNone && meets(none, own)) {
				hidden = depth
			}
		case inside == endWord:
			if hidden == depth {
				hidden = 0
			}
			depth = max(0, depth-1)
		case hidden == 0: // a place for a name
			b.WriteString(mark(inside))
		}
		s = after
	}
	if hidden == 0 {
		b.WriteString(s)
	}
	return b.String()
}

func meets(categories string, own []string) bool {
	for c := range strings.FieldsSeq(categories) {
		if slices.Contains(own, c) {
			return true
		}
	}
	return false
}
