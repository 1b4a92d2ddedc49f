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
    SomebodyElses,
    /// It has none, or they could not be had now.
    Nothing,
}

/// Why results could not be had.
pub(super) enum Missing {
    /// They are gone for good.
    Gone,
    NotNow,
}

/// Where a result lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    length: usize,
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
            while let Some(line) = splitter.next_line()? {
                self.take(&mut pending, &line.bytes);
            }
            if pending.len() >= PIECE {
                self.write(std::mem::take(&mut pending)).await.map_err(Stop::Spool)?;
            }
        }
        if let Some(line) = splitter.last_line()? {
            self.take(&mut pending, &line.bytes);
        }
        self.write(pending).await.map_err(Stop::Spool)?;
        open.settle(Outcome::Complete);
        Ok(Ok(()))
    }

    /// Whose results they are, by the first of them.
    pub(super) async fn whose(job: &Job<'_>, admitted: &Admitted, id: &str) -> Result<Showing, Stop> {
        let Ok(mut open) = open(job, admitted, id).await else { return Ok(Showing::Nothing) };
        let mut splitter = Splitter::new(job.gateway.settings.max_answer_bytes);
        let first = loop {
            if let Some(line) = splitter.next_line()? {
                break Some(line);
            }
            match next_frame(job.gateway, &mut open).await {
                Ok(Some(data)) => splitter.push(&data),
                Ok(None) => break splitter.last_line()?,
                Err(_) => return Ok(Showing::Nothing),
            }
        };
        open.settle(Outcome::Complete);
        let Some(first) = first else { return Ok(Showing::Nothing) };
        let is_ours = std::str::from_utf8(&first.bytes).ok().and_then(|line| ResultLine::parse(line).ok());
        let is_ours = is_ours.is_some_and(|line| job.surrogates().index_of(&line.surrogate).is_some());
        Ok(if is_ours { Showing::Ours } else { Showing::SomebodyElses })
    }

    fn take(&mut self, pending: &mut Vec<u8>, line: &[u8]) {
        let parsed = std::str::from_utf8(line).ok().and_then(|text| ResultLine::parse(text).ok());
        let index = parsed.and_then(|line| self.surrogates.index_of(&line.surrogate));
        let Some(index) = index else {
            tracing::warn!("a line of a batch's results answers nothing of ours");
            return;
        };
        self.places.insert(index, Place { at: self.length, length: line.len() });
        self.length += line.len() as u64;
        pending.extend_from_slice(line);
    }

    async fn write(&self, bytes: Vec<u8>) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || (&*file).write_all(&bytes));
        written.await.map_err(io::Error::other)?
    }

    /// The result that answers a line of the input: JSON, `{"custom_id",…}`.
    pub(super) async fn of(&self, index: u64) -> io::Result<Option<String>> {
        let Some(Place { at, length }) = self.places.get(&index).copied() else { return Ok(None) };
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, at)?;
            String::from_utf8(bytes).map_err(io::Error::other)
        });
        read.await.map_err(io::Error::other)?.map(Some)
    }
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
