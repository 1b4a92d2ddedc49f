//! Names of files.

use crate::platform::error::PlatformError;

const LONGEST: usize = 255;
const FORBIDDEN: &[char] = &['<', '>', ':', '"', '|', '?', '*', '\\', '/'];

/// Source: Claude docs, "Files API" (errors).
pub(super) fn check(name: &str) -> Result<(), PlatformError> {
    let length = name.chars().count();
    if length == 0 || length > LONGEST {
        return Err(PlatformError::invalid(format!(
            "file: The filename must have 1 to {LONGEST} characters"
        )));
    }
    let is_wrong = |character: char| FORBIDDEN.contains(&character) || character.is_control();
    match name.chars().find(|character| is_wrong(*character)) {
        Some(character) => Err(PlatformError::invalid(format!(
            "file: The filename contains the forbidden character {character:?}"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_length_and_no_forbidden_characters() {
        for good in ["a", "naïve report (2).pdf", &"x".repeat(255)] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "a/b", "a\\b", "a\nb", "what?", "a:b", "\"a\"", &"x".repeat(256)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
