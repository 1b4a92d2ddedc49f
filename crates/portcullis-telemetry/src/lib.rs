//! Logs, traces and metrics, set up in one place.
