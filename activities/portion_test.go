package activities

import (
	"testing"
	"time"
)

func TestAPortionIsWhatLeavesWithinASecond(t *testing.T) {
	p := newPortion(4, 200)
	for range 10 {
		p.took(100 * time.Millisecond)
	}
	if p.size != 200 {
		t.Errorf("a fast channel gets %d at once, want a whole batch", p.size)
	}
	p.took(500 * time.Millisecond)
	if p.size != 200 {
		t.Errorf("half a second changed it to %d", p.size)
	}
	for range 10 {
		p.took(5 * time.Second)
	}
	if p.size != 4 {
		t.Errorf("a slow channel gets %d at once, want one for each lane", p.size)
	}
	if p := newPortion(0, 3); p.size != 3 || p.least != 1 {
		t.Errorf("a small batch: %+v", p)
	}
}
