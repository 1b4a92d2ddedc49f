//! Files, batches and models in OpenAI's form, as far as they are the gateway's own: its objects and their parameters.
//!
//! These rows have no example here, since no translator of this crate is behind them: the gateway's own tests hold them.

use super::request::Class;

/// One row of a table about objects.
#[derive(Clone, Copy, Debug)]
pub struct ResourceRow {
    /// The parameter, field or route.
    pub field: &'static str,
    /// Which values.
    pub when: &'static str,
    /// How it is treated.
    pub class: Class,
    /// What becomes of it.
    pub becomes: &'static str,
}

const fn row(field: &'static str, when: &'static str, class: Class, becomes: &'static str) -> ResourceRow {
    ResourceRow { field, when, class, becomes }
}

/// `/v1/files`.
pub const FILES: &[ResourceRow] = &[
    row("purpose", "`batch`", Class::Map, "kept by the gateway, sealed; judged when a batch is made of it"),
    row(
        "purpose",
        "`user_data`, `vision`, `assistants`",
        Class::Map,
        "uploaded to the upstream's Files API; the gateway's own id (`file-…`) stands for it",
    ),
    row("purpose", "`fine-tune`, `evals` and others", Class::Refused, "an error (`invalid_value`)"),
    row("file", "", Class::Map, "the same content and name"),
    row(
        "expires_after",
        "anchor `created_at`, 3600 to 7776000 seconds",
        Class::Map,
        "`expires_in_seconds` upstream",
    ),
    row("expires_after", "any other", Class::Refused, "an error (`invalid_value`)"),
    row(
        "GET /v1/files",
        "`after`, `limit`, `order`, `purpose`",
        Class::Map,
        "the caller's workspace's files, from the gateway's own list",
    ),
    row("GET /v1/files/{id}", "", Class::Map, "from the gateway's own list"),
    row("GET /v1/files/{id}/content", "of files that are kept here", Class::Map, "the content"),
    row(
        "GET /v1/files/{id}/content",
        "of files that lie upstream",
        Class::Refused,
        "an error (`file_not_downloadable`): the upstream gives out only what tools made",
    ),
    row("DELETE /v1/files/{id}", "", Class::Map, "deleted upstream first, then here"),
];

/// `/v1/batches`.
pub const BATCHES: &[ResourceRow] = &[
    row("input_file_id", "a file of the purpose `batch`", Class::Map, "its lines, in upstream batches"),
    row("endpoint", "`/v1/chat/completions`, `/v1/responses`", Class::Map, "how the lines are translated"),
    row("endpoint", "any other", Class::Refused, "an error (`unsupported_value`)"),
    row("completion_window", "`24h`", Class::Noop, "what the upstream's batches have anyway"),
    row("completion_window", "any other", Class::Refused, "an error (`unsupported_value`)"),
    row("metadata", "up to 16 texts", Class::Map, "kept with the batch"),
    row(
        "output_expires_after",
        "as `expires_after` of files",
        Class::Map,
        "how long the output files are kept",
    ),
    row(
        "requests",
        "Portkey's inline form, beside or without an endpoint",
        Class::Pass,
        "items in the upstream's own dialect, results in it as well",
    ),
    row("any other name", "", Class::Refused, "an error (`unknown_parameter`)"),
    row("GET /v1/batches, GET /v1/batches/{id}", "", Class::Map, "OpenAI's batch object"),
    row("POST /v1/batches/{id}/cancel", "", Class::Map, "every upstream batch of it is cancelled"),
    row("GET /v1/batches/{id}/output", "Portkey's", Class::Map, "the results in one piece"),
];

/// `/v1/models`, in OpenAI's dialect.
pub const MODELS: &[ResourceRow] = &[
    row("id", "", Class::Map, "`@provider/model`; the bare id where a header names the provider"),
    row("created_at", "", Class::Map, "`created`, Unix seconds"),
    row("retires_at", "", Class::Map, "`shutdown_date`"),
    row(
        "GET /v1/models",
        "",
        Class::Map,
        "what the caller's providers list, kept for a while; the table of model facts when they cannot be asked",
    ),
    row(
        "GET /v1/models/{id}",
        "one that is not there",
        Class::Refused,
        "an error (`model_not_found`) that names the nearest living model",
    ),
];
