-- People at the scale of a hundred million. One row a recipient, sealed once and never changed; what is known of their
-- telling is a narrow row beside it; what all recipients of one kind share is a cohort. See docs/ledger.md.

-- +goose Up
-- +goose StatementBegin
do $$ begin
    if exists (select from affected_person) then
        raise exception 'people loaded by an earlier version are sealed in another form: close those incidents under that version first';
    end if;
end $$;
-- +goose StatementEnd
drop table delivery, recipient, contact, affected_person;
drop sequence person_id;
drop sequence contact_id;

-- The installation's own key, wrapped by the master key: it makes the ids on what leaves the house.
create table house_key (
    one     boolean primary key default true check (one),
    wrapped bytea not null
);

alter table people_import
    add column lo         bigint,                   -- ids of the recipients it brought, lo inclusive
    add column hi         bigint,                   -- exclusive
    add column recipients bigint not null default 0,
    add column reached    bigint not null default 0; -- people who are new, or have recipients that are

-- What decides which text a recipient gets, and what is counted. Few to an incident.
create table cohort (
    incident_no bigint not null references incident (no),
    no          integer not null,
    role        text not null,                      -- breach.Audience
    age         text not null,                      -- audience.AgeClass of the person whose data it was
    language    text not null,
    region      text not null,                      -- ISO 3166; empty where the file does not say
    categories  text[] not null,                    -- of data exposed of these people; empty: as the incident's facts say
    people      bigint not null default 0,          -- affected people, each counted in one cohort
    primary key (incident_no, no),
    unique (incident_no, role, age, language, region, categories)
);

-- Who must be told for whom: the person, or each guardian of a minor. Loaded by COPY into a table of its own that is then
-- indexed and attached; the indexes are the partition's, see store/partition.go. Never updated but for flags.
create table recipient (
    incident_no bigint not null,
    id          bigint not null,                    -- in the order of loading
    person      uuid not null,                      -- blind index of the identity: the same person in a second file
    email       uuid,                               -- blind indexes of contacts: equal ones are told by one message
    sms         uuid,
    push        uuid,
    cohort      integer not null,
    flags       smallint not null,                  -- 1: the row that stands for its person; 2: the person has several rows
    sealed      bytea not null                      -- names and contacts
) partition by list (incident_no);

-- Where telling a recipient stands. No row: open, nothing tried yet.
create table standing (
    incident_no  bigint not null,
    id           bigint not null,                   -- the recipient's
    passed       smallint not null,                 -- rungs of the ladder that are behind them
    flags        smallint not null,                 -- the recipient's
    state        text not null,                     -- breach.RecipientState
    person_state text,                              -- of a person with several rows, kept by the one that stands for them
    told_by      text,                              -- the channel that closed it
    told_at      timestamptz,
    primary key (incident_no, id)
) partition by list (incident_no);

-- One notice to one contact. The contact is named by the first recipient of the campaign that has it, so that keys rise as a
-- campaign goes on; its id (breach.DeliveryID) is computed from the key. No index holds what changes.
create table delivery (
    incident_no bigint not null,
    contact     bigint not null,
    campaign_n  integer not null,
    shard       integer not null,
    channel     text not null,
    state       text not null,                      -- breach.DeliveryState
    tries       smallint not null default 0,        -- attempts begun
    resent      boolean not null default false,     -- sent once more after a doubt
    fence       bigint not null,                    -- the shard's holder that wrote it last
    claimed_at  timestamptz not null default now(),
    intent_at   timestamptz,
    outcome_at  timestamptz,
    doubted_at  timestamptz,                        -- since when an attempt's outcome was unknown; kept when settled
    next_at     timestamptz,                        -- temporary: not before
    code        text not null default '',
    reference   text not null default '',
    wire_sha256 bytea,
    primary key (incident_no, campaign_n, channel, contact)
) partition by list (incident_no);
create index delivery_shard on delivery (incident_no, campaign_n, shard);

alter table campaign add column lo bigint, add column hi bigint; -- the recipients frozen in, lo inclusive, hi exclusive
alter table shard add column opened_at timestamptz;              -- those without any address were set apart
alter table incident add column untold_exempt boolean not null default false; -- closed with no duty to tell whom nobody told

-- +goose Down
alter table incident drop column untold_exempt;
alter table shard drop column opened_at;
alter table campaign drop column lo, drop column hi;
drop table delivery, standing, recipient, cohort, house_key;
alter table people_import drop column lo, drop column hi, drop column recipients, drop column reached;
create sequence person_id;
create sequence contact_id;
create table affected_person (incident_no bigint not null, id bigint not null, identity bytea not null, sealed bytea not null, age text not null,
    state text not null default 'open', primary key (incident_no, id), unique (incident_no, identity)) partition by list (incident_no);
create table contact (incident_no bigint not null, id bigint not null, channel text not null, blind bytea not null, sealed bytea not null,
    primary key (incident_no, id), unique (incident_no, blind)) partition by list (incident_no);
create table recipient (incident_no bigint not null, id bigint not null, person_id bigint not null, role text not null, language text not null, sealed bytea not null,
    email_contact bigint, sms_contact bigint, push_contact bigint, campaign_n integer, rung text, state text not null default 'open', told_by text, told_at timestamptz,
    primary key (incident_no, id)) partition by list (incident_no);
create table delivery (incident_no bigint not null, campaign_n integer not null, contact_id bigint not null, id text not null, channel text not null, shard integer not null,
    state text not null, fence bigint not null, tries smallint not null default 0, resent boolean not null default false, code text not null default '',
    reference text not null default '', wire_sha256 bytea, claimed_at timestamptz not null default now(), intent_at timestamptz, doubted_at timestamptz,
    outcome_at timestamptz, next_at timestamptz, primary key (incident_no, campaign_n, contact_id)) partition by list (incident_no);
