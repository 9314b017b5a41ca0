package playbook

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// checkGraph asks that each step can be reached, that nothing runs in a circle, and that branches of a parallel step stay
// apart: each has steps and ends of its own, so that it is clear when it is over.
func (p *parser) checkGraph() {
	g := &grapher{p: p, region: map[string]string{}}
	g.collect(p.file.Start, "")
	p.order = g.order
	for _, id := range slices.Sorted(maps.Keys(p.file.Workflow)) {
		if _, ok := g.region[id]; !ok {
			p.fault("no way leads from the start to this step; link it or remove it", "workflow", id)
		}
	}
	if len(p.faults) == 0 {
		g.cycles()
	}
}

type grapher struct {
	p      *parser
	region map[string]string // step -> first step of the branch it belongs to; "" outside of branches
	order  []string
}

// collect walks a region breadth first, then the branches of its parallel steps.
func (g *grapher) collect(first, region string) {
	queue := []string{first}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		if other, seen := g.region[id]; seen {
			if other != region {
				g.p.fault("two branches lead to this step; give each branch steps and an end step of its own, and let the parallel step's on_completion go on", "workflow", id)
			}
			continue
		}
		g.region[id] = region
		g.order = append(g.order, id)
		s := g.p.file.Workflow[id]
		for i, branch := range s.NextSteps {
			if _, seen := g.region[branch]; seen {
				g.p.fault("this branch begins at a step that another way reaches too; give each branch steps and an end step of its own", "workflow", id, "next_steps", strconv.Itoa(i))
				continue
			}
			g.collect(branch, branch)
		}
		queue = append(queue, successors(s)...)
	}
}

// successors lists the steps that may follow s in its own branch.
func successors(s cacaoStep) []string {
	var out []string
	for _, id := range []string{s.OnCompletion, s.OnSuccess, s.OnFailure} {
		if id != "" {
			out = append(out, id)
		}
	}
	return out
}

// cycles reports the first circle on each way.
func (g *grapher) cycles() {
	const open, closed = 1, 2
	state := map[string]int{}
	var visit func(id string, way []string)
	visit = func(id string, way []string) {
		switch state[id] {
		case closed:
			return
		case open:
			circle := way[slices.Index(way, id):]
			g.p.fault("runs in a circle of "+strconv.Itoa(len(circle))+" steps: "+strings.Join(append(slices.Clone(circle), id), " -> ")+"; loops are not walked by this version", "workflow", id)
			return
		}
		state[id] = open
		s := g.p.file.Workflow[id]
		for _, next := range append(successors(s), s.NextSteps...) {
			visit(next, append(way, id))
		}
		state[id] = closed
	}
	visit(g.p.file.Start, nil)
}
