//! The engine over real sockets: the AWS SDK's path, with answers of every kind, and the standard chain.

#[cfg(test)]
mod clock;
#[cfg(test)]
mod emulator;
#[cfg(test)]
mod onboarding;
#[cfg(test)]
mod responder;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod source;
#[cfg(test)]
mod stations;
#[cfg(test)]
mod sts;
#[cfg(test)]
mod wanted;
