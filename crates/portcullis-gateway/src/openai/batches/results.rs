//! The upstream's results: in any order, and too many to be held. They go into a file without a name; where each line
//! lies in it is remembered by the line of the input it answers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use portcullis_provider::openai_batch::{ResultLine, Surrogates};

use super::job::{Job, Stop};
use super::lines::Splitter;
use super::send::BATCHES;
use crate::error::GatewayError;
use crate::gateway::Parts;
use crate::openai::errand::{OpenBody, Opened, bare};
use crate::way::{Admitted, Outcome};

/// So much is written at once, in bytes.
const PIECE: usize = 1024 * 1024;
/// While results come in, the lease is renewed this often.
pub(super) const RENEWAL: Duration = Duration::from_secs(60);

/// Whose results an upstream batch has.
pub(super) enum Showing {
    Ours,
    /// Somebody else's, or nobody's: of what was sent for us every request has a result.
    NotOurs,
    /// They could not be had now.
    NotNow,
}

/// Why results could not be had.
pub(super) enum Missing {
    /// They are gone for good.
    Gone,
    NotNow,
}

/// Where a result lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    At {
        at: u64,
        length: usize,
    },
    /// Nowhere: it is longer than an answer may be.
    Nowhere,
}

/// What the upstream's results have for a line.
pub(super) enum Found {
    /// JSON, `{"custom_id",…}`.
    Line(String),
    /// There is a result, which is longer than an answer may be.
    TooLong,
}

/// Results of one batch, of all its parts.
pub(super) struct Results {
    file: Arc<File>,
    length: u64,
    places: HashMap<u64, Place>,
    surrogates: Surrogates,
}

impl Results {
    pub(super) async fn new(job: &Job<'_>) -> io::Result<Self> {
        let folder = job.gateway.settings.spool_folder.clone();
        let made = tokio::task::spawn_blocking(move || match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        });
        let file = Arc::new(made.await.map_err(io::Error::other)??);
        Ok(Self { file, length: 0, places: HashMap::new(), surrogates: job.surrogates() })
    }

    /// Fetches the results of an ended part. The lease is renewed meanwhile.
    pub(super) async fn fetch(
        &mut self,
        job: &mut Job<'_>,
        admitted: &Admitted,
        id: &str,
    ) -> Result<Result<(), Missing>, Stop> {
        let mut open = match open(job, admitted, id).await {
            Ok(open) => open,
            Err(missing) => return Ok(Err(missing)),
        };
        let mut splitter = Splitter::new(job.gateway.settings.max_answer_bytes);
        let mut pending = Vec::new();
        let mut renewal = tokio::time::interval_at(tokio::time::Instant::now() + RENEWAL, RENEWAL);
        loop {
            let frame = tokio::select! {
                frame = next_frame(job.gateway, &mut open) => frame,
                _ = renewal.tick() => {
                    job.save().await?;
                    continue;
                }
            };
            match frame {
                Ok(Some(data)) => splitter.push(&data),
                Ok(None) => break,
                Err(_) => {
                    open.settle(Outcome::BrokenOff);
                    return Ok(Err(Missing::NotNow));
                }
            }
            while let Some(piece) = next_piece(&mut splitter) {
                self.take(&mut pending, &piece);
            }
            if pending.len() >= PIECE {
                self.write(std::mem::take(&mut pending)).await.map_err(Stop::Spool)?;
            }
        }
        if let Some(piece) = last_piece(&mut splitter) {
            self.take(&mut pending, &piece);
        }
        self.write(pending).await.map_err(Stop::Spool)?;
        open.settle(Outcome::Complete);
        Ok(Ok(()))
    }

    /// Whose results they are, by the first of them.
    pub(super) async fn whose(job: &Job<'_>, admitted: &Admitted, id: &str) -> Showing {
        let mut open = match open(job, admitted, id).await {
            Ok(open) => open,
            Err(Missing::Gone) => return Showing::NotOurs,
            Err(Missing::NotNow) => return Showing::NotNow,
        };
        let mut splitter = Splitter::new(job.gateway.settings.max_answer_bytes);
        let first = loop {
            if let Some(piece) = next_piece(&mut splitter) {
                break Some(piece);
            }
            match next_frame(job.gateway, &mut open).await {
                Ok(Some(data)) => splitter.push(&data),
                Ok(None) => break last_piece(&mut splitter),
                Err(_) => return Showing::NotNow,
            }
        };
        open.settle(Outcome::Complete);
        let is_ours = first.is_some_and(|piece| piece.index(&job.surrogates()).is_some());
        if is_ours { Showing::Ours } else { Showing::NotOurs }
    }

    fn take(&mut self, pending: &mut Vec<u8>, piece: &Piece) {
        let Some(index) = piece.index(&self.surrogates) else {
            tracing::warn!("a line of a batch's results answers nothing of ours");
            return;
        };
        let place = match piece {
            Piece::Line(line) => {
                let at = self.length;
                self.length += line.len() as u64;
                pending.extend_from_slice(line);
                Place::At { at, length: line.len() }
            }
            Piece::Head(_) => Place::Nowhere,
        };
        self.places.insert(index, place);
    }

    async fn write(&self, bytes: Vec<u8>) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || (&*file).write_all(&bytes));
        written.await.map_err(io::Error::other)?
    }

    /// The result that answers a line of the input.
    pub(super) async fn of(&self, index: u64) -> io::Result<Option<Found>> {
        let (at, length) = match self.places.get(&index).copied() {
            None => return Ok(None),
            Some(Place::Nowhere) => return Ok(Some(Found::TooLong)),
            Some(Place::At { at, length }) => (at, length),
        };
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at)?;
            String::from_utf8(bytes).map_err(io::Error::other)
        });
        read.await.map_err(io::Error::other)?.map(|line| Some(Found::Line(line)))
    }
}

