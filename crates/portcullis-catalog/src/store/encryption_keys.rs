//! Whether the encryption keys at hand are those the database was written with.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Store, Transaction, change, statement};
use crate::error::CatalogError;
use crate::key_ring::{KeyRing, Place};

const PLACE: Place<'static> = Place { table: "encryption_keys", row: Uuid::nil(), column: "check_value" };
const CHECK_VALUE: &[u8] = b"these keys fit";

#[derive(sqlx::FromRow)]
struct Row {
    key_id: Vec<u8>,
    check_value: Vec<u8>,
}

/// Compares the ring with the database, and leaves a check value of its first key when there is none yet.
///
/// # Errors
/// [`CatalogError::WrongKeyRing`] when the database knows keys, but none of the ring.
pub(crate) async fn verify(store: &Store, keys: &KeyRing, now: OffsetDateTime) -> Result<(), CatalogError> {
    if is_first_key_known(&mut store.read().await?, keys).await? {
        return Ok(());
    }
    // Once more with the right to write: of two processes that start on an empty database, the second must fit the first.
    let mut write = store.write().await?;
    if is_first_key_known(&mut write.transaction, keys).await? {
        return Ok(());
    }
    let key_id = keys.pepper().key_id.to_vec();
    let check_value = keys.seal(&PLACE, CHECK_VALUE)?;
    change!(&mut write.transaction, "writing a check value", {
        sqlx::query("insert into encryption_keys (key_id, check_value, created_at) values ($1, $2, $3)")
            .bind(key_id)
            .bind(check_value)
            .bind(now)
    })?;
    write.transaction.commit().await
}

async fn is_first_key_known(transaction: &mut Transaction, keys: &KeyRing) -> Result<bool, CatalogError> {
    let rows: Vec<Row> = statement!(transaction, "reading the check values", |connection| {
        sqlx::query_as("select key_id, check_value from encryption_keys").fetch_all(connection)
    })?;
    let opens = |row: &Row| keys.open(&PLACE, &row.check_value).is_ok_and(|value| *value == CHECK_VALUE);
    if !rows.is_empty() && !rows.iter().any(opens) {
        return Err(CatalogError::WrongKeyRing);
    }
    Ok(rows.iter().any(|row| row.key_id == keys.pepper().key_id))
}
