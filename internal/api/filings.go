package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/internal/breach"
	"tocsin/internal/intake"
	"tocsin/internal/store"
)

// FormItem is a row of a report's form that facts and people's answers fill.
type FormItem struct {
	Label   breach.Text       `json:"label"`
	Answers []FormPrompt      `json:"answers,omitempty"`
	Facts   []breach.FactName `json:"facts,omitempty"` // stated as facts; an answer under a fact's name says why it does not apply
}

// FormPrompt is something that a person is asked for.
type FormPrompt struct {
	Key  string      `json:"key"`
	Name breach.Text `json:"name"`
	Help breach.Text `json:"help"`
}

// Forms knows what reports ask for. A nil function knows nothing, and then every answer is taken.
type Forms struct {
	Items func(breach.Obligation) (form string, items []FormItem, err error)
	Check func(item string, text, notApplicable breach.Text) error // says what is wrong with an answer
	Other []FormPrompt                                             // what may be answered beside a form's items: why it is late
}

// FormView is the form of a duty with what was answered.
type FormView struct {
	Duty    string         `json:"duty"`
	Form    string         `json:"form"`
	Title   breach.Text    `json:"title"`
	Rev     int            `json:"rev"` // of the answers; send it back with a change, so that nobody's words are lost
	Items   []FormItem     `json:"items"`
	Other   []FormPrompt   `json:"other,omitempty"`
	Answers []store.Answer `json:"answers"`
}

// duty reads which of an incident's duties the query names.
func (s *server) duty(c *call, key string) (breach.IncidentID, store.Obligation, error) {
	id, err := c.incident()
	if err != nil {
		return "", store.Obligation{}, err
	}
	if key == "" {
		return "", store.Obligation{}, problem(http.StatusBadRequest, "duty", "The request does not say which duty it is about.", "Name its key, such as cn-cac-other/cn-cac-provincial; tocsin filing list shows the keys.")
	}
	o, err := s.store.Obligation(c.r.Context(), id, key)
	if errors.Is(err, store.ErrNotFound) {
		return "", o, notFound("The incident has no such duty.", "tocsin filing list "+string(id)+" --all shows the keys.")
	}
	return id, o, err
}

func showForm(s *server, c *call) error {
	id, o, err := s.duty(c, c.r.URL.Query().Get("duty"))
	if err != nil {
		return err
	}
	if o.Duty != breach.DutyFiling {
		return unprocessable("not_a_filing", "This duty is met without a report, so there is no form.", "")
	}
	v := FormView{Duty: o.Key, Title: o.Result.Title, Items: []FormItem{}, Other: s.Forms.Other}
	if s.Forms.Items != nil {
		if v.Form, v.Items, err = s.Forms.Items(o.Result); err != nil {
			return err
		}
	}
	answers, rev, err := s.store.Answers(c.r.Context(), id, o.Key, 0)
	if err != nil {
		return err
	}
	v.Answers, v.Rev = orEmpty(answers), rev
	return c.reply(http.StatusOK, v)
}

// AnswersIn are a person's answers to a form: POST /v1/incidents/{id}/filing/answers.
type AnswersIn struct {
	Duty    string     `json:"duty"`
	Rev     *int       `json:"rev,omitempty"` // refused where the answers have moved on since; nil takes whatever is there
	Answers []AnswerIn `json:"answers"`
}

// AnswerIn is one answer. With both texts empty an earlier one is taken back.
type AnswerIn struct {
	Item          string      `json:"item"`
	Text          breach.Text `json:"text,omitzero"`
	NotApplicable breach.Text `json:"not_applicable,omitzero"`
}

// AnswersSaved says at which revision the answers are now.
type AnswersSaved struct {
	Rev int `json:"rev"`
}

func setAnswers(s *server, c *call) error {
	var in AnswersIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	if len(in.Answers) == 0 || len(in.Answers) > maxAnswers {
		return unprocessable("answers", "The field answers must hold 1 to 200 answers.", "")
	}
	answers, err := s.readAnswers(o.Result, in.Answers)
	if err != nil {
		return err
	}
	_, rev, err := s.store.Answers(c.r.Context(), id, o.Key, 0)
	if err != nil {
		return err
	}
	if in.Rev != nil && *in.Rev != rev {
		return problem(http.StatusConflict, "stale_answers", "Somebody else has answered since you read the form.", "Read it again, then send what you change.")
	}
	if rev, err = s.store.SetAnswers(c.r.Context(), id, o.Key, c.holder.Person, answers); err != nil {
		return err
	}
	return c.reply(http.StatusOK, AnswersSaved{Rev: rev})
}

