//! Spools in memory and in files.

use http_body::Body;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::*;

fn place(memory_bytes: usize, folder: Option<PathBuf>) -> SpoolPlace {
    SpoolPlace { memory_bytes, folder }
}

async fn filled(place: SpoolPlace, pieces: &[Bytes]) -> Spool {
    let mut writer = SpoolWriter::new(place);
    for piece in pieces {
        writer.push(piece.clone()).await.unwrap();
    }
    writer.finish().await.unwrap()
}

async fn read(spool: &Spool) -> Bytes {
    spool.reader().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn what_comes_out_is_what_went_in_wherever_it_lay() {
    let folder = tempfile::tempdir().unwrap();
    let pieces: Vec<Bytes> = (0..40_u8).map(|n| vec![n; 9_973 * usize::from(n)].into()).collect();
    let all = pieces.concat();
    for memory_bytes in [0, 1, 100_000, 100_000_000] {
        let spool = filled(place(memory_bytes, Some(folder.path().into())), &pieces).await;
        assert_eq!(matches!(spool.held, Held::File(_)), memory_bytes < all.len());
        assert_eq!(spool.length, all.len() as u64);
        assert_eq!(spool.sha256(), <[u8; 32]>::from(Sha256::digest(&all)));
        // Twice, and at the same time: a request may be sent again.
        let (first, second) = tokio::join!(read(&spool), read(&spool));
        assert!(first == all && second == all, "{memory_bytes}");
        assert_eq!(spool.reader().size_hint().exact(), Some(all.len() as u64));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the file has no name");
    }
}

#[tokio::test]
async fn nothing_is_a_spool_too() {
    let spool = filled(place(0, None), &[]).await;
    assert_eq!((spool.length, read(&spool).await), (0, Bytes::new()));
    assert_eq!(spool.sha256(), Spool::of_parts(vec![Bytes::new()]).sha256());
}

#[tokio::test]
async fn a_folder_that_takes_no_file_is_an_error() {
    let mut writer = SpoolWriter::new(place(4, Some("/nonexistent/folder".into())));
    writer.push(Bytes::from_static(b"1234")).await.unwrap();
    let error = writer.push(Bytes::from_static(b"5")).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_body_is_not_shown() {
    let shown = format!("{:?}", Spool::of_parts(vec![Bytes::from_static(b"secret")]));
    assert!(!shown.contains("secret") && shown.contains('6'), "{shown}");
}
