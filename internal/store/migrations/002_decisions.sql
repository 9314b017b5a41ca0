-- What people read, decide and do: documents, decisions, filings, tasks, public notices.

-- +goose Up
create table document (
    id             text primary key,
    incident_no    bigint not null references incident (no),
    kind           text not null,
    subject        text not null,                   -- the obligation's key, "notice/1", "public/1", "closure/1"
    version        integer not null,
    sha256         bytea not null,                  -- of the content before sealing: what a decision names
    content_sealed bytea not null,
    author         text not null,                   -- who stated what it says; never its approver
    facts_rev      integer not null,
    at             timestamptz not null default now(),
    voided_at      timestamptz,
    void_reason    text,
    unique (incident_no, kind, subject, version)
);
create unique index document_current on document (incident_no, kind, subject) where voided_at is null;

create table decision (
    document_id text not null references document (id),
    person      text not null,
    role        text not null,
    sha256      bytea not null,
    verdict     text not null,
    why         text not null,
    at          timestamptz not null default now(),
    primary key (document_id, person)
);

-- One handing-over of one document to one authority. The unique index is what keeps a machine from filing twice.
create table filing (
    id             text primary key,                -- breach.DeliveryID
    incident_no    bigint not null references incident (no),
    obligation_key text not null,
    document_id    text not null references document (id),
    channel        text not null,
    state          text not null,                   -- intent, accepted, rejected, temporary, in_doubt
    tries          integer not null default 0,
    wire_sha256    bytea not null,
    code           text not null default '',
    reference      text not null default '',        -- the receipt's number
    late_reason    text not null default '',
    settled_by     text not null default '',        -- the person who settled a doubt, or handed it over by hand
    intent_at      timestamptz not null default now(),
    outcome_at     timestamptz
);
create unique index filing_once on filing (document_id) where state <> 'rejected';

create table task (
    id          text primary key,
    incident_no bigint not null references incident (no),
    kind        text not null,
    ref         text not null,                      -- what it is about: a step, an obligation's key, a filing
    title       jsonb not null,                     -- breach.Text
    detail      jsonb not null,                     -- breach.Text: what to do
    owner_role  text not null,
    due_at      timestamptz,
    created_at  timestamptz not null default now(),
    outcome     text,                               -- done, not_done; null while open
    note_sealed bytea,                              -- what the person wrote; may name people
    done_by     text,
    done_at     timestamptz,
    unique (incident_no, kind, ref)
);
create index task_open on task (incident_no) where outcome is null;

create table public_notice (
    incident_no  bigint not null references incident (no),
    n            integer not null,
    document_id  text not null references document (id),
    number       text not null unique,              -- the notice number that anyone can check
    page         bytea not null,                    -- as served
    sha256       bytea not null,
    published_at timestamptz not null default now(),
    until_at     timestamptz not null,
    withdrawn_at timestamptz,
    primary key (incident_no, n)
);

-- +goose Down
drop table public_notice, task, filing, decision, document;
