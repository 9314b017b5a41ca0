package store

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/breach"
	"tocsin/internal/seal"
)

// House returns the installation's own key, made at the first call ever.
func (s *Store) House(ctx context.Context) (*seal.House, error) {
	if h := s.house.Load(); h != nil {
		return h, nil
	}
	h, err := s.openHouse(ctx)
	if err != nil {
		return nil, err
	}
	s.house.Store(h)
	return h, nil
}

func (s *Store) openHouse(ctx context.Context) (*seal.House, error) {
	const read = `select wrapped from house_key`
	var wrapped []byte
	err := s.pool.QueryRow(ctx, read).Scan(&wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		_, fresh, makeErr := seal.NewHouse(ctx, s.master)
		if makeErr != nil {
			return nil, makeErr
		}
		if _, err := s.pool.Exec(ctx, `insert into house_key (wrapped) values ($1) on conflict do nothing`, fresh); err != nil {
			return nil, wrap("keep the house key", err)
		}
		err = s.pool.QueryRow(ctx, read).Scan(&wrapped) // another process may have been first
	}
	if err != nil {
		return nil, wrap("read the house key", err)
	}
	return seal.OpenHouse(ctx, s.master, wrapped)
}

// channelCodes are the channels as they stand in a delivery's id; only ever added to.
var channelCodes = []breach.Channel{breach.Email, breach.SMS, breach.Push, breach.Voice, breach.Letter, breach.Chat}

// deliveryID derives the one id of a notice to a contact, so that whoever computes it finds the same.
func deliveryID(h *seal.House, no int64, campaign int, channel breach.Channel, contact int64) (breach.DeliveryID, error) {
	id, err := h.DeliveryID(seal.DeliveryRef{Incident: no, Campaign: campaign, Channel: byte(slices.Index(channelCodes, channel)), Contact: contact})
	return breach.DeliveryID(id), err
}

// DeliveryRef is what a delivery's id stands for.
type DeliveryRef struct {
	Incident breach.IncidentID
	Campaign int
	Channel  breach.Channel
	Contact  int64 // as in [Work]
	no       int64
}

// DeliveryRef finds the delivery behind an id that came back from outside. ErrNotFound for what is none of ours.
func (s *Store) DeliveryRef(ctx context.Context, id breach.DeliveryID) (DeliveryRef, error) {
	h, err := s.House(ctx)
	if err != nil {
		return DeliveryRef{}, err
	}
	r, ok := h.Delivery(string(id))
	if !ok || int(r.Channel) >= len(channelCodes) {
		return DeliveryRef{}, ErrNotFound
	}
	out := DeliveryRef{Campaign: r.Campaign, Channel: channelCodes[r.Channel], Contact: r.Contact, no: r.Incident}
	err = s.pool.QueryRow(ctx, `
		select i.id from delivery d join incident i on i.no = d.incident_no
		where d.incident_no = $1 and d.campaign_n = $2 and d.channel = $3 and d.contact = $4`, r.Incident, r.Campaign, out.Channel, r.Contact).Scan(&out.Incident)
	return out, wrap("find delivery", err)
}
