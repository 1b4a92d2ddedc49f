//! The form that goes upstream: one part with the file, and how long it is kept.

use std::time::Duration;

use bytes::Bytes;

/// Characters that the upstream takes in no file name.
///
/// Source: Claude docs, "Files API", errors.
const FORBIDDEN: &str = "<>:\"|?*\\/";
/// Characters of a file name there.
const LONGEST: usize = 255;

/// What stands before the file's first byte.
pub(super) fn head(boundary: &str, filename: &str, mime_type: &str) -> Bytes {
    let name = upstream_name(filename);
    format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {mime_type}\r\n\r\n"
    )
    .into()
}

/// What stands after its last byte.
pub(super) fn end(boundary: &str, expires_after: Option<Duration>) -> Bytes {
    let life = expires_after.map(|life| {
        let seconds = life.as_secs();
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"expires_in_seconds\"\r\n\r\n{seconds}\r\n"
        )
    });
    format!("\r\n{}--{boundary}--\r\n", life.unwrap_or_default()).into()
}

/// The name as the upstream takes it. The client's own is what the gateway tells of the file.
fn upstream_name(filename: &str) -> String {
    let tame = |c: char| if c.is_control() || FORBIDDEN.contains(c) { '_' } else { c };
    let name: String = filename.chars().map(tame).collect();
    // The end of a name tells the type.
    let n_over = name.chars().count().saturating_sub(LONGEST);
    name.chars().skip(n_over).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_the_upstream_would_refuse_is_tamed() {
        assert_eq!(upstream_name("a \"b\"/c\\d\r\n.pdf"), "a _b__c_d__.pdf");
        assert_eq!(upstream_name("Zoë.pdf"), "Zoë.pdf");
        let long = format!("{}.pdf", "é".repeat(300));
        assert_eq!(upstream_name(&long).chars().count(), LONGEST);
        assert!(upstream_name(&long).ends_with(".pdf"));
    }

    #[test]
    fn the_form_is_a_form() {
        let form =
            [head("b", "a.pdf", "application/pdf"), "x".into(), end("b", Some(Duration::from_secs(3600)))];
        assert_eq!(
            String::from_utf8(form.concat()).unwrap(),
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf\r\n\r\nx\r\n\
             --b\r\nContent-Disposition: form-data; name=\"expires_in_seconds\"\r\n\r\n3600\r\n--b--\r\n"
        );
    }
}
