//! The answers of STS, as XML.

use std::time::SystemTime;

use quick_xml::escape::escape;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::StsError;
use crate::session::Session;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What all calls answer that open a session. `announced` is when it is said to end.
pub(super) fn session_result(session: &Session, announced: SystemTime, packed: Option<usize>) -> String {
    let expiration = OffsetDateTime::from(announced)
        .format(&Rfc3339)
        .expect("a time of this century has an RFC 3339 form");
    let packed =
        packed.map_or_else(String::new, |percent| format!("<PackedPolicySize>{percent}</PackedPolicySize>"));
    let source_identity = session.grant.source_identity.as_ref().map_or_else(String::new, |identity| {
        format!("<SourceIdentity>{}</SourceIdentity>", escape(identity))
    });
    format!(
        "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{expiration}</Expiration></Credentials>{packed}{source_identity}",
        escape(&session.assumed_role_id),
        escape(session.arn()),
        session.access_key_id,
        session.secret_access_key,
        session.session_token,
    )
}

pub(super) fn success(action: &str, result: &str, request_id: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    )
}

pub(super) fn failure(error: &StsError, request_id: &str) -> String {
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code,
        escape(&error.message)
    )
}
