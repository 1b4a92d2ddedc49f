//! What the translated dialects promise beyond one question and one answer: paused turns, kept responses, and how
//! faithful a translation must be.

mod fidelity;
mod pauses;
mod refusals;
mod responses;
