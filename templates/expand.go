package templates

import (
	"html"
	"strings"

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
}

func join(pieces []piece, v values) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.name.name == "" {
			b.WriteString(p.words)
			continue
		}
		b.WriteString(v.scalar(p.name))
	}
	return strings.TrimSpace(b.String())
}

// expand makes the blocks of a text. Lines that turn out empty vanish; rows never do, see [filingValues].
func (s *source) expand(v values) []block {
	var out []block
	hidden, depth, group := 0, 0, "" // hidden: depth of the if that hides, or 0
	for _, l := range s.body {
		switch {
		case l.kind == ifSet || l.kind == ifNotSet:
			depth++
			if hidden == 0 && v.set(l.name) == (l.kind == ifNotSet) {
				hidden = depth
			}
			continue
		case l.kind == endIf:
			if hidden == depth {
				hidden = 0
			}
			depth--
			continue
		case hidden > 0:
			continue
		case l.kind == groupHeading:
			group = l.group
		case l.kind == heading:
			group = ""
		}
		out = append(out, l.blocks(v, group)...)
	}
	return out
}

func (l line) blocks(v values, group string) []block {
	watcher, watched := v.(rowWatcher)
	if l.kind == each || l.kind == lines {
		kind := item
		if l.kind == lines {
			kind = paragraph
		}
		var out []block
		for _, text := range v.list(l.name.name) {
			out = append(out, block{kind: kind, text: text, group: group})
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
	b := block{kind: l.kind, label: join(l.label, v), text: join(l.text, v), group: group}
	if b.text == "" {
		return nil
	}
	if watched && l.kind == row {
		b.state = watcher.endRow(b.label)
	}
	return []block{b}
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
		together := (x.kind == item || x.kind == row) && i > 0 && blocks[i-1].kind == x.kind
		if i > 0 && !together {
			b.WriteByte('\n')
		}
		b.WriteString(textPrefix[x.kind])
		if x.kind == row {
			b.WriteString(x.label + colon)
		}
		b.WriteString(x.text + "\n")
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
		if open != x.kind {
			b.WriteString(container[open][1] + container[x.kind][0])
			open = x.kind
		}
		tags := element[x.kind]
		if x.kind == heading || x.kind == groupHeading {
			tags = [2]string{"<h2" + headings + ">", "</h2>\n"}
		}
		if x.kind == row {
			b.WriteString("<tr><th>" + html.EscapeString(x.label) + "</th>")
		}
		b.WriteString(tags[0] + html.EscapeString(x.text) + tags[1])
	}
	b.WriteString(container[open][1])
	return b.String()
}
