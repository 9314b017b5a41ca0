-- Affected people and the delivery ledger. Every table of people is partitioned by incident: loading, working and erasing
-- one incident never touches another, and its end is a dropped partition plus a destroyed key. All that could name a person
-- is sealed; blind indexes find equal contacts without showing them.

-- +goose Up
create table people_import (
    incident_no bigint not null references incident (no),
    no          integer not null,
    sha256      bytea,                              -- of the file; null until it was read to its end
    encoding    text not null default '',
    rows_in     bigint not null default 0,
    people_new  bigint not null default 0,
    people_known bigint not null default 0,         -- rows of people that were here already
    set_aside   bigint not null default 0,
    warnings    bigint not null default 0,
    by_person   text not null,
    started_at  timestamptz not null default now(),
    finished_at timestamptz,
    primary key (incident_no, no)
);

create table import_reject (
    incident_no bigint not null,
    import_no   integer not null,
    line        bigint not null,
    column_name text not null,
    reason      text not null,
    set_aside   boolean not null,                   -- false: kept, with this warning
    foreign key (incident_no, import_no) references people_import (incident_no, no)
);
create index import_reject_of on import_reject (incident_no, import_no, line);

create sequence person_id;
create sequence contact_id;
create sequence recipient_id;

create table affected_person (
    incident_no bigint not null,
    id          bigint not null,
    identity    bytea not null,                     -- blind index: the same person in a second file is the same row
    sealed      bytea not null,
    age         text not null,                      -- audience.AgeClass
    state       text not null default 'open',       -- breach.RecipientState
    primary key (incident_no, id),
    unique (incident_no, identity)
) partition by list (incident_no);

create table contact (
    incident_no bigint not null,
    id          bigint not null,
    channel     text not null,
    blind       bytea not null,
    sealed      bytea not null,
    primary key (incident_no, id),
    unique (incident_no, blind)                     -- the channel is part of what is blinded
) partition by list (incident_no);

-- Who must be told for whom: the person, or each guardian of a minor. Contacts are shared, so that one message to one
-- contact tells everyone behind it.
create table recipient (
    incident_no   bigint not null,
    id            bigint not null,
    person_id     bigint not null,
    role          text not null,                    -- breach.Audience
    language      text not null,
    sealed        bytea not null,                   -- the name to address
    email_contact bigint,
    sms_contact   bigint,
    push_contact  bigint,
    campaign_n    integer,                          -- the campaign whose audience froze this row
    rung          text,                             -- the channel to try next; null where none is left
    state         text not null default 'open',
    told_by       text,                             -- the channel that closed it
    told_at       timestamptz,
    primary key (incident_no, id)
) partition by list (incident_no);
-- The same contacts for the same person and role again are the same recipient.
create unique index recipient_person on recipient
    (incident_no, person_id, role, coalesce(email_contact, 0), coalesce(sms_contact, 0), coalesce(push_contact, 0));
create index recipient_email on recipient (incident_no, email_contact) where email_contact is not null;
create index recipient_sms on recipient (incident_no, sms_contact) where sms_contact is not null;
create index recipient_push on recipient (incident_no, push_contact) where push_contact is not null;

-- One notice to one contact. See docs/ledger.md.
create table delivery (
    incident_no bigint not null,
    campaign_n  integer not null,
    contact_id  bigint not null,
    id          text not null,                      -- breach.DeliveryID
    channel     text not null,
    shard       integer not null,
    state       text not null,                      -- breach.DeliveryState
    fence       bigint not null,                    -- the shard's holder that wrote it last
    tries       smallint not null default 0,        -- attempts begun
    resent      boolean not null default false,     -- sent once more after a doubt
    code        text not null default '',
    reference   text not null default '',
    wire_sha256 bytea,
    claimed_at  timestamptz not null default now(),
    intent_at   timestamptz,
    doubted_at  timestamptz,                        -- since when an attempt's outcome was unknown; kept when settled
    outcome_at  timestamptz,
    next_at     timestamptz,                        -- temporary: not before
    primary key (incident_no, campaign_n, contact_id)
) partition by list (incident_no);
create index delivery_unsettled on delivery (incident_no, campaign_n, shard)
    where state in ('claimed', 'intent', 'temporary', 'in_doubt');

create table campaign (
    incident_no bigint not null references incident (no),
    n           integer not null,
    number      text not null unique,               -- the notice number in every message
    document_id text references document (id),
    state       text not null default 'drafting',
    ladder      text[] not null,
    audience    bigint not null default 0,          -- people frozen in
    frozen_at   timestamptz,
    halted_at   timestamptz,
    halted_by   text,
    finished_at timestamptz,
    primary key (incident_no, n)
);

create table shard (
    incident_no bigint not null,
    campaign_n  integer not null,
    shard       integer not null,
    lo          bigint not null,                    -- recipient ids, lo inclusive
    hi          bigint not null,                    -- exclusive
    fence       bigint not null default 0,
    primary key (incident_no, campaign_n, shard),
    foreign key (incident_no, campaign_n) references campaign (incident_no, n)
);

-- +goose Down
drop table shard, campaign, delivery, recipient, contact, affected_person, import_reject, people_import;
drop sequence recipient_id;
drop sequence contact_id;
drop sequence person_id;
