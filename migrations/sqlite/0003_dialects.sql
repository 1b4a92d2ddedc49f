-- How a provider's requests are said in another dialect, and what the data plane keeps: who made which object at the
-- upstream, and the files, batches and responses of OpenAI's API, which the upstream has no place for.
-- None of it refers to providers: one may go while what was made through it stays. A workspace stays while it has any.

alter table providers
    add column translation text not null default '{}'
        check (json_valid(translation) and json_type(translation) = 'object');
alter table api_keys
    -- What the key's requests ask for at least.
    add column on_unsupported text check (on_unsupported in ('report', 'error'));

create table upstream_objects (
    kind text not null check (kind in ('batch', 'container', 'file', 'skill', 'user_profile')),
    anthropic_workspace_id text not null,
    upstream_id text not null check (length(upstream_id) between 1 and 255),
    -- Whose it is: the workspace that made it.
    workspace_id blob not null references workspaces (id),
    provider_id blob not null,
    created_at text not null,
    expires_at text,
    primary key (kind, upstream_id, anthropic_workspace_id)
) strict;
create index upstream_objects_by_expires_at on upstream_objects (expires_at);

-- Which workspaces ever made an object in which of Anthropic's workspaces. Rows stay when the objects go: what others
-- made there may outlive the records of it.
create table upstream_tenants (
    anthropic_workspace_id text not null,
    workspace_id blob not null references workspaces (id),
    primary key (anthropic_workspace_id, workspace_id)
) strict;

create table files (
    id blob not null primary key check (length(id) = 16),
    workspace_id blob not null references workspaces (id),
    -- Until then nobody sees it, and `expires_at` says when it counts as given up.
    is_whole integer not null check (is_whole in (0, 1)),
    purpose text not null,
    filename text not null check (length(filename) between 1 and 255),
    mime_type text not null check (length(mime_type) between 1 and 255),
    bytes integer not null check (bytes >= 0),
    sha256 blob check (length(sha256) = 32),
    -- How many rows of `file_chunks` hold it; none when its content is at the upstream only.
    n_chunks integer check (n_chunks >= 0),
    provider_id blob,
    upstream_id text check (length(upstream_id) between 1 and 255),
    created_at text not null,
    expires_at text,
    check ((provider_id is null) = (upstream_id is null)),
    check (not is_whole or (sha256 is not null and (n_chunks is not null or upstream_id is not null))),
    check (is_whole or expires_at is not null)
) strict;
create index files_by_workspace on files (workspace_id, id);
create index files_by_expires_at on files (expires_at);

create table file_chunks (
    file_id blob not null references files (id) on delete cascade,
    -- Counted from 0.
    n integer not null check (n >= 0),
    -- Sealed.
    content blob not null,
    primary key (file_id, n)
) strict;

create table batches (
    id blob not null primary key check (length(id) = 16),
    workspace_id blob not null references workspaces (id),
    key_id blob not null,
    provider_id blob,
    endpoint text not null check (length(endpoint) between 1 and 255),
    input_file_id blob,
    output_file_id blob,
    error_file_id blob,
    state text not null check (state in (
        'validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled'
    )),
    upstream_batch_ids text not null default '[]'
        check (json_valid(upstream_batch_ids) and json_type(upstream_batch_ids) = 'array'),
    -- Sealed.
    document blob not null,
    -- Every claim and every change increments it: whoever holds an earlier one no longer holds the batch.
    version integer not null check (version >= 1),
    cancel_requested_at text,
    -- From when on there is something to do; none once it is over.
    due_at text,
    -- Until when one worker has it for itself.
    leased_until text,
    -- When it is over and this has come, it goes.
    keep_until text,
    created_at text not null,
    updated_at text not null,
    check ((due_at is null) = (state in ('failed', 'completed', 'expired', 'cancelled')))
) strict;
create index batches_by_workspace on batches (workspace_id, id);
create index batches_by_due_at on batches (due_at);
create index batches_by_keep_until on batches (keep_until);

create table responses (
    -- The row's own: what is sealed is bound to it.
    id blob not null primary key check (length(id) = 16),
    workspace_id blob not null references workspaces (id),
    -- As clients know it.
    response_id text not null check (length(response_id) between 6 and 133),
    provider_id blob not null,
    model text not null check (length(model) between 1 and 1024),
    -- Sealed.
    document blob not null,
    created_at text not null,
    expires_at text not null,
    unique (workspace_id, response_id)
) strict;
create index responses_by_expires_at on responses (expires_at);
