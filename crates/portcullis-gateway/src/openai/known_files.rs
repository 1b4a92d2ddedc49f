//! The files that a request names, as the upstream knows them.
//!
//! Looked up in the catalog and kept for a while, those that do not exist as well: a conversation brings the same ids back
//! with every turn. A file that is deleted may be known for [`KEPT`] longer here; the upstream refuses it then.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use portcullis_catalog::{CatalogError, ResolvedProvider, StoredFile};
use portcullis_provider::{FileReference, KnownFiles};
use portcullis_types::{FileId, ProviderId, TenantWorkspaceId, WorkspaceId};

use crate::gateway::Parts;

/// How long a look-up is believed.
const KEPT: Duration = Duration::from_secs(60);
/// Look-ups that are kept, about 300 bytes each.
const MOST_KEPT: u64 = 50_000;
/// More different files in one request are looked up no further: the upstream takes fewer.
const MOST_IN_A_REQUEST: usize = 1_000;

type Key = (TenantWorkspaceId, FileId);

/// What is known of files, those that are not there included.
#[derive(Debug)]
pub(crate) struct FileCache(Cache<Key, Option<Arc<Known>>>);

#[derive(Debug)]
struct Known {
    reference: FileReference,
    maker: ProviderId,
}

impl Default for FileCache {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST_KEPT).time_to_live(KEPT).build())
    }
}

impl FileCache {
    /// A file that is new, or gone.
    pub(super) async fn forget(&self, workspace: TenantWorkspaceId, id: FileId) {
        self.0.invalidate(&(workspace, id)).await;
    }
}

/// Those of `ids` that are files of the workspace and lie where `provider` leads. Ids of the upstream's own (`file_…`)
/// are taken at their word; what is no id at all is left to the translation.
///
/// Touches the database only for ids that were not seen within a minute, and for none when `ids` is empty.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn known_files(
    gateway: &Parts,
    workspace: TenantWorkspaceId,
    provider: &ResolvedProvider,
    ids: impl IntoIterator<Item = String>,
) -> Result<KnownFiles, CatalogError> {
    let mut found = Vec::new();
    for text in ids.into_iter().take(MOST_IN_A_REQUEST) {
        if text.starts_with("file_") {
            // Whether the caller may use it is checked on what is sent.
            let reference = FileReference::at_upstream(text.clone());
            found.push((text, reference));
            continue;
        }
        let Ok(id) = text.parse::<FileId>() else { continue };
        if let Some(known) = look_up(gateway, workspace, id).await?
            && leads_to(gateway, workspace, known.maker, &provider.platform.workspace_id)
        {
            found.push((text, known.reference.clone()));
        }
    }
    Ok(found.into_iter().collect())
}

async fn look_up(
    gateway: &Parts,
    workspace: TenantWorkspaceId,
    id: FileId,
) -> Result<Option<Arc<Known>>, CatalogError> {
    let cache = &gateway.files.0;
    if let Some(known) = cache.get(&(workspace, id)).await {
        return Ok(known);
    }
    let known = match gateway.catalog.file(workspace, id).await {
        Ok(file) => known(file).map(Arc::new),
        Err(CatalogError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    cache.insert((workspace, id), known.clone()).await;
    Ok(known)
}

fn known(file: StoredFile) -> Option<Known> {
    let upstream = file.upstream?;
    let StoredFile { mime_type, filename, .. } = file;
    let reference = FileReference { upstream_id: upstream.upstream_id, mime_type, filename };
    Some(Known { reference, maker: upstream.provider_id })
}

/// Whether the provider that a file was uploaded through leads to this workspace of Anthropic's.
fn leads_to(gateway: &Parts, workspace: TenantWorkspaceId, maker: ProviderId, there: &WorkspaceId) -> bool {
    let snapshot = gateway.catalog.snapshot();
    let maker = snapshot.providers(workspace).find(|provider| provider.provider_id == maker);
    // Of a provider that is gone nobody knows where it led: the upstream has the last word.
    maker.is_none_or(|maker| maker.platform.workspace_id == *there)
}
