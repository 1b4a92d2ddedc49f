//! Writes `docs/compatibility.md` from the tables.

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");
    std::fs::write(path, portcullis_provider::compatibility::page())
}
