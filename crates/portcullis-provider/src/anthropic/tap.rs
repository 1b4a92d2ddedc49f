//! Watches a Messages stream that passes by.
