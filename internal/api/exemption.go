package api

import (
	"net/http"
	"strconv"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// ExemptionIn asks that one person be lawfully left untold: POST …/exemptions. One of email, phone and id names the person.
type ExemptionIn struct {
	OutcomeIn
	Reason    breach.ExemptReason `json:"reason"`
	Article   string              `json:"article"`
	Paper     string              `json:"paper,omitempty"`       // evidence id or file number; sealed
	NextOfKin string              `json:"next_of_kin,omitempty"` // for the deceased; sealed
}

// ExemptionDecision approves or refuses an exemption.
type ExemptionDecision struct {
	Verdict breach.Verdict `json:"verdict"`
}

// ExemptionList is whom the law frees us from telling, without who they are.
type ExemptionList struct {
	Exemptions []store.Exemption `json:"exemptions"`
}

func askExemption(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	var in ExemptionIn
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	if err := in.Reason.Check(in.Article, in.Paper, in.NextOfKin); err != nil {
		return unprocessable("exemption", sentence(err.Error()), "")
	}
	who, _, err := s.wanted(in.OutcomeIn)
	if err != nil {
		return err
	}
	e, err := s.store.AskExemption(c.r.Context(), id, store.ExemptionIn{
		Who: who, Reason: in.Reason, Article: in.Article, Paper: in.Paper, NextOfKin: in.NextOfKin, Why: in.Why, By: c.holder.Person,
	})
	if err != nil {
		return err
	}
	return c.reply(http.StatusCreated, e)
}

func listExemptions(s *server, c *call) error {
	id, err := c.incident()
	if err != nil {
		return err
	}
	if _, err := s.store.Incident(c.r.Context(), id); err != nil {
		return err
	}
	e, err := s.store.Exemptions(c.r.Context(), id)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, ExemptionList{Exemptions: orEmpty(e)})
}

// exemption reads which exemption of which incident a path names.
func (c *call) exemption() (id breach.IncidentID, n int, err error) {
	if id, err = c.incident(); err != nil {
		return id, 0, err
	}
	if n, err = strconv.Atoi(c.r.PathValue("no")); err != nil || n < 1 {
		return id, 0, notFound("There is no such exemption.", "Its number is 1 or higher.")
	}
	return id, n, nil
}

func decideExemption(s *server, c *call) error {
	id, n, err := c.exemption()
	if err != nil {
		return err
	}
	var in ExemptionDecision
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Verdict != breach.Approved && in.Verdict != breach.Refused {
		return unprocessable("verdict", "The field verdict must be approved or refused.", "")
	}
	e, err := s.store.DecideExemption(c.r.Context(), id, n, in.Verdict == breach.Approved, c.holder.Person)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, e)
}

func liftExemption(s *server, c *call) error {
	id, n, err := c.exemption()
	if err != nil {
		return err
	}
	var in Reassessment
	if err := c.decode(&in); err != nil {
		return err
	}
	if in.Why, err = why(in.Why, true); err != nil {
		return err
	}
	e, err := s.store.LiftExemption(c.r.Context(), id, n, c.holder.Person, in.Why)
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, e)
}