/// A line of the results, or the head of one that is too long to be held.
enum Piece {
    Line(Vec<u8>),
    Head(Vec<u8>),
}

impl Piece {
    /// The index of the line of the input that it answers.
    fn index(&self, surrogates: &Surrogates) -> Option<u64> {
        match self {
            Self::Line(line) => {
                let line = ResultLine::parse(std::str::from_utf8(line).ok()?).ok()?;
                surrogates.index_of(&line.surrogate)
            }
            // The head may end in the middle of a character, or of anything: only the id is looked for.
            Self::Head(head) => surrogates.index_in(&String::from_utf8_lossy(head)),
        }
    }
}

fn next_piece(splitter: &mut Splitter) -> Option<Piece> {
    let next = splitter.next_line();
    next.map_or_else(|_| Some(Piece::Head(splitter.skip_line())), |line| Some(Piece::Line(line?.bytes)))
}

fn last_piece(splitter: &mut Splitter) -> Option<Piece> {
    let last = splitter.last_line();
    last.map_or_else(|_| Some(Piece::Head(splitter.skip_line())), |line| Some(Piece::Line(line?.bytes)))
}

async fn open(job: &Job<'_>, admitted: &Admitted, id: &str) -> Result<OpenBody, Missing> {
    // The upstream's own `results_url` is not followed: where requests go is not an answer's to say.
    let payload = bare(Method::GET, format!("{BATCHES}/{id}/results"), None);
    match job.errand(admitted).open(&payload).await {
        Ok(Opened::Done(open)) => Ok(*open),
        Ok(Opened::Refused(error)) if matches!(error.status, 404 | 410) => Err(Missing::Gone),
        Ok(Opened::Refused(_)) | Err(_) => Err(Missing::NotNow),
    }
}

async fn next_frame(gateway: &Parts, open: &mut OpenBody) -> Result<Option<Bytes>, GatewayError> {
    let limit = gateway.settings.stream_idle_timeout;
    let frame = tokio::time::timeout(limit, open.body.frame()).await;
    match frame.map_err(|_| GatewayError::UpstreamTimeout { limit })? {
        None => Ok(None),
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(error)) => Err(GatewayError::broken_answer(error)),
    }
}
