//! Errors, from the upstream and our own, in the client's dialect.
