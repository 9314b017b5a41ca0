package store

import (
	"context"
	"time"

	"tocsin/internal/breach"
)

// Delivery is a row of the ledger without the contact, for those who check it.
type Delivery struct {
	ID         breach.DeliveryID    `json:"id" db:"-"`
	Campaign   int                  `json:"campaign" db:"campaign_n"`
	Channel    breach.Channel       `json:"channel" db:"channel"`
	State      breach.DeliveryState `json:"state" db:"state"`
	Tries      int                  `json:"tries" db:"tries"`
	Resent     bool                 `json:"resent" db:"resent"`
	Code       string               `json:"code" db:"code"`
	DoubtedAt  *time.Time           `json:"doubted_at,omitempty" db:"doubted_at"`
	WireSHA256 HexBytes             `json:"wire_sha256,omitempty" db:"wire_sha256"` // of the bytes that left
	Contact    int64                `json:"-" db:"contact"`
	No         int64                `json:"-" db:"incident_no"`
}

// Deliveries returns ledger rows after an id, in the order of campaigns and channels, at most limit. An id that is not this
// incident's is refused.
func (s *Store) Deliveries(ctx context.Context, id breach.IncidentID, after breach.DeliveryID, limit int) ([]Delivery, error) {
	house, err := s.House(ctx)
	if err != nil {
		return nil, err
	}
	no, err := incidentNumber(ctx, s.pool, id)
	if err != nil {
		return nil, wrap("list deliveries", err)
	}
	from := DeliveryRef{}
	if after != "" {
		if from, err = s.DeliveryRef(ctx, after); err != nil || from.no != no {
			return nil, refused("unknown_delivery", "%s has no delivery %s: take the value of \"after\" from the page before", id, after)
		}
	}
	d, err := list[Delivery](ctx, s.pool, `
		select incident_no, contact, campaign_n, channel, state, tries, resent, code, doubted_at, wire_sha256 from delivery
		where incident_no = $1 and (campaign_n, channel, contact) > ($2, $3, $4) order by campaign_n, channel, contact limit $5`,
		no, from.Campaign, from.Channel, from.Contact, limit)
	if err != nil {
		return nil, wrap("list deliveries", err)
	}
	for i := range d {
		if d[i].ID, err = deliveryID(house, no, d[i].Campaign, d[i].Channel, d[i].Contact); err != nil {
			return nil, err
		}
	}
	return d, nil
}
