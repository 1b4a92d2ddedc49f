//! Takes the `Authorization` header of Signature Version 4 apart.

use super::{ReceivedRequest, SignatureFault, single_header};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What signs a request whose signature stands in the query. Source: AWS IAM User Guide, "Create a signed AWS API request".
const IN_QUERY: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// The parts of the header. Invariants: the scope has five non-empty parts and ends in `aws4_request`;
/// `signed_headers` is lower-case, sorted and without repeats; `signature` is 64 lower-case hex digits.
#[derive(Debug)]
pub(super) struct Authorization {
    pub(super) access_key_id: String,
    pub(super) date: String,
    pub(super) region: String,
    pub(super) service: String,
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
}

impl Authorization {
    pub(super) fn parse(request: &ReceivedRequest<'_>) -> Result<Self, SignatureFault> {
        let header =
            single_header(request, "authorization")?.ok_or(SignatureFault::MissingAuthenticationToken)?;
        if is_signed_in_query(request.query.unwrap_or_default()) {
            return Err(SignatureFault::TwoSignatures);
        }
        let Some((ALGORITHM, parameters)) = header.split_once(' ') else {
            return Err(SignatureFault::NotSignatureVersion4);
        };
        let parameters: Vec<&str> = parameters.split(',').map(str::trim).collect();
        let credential = parameter(&parameters, "Credential")?;
        let signed_headers = parameter(&parameters, "SignedHeaders")?;
        let signature = parameter(&parameters, "Signature")?;
        if parameters.len() != 3 {
            return Err(incomplete("must hold Credential, SignedHeaders and Signature, and nothing else"));
        }
        let scope: Vec<&str> = credential.split('/').collect();
        let &[access_key_id, date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements and end in aws4_request",
            ));
        };
        if [access_key_id, date, region, service].iter().any(|part| part.is_empty()) {
            return Err(incomplete("no element of Credential may be empty"));
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            signed_headers: parse_signed_headers(signed_headers)?,
            signature: parse_signature(signature)?,
        })
    }
}

fn is_signed_in_query(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        IN_QUERY.iter().any(|known| known.eq_ignore_ascii_case(&name))
    })
}

fn parameter<'a>(parameters: &[&'a str], name: &'static str) -> Result<&'a str, SignatureFault> {
    let mut found = parameters.iter().filter_map(|text| text.strip_prefix(name)?.strip_prefix('='));
    match (found.next(), found.next()) {
        (Some(value), None) if !value.is_empty() => Ok(value),
        _ => Err(SignatureFault::MissingParameter { name }),
    }
}

fn parse_signed_headers(text: &str) -> Result<Vec<String>, SignatureFault> {
    let names: Vec<String> = text.split(';').map(str::to_owned).collect();
    let sorted = names.windows(2).all(|pair| pair[0] < pair[1]);
    let named =
        names.iter().all(|name| !name.is_empty() && !name.bytes().any(|byte| byte.is_ascii_uppercase()));
    if sorted && named {
        Ok(names)
    } else {
        Err(incomplete("SignedHeaders must be lower-case, sorted and without repeats"))
    }
}

fn parse_signature(text: &str) -> Result<String, SignatureFault> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(hex) {
        Ok(text.to_owned())
    } else {
        // AWS compares it as text and finds that it differs.
        Err(SignatureFault::SignatureMismatch)
    }
}

fn incomplete(reason: &'static str) -> SignatureFault {
    SignatureFault::MalformedAuthorization { reason }
}
