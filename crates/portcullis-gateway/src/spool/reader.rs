//! A spool as the body of a request.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

use super::{Held, Spool};

/// Bytes of one read.
const PIECE: usize = 128 * 1024;

/// Reads a spool from its beginning to its end.
#[derive(Debug)]
pub(crate) struct SpoolReader {
    source: Source,
    left: u64,
}

#[derive(Debug)]
enum Source {
    Memory { parts: Arc<[Bytes]>, next: usize },
    File { file: Arc<File>, at: u64, reading: Option<JoinHandle<io::Result<Bytes>>> },
}

impl SpoolReader {
    pub(super) fn new(spool: &Spool) -> Self {
        let source = match &spool.held {
            Held::Memory(parts) => Source::Memory { parts: Arc::clone(parts), next: 0 },
            Held::File(file) => Source::File { file: Arc::clone(file), at: 0, reading: None },
        };
        Self { source, left: spool.length }
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match &mut self.source {
            Source::Memory { parts, next } => {
                let part = parts.get(*next).cloned().unwrap_or_default();
                *next += 1;
                Poll::Ready(Ok(part))
            }
            Source::File { file, at, reading } => {
                let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(PIECE);
                let read = reading.get_or_insert_with(|| {
                    let (file, at) = (Arc::clone(file), *at);
                    tokio::task::spawn_blocking(move || read_at(&file, at, length))
                });
                let piece = ready!(Pin::new(read).poll(cx));
                *reading = None;
                let piece = piece.map_err(io::Error::other)??;
                *at += piece.len() as u64;
                Poll::Ready(Ok(piece))
            }
        }
    }
}

/// Reads by position: other readers may be at the same file.
fn read_at(file: &File, at: u64, length: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt;
    let mut piece = vec![0; length];
    file.read_exact_at(&mut piece, at)?;
    Ok(piece.into())
}

impl Body for SpoolReader {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        while self.left > 0 {
            let piece = ready!(self.poll_piece(cx))?;
            self.left -= piece.len() as u64;
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    /// Exact, so that the length stands in the head and nothing is chunked.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
