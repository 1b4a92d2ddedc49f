//! Reads from `deny.toml` which of our crates own which third-party crate, so that the list stands once.

use anyhow::{Context, Result};

use crate::workspace;

/// A third-party crate and the only crates that may depend on it directly.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) package: String,
    pub(crate) owners: Vec<String>,
}

/// The bans with wrappers of `deny.toml`.
pub(crate) fn read() -> Result<Vec<Owned>> {
    let path = workspace::root().join("deny.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    parse(&text).context("cannot read the bans of `deny.toml`")
}

fn parse(text: &str) -> Result<Vec<Owned>> {
    let document: toml::Table = text.parse()?;
    let bans = document.get("bans").and_then(|bans| bans.get("deny")).and_then(toml::Value::as_array);
    let bans = bans.context("`bans.deny` is not a list")?;
    bans.iter().filter(|ban| ban.get("wrappers").is_some()).map(owned).collect()
}

fn owned(ban: &toml::Value) -> Result<Owned> {
    let named = ban.get("crate").or_else(|| ban.get("name")).and_then(toml::Value::as_str);
    let package = named.context("a ban has no `crate`")?.to_owned();
    let wrappers = ban.get("wrappers").and_then(toml::Value::as_array).context("`wrappers` is not a list")?;
    let owners = wrappers.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>();
    Ok(Owned {
        owners: owners.with_context(|| format!("a wrapper of `{package}` is not a string"))?,
        package,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_with_wrappers_are_read_and_plain_bans_are_not() {
        let text = r#"
            [bans]
            deny = [
                { crate = "openssl", reason = "one TLS stack" },
                { crate = "sqlx", wrappers = ["portcullis-catalog"], reason = "the store's own" },
            ]
        "#;
        let expected = Owned { package: "sqlx".into(), owners: vec!["portcullis-catalog".into()] };
        assert_eq!(parse(text).unwrap(), [expected]);
    }

    #[test]
    fn a_list_that_is_not_there_is_an_error_and_not_an_empty_one() {
        assert!(parse("[bans]\nmultiple-versions = \"deny\"").is_err());
        assert!(parse("[bans]\ndeny = [{ crate = \"a\", wrappers = [1] }]").is_err());
    }
}
