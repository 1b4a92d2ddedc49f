//! Plans and the calls that are made of them.
