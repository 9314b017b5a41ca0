package activities

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/notifiers"
	"tocsin/templates"
)

// approvedTexts are the approved words of a campaign, and what decides who gets which of them. It is safe for concurrent use.
type approvedTexts struct {
	content breach.Content
	cohorts map[int]store.Cohort

	mu     sync.Mutex
	chosen map[string]templates.NoticeText // lines chosen for readers of one kind
}

func newApprovedTexts(content breach.Content, cohorts []store.Cohort) *approvedTexts {
	t := &approvedTexts{content: content, cohorts: make(map[int]store.Cohort, len(cohorts)), chosen: map[string]templates.NoticeText{}}
	for _, c := range cohorts {
		t.cohorts[c.No] = c
	}
	return t
}

// compose writes one message for everyone behind a contact: one mail names all of a mother's children, and speaks of her own
// data too where they were exposed as well. Where several people share a mailbox, each of them is greeted, and reads of their own.
func (t *approvedTexts) compose(w store.Work) (notifiers.Message, bool) {
	m := notifiers.Message{ID: w.Delivery, To: w.To, Date: w.ClaimedAt}
	notices := t.notices(w.Behind)
	if len(notices) == 0 {
		return m, false
	}
	first := notices[0]
	for _, next := range notices[1:] {
		first.Text += "\n" + betweenMails + "\n\n" + next.Text
		first.HTML = joinMails(first.HTML, next.HTML)
	}
	m.Language, m.Subject, m.Text, m.HTML, m.Variables, m.Audience = first.Language, first.Subject, first.Text, first.HTML, first.Variables, first.Audience
	switch w.Channel {
	case breach.SMS:
		m.Subject, m.Text, m.HTML = "", first.SMS, ""
	case breach.Push:
		m.Subject, m.Text, m.HTML = first.PushTitle, first.PushBody, ""
	default:
	}
	return m, true
}

// notices are the texts for everyone behind a contact, the first of which gives the subject, the SMS and the push message: to the
// guardian, to grown-ups, and to those minors of whom no guardian's notice speaks.
func (t *approvedTexts) notices(behind []store.Recipient) []templates.NoticeText {
	var out []templates.NoticeText
	if text, ok := t.merged(behind, breach.ToGuardian); ok {
		out = append(out, text)
	}
	for _, role := range []breach.Audience{breach.ToPerson, breach.ToMinor} {
		for _, alike := range t.alike(behind, role) {
			if text, ok := t.merged(alike, role); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// alike sorts the readers of a role into those who get the same text.
func (t *approvedTexts) alike(behind []store.Recipient, role breach.Audience) [][]store.Recipient {
	var keys []string
	groups := map[string][]store.Recipient{}
	for _, r := range behind {
		if r.Role != role || role == breach.ToMinor && throughGuardian(behind, r.Person) {
			continue
		}
		c := t.cohorts[r.Cohort]
		key := c.Region + " " + string(r.Language) + " " + strings.Join(c.Categories, ",")
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], r)
	}
	var out [][]store.Recipient
	var all []store.Recipient
	for _, key := range keys {
		out = append(out, groups[key])
		all = append(all, groups[key]...)
	}
	if len(out) > maxApart {
		return [][]store.Recipient{all}
	}
	return out
}

// maxApart is the most notices of one role in a mail. Where more kinds of readers share a contact it is nobody's mailbox, and one
// notice tells of everything, without names.
const maxApart = 4

// throughGuardian reports whether a guardian behind the same contact is told of a minor.
func throughGuardian(behind []store.Recipient, minor string) bool {
	return slices.ContainsFunc(behind, func(r store.Recipient) bool { return r.Role == breach.ToGuardian && r.Person == minor })
}

// betweenMails stands between two notices in one mail.
const betweenMails = "────────────────────"

// joinMails puts what one mail says under what another says.
func joinMails(above, below string) string {
	_, inside, ok := strings.Cut(below, "<body")
	if !ok {
		return above
	}
	_, inside, _ = strings.Cut(inside, ">")
	inside, _, _ = strings.Cut(inside, "</body>")
	return strings.Replace(above, "</body>", "<p>"+betweenMails+"</p>"+inside+"</body>", 1)
}

// merged is the text for those behind a contact in one role, with their names and of what was theirs.
func (t *approvedTexts) merged(behind []store.Recipient, role breach.Audience) (templates.NoticeText, bool) {
	var first *store.Recipient
	var names templates.MergeNames
	var own []string
	unnamed := map[string]int{} // children without a name, by their guardian
	all := false                // of somebody among them nobody knows what was exposed: all of it is told
	for i, r := range behind {
		if r.Role != role {
			continue
		}
		if first == nil {
			first, names.Recipient = &behind[i], r.Name
		} else if r.Name != names.Recipient && !slices.Contains(names.Others, r.Name) {
			names.Others = append(names.Others, r.Name)
		}
		if r.Person == "" { // two guardians of one child are two recipients of it
			unnamed[r.Name]++
		} else if !slices.Contains(names.People, r.Person) {
			names.People = append(names.People, r.Person)
		}
		categories := t.cohorts[r.Cohort].Categories
		all = all || len(categories) == 0
		for _, c := range categories {
			if !slices.Contains(own, c) {
				own = append(own, c)
			}
		}
	}
	if first == nil {
		return templates.NoticeText{}, false
	}
	if all {
		own = nil
	}
	for range slices.Max(append(slices.Collect(maps.Values(unnamed)), 0)) {
		names.People = append(names.People, "") // "one more child"
	}
	slices.Sort(own)
	text, ok := t.choose(t.cohorts[first.Cohort].Region, first.Language, role, own)
	if !ok {
		return text, false
	}
	return text.Merge(names), true
}

// choose picks the text for a region and the lines for some categories. A category that the text does not speak of came to
// light after the approval: then everything that the text says is said, and the finding at the freeze asks for it.
func (t *approvedTexts) choose(region string, l breach.Language, role breach.Audience, own []string) (templates.NoticeText, bool) {
	key := region + " " + string(l) + " " + string(role) + " " + strings.Join(own, ",")
	t.mu.Lock()
	defer t.mu.Unlock()
	if text, ok := t.chosen[key]; ok {
		return text, true
	}
	r, ok := t.content.Notice(region, l, role)
	if !ok {
		return templates.NoticeText{}, false
	}
	text, ok := noticeText(r).For(own...)
	if !ok {
		text, _ = noticeText(r).For()
	}
	t.chosen[key] = text
	return text, true
}
