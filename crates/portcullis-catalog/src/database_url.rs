//! Which database the catalog lives in.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Why a string is no [`DatabaseUrl`]. Says nothing of the string itself: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Neither of the two kinds.
    #[error("a database URL starts with `sqlite://` or `postgres://`")]
    Scheme,
    /// No file, or an embedded database that would not outlive the process.
    #[error("a SQLite URL is `sqlite://` and the path of a file, without `?` and options")]
    Path,
    /// Not the URL of a Postgres server.
    #[error("a Postgres URL looks like `postgres://user:password@host:5432/database`")]
    Postgres,
}

/// Where the catalog lies: a file of its own, or a database on a Postgres server.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// The embedded database: one file, made when it is missing.
    Sqlite(PathBuf),
    /// A Postgres server.
    Postgres(PostgresUrl),
}

/// How to reach a Postgres server. Its password shows nowhere.
#[derive(Clone)]
pub struct PostgresUrl(Box<PgConnectOptions>);

impl DatabaseUrl {
    /// The embedded database in the file at `path`.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }

    /// The kind of database in one word: `sqlite` or `postgres`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

impl PostgresUrl {
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.0.as_ref().clone()
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(raw: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = raw.strip_prefix("sqlite://") {
            if path.is_empty() || path == ":memory:" || path.contains(['?', '\0']) {
                return Err(InvalidDatabaseUrl::Path);
            }
            return Ok(Self::Sqlite(path.into()));
        }
        if raw.starts_with("postgres://") || raw.starts_with("postgresql://") {
            // The parser's own error would quote the URL.
            let options = raw.parse().map_err(|_| InvalidDatabaseUrl::Postgres)?;
            return Ok(Self::Postgres(PostgresUrl(Box::new(options))));
        }
        Err(InvalidDatabaseUrl::Scheme)
    }
}

/// For people: never a password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(PostgresUrl(options)) => {
                write!(
                    f,
                    "postgres://{}@{}:{}",
                    options.get_username(),
                    options.get_host(),
                    options.get_port()
                )?;
                options.get_database().map_or(Ok(()), |name| write!(f, "/{name}"))
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expect: Result<&str, InvalidDatabaseUrl>) {
        let seen = raw.parse::<DatabaseUrl>().map(|url| url.to_string());
        assert_eq!(seen, expect.map(str::to_owned), "{raw}");
    }

    #[test]
    fn both_kinds_are_recognised() {
        check("sqlite://data/portcullis.db", Ok("sqlite://data/portcullis.db"));
        check("sqlite:///var/lib/p.db", Ok("sqlite:///var/lib/p.db"));
        check("postgres://me@db.internal:6432/catalog", Ok("postgres://me@db.internal:6432/catalog"));
        check("postgresql://me@db.internal/catalog", Ok("postgres://me@db.internal:5432/catalog"));
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_it() {
        check("", Err(InvalidDatabaseUrl::Scheme));
        check("mysql://root@localhost/x", Err(InvalidDatabaseUrl::Scheme));
        check("sqlite://", Err(InvalidDatabaseUrl::Path));
        check("sqlite://:memory:", Err(InvalidDatabaseUrl::Path));
        check("sqlite://x.db?mode=memory", Err(InvalidDatabaseUrl::Path));
        check("postgres://me:hunter2@host:port/x", Err(InvalidDatabaseUrl::Postgres));
    }

    #[test]
    fn debug_hides_every_secret() {
        let url: DatabaseUrl = "postgres://me:hunter2@localhost/catalog".parse().unwrap();
        assert!(!format!("{url:?} {url}").contains("hunter2"));
        let DatabaseUrl::Postgres(inner) = url else { panic!("it is a Postgres URL") };
        assert!(!format!("{inner:?}").contains("hunter2"));
    }
}
