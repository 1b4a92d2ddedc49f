//! What type a file is of. Whether it is shown to a model as an image or as a document depends on it.

const UNKNOWN: &str = "application/octet-stream";

/// By the ends of names, for clients that do not say: those that models read, and those that code execution is given.
const BY_EXTENSION: [(&str, &str); 16] = [
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("txt", "text/plain"),
    ("md", "text/plain"),
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("html", "text/html"),
    ("xml", "application/xml"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

/// The type that the client declared, if it says anything; else the one that the file's name suggests.
pub(super) fn media_type(filename: &str, declared: Option<&str>) -> String {
    let declared = declared.filter(|kind| *kind != UNKNOWN && !kind.is_empty());
    let suggested = || {
        let extension = filename.rsplit_once('.')?.1.to_ascii_lowercase();
        BY_EXTENSION.iter().find(|(known, _)| *known == extension).map(|(_, kind)| *kind)
    };
    declared.or_else(suggested).unwrap_or(UNKNOWN).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_declared_counts_and_else_the_name() {
        assert_eq!(media_type("a.bin", Some("application/pdf")), "application/pdf");
        assert_eq!(media_type("a.PDF", Some(UNKNOWN)), "application/pdf");
        assert_eq!(media_type("a.b.jpeg", None), "image/jpeg");
        assert_eq!(media_type("noname", None), UNKNOWN);
    }
}
