//! Bodies that come compressed. The upstream gets them as they were before.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use ruzstd::decoding::StreamingDecoder;

use super::printable;
use crate::error::GatewayError;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

impl Encoding {
    /// What `content-encoding` says.
    ///
    /// # Errors
    /// For an encoding that is not known here, and for several on top of each other.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, GatewayError> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let Some(value) = values.next() else { return Ok(Self::Identity) };
        let encoding = match value.as_bytes().trim_ascii().to_ascii_lowercase().as_slice() {
            b"identity" | b"" => Self::Identity,
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            b"zstd" => Self::Zstd,
            _ => return Err(GatewayError::UnsupportedEncoding(printable(value))),
        };
        match values.next() {
            None => Ok(encoding),
            Some(second) => Err(GatewayError::UnsupportedEncoding(printable(second))),
        }
    }

    /// The body as it was before it was packed.
    ///
    /// # Errors
    /// When it is not packed as it is said to be, or has more than `limit` bytes then.
    pub(super) async fn decode(self, body: Bytes, limit: usize) -> Result<Bytes, GatewayError> {
        if self == Self::Identity {
            return Ok(body);
        }
        // A few MB take tens of milliseconds, in which other requests would wait.
        let decoded = tokio::task::spawn_blocking(move || self.unpack(&body, limit)).await;
        decoded.unwrap_or(Err(GatewayError::Undecodable("it cannot be read")))
    }

    fn unpack(self, body: &[u8], limit: usize) -> Result<Bytes, GatewayError> {
        match self {
            Self::Identity => Ok(Bytes::copy_from_slice(body)),
            Self::Gzip => read(MultiGzDecoder::new(body), limit),
            Self::Deflate => read(ZlibDecoder::new(body), limit),
            Self::Zstd => {
                let decoder = StreamingDecoder::new(body);
                read(decoder.map_err(|_| GatewayError::Undecodable("it is no zstd"))?, limit)
            }
        }
    }
}

fn read(decoder: impl Read, limit: usize) -> Result<Bytes, GatewayError> {
    let mut decoded = Vec::new();
    // One byte more than there may be: a small body may unfold into any number of them.
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(most)
        .read_to_end(&mut decoded)
        .map_err(|_| GatewayError::Undecodable("it is broken, or packed in another way"))?;
    if decoded.len() > limit { Err(GatewayError::BodyTooLarge { limit }) } else { Ok(decoded.into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use http::HeaderValue;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    const BODY: &[u8] =
        br#"{"model":"m","messages":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}"#;

    fn packed(encoding: Encoding, body: &[u8]) -> Vec<u8> {
        match encoding {
            Encoding::Identity => body.to_vec(),
            Encoding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }
            Encoding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body).unwrap();
                encoder.finish().unwrap()
            }
            Encoding::Zstd => compress_to_vec(body, CompressionLevel::Fastest),
        }
    }

    #[tokio::test]
    async fn every_encoding_gives_back_what_was_packed() {
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            let decoded = encoding.decode(packed(encoding, BODY).into(), BODY.len()).await;
            assert_eq!(decoded.unwrap(), BODY, "{encoding:?}");
        }
    }

    #[tokio::test]
    async fn what_unfolds_without_end_is_cut_off() {
        let zeros = vec![0; 4 << 20];
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            let small = packed(encoding, &zeros);
            assert!(small.len() < zeros.len() / 100, "{encoding:?}");
            let decoded = encoding.decode(small.into(), 1 << 20).await;
            assert!(matches!(decoded, Err(GatewayError::BodyTooLarge { limit: 0x10_0000 })), "{encoding:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_packed_as_said_is_refused() {
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            let good = packed(encoding, BODY);
            for bad in [b"{}".to_vec(), Vec::new(), good[..good.len() / 2].to_vec()] {
                let decoded = encoding.decode(bad.into(), 1 << 20).await;
                assert!(matches!(decoded, Err(GatewayError::Undecodable(_))), "{encoding:?}: {decoded:?}");
            }
        }
    }

    #[test]
    fn the_header_names_one_encoding() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            Encoding::of(&headers).ok()
        };
        assert_eq!(read(&[]), Some(Encoding::Identity));
        assert_eq!(read(&["GZIP"]), Some(Encoding::Gzip));
        assert_eq!(read(&["zstd"]), Some(Encoding::Zstd));
        assert_eq!(read(&["br"]), None);
        assert_eq!(read(&["gzip, zstd"]), None);
        assert_eq!(read(&["gzip", "gzip"]), None);
    }
}
