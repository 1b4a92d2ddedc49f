//! The gateway's one binary.
fn main() {}
