//! Images and PDFs: their bytes must be what they are said to be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Check, invalid};

/// The longest base64 text of one image, in bytes.
const MAX_IMAGE_BYTES: usize = 10 * 1024 * 1024;

/// Checks base64 `data` against its media type; `at` is the source's place.
pub(super) fn check(data: &str, media_type: &str, at: &str) -> Check {
    let Ok(bytes) = STANDARD.decode(data) else {
        return invalid(format!("{at}.data: Invalid base64 data"));
    };
    if media_type == "application/pdf" {
        let is_pdf = bytes.starts_with(b"%PDF-");
        return if is_pdf { Ok(()) } else { invalid(format!("{at}.data: The PDF specified was not valid.")) };
    }
    if data.len() > MAX_IMAGE_BYTES {
        return invalid(format!(
            "{at}.data: image exceeds 10 MB maximum: {} bytes > {MAX_IMAGE_BYTES} bytes",
            data.len()
        ));
    }
    match kind(&bytes) {
        Some(kind) if kind == media_type => Ok(()),
        Some(kind) => invalid(format!(
            "{at}: The image was specified using the {media_type} media type, but the image appears to be a {kind} image"
        )),
        None => invalid(format!("{at}.data: Could not process image")),
    }
}

fn kind(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        _ if is_webp => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_they_are_said_to_be() {
        let verify = |data: &[u8], media_type: &str| check(&STANDARD.encode(data), media_type, "s").is_ok();
        assert!(verify(b"\x89PNG\r\n\x1a\n", "image/png"));
        assert!(verify(b"RIFF....WEBP", "image/webp"));
        assert!(verify(b"%PDF-1.7", "application/pdf"));
        assert!(!verify(b"\x89PNG\r\n\x1a\n", "image/jpeg"));
        assert!(!verify(b"text", "image/png"));
        assert!(!verify(b"text", "application/pdf"));
        assert!(check("not base64!", "image/png", "s").unwrap_err().message.contains("base64"));
    }
}
