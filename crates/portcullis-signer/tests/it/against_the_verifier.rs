//! The emulator's verifier must accept what is signed, and nothing that was changed afterwards.

use portcullis_emulator::sigv4::{ExpectedScope, KnownKey, ReceivedRequest, SignatureFault, verify};
use portcullis_signer::{ClockOffset, SignedHeaders, Signer};
use proptest::prelude::*;

use crate::random::{Case, HOST, cases, config};

fn known_key(case: &Case) -> impl Fn(&str) -> Option<KnownKey> + use<'_> {
    move |id| {
        (id == case.credentials.access_key_id.as_str()).then(|| KnownKey {
            secret: case.credentials.expose_secret_access_key().into(),
            session_token: case.credentials.expose_session_token().map(String::from),
            expires_at: None,
        })
    }
}

/// What the verifier says of `case` as it arrives with `signed`.
fn verdict(case: &Case, signed: &SignedHeaders) -> Result<Vec<String>, SignatureFault> {
    let mut headers = case.borrowed_headers();
    headers.push(("host", HOST));
    for (name, value) in signed.iter() {
        headers.push((name, value));
    }
    let received = ReceivedRequest {
        method: &case.method,
        path: &case.path,
        query: case.query.as_deref(),
        headers: &headers,
        body: &case.body,
    };
    let expected = ExpectedScope { region: case.region.as_str(), service: &case.service };
    verify(&received, known_key(case), expected, case.at).map(|verified| verified.signed_headers)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_verifier_accepts_what_is_signed_and_nothing_else(case in cases(), flipped in any::<prop::sample::Index>()) {
        let headers = case.borrowed_headers();
        let signed = Signer::new()
            .sign(&case.request(&headers), &case.credentials, &case.scope(), case.at, ClockOffset::NONE)
            .unwrap();
        let names = verdict(&case, &signed);
        prop_assert!(names.is_ok(), "{names:?}");
        prop_assert!(names.unwrap().iter().any(|name| name == "anthropic-workspace-id"));

        let mut changed = case.clone();
        match changed.body.len() {
            0 => changed.body.push(0),
            length => changed.body[flipped.index(length)] ^= 1,
        }
        prop_assert_eq!(verdict(&changed, &signed), Err(SignatureFault::SignatureMismatch));

        let mut changed = case;
        changed.headers.last_mut().unwrap().1 = "wrkspc_another".into();
        prop_assert_eq!(verdict(&changed, &signed), Err(SignatureFault::SignatureMismatch));
    }
}
