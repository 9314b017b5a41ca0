package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// SegmentView is a part of those who must be told: who they are, and which text they get.
type SegmentView struct {
	Law        string          `json:"law"`            // whose text they get
	Also       []string        `json:"also,omitempty"` // other laws that protect them; the text says what these ask for too
	Audience   breach.Audience `json:"audience"`
	Language   breach.Language `json:"language"`
	Region     string          `json:"region"`               // empty: the file does not say
	Categories []string        `json:"categories,omitempty"` // of their data that was exposed; empty: as the incident's facts say
	People     int64           `json:"people"`               // affected people who are counted here
	Recipients int64           `json:"recipients"`           // whom a message is for
	Told       int64           `json:"told"`
	Missed     int64           `json:"missed"`
	Public     int64           `json:"public"`
	Exempt     int64           `json:"exempt"`
	Open       int64           `json:"open"`
}

// SegmentFinding is something about segments that a person must look at.
type SegmentFinding struct {
	Code   string      `json:"code"` // no_law, no_region, not_in_text, no_text
	People int64       `json:"people"`
	Text   breach.Text `json:"text"`
	Next   breach.Text `json:"next"`
}

// SegmentList is everybody who must be told, by the text they get.
type SegmentList struct {
	Segments []SegmentView    `json:"segments"`
	Findings []SegmentFinding `json:"findings"`
}

func peopleSegments(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	out, err := s.segments(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, out)
}

func (s *server) segments(ctx context.Context, id breach.IncidentID) (SegmentList, error) {
	out := SegmentList{Segments: []SegmentView{}, Findings: []SegmentFinding{}}
	if _, err := s.store.Incident(ctx, id); err != nil {
		return out, err
	}
	rules, err := s.noticeRules(ctx, id)
	if err != nil {
		return out, err
	}
	cohorts, err := s.store.Cohorts(ctx, id)
	if err != nil {
		return out, err
	}
	counts, err := s.store.CohortCounts(ctx, id)
	if err != nil {
		return out, err
	}
	at := map[string]int{}
	for _, cohort := range cohorts {
		if cohort.Recipients == 0 {
			continue
		}
		laws := s.lawsOf(cohort.Region, rules)
		v := SegmentView{
			Law: laws[0], Also: laws[1:], Audience: cohort.Role, Language: cohort.Language, Region: cohort.Region, Categories: cohort.Categories,
		}
		key := fmt.Sprint(v.Law, v.Audience, v.Language, v.Region, v.Categories)
		i, ok := at[key]
		if !ok {
			i, at[key] = len(out.Segments), len(out.Segments)
			out.Segments = append(out.Segments, v)
		}
		out.Segments[i].add(cohort, counts[cohort.No])
	}
	slices.SortStableFunc(out.Segments, func(a, b SegmentView) int { return int(min(max(b.Recipients-a.Recipients, -1), 1)) })
	findings, err := s.segmentFindings(ctx, id, out.Segments)
	out.Findings = append(out.Findings, findings...)
	return out, err
}

func (v *SegmentView) add(c store.Cohort, states map[breach.RecipientState]int64) {
	v.People, v.Recipients = v.People+c.People, v.Recipients+c.Recipients
	v.Told, v.Missed = v.Told+states[breach.RecipientTold], v.Missed+states[breach.RecipientMissed]
	v.Public, v.Exempt = v.Public+states[breach.RecipientPublic], v.Exempt+states[breach.RecipientExempt]
	v.Open = v.Recipients - v.Told - v.Missed - v.Public - v.Exempt
}

// noticeRules lists the rules that make a notice to people due, or may.
func (s *server) noticeRules(ctx context.Context, id breach.IncidentID) ([]string, error) {
	obligations, err := s.store.Obligations(ctx, id)
	if err != nil {
		return nil, err
	}
	var rules []string
	for _, o := range obligations {
		if o.Duty == breach.DutyNotice && o.Owed != breach.NotOwed {
			rules = append(rules, string(o.Result.Rule))
		}
	}
	return rules, nil
}

// lawsOf names the law whose text people of a region get, and the others that protect them.
func (s *server) lawsOf(region string, rules []string) []string {
	if s.LawsFor == nil || region == "" || region == s.Region {
		return append([]string{s.HomeLaw}, s.also(region, rules)...)
	}
	if laws := s.LawsFor(region, rules); len(laws) > 0 {
		return laws
	}
	return []string{s.GeneralLaw}
}

func (s *server) also(region string, rules []string) []string {
	if s.LawsFor == nil || region == "" {
		return nil
	}
	return slices.DeleteFunc(s.LawsFor(region, rules), func(l string) bool { return l == s.HomeLaw })
}

