//! How long a translation takes: a small request, a long conversation, a megabyte of images.

fn main() {}
