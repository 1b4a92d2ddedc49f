//! Images and documents that come inside the request: data URLs and base64 files.
//!
//! The upstream refuses an image whose declared type is not the real one, and clients often declare what a file's name
//! says. So the first bytes decide between the types the upstream knows, and a correction is reported.
//!
//! Source: RFC 2397 for data URLs; Anthropic's "Vision" and "PDF support" for the types.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::block::{Body, Source};
use super::path::Path;
use super::scope::Scope;
use crate::invalid::{InvalidCode, InvalidRequest};
use crate::json::write::Str;
use crate::warnings::WarningKind;

/// What the upstream can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Jpeg,
    Png,
    Gif,
    Webp,
    Pdf,
    Text,
}

/// What the client says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    Known(MediaType),
    /// Something the upstream cannot read, by its name.
    Foreign(String),
    Nothing,
}

/// The data itself, as it came.
#[derive(Debug)]
pub(crate) enum Payload<'a> {
    Base64(Cow<'a, str>),
    Bytes(Vec<u8>),
}

/// A data URL, taken apart.
#[derive(Debug)]
pub(crate) struct DataUrl<'a> {
    /// Type and subtype in lower case; empty if the URL names none.
    pub(crate) media_type: String,
    pub(crate) payload: Payload<'a>,
}

impl MediaType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
        }
    }

    /// From the first bytes.
    fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// What an `image_url` may declare.
pub(crate) fn declared_inline(media_type: &str) -> Declared {
    match media_type {
        "image/jpeg" | "image/jpg" => Declared::Known(MediaType::Jpeg),
        "image/png" => Declared::Known(MediaType::Png),
        "image/gif" => Declared::Known(MediaType::Gif),
        "image/webp" => Declared::Known(MediaType::Webp),
        "application/pdf" => Declared::Known(MediaType::Pdf),
        // A data URL without a type is plain text, says the RFC.
        "text/plain" | "" => Declared::Known(MediaType::Text),
        other => Declared::Foreign(readable(other)),
    }
}

/// What a file may declare: by its type, else by its name.
pub(crate) fn declared_file(media_type: &str, filename: Option<&str>) -> Declared {
    if matches!(media_type, "" | "application/octet-stream" | "binary/octet-stream") {
        let extension = filename.and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
        return extension.map_or(Declared::Nothing, declared_extension);
    }
    let structured = media_type.ends_with("+json") || media_type.ends_with("+xml");
    let text = media_type.starts_with("text/")
        || (structured && media_type.starts_with("application/"))
        || TEXT_TYPES.contains(&media_type);
    if text { Declared::Known(MediaType::Text) } else { declared_inline(media_type) }
}

