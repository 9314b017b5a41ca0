package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tocsin/internal/api"
	"tocsin/internal/audience/synthetic"
	"tocsin/internal/breach"
	"tocsin/internal/devstack/inbox"
	"tocsin/internal/store"
)

func newHTTPClient() *http.Client { return &http.Client{} }

// patience is how long the play waits for something to happen before it says that it does not.
const patience = 2 * time.Minute

// play is the incident, scene by scene.
func (d *demo) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{
		d.misbehave, d.alert, d.assess, d.learn, d.bringPeople, d.tellPeople, d.endHandling, d.close, d.tables,
	} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	if d.options.Done != nil {
		return d.options.Done(ctx, d)
	}
	return nil
}

// misbehave tells the inbox to be as the world is: some mailboxes refuse, some are busy, some connections break after the
// message went through.
func (d *demo) misbehave(context.Context) error {
	return d.local.stack.Inbox.SetFaults(
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + synthetic.RefusedDomain, Do: inbox.Refuse, Code: "550"},
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@" + synthetic.DeferredDomain, Do: inbox.Defer, Code: "451", Times: d.share(20)},
		inbox.Fault{Channel: inbox.ChannelEmail, To: "*@post.test", Do: inbox.Drop, Times: 3},
		inbox.Fault{Channel: inbox.ChannelSMS, To: "*", Do: inbox.Drop, Times: 2},
	)
}

// share scales a number that fits 2,000 people to the demo's size; one at least.
func (d *demo) share(of2000 int) int { return max(1, of2000*d.options.People/2000) }

const demoAlert = `{"version":"4","groupKey":"{}:{alertname=\"DatabaseExport\"}","truncatedAlerts":0,"status":"firing","receiver":"tocsin",
"groupLabels":{"alertname":"DatabaseExport"},"commonLabels":{"alertname":"DatabaseExport"},"commonAnnotations":{},"externalURL":"http://127.0.0.1:9093",
"alerts":[{"status":"firing","labels":{"alertname":"DatabaseExport","service":"student-records","severity":"critical","tocsin_kinds":"leak"},
"annotations":{"summary":"Unusual export of the student records table"},"startsAt":"%s","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://127.0.0.1:9090/graph","fingerprint":"5ca1ab1e0ddba11d"}]}`

func (d *demo) alert(ctx context.Context) error {
	body := fmt.Sprintf(demoAlert, time.Now().Add(-10*time.Minute).UTC().Format(time.RFC3339))
	var taken api.AlertsTaken
	source := d.as[breach.RoleSource]
	if err := source.do(ctx, http.MethodPost, "/v1/alerts/alertmanager", bytes.NewReader([]byte(body)), "application/json", nil, &taken); err != nil {
		return err
	}
	d.incident = taken.Incidents[0].Incident
	d.say("Alertmanager posts an alert: incident %s is open, its plan and clocks run. It waits for nobody.", d.incident)
	return nil
}

func (d *demo) assess(ctx context.Context) error {
	v, err := d.until(ctx, "the first assessment", func(v api.IncidentView) bool { return v.Assessed && len(v.Obligations) > 0 })
	if err != nil {
		return err
	}
	owed, possible := countOwed(v)
	d.say("With only “suspected leak” known: %d duties owed, %d possible. First question: %s", owed, possible, v.Questions[0].Text.EN)
	return nil
}

func countOwed(v api.IncidentView) (owed, possible int) {
	for _, o := range v.Obligations {
		switch o.Owed {
		case breach.IsOwed:
			owed++
		case breach.Possible:
			possible++
		case breach.NotOwed:
		}
	}
	return owed, possible
}

// learn states what the people on call find out in the first hour. Only then does the approver begin to read: an hour makes
// better reports, and every clock leaves more.
func (d *demo) learn(ctx context.Context) error {
	defer func() { d.decides = true }()
	return d.state(ctx, breach.RoleResponder, "found in the database's audit log", breach.Facts{
		"state": "confirmed", "data.personal": true, "data.categories": []string{"contact", "name"}, "data.class": "general",
		"people.total": int64(1_200_000), "harm.avoided": false, "harm.serious_or_likely": true, "harm.interested": true,
		"crime.suspected": true, "crime.intrusion": true, "product.defect": false, "loss.direct_cny": int64(0),
		"judged.mi17_may_grow": false, "judged.mi17_other": "none",
	})
}

