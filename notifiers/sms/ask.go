package sms

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"tocsin/internal/breach"
	"tocsin/notifiers"
)

// The provider's days are China's; a query reaches 30 of them back.
var china = time.FixedZone("CST", 8*3600)

const (
	reach    = 30 * 24 * time.Hour
	perPage  = 50
	pages    = 20              // more messages to one number on one day than anyone sends
	slack    = 5 * time.Minute // between our clock and theirs
	waiting  = 1               // SendStatus: no word from the carrier yet
	failed   = 2
	arrived  = 3
	dateOnly = "20060102"
)

// Ask looks for the delivery's id among what the provider took for its number since then. Silence means Temporary (never
// arrived) only once AskAfter has passed, since a record may come late.
// Source: QuerySendDetails.
func (a *Aliyun) Ask(ctx context.Context, w notifiers.Wire, since time.Time) (breach.Outcome, breach.Receipt, error) {
	now := a.now()
	if now.Sub(since) > reach {
		return breach.Unknown, breach.Receipt{}, nil
	}
	number, _, ok := providerNumber(w.To)
	if !ok {
		return breach.Unknown, breach.Receipt{}, a.client.Fail("ask", "number", breach.Permanent)
	}
	refused := false
	for _, day := range days(since.Add(-slack), now.Add(slack)) {
		found, err := a.askDay(ctx, number, day, string(w.ID))
		if err != nil {
			return breach.Unknown, breach.Receipt{}, err
		}
		for _, d := range found {
			switch d.SendStatus {
			case waiting, arrived:
				return breach.Accepted, breach.Receipt{Reference: string(w.ID), Code: http.StatusOK, At: d.at(now)}, nil
			case failed:
				refused = true
			}
		}
	}
	switch {
	case refused:
		return breach.Permanent, breach.Receipt{}, nil
	case now.Sub(since) >= a.cfg.AskAfter:
		return breach.Temporary, breach.Receipt{}, nil
	}
	return breach.Unknown, breach.Receipt{}, nil
}

func days(from, to time.Time) []string {
	var out []string
	end := to.In(china).Format(dateOnly)
	for t := from.In(china); ; t = t.AddDate(0, 0, 1) {
		d := t.Format(dateOnly)
		if d > end {
			return out
		}
		out = append(out, d)
	}
}

type detail struct {
	SendStatus int
	SendDate   string
	OutId      string //nolint:revive // the provider's spelling
}

// at is when the provider took the message over.
func (d detail) at(otherwise time.Time) time.Time {
	t, err := time.ParseInLocation(time.DateTime, d.SendDate, china)
	if err != nil {
		return otherwise.UTC()
	}
	return t.UTC()
}

// askDay returns one day's records of one id, reading page after page.
func (a *Aliyun) askDay(ctx context.Context, number, day, id string) ([]detail, error) {
	var found []detail
	for page := 1; page <= pages; page++ {
		answer, err := a.call(ctx, "QuerySendDetails", "ask", canonicalQuery(map[string]string{
			"PhoneNumber": number, "SendDate": day, "PageSize": strconv.Itoa(perPage), "CurrentPage": strconv.Itoa(page),
		}))
		if err != nil {
			return nil, err
		}
		var said struct {
			Code              string
			SmsSendDetailDTOs struct{ SmsSendDetailDTO []detail }
		}
		if json.Unmarshal(answer.Body, &said) != nil || said.Code == "" {
			return nil, a.client.StatusFailure("ask", answer)
		}
		if said.Code != "OK" {
			return nil, a.client.Fail("ask", knownCode(said.Code), breach.Temporary)
		}
		rows := said.SmsSendDetailDTOs.SmsSendDetailDTO
		for _, d := range rows {
			if d.OutId == id {
				found = append(found, d)
			}
		}
		if len(rows) < perPage {
			return found, nil
		}
	}
	return found, nil
}
