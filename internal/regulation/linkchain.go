package regulation

import (
	"slices"

	"tocsin/internal/breach"
)

// order puts every rule after those that it follows or that supersede it.
func (c *compiler) order() {
	state := map[*rule]int{} // 1 while its predecessors are placed, 2 once it is placed
	before := map[*rule][]*rule{}
	for _, p := range c.engine.packs {
		for _, r := range p.rules {
			before[r] = append(before[r], r.follows...)
			for _, s := range r.supersedes {
				before[s] = append(before[s], r)
			}
		}
	}
	var place func(r *rule)
	place = func(r *rule) {
		switch state[r] {
		case 1:
			c.fault(r.file, r.line, "break the circle", "rule %s follows or supersedes itself by way of others: no stage of it can be reached", r.id)
			return
		case 2:
			return
		}
		state[r] = 1
		for _, q := range before[r] {
			place(q)
		}
		state[r] = 2
		c.engine.rules = append(c.engine.rules, r)
	}
	for _, p := range c.engine.packs {
		for _, r := range p.rules {
			place(r)
		}
	}
}

// checkChains refuses stages that nothing leads to.
func (c *compiler) checkChains() {
	for _, r := range c.engine.rules {
		same := slices.ContainsFunc(r.to, func(a addressee) bool { return a.same })
		if same && len(r.follows) == 0 {
			c.fault(r.file, r.line, "write follows: with the rules whose addressees are meant", "rule %s goes to the same addressee as nothing", r.id)
		}
		later := r.stage == breach.StageSupplement || r.stage == breach.StageFinal || r.stage == breach.StageWithdrawal
		if later && len(r.follows) == 0 {
			c.fault(r.file, r.line, "write follows: with the rule of the first report, or make it single", "the %s stage of rule %s is unreachable: it follows no first report", r.stage, r.id)
		}
		reachable := len(r.follows) == 0
		for _, f := range r.follows {
			if f.stage == breach.StageFinal || f.stage == breach.StageWithdrawal {
				c.fault(r.file, r.line, "follow a rule of an earlier stage", "rule %s follows %s, after which nothing comes", r.id, f.id)
			}
			reachable = reachable || r.span.overlaps(f.span)
		}
		if !reachable && len(r.follows) > 0 {
			c.fault(r.file, r.line, "mend the validity of one of them", "the stage of rule %s is unreachable: it is never in force together with what it follows", r.id)
		}
	}
}
