package activities

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"

	"tocsin/internal/breach"
	"tocsin/internal/store"
	"tocsin/templates"
)

// publicContent is a public notice's document: the page as it will be served, under the number it will carry.
type publicContent struct {
	breach.Content
	Number string `json:"number"`
}

// DraftPublicInput is the input of DraftPublicNotice.
type DraftPublicInput struct {
	Incident breach.IncidentID `json:"incident"`
	N        int               `json:"n"`
}

// DraftPublicNotice writes the page for everybody from the newest facts.
func (a *Notices) DraftPublicNotice(ctx context.Context, in DraftPublicInput) (Draft, error) {
	facts, err := a.Store.Facts(ctx, in.Incident, 0)
	if err != nil {
		return Draft{}, final(err)
	}
	number, err := a.publicNumber(ctx, in)
	if err != nil {
		return Draft{}, final(err)
	}
	view := templates.PublicView{NoticeView: a.view(in.Incident, facts.Facts), AsOf: facts.At.Truncate(time.Minute)}
	words, err := a.Store.NoticeWords(ctx, in.Incident)
	if err != nil {
		return Draft{}, final(err)
	}
	say(&view.NoticeView, words.Words)
	view.Number = number
	needs, err := a.needs(ctx, in.Incident, facts.Facts)
	if err != nil {
		return Draft{}, final(err)
	}
	laws, err := needs.publicLaws(a.Templates)
	if err != nil {
		return Draft{}, faulty(err)
	}
	view.Law, view.Laws, view.Categories = laws[0], laws[1:], needs.categories
	page, err := a.Templates.PublicNotice(view)
	if err != nil {
		return Draft{}, faulty(err)
	}
	text, err := a.Templates.PublicText(view)
	if err != nil {
		return Draft{}, faulty(err)
	}
	content := publicContent{Number: number, Content: breach.Content{Renditions: []breach.Rendition{{
		Language: breach.Chinese, Title: "公告 Public notice " + number, Text: text, HTML: string(page),
	}}}}
	return addDocument(ctx, a.Store, store.Document{
		IncidentID: in.Incident, Kind: breach.DocPublicNotice, Subject: "public/" + itoa(in.N), Author: facts.Author, FactsRev: facts.Rev,
	}, content)
}

// publicNumber keeps the number of an earlier draft, so that drafting again is drafting the same notice.
func (a *Notices) publicNumber(ctx context.Context, in DraftPublicInput) (string, error) {
	drafts, err := a.Store.Documents(ctx, in.Incident, true, breach.DocPublicNotice)
	if err != nil {
		return "", err
	}
	for _, d := range drafts {
		if d.Subject != "public/"+itoa(in.N) {
			continue
		}
		content, err := a.publicContent(ctx, d.ID)
		return content.Number, err
	}
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return templates.NewNoticeNumber(random), nil
}

func (a *Notices) publicContent(ctx context.Context, id breach.DocumentID) (publicContent, error) {
	var c publicContent
	d, err := a.Store.Document(ctx, id)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(d.Content, &c); err != nil || len(c.Renditions) != 1 {
		return c, errors.New("the public notice cannot be read")
	}
	return c, nil
}

// PublishInput is the input of PublishNotice.
type PublishInput struct {
	Incident breach.IncidentID `json:"incident"`
	N        int               `json:"n"`
	Document breach.DocumentID `json:"document"`
	Days     int               `json:"days"`
}

// Published is a posted notice, and the people as they stand with it.
type Published struct {
	Number string       `json:"number"`
	Tally  breach.Tally `json:"tally"`
}

// PublishNotice posts the approved page, byte for byte, and counts whom no channel reached as told by it.
func (a *Notices) PublishNotice(ctx context.Context, in PublishInput) (Published, error) {
	d, err := a.Store.Document(ctx, in.Document)
	if err != nil {
		return Published{}, final(err)
	}
	content, err := a.publicContent(ctx, in.Document)
	if err != nil {
		return Published{}, temporal.NewNonRetryableApplicationError(err.Error(), ErrTypeTexts, nil)
	}
	page := []byte(content.Renditions[0].HTML)
	pageSum := sha256.Sum256(page)
	_, err = a.Store.Publish(ctx, store.NewPublicNotice{
		IncidentID: in.Incident, N: in.N, Document: in.Document, DocumentSHA256: d.SHA256, Number: content.Number, Page: page, PageSHA256: pageSum[:],
		Keep: time.Duration(max(in.Days, 1)) * 24 * time.Hour,
	})
	if err != nil {
		return Published{}, final(err)
	}
	tally, err := a.Store.Tally(ctx, in.Incident)
	return Published{Number: content.Number, Tally: tally}, final(err)
}
