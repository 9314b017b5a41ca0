package api

import (
	"net/http"
	"strings"

	"tocsin/internal/audience"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func (s *server) countRows(r store.ImportResult) {
	s.count.rows.WithLabelValues("new").Add(float64(r.PeopleNew))
	s.count.rows.WithLabelValues("known").Add(float64(r.PeopleKnown))
	s.count.rows.WithLabelValues("set_aside").Add(float64(r.SetAside))
}

func countPeople(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	tally, err := s.store.Tally(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, tally)
}

// IssueList is a page of an import's issues, by line.
type IssueList struct {
	Import int         `json:"import"`
	Issues []IssueView `json:"issues"`
	After  int64       `json:"after,omitempty"` // ask for the next page with ?after=; absent on the last
}

func importIssues(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	no, err := c.number("import", 1, 1<<30)
	if err != nil {
		return err
	}
	after, err := c.number("after", 0, 1<<50)
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	issues, err := s.store.ImportIssues(c.r.Context(), id, int(no), after, shownIssues)
	if err != nil {
		return err
	}
	out := IssueList{Import: int(no), Issues: []IssueView{}}
	if len(issues) == shownIssues {
		issues, out.After = wholeLines(issues)
	}
	for _, i := range issues {
		out.Issues = append(out.Issues, inWords(i))
	}
	return c.reply(http.StatusOK, out)
}

// wholeLines ends a full page where a line ends, so that the next one begins with all that is said of the next line.
func wholeLines(issues []store.ImportIssue) ([]store.ImportIssue, int64) {
	last := issues[len(issues)-1].Line
	for n := len(issues); n > 0; n-- {
		if issues[n-1].Line != last {
			return issues[:n], issues[n-1].Line
		}
	}
	return issues, last // a thousand faults of one line do not happen
}

func inWords(i store.ImportIssue) IssueView {
	v := IssueView{ImportIssue: i}
	column := strings.TrimPrefix(i.Column, guardiansFile)
	if text := audience.TextOf(audience.Reason(i.Reason), column); text != (breach.Text{}) {
		v.Text = &text
	}
	return v
}
