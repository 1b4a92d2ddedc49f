//! Keys that were plainly not drawn at random.
//!
//! Not a measure of randomness, which 32 bytes cannot give: each rule here is one that a random key breaks with a chance
//! of less than one in a billion, and one that people meet when they fill a variable by hand.

use super::KEY_BYTES;

/// Keys of 256 bits from manuals that no rule below finds.
const FROM_MANUALS: [[u8; KEY_BYTES]; 1] = [
    // NIST SP 800-38A, F.1.5: the key of every AES-256 example there.
    [
        0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f,
        0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4,
    ],
];

/// A random key has about 30 different bytes; one with fewer than this comes once in more than a billion keys.
const FEWEST_DIFFERENT: usize = 20;

/// Whether `key` repeats itself, counts up or down (as FIPS 197's example key does), is printable text, or stands in a
/// manual.
pub(super) fn is_guessable(key: &[u8; KEY_BYTES]) -> bool {
    repeats_itself(key) || counts(key) || is_text(key) || FROM_MANUALS.contains(key)
}

fn repeats_itself(key: &[u8; KEY_BYTES]) -> bool {
    let mut seen = [false; 256];
    key.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|is_there| **is_there).count() < FEWEST_DIFFERENT
}

fn counts(key: &[u8; KEY_BYTES]) -> bool {
    let step = key[1].wrapping_sub(key[0]);
    key.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

/// A passphrase, or a key in hexadecimal digits that was put into base64 instead of decoded.
fn is_text(key: &[u8; KEY_BYTES]) -> bool {
    key.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}
