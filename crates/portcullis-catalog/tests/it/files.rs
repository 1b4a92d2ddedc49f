//! Files: what is known of them, and what is in them.

use std::time::Duration;

use portcullis_catalog::{
    CatalogError, FILE_CHUNK_BYTES, FileAtUpstream, FileFilter, FilePurpose, FileWriter, ListOrder, NewFile,
    StoredFile,
};
use portcullis_types::{Clock as _, FileId, ProviderId, TenantWorkspaceId};

use crate::on_both;
use crate::stage::{Stage, refusal};

on_both!(
    what_was_written_is_read,
    a_file_answers_only_in_its_workspace,
    a_file_may_be_at_the_upstream_only,
    a_file_that_is_given_up_leaves_nothing,
    a_write_that_failed_is_not_finished,
    files_are_listed_from_a_place_on,
    a_deleted_file_is_gone_also_for_who_reads_it,
    an_expired_file_is_gone,
    files_are_made_by_rule,
    no_content_lies_in_the_clear,
    a_moved_chunk_does_not_open,
);

fn new_file(workspace: TenantWorkspaceId, filename: &str) -> NewFile {
    NewFile {
        workspace_id: workspace,
        purpose: FilePurpose::Batch,
        filename: filename.into(),
        mime_type: "application/jsonl".into(),
        expires_at: None,
    }
}

fn at_upstream(stage: &Stage) -> FileAtUpstream {
    let provider_id = ProviderId::generate(stage.clock.now());
    FileAtUpstream { provider_id, upstream_id: "file_011CNha8iCJcU1wXNR6q4V8w".into() }
}

async fn write(stage: &Stage, new: NewFile, content: &[u8]) -> StoredFile {
    let mut writer = stage.catalog.write_file(new).await.unwrap();
    writer.push(content).await.unwrap();
    writer.finish(None).await.unwrap()
}

async fn read(stage: &Stage, file: &StoredFile) -> Vec<u8> {
    let mut reader = stage.catalog.read_file(file.workspace_id, file.id).await.unwrap();
    let mut content = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        content.extend(chunk);
    }
    content
}

async fn n_rows(stage: &Stage, table: &str) -> i64 {
    stage.number(&format!("select count(*) from {table}")).await
}

async fn what_was_written_is_read(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let content: Vec<u8> = (0..2 * FILE_CHUNK_BYTES + 17).map(|n| (n % 251) as u8).collect();
    // However it comes: in one piece, in small ones, at the edges of chunks.
    for piece in [content.len(), 65_537, FILE_CHUNK_BYTES, FILE_CHUNK_BYTES + 1] {
        let mut writer = stage.catalog.write_file(new_file(workspace, "in.jsonl")).await.unwrap();
        for part in content.chunks(piece) {
            writer.push(part).await.unwrap();
        }
        assert_eq!(writer.bytes(), content.len() as u64);
        let id = writer.id();
        let made = writer.finish(None).await.unwrap();
        assert_eq!((made.id, made.bytes, made.is_kept), (id, content.len() as u64, true));
        assert_eq!(stage.catalog.file(workspace, id).await.unwrap(), made);
        assert!(read(&stage, &made).await == content);
    }
    let reader = {
        let made = write(&stage, new_file(workspace, "in.jsonl"), &content).await;
        stage.catalog.read_file(workspace, made.id).await.unwrap()
    };
    assert_eq!(reader.n_chunks(), 3);
    assert_eq!(reader.chunk(2).await.unwrap(), content[2 * FILE_CHUNK_BYTES..]);
    assert_eq!(refusal(reader.chunk(3).await), "there is no such file content");

    let empty = write(&stage, new_file(workspace, "empty"), b"").await;
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let digest: String = empty.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((empty.bytes, digest.as_str()), (0, of_nothing));
    assert_eq!(read(&stage, &empty).await, b"");
}

async fn a_file_answers_only_in_its_workspace(stage: Stage) {
    let (organisation, one) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let made = write(&stage, new_file(one, "in.jsonl"), b"{}").await;
    let absent = FileId::generate(stage.clock.now());
    for (workspace, id) in [(two, made.id), (one, absent)] {
        let gone = "there is no such file";
        assert_eq!(refusal(stage.catalog.file(workspace, id).await), gone);
        assert_eq!(refusal(stage.catalog.read_file(workspace, id).await), gone);
        assert_eq!(refusal(stage.catalog.delete_file(workspace, id).await), gone);
    }
    assert_eq!(stage.catalog.files(two, &[made.id]).await.unwrap(), []);
    assert_eq!(stage.catalog.files(one, &[absent, made.id]).await.unwrap(), [made]);
}

