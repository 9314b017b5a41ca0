package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"tocsin/internal/breach"
	"tocsin/internal/devstack"
	"tocsin/internal/seal"
	"tocsin/internal/store"
	"tocsin/workflows"
)

// stack is a private PostgreSQL with its default settings, durable as in production, and a Temporal dev server.
type stack struct {
	postgres *devstack.Postgres
	temporal *devstack.Temporal
	store    *store.Store
	database string
	master   string // file
}

func startStack(ctx context.Context, b *bench) (s *stack, err error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("stack-%d", time.Now().UnixNano()))
	s = &stack{master: filepath.Join(dir, "master.key")}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return s, err
	}
	if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: filepath.Join(dir, "pg")}); err != nil {
		return s, err
	}
	if err := s.postgres.EnsureDatabase(ctx, "tocsin"); err != nil {
		return s, err
	}
	s.database = s.postgres.SocketURL("tocsin")
	if err := store.Migrate(ctx, s.database); err != nil {
		return s, err
	}
	if err := seal.CreateMasterFile(s.master); err != nil {
		return s, err
	}
	if s.store, err = openStore(ctx, s.database, s.master); err != nil {
		return s, err
	}
	s.temporal, err = devstack.StartTemporal(ctx, devstack.TemporalOptions{Dir: filepath.Join(dir, "temporal"), SearchAttributes: workflows.SearchAttributes()})
	return s, err
}

func openStore(ctx context.Context, database, master string) (*store.Store, error) {
	m, err := seal.OpenMasterFile(master)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, database, m, time.Now)
}

func (s *stack) stop() {
	if s.temporal != nil {
		_ = s.temporal.Close()
	}
	if s.store != nil {
		s.store.Close()
	}
	if s.postgres != nil {
		_ = s.postgres.Close()
		_ = os.RemoveAll(s.postgres.Dir())
	}
}

// postmaster is the server's process, 0 where it cannot be told.
func (s *stack) postmaster() int {
	b, _ := os.ReadFile(filepath.Join(s.postgres.Dir(), "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// quiet drops the SDK's log lines.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

var _ log.Logger = quiet{}

func dialTemporal(ctx context.Context, address, namespace string) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: address, Namespace: namespace, Logger: quiet{}})
}

const (
	onCall   breach.Person = "on.call"
	approver breach.Person = "wang.fang"
)

func openIncident(ctx context.Context, s *store.Store, name string) (breach.IncidentID, error) {
	o, err := s.OpenIncident(ctx, store.NewIncident{
		Fingerprint: name, Source: "person", Title: "synthetic incident of the benchmark", By: onCall, Why: "benchmark",
		Facts: breach.Facts{"kinds": []string{"leak"}, "state": "confirmed"},
	})
	return o.Incident, err
}

// approvedNotice stores the long notice, approved.
func approvedNotice(ctx context.Context, s *store.Store, id breach.IncidentID) (breach.DocumentID, error) {
	t, err := longNotice()
	if err != nil {
		return "", err
	}
	marks := breach.Marks(t.Marks)
	content, err := json.Marshal(breach.Content{Renditions: []breach.Rendition{{
		Language: t.Language, Audience: t.Audience, Title: t.Subject, Text: t.Text, HTML: t.HTML, SMS: t.SMS,
		PushHead: t.PushTitle, Push: t.PushBody, Variables: t.Variables, Marks: &marks,
	}}})
	if err != nil {
		return "", err
	}
	d, err := s.AddDocument(ctx, store.Document{IncidentID: id, Kind: breach.DocNotice, Subject: "notice/1", Author: onCall, Content: content})
	if err != nil {
		return "", err
	}
	_, err = s.Decide(ctx, store.Decision{Document: d.ID, SHA256: d.SHA256, Verdict: breach.Approved, Person: approver, Role: breach.RoleApprover})
	return d.ID, err
}

// addPeople loads n adults who have an email address each.
func addPeople(ctx context.Context, s *store.Store, id breach.IncidentID, n int) error {
	imp, err := s.BeginImport(ctx, id, onCall)
	if err != nil {
		return err
	}
	defer imp.Abort()
	for i := range n {
		err := imp.Add(ctx, store.AffectedPerson{
			Identity: address(i), Name: name(i), Contacts: store.Contacts{Email: address(i)}, Age: "adult", Language: breach.Chinese,
		})
		if err != nil {
			return err
		}
	}
	_, err = imp.Finish(ctx, "UTF-8", [32]byte{})
	return err
}

// plan loads people and freezes a campaign to them, by email only.
func plan(ctx context.Context, s *store.Store, name string, people, shardSize int) (breach.IncidentID, []store.Shard, error) {
	id, err := openIncident(ctx, s, name)
	if err != nil {
		return id, nil, err
	}
	if err := addPeople(ctx, s, id, people); err != nil {
		return id, nil, err
	}
	shards, err := freeze(ctx, s, id, name, shardSize)
	return id, shards, err
}
