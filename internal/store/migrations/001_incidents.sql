-- Incidents, what is known of them, and what the law makes of it.

-- +goose Up
create sequence incident_no;

create table incident (
    no           bigint primary key default nextval('incident_no'),
    id           text not null unique,              -- INC-2026-0001
    fingerprint  text not null,                     -- of the alert or request that opened it
    source       text not null,                     -- the alert format's name, or "person"
    title_sealed bytea not null,
    phase        text not null default 'opened',
    alert_count  bigint not null default 0,
    facts_rev    integer not null default 0,        -- newest revision
    assessed_rev integer not null default 0,        -- newest revision that the law packs have answered
    opened_by    text not null,
    opened_at    timestamptz not null default now(),
    closed_at    timestamptz
);
-- One open incident a fingerprint: the database, not a lock in a process, decides whether an alert joins.
create unique index incident_open_fingerprint on incident (fingerprint) where closed_at is null;

-- The incident's data key, wrapped by the master key. Destroying the row's key erases the incident's people.
create table incident_key (
    incident_no  bigint primary key references incident (no),
    wrapped      bytea,
    created_at   timestamptz not null default now(),
    destroyed_at timestamptz
);

create table alert (
    incident_no    bigint not null references incident (no),
    no             bigint generated always as identity,
    source         text not null,
    fingerprint    text not null,
    resolved       boolean not null,
    starts_at      timestamptz,
    received_at    timestamptz not null default now(),
    payload_sealed bytea not null,
    primary key (incident_no, no)
);

create table fact_revision (
    incident_no bigint not null references incident (no),
    rev         integer not null,
    facts       jsonb not null, -- all that is known as of this revision
    changed     text[] not null,
    author      text not null,
    why         text not null,
    at          timestamptz not null default now(),
    primary key (incident_no, rev)
);

create table assessment (
    incident_no bigint not null references incident (no),
    facts_rev   integer not null,
    result      jsonb not null,
    at          timestamptz not null default now(),
    primary key (incident_no, facts_rev)
);

create table obligation (
    incident_no bigint not null references incident (no),
    key         text not null,                      -- rule, or rule/authority
    position    integer not null,                   -- order of the newest assessment
    owed        text not null,
    duty        text not null,
    status      text not null default 'open',       -- see store.ObligationStatus
    due_at      timestamptz,                        -- the law's instant
    policy_at   timestamptz,                        -- ours, where the law gives no number
    overdue     boolean not null default false,     -- the law's instant passed before the duty was met; never unset
    met_at      timestamptz,
    result      jsonb not null,                     -- breach.Obligation as assessed
    updated_at  timestamptz not null default now(),
    primary key (incident_no, key)
);

-- +goose Down
drop table obligation, assessment, fact_revision, alert, incident_key, incident;
drop sequence incident_no;
