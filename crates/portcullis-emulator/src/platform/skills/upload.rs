//! The upload of a skill: files below one directory, with a `SKILL.md` that says what it is.

use bytes::Bytes;

use crate::platform::error::PlatformError;
use crate::platform::multipart;
use crate::server::Arrival;

const LONGEST_DISPLAY_NAME: usize = 255;

/// What was uploaded.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) directory: String,
    /// Of the frontmatter.
    pub(super) name: String,
    pub(super) description: String,
    /// Paths, the directory included, with their contents.
    pub(super) files: Vec<(String, Bytes)>,
}

/// Reads an upload, and the field `label` beside it if there may be one.
pub(super) fn read(
    arrival: &Arrival,
    label: Option<&str>,
) -> Result<(Upload, Option<String>), PlatformError> {
    let mut files = Vec::new();
    let mut label_text = None;
    for part in multipart::parts(arrival)? {
        match part.name.as_str() {
            "files" | "files[]" => {
                let path = part.filename.clone();
                let path = path.ok_or_else(|| PlatformError::invalid("files: Input should be a file"))?;
                files.push((path, part.content));
            }
            name if Some(name) == label => label_text = Some(part.text()?.to_owned()),
            other => return Err(PlatformError::invalid(format!("{other}: Extra inputs are not permitted"))),
        }
    }
    if label_text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > LONGEST_DISPLAY_NAME)
    {
        let label = label.unwrap_or_default();
        return Err(PlatformError::invalid(format!(
            "{label}: String should have 1 to {LONGEST_DISPLAY_NAME} characters"
        )));
    }
    Ok((upload(files)?, label_text))
}

fn upload(files: Vec<(String, Bytes)>) -> Result<Upload, PlatformError> {
    let wrong = |text: &str| PlatformError::invalid(format!("files: {text}"));
    let (first, _) = files.first().ok_or_else(|| wrong("Field required"))?;
    let (directory, _) =
        first.split_once('/').ok_or_else(|| wrong("all files must be in one top-level directory"))?;
    let directory = directory.to_owned();
    let is_inside = |path: &str| {
        path.split('/').all(|segment| !segment.is_empty() && segment != "..")
            && path.strip_prefix(&directory).is_some_and(|rest| rest.starts_with('/'))
    };
    if !files.iter().all(|(path, _)| is_inside(path)) {
        return Err(wrong("all files must be in the same top-level directory"));
    }
    let manifest = files.iter().find(|(path, _)| *path == format!("{directory}/SKILL.md"));
    let (_, manifest) = manifest.ok_or_else(|| wrong("SKILL.md must be at the root of the directory"))?;
    let manifest = std::str::from_utf8(manifest).map_err(|_| wrong("SKILL.md must be UTF-8"))?;
    let field = |name: &str| frontmatter(manifest, name);
    let name = field("name").unwrap_or(&directory).to_owned();
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    {
        return Err(wrong("the name in SKILL.md must be of lower-case letters, digits and hyphens"));
    }
    let description =
        field("description").ok_or_else(|| wrong("SKILL.md must have a description"))?.to_owned();
    Ok(Upload { directory, name, description, files })
}

/// A field of the lines between the two `---` at the top.
fn frontmatter<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = manifest.strip_prefix("---\n")?.split_once("\n---")?;
    head.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: Result<(&str, &str), &str>) {
        let files =
            files.iter().map(|(path, text)| ((*path).to_owned(), Bytes::copy_from_slice(text.as_bytes())));
        match (upload(files.collect()), expected) {
            (Ok(upload), Ok(expected)) => assert_eq!((&*upload.name, &*upload.description), expected),
            (Err(error), Err(part)) => {
                assert!(error.message.contains(part), "{} lacks {part}", error.message)
            }
            (got, expected) => panic!("{got:?} is not {expected:?}"),
        }
    }

    #[test]
    fn a_skill_is_one_directory_with_a_manifest() {
        let manifest = "---\nname: my-skill\ndescription: \"Does things.\"\n---\nBody";
        check(&[("dir/SKILL.md", manifest), ("dir/a/b.py", "x")], Ok(("my-skill", "Does things.")));
        check(&[("dir/SKILL.md", "---\ndescription: D\n---\n")], Ok(("dir", "D")));
        check(&[], Err("Field required"));
        check(&[("SKILL.md", manifest)], Err("top-level directory"));
        check(&[("dir/SKILL.md", manifest), ("other/x", "")], Err("same top-level directory"));
        check(&[("dir/SKILL.md", manifest), ("dir/../x", "")], Err("same top-level directory"));
        check(&[("dir/readme.md", "")], Err("SKILL.md must be"));
        check(&[("dir/SKILL.md", "---\nname: x\n---\n")], Err("description"));
        check(&[("dir/SKILL.md", "---\nname: My Skill\ndescription: d\n---\n")], Err("lower-case"));
    }
}
