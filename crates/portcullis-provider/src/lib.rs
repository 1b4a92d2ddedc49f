//! Dialects and upstreams: wire types, translation, event streams, error maps.
