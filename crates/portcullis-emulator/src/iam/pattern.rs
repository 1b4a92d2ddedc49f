//! The wildcards of IAM: `*` for any run of characters, `?` for exactly one.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaseRule {
    Kept,
    Ignored,
}

/// Linear in practice: only the last `*` is ever taken back.
pub(super) fn matches(pattern: &str, text: &str, case: CaseRule) -> bool {
    let fold = |text: &str| -> Vec<char> {
        if case == CaseRule::Ignored {
            text.to_ascii_lowercase().chars().collect()
        } else {
            text.chars().collect()
        }
    };
    let (pattern, text) = (fold(pattern), fold(text));
    let (mut at_pattern, mut at_text, mut star) = (0, 0, None);
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match star {
                Some((star_pattern, star_text)) => {
                    star = Some((star_pattern, star_text + 1));
                    at_pattern = star_pattern + 1;
                    at_text = star_text + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|&rest| rest == '*')
}
