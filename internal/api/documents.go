package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// FilingView is a duty to report with the document and the handing-over it has come to.
type FilingView struct {
	Obligation store.Obligation `json:"duty"`
	Document   *store.Document  `json:"document,omitempty"` // the current version; nil before the first draft
	Filing     *store.Filing    `json:"filing,omitempty"`   // the newest handing-over; nil before the first
	Receipts   []store.Receipt  `json:"receipts,omitempty"` // what the authority gave, oldest first
}

// FilingList is an incident's reports to authorities.
type FilingList struct {
	Filings []FilingView `json:"filings"`
}

func listFilings(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	if _, err := s.store.Incident(ctx, id); err != nil {
		return err
	}
	obligations, err := s.store.Obligations(ctx, id)
	if err != nil {
		return err
	}
	documents, err := s.store.Documents(ctx, id, false, breach.DocFiling)
	if err != nil {
		return err
	}
	filings, err := s.store.Filings(ctx, id)
	if err != nil {
		return err
	}
	receipts, err := s.store.Receipts(ctx, id)
	if err != nil {
		return err
	}
	out := FilingList{Filings: []FilingView{}}
	for _, o := range obligations {
		if o.Duty != breach.DutyFiling {
			continue
		}
		v := FilingView{Obligation: o}
		for i := range documents {
			if documents[i].Subject == o.Key {
				v.Document = &documents[i]
			}
		}
		for i := range filings { // oldest first: the last one stays
			if filings[i].Obligation == o.Key {
				v.Filing = &filings[i]
			}
		}
		for _, r := range receipts {
			if r.Key == o.Key {
				v.Receipts = append(v.Receipts, r)
			}
		}
		out.Filings = append(out.Filings, v)
	}
	return c.reply(http.StatusOK, out)
}

// NoticeList is what an incident says to people and to the public.
type NoticeList struct {
	Documents []store.Document     `json:"documents"` // current versions of notices and public notices
	Campaigns []CampaignView       `json:"campaigns"`
	Published []store.PublicNotice `json:"published"`
}

// listNoticeVersions lists the versions of one notice: GET /v1/incidents/{id}/notices/versions?notice=notice/1.
func listNoticeVersions(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	return s.replyVersions(c, id, c.r.URL.Query().Get("notice"), breach.DocNotice, breach.DocPublicNotice)
}

func listNotices(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	ctx := c.r.Context()
	if _, err := s.store.Incident(ctx, id); err != nil {
		return err
	}
	var out NoticeList
	documents, err := s.store.Documents(ctx, id, false, breach.DocNotice, breach.DocPublicNotice)
	if err != nil {
		return err
	}
	out.Documents = orEmpty(documents)
	if out.Campaigns, err = s.campaigns(ctx, id); err != nil {
		return err
	}
	published, err := s.store.PublicNotices(ctx, id)
	if err != nil {
		return err
	}
	out.Published = orEmpty(published)
	return c.reply(http.StatusOK, out)
}

// DocumentView is a version of a document with what it says.
type DocumentView struct {
	store.Document
	Content breach.Content `json:"content"`
}

func showDocument(s *server, c *call) error {
	d, err := s.store.Document(c.r.Context(), breach.DocumentID(c.r.PathValue("id")))
	if err != nil {
		return err
	}
	v := DocumentView{Document: d}
	if err := json.Unmarshal(d.Content, &v.Content); err != nil {
		return errors.New("a document's content cannot be read")
	}
	return c.reply(http.StatusOK, v)
}

// documentContent sends the very bytes that the hash is of, so that whoever decides can compute it from what they read.
func documentContent(s *server, c *call) error {
	d, err := s.store.Document(c.r.Context(), breach.DocumentID(c.r.PathValue("id")))
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("ETag", `"`+d.SHA256.String()+`"`)
	_, _ = c.w.Write(d.Content)
	return nil
}

// DecisionIn is what a person decides on a version: POST /v1/documents/{id}/decision. The hash is of what they read.
type DecisionIn struct {
	SHA256  store.HexBytes `json:"sha256"`
	Verdict breach.Verdict `json:"verdict"`
	Why     string         `json:"why,omitempty"` // required for a refusal
}

func decide(s *server, c *call) error {
	var in DecisionIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Verdict != breach.Approved && in.Verdict != breach.Refused {
		return unprocessable("verdict", "The field verdict must be approved or refused.", "")
	}
	if len(in.SHA256) == 0 {
		return unprocessable("sha256", "The field sha256 is empty.", "Send the hash of the version that you read: it binds your decision to these words.")
	}
	reason, err := why(in.Why, in.Verdict == breach.Refused)
	if err != nil {
		return err
	}
	role := breach.RoleLead
	if c.holder.Is(breach.RoleApprover) {
		role = breach.RoleApprover
	}
	d, err := s.store.Decide(c.r.Context(), store.Decision{
		Document: breach.DocumentID(c.r.PathValue("id")), SHA256: in.SHA256, Verdict: in.Verdict,
		Person: c.holder.Person, Role: role, Why: reason,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, d)
}

func halt(s *server, c *call) error   { return s.setHalt(c, true) }
func resume(s *server, c *call) error { return s.setHalt(c, false) }

func (s *server) setHalt(c *call, halted bool) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	n, err := parseN(c.r.PathValue("n"))
	if err != nil {
		return err
	}
	if err := s.store.Halt(c.r.Context(), id, n, halted, c.holder.Person); err != nil {
		return err
	}
	campaign, err := s.store.Campaign(c.r.Context(), id, n)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, campaign)
}
