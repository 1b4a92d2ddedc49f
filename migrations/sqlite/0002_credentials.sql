-- Workspace keys beside roles and key pairs, what a role's sessions are like, what an integration may be used for, and
-- what is known of whether it works.

alter table external_ids
    -- Whether the gateway chose it. Unknown of those whose integration is gone, which counts as no.
    add column is_generated integer not null default 0 check (is_generated in (0, 1));
alter table external_ids
    -- The workspace whose key asked for it before there was an integration; none for an organisation's key.
    add column reserved_for blob references workspaces (id);
alter table external_ids
    -- Whether there ever was an integration with it. One that was only reserved may be dropped when it is old.
    add column is_used integer not null default 0 check (is_used in (0, 1));
update external_ids set is_used = 1;
create index external_ids_by_use on external_ids (organisation_id, is_used, created_at);
update external_ids set is_generated = 1
    where external_id in (select external_id from integrations where external_id_origin = 'generated');

-- SQLite cannot change a check, so the table is made anew. Providers refer to it and step aside meanwhile: foreign keys
-- cannot be turned off within a transaction, and renaming the old table would take their references along.
create table integrations_anew (
    id blob not null primary key check (length(id) = 16),
    organisation_id blob not null references organisations (id),
    workspace_id blob,
    slug text not null check (length(slug) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    description text check (length(description) <= 2048),
    ai_provider_id text not null check (ai_provider_id in ('claude-platform-aws')),
    status text not null check (status in ('active', 'archived')),
    revision integer not null check (revision >= 1),
    auth_type text not null check (auth_type in ('assumedRole', 'accessKey', 'serviceRole', 'apiKey')),
    region text not null,
    anthropic_workspace_id text not null,
    role_arn text,
    external_id text unique,
    external_id_origin text check (external_id_origin in ('generated', 'supplied')),
    access_key_id text,
    -- Sealed.
    secret_access_key blob,
    -- Sealed.
    api_key blob,
    api_key_header text check (api_key_header in ('authorization', 'x-api-key')),
    role_settings text check (json_valid(role_settings) and json_type(role_settings) = 'object'),
    features text not null default '["inference","token_counting","models"]'
        check (json_valid(features) and json_type(features) = 'array'),
    created_at text not null,
    updated_at text not null,
    unique (organisation_id, slug),
    unique (id, organisation_id),
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    foreign key (external_id, organisation_id) references external_ids (external_id, organisation_id),
    check ((external_id is null) = (external_id_origin is null)),
    check (auth_type <> 'assumedRole' or (role_arn is not null and external_id is not null)),
    check (auth_type <> 'accessKey' or (access_key_id is not null and secret_access_key is not null)),
    check (auth_type = 'assumedRole' or role_arn is null),
    check (auth_type = 'accessKey' or (access_key_id is null and secret_access_key is null)),
    check ((auth_type = 'apiKey') = (api_key is not null)),
    check ((auth_type = 'apiKey') = (api_key_header is not null)),
    check (auth_type = 'assumedRole' or role_settings is null)
) strict;
insert into integrations_anew (
    id, organisation_id, workspace_id, slug, name, description, ai_provider_id, status, revision, auth_type, region,
    anthropic_workspace_id, role_arn, external_id, external_id_origin, access_key_id, secret_access_key, created_at,
    updated_at
) select
    id, organisation_id, workspace_id, slug, name, description, ai_provider_id, status, revision, auth_type, region,
    anthropic_workspace_id, role_arn, external_id, external_id_origin, access_key_id, secret_access_key, created_at,
    updated_at
from integrations;
create temporary table providers_aside as select * from providers;
delete from providers;
drop table integrations;
alter table integrations_anew rename to integrations;
insert into providers select * from providers_aside;
drop table providers_aside;
create index integrations_by_workspace on integrations (workspace_id);
create index integrations_by_role_arn on integrations (role_arn);

-- The last verification of an integration: none, or one. It says nothing of any other revision than its own, but that
-- the integration is unsafe.
create table integration_verifications (
    integration_id blob not null primary key references integrations (id) on delete cascade,
    revision integer not null check (revision >= 1),
    status text not null check (status in ('unverified', 'verified', 'failing', 'unsafe')),
    external_id_enforced integer not null check (external_id_enforced in (0, 1)),
    -- What each step came to.
    report text check (json_valid(report)),
    verified_at text,
    -- When it last turned worse.
    worsened_at text,
    -- From when on it is to be verified again. Whoever takes that on puts it off, so that nobody else does.
    next_at text not null,
    check (status = 'unverified' or (report is not null and verified_at is not null))
) strict;
create index integration_verifications_by_next_at on integration_verifications (next_at);
