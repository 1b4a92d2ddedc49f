//! A stand-in for STS and Claude Platform on AWS that checks as strictly as AWS does.

pub mod sigv4;
