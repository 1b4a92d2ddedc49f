-- How a provider's requests are said in another dialect, and what the data plane keeps: who made which object at the
-- upstream, and the files, batches and responses of OpenAI's API, which the upstream has no place for.
-- None of it refers to providers: one may go while what was made through it stays. A workspace stays while it has any.

alter table providers
    add column translation jsonb not null default '{}' check (jsonb_typeof(translation) = 'object');
alter table api_keys
    -- What the key's requests ask for at least.
    add column on_unsupported text check (on_unsupported in ('report', 'error'));

create table upstream_objects (
    kind text not null check (kind in ('batch', 'container', 'file', 'skill', 'user_profile')),
    anthropic_workspace_id text not null,
    upstream_id text not null check (char_length(upstream_id) between 1 and 255),
    -- Whose it is: the workspace that made it.
    workspace_id uuid not null references workspaces (id),
    provider_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    primary key (kind, upstream_id, anthropic_workspace_id)
);
create index upstream_objects_by_expires_at on upstream_objects (expires_at);

-- Which workspaces ever made an object in which of Anthropic's workspaces. Rows stay when the objects go: what others
-- made there may outlive the records of it.
create table upstream_tenants (
    anthropic_workspace_id text not null,
    workspace_id uuid not null references workspaces (id),
    primary key (anthropic_workspace_id, workspace_id)
);

create table files (
    id uuid primary key,
    workspace_id uuid not null references workspaces (id),
    -- Until then nobody sees it, and `expires_at` says when it counts as given up.
    is_whole boolean not null,
    purpose text not null,
    filename text not null check (char_length(filename) between 1 and 255),
    mime_type text not null check (char_length(mime_type) between 1 and 255),
    bytes bigint not null check (bytes >= 0),
    sha256 bytea check (octet_length(sha256) = 32),
    -- How many rows of `file_chunks` hold it; none when its content is at the upstream only.
    n_chunks bigint check (n_chunks >= 0),
    provider_id uuid,
    upstream_id text check (char_length(upstream_id) between 1 and 255),
    created_at timestamptz not null,
    expires_at timestamptz,
    check ((provider_id is null) = (upstream_id is null)),
    check (not is_whole or (sha256 is not null and (n_chunks is not null or upstream_id is not null))),
    check (is_whole or expires_at is not null)
);
create index files_by_workspace on files (workspace_id, id);
create index files_by_expires_at on files (expires_at);

create table file_chunks (
    file_id uuid not null references files (id) on delete cascade,
    -- Counted from 0.
    n bigint not null check (n >= 0),
    -- Sealed.
    content bytea not null,
    primary key (file_id, n)
);
-- What is sealed does not compress.
alter table file_chunks alter column content set storage external;

create table batches (
    id uuid primary key,
    workspace_id uuid not null references workspaces (id),
    key_id uuid not null,
    provider_id uuid,
    endpoint text not null check (char_length(endpoint) between 1 and 255),
    input_file_id uuid,
    output_file_id uuid,
    error_file_id uuid,
    state text not null check (state in (
        'validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled'
    )),
    upstream_batch_ids jsonb not null default '[]' check (jsonb_typeof(upstream_batch_ids) = 'array'),
    -- Sealed.
    document bytea not null,
    -- Every claim and every change increments it: whoever holds an earlier one no longer holds the batch.
    version bigint not null check (version >= 1),
    cancel_requested_at timestamptz,
    -- From when on there is something to do; none once it is over.
    due_at timestamptz,
    -- Until when one worker has it for itself.
    leased_until timestamptz,
    -- When it is over and this has come, it goes.
    keep_until timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    check ((due_at is null) = (state in ('failed', 'completed', 'expired', 'cancelled')))
);
create index batches_by_workspace on batches (workspace_id, id);
create index batches_by_due_at on batches (due_at);
create index batches_by_keep_until on batches (keep_until);

create table responses (
    -- The row's own: what is sealed is bound to it.
    id uuid primary key,
    workspace_id uuid not null references workspaces (id),
    -- As clients know it.
    response_id text not null check (char_length(response_id) between 6 and 133),
    provider_id uuid not null,
    model text not null check (char_length(model) between 1 and 1024),
    -- Sealed.
    document bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint responses__response_id unique (workspace_id, response_id)
);
alter table responses alter column document set storage external;
create index responses_by_expires_at on responses (expires_at);
