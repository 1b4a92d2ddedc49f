//! The data plane: the way of a request from a key to Claude and back.
