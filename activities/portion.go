package activities

import "time"

// portion is how much of what is claimed is let go at once: as much as leaves within about a second. What is let go is in doubt
// when its machine is lost, so a channel that is slow gets little.
type portion struct{ size, least, most int }

const (
	firstPortion = 25
	quick, slow  = 250 * time.Millisecond, time.Second
)

func newPortion(lanes, most int) portion {
	least := min(max(1, lanes), most)
	return portion{size: min(max(firstPortion, least), most), least: least, most: most}
}

// took learns from the time that the last one needed.
func (p *portion) took(d time.Duration) {
	switch {
	case d < quick:
		p.size = min(2*p.size, p.most)
	case d > slow:
		p.size = max(p.size/2, p.least)
	}
}
