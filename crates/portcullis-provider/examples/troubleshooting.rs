//! Writes `docs/troubleshooting.md` anew from the table of classes.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/troubleshooting.md");
    std::fs::write(page, portcullis_provider::error::handbook())
}
