package store

import (
	"context"
	"slices"
	"strings"

	"tocsin/internal/breach"
)

// Cohort is what recipients have in common that decides which text they get. People counts the affected people in it, each
// in one cohort.
type Cohort struct {
	No         int             `json:"no" db:"no"`
	Role       breach.Audience `json:"role" db:"role"`
	Age        string          `json:"age" db:"age"`
	Language   breach.Language `json:"language" db:"language"`
	Region     string          `json:"region" db:"region"`
	Categories []string        `json:"categories" db:"categories"`
	People     int64           `json:"people" db:"people"`
	Recipients int64           `json:"recipients" db:"recipients"` // who must be told: people themselves, minors, guardians
}

// Cohorts lists an incident's cohorts.
func (s *Store) Cohorts(ctx context.Context, id breach.IncidentID) ([]Cohort, error) {
	c, err := list[Cohort](ctx, s.pool, `
		select c.no, c.role, c.age, c.language, c.region, c.categories, c.people, c.recipients
		from cohort c join incident i on i.no = c.incident_no where i.id = $1 order by c.no`, id)
	return c, wrap("list cohorts", err)
}

// mostCohorts bounds an incident's cohorts: a file in which nearly every row has a combination of its own is not what its
// columns say.
const mostCohorts = 20_000

type cohortKey struct {
	role                          breach.Audience
	language                      breach.Language
	age, region, joinedCategories string
}

// cohorts numbers an import's cohorts, and counts what the import adds to each.
type cohorts struct {
	store  *Store
	no     int64
	known  map[cohortKey]*cohortOf
	recent [4]*cohortOf // the last ones met, which most rows share; may be nil
}

// cohortOf is a cohort while its recipients are added.
type cohortOf struct {
	key        cohortKey
	categories []string // joined in the key
	no         int32
	added      merged
}

func (c *cohorts) of(ctx context.Context, role breach.Audience, p *AffectedPerson) (*cohortOf, error) {
	for _, r := range c.recent {
		if r != nil && r.key.role == role && r.key.language == p.Language && r.key.age == p.Age && r.key.region == p.Region && slices.Equal(r.categories, p.Categories) {
			return r, nil
		}
	}
	key := cohortKey{role, p.Language, p.Age, p.Region, strings.Join(p.Categories, ",")}
	known, ok := c.known[key]
	if !ok {
		n, err := c.number(ctx, role, p)
		if err != nil {
			return nil, err
		}
		key.language, key.age, key.region = breach.Language(strings.Clone(string(key.language))), strings.Clone(key.age), strings.Clone(key.region)
		known = &cohortOf{key: key, categories: slices.Clone(p.Categories), no: n}
		c.known[key] = known
	}
	copy(c.recent[1:], c.recent[:])
	c.recent[0] = known
	return known, nil
}

// number is a cohort's number, a new one where the incident has no such cohort.
func (c *cohorts) number(ctx context.Context, role breach.Audience, p *AffectedPerson) (n int32, err error) {
	if len(c.known) >= mostCohorts {
		return 0, refused("too_many_cohorts", "the file tells more than %d kinds of people apart by age, language, region and categories of data: check that these columns hold what their headers say", mostCohorts)
	}
	categories := slices.Clone(p.Categories)
	if categories == nil {
		categories = []string{}
	}
	if _, err := c.store.pool.Exec(ctx, `
		insert into cohort (incident_no, no, role, age, language, region, categories)
		select $1, coalesce(max(no), 0) + 1, $2, $3, $4, $5, $6 from cohort where incident_no = $1 on conflict do nothing`,
		c.no, role, p.Age, p.Language, p.Region, categories); err != nil {
		return 0, wrap("add cohort", err)
	}
	err = c.store.pool.QueryRow(ctx, `
		select no from cohort where incident_no = $1 and role = $2 and age = $3 and language = $4 and region = $5 and categories = $6`,
		c.no, role, p.Age, p.Language, p.Region, categories).Scan(&n)
	return n, wrap("read cohort", err)
}
