package activities

import (
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
// data too where they were exposed as well.
func (t *approvedTexts) compose(w store.Work) (notifiers.Message, bool) {
	m := notifiers.Message{ID: w.Delivery, To: w.To, Date: w.ClaimedAt}
	first, ok := t.merged(w.Behind, breach.ToGuardian)
	second, both := t.merged(w.Behind, breach.ToPerson)
	switch {
	case ok && both:
		first.Text += "\n" + betweenMails + "\n\n" + second.Text
		first.HTML = joinMails(first.HTML, second.HTML)
	case both:
		first, ok = second, true
	case !ok:
		first, ok = t.merged(w.Behind, breach.ToMinor)
	}
	if !ok {
		return m, false
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
	all := false // of somebody among them nobody knows what was exposed: all of it is told
	for i, r := range behind {
		if r.Role != role {
			continue
		}
		if first == nil {
			first, names.Recipient = &behind[i], r.Name
		}
		if !slices.Contains(names.People, r.Person) {
			names.People = append(names.People, r.Person) // empty for one without a name: "one more child"
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
