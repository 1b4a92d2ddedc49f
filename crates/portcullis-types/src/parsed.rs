//! The shape that every parsed string of this crate shares.

/// Defines a string type whose only way in is its parser, with `Display`, `FromStr` and both serde directions.
///
/// `$parse` is a `fn(&str) -> Result<(), $error>` that says whether the text is one.
macro_rules! parsed_string {
    ($(#[$doc:meta])* $name:ident, $error:ident, $parse:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The text, exactly as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(raw: &str) -> Result<Self, $error> {
                $parse(raw)?;
                Ok(Self(raw.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(raw: String) -> Result<Self, $error> {
                raw.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0.as_ref().into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use parsed_string;

/// Whether every byte of `raw` passes `allowed` and its length lies within `length`.
pub(crate) fn fits(raw: &str, length: std::ops::RangeInclusive<usize>, allowed: impl Fn(u8) -> bool) -> bool {
    length.contains(&raw.len()) && raw.bytes().all(allowed)
}
