//! Bodies of `multipart/form-data`, as files and skills are uploaded.
//!
//! Source: RFC 7578; RFC 2046, section 5.1.1.

use bytes::Bytes;
use memchr::memmem;

use super::error::PlatformError;
use crate::server::Arrival;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// Only files have one.
    pub(super) filename: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) content: Bytes,
}

impl Part {
    pub(super) fn text(&self) -> Result<&str, PlatformError> {
        let text = std::str::from_utf8(&self.content);
        text.map_err(|_| PlatformError::invalid(format!("{}: Input should be a valid string", self.name)))
    }
}

/// The parts of a request, in order.
pub(super) fn parts(arrival: &Arrival) -> Result<Vec<Part>, PlatformError> {
    let content_type = arrival.only("content-type")?.unwrap_or_default();
    let (media_type, parameters) = parameters(content_type);
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(PlatformError::invalid("content-type: Input should be 'multipart/form-data'"));
    }
    let boundary = parameters.iter().find(|(name, _)| name == "boundary").map(|(_, value)| value.as_str());
    let boundary = boundary.filter(|boundary| (1..=70).contains(&boundary.len()));
    let boundary =
        boundary.ok_or_else(|| PlatformError::invalid("content-type: Missing boundary in multipart"))?;
    split(&arrival.body, boundary)
        .ok_or_else(|| PlatformError::invalid("The request body is not valid multipart/form-data"))
}

fn split(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n{opening}");
    let mut at = body.starts_with(opening.as_bytes()).then_some(opening.len())?;
    let mut parts = Vec::new();
    loop {
        if body[at..].starts_with(b"--") {
            return Some(parts);
        }
        at += body[at..].starts_with(b"\r\n").then_some(2)?;
        let end = at + memmem::find(&body[at..], delimiter.as_bytes())?;
        parts.push(read_part(&body.slice(at..end))?);
        at = end + delimiter.len();
    }
}

fn read_part(part: &Bytes) -> Option<Part> {
    let blank = memmem::find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..blank]).ok()?;
    let header = |wanted: &str| {
        head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let (kind, parameters) = parameters(header("content-disposition")?);
    let find =
        |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let filename = find("filename*").and_then(|value| extended(&value)).or_else(|| find("filename"));
    (kind == "form-data").then_some(())?;
    Some(Part {
        name: find("name")?,
        filename,
        media_type: header("content-type").map(str::to_owned),
        content: part.slice(blank + 4..),
    })
}

/// `UTF-8''percent%20encoded`. Source: RFC 8187.
fn extended(value: &str) -> Option<String> {
    let encoded = value.split_once("''").filter(|(charset, _)| charset.eq_ignore_ascii_case("utf-8"))?.1;
    Some(percent_encoding::percent_decode_str(encoded).decode_utf8().ok()?.into_owned())
}

/// The value before the first `;`, and what follows it: names in lower case, values without their quotes.
fn parameters(text: &str) -> (&str, Vec<(String, String)>) {
    let (value, mut rest) = text.split_once(';').unwrap_or((text, ""));
    let mut pairs = Vec::new();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        pairs.push((name.trim().trim_start_matches(';').trim().to_ascii_lowercase(), value));
        rest = after.trim_start().trim_start_matches(';');
    }
    (value.trim(), pairs)
}

/// Up to the closing quote. Browsers write `%22` for a quote, others a backslash before it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value.replace("%22", "\""), &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<Vec<Part>> {
        split(&Bytes::copy_from_slice(body.as_bytes()), "b")
    }

    #[test]
    fn parts_have_names_files_and_bytes_as_they_came() {
        let parts = read(concat!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b\\\".txt\"\r\n",
            "Content-Type: text/plain\r\n\r\n\r\none\r\n--\r\n--b\r\n",
            "content-disposition: form-data; name=plain\r\n\r\n\r\n--b--\r\n",
        ))
        .expect("it is well formed");
        assert_eq!(parts[0].filename.as_deref(), Some("a;\"b\".txt"));
        assert_eq!(parts[0].media_type.as_deref(), Some("text/plain"));
        assert_eq!(&parts[0].content[..], b"\r\none\r\n--");
        assert_eq!(
            &parts[1..],
            [Part { name: "plain".into(), filename: None, media_type: None, content: Bytes::new() }]
        );
    }

    #[test]
    fn names_may_be_in_utf_8() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"; filename*=UTF-8''na%C3%AFve.txt\r\n\r\nx\r\n--b--";
        assert_eq!(read(body).unwrap()[0].filename.as_deref(), Some("naïve.txt"));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for body in [
            "",
            "--b",
            "--b\r\n",
            "--b\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
