//! Everything a person or CI types.
fn main() {}