const TEXT_TYPES: &[&str] = &[
    "application/csv",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/sql",
    "application/toml",
    "application/typescript",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-python",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

const TEXT_EXTENSIONS: &[&str] = &[
    "bash", "c", "cc", "cfg", "conf", "cpp", "cs", "css", "csv", "diff", "env", "go", "h", "hpp", "htm",
    "html", "ini", "java", "js", "json", "jsonl", "jsx", "kt", "log", "lua", "markdown", "md", "mjs",
    "ndjson", "patch", "php", "pl", "proto", "py", "r", "rb", "rs", "rst", "scala", "sh", "sql", "svelte",
    "swift", "tex", "text", "tf", "toml", "ts", "tsv", "tsx", "txt", "vue", "xml", "yaml", "yml",
];

fn declared_extension(extension: &str) -> Declared {
    let extension = extension.to_ascii_lowercase();
    match extension.as_str() {
        "jpg" | "jpeg" => Declared::Known(MediaType::Jpeg),
        "png" => Declared::Known(MediaType::Png),
        "gif" => Declared::Known(MediaType::Gif),
        "webp" => Declared::Known(MediaType::Webp),
        "pdf" => Declared::Known(MediaType::Pdf),
        text if TEXT_EXTENSIONS.contains(&text) => Declared::Known(MediaType::Text),
        other => Declared::Foreign(readable(&format!(".{other}"))),
    }
}

/// A name from outside, fit for an error message.
fn readable(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(80).collect()
}

/// Whether this is a data URL.
pub(crate) fn is_data_url(url: &str) -> bool {
    has_scheme(url, "data:")
}

/// Whether a URL has this scheme; `scheme` ends in a colon.
pub(crate) fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

/// Takes a data URL apart.
pub(crate) fn data_url<'a>(url: Cow<'a, str>, path: &Path<'_>) -> Result<DataUrl<'a>, InvalidRequest> {
    let comma = memchr::memchr(b',', url.as_bytes())
        .ok_or_else(|| path.refuse(InvalidCode::InvalidValue, "is a data URL without a comma"))?;
    let header = &url["data:".len()..comma];
    let mut fields = header.split(';').map(str::trim);
    let media_type = fields.next().unwrap_or_default().to_ascii_lowercase();
    let is_base64 = fields.next_back().is_some_and(|last| last.eq_ignore_ascii_case("base64"));
    let data = after(url, comma + 1);
    let payload = if is_base64 { Payload::Base64(data) } else { Payload::Bytes(percent_decode(&data)) };
    Ok(DataUrl { media_type, payload })
}

fn after(text: Cow<'_, str>, at: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[at..]),
        Cow::Owned(mut text) => Cow::Owned(text.split_off(at)),
    }
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten().and_then(|hex| {
            Some((char::from(hex[0]).to_digit(16)? << 4 | char::from(hex[1]).to_digit(16)?) as u8)
        });
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

/// The block for some data: an image, or a document with a title.
///
/// - `at`: the part, for a report of a wrong declaration.
/// - `path`: the data, for a refusal.
pub(crate) fn block_body<'a>(
    payload: Payload<'a>,
    declared: Declared,
    title: Option<Str<'a>>,
    at: &Path<'_>,
    path: &Path<'_>,
    scope: &mut Scope,
) -> Result<Body<'a>, InvalidRequest> {
    let payload = match payload {
        Payload::Base64(data) => Payload::Base64(clean_base64(data, path)?),
        bytes @ Payload::Bytes(_) => bytes,
    };
    let sniffed = MediaType::sniff(&payload.first_bytes());
    let media_type = match (&declared, sniffed) {
        (Declared::Known(MediaType::Text), _) => match payload.text() {
            Some(text) => return Ok(Body::Document { source: Source::PlainText(Str::from(text)), title }),
            None => sniffed.ok_or_else(|| {
                path.refuse(InvalidCode::InvalidValue, "is declared as text and is not UTF-8")
            })?,
        },
        (Declared::Known(known), None) => *known,
        (_, Some(sniffed)) => sniffed,
        (Declared::Foreign(name), None) => {
            return Err(path.refuse(InvalidCode::UnsupportedValue, unreadable(name)));
        }
        (Declared::Nothing, None) => {
            return Err(path.refuse(InvalidCode::UnsupportedValue, unreadable("unknown")));
        }
    };
    if declared != Declared::Nothing && declared != Declared::Known(media_type) {
        scope.note(WarningKind::MediaType, at);
    }
    let source = Source::Base64 { media_type: media_type.as_str(), data: payload.into_base64() };
    Ok(if media_type == MediaType::Pdf { Body::Document { source, title } } else { Body::Image(source) })
}

fn unreadable(name: &str) -> String {
    format!(
        "is of type `{name}`; supported are image/jpeg, image/png, image/gif, image/webp, application/pdf and plain text"
    )
}

impl<'a> Payload<'a> {
    /// Enough of them to tell the type.
    fn first_bytes(&self) -> Vec<u8> {
        match self {
            Self::Base64(data) => {
                STANDARD.decode(data.get(..data.len().min(16) & !3).unwrap_or_default()).unwrap_or_default()
            }
            Self::Bytes(bytes) => bytes.iter().take(12).copied().collect(),
        }
    }

    /// The data as UTF-8, if it is.
    fn text(&self) -> Option<String> {
        let bytes = match self {
            Self::Base64(data) => STANDARD.decode(data.as_bytes()).ok()?,
            Self::Bytes(bytes) => bytes.clone(),
        };
        String::from_utf8(bytes).ok()
    }

    fn into_base64(self) -> Str<'a> {
        match self {
            Self::Base64(data) => Str::Plain(data),
            Self::Bytes(bytes) => Str::from(STANDARD.encode(bytes)),
        }
    }
}

/// Base64 without the white space and percent signs that data URLs may hold. Borrows if there are none.
fn clean_base64<'a>(data: Cow<'a, str>, path: &Path<'_>) -> Result<Cow<'a, str>, InvalidRequest> {
    if is_base64(&data) {
        return Ok(data);
    }
    let bytes = percent_decode(&data);
    let cleaned: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    match String::from_utf8(cleaned) {
        Ok(cleaned) if is_base64(&cleaned) => Ok(Cow::Owned(cleaned)),
        _ => Err(path.refuse(InvalidCode::InvalidValue, "is not valid base64")),
    }
}

