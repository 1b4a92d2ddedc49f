//! Sealed values: AES-256-GCM, bound to the place they were sealed for.
//!
//! ```text
//! 1 byte    8 bytes  12 bytes  n + 16 bytes
//! format    key id   nonce     ciphertext and tag
//! ```
//! The additional data is `table | row id | column | key id`, so a value that is copied to another row or column, or
//! relabelled with another key, does not open. A random 96-bit nonce allows 2^32 values per key.
//!
//! Format 1 is for the catalog's own columns, of which there are thousands: one key seals them all. Format 2 is for what
//! the data plane keeps, which has no such bound: each row has a key of its own, derived from the ring's and its id.
//!
//! Source: NIST SP 800-38D, 8.3 (how many nonces may be random).

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{KEY_ID_BYTES, KeyId};
use crate::error::CatalogError;

/// What a value is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The ring key's own sealing key.
    OneKey = 1,
    /// A key derived for the row.
    KeyOfRow = 2,
}

const NONCE_BYTES: usize = 12;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES;

/// Where a sealed value lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'a str,
    pub(crate) row: Uuid,
    pub(crate) column: &'a str,
}

/// Why a value was not sealed or does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("it is not in a format this version knows")]
    Format,
    #[error("it was sealed with a key that PORTCULLIS_ENCRYPTION_KEY does not hold")]
    UnknownKey,
    #[error("it does not open: it was changed, or sealed for another place")]
    DoesNotOpen,
    #[error("what it holds is not text")]
    NotText,
    #[error("it is too long to seal")]
    TooLong,
    #[error("the operating system gives no randomness")]
    Randomness(#[from] getrandom::Error),
}

impl From<SealError> for CatalogError {
    /// For sealing; what does not open becomes `Corrupt`, where the row is known.
    fn from(error: SealError) -> Self {
        Self::Randomness(error.into())
    }
}

/// A key that seals and opens.
pub(super) struct Sealer {
    format: Format,
    cipher: Box<Aes256Gcm>,
}

impl Sealer {
    pub(super) fn new(format: Format, key: &[u8; 32]) -> Self {
        Self { format, cipher: Box::new(Aes256Gcm::new(key.into())) }
    }

    pub(super) fn seal(
        &self,
        key_id: &KeyId,
        place: &Place<'_>,
        secret: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let aad = additional_data(key_id, place);
        let payload = Payload { msg: secret, aad: &aad };
        let ciphertext = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + NONCE_BYTES + ciphertext.len());
        sealed.push(self.format as u8);
        sealed.extend_from_slice(key_id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    pub(super) fn open(
        &self,
        key_id: &KeyId,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        // Each format has its keys: whatever says that it is of the other one is not for this sealer.
        let is_ours = sealed.first() == Some(&(self.format as u8));
        let rest = sealed.get(HEADER_BYTES..).filter(|_| is_ours).ok_or(SealError::Format)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Format)?;
        let aad = additional_data(key_id, place);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let opened =
            self.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        Ok(Zeroizing::new(opened))
    }
}

/// Which key a value says it was sealed with.
pub(super) fn key_id(sealed: &[u8]) -> Result<KeyId, SealError> {
    match sealed.split_first_chunk::<HEADER_BYTES>() {
        Some(([_, id @ ..], _)) => Ok(*id),
        _ => Err(SealError::Format),
    }
}

fn additional_data(key_id: &KeyId, place: &Place<'_>) -> Vec<u8> {
    let Place { table, row, column } = place;
    // Names of tables and columns hold no `|`, and neither do an id or a number: it reads in one way only.
    format!("{table}|{row}|{column}|{}", u64::from_be_bytes(*key_id)).into_bytes()
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}
