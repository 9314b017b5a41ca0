-- What comes back about deliveries after they were taken over.

-- +goose Up
-- Append-only: what servers and readers said of a delivery. Where a delivery stands is folded from it.
create table receipt_fact (
    incident_no bigint not null references incident (no),
    no          bigint generated always as identity,
    campaign_n  integer not null,
    channel     text not null,
    contact     bigint not null,                    -- the delivery's
    kind        text not null,                      -- breach.ReturnKind
    class       text not null default '',           -- breach.BounceClass
    status      text not null default '',           -- the enhanced code
    how         text not null,                      -- what told the delivery
    blind       bytea not null,                     -- of delivery and bytes: a second copy is the same fact
    sealed      bytea,                              -- the mail as it came; null where it holds a person's answer
    at          timestamptz not null default now(),
    primary key (incident_no, no),
    unique (incident_no, blind)
);
create index receipt_fact_of on receipt_fact (incident_no, campaign_n, channel, contact);
-- +goose StatementBegin
create function receipt_fact_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'facts about receipts are append-only';
end $$;
-- +goose StatementEnd
create trigger receipt_fact_append_only before update on receipt_fact
    for each statement execute function receipt_fact_is_append_only();

-- Facts that are not folded yet. A row waits while its delivery has no outcome.
create table receipt_due (
    no          bigint primary key,                 -- the fact's
    incident_no bigint not null,
    campaign_n  integer not null,
    channel     text not null,
    contact     bigint not null,
    class       text not null,
    status      text not null,
    at          timestamptz not null,               -- when the fact came
    next_at     timestamptz not null default now()
);
create index receipt_due_next on receipt_due (next_at, no);

-- Mail domains that refuse us, not a person. Nothing is sent to them until the time is over.
create table destination_hold (
    incident_no bigint not null references incident (no),
    blind       bytea not null,                     -- of the domain
    sealed      bytea not null,
    status      text not null,
    refusals    bigint not null default 1,
    until_at    timestamptz not null,
    primary key (incident_no, blind)
);

alter table campaign add column reopened integer not null default 0; -- how often bounces opened it again

-- +goose Down
alter table campaign drop column reopened;
drop table destination_hold, receipt_due, receipt_fact;
drop function receipt_fact_is_append_only();
