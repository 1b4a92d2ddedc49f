-- The catalog: who there is, which integrations and providers they have, and the keys they hold.
-- Constraints are named `<table>__<field>`: the name says which field of what is in conflict.

-- One row. Every write increments it first, which puts all writes in one order; readers notice changes by it.
create table catalog_version (
    singleton boolean primary key default true check (singleton),
    version bigint not null
);
insert into catalog_version (version) values (1);

-- The keys this database was written with, each with a value that only that key opens.
create table encryption_keys (
    key_id bytea primary key check (octet_length(key_id) = 8),
    check_value bytea not null,
    created_at timestamptz not null
);

create table organisations (
    id uuid primary key,
    slug text not null check (slug ~ '^[a-zA-Z0-9_-]{1,255}$'),
    name text not null check (char_length(name) between 1 and 255),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint organisations__slug unique (slug)
);

create table workspaces (
    id uuid primary key,
    organisation_id uuid not null references organisations (id),
    slug text not null check (slug ~ '^[a-zA-Z0-9_-]{1,255}$'),
    name text not null check (char_length(name) between 1 and 255),
    description text check (char_length(description) <= 2048),
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint workspaces__slug unique (organisation_id, slug),
    unique (id, organisation_id)
);

-- Every external ID that was ever used, and by whom. Rows stay when integrations go: the trust policies that name the
-- ID do not go with them, and nobody else may ever send it.
create table external_ids (
    external_id text primary key
        check (external_id ~ '^[A-Za-z0-9_+=,.@:/-]+$' and char_length(external_id) between 2 and 1224),
    organisation_id uuid not null references organisations (id),
    created_at timestamptz not null,
    unique (external_id, organisation_id)
);

create table integrations (
    id uuid primary key,
    organisation_id uuid not null references organisations (id),
    workspace_id uuid,
    slug text not null check (slug ~ '^[a-zA-Z0-9_-]{1,255}$'),
    name text not null check (char_length(name) between 1 and 255),
    description text check (char_length(description) <= 2048),
    ai_provider_id text not null check (ai_provider_id in ('claude-platform-aws')),
    status text not null check (status in ('active', 'archived')),
    revision bigint not null check (revision >= 1),
    auth_type text not null check (auth_type in ('assumedRole', 'accessKey', 'serviceRole')),
    region text not null,
    anthropic_workspace_id text not null,
    role_arn text,
    external_id text,
    external_id_origin text check (external_id_origin in ('generated', 'supplied')),
    access_key_id text,
    -- Sealed.
    secret_access_key bytea,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint integrations__slug unique (organisation_id, slug),
    constraint integrations__external_id unique (external_id),
    unique (id, organisation_id),
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    foreign key (external_id, organisation_id) references external_ids (external_id, organisation_id),
    check ((external_id is null) = (external_id_origin is null)),
    check (auth_type <> 'assumedRole' or (role_arn is not null and external_id is not null)),
    check (auth_type <> 'accessKey' or (access_key_id is not null and secret_access_key is not null)),
    check (auth_type = 'assumedRole' or role_arn is null),
    check (auth_type = 'accessKey' or (access_key_id is null and secret_access_key is null))
);
create index integrations_by_workspace on integrations (workspace_id);

create table providers (
    id uuid primary key,
    organisation_id uuid not null,
    workspace_id uuid not null,
    integration_id uuid not null,
    slug text not null check (slug ~ '^[a-zA-Z0-9_-]{1,255}$'),
    name text not null check (char_length(name) between 1 and 255),
    note text check (char_length(note) <= 2048),
    expires_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint providers__slug unique (workspace_id, slug),
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    foreign key (integration_id, organisation_id) references integrations (id, organisation_id)
);
create index providers_by_integration on providers (integration_id);

create table api_keys (
    id uuid primary key,
    organisation_id uuid not null references organisations (id),
    workspace_id uuid,
    kind text not null check (kind in ('organisation-service', 'workspace-service', 'workspace-user')),
    user_id text check (char_length(user_id) between 1 and 255),
    name text not null check (char_length(name) between 1 and 255),
    description text check (char_length(description) <= 2048),
    scopes jsonb not null check (jsonb_typeof(scopes) = 'array'),
    -- HMAC-SHA-256 of the key, with the pepper of the encryption key that `digest_key_id` names.
    digest bytea not null check (octet_length(digest) = 32),
    digest_key_id bytea not null check (octet_length(digest_key_id) = 8),
    last_four text not null check (char_length(last_four) = 4),
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint api_keys__digest unique (digest),
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    check ((kind = 'organisation-service') = (workspace_id is null)),
    check ((kind = 'workspace-user') = (user_id is not null))
);
create index api_keys_by_organisation on api_keys (organisation_id, workspace_id);
