-- Intents by the batch: see docs/ledger.md, The intent.

-- +goose Up
alter table delivery add column was text; -- while intent: the state before, for what turns out not to have begun; null: claimed

-- +goose Down
alter table delivery drop column was;