/// Alphabet, length and padding. Folds instead of stopping early: that way it runs at memory speed.
fn is_base64(data: &str) -> bool {
    let unpadded = data.strip_suffix("==").or_else(|| data.strip_suffix('=')).unwrap_or(data);
    let foreign = unpadded
        .bytes()
        .fold(false, |seen, byte| seen | !(byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/')));
    !foreign && !unpadded.is_empty() && data.len().is_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;
    use portcullis_types::TranslationOptions;

    /// The media type that is sent and whether a correction was reported, or the refusal.
    fn check(url: &str, expect: Result<(&str, bool), InvalidCode>) {
        let model = "claude-opus-4-8".parse().unwrap();
        let mut scope = Scope::new(&Target::embedded(&model, TranslationOptions::default()));
        let path = Path::root("url");
        let body = data_url(Cow::Borrowed(url), &path).and_then(|data_url| {
            let declared = declared_inline(&data_url.media_type);
            block_body(data_url.payload, declared, None, &path, &path, &mut scope)
        });
        let sent = body.as_ref().map(|body| match body {
            Body::Image(Source::Base64 { media_type, .. }) => *media_type,
            Body::Document { source: Source::Base64 { media_type, .. }, .. } => *media_type,
            Body::Document { source: Source::PlainText(_), .. } => "text/plain",
            other => panic!("{other:?}"),
        });
        let seen = sent.map(|sent| (sent, !scope.warnings.is_empty())).map_err(|invalid| invalid.code);
        assert_eq!(seen, expect, "{url}");
    }

    #[test]
    fn the_first_bytes_decide() {
        check("data:image/gif;base64,R0lGODlhAQABAAAAACw=", Ok(("image/gif", false)));
        check("data:image/webp;base64,UklGRiQAAABXRUJQVlA4IBgAAAAw", Ok(("image/webp", false)));
        check("data:image/png;base64,UklGRiQAAABXRUJQVlA4IBgAAAAw", Ok(("image/webp", true)));
        check("data:image/png;base64,JVBERi0xLjQK", Ok(("application/pdf", true)));
        check("data:image/bmp;base64,iVBORw0KGgoA", Ok(("image/png", true)));
        check("data:text/plain;base64,iVBORw0KGgoA", Ok(("image/png", true)));
        // Nothing recognisable: the upstream may know better.
        check("data:image/png;base64,AAAA", Ok(("image/png", false)));
    }

    #[test]
    fn text_that_looks_like_an_image_is_text() {
        check("data:text/plain,GIF89a is a format", Ok(("text/plain", false)));
        check("data:,%25PDF-", Ok(("text/plain", false)));
    }

    #[test]
    fn percent_signs_and_white_space_are_understood() {
        check("data:image/gif;base64,R0lGODlhAQABAAAAACw%3D", Ok(("image/gif", false)));
        check("data:image/gif;base64, R0lGODlh\r\nAQABAAAAACw=\t", Ok(("image/gif", false)));
        check("data:image/gif,GIF89a%00%01", Ok(("image/gif", false)));
        assert_eq!(percent_decode("%41%4z%"), b"A%4z%");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        check("data:image/png;base64", Err(InvalidCode::InvalidValue));
        check("data:image/png;base64,", Err(InvalidCode::InvalidValue));
        check("data:image/png;base64,AAA", Err(InvalidCode::InvalidValue));
        check("data:image/png;base64,AA=A", Err(InvalidCode::InvalidValue));
        check("data:image/png;base64,AA-_", Err(InvalidCode::InvalidValue));
        check("data:text/plain;base64,/w==", Err(InvalidCode::InvalidValue));
        check("data:image/heic;base64,AAAA", Err(InvalidCode::UnsupportedValue));
    }

    #[test]
    fn files_are_told_by_type_then_by_name() {
        let text = Declared::Known(MediaType::Text);
        assert_eq!(declared_file("application/ld+json", None), text);
        assert_eq!(declared_file("image/svg+xml", None), Declared::Foreign("image/svg+xml".into()));
        assert_eq!(declared_file("application/octet-stream", Some("a.b.RS")), text);
        assert_eq!(declared_file("", Some("a.pptx")), Declared::Foreign(".pptx".into()));
        assert_eq!(declared_file("", Some("Makefile")), Declared::Nothing);
    }
}
