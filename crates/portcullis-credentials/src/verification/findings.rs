//! What only a verification can find: rows of the table in `portcullis-provider`, as everything else that it meets.

pub use portcullis_provider::error::verification::{
    NO_MODELS, NOT_ENFORCED, NOT_PROVEN, REFUSED_ELSEWHERE, TOO_SHORT, UNDETERMINED, WRONG_ACCOUNT,
};
