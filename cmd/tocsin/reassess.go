package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

// offerReassessment gives the lead a task for each open incident that was assessed by packs of law that have changed since. It
// assesses nothing by itself: what a new version means for a running incident is a person's decision. One change is offered
// once.
func (h *house) offerReassessment(ctx context.Context) error {
	newest, err := h.store.OpenAssessments(ctx)
	if err != nil {
		return err
	}
	for id, assessment := range newest {
		var changes []string
		for _, c := range h.laws.Outdated(assessment) {
			changes = append(changes, fmt.Sprintf("%s %s → %s", c.Name, orElse(c.Before, "-"), orElse(c.After, "-")))
		}
		if len(changes) == 0 {
			continue
		}
		if err := h.offer(ctx, id, changes); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) offer(ctx context.Context, id breach.IncidentID, changes []string) error {
	slices.Sort(changes)
	list := strings.Join(changes, ", ")
	ref := fmt.Sprintf("reassess %x", sha256.Sum256([]byte(list)))[:25]
	tasks, err := h.store.Tasks(ctx, id, true)
	if err != nil || slices.ContainsFunc(tasks, func(t store.Task) bool { return t.Ref == ref }) {
		return err
	}
	return h.store.AddTask(ctx, store.Task{
		IncidentID: id, Kind: breach.TaskFinding, Ref: ref, OwnerRole: breach.RoleLead,
		Title: breach.Text{ZH: "法规包有新版本：是否重新评估？", EN: "The packs of law have changed: assess anew?"},
		Detail: breach.Text{
			ZH: fmt.Sprintf("变化：%s。原有评估保持不变。需要按新版本评估时，请执行 tocsin incident reassess %s --why \"…\"，然后结束本任务；不需要的，写明理由后结束。", list, id),
			EN: fmt.Sprintf("Changed: %s. The assessment that was made stays as it is. To apply the new versions: tocsin incident reassess %s --why \"…\", then end this task; where that is not needed, end it and say why.", list, id),
		},
	})
}
