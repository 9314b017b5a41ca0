-- Which workers send, so that they can share the rates that an operator set.

-- +goose Up
create table sender (
    id      text primary key,                       -- made anew by each process
    seen_at timestamptz not null default now()
);

-- +goose Down
drop table sender;
