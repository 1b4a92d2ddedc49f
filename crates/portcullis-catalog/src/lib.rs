//! The model catalog: organisations, integrations, providers and keys, in Postgres or SQLite.
