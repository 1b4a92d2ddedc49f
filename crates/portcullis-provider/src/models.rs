//! What each Claude model accepts.
