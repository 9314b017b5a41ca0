package document

import "tocsin/internal/breach"

// Lengths on paper are millimetres, sizes of type are points.
const (
	mmPerPoint = 25.4 / 72
	leading    = 1.6 // of a line to its type: Chinese needs more than Latin
)

// ink is how a text is set.
type ink struct {
	size float64 // points
	bold bool
	gray int // 0 is black, 255 is white
}

func (k ink) line() float64 { return k.size * mmPerPoint * leading }

// dim is the same ink for what matters less.
func (k ink) dim() ink {
	k.gray = 50
	return k
}

// The inks.
var (
	inkTitle   = ink{size: 17, bold: true}
	inkHeading = ink{size: 11.5, bold: true}
	inkBody    = ink{size: 10.5}
	inkLatin   = ink{size: 10}
	inkAgain   = ink{size: 9, gray: 110}
	inkNote    = ink{size: 8.5, gray: 50}
	inkMargin  = ink{size: 7.5, gray: 90}
)

// mark is one thing on a page.
type mark struct {
	x, y, w, h float64
	text       string // set on the baseline y; empty for a box or a rule
	ink        ink
	fill       int  // of a box without a text: its gray, 255 for a rule of w by h without a fill
	rule       bool // a line from (x, y) to (x+w, y+h)
	outline    bool // the text is an entry of the file's outline
}

// plan is the paper and its margins.
type plan struct {
	landscape                bool
	width, height            float64
	left, right, top, bottom float64
}

var (
	upright  = plan{width: 210, height: 297, left: 24, right: 24, top: 25, bottom: 24}
	sideways = plan{landscape: true, width: 297, height: 210, left: 14, right: 14, top: 20, bottom: 18}
)

func (p plan) column() float64 { return p.width - p.left - p.right }
func (p plan) depth() float64  { return p.height - p.top - p.bottom }

// composer puts marks on pages, from top to bottom.
type composer struct {
	face  *face
	plan  plan
	pages [][]mark
	y     float64
	again func() // what a new page begins with
}

func compose(f *face, p plan) *composer {
	c := &composer{face: f, plan: p}
	c.turn()
	return c
}

func (c *composer) turn() {
	c.pages = append(c.pages, nil)
	c.y = c.plan.top
	if c.again != nil {
		c.again()
	}
}

// room is what is left of the page.
func (c *composer) room() float64 { return c.plan.height - c.plan.bottom - c.y }

// fresh reports that nothing stands on the page yet.
func (c *composer) fresh() bool { return len(c.pages[len(c.pages)-1]) == 0 }

// need turns the page where less than h is left of it.
func (c *composer) need(h float64) {
	if c.room() < h && !c.fresh() {
		c.turn()
	}
}

// space leaves some room between two things, none at the top of a page.
func (c *composer) space(h float64) {
	if !c.fresh() {
		c.y += h
	}
}

func (c *composer) put(m mark) {
	last := len(c.pages) - 1
	c.pages[last] = append(c.pages[last], m)
}

// text puts a line whose box begins at y.
func (c *composer) text(x, y float64, s string, k ink) {
	if s != "" {
		c.put(mark{x: x, y: baseline(y, k), text: s, ink: k})
	}
}

// baseline centres the em box of ideographs, 0.88 above and 0.12 below it, in a line that begins at y.
func baseline(y float64, k ink) float64 { return y + k.line()/2 + 0.38*k.size*mmPerPoint }

func (c *composer) split(s string, k ink, width float64) []string {
	return c.face.split(s, k.size*mmPerPoint, width)
}

// balance is [composer.split] for titles: as few lines, but of about the same length, so that no character stands alone.
func (c *composer) balance(s string, k ink, width float64) []string {
	lines := c.split(s, k, width)
	if len(lines) < 2 || len(lines) > 6 {
		return lines
	}
	low, high := 0.0, width
	for high-low > 0.5 {
		if middle := (low + high) / 2; len(c.split(s, k, middle)) == len(lines) {
			high = middle
		} else {
			low = middle
		}
	}
	return c.split(s, k, high)
}

func (c *composer) measure(s string, k ink) float64 { return c.face.width(s, k.size*mmPerPoint) }

// margin writes what stands around every page, once the number of pages is known: the title again from the second page on
// and the number above, the hash and the page's number below.
func (c *composer) margin(title string, m margins, l breach.Language) {
	k, p := inkMargin, c.plan
	head, foot := p.top-4-k.line(), p.height-p.bottom+6
	for i := range c.pages {
		number := c.fit(m.number, k, p.column()*0.6)
		right := p.width - p.right
		marks := []mark{{x: right - c.measure(number, k), y: baseline(head, k), text: number, ink: k}}
		if i > 0 {
			short := c.fit(title, k, p.column()-c.measure(number, k)-8)
			marks = append(marks, mark{x: p.left, y: baseline(head, k), text: short, ink: k})
		}
		page := pageOf(l, i+1, len(c.pages))
		marks = append(marks,
			mark{x: p.left, y: head + k.line() + 0.6, w: p.column(), rule: true, ink: ink{gray: 190}},
			mark{x: p.left, y: foot - 1, w: p.column(), rule: true, ink: ink{gray: 190}},
			mark{x: p.left, y: baseline(foot, k), text: hashLine(l, m.sha256), ink: k},
			mark{x: right - c.measure(page, k), y: baseline(foot, k), text: page, ink: k},
		)
		c.pages[i] = append(c.pages[i], marks...)
	}
}

// fit shortens a text of the margins, which stands in full elsewhere.
func (c *composer) fit(s string, k ink, width float64) string {
	if c.measure(s, k) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && c.measure(string(runes)+"…", k) > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}
