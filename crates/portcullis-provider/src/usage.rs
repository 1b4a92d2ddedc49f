//! Token counts of one answer.
