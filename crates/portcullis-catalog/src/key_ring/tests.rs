//! Rings, sealing and digests.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ONE: &str = "HEPK/BtAKD8c+COOVqEKHMKeXZ+QW6IfRPPa07y6TR8=";
const TWO: &str = "f4ulsYi7Q5z4jBYF5n+1HPSmi1qiygN5zRJtvDXef0g=";

fn ring(text: &str) -> KeyRing {
    KeyRing::parse(text).unwrap()
}

fn place(row: u128) -> Place<'static> {
    Place { table: "integrations", row: Uuid::from_u128(row), column: "secret_access_key" }
}

#[test]
fn a_ring_is_read_and_written_in_one_form() {
    let check = |raw: &str, expect: Result<&str, InvalidKeyRing>| {
        let seen = KeyRing::parse(raw).map(|ring| ring.to_text().expose_secret().to_owned());
        assert_eq!(seen, expect.map(str::to_owned), "{raw}");
    };
    check(ONE, Ok(ONE));
    check(&format!("{ONE}, {TWO}\n"), Ok(&format!("{ONE},{TWO}")));
    check("", Err(InvalidKeyRing::Key { position: 1 }));
    check(&format!("{ONE},"), Err(InvalidKeyRing::Key { position: 2 }));
    check("c2hvcnQ=", Err(InvalidKeyRing::Key { position: 1 }));
    check(&ONE[1..], Err(InvalidKeyRing::Key { position: 1 }));
    check(&format!("{ONE},{TWO},{ONE}"), Err(InvalidKeyRing::Twice { position: 3 }));
    let generated = KeyRing::generate().unwrap();
    check(generated.to_text().expose_secret(), Ok(generated.to_text().expose_secret()));
}

#[test]
fn a_writing_key_that_can_be_guessed_is_refused() {
    let check = |bytes: [u8; 32], why: &str| {
        let weak = STANDARD.encode(bytes);
        let refused = KeyRing::parse(&weak).map(|_| ());
        assert_eq!(refused, Err(InvalidKeyRing::Guessable { position: 1 }), "{why}");
        assert!(!InvalidKeyRing::Guessable { position: 1 }.to_string().contains(&weak));
        assert!(KeyRing::parse(&format!("{ONE},{weak}")).is_ok(), "{why}: one can rotate away from it");
    };
    check([0; 32], "zeros");
    check([0xa5; 32], "one byte");
    check(std::array::from_fn(|at| b"\x00\xff\x10\x9c"[at % 4]), "four bytes again and again");
    check(std::array::from_fn(|at| u8::try_from(at).unwrap()), "FIPS 197, appendix C.3");
    check(std::array::from_fn(|at| 31 - u8::try_from(at).unwrap()), "counting down");
    check(*b"correct horse battery staple 123", "a passphrase");
    check(*b"9f86d081884c7d659a2feaa0c55ad015", "half of a key's hexadecimal digits");
    check(
        hex_key("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
        "NIST SP 800-38A, F.1.5",
    );
}

fn hex_key(digits: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

#[test]
fn keys_that_are_drawn_are_taken() {
    for _ in 0..10_000 {
        let drawn = KeyRing::generate().unwrap().to_text();
        assert!(KeyRing::parse(drawn.expose_secret()).is_ok());
    }
}

#[test]
fn what_was_sealed_opens_with_every_ring_that_holds_the_key() {
    let sealed = ring(ONE).seal(&place(1), b"hunter2").unwrap();
    for text in [ONE.to_owned(), format!("{TWO},{ONE}")] {
        assert_eq!(ring(&text).open(&place(1), &sealed).unwrap().as_slice(), b"hunter2");
    }
    assert_eq!(ring(TWO).open(&place(1), &sealed), Err(SealError::UnknownKey));
}

#[test]
fn a_moved_secret_does_not_open() {
    let ring = ring(ONE);
    let sealed = ring.seal(&place(1), b"hunter2").unwrap();
    let elsewhere =
        [place(2), Place { column: "other", ..place(1) }, Place { table: "providers", ..place(1) }];
    for place in elsewhere {
        assert_eq!(ring.open(&place, &sealed), Err(SealError::DoesNotOpen), "{place:?}");
    }
}

#[test]
fn the_same_secret_never_looks_the_same_twice() {
    let ring = ring(ONE);
    let (first, second) = (ring.seal(&place(1), b"x").unwrap(), ring.seal(&place(1), b"x").unwrap());
    assert_ne!(first, second);
}

#[test]
fn every_changed_byte_is_noticed() {
    let ring = ring(ONE);
    let sealed = ring.seal(&place(1), b"hunter2").unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(ring.open(&place(1), &changed).is_err(), "byte {at}");
        assert!(ring.open(&place(1), &sealed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn digests_differ_by_ring_key_and_by_api_key() {
    let (one, two) = (ring(ONE), ring(TWO));
    assert_eq!(one.pepper().digest("pcs_a"), ring(ONE).pepper().digest("pcs_a"));
    assert_ne!(one.pepper().digest("pcs_a"), one.pepper().digest("pcs_b"));
    assert_ne!(one.pepper().digest("pcs_a"), two.pepper().digest("pcs_a"));
}

#[test]
fn debug_hides_every_secret() {
    let ring = ring(ONE);
    let shown = format!("{ring:?} {:?} {:?}", ring.pepper(), ring.first().sealing);
    assert_eq!(shown, "KeyRing(1 keys) Pepper(…) Sealer(…)");
}

proptest! {
    #[test]
    fn junk_never_opens_and_never_panics(junk in proptest::collection::vec(any::<u8>(), 0..80)) {
        prop_assert!(ring(ONE).open(&place(1), &junk).is_err());
    }

    #[test]
    fn any_bytes_survive_sealing(secret in proptest::collection::vec(any::<u8>(), 0..300)) {
        let ring = ring(ONE);
        let sealed = ring.seal(&place(1), &secret).unwrap();
        let opened = ring.open(&place(1), &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), secret.as_slice());
    }
}

#[test]
fn an_object_opens_in_its_place_only() {
    let ring = KeyRing::parse(ONE).unwrap();
    let place = Place { table: "files", row: Uuid::from_u128(1), column: "content 0" };
    let sealed = ring.seal_object(&place, b"what somebody asked").unwrap();
    assert_eq!(ring.open_object(&place, &sealed).unwrap(), b"what somebody asked");
    for other in [
        Place { row: Uuid::from_u128(2), ..place },
        Place { column: "content 1", ..place },
        Place { table: "responses", ..place },
    ] {
        assert_eq!(ring.open_object(&other, &sealed), Err(SealError::DoesNotOpen), "{other:?}");
    }
    // A column's value is no object's, and the other way round.
    assert_eq!(ring.open(&place, &sealed).unwrap_err(), SealError::Format);
    let column = ring.seal(&place, b"x").unwrap();
    assert_eq!(ring.open_object(&place, &column), Err(SealError::Format));
    // Another key of the ring may write meanwhile; without its own it does not open.
    let rotated = KeyRing::parse(&format!("{TWO},{ONE}")).unwrap();
    assert_eq!(rotated.open_object(&place, &sealed).unwrap(), b"what somebody asked");
    let without = KeyRing::parse(TWO).unwrap();
    assert_eq!(without.open_object(&place, &sealed), Err(SealError::UnknownKey));
}
