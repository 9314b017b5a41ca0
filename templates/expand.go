package templates

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tocsin/internal/breach"
)

// values answers for the names of a text. Every value has been cleaned; an unknown scalar is empty.
type values interface {
	scalar(r reference) string
	list(name string) []string
	set(r reference) bool
}

// rowWatcher are values that want to know which row their words went into.
type rowWatcher interface {
	beginRow()
	endRow(label string) breach.ItemState
	absent(list string) (label, says string, state breach.ItemState)
	asked() []block
}

// plainValues are values that stand ready.
type plainValues struct {
	scalars map[string]string
	lists   map[string][]string
	flags   map[string]bool
}

func (v plainValues) scalar(r reference) string { return v.scalars[r.name] }

func (v plainValues) list(name string) []string { return v.lists[name] }

func (v plainValues) set(r reference) bool {
	return v.flags[r.name] || v.scalars[r.name] != "" || len(v.lists[r.name]) > 0
}

// block is a finished block of a document: words, no markup.
type block struct {
	kind  lineKind // paragraph, standout, heading, groupHeading, item or row
	label string
	text  string
	group string           // the group it belongs to; empty before the first group heading and after a plain heading
	state breach.ItemState // of a row

	says   string   // the content of a law that it is
	choice choosing // for whom it is; the zero value is for everybody
}

func join(pieces []piece, v values) string {
	text := ""
	for i, p := range pieces {
		if p.name.name != "" {
			text = glue(text, v.scalar(p.name))
			continue
		}
		words := p.words
		if i > 0 && strings.HasSuffix(text, ".") && strings.HasPrefix(words, ".") {
			words = words[1:] // "from Example Co., Ltd." ends its sentence
		}
		if i > 0 && strings.HasSuffix(text, ".") && strings.HasPrefix(words, "。") {
			text = strings.TrimSuffix(text, ".") // "我们是 Example Inc。": one sign ends a sentence
		}
		text = glue(text, words)
	}
	return strings.TrimSpace(text)
}

// glue puts words and a value behind each other. A template leaves a space beside a value that is most often a number or a
// Latin word ("打 110"); between Chinese characters there is none ("打当地的报警电话"), and beside a Latin name there always is
// one ("我们是 Example Inc").
func glue(before, after string) string {
	left, right := strings.TrimSuffix(before, " "), strings.TrimPrefix(after, " ")
	last, _ := utf8.DecodeLastRuneInString(left)
	first, _ := utf8.DecodeRuneInString(right)
	if wide(last) && wide(first) {
		return left + right
	}
	if left == before && right == after && !unicode.IsDigit(first) && !unicode.IsDigit(last) && touch(last, first) {
		return before + " " + after
	}
	return before + after
}

// wide reports a Chinese character or sign of punctuation.
func wide(r rune) bool {
	return unicode.Is(unicode.Han, r) || strings.ContainsRune("，。；：！？、（）“”《》【】", r)
}

// expand makes the blocks of a text. Lines that turn out empty vanish; rows never do, see [filingValues].
func (s *source) expand(v values) []block {
	blocks, _ := expandLines(s.body, v, "")
	return blocks
}

// slotFiller are values that know what stands in a {{slot …}}.
type slotFiller interface{ fill(slot string) []line }

// expandLines makes the blocks of some lines that begin in a group, and returns the group that they end in.
func expandLines(body []line, v values, group string) ([]block, string) {
	var out []block
	hidden := 0     // depth of the if that hides, or 0
	var open []line // every open {{if}}, {{only}} and {{several}}
	for _, l := range body {
		switch {
		case l.opens():
			open = append(open, l)
			if conditional := l.kind == ifSet || l.kind == ifNotSet; hidden == 0 && conditional && v.set(l.name) == (l.kind == ifNotSet) {
				hidden = len(open)
			}
			continue
		case l.kind == endIf:
			if hidden == len(open) {
				hidden = 0
			}
			open = open[:len(open)-1]
			continue
		case hidden > 0 || l.kind == contentMark:
			continue
		case l.kind == contentRest:
			if watcher, ok := v.(rowWatcher); ok {
				out = append(out, watcher.asked()...)
			}
			continue
		case l.kind == groupHeading:
			group = l.group
		case l.kind == heading:
			group = ""
		}
		var blocks []block
		if filler, ok := v.(slotFiller); ok && l.kind == slot {
			blocks, group = expandLines(filler.fill(l.name.name), v, group)
		} else {
			blocks = l.blocks(v, group)
		}
		for _, b := range blocks {
			out = append(out, b.within(open))
		}
	}
	return out, group
}

