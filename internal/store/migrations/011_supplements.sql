-- Notices that correct an earlier one or add to it, for those who had it. Where telling their recipients stands is a table of
-- each such campaign's own, standing_<incident>_s<campaign>, made when its audience is frozen: it says nothing of who was told
-- of the incident at all, and nobody counts twice. See docs/ledger.md.

-- +goose Up
create table supplement (
    incident_no bigint not null references incident (no),
    no          integer not null,
    supplements integer not null,                   -- the notice that it corrects or adds to
    changed     jsonb not null,                     -- breach.Text: what its readers are told has changed; for publication, so not sealed
    asked_by    text not null,
    why         text not null,
    asked_at    timestamptz not null default now(),
    campaign_n  integer,                            -- the campaign that it became
    primary key (incident_no, no)
);

-- +goose StatementBegin
create function supplement_begun() returns trigger language plpgsql as $$
begin
    if not exists (select from fresh) then
        return null;
    end if;
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n)
    select s.incident_no, 'supplement', tg_argv[0]::integer, r.cohort, coalesce(s.told_by, ''), s.state, count(*)
    from fresh s join recipient r on r.incident_no = s.incident_no and r.id = s.id
    group by 1, 2, 3, 4, 5, 6;
    return null;
end $$;
create function supplement_moved() returns trigger language plpgsql as $$
begin
    if not exists (select from fresh) then
        return null;
    end if;
    insert into progress_delta (incident_no, kind, campaign_n, cohort, channel, state, n)
    select s.incident_no, 'supplement', tg_argv[0]::integer, r.cohort, coalesce(s.told_by, ''), s.state, sum(s.d)
    from (
        select incident_no, id, state, told_by, 1 as d from fresh
        union all select incident_no, id, state, told_by, -1 from stale) s
    join recipient r on r.incident_no = s.incident_no and r.id = s.id
    group by 1, 2, 3, 4, 5, 6 having sum(s.d) <> 0;
    return null;
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
do $$ declare t text; begin
    for t in select 'standing_' || incident_no || '_s' || n from campaign where supplements is not null loop
        execute 'drop table if exists ' || t;
    end loop;
end $$;
-- +goose StatementEnd
drop function supplement_moved, supplement_begun;
drop table supplement;
