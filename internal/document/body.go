package document

import (
	"strings"
	"unicode/utf8"

	"tocsin/internal/breach"
)

const (
	padX   = 2.2
	padY   = 1.3
	indent = 5.0 // of a list's text
)

// body sets blocks in reading order.
type body struct {
	*composer
	language breach.Language
	blocks   []breach.Block
	ink      ink
	share    float64 // of the column, for the labels of rows
	signed   int     // where the signature begins
}

// newBody fits type and labels to the language: with these an instant in two zones stands on one line of a row.
func newBody(c *composer, l breach.Language, blocks []breach.Block) *body {
	b := &body{c, l, blocks, inkBody, 0.32, signature(blocks)}
	if l == breach.English {
		b.ink, b.share = inkLatin, 0.30
	}
	return b
}

func (b *body) set() {
	for i, block := range b.blocks[:b.signed] {
		switch block.Kind {
		case breach.BlockHeading:
			b.space(5)
			b.need(b.least(i))
			b.flow(b.balance(block.Text, inkHeading, b.plan.column()), inkHeading, b.plan.left, true)
			b.y += 1.8
		case breach.BlockParagraph:
			b.space(1.2)
			b.need(b.least(i))
			b.flow(b.split(block.Text, b.ink, b.plan.column()), b.ink, b.plan.left, false)
			b.y += 1.2
		case breach.BlockItem:
			b.need(b.least(i))
			b.item(block.Text)
			if i == len(b.blocks)-1 || b.blocks[i+1].Kind != breach.BlockItem {
				b.y += 1.2
			}
		case breach.BlockRow:
			if i == 0 || b.blocks[i-1].Kind != breach.BlockRow {
				b.space(1)
			}
			b.need(b.least(i))
			b.row(block)
			if i == len(b.blocks)-1 || b.blocks[i+1].Kind != breach.BlockRow {
				b.y += 2
			}
		}
	}
	b.sign()
}

// signature returns where the last lines of a paper begin that say who reports and when; the number of blocks where there are
// none. The last has a date; they are short and no sentences.
func signature(blocks []breach.Block) int {
	i := len(blocks)
	for i > 0 && len(blocks)-i < 3 {
		b := blocks[i-1]
		if b.Kind != breach.BlockParagraph || utf8.RuneCountInString(b.Text) > 80 || strings.ContainsAny(b.Text, "。；：！？;:!?\n") {
			break
		}
		if i == len(blocks) && (!strings.ContainsAny(b.Text, "0123456789") || strings.HasSuffix(b.Text, ".")) {
			break
		}
		if strings.HasSuffix(b.Text, ".") && strings.Count(b.Text, " ") > 8 { // a sentence, and not "Example Co., Ltd."
			break
		}
		i--
	}
	return i
}

// sign sets the signature: at the right in Chinese, as letters are signed there.
func (b *body) sign() {
	b.space(4.5)
	for _, block := range b.blocks[b.signed:] {
		for _, line := range b.split(block.Text, b.ink, b.plan.column()) {
			b.need(b.ink.line())
			x := b.plan.left
			if b.language == breach.Chinese {
				x = b.plan.width - b.plan.right - 4 - b.measure(line, b.ink)
			}
			b.text(x, b.y, line, b.ink)
			b.y += b.ink.line()
		}
		b.y += 0.8
	}
}

// closing is what must find a place on the page on which the last block before a signature ends: nobody signs an empty page,
// nor one that says no more than "hereby reported".
func (b *body) closing(i int) float64 {
	last := b.signed - 1
	if i == last-1 && b.blocks[last].Kind == breach.BlockParagraph && utf8.RuneCountInString(b.blocks[last].Text) < 30 {
		return b.ink.line() + 3.6 + b.closing(last)
	}
	if i != last {
		return 0
	}
	h := 6.0
	for _, block := range b.blocks[b.signed:] {
		h += float64(len(b.split(block.Text, b.ink, b.plan.column())))*b.ink.line() + 0.8
	}
	return min(h, b.plan.depth()/2)
}

// together is the height that n lines of block i must find: two of them, and all where the signature follows.
func (b *body) together(i, n int) float64 {
	if c := b.closing(i); c > 0 && n <= 8 {
		return float64(n)*b.ink.line() + c
	}
	return two(n) * b.ink.line()
}

