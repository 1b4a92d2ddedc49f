//! The keys that developers and operators hold.

use secrecy::{ExposeSecret, SecretString};

/// What every key starts with, so that secret scanners find leaks.
pub const PREFIX: &str = "pcs_";

const SECRET_BYTES: usize = 32;
/// 32 bytes in base62, left-padded: `ceil(256 / log2(62))`.
const SECRET_DIGITS: usize = 43;
/// A CRC-32 in base62, left-padded: `ceil(32 / log2(62))`.
const CHECKSUM_DIGITS: usize = 6;
const KEY_LENGTH: usize = PREFIX.len() + SECRET_DIGITS + CHECKSUM_DIGITS;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A gateway key in the clear: `pcs_`, 32 random bytes in base62 (43 digits), a CRC-32 in base62 (6 digits).
///
/// The checksum lets us refuse typing errors and junk without a look-up. It is held only while it is checked or shown
/// once; at rest there is only its digest.
#[derive(Clone)]
pub struct ApiKeySecret(SecretString);

/// Why a string is no [`ApiKeySecret`]. Says nothing of the string itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of this gateway: a key is `pcs_` and 49 characters, and its checksum must fit")]
pub struct InvalidApiKey;

impl ApiKeySecret {
    /// A new key from the operating system's random source.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The key whose random part is `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; SECRET_BYTES]) -> Self {
        let mut key = String::with_capacity(KEY_LENGTH);
        key.push_str(PREFIX);
        push_base62(&mut key, &bytes, SECRET_DIGITS);
        let checksum = crc32fast::hash(key.as_bytes());
        push_base62(&mut key, &checksum.to_be_bytes(), CHECKSUM_DIGITS);
        Self(key.into())
    }

    /// The last four characters, which tell keys apart in a list without giving one away.
    #[must_use]
    pub fn last_four(&self) -> &str {
        let text = self.0.expose_secret();
        &text[text.len() - 4..]
    }
}

impl ExposeSecret<str> for ApiKeySecret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::str::FromStr for ApiKeySecret {
    type Err = InvalidApiKey;

    fn from_str(raw: &str) -> Result<Self, InvalidApiKey> {
        if !is_well_formed(raw) {
            return Err(InvalidApiKey);
        }
        Ok(Self(raw.into()))
    }
}

impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeySecret(pcs_…)")
    }
}

/// Whether `raw` has the form and the checksum of a key: a cheap test before any look-up.
#[must_use]
pub fn is_well_formed(raw: &str) -> bool {
    if raw.len() != KEY_LENGTH
        || !raw.starts_with(PREFIX)
        || !raw.bytes().skip(PREFIX.len()).all(|b| b.is_ascii_alphanumeric())
    {
        return false;
    }
    let (body, checksum) = raw.split_at(KEY_LENGTH - CHECKSUM_DIGITS);
    let mut expected = String::with_capacity(CHECKSUM_DIGITS);
    push_base62(&mut expected, &crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS);
    expected == checksum
}

/// Appends the big-endian number `bytes` in base62, left-padded with zeros to `n_digits`.
fn push_base62(out: &mut String, bytes: &[u8], n_digits: usize) {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; n_digits];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in &mut number {
            let value = (remainder << 8) | u32::from(*byte);
            *byte = u8::try_from(value / 62).expect("the remainder is below 62, so the quotient fits a byte");
            remainder = value % 62;
        }
        *digit = BASE62[remainder as usize];
    }
    out.extend(digits.into_iter().map(char::from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_parses_and_a_changed_one_does_not() {
        let key = ApiKeySecret::generate().unwrap();
        let text = key.expose_secret().to_owned();
        assert_eq!(text.len(), 53);
        assert!(text.parse::<ApiKeySecret>().is_ok());
        for at in PREFIX.len()..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(!is_well_formed(std::str::from_utf8(&changed).unwrap()), "position {at}");
        }
    }

    #[test]
    fn the_extremes_fill_all_digits() {
        for bytes in [[0; 32], [255; 32]] {
            assert!(is_well_formed(ApiKeySecret::from_bytes(bytes).expose_secret()));
        }
    }

    #[test]
    fn junk_is_refused() {
        for junk in
            ["", "pcs_", "sk-ant-abc", "OPENAI_API_KEY", &"ü".repeat(27), &format!("pcs_{}", "0".repeat(49))]
        {
            assert_eq!(junk.parse::<ApiKeySecret>().err(), Some(InvalidApiKey), "{junk}");
        }
    }

    #[test]
    fn debug_hides_every_secret() {
        let key = ApiKeySecret::from_bytes([7; 32]);
        assert_eq!(format!("{key:?}"), "ApiKeySecret(pcs_…)");
    }
}
