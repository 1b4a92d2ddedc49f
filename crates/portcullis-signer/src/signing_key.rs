//! Signing keys, derived once per day, region, service and key pair.

use std::sync::Arc;

use aws_sigv4::sign::v4::generate_signing_key;
use moka::sync::Cache;
use portcullis_types::AwsCredentials;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::moment::Moment;
use crate::request::Scope;

/// How many derived keys are kept; the least used go first. One is 32 bytes and a key pair needs one a day and region.
const CAPACITY: u64 = 10_000;

/// A derived key: 32 bytes of HMAC-SHA-256, wiped when the last user lets go.
pub(crate) type SigningKey = Arc<Zeroizing<[u8; 32]>>;

/// What a signing key is derived from, as one SHA-256 over its parts, each led by its length.
///
/// A digest and not a struct of the parts: the service and the secret are borrowed, so a struct would copy a secret into
/// the map and cost an allocation a request. The lengths keep `("ab", "c")` and `("a", "bc")` apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(day: &str, scope: &Scope<'_>, credentials: &AwsCredentials) -> Self {
        let mut hasher = Sha256::new();
        let parts = [
            day,
            scope.region.as_str(),
            scope.service,
            credentials.access_key_id.as_str(),
            credentials.expose_secret_access_key(),
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

/// The derived keys of all key pairs in use.
pub(crate) struct SigningKeys(Cache<Fingerprint, SigningKey>);

impl SigningKeys {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The key of this day, scope and key pair: looked up, or derived with four HMACs and kept.
    ///
    /// Two requests that need a new key at once both derive it, to the same result: cheaper than waiting for each other.
    pub(crate) fn get(&self, moment: &Moment, scope: &Scope<'_>, credentials: &AwsCredentials) -> SigningKey {
        let fingerprint = Fingerprint::of(moment.day(), scope, credentials);
        if let Some(key) = self.0.get(&fingerprint) {
            return key;
        }
        let key = derive(moment, scope, credentials);
        self.0.insert(fingerprint, Arc::clone(&key));
        key
    }
}

fn derive(moment: &Moment, scope: &Scope<'_>, credentials: &AwsCredentials) -> SigningKey {
    let secret = credentials.expose_secret_access_key();
    let derived = generate_signing_key(secret, moment.time, scope.region.as_str(), scope.service);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(derived.as_ref());
    Arc::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ClockOffset;
    use std::time::{Duration, SystemTime};

    fn credentials(id: &str, secret: &str) -> AwsCredentials {
        AwsCredentials {
            access_key_id: id.parse().unwrap(),
            secret_access_key: secret.into(),
            session_token: None,
            expires_at: None,
        }
    }

    fn moment(day: u64) -> Moment {
        Moment::new(SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400), ClockOffset::NONE).unwrap()
    }

    fn key(keys: &SigningKeys, day: u64, region: &str, service: &str, id: &str, secret: &str) -> [u8; 32] {
        let region = region.parse().unwrap();
        **keys.get(&moment(day), &Scope { region: &region, service }, &credentials(id, secret))
    }

    #[test]
    fn each_part_of_the_derivation_has_a_key_of_its_own() {
        let keys = SigningKeys::new();
        let first = key(&keys, 1, "us-west-2", "service", "AKIDEXAMPLE", "secret");
        assert_eq!(first, key(&keys, 1, "us-west-2", "service", "AKIDEXAMPLE", "secret"));
        assert_ne!(first, key(&keys, 2, "us-west-2", "service", "AKIDEXAMPLE", "secret"));
        assert_ne!(first, key(&keys, 1, "us-west-1", "service", "AKIDEXAMPLE", "secret"));
        assert_ne!(first, key(&keys, 1, "us-west-2", "services", "AKIDEXAMPLE", "secret"));
        keys.0.run_pending_tasks();
        assert_eq!(keys.0.entry_count(), 4);
    }

    #[test]
    fn a_rotated_secret_gets_a_key_of_its_own() {
        let keys = SigningKeys::new();
        let old = key(&keys, 1, "us-west-2", "service", "AKIDEXAMPLE", "old");
        let new = key(&keys, 1, "us-west-2", "service", "AKIDEXAMPLE", "new");
        assert_ne!(old, new);
        assert_eq!(new, key(&SigningKeys::new(), 1, "us-west-2", "service", "AKIDEXAMPLE", "new"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let region = "us-west-2".parse().unwrap();
        let print = |service, id, secret| {
            Fingerprint::of("19700101", &Scope { region: &region, service }, &credentials(id, secret)).0
        };
        assert_ne!(print("s", "AKIDEXAMPLEA", "B"), print("s", "AKIDEXAMPLE", "AB"));
        assert_ne!(print("sA", "KIDEXAMPLE12", "x"), print("s", "AKIDEXAMPLE12", "x"));
    }
}
