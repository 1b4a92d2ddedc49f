//! The engine over real sockets: the AWS SDK's path, with answers of every kind, and the standard chain.

mod responder;
mod source;
mod sts;