const maxAnswers = 200

// readAnswers refuses an answer to an item that this form does not ask for: it would stand nowhere. Taking one back is always
// taken.
func (s *server) readAnswers(o breach.Obligation, in []AnswerIn) ([]store.Answer, error) {
	var asked []string
	if s.Forms.Items != nil {
		_, items, err := s.Forms.Items(o)
		if err != nil {
			return nil, err
		}
		asked = askedFor(items, s.Forms.Other)
	}
	out := make([]store.Answer, len(in))
	seen := map[string]bool{}
	for i, a := range in {
		a.Item = strings.TrimSpace(a.Item)
		empty := a.Text == breach.Text{} && a.NotApplicable == breach.Text{}
		switch {
		case a.Item == "" || seen[a.Item]:
			return nil, unprocessable("item", "An answer names no item, or two answers name the same.", "")
		case s.Forms.Items != nil && !empty && !slices.Contains(asked, a.Item):
			return nil, unprocessable("item", "The form of this duty does not ask for one of the items.", "It asks for "+strings.Join(asked, ", ")+".")
		case s.Forms.Check != nil && !empty:
			if err := s.Forms.Check(a.Item, a.Text, a.NotApplicable); err != nil {
				return nil, unprocessable("answer", sentence(err.Error()), "")
			}
		}
		seen[a.Item] = true
		out[i] = store.Answer{Item: a.Item, Text: a.Text, NotApplicable: a.NotApplicable}
	}
	return out, nil
}

// askedFor lists what may be answered to a form: its items, and the names of its facts.
func askedFor(items []FormItem, other []FormPrompt) []string {
	var keys []string
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, it := range items {
		for _, p := range it.Answers {
			add(p.Key)
		}
		for _, f := range it.Facts {
			add(string(f))
		}
	}
	for _, p := range other {
		add(p.Key)
	}
	return keys
}

// VersionList is every version of a duty's report or of a notice, the void ones too, newest first.
type VersionList struct {
	Versions []VersionView `json:"versions"`
}

// VersionView is one version with what people decided on it.
type VersionView struct {
	store.Document
	Decisions []store.DecisionRecord `json:"decisions"`
}

func listVersions(s *server, c *call) error {
	id, o, err := s.duty(c, c.r.URL.Query().Get("duty"))
	if err != nil {
		return err
	}
	return s.replyVersions(c, id, o.Key, breach.DocFiling)
}

// replyVersions lists the versions of one document, by its subject.
func (s *server) replyVersions(c *call, id breach.IncidentID, subject string, kinds ...breach.DocumentKind) error {
	documents, err := s.store.Documents(c.r.Context(), id, true, kinds...)
	if err != nil {
		return err
	}
	out := VersionList{Versions: []VersionView{}}
	for _, d := range documents {
		if d.Subject != subject {
			continue
		}
		v := VersionView{Document: d}
		if v.Files, err = s.store.DocumentFiles(c.r.Context(), d.ID); err != nil {
			return err
		}
		decisions, err := s.store.Decisions(c.r.Context(), d.ID)
		if err != nil {
			return err
		}
		v.Decisions = orEmpty(decisions)
		out.Versions = append(out.Versions, v)
	}
	return c.reply(http.StatusOK, out)
}

// documentFile sends a finished rendering: the very bytes that were approved and are handed over.
func documentFile(s *server, c *call) error {
	f, err := s.store.DocumentFile(c.r.Context(), breach.DocumentID(c.r.PathValue("document")), c.r.PathValue("name"))
	if err != nil {
		return err
	}
	c.download(f.Type, f.SHA256, f.Bytes)
	return nil
}

// download sends bytes that a browser must neither show nor guess the type of.
func (c *call) download(kind, hash string, b []byte) {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", "attachment")
	h.Set("ETag", `"`+hash+`"`)
	_, _ = c.w.Write(b)
}

// ReceiptIn is what an authority gave: POST /v1/incidents/{id}/filing/receipt.
type ReceiptIn struct {
	Duty         string    `json:"duty"`
	Number       string    `json:"number,omitempty"` // this or evidence is required
	At           time.Time `json:"received_at"`
	Who          string    `json:"who"` // who took it; kept sealed
	Acknowledged bool      `json:"acknowledged,omitempty"`
	Evidence     []string  `json:"evidence,omitempty"` // ids of a photo or a PDF
}