// marks lists the contents that the law asks for and that the form answers.
func (s *source) marks() []string {
	var out []string
	for _, l := range s.body {
		if l.kind == contentMark {
			out = append(out, l.group)
		}
	}
	return out
}

// within narrows a block to the readers that every open {{only}} and {{several}} is for.
func (b block) within(open []line) block {
	for _, l := range open {
		switch l.kind {
		case onlyFor:
			b.choice = append(slices.Clone(b.choice), condition{categories: l.only})
		case severalFor:
			b.choice = append(slices.Clone(b.choice), condition{several: true})
		default:
		}
	}
	return b
}

// chosenList are values that know for whom an item of a list is.
type chosenList interface{ choices(list string) []choosing }

func (l line) blocks(v values, group string) []block {
	watcher, watched := v.(rowWatcher)
	if l.kind == each || l.kind == lines {
		kind := item
		if l.kind == lines {
			kind = paragraph
		}
		var out []block
		var chosen []choosing
		if c, ok := v.(chosenList); ok {
			chosen = c.choices(l.name.name)
		}
		for i, text := range v.list(l.name.name) {
			b := block{kind: kind, text: text, group: group, says: l.says}
			if i < len(chosen) {
				b.choice = chosen[i]
			}
			out = append(out, b)
		}
		if len(out) == 0 && watched {
			label, says, state := watcher.absent(l.name.name)
			out = append(out, block{kind: row, label: label, text: says, group: group, state: state})
		}
		return out
	}
	if watched && l.kind == row {
		watcher.beginRow()
	}
	b := block{kind: l.kind, label: join(l.label, v), text: join(l.text, v), group: group, says: l.says}
	if b.text == "" && l.kind != groupHeading || l.says != "" && !l.whole(v) {
		return nil
	}
	if watched && l.kind == row {
		b.state = watcher.endRow(b.label)
	}
	return []block{b}
}

// whole reports whether every name in a line has a value.
func (l line) whole(v values) bool {
	return !slices.ContainsFunc(slices.Concat(l.label, l.text), func(p piece) bool { return p.name.name != "" && v.scalar(p.name) == "" })
}

var blockKinds = map[lineKind]breach.BlockKind{
	paragraph: breach.BlockParagraph, standout: breach.BlockParagraph, heading: breach.BlockHeading, groupHeading: breach.BlockHeading,
	item: breach.BlockItem, row: breach.BlockRow,
}

// pieceByPiece gives the blocks for other layouts.
func pieceByPiece(blocks []block) []breach.Block {
	out := make([]breach.Block, len(blocks))
	for i, b := range blocks {
		out[i] = breach.Block{Kind: blockKinds[b.kind], Label: b.label, Text: b.text, State: b.state}
	}
	return out
}

var textPrefix = map[lineKind]string{heading: "■ ", groupHeading: "■ ", item: "· "}

// plainText draws blocks as text for a mail or a terminal.
func plainText(blocks []block, colon string) string {
	var b strings.Builder
	for i, x := range blocks {
		if x.text == "" {
			continue // a group without a heading of its own
		}
		together := (x.kind == item || x.kind == row) && i > 0 && blocks[i-1].kind == x.kind
		if i > 0 && !together {
			b.WriteByte('\n')
		}
		words := textPrefix[x.kind]
		if x.kind == row {
			words += x.label + colon
		}
		b.WriteString(x.choice.mark(words + x.text + "\n"))
	}
	return b.String()
}

var (
	container = map[lineKind][2]string{item: {"<ul>\n", "</ul>\n"}, row: {"<table>\n", "</table>\n"}}
	element   = map[lineKind][2]string{
		paragraph: {"<p>", "</p>\n"},
		standout:  {"<p><strong>", "</strong></p>\n"},
		item:      {"<li>", "</li>\n"},
		row:       {"<td>", "</td></tr>\n"},
	}
)

// markup draws blocks as the inside of an HTML body. Only words are escaped into it; there is no other way in. headings are
// the attributes of <h2>, for mail, where a style sheet may be dropped.
func markup(blocks []block, headings string) string {
	var b strings.Builder
	open := lineKind(-1)
	for _, x := range blocks {
		if x.text == "" {
			continue
		}
		if open != x.kind {
			b.WriteString(container[open][1] + container[x.kind][0])
			open = x.kind
		}
		tags := element[x.kind]
		if x.kind == heading || x.kind == groupHeading {
			tags = [2]string{"<h2" + headings + ">", "</h2>\n"}
		}
		if x.kind == row {
			tags[0] = "<tr><th>" + html.EscapeString(x.label) + "</th>" + tags[0]
		}
		b.WriteString(x.choice.mark(tags[0] + html.EscapeString(x.text) + tags[1]))
	}
	b.WriteString(container[open][1])
	return b.String()
}
