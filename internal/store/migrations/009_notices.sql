-- What notices say besides the facts, whom the law frees us from telling, and counts that nobody has to scan for.

-- +goose Up
create table notice_words (
    incident_no bigint not null references incident (no),
    rev         integer not null,
    content     jsonb not null,                     -- breach.NoticeWords: for publication, so not sealed
    author      text not null,
    why         text not null,
    at          timestamptz not null default now(),
    primary key (incident_no, rev)
);

-- Running counts of the ledger and of the people, so that nobody counts by scanning. Every statement that changes a delivery or
-- a standing adds the difference here, in its own transaction and without waiting for anybody; now and then the differences
-- are summed up into progress. tocsin notice reconcile counts anew and compares.
create table progress_delta (
    incident_no bigint not null,
    kind        text not null,                      -- delivery, recipient, person
    campaign_n  integer not null,                   -- 0 for people
    cohort      integer not null,                   -- of recipients and people; 0 for deliveries
    channel     text not null,                      -- of the delivery, or that told the recipient; empty where none
    state       text not null,
    resent      boolean not null default false,     -- of deliveries
    n           bigint not null,
    at          timestamptz not null default now()
);
create table progress (
    incident_no bigint not null,
    kind        text not null,
    campaign_n  integer not null,
    cohort      integer not null,
    channel     text not null,
    state       text not null,
    resent      boolean not null,
    n           bigint not null,
    primary key (incident_no, kind, campaign_n, cohort, channel, state, resent)
);
-- How many recipients a campaign told in each minute: for its rate.
create table progress_minute (
    incident_no bigint not null,
    campaign_n  integer not null,
    minute      timestamptz not null,
    told        bigint not null,
    primary key (incident_no, campaign_n, minute)
);

-- +goose StatementBegin
create function delivery_begun() returns trigger language plpgsql as $$
begin
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, resent, n)
    select incident_no, 'delivery', campaign_n, 0, channel, state, resent, count(*) from fresh group by incident_no, campaign_n, channel, state, resent;
    return null;
end $$;
create function delivery_moved() returns trigger language plpgsql as $$
begin
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, resent, n)
    select incident_no, 'delivery', campaign_n, 0, channel, state, resent, sum(d) from (
        select incident_no, campaign_n, channel, state, resent, 1 as d from fresh
        union all select incident_no, campaign_n, channel, state, resent, -1 from stale) x
    group by incident_no, campaign_n, channel, state, resent having sum(d) <> 0;
    return null;
end $$;
-- A standing counts twice: for its recipient, and, where it stands for its person, for the person.
create function standing_begun() returns trigger language plpgsql as $$
begin
    if not exists (select from fresh) then
        return null;
    end if;
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n)
    select s.incident_no, k.kind, case k.kind when 'person' then 0 else coalesce(c.n, 0) end, r.cohort,
        case k.kind when 'person' then '' else coalesce(s.told_by, '') end,
        case when k.kind = 'person' and s.flags & 2 <> 0 then coalesce(s.person_state, 'open') else s.state end, count(*)
    from fresh s join recipient r on r.incident_no = s.incident_no and r.id = s.id
    left join campaign c on c.incident_no = s.incident_no and s.id >= c.lo and s.id < c.hi and c.supplements is null
    join (values ('recipient', 0), ('person', 1)) k (kind, flag) on s.flags & k.flag = k.flag
    group by 1, 2, 3, 4, 5, 6;
    return null;
end $$;
create function standing_moved() returns trigger language plpgsql as $$
begin
    if not exists (select from fresh) then -- an insert that might have met a conflict comes here too
        return null;
    end if;
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n)
    select s.incident_no, k.kind, case k.kind when 'person' then 0 else coalesce(c.n, 0) end, r.cohort,
        case k.kind when 'person' then '' else coalesce(s.told_by, '') end,
        case when k.kind = 'person' and s.flags & 2 <> 0 then coalesce(s.person_state, 'open') else s.state end, sum(s.d)
    from (
        select incident_no, id, flags, state, person_state, told_by, 1 as d from fresh
        union all select incident_no, id, flags, state, person_state, told_by, -1 from stale) s
    join recipient r on r.incident_no = s.incident_no and r.id = s.id
    left join campaign c on c.incident_no = s.incident_no and s.id >= c.lo and s.id < c.hi and c.supplements is null
    join (values ('recipient', 0), ('person', 1)) k (kind, flag) on s.flags & k.flag = k.flag
    group by 1, 2, 3, 4, 5, 6 having sum(s.d) <> 0;
    return null;
end $$;
-- +goose StatementEnd
create trigger delivery_begun after insert on delivery referencing new table as fresh
    for each statement execute function delivery_begun();
create trigger delivery_moved after update on delivery referencing old table as stale new table as fresh
    for each statement execute function delivery_moved();
create trigger standing_begun after insert on standing referencing new table as fresh
    for each statement execute function standing_begun();
create trigger standing_moved after update on standing referencing old table as stale new table as fresh
    for each statement execute function standing_moved();

-- Whom the law frees us from telling. One person asks, with the reason, the article and the paper; another approves.
create table exemption (
    incident_no bigint not null references incident (no),
    no          integer not null,
    person      uuid not null,                      -- blind index, as in recipient
    reason      text not null,                      -- breach.ExemptReason
    article     text not null,
    sealed      bytea not null,                     -- what the person who asked wrote, and which paper it stands on
    asked_by    text not null,
    asked_at    timestamptz not null default now(),
    approved_by text,
    approved_at timestamptz,
    refused_at  timestamptz,
    lifted_at   timestamptz,
    primary key (incident_no, no)
);
create index exemption_of on exemption (incident_no, person);

-- Who may look at how telling children went, until when: a lead's grant.
create table child_grant (
    incident_no bigint not null references incident (no),
    person      text not null,
    granted_by  text not null,
    until_at    timestamptz not null,
    why         text not null,
    at          timestamptz not null default now(),
    primary key (incident_no, person)
);

-- The campaign whose notice a later one corrects; such a campaign counts for nobody a second time.
alter table campaign add column supplements integer;

alter table cohort add column recipients bigint not null default 0; -- each counted in one cohort

-- +goose Down
alter table cohort drop column recipients;
alter table campaign drop column supplements;
drop trigger standing_moved on standing;
drop trigger standing_begun on standing;
drop trigger delivery_moved on delivery;
drop trigger delivery_begun on delivery;
drop function standing_moved, standing_begun, delivery_moved, delivery_begun;
drop table child_grant, exemption, progress_minute, progress, progress_delta;
drop table notice_words;
