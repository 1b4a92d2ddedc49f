//! How long a stream takes.
fn main() {}