func (d *demo) state(ctx context.Context, role breach.Role, why string, facts breach.Facts) error {
	var rev store.FactRevision
	err := d.as[role].send(ctx, http.MethodPatch, d.path("/facts"), api.FactsPatch{Facts: facts, Why: why}, &rev)
	if err != nil {
		return err
	}
	v, err := d.until(ctx, "the assessment of new facts", func(v api.IncidentView) bool { return v.AssessedRev >= rev.Rev })
	if err != nil {
		return err
	}
	owed, possible := countOwed(v)
	d.say("Facts revision %d (%s): %s; %d duties owed, %d possible.", rev.Rev, why, severityLine(v), owed, possible)
	return nil
}

func severityLine(v api.IncidentView) string {
	line := ""
	for _, s := range v.Severities {
		if s.Level == "" {
			continue
		}
		if line != "" {
			line += ", "
		}
		line += s.ScaleName.EN + ": " + s.LevelName.EN
	}
	return orElse(line, "no level yet")
}

// bringPeople imports two files as a company would have them: an export in UTF-8, and an older one in GB18030 with rows
// that nobody can read.
func (d *demo) bringPeople(ctx context.Context) error {
	second := d.options.People / 4
	first := d.options.People - second
	for _, o := range []synthetic.Options{
		{
			Seed: 1, First: 1, Encoding: synthetic.UTF8WithMark, People: first, Minors: d.share(240), Shared: 2 * d.share(60), Broken: d.share(25),
			Refused: d.share(50), Deferred: d.share(20), RefusedOnly: d.share(12), Unreachable: d.share(15), PushOnly: d.share(8),
		},
		{
			Seed: 2, First: first + 1, Encoding: synthetic.GB18030, People: second, Minors: d.share(60), Shared: 2 * d.share(10), Broken: d.share(10), BadRows: d.share(14),
		},
	} {
		if err := d.importFile(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) importFile(ctx context.Context, o synthetic.Options) error {
	o.At = time.Now()
	var file bytes.Buffer
	made, err := synthetic.Generate(&file, o)
	if err != nil {
		return err
	}
	d.canaries = append(d.canaries, made.Canaries...)
	var a api.ImportAnswer
	if err := d.as[breach.RoleLead].do(ctx, http.MethodPost, d.path("/people"), &file, "text/csv", nil, &a); err != nil {
		return err
	}
	if int(a.PeopleNew) != made.Tally.People || int(a.SetAside) != made.Tally.BadRows {
		return fmt.Errorf("the file held %d people and %d bad rows, but %d were taken and %d set aside", made.Tally.People, made.Tally.BadRows, a.PeopleNew, a.SetAside)
	}
	d.say("People file (%s): %d rows, %d people, %d set aside with line and reason, %d warnings.", a.Encoding, a.RowsIn, a.PeopleNew, a.SetAside, a.Warnings)
	return nil
}

// tellPeople lets the cast work until everybody was told, one way or the other.
func (d *demo) tellPeople(ctx context.Context) error {
	v, err := d.until(ctx, "everybody to be told", func(v api.IncidentView) bool {
		t := v.Tally
		return t.Affected > 0 && t.Open == 0 && t.Missed == 0 && len(v.Campaigns) > 0 && v.Campaigns[len(v.Campaigns)-1].FinishedAt != nil
	})
	if err != nil {
		return err
	}
	d.say("Told %d of %d by email or SMS, %d by the public notice.", v.Tally.Told, v.Tally.Affected, v.Tally.Public)
	return nil
}

func (d *demo) endHandling(ctx context.Context) error {
	facts := breach.Facts{"handling_ended_at": time.Now().UTC().Truncate(time.Second)}
	if err := d.state(ctx, breach.RoleResponder, "containment confirmed, service restored", facts); err != nil {
		return err
	}
	_, err := d.until(ctx, "every duty to end", func(v api.IncidentView) bool {
		return v.OpenTasks == 0 && len(v.Awaiting) == 0 && !slices.ContainsFunc(v.Obligations, func(o store.Obligation) bool { return !o.Status.Ended() })
	})
	return err
}

// close is proposed by the lead and agreed to by another person, who reads the summary like any other document.
func (d *demo) close(ctx context.Context) error {
	var proposal store.Document
	if err := d.as[breach.RoleLead].send(ctx, http.MethodPost, d.path("/close"), api.CloseIn{Why: "every duty met, everybody told"}, &proposal); err != nil {
		return fmt.Errorf("%w%s", err, stillOpen(err))
	}
	if _, err := d.until(ctx, "the close", func(v api.IncidentView) bool { return v.ClosedAt != nil }); err != nil {
		return err
	}
	d.say("%s proposed to close, another person agreed: %s is closed.", proposal.Author, d.incident)
	return nil
}

func stillOpen(err error) string {
	text := ""
	if p, ok := asProblem(err); ok {
		for _, item := range p.Open {
			text += fmt.Sprintf("\n  %s %s: %s", item.Kind, item.Ref, item.Text.EN)
		}
	}
	return text
}

// until lets the cast do what waits for them and looks again, until the audience is content.
func (d *demo) until(ctx context.Context, what string, content func(api.IncidentView) bool) (api.IncidentView, error) {
	patient := time.NewTimer(patience)
	defer patient.Stop()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		var v api.IncidentView
		if err := d.as[breach.RoleManager].get(ctx, d.path(""), &v); err != nil {
			return v, err
		}
		if v.Phase != d.phase {
			d.phase = v.Phase
			d.say("Phase: %s", v.Phase)
		}
		if content(v) {
			return v, nil
		}
		if err := d.work(ctx, v); err != nil {
			return v, err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return v, context.Cause(ctx)
		case <-patient.C:
			return v, fmt.Errorf("waited %s in vain for %s%s", patience, what, unfinished(v))
		}
	}
}

// unfinished names what an incident still waits for.
func unfinished(v api.IncidentView) string {
	text := ""
	for _, o := range v.Obligations {
		if !o.Status.Ended() {
			text += fmt.Sprintf("\n  %s is %s", o.Key, o.Status)
		}
	}
	for _, doc := range v.Awaiting {
		text += fmt.Sprintf("\n  %s version %d awaits approval", doc.Subject, doc.Version)
	}
	return text + fmt.Sprintf("\n  %d tasks are open; people: %+v", v.OpenTasks, v.Tally)
}

// work does what waits for people: each task by its owner, each decision by somebody who is not the author.
func (d *demo) work(ctx context.Context, v api.IncidentView) error {
	var list api.TaskList
	if err := d.as[breach.RoleManager].get(ctx, d.path("/tasks"), &list); err != nil {
		return err
	}
	for _, t := range list.Tasks {
		if d.ended[t.ID] {
			continue
		}
		d.ended[t.ID] = true
		end := api.TaskEnd{Done: true, Note: "done in the demo"}
		if err := d.as[t.OwnerRole].send(ctx, http.MethodPost, "/v1/tasks/"+t.ID+"/end", end, nil); err != nil {
			return fmt.Errorf("end the task %q: %w", t.Title.EN, err)
		}
		d.say("%-9s ends: %s", t.OwnerRole, t.Title.EN)
	}
	if !d.decides {
		return nil
	}
	for _, doc := range v.Awaiting {
		if err := d.decide(ctx, doc); err != nil {
			return err
		}
	}
	return nil
}

// decide reads a document and approves exactly what was read. A version that was replaced in the meantime is not ours to
// decide on any more.
func (d *demo) decide(ctx context.Context, doc store.Document) error {
	approver := d.as[breach.RoleApprover]
	view, hash, err := approver.document(ctx, doc.ID)
	if err != nil {
		return err
	}
	var sum store.HexBytes
	if err := sum.UnmarshalText([]byte(hash)); err != nil {
		return err
	}
	err = approver.send(ctx, http.MethodPost, "/v1/documents/"+string(doc.ID)+"/decision", api.DecisionIn{SHA256: sum, Verdict: breach.Approved}, nil)
	if p, ok := asProblem(err); ok && (p.Code == "void" || p.Code == "already_decided") {
		return nil
	}
	if err != nil {
		return err
	}
	title := doc.Subject
	if len(view.Content.Renditions) > 0 {
		title = view.Content.Renditions[len(view.Content.Renditions)-1].Title
	}
	d.say("approver  approves version %d, prepared by %s: %s", doc.Version, doc.Author, title)
	return nil
}

func (d *demo) path(rest string) string { return "/v1/incidents/" + string(d.incident) + rest }
