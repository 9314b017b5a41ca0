-- The house's own books: tokens, the journal, the outbox, idempotency.

-- +goose Up
create table api_token (
    name       text primary key,
    person     text not null,
    roles      text[] not null,
    hash       bytea not null unique,               -- SHA-256 of the token; the token itself is shown once
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

-- Append-only and chained, one chain an incident, 0 for what belongs to none. Written in the transaction of the change.
create table journal (
    incident_no bigint not null,
    seq         bigint not null,
    at          timestamptz not null,
    actor       text not null,
    action      text not null,
    subject     text not null,
    detail      bytea not null,
    hash        bytea not null,
    primary key (incident_no, seq)
);
create table journal_head (
    incident_no bigint primary key,
    seq         bigint not null,
    hash        bytea not null
);
-- +goose StatementBegin
create function journal_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only';
end $$;
-- +goose StatementEnd
create trigger journal_append_only before update or delete or truncate on journal
    for each statement execute function journal_is_append_only();

-- What must reach the engine after a commit. A row is kept until it was carried over; rows with the same dedup key that
-- are still waiting fold into one, so a storm of alerts is one signal.
create table outbox (
    id          bigint generated always as identity primary key,
    incident_no bigint not null references incident (no),
    kind        text not null,
    ref         text not null default '',
    payload     jsonb not null default '{}',
    dedup       text,
    created_at  timestamptz not null default now(),
    tries       integer not null default 0,
    next_at     timestamptz not null default now(),
    done_at     timestamptz
);
create index outbox_waiting on outbox (next_at, id) where done_at is null;
create unique index outbox_dedup on outbox (incident_no, kind, dedup) where done_at is null and dedup is not null;

create table idempotency (
    person       text not null,
    key          text not null,
    request_hash bytea not null,
    response     jsonb not null,
    at           timestamptz not null default now(),
    primary key (person, key)
);

-- +goose Down
drop table idempotency, outbox, journal_head, journal, api_token;
drop function journal_is_append_only();
