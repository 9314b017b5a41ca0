-- Contacts that several recipients of one audience have. Almost nobody shares one; who does not is claimed without a look at
-- the contact's index, which at full scale is far larger than the memory that would keep it. It may name too many, never too few.

-- +goose Up
create table shared_contact (
    incident_no bigint not null,
    contact     uuid not null,                      -- blind index, as in recipient; the channel is part of what is blinded
    primary key (incident_no, contact)
) partition by list (incident_no);

-- Audiences that are frozen already.
-- +goose StatementBegin
do $$
declare
    i record;
begin
    for i in select distinct incident_no as no from people_import loop
        execute format('create table shared_contact_%1$s (like shared_contact including all)', i.no);
        execute format('alter table shared_contact attach partition shared_contact_%1$s for values in (%1$s)', i.no);
        insert into shared_contact
        select i.no, v.contact from recipient r cross join lateral (values (r.email), (r.sms), (r.push)) v (contact)
        where r.incident_no = i.no and v.contact is not null group by v.contact having count(*) > 1;
    end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table shared_contact;