// segmentFindings names who gets a text for want of a better one, and what the current text does not say.
func (s *server) segmentFindings(ctx context.Context, id breach.IncidentID, segments []SegmentView) ([]SegmentFinding, error) {
	var out []SegmentFinding
	unprotected, regions, nowhere := int64(0), map[string]bool{}, int64(0)
	for _, v := range segments {
		switch {
		case v.Law == s.GeneralLaw:
			unprotected += v.Recipients
			regions[v.Region] = true
		case v.Region == "":
			nowhere += v.Recipients
		}
	}
	if unprotected > 0 {
		names := sortedKeys(regions)
		out = append(out, SegmentFinding{
			Code: "no_law", People: unprotected,
			Text: breach.Text{
				ZH: fmt.Sprintf("%d 名收件人住在 %s，现行义务中没有哪部法律的告知适用于他们；他们将收到通用文本。", unprotected, strings.Join(names, "、")),
				EN: fmt.Sprintf("%d recipients live in %s, where no law in force here asks for a notice; they get the general text.", unprotected, strings.Join(names, ", ")),
			},
			Next: breach.Text{ZH: "请法务核对：需要时补充事实，或为该法律添加文本。", EN: "Ask counsel: state the facts that bring their law in, or add a text for it."},
		})
	}
	if nowhere > 0 && len(segments) > 0 && s.manyPlaces(segments) {
		out = append(out, SegmentFinding{
			Code: "no_region", People: nowhere,
			Text: breach.Text{
				ZH: fmt.Sprintf("%d 名收件人的所在地不明，将收到本地（%s）文本。", nowhere, s.HomeLaw),
				EN: fmt.Sprintf("Of %d recipients the file does not say where they live; they get the text of home (%s).", nowhere, s.HomeLaw),
			},
			Next: breach.Text{ZH: "能补的话，请导入带“地区”列的文件。", EN: "If you can, import a file with a column region."},
		})
	}
	stale, err := s.staleFindings(ctx, id, segments)
	return append(out, stale...), err
}

// manyPlaces reports whether anybody is known to live elsewhere: only then does it matter where the others do.
func (s *server) manyPlaces(segments []SegmentView) bool {
	return slices.ContainsFunc(segments, func(v SegmentView) bool { return v.Region != "" && v.Law != s.HomeLaw })
}

// staleFindings compares the newest notice with the segments: people came, or data came to light, after it was drafted.
func (s *server) staleFindings(ctx context.Context, id breach.IncidentID, segments []SegmentView) ([]SegmentFinding, error) {
	documents, err := s.store.Documents(ctx, id, false, breach.DocNotice)
	if err != nil || len(documents) == 0 {
		return nil, err
	}
	newest := slices.MaxFunc(documents, func(a, b store.Document) int { return a.At.Compare(b.At) }) // notice/10 stands before notice/9
	d, err := s.store.Document(ctx, newest.ID)
	if err != nil {
		return nil, err
	}
	var content breach.Content
	if err := json.Unmarshal(d.Content, &content); err != nil {
		return nil, errors.New("a document's content cannot be read")
	}
	unsaid, unwritten, categories, laws := int64(0), int64(0), map[string]bool{}, map[string]bool{}
	for _, v := range segments {
		r, ok := content.Notice(v.Region, v.Language, v.Audience)
		if !ok || r.Law != "" && r.Law != v.Law {
			unwritten += v.Recipients
			laws[v.Law] = true
			continue
		}
		missing := false
		for _, c := range v.Categories {
			if len(r.Categories) > 0 && !slices.Contains(r.Categories, c) {
				missing, categories[c] = true, true
			}
		}
		if missing {
			unsaid += v.Recipients
		}
	}
	redraft := breach.Text{
		ZH: "若尚未发送：补充事实后会重新起草。若已发送：请以书面方式向这些人补充告知，并留存记录。",
		EN: "If it was not sent yet, state the facts and it is drafted anew; if it was, write to these people by hand and keep a record.",
	}
	var out []SegmentFinding
	if unsaid > 0 {
		names := sortedKeys(categories)
		out = append(out, SegmentFinding{Code: "not_in_text", People: unsaid, Next: redraft, Text: breach.Text{
			ZH: fmt.Sprintf("%d 名收件人被泄露的信息中有 %s，而 %s 第 %d 版没有提到。", unsaid, strings.Join(names, "、"), d.Subject, d.Version),
			EN: fmt.Sprintf("Of %d recipients %s was exposed, which %s, version %d, does not speak of.", unsaid, strings.Join(names, ", "), d.Subject, d.Version),
		}})
	}
	if unwritten > 0 {
		names := sortedKeys(laws)
		out = append(out, SegmentFinding{Code: "no_text", People: unwritten, Next: redraft, Text: breach.Text{
			ZH: fmt.Sprintf("%d 名收件人应收到 %s 的文本，而 %s 第 %d 版没有。", unwritten, strings.Join(names, "、"), d.Subject, d.Version),
			EN: fmt.Sprintf("%d recipients are owed the text of %s, which %s, version %d, does not have.", unwritten, strings.Join(names, ", "), d.Subject, d.Version),
		}})
	}
	return out, nil
}

func sortedKeys(m map[string]bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
