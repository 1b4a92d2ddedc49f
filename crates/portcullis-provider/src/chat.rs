//! Chat Completions on one side, Messages on the other: the request there, the answer back, whole or as a stream.

pub mod request;
pub mod response;
pub mod stream;
