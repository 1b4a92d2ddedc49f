//! The files that a batch ends with: when they are begun, from when on they can be seen, and who deletes those that no
//! batch came to name.

use std::time::Duration;

use portcullis_catalog::{CatalogError, FilePurpose, FileWriter, NewFile};
use portcullis_provider::openai_batch::BatchUsage;
use portcullis_types::FileId;
use time::OffsetDateTime;

use super::job::Job;

/// How long output files are kept when the client does not say. Source: OpenAI API reference, "Create batch".
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The two files, each begun with its first line: a file without lines is not made.
#[derive(Default)]
pub(super) struct OutputFiles {
    pub(super) output: Option<FileWriter>,
    pub(super) errors: Option<FileWriter>,
    pub(super) n_completed: u64,
    pub(super) n_failed: u64,
    pub(super) usage: BatchUsage,
}

impl Job<'_> {
    /// Somebody finished files, and was killed before the batch named them.
    pub(super) async fn delete_unnamed_files(&mut self) -> Result<(), CatalogError> {
        for id in std::mem::take(&mut self.document.unnamed_files) {
            delete(self, id).await?;
        }
        Ok(())
    }

    /// Makes the files visible and ends the batch that names them. From a file's end on it is there for its owner, so what
    /// is about to be finished is written down first: should the batch not come to name it, it is deleted.
    pub(super) async fn conclude_with(&mut self, files: OutputFiles) -> Result<(), CatalogError> {
        let OutputFiles { output, errors, n_completed, n_failed, usage } = files;
        let ids: Vec<FileId> = output.iter().chain(&errors).map(FileWriter::id).collect();
        self.document.unnamed_files.clone_from(&ids);
        self.save().await?;
        self.batch.output_file_id = finished(output).await?;
        self.batch.error_file_id = finished(errors).await?;
        self.document.unnamed_files.clear();
        self.document.counts.completed = n_completed;
        self.document.counts.failed = n_failed;
        self.document.usage = Some(usage);
        self.end();
        let saved = self.save().await;
        if let Err(CatalogError::ChangedMeanwhile { .. }) = &saved {
            // Whoever has the batch now may have looked for these before they were there.
            for id in ids {
                delete(self, id).await?;
            }
        }
        saved
    }
}

async fn delete(job: &Job<'_>, id: FileId) -> Result<(), CatalogError> {
    match job.gateway.catalog.delete_file(job.batch.workspace_id, id).await {
        Ok(_) | Err(CatalogError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Appends a line to a file, which is begun with it.
pub(super) async fn push(
    job: &Job<'_>,
    file: &mut Option<FileWriter>,
    what: &str,
    line: &[u8],
) -> Result<(), CatalogError> {
    let writer = match file {
        Some(writer) => writer,
        None => file.insert(begin(job, what).await?),
    };
    writer.push(line).await
}

async fn begin(job: &Job<'_>, what: &str) -> Result<FileWriter, CatalogError> {
    let kept = job.document.output_expires_after.map_or(KEPT, Duration::from_secs);
    let new = NewFile {
        workspace_id: job.batch.workspace_id,
        purpose: FilePurpose::BatchOutput,
        filename: format!("{}_{what}.jsonl", job.batch.id),
        mime_type: "application/jsonl".to_owned(),
        expires_at: Some(OffsetDateTime::from(job.gateway.clock.now() + kept)),
    };
    job.gateway.catalog.write_file(new).await
}

async fn finished(file: Option<FileWriter>) -> Result<Option<FileId>, CatalogError> {
    match file {
        Some(writer) => writer.finish(None).await.map(|file| Some(file.id)),
        None => Ok(None),
    }
}
