//! A part of a batch is put together: lines from one on, as many as fit into one batch upstream.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use portcullis_provider::openai_batch::write_entry;
use tokio::time::Instant;

use super::job::{Job, Stop};
use super::prepare::{Prepared, Translator};
use super::results::RENEWAL;
use super::settings::BatchSettings;
use crate::spool::{Spool, SpoolPlace, SpoolWriter};
use crate::way::Admitted;

/// With so many parts, lines that ask for other betas get no part of their own any more, but go with the others.
const MOST_PARTS_BY_BETAS: usize = 20;

/// A part as it will be sent.
pub(super) struct Draft {
    pub(super) end: u64,
    pub(super) n_requests: u64,
    pub(super) betas: Vec<String>,
    pub(super) spool: Spool,
}

/// A part that is being put together.
struct Drafting {
    end: u64,
    n_requests: u64,
    /// What the header of the upstream's batch will ask for; it holds for all of its requests.
    betas: BTreeSet<String>,
    is_bound_by_betas: bool,
    spool: SpoolWriter,
}

impl Drafting {
    async fn begin(first: u64, is_bound_by_betas: bool, spool: SpoolWriter) -> Result<Self, Stop> {
        let mut drafting =
            Self { end: first, n_requests: 0, betas: BTreeSet::new(), is_bound_by_betas, spool };
        drafting.push(b"{\"requests\":[".to_vec()).await?;
        Ok(drafting)
    }

    /// Whether a request that asks for these betas may go with those that are here.
    fn suits(&self, betas: &[String]) -> bool {
        let is_bound = self.n_requests > 0 && self.is_bound_by_betas;
        let all_here = || betas.iter().all(|beta| self.betas.contains(beta));
        !is_bound || (all_here() && self.betas.iter().all(|beta| betas.contains(beta)))
    }

    /// Takes a request, unless the part has no room for it.
    async fn take(
        &mut self,
        surrogate: &str,
        prepared: Prepared,
        limits: &BatchSettings,
    ) -> Result<bool, Stop> {
        let mut entry = Vec::with_capacity(prepared.params.len() + 64);
        write_entry(&mut entry, surrogate, &prepared.params, self.n_requests == 0);
        let is_too_much = self.spool.length() + entry.len() as u64 + 2 > limits.most_bytes;
        let is_full = self.n_requests == limits.most_requests || (self.n_requests > 0 && is_too_much);
        if is_full || !self.suits(&prepared.betas) {
            return Ok(false);
        }
        self.push(entry).await?;
        self.betas.extend(prepared.betas);
        self.n_requests += 1;
        Ok(true)
    }

    async fn push(&mut self, bytes: Vec<u8>) -> Result<(), Stop> {
        self.spool.push(Bytes::from(bytes)).await.map_err(Stop::Spool)
    }

    async fn finish(mut self) -> Result<Draft, Stop> {
        self.push(b"]}".to_vec()).await?;
        let Self { end, n_requests, betas, spool, .. } = self;
        let spool = spool.finish().await.map_err(Stop::Spool)?;
        Ok(Draft { end, n_requests, betas: betas.into_iter().collect(), spool })
    }
}

impl Job<'_> {
    /// Puts a part together of some of these lines, from the first. The lease is renewed meanwhile.
    pub(super) async fn draft(&mut self, admitted: &Admitted, wanted: Range<u64>) -> Result<Draft, Stop> {
        let limits = self.gateway.settings.batches;
        let translator = Translator::new(self, admitted);
        let surrogates = self.surrogates();
        let spool = SpoolWriter::new(SpoolPlace::of(&self.gateway.settings));
        let is_bound_by_betas = self.document.parts.len() < MOST_PARTS_BY_BETAS;
        let mut drafting = Drafting::begin(wanted.start, is_bound_by_betas, spool).await?;
        let mut renewed = Instant::now();
        let mut lines = self.lines().await?;
        while let Some(line) = lines.next().await? {
            if renewed.elapsed() >= RENEWAL {
                self.save().await?;
                renewed = Instant::now();
            }
            if line.index < wanted.start {
                continue;
            }
            if line.index >= wanted.end {
                break;
            }
            if let Ok(prepared) = translator.prepare(&line).await?
                && !drafting.take(&surrogates.of(line.index), prepared, &limits).await?
            {
                break;
            }
            drafting.end = line.index + 1;
        }
        drafting.finish().await
    }
}
