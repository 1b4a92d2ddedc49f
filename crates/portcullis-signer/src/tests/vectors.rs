//! AWS's signing test suite, read from where the `aws-sigv4` crate ships it.

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use portcullis_types::Region;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::example_credentials;
use crate::moment::Moment;
use crate::{
    ClockOffset, ContentHash, HeaderSelection, PathEncoding, PathNormalisation, Scope, SessionToken,
    SignableBody, SignableRequest, Signer, SigningOptions,
};

/// The suite has 40 folders. Two are not vectors for header signing: `double-encode-path` and `double-url-encode` were
/// added beside the suite for one SDK's path encoder. They have no context (so no credentials, scope or options) and no
/// signature, and their canonical requests carry another date than their requests. What they show, a path encoded once
/// more, is held by the golden vector with the encoded ARN.
const NOT_VECTORS: [&str; 2] = ["double-encode-path", "double-url-encode"];

#[test]
fn every_v4_header_vector_of_aws_is_met() {
    let suite = suite();
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&suite).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert_eq!(folders.len(), 40, "{}", suite.display());
    let (vectors, others): (Vec<_>, Vec<_>) =
        folders.iter().partition(|folder| folder.join("context.json").exists());
    let others: Vec<_> = others.iter().map(|folder| folder.file_name().unwrap()).collect();
    assert_eq!(others, NOT_VECTORS);
    assert_eq!(vectors.len(), 38);
    for folder in vectors {
        check(folder);
    }
}

fn suite() -> PathBuf {
    let metadata = MetadataCommand::new().current_dir(env!("CARGO_MANIFEST_DIR")).exec().unwrap();
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "aws-sigv4").unwrap();
    package.manifest_path.parent().unwrap().join("aws-signing-test-suite/v4").into()
}

fn check(folder: &Path) {
    let name = folder.display();
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let context: Value = serde_json::from_str(&read("context.json")).unwrap();
    let parsed = ParsedRequest::parse(&read("request.txt"));
    let (path, query) = match parsed.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (parsed.target.as_str(), None),
    };
    let headers: Vec<_> =
        parsed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = SignableRequest {
        method: &parsed.method,
        host: &parsed.host,
        path,
        query,
        headers: &headers,
        body: SignableBody::Bytes(parsed.body.as_bytes()),
    };
    let region: Region = context["region"].as_str().unwrap().parse().unwrap();
    let scope = Scope { region: &region, service: context["service"].as_str().unwrap() };
    let credentials = example_credentials(context["credentials"]["token"].as_str());
    assert_eq!(context["credentials"]["access_key_id"], credentials.access_key_id.as_str());
    assert_eq!(context["credentials"]["secret_access_key"], credentials.expose_secret_access_key());
    let at = OffsetDateTime::parse(context["timestamp"].as_str().unwrap(), &Rfc3339).unwrap().into();

    let signer = Signer::with_options(options(&context));
    let moment = Moment::new(at, ClockOffset::NONE).unwrap();
    let steps = signer.prepare(&request, &credentials, &scope, &moment).unwrap();
    assert_eq!(steps.canonical.as_str(), read("header-canonical-request.txt"), "{name}");
    assert_eq!(steps.string_to_sign, read("header-string-to-sign.txt"), "{name}");
    let signed = signer.sign(&request, &credentials, &scope, at, ClockOffset::NONE).unwrap();
    let (_, signature) = signed.authorization.rsplit_once("Signature=").unwrap();
    assert_eq!(signature, read("header-signature.txt"), "{name}");
    let expected = ParsedRequest::parse(&read("header-signed-request.txt"));
    for (header, value) in signed.iter() {
        assert_eq!(expected.header(header), Some(value), "{name}: {header}");
    }
}

/// The suite encodes paths once and signs every header.
fn options(context: &Value) -> SigningOptions {
    let says = |field: &str| context[field].as_bool().unwrap_or_default();
    SigningOptions {
        path_encoding: PathEncoding::Once,
        path_normalisation: if says("normalize") {
            PathNormalisation::Normalise
        } else {
            PathNormalisation::Keep
        },
        content_hash: if says("sign_body") { ContentHash::Send } else { ContentHash::Omit },
        session_token: if says("omit_session_token") {
            SessionToken::AddAfterwards
        } else {
            SessionToken::Sign
        },
        headers: HeaderSelection::AsTheSdk,
    }
}

struct ParsedRequest {
    method: String,
    target: String,
    host: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl ParsedRequest {
    /// Reads a request as the suite writes them: header lines may be folded, as HTTP/1.0 allowed.
    fn parse(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let (target, _version) = rest.rsplit_once(' ').unwrap();
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with(' ') {
                headers.last_mut().unwrap().1.push_str(line);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_ascii_lowercase(), value.trim().into()));
            }
        }
        let at = headers.iter().position(|(name, _)| name == "host").unwrap();
        let (_, host) = headers.remove(at);
        Self { method: method.into(), target: as_sent(target), host, headers, body: body.into() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// What a URL cannot hold in clear.
const NOT_IN_A_URL: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ');

/// The target as an HTTP client writes it: the suite has blanks and letters of other scripts in clear.
fn as_sent(target: &str) -> String {
    percent_encoding::utf8_percent_encode(target, NOT_IN_A_URL).to_string()
}