async fn a_file_may_be_at_the_upstream_only(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let upstream = at_upstream(&stage);
    let new = NewFile { purpose: FilePurpose::UserData, ..new_file(workspace, "a picture.png") };
    let made = stage.catalog.create_file(new, upstream.clone(), 5, [7; 32]).await.unwrap();
    assert_eq!((made.upstream.as_ref(), made.is_kept, made.bytes), (Some(&upstream), false, 5));
    assert_eq!(stage.catalog.file(workspace, made.id).await.unwrap(), made);
    let refused = stage.catalog.read_file(workspace, made.id).await;
    assert!(matches!(refused, Err(CatalogError::NotFound { what: "file content" })), "{refused:?}");

    let mut both = stage.catalog.write_file(new_file(workspace, "both")).await.unwrap();
    both.push(b"kept").await.unwrap();
    let both = both.finish(Some(upstream.clone())).await.unwrap();
    assert_eq!((both.upstream.as_ref(), both.is_kept), (Some(&upstream), true));
    assert_eq!(read(&stage, &both).await, b"kept");
}

/// A writer that has written a chunk and holds back some more.
async fn half_written(stage: &Stage, workspace: TenantWorkspaceId) -> FileWriter {
    let mut writer = stage.catalog.write_file(new_file(workspace, "half")).await.unwrap();
    writer.push(&vec![1; FILE_CHUNK_BYTES + 1]).await.unwrap();
    assert_eq!((n_rows(stage, "files").await, n_rows(stage, "file_chunks").await), (1, 1));
    writer
}

async fn a_file_that_is_given_up_leaves_nothing(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let is_seen = async |id| stage.catalog.file(workspace, id).await.is_ok();
    let all = FileFilter { purpose: None, after: None, limit: 10, order: ListOrder::Newest };

    let writer = half_written(&stage, workspace).await;
    let id = writer.id();
    assert!(!is_seen(id).await, "it is not whole");
    assert!(stage.catalog.list_files(workspace, all).await.unwrap().data.is_empty());
    writer.abort().await;
    assert_eq!((n_rows(&stage, "files").await, n_rows(&stage, "file_chunks").await), (0, 0));

    drop(half_written(&stage, workspace).await);
    stage.catalog.purge_expired(stage.clock.now()).await.unwrap();
    assert_eq!((n_rows(&stage, "files").await, n_rows(&stage, "file_chunks").await), (0, 0));

    // Its process died: another one finds that nobody goes on with it.
    let forgotten = half_written(&stage, workspace).await;
    let other = stage.reopen().await;
    stage.clock.advance(Duration::from_secs(59 * 60));
    assert!(other.purge_expired(stage.clock.now()).await.unwrap().is_nothing());
    stage.clock.advance(Duration::from_secs(60));
    assert_eq!(other.purge_expired(stage.clock.now()).await.unwrap().files, 1);
    assert_eq!((n_rows(&stage, "files").await, n_rows(&stage, "file_chunks").await), (0, 0));
    // If it was not dead after all, it learns of that.
    assert_eq!(refusal(forgotten.finish(None).await), "the file was changed by somebody else meanwhile");
}

async fn a_write_that_failed_is_not_finished(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let mut writer = half_written(&stage, workspace).await;
    stage.raw("delete from files").await;
    let chunk = vec![2; FILE_CHUNK_BYTES];
    assert_eq!(refusal(writer.push(&chunk).await), "the file was changed by somebody else meanwhile");
    assert!(writer.push(&chunk).await.is_err());
    assert!(writer.finish(None).await.is_err());
    assert_eq!(n_rows(&stage, "files").await, 0);

    // A push that is broken off may have written its chunk or not.
    let mut writer = half_written(&stage, workspace).await;
    let held = stage.hold_write_lock().await;
    let broken_off = tokio::time::timeout(Duration::from_millis(1), async {
        writer.push(&chunk).await.unwrap();
        // Postgres lets others write meanwhile.
        std::future::pending::<()>().await;
    });
    assert!(broken_off.await.is_err());
    held.release().await;
    drop(writer);
    stage.catalog.purge_expired(stage.clock.now()).await.unwrap();
    assert_eq!((n_rows(&stage, "files").await, n_rows(&stage, "file_chunks").await), (0, 0));
}

async fn files_are_listed_from_a_place_on(stage: Stage) {
    let (organisation, workspace) = stage.tenant("a").await;
    let two = stage.workspace(organisation, "ws-two").await.id;
    let mut ids = Vec::new();
    for (purpose, name) in [(FilePurpose::Batch, "1"), (FilePurpose::Vision, "2"), (FilePurpose::Batch, "3")]
    {
        stage.clock.advance(Duration::from_millis(1));
        let new = NewFile { purpose, ..new_file(workspace, name) };
        ids.push(stage.catalog.create_file(new, at_upstream(&stage), 1, [0; 32]).await.unwrap().id);
    }
    stage.clock.advance(Duration::from_millis(1));
    write(&stage, new_file(two, "theirs"), b"x").await;
    let check = async |purpose, after, limit, order, expect: &[&str], has_more| {
        let filter = FileFilter { purpose, after, limit, order };
        let slice = stage.catalog.list_files(workspace, filter).await.unwrap();
        let names: Vec<_> = slice.data.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!((names.as_slice(), slice.has_more), (expect, has_more), "{filter:?}");
    };
    let (oldest, newest) = (ListOrder::Oldest, ListOrder::Newest);
    check(None, None, 10, oldest, &["1", "2", "3"], false).await;
    check(None, None, 10, newest, &["3", "2", "1"], false).await;
    check(None, None, 3, newest, &["3", "2", "1"], false).await;
    check(None, None, 2, newest, &["3", "2"], true).await;
    check(None, Some(ids[1]), 2, newest, &["1"], false).await;
    check(None, Some(ids[0]), 1, oldest, &["2"], true).await;
    check(Some(FilePurpose::Batch), None, 10, oldest, &["1", "3"], false).await;
    check(Some(FilePurpose::UserData), None, 10, oldest, &[], false).await;
    check(None, None, 0, oldest, &["1"], true).await;
    check(None, None, u32::MAX, oldest, &["1", "2", "3"], false).await;
    stage.catalog.delete_file(workspace, ids[1]).await.unwrap();
    check(None, Some(ids[1]), 10, newest, &["1"], false).await;
}

