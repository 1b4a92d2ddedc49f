//! A body put together, within a limit.

use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

/// Why a body did not come together.
#[derive(Debug)]
pub(crate) enum CollectError<E> {
    /// It is larger than was allowed. At most one frame beyond the limit was held.
    TooLarge { limit: usize },
    /// It broke off.
    Body(E),
}

/// Reads a body to its end. One frame is passed on as it lies; only a body in several frames is copied together.
///
/// - `limit`: bytes it may have.
/// - `expected`: bytes it is said to have, or 0. Trusted up to [`MOST_RESERVED`]: a caller may announce what never comes.
pub(crate) async fn collect<B>(
    mut body: B,
    limit: usize,
    expected: usize,
) -> Result<Bytes, CollectError<B::Error>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(CollectError::Body)?.into_data() else { continue };
        if first.len().max(all.len()) + data.len() > limit {
            return Err(CollectError::TooLarge { limit });
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(expected.min(MOST_RESERVED).max(first.len() + data.len()));
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// What is set aside on an announcement alone.
const MOST_RESERVED: usize = 1024 * 1024;