// least is the height that a block must find on a page to begin there: a heading stays with what it heads, a sentence that
// announces a list with the list's first item.
func (b *body) least(i int) float64 {
	block := b.blocks[i]
	column := b.plan.column()
	switch block.Kind {
	case breach.BlockHeading:
		h := float64(len(b.split(block.Text, inkHeading, column)))*inkHeading.line() + 1.8
		if i+1 < len(b.blocks) {
			h += b.least(i + 1)
		}
		return min(h, b.plan.depth())
	case breach.BlockParagraph:
		n := len(b.split(block.Text, b.ink, column))
		if announces(block.Text) && n <= 3 && i+1 < len(b.blocks) && b.blocks[i+1].Kind != breach.BlockParagraph {
			return min(float64(n)*b.ink.line()+2.4+b.least(i+1), b.plan.depth())
		}
		return b.together(i, n)
	case breach.BlockItem:
		return b.together(i, len(b.split(block.Text, b.ink, column-indent)))
	case breach.BlockRow:
		return b.together(i, len(b.split(block.Text, b.ink, b.textWidth()))) + 2*padY
	}
	return 0
}

func announces(s string) bool { return strings.HasSuffix(s, "：") || strings.HasSuffix(s, ":") }

// two is how many of n lines must stand together.
func two(n int) float64 { return float64(min(n, 2)) }

// flow sets lines. One line alone at a page's head or foot is avoided.
func (b *body) flow(lines []string, k ink, x float64, outline bool) {
	for i, line := range lines {
		if last := len(lines) - 1; i == last-1 && i > 0 {
			b.need(2 * k.line())
		} else {
			b.need(k.line())
		}
		b.text(x, b.y, line, k)
		if outline && i == 0 && line != "" {
			page := b.pages[len(b.pages)-1]
			page[len(page)-1].outline = true
		}
		b.y += k.line()
	}
}

func (b *body) item(text string) {
	b.text(b.plan.left+1, b.y, "•", b.ink)
	b.flow(b.split(text, b.ink, b.plan.column()-indent), b.ink, b.plan.left+indent, false)
	b.y += 0.6
}

func (b *body) labelWidth() float64 { return b.plan.column()*b.share - 2*padX }
func (b *body) textWidth() float64  { return b.plan.column()*(1-b.share) - 2*padX }

// row sets a label and what it says side by side. A row that is longer than what is left of the page goes on on the next
// one, with its label again; a short one goes there as a whole.
func (b *body) row(block breach.Block) {
	labels := b.split(block.Label, b.ink.dim(), b.labelWidth())
	texts := b.split(block.Text, b.ink, b.textWidth())
	for begun := false; ; begun = true {
		lk := b.ink.dim()
		if begun && len(labels) == 0 {
			labels, lk = b.split(block.Label+continued(b.language), inkAgain, b.labelWidth()), inkAgain
		}
		n := max(len(labels), len(texts))
		h := float64(n)*b.ink.line() + 2*padY
		if h > b.room() && !b.fresh() && (h <= b.plan.depth()/3 || b.hold() < 3) {
			b.turn()
		}
		k := min(n, b.hold())
		if n-k == 1 && k > 2 {
			k-- // the next page gets two lines
		}
		b.cells(labels[:min(k, len(labels))], texts[:min(k, len(texts))], lk, k, block.State)
		labels, texts = labels[min(k, len(labels)):], texts[min(k, len(texts)):]
		if len(texts) == 0 && (len(labels) == 0 || lk == inkAgain) {
			return
		}
		if lk == inkAgain {
			labels = nil
		}
		b.turn()
	}
}

// hold is how many lines of a row fit on the rest of the page; on an empty page at least one.
func (b *body) hold() int {
	n := int((b.room() - 2*padY) / b.ink.line())
	if b.fresh() {
		return max(n, 1)
	}
	return max(n, 0)
}

func (b *body) cells(labels, texts []string, lk ink, n int, state breach.ItemState) {
	x, w := b.plan.left, b.plan.column()
	middle := w * b.share
	h := float64(n)*b.ink.line() + 2*padY
	b.put(mark{x: x, y: b.y, w: middle, h: h, fill: 244})
	if state == breach.ItemUnknown {
		b.put(mark{x: x + middle, y: b.y, w: w - middle, h: h, fill: 251})
	}
	for _, dx := range []float64{0, middle, w} {
		b.put(mark{x: x + dx, y: b.y, h: h, rule: true, ink: ink{gray: 150}})
	}
	for _, dy := range []float64{0, h} {
		b.put(mark{x: x, y: b.y + dy, w: w, rule: true, ink: ink{gray: 150}})
	}
	for i, s := range labels {
		b.text(x+padX, b.y+padY+float64(i)*b.ink.line(), s, lk)
	}
	for i, s := range texts {
		b.text(x+middle+padX, b.y+padY+float64(i)*b.ink.line(), s, b.ink)
	}
	b.y += h
}
