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

-- +goose Down
drop table notice_words;