func addReceipt(s *server, c *call) error {
	var in ReceiptIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	if len(in.Evidence) > 20 {
		return unprocessable("evidence", "One receipt takes at most 20 pieces of evidence.", "")
	}
	r, err := s.store.RecordReceipt(c.r.Context(), store.Receipt{
		Incident: id, Key: o.Key, Number: intake.Line(in.Number, 200), At: in.At, Who: intake.Line(in.Who, 200),
		Acknowledged: in.Acknowledged, Evidence: in.Evidence, By: c.holder.Person,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, r)
}

// WithdrawIn takes a report back: POST /v1/incidents/{id}/filing/withdraw.
type WithdrawIn struct {
	Duty string `json:"duty"`
	Why  string `json:"why"`
}

func withdraw(s *server, c *call) error {
	var in WithdrawIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	if err := s.store.Withdraw(c.r.Context(), id, o.Key, strings.TrimSpace(in.Why), c.holder.Person); err != nil {
		return err
	}
	return c.reply(http.StatusAccepted, json.RawMessage(`{"asked":true}`))
}

// HoldIn lets a duty's clock rest: POST /v1/incidents/{id}/hold. A second person decides on it.
type HoldIn struct {
	Duty     string    `json:"duty"`
	Until    time.Time `json:"until"`
	AskedBy  string    `json:"asked_by"` // which authority asks, and who there; kept sealed
	Reason   string    `json:"reason"`   // kept sealed
	Evidence string    `json:"evidence"` // the id of the authority's paper
}

func proposeHold(s *server, c *call) error {
	var in HoldIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	d, err := s.store.ProposeHold(c.r.Context(), store.Hold{
		Incident: id, Key: o.Key, Until: in.Until, AskedBy: intake.Line(in.AskedBy, 200), Reason: strings.TrimSpace(in.Reason), Evidence: in.Evidence, By: c.holder.Person,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, d)
}

// ReleaseIn ends a hold before its time: POST /v1/incidents/{id}/hold/release.
type ReleaseIn struct {
	Duty string `json:"duty"`
}

func releaseHold(s *server, c *call) error {
	var in ReleaseIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	if err := s.store.ReleaseHold(c.r.Context(), id, o.Key, c.holder.Person); err != nil {
		return err
	}
	if o, err = s.store.Obligation(c.r.Context(), id, o.Key); err != nil {
		return err
	}
	return c.reply(http.StatusOK, o)
}

// WaiverIn gives a duty up: POST /v1/incidents/{id}/waiver. A second person decides on it.
type WaiverIn struct {
	Duty     string `json:"duty"`
	Reason   string `json:"reason"` // kept sealed; it stands in the register
	Evidence string `json:"evidence,omitempty"`
}

func proposeWaiver(s *server, c *call) error {
	var in WaiverIn
	if err := c.decode(&in); err != nil {
		return err
	}
	id, o, err := s.duty(c, in.Duty)
	if err != nil {
		return err
	}
	d, err := s.store.ProposeWaiver(c.r.Context(), store.Waiver{Incident: id, Key: o.Key, Reason: strings.TrimSpace(in.Reason), Evidence: in.Evidence, By: c.holder.Person})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, d)
}

// FollowUpIn is what an authority asks for after a report: POST /v1/incidents/{id}/followups.
type FollowUpIn struct {
	Kind     breach.TaskKind `json:"kind"`           // question, interview, rectification
	Duty     string          `json:"duty,omitempty"` // the duty whose authority asks; empty where none was reported to
	Owner    breach.Person   `json:"owner"`
	Due      time.Time       `json:"due"`
	Text     string          `json:"text"` // what the authority wants; kept sealed
	Evidence string          `json:"evidence,omitempty"`
}

func addFollowUp(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in FollowUpIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Duty != "" {
		if _, _, err := s.duty(c, in.Duty); err != nil {
			return err
		}
	}
	t, err := s.store.AddFollowUp(c.r.Context(), store.FollowUp{
		Incident: id, Key: in.Duty, Kind: in.Kind, Owner: breach.Person(intake.Line(string(in.Owner), 100)), Due: in.Due, Text: strings.TrimSpace(in.Text), Evidence: in.Evidence, By: c.holder.Person,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, t)
}
