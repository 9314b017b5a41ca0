package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tocsin/internal/api"
	"tocsin/internal/store"
)

// open reports a suspicion. Every call carries a key, so that a repetition after a lost answer opens nothing new.
func (c *client) open(ctx context.Context, r api.Report, key string) (store.Opened, error) {
	var opened store.Opened
	body, err := json.Marshal(r)
	if err != nil {
		return opened, fmt.Errorf("write the report: %w", err)
	}
	if key == "" {
		key = uuid.NewString()
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = c.do(ctx, http.MethodPost, "/v1/incidents", bytes.NewReader(body), "application/json", http.Header{"Idempotency-Key": {key}}, &opened)
	return opened, err
}

// target is the instant that a duty's clock counts to: the law's, else the policy's.
func target(o store.Obligation) *time.Time {
	if o.DueAt != nil {
		return o.DueAt
	}
	return o.PolicyAt
}

// factText writes a fact's value as a person types it.
func factText(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case time.Time:
		return v.Format(time.RFC3339)
	case map[string]int64:
		words := make([]string, 0, len(v))
		for region, n := range v {
			words = append(words, fmt.Sprintf("%s:%d", region, n))
		}
		slices.Sort(words)
		return strings.Join(words, ",")
	}
	return fmt.Sprint(v)
}
