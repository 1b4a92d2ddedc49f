//! A zip archive of stored files. Source: PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16.

use bytes::Bytes;

const VERSION: u16 = 20;
/// 1 January 1980, midnight: the format's first moment.
const DATE: u16 = 0x21;

/// The archive of these paths and contents.
pub(super) fn of(files: &[(String, Bytes)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (path, content) in files {
        let offset = size(archive.len());
        let about = about(path, content);
        archive.extend(b"PK\x03\x04");
        archive.extend(&about);
        archive.extend(path.as_bytes());
        archive.extend(content);
        directory.extend(b"PK\x01\x02");
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&about);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let n_files = u16::try_from(files.len()).unwrap_or(u16::MAX);
    let (start, length) = (size(archive.len()), size(directory.len()));
    archive.extend(directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(n_files.to_le_bytes());
    archive.extend(n_files.to_le_bytes());
    archive.extend(length.to_le_bytes());
    archive.extend(start.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// What both the file's own header and the directory say of it: version, flags, method, time, checksum, sizes, lengths.
fn about(path: &str, content: &[u8]) -> Vec<u8> {
    let mut about = Vec::new();
    for field in [VERSION, 0x0800, 0, 0, DATE] {
        about.extend(field.to_le_bytes());
    }
    for field in [checksum(content), size(content.len()), size(content.len())] {
        about.extend(field.to_le_bytes());
    }
    about.extend(u16::try_from(path.len()).unwrap_or(u16::MAX).to_le_bytes());
    about.extend([0; 2]);
    about
}

fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// CRC-32, bit by bit: skills are small.
fn checksum(content: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !content.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_catalogue() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn the_end_points_at_the_directory() {
        let archive = of(&[("a/b.txt".to_owned(), Bytes::from_static(b"text"))]);
        let end = &archive[archive.len() - 22..];
        assert!(end.starts_with(b"PK\x05\x06"));
        let start = usize::try_from(u32::from_le_bytes(end[16..20].try_into().unwrap())).unwrap();
        assert!(archive[start..].starts_with(b"PK\x01\x02"));
        assert_eq!(&archive[30 + "a/b.txt".len()..start], b"text");
    }
}
