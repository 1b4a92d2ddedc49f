//! Statements on what is in files: one row for each chunk, sealed for its file and its number.

use uuid::Uuid;

use super::{Transaction, change, statement};
use crate::error::CatalogError;
use crate::key_ring::{KeyRing, Place};
use crate::text::corrupt;

/// The column, and which chunk of the file it is: none opens in another's place.
fn column(n: i64) -> String {
    format!("content {n}")
}

/// Seals one chunk, so that it opens only as this one of this file.
pub(crate) fn seal(keys: &KeyRing, file: Uuid, n: i64, content: &[u8]) -> Result<Vec<u8>, CatalogError> {
    let place = Place { table: "file_chunks", row: file, column: &column(n) };
    Ok(keys.seal_object(&place, content)?)
}

/// Opens what [`seal`] sealed.
pub(crate) fn open(keys: &KeyRing, file: Uuid, n: i64, sealed: &[u8]) -> Result<Vec<u8>, CatalogError> {
    let place = Place { table: "file_chunks", row: file, column: &column(n) };
    keys.open_object(&place, sealed).map_err(|error| corrupt("file", file, error))
}

pub(crate) async fn insert(
    transaction: &mut Transaction,
    file: Uuid,
    n: i64,
    sealed: &[u8],
) -> Result<(), CatalogError> {
    change!(transaction, "writing what is in a file", {
        sqlx::query("insert into file_chunks (file_id, n, content) values ($1, $2, $3)")
            .bind(file)
            .bind(n)
            .bind(sealed)
    })?;
    Ok(())
}

/// Sealed. `None` when the file is gone.
pub(crate) async fn find(
    transaction: &mut Transaction,
    file: Uuid,
    n: i64,
) -> Result<Option<Vec<u8>>, CatalogError> {
    statement!(transaction, "reading what is in a file", |connection| {
        sqlx::query_scalar("select content from file_chunks where file_id = $1 and n = $2")
            .bind(file)
            .bind(n)
            .fetch_optional(connection)
    })
}
