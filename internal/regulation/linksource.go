package regulation

import (
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// checkSource wants a mark of confidence, and a title for every key that a mark names.
func (c *compiler) checkSource(d *sourceFile, l located, line int) {
	line = max(line, l.Line)
	if !strings.Contains(l.Text, "found") && !strings.Contains(l.Text, "memory") && !strings.Contains(l.Text, "derived") && !strings.Contains(l.Text, "own") {
		c.fault(d.name, line, "write source: found F1, F2 (keys of sources:), memory, derived, or own for a rule of your own", "the source is missing")
		return
	}
	for _, word := range strings.FieldsFunc(l.Text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '(' || r == ')' }) {
		if !sourceKey(word) {
			continue
		}
		if !slices.ContainsFunc(d.doc.Sources, func(s sourceDoc) bool { return s.Key.Text == word }) {
			c.fault(d.name, line, "add it under sources: with its title", "source %s has no title", word)
		}
	}
}

func sourceKey(word string) bool {
	return len(word) >= 2 && (word[0] == 'F' || word[0] == 'N') && word[1] >= '0' && word[1] <= '9'
}

// verifyRule joins the doubts of a rule: its own, then those of the whole pack.
func (c *compiler) verifyRule(d *sourceFile, doc *ruleDoc, line int) *breach.Text {
	keys := slices.Clone(doc.Verify)
	for _, q := range d.doc.Doubts {
		named := slices.ContainsFunc(keys, func(k located) bool { return k.Text == q.Key.Text })
		if q.All && !named {
			keys = append(keys, q.Key)
		}
	}
	return c.verify(d, keys, doc.Source, line)
}

// verify joins doubts. What is only remembered must carry one.
func (c *compiler) verify(d *sourceFile, keys []located, source located, line int) *breach.Text {
	var own []doubtDoc
	for _, k := range keys {
		i := slices.IndexFunc(d.doc.Doubts, func(q doubtDoc) bool { return q.Key.Text == k.Text })
		if i < 0 {
			c.fault(d.name, k.Line, "declare it under doubts:", "there is no doubt %q", k.Text)
			continue
		}
		own = append(own, d.doc.Doubts[i])
	}
	if strings.Contains(source.Text, "memory") && len(own) == 0 {
		c.fault(d.name, max(line, source.Line), "write verify: with the key of a doubt", "what was not checked against a text needs a doubt")
	}
	return joinDoubts(own)
}

func joinDoubts(doubts []doubtDoc) *breach.Text {
	if len(doubts) == 0 {
		return nil
	}
	var zh, en []string
	for _, q := range doubts {
		zh, en = append(zh, q.ZH), append(en, q.EN)
	}
	return &breach.Text{ZH: strings.Join(zh, ""), EN: strings.Join(en, " ")}
}
