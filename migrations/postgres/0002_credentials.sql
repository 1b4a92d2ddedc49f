-- Workspace keys beside roles and key pairs, what a role's sessions are like, what an integration may be used for, and
-- what is known of whether it works.

alter table external_ids
    -- Whether the gateway chose it. Unknown of those whose integration is gone, which counts as no.
    add column is_generated boolean not null default false,
    -- The workspace whose key asked for it before there was an integration; none for an organisation's key.
    add column reserved_for uuid references workspaces (id),
    -- Whether there ever was an integration with it. One that was only reserved may be dropped when it is old.
    add column is_used boolean not null default false;
update external_ids set is_used = true;
create index external_ids_by_use on external_ids (organisation_id, is_used, created_at);
update external_ids e set is_generated = true
    from integrations i where i.external_id = e.external_id and i.external_id_origin = 'generated';

alter table integrations
    -- Sealed.
    add column api_key bytea,
    add column api_key_header text check (api_key_header in ('authorization', 'x-api-key')),
    -- JSON as it was written: `jsonb` would put the members of an operator's policy into another order.
    add column role_settings text check (json_typeof(role_settings::json) = 'object'),
    add column features jsonb not null default '["inference", "token_counting", "models"]'
        check (jsonb_typeof(features) = 'array'),
    drop constraint integrations_auth_type_check,
    add constraint integrations_auth_type_check
        check (auth_type in ('assumedRole', 'accessKey', 'serviceRole', 'apiKey')),
    add check ((auth_type = 'apiKey') = (api_key is not null)),
    add check ((auth_type = 'apiKey') = (api_key_header is not null)),
    add check (auth_type = 'assumedRole' or role_settings is null);
create index integrations_by_role_arn on integrations (role_arn);

-- The last verification of an integration: none, or one. It says nothing of any other revision than its own, but that
-- the integration is unsafe.
create table integration_verifications (
    integration_id uuid primary key references integrations (id) on delete cascade,
    revision bigint not null check (revision >= 1),
    status text not null check (status in ('unverified', 'verified', 'failing', 'unsafe')),
    external_id_enforced boolean not null,
    -- What each step came to.
    report text check (report is null or json_typeof(report::json) is not null),
    verified_at timestamptz,
    -- When it last turned worse.
    worsened_at timestamptz,
    -- From when on it is to be verified again. Whoever takes that on puts it off, so that nobody else does.
    next_at timestamptz not null,
    check (status = 'unverified' or (report is not null and verified_at is not null))
);
create index integration_verifications_by_next_at on integration_verifications (next_at);
