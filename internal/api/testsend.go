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

// TestSendIn asks for one text of a notice to be sent to one of our own people: POST …/campaigns/{n}/test-send.
type TestSendIn struct {
	To         string          `json:"to"` // the address of a configured contact
	Language   breach.Language `json:"language,omitempty"`
	Audience   breach.Audience `json:"audience,omitempty"` // person where empty
	Region     string          `json:"region,omitempty"`
	Categories []string        `json:"categories,omitempty"` // of data; empty: all that the notice speaks of
}

// TestSent says what was sent.
type TestSent struct {
	Document breach.DocumentID `json:"document"`
	Version  int               `json:"version"`
	SHA256   store.HexBytes    `json:"sha256"`
	Law      string            `json:"law"`
	Language breach.Language   `json:"language"`
	Audience breach.Audience   `json:"audience"`
}

// testSend sends to our own people only. It never touches the ledger: whoever gets it was not told anything by it.
func testSend(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	n, err := parseN(c.r.PathValue("n"))
	if err != nil {
		return err
	}
	var in TestSendIn
	if err := c.decode(&in); err != nil {
		return err
	}
	who, err := s.ourOwn(in.To)
	if err != nil {
		return err
	}
	d, r, err := s.textFor(c.r.Context(), id, n, &in)
	if err != nil {
		return err
	}
	detail := store.Detail{"campaign": n, "contact": who, "sha256": d.SHA256, "law": r.Law, "language": r.Language, "audience": r.Audience}
	if err := s.store.Note(c.r.Context(), id, c.holder.Person, "notice.test_send", string(d.ID), detail); err != nil {
		return err
	}
	if err := s.TestSend(c.r.Context(), in.To, r, in.Categories); err != nil {
		c.log.Warn("test message not sent", "incident_id", id)
		return problem(http.StatusBadGateway, "not_sent", "The test message could not be handed over: "+strings.TrimSuffix(err.Error(), ".")+".",
			"Check the notifier of the channel email in the settings, and whether its server answers.")
	}
	return c.reply(http.StatusOK, TestSent{Document: d.ID, Version: d.Version, SHA256: d.SHA256, Law: r.Law, Language: r.Language, Audience: r.Audience})
}

// ourOwn names the contact that an address belongs to, by position: nobody else may get a test message.
func (s *server) ourOwn(to string) (string, error) {
	i := slices.IndexFunc(s.OurAddresses, func(a string) bool { return a != "" && strings.EqualFold(a, to) })
	if i < 0 || s.TestSend == nil {
		return "", unprocessable("not_ours", "A test message goes to our own people only, and this is no contact's address.",
			"Use an address that stands under contacts in the settings.")
	}
	return fmt.Sprintf("contacts[%d]", i+1), nil
}

// textFor finds the current version of a campaign's notice and the text that is asked for.
func (s *server) textFor(ctx context.Context, id breach.IncidentID, n int, in *TestSendIn) (store.Document, breach.Rendition, error) {
	if in.Audience == "" {
		in.Audience = breach.ToPerson
	}
	if in.Language == "" {
		in.Language = s.Options.Language
	}
	documents, err := s.store.Documents(ctx, id, false, breach.DocNotice)
	if err != nil {
		return store.Document{}, breach.Rendition{}, err
	}
	i := slices.IndexFunc(documents, func(d store.Document) bool { return d.Subject == fmt.Sprintf("notice/%d", n) })
	if i < 0 {
		return store.Document{}, breach.Rendition{}, notFound("There is no such notice.", "tocsin notice list "+string(id)+" shows the notices.")
	}
	d, err := s.store.Document(ctx, documents[i].ID)
	if err != nil {
		return d, breach.Rendition{}, err
	}
	var content breach.Content
	if err := json.Unmarshal(d.Content, &content); err != nil {
		return d, breach.Rendition{}, errors.New("a document's content cannot be read")
	}
	r, ok := content.Notice(in.Region, in.Language, in.Audience)
	if !ok {
		return d, r, notFound("The notice has no text for this audience.", "The audiences are person, minor and guardian.")
	}
	for _, c := range in.Categories {
		if !slices.Contains(r.Categories, c) {
			return d, r, unprocessable("categories", "The notice does not speak of one of these categories.", "It speaks of: "+strings.Join(r.Categories, ", ")+".")
		}
	}
	return d, r, nil
}
