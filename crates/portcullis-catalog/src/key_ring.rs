//! The operator's encryption keys, and what is derived from them.
//!
//! Whoever may guess the writing key reads every secret, so one that was plainly not drawn at random is refused.
//!
//! From each key come four others, each for one purpose: an id that names it, a sealing key for secret columns, one from
//! which the sealing keys of the data plane's objects are made, and a pepper for the digests of API keys. The first key of a ring writes; all of them read.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use portcullis_types::{ExposeSecret, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

mod guessable;
mod sealing;

use sealing::Format;
pub(crate) use sealing::{Place, SealError};

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;

/// Names one key of a ring without giving it away.
pub(crate) type KeyId = [u8; KEY_ID_BYTES];

/// What is stored of an API key.
pub(crate) type Digest = [u8; 32];

/// One or more 32-byte keys. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<[RingKey]>);

struct RingKey {
    id: KeyId,
    key: Zeroizing<[u8; KEY_BYTES]>,
    sealing: sealing::Sealer,
    /// Makes the keys that seal objects.
    objects: Hmac<Sha256>,
    pepper: Pepper,
}

/// The digest of an API key under one key of the ring, with the key's schedule computed once.
#[derive(Clone)]
pub(crate) struct Pepper {
    pub(crate) key_id: KeyId,
    keyed: Hmac<Sha256>,
}

/// Why a string is no [`KeyRing`]. Says nothing of the string itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyRing {
    /// One of the keys is not 32 bytes in base64.
    #[error(
        "key {position} must be 32 bytes in base64 (44 characters), such as `openssl rand -base64 32` prints"
    )]
    Key {
        /// Which, counted from 1.
        position: usize,
    },
    /// The writing key is 32 bytes, but was not drawn at random.
    #[error(
        "key {position} can be guessed (it repeats itself, counts, is text, or stands in a manual): \
         make one with `openssl rand -base64 32`"
    )]
    Guessable {
        /// Which, counted from 1.
        position: usize,
    },
    /// The same key stands in the list twice.
    #[error("key {position} stands in the list twice")]
    Twice {
        /// Which, counted from 1.
        position: usize,
    },
}

impl KeyRing {
    /// Reads keys in base64, separated by commas. The first one writes.
    ///
    /// # Errors
    /// [`InvalidKeyRing`] when a key is not 32 bytes or stands there twice, or when the first can be guessed. The others
    /// only read, and whoever has used a weak one must be able to get away from it.
    pub fn parse(raw: &str) -> Result<Self, InvalidKeyRing> {
        let mut ring: Vec<RingKey> = Vec::new();
        for (at, part) in raw.split(',').enumerate() {
            let position = at + 1;
            let bytes = decode(part.trim()).ok_or(InvalidKeyRing::Key { position })?;
            if at == 0 && guessable::is_guessable(&bytes) {
                return Err(InvalidKeyRing::Guessable { position });
            }
            let key = RingKey::new(bytes);
            if ring.iter().any(|earlier| earlier.id == key.id) {
                return Err(InvalidKeyRing::Twice { position });
            }
            ring.push(key);
        }
        Ok(Self(ring.into()))
    }

    /// A ring of one new key from the operating system's random source.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self([RingKey::new(bytes)].into()))
    }

    /// The ring in the form that [`KeyRing::parse`] reads, to be kept where only the operator may look.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let keys: Vec<String> = self.0.iter().map(|key| STANDARD.encode(key.key.as_slice())).collect();
        keys.join(",").into()
    }

    pub(crate) fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|key| key.id)
    }

    /// The pepper that new digests are made with.
    pub(crate) fn pepper(&self) -> &Pepper {
        &self.first().pepper
    }

    /// The peppers that stored digests may have been made with.
    pub(crate) fn peppers(&self) -> impl Iterator<Item = &Pepper> {
        self.0.iter().map(|key| &key.pepper)
    }

    fn first(&self) -> &RingKey {
        self.0.first().expect("a split has a first part, so a ring has a first key")
    }

    /// Seals `secret` so that it opens only at `place`.
    pub(crate) fn seal(&self, place: &Place<'_>, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.first();
        key.sealing.seal(&key.id, place, secret)
    }

    /// Opens what was sealed for `place` by any key of the ring.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = sealing::key_id(sealed)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        key.sealing.open(&key.id, place, sealed)
    }

    /// [`KeyRing::seal`], with a key that only this row has: for objects, of which there may be billions.
    pub(crate) fn seal_object(&self, place: &Place<'_>, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.first();
        key.sealer_of(place).seal(&key.id, place, content)
    }

    /// Opens what [`KeyRing::seal_object`] sealed.
    pub(crate) fn open_object(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let id = sealing::key_id(sealed)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(SealError::UnknownKey)?;
        let mut opened = key.sealer_of(place).open(&key.id, place, sealed)?;
        Ok(std::mem::take(&mut *opened))
    }

    /// [`KeyRing::open`], as text.
    pub(crate) fn open_text(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretString, SealError> {
        let opened = self.open(place, sealed)?;
        Ok(std::str::from_utf8(&opened).map_err(|_| SealError::NotText)?.into())
    }

    /// [`KeyRing::seal`], of a text.
    pub(crate) fn seal_text(&self, place: &Place<'_>, secret: &SecretString) -> Result<Vec<u8>, SealError> {
        self.seal(place, secret.expose_secret().as_bytes())
    }
}

fn decode(raw: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let decoded = Zeroizing::new(STANDARD.decode(raw).ok()?);
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    if decoded.len() != KEY_BYTES {
        return None;
    }
    bytes.copy_from_slice(&decoded);
    Some(bytes)
}

impl RingKey {
    fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut id = KeyId::default();
        id.copy_from_slice(&derive(&key, "key id")[..KEY_ID_BYTES]);
        let sealing = sealing::Sealer::new(Format::OneKey, &derive(&key, "sealing"));
        let objects = keyed(derive(&key, "objects").as_slice());
        let pepper = Pepper { key_id: id, keyed: keyed(derive(&key, "pepper").as_slice()) };
        Self { id, key, sealing, objects, pepper }
    }

    /// Cost: one HMAC and one AES key schedule.
    fn sealer_of(&self, place: &Place<'_>) -> sealing::Sealer {
        let mut mac = self.objects.clone();
        mac.update(place.row.as_bytes());
        let key: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
        sealing::Sealer::new(Format::KeyOfRow, &key)
    }
}

/// HKDF's expansion of `key` to one block (RFC 5869, 2.3): the keys are uniformly random, so there is nothing to extract.
fn derive(key: &[u8; KEY_BYTES], purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(key);
    mac.update(b"portcullis catalog 1: ");
    mac.update(purpose.as_bytes());
    mac.update(&[1]);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length")
}

impl Pepper {
    /// Shape: 32 bytes (HMAC-SHA-256). A few hundred nanoseconds: the key's schedule is there already.
    pub(crate) fn digest(&self, api_key: &str) -> Digest {
        let mut mac = self.keyed.clone();
        mac.update(api_key.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

#[cfg(test)]
mod tests;
