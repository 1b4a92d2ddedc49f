-- The catalog: who there is, which integrations and providers they have, and the keys they hold.
-- The same tables as in migrations/postgres: ids are the 16 bytes of a UUID, times are RFC 3339 in UTC.

-- One row. Every write increments it first; readers notice changes by it.
create table catalog_version (
    singleton integer primary key default 1 check (singleton = 1),
    version integer not null
) strict;
insert into catalog_version (version) values (1);

-- The keys this database was written with, each with a value that only that key opens.
create table encryption_keys (
    key_id blob not null primary key check (length(key_id) = 8),
    check_value blob not null,
    created_at text not null
) strict;

create table organisations (
    id blob not null primary key check (length(id) = 16),
    slug text not null unique check (length(slug) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    created_at text not null,
    updated_at text not null
) strict;

create table workspaces (
    id blob not null primary key check (length(id) = 16),
    organisation_id blob not null references organisations (id),
    slug text not null check (length(slug) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    description text check (length(description) <= 2048),
    created_at text not null,
    updated_at text not null,
    unique (organisation_id, slug),
    unique (id, organisation_id)
) strict;

-- Every external ID that was ever used, and by whom. Rows stay when integrations go: the trust policies that name the
-- ID do not go with them, and nobody else may ever send it.
create table external_ids (
    external_id text not null primary key check (length(external_id) between 2 and 1224),
    organisation_id blob not null references organisations (id),
    created_at text not null,
    unique (external_id, organisation_id)
) strict;

create table integrations (
    id blob not null primary key check (length(id) = 16),
    organisation_id blob not null references organisations (id),
    workspace_id blob,
    slug text not null check (length(slug) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    description text check (length(description) <= 2048),
    ai_provider_id text not null check (ai_provider_id in ('claude-platform-aws')),
    status text not null check (status in ('active', 'archived')),
    revision integer not null check (revision >= 1),
    auth_type text not null check (auth_type in ('assumedRole', 'accessKey', 'serviceRole')),
    region text not null,
    anthropic_workspace_id text not null,
    role_arn text,
    external_id text unique,
    external_id_origin text check (external_id_origin in ('generated', 'supplied')),
    access_key_id text,
    -- Sealed.
    secret_access_key blob,
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
    check (auth_type = 'accessKey' or (access_key_id is null and secret_access_key is null))
) strict;
create index integrations_by_workspace on integrations (workspace_id);

create table providers (
    id blob not null primary key check (length(id) = 16),
    organisation_id blob not null,
    workspace_id blob not null,
    integration_id blob not null,
    slug text not null check (length(slug) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    note text check (length(note) <= 2048),
    expires_at text,
    created_at text not null,
    updated_at text not null,
    unique (workspace_id, slug),
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    foreign key (integration_id, organisation_id) references integrations (id, organisation_id)
) strict;
create index providers_by_integration on providers (integration_id);

create table api_keys (
    id blob not null primary key check (length(id) = 16),
    organisation_id blob not null references organisations (id),
    workspace_id blob,
    kind text not null check (kind in ('organisation-service', 'workspace-service', 'workspace-user')),
    user_id text check (length(user_id) between 1 and 255),
    name text not null check (length(name) between 1 and 255),
    description text check (length(description) <= 2048),
    scopes text not null check (json_valid(scopes) and json_type(scopes) = 'array'),
    -- HMAC-SHA-256 of the key, with the pepper of the encryption key that `digest_key_id` names.
    digest blob not null unique check (length(digest) = 32),
    digest_key_id blob not null check (length(digest_key_id) = 8),
    last_four text not null check (length(last_four) = 4),
    expires_at text,
    revoked_at text,
    created_at text not null,
    updated_at text not null,
    foreign key (workspace_id, organisation_id) references workspaces (id, organisation_id),
    check ((kind = 'organisation-service') = (workspace_id is null)),
    check ((kind = 'workspace-user') = (user_id is not null))
) strict;
create index api_keys_by_organisation on api_keys (organisation_id, workspace_id);