async fn a_deleted_file_is_gone_also_for_who_reads_it(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let made = write(&stage, new_file(workspace, "in.jsonl"), &vec![1; FILE_CHUNK_BYTES + 1]).await;
    let mut reader = stage.catalog.read_file(workspace, made.id).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().len(), FILE_CHUNK_BYTES);
    assert_eq!(stage.catalog.delete_file(workspace, made.id).await.unwrap(), made);
    assert_eq!(refusal(reader.next().await), "there is no such file content");
    assert_eq!(refusal(stage.catalog.file(workspace, made.id).await), "there is no such file");
    assert_eq!(n_rows(&stage, "file_chunks").await, 0);
}

async fn an_expired_file_is_gone(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let end = stage.clock.now() + Duration::from_secs(60);
    let new = NewFile { expires_at: Some(end.into()), ..new_file(workspace, "in.jsonl") };
    let made = write(&stage, new, b"x").await;
    assert_eq!(made.expires_at, Some(end.into()));
    stage.clock.advance(Duration::from_millis(59_500));
    assert_eq!(stage.catalog.file(workspace, made.id).await.unwrap(), made);
    assert!(stage.catalog.purge_expired(stage.clock.now()).await.unwrap().is_nothing());
    stage.clock.advance(Duration::from_millis(500));
    assert_eq!(refusal(stage.catalog.file(workspace, made.id).await), "there is no such file");
    assert_eq!(refusal(stage.catalog.delete_file(workspace, made.id).await), "there is no such file");
    let all = FileFilter { purpose: None, after: None, limit: 10, order: ListOrder::Newest };
    assert!(stage.catalog.list_files(workspace, all).await.unwrap().data.is_empty());
    assert_eq!(stage.catalog.purge_expired(stage.clock.now()).await.unwrap().files, 1);
    assert_eq!((n_rows(&stage, "files").await, n_rows(&stage, "file_chunks").await), (0, 0));
}

async fn files_are_made_by_rule(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let check = async |new, expect: &str| assert_eq!(refusal(stage.catalog.write_file(new).await), expect);
    check(new_file(workspace, ""), "filename must be 1 to 255 characters").await;
    check(new_file(workspace, "a\0b"), "filename must be visible text on one line").await;
    let new = NewFile { mime_type: "x".repeat(256), ..new_file(workspace, "a") };
    check(new, "mime_type must be 1 to 255 characters").await;
    let new = NewFile { expires_at: Some(stage.clock.now().into()), ..new_file(workspace, "a") };
    check(new, "expires_at must lie in the future").await;
    let unnamed = FileAtUpstream { upstream_id: String::new(), ..at_upstream(&stage) };
    let refused = stage.catalog.create_file(new_file(workspace, "a"), unnamed, 1, [0; 32]).await;
    assert_eq!(refusal(refused), "upstream_id must be 1 to 255 characters");
}

async fn no_content_lies_in_the_clear(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let mut writer = stage.catalog.write_file(new_file(workspace, "in.jsonl")).await.unwrap();
    writer.push(b"what somebody asked").await.unwrap();
    assert!(!format!("{writer:?}").contains("somebody"));
    let made = writer.finish(None).await.unwrap();
    assert_eq!(read(&stage, &made).await, b"what somebody asked");
    let stored = stage.bytes("select content from file_chunks").await;
    assert!(!stored.windows(8).any(|window| window == b"somebody"));
}

async fn a_moved_chunk_does_not_open(stage: Stage) {
    let (_, workspace) = stage.tenant("a").await;
    let content: Vec<u8> = [vec![1; FILE_CHUNK_BYTES], vec![2; FILE_CHUNK_BYTES]].concat();
    let made = write(&stage, new_file(workspace, "in.jsonl"), &content).await;
    stage.raw("update file_chunks set n = 2 - n where n = 0; update file_chunks set n = 0 where n = 1").await;
    let reader = stage.catalog.read_file(workspace, made.id).await.unwrap();
    let refused = refusal(reader.chunk(0).await);
    assert!(refused.ends_with("it does not open: it was changed, or sealed for another place"), "{refused}");
}
