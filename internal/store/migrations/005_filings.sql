-- The life of an obligation: answers, approvals by several people, finished files, receipts, evidence, holds, chains.

-- +goose Up
alter table document
    add column contributors     text[] not null default '{}', -- whose words stand in it beside the author's; none of them approves it
    add column approvals_needed integer not null default 1,
    add column approved_at      timestamptz,                  -- when the last approval needed was given; a void version keeps it
    add column answers_rev      integer not null default 0,   -- newest revision of the obligation's answers that it says
    add column stage            text not null default '',     -- breach.Stage of a filing
    add column number           integer not null default 0,   -- of a filing in its chain, from 1
    add column until_at         timestamptz,                  -- end of a hold
    add column evidence_id      text,                         -- the paper that a hold rests on
    add column pauses           boolean not null default false; -- of a hold: it was approved while the clock ran, so the clock rests
update document d set approved_at = (select max(at) from decision x where x.document_id = d.id and x.verdict = 'approved' and x.sha256 = d.sha256);

-- A hold in force stands until its successor is approved; of everything else one version is current.
drop index document_current;
create unique index document_current on document (incident_no, kind, subject) where voided_at is null and (kind <> 'hold' or approved_at is null);

-- Finished renderings of a document: what was approved is what is sent.
create table document_file (
    document_id  text not null references document (id),
    position     integer not null,
    name         text not null,
    media_type   text not null,
    size         bigint not null,
    sha256       bytea not null,
    bytes_sealed bytea not null,
    primary key (document_id, name)
);

-- What people answer to the items of a form. Rows are only added; the newest of an item counts.
create table filing_answer (
    incident_no    bigint not null references incident (no),
    obligation_key text not null,
    rev            integer not null,                -- counts the changes of one obligation's answers
    item           text not null,
    given          boolean not null,                -- false takes the answer back
    text_sealed    bytea not null,
    author         text not null,
    at             timestamptz not null default now(),
    primary key (incident_no, obligation_key, rev, item)
);

-- Papers and pictures that prove something. The file's name may name people, so it is sealed too.
create table evidence (
    id           text primary key,
    incident_no  bigint not null references incident (no),
    kind         text not null,                     -- receipt, letter, hold, proof
    ref          text not null default '',          -- what it is about: an obligation's key, a task
    media_type   text not null,
    size         bigint not null,
    sha256       bytea not null,                    -- of the bytes before sealing
    name_sealed  bytea not null,
    bytes_sealed bytea not null,
    by           text not null,
    at           timestamptz not null default now()
);
create index evidence_incident on evidence (incident_no, at);

alter table filing
    drop column late_reason,                        -- it is the sealed answer "delay" now
    add column stage  text not null default '',     -- as filed: initial, supplement, …
    add column chain  text not null default '',     -- breach.Obligation.Chain
    add column number integer not null default 0,   -- in the chain, from 1; given when it was accepted
    add column late   boolean not null default false; -- handed over after the law's instant
create index filing_chain on filing (incident_no, chain);

-- What an authority gave for a filing: that it was taken over, and later that it was acknowledged.
create table filing_receipt (
    id           text primary key,
    incident_no  bigint not null references incident (no),
    filing_id    text not null references filing (id),
    number       text not null default '',          -- the authority's number
    received_at  timestamptz not null,              -- when the authority took it
    who_sealed   bytea not null,                    -- who took it, at the authority
    acknowledged boolean not null,
    evidence_ids text[] not null default '{}',
    by           text not null,
    at           timestamptz not null default now()
);
create index filing_receipt_filing on filing_receipt (filing_id);

alter table task
    add column owner       text,                    -- a person, where one was named
    add column text_sealed bytea,                   -- what an authority wrote, a report to paste
    add column evidence_id text,                    -- the letter that asks
    add column proof_id    text,                    -- what proves that it was done
    add column subject     text not null default ''; -- the obligation's key, of what an authority asks

-- +goose Down
alter table task drop column owner, drop column text_sealed, drop column evidence_id, drop column proof_id, drop column subject;
drop table filing_receipt;
drop index filing_chain;
alter table filing drop column stage, drop column chain, drop column number, drop column late, add column late_reason text not null default '';
drop table evidence, filing_answer, document_file;
drop index document_current;
update document set voided_at = now(), void_reason = 'the schema was taken back' where kind = 'hold' and voided_at is null;
create unique index document_current on document (incident_no, kind, subject) where voided_at is null;
alter table document drop column contributors, drop column approvals_needed, drop column approved_at, drop column answers_rev,
    drop column stage, drop column number, drop column until_at, drop column evidence_id, drop column pauses;
