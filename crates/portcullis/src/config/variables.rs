//! Names and values, whoever gave them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use portcullis_types::ApiKeySecret;

use super::NAMES;

/// Names whose values never appear in an error.
const SECRET: [&str; 4] =
    ["PORTCULLIS_ADMIN_KEY", "PORTCULLIS_API_KEY", "PORTCULLIS_ENCRYPTION_KEY", "DATABASE_URL"];

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A value is not what its name asks for.
    #[error("{name} must be {expected}, got {got}: {reason}")]
    Invalid { name: &'static str, expected: &'static str, got: String, reason: String },
    /// A value in the environment is not UTF-8.
    #[error("{name} is not text: its bytes are not UTF-8")]
    NotText { name: String },
    /// The file cannot be read.
    #[error("the configuration file {} cannot be read", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the configuration file {} is not TOML: {reason}", path.display())]
    NotToml { path: PathBuf, reason: String },
    /// The file has a name that nothing reads.
    #[error("the configuration file {} sets `{name}`, which is no setting; the settings are {}", path.display(), known_names())]
    UnknownName { path: PathBuf, name: String },
    /// A value in the file is a table or a list.
    #[error("`{name}` in the configuration file {} must be a string, a number or a boolean", path.display())]
    NotAValue { path: PathBuf, name: String },
}

fn known_names() -> String {
    NAMES.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
}

/// The names that are set.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    values: BTreeMap<String, String>,
    unknown: Vec<String>,
}

impl Variables {
    /// The environment, and below it the file.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut variables = Self::default();
        if let Some(path) = file {
            variables.values = read_file(path)?;
        }
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let environment = std::env::vars_os();
        for (name, value) in environment {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => variables.add(name, value),
                Err(_) if is_known(&name) => return Err(ConfigError::NotText { name }),
                Err(_) => {}
            }
        }
        Ok(variables)
    }

    /// Made up, for tests.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.add((*name).to_owned(), (*value).to_owned());
        }
        variables
    }

    fn add(&mut self, name: String, value: String) {
        if is_known(&name) {
            self.values.insert(name, value);
        } else if name.starts_with("PORTCULLIS_") && name != "PORTCULLIS_CONFIG" {
            self.unknown.push(name);
        }
    }

    /// The value of `name`. An empty one counts as none, as compose files write it.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        debug_assert!(is_known(name));
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where the commands that call the admin API find it.
    pub(crate) fn admin_url(&self) -> &str {
        self.get("PORTCULLIS_URL").unwrap_or("http://127.0.0.1:8787")
    }

    /// The key that they use.
    ///
    /// # Errors
    /// When the value is no key; it is not repeated.
    pub(crate) fn admin_api_key(&self) -> Result<Option<ApiKeySecret>, ConfigError> {
        let key = |name| self.parse(name, "a key of the gateway (`pcs_…`)", ApiKeySecret::from_str);
        Ok(key("PORTCULLIS_API_KEY")?.or(key("PORTCULLIS_ADMIN_KEY")?))
    }

    /// Names in the environment that start as ours do and are not. (An orchestrator may put some there.)
    pub(super) fn unknown_in_environment(&self) -> Vec<String> {
        self.unknown.clone()
    }

    /// The parsed value of `name`, if it is set.
    pub(super) fn parse<T, E: Display>(
        &self,
        name: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(raw) = self.get(name) else { return Ok(None) };
        parse(raw.trim()).map(Some).map_err(|error| ConfigError::Invalid {
            name,
            expected,
            got: if SECRET.contains(&name) { "another value".to_owned() } else { format!("`{raw}`") },
            reason: error.to_string(),
        })
    }

    /// The parsed value of `name`, or of `default`.
    pub(super) fn parse_or<T, E: Display>(
        &self,
        name: &'static str,
        default: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        let parsed = self.parse(name, expected, &parse)?;
        Ok(parsed.unwrap_or_else(|| {
            parse(default).unwrap_or_else(|error| panic!("the default of {name}: {error}"))
        }))
    }
}

fn is_known(name: &str) -> bool {
    NAMES.iter().any(|(known, ..)| *known == name)
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
    // Not the parser's whole text: it quotes the line, which may hold a secret.
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::NotToml {
        path: path.into(),
        reason: error.message().to_owned(),
    })?;
    table.into_iter().map(|(name, value)| file_value(path, name, value)).collect()
}

fn file_value(path: &Path, name: String, value: toml::Value) -> Result<(String, String), ConfigError> {
    if !is_known(&name) {
        return Err(ConfigError::UnknownName { path: path.into(), name });
    }
    let text = match value {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
            return Err(ConfigError::NotAValue { path: path.into(), name });
        }
    };
    Ok((name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("portcullis.toml");
        std::fs::write(&path, text).unwrap();
        read_file(&path)
    }

    #[test]
    fn a_file_has_the_same_names_and_takes_numbers_and_booleans() {
        let values = file("PORTCULLIS_LISTEN = \"127.0.0.1:1\"\nPORTCULLIS_DRAIN_TIMEOUT_S = 5\nPORTCULLIS_USE_SYSTEM_PROXY = true\n").unwrap();
        assert_eq!(values["PORTCULLIS_LISTEN"], "127.0.0.1:1");
        assert_eq!(values["PORTCULLIS_DRAIN_TIMEOUT_S"], "5");
        assert_eq!(values["PORTCULLIS_USE_SYSTEM_PROXY"], "true");
    }

    #[test]
    fn a_file_with_an_unknown_name_is_refused_by_that_name() {
        let error = file("PORTCULLIS_LISTNE = \"127.0.0.1:1\"").expect_err("a typing error").to_string();
        assert!(error.contains("PORTCULLIS_LISTNE") && error.contains("PORTCULLIS_LISTEN,"), "{error}");
        assert!(file("[section]\nx = 1").is_err());
        assert!(file("PORTCULLIS_LISTEN = [1]").is_err());
        assert!(file("PORTCULLIS_LISTEN =").is_err());
    }

    #[test]
    fn names_that_only_look_like_ours_are_noted() {
        let variables = Variables::of(&[("PORTCULLIS_PORT_8787_TCP", "x"), ("HOME", "/")]);
        assert_eq!(variables.unknown_in_environment(), ["PORTCULLIS_PORT_8787_TCP"]);
    }
}
