//! The lines of a kept file, one by one.

use portcullis_catalog::{CatalogError, FileReader};

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinesError {
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A line of more bytes than any request may have.
    #[error("line {number} is longer than {limit} bytes")]
    TooLong { number: u64, limit: usize },
}

/// A line is longer than it may be: [`Splitter::skip_line`] goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    number: u64,
    limit: usize,
}

impl From<TooLong> for LinesError {
    fn from(TooLong { number, limit }: TooLong) -> Self {
        Self::TooLong { number, limit }
    }
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileLine {
    /// Counted from 0, empty lines left out.
    pub(super) index: u64,
    /// Counted from 1, empty lines included, as an editor shows it.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

/// Reads lines from chunks.
pub(super) struct Lines {
    reader: FileReader,
    splitter: Splitter,
}

impl Lines {
    /// - `limit`: bytes of the longest line.
    pub(super) fn new(reader: FileReader, limit: usize) -> Self {
        Self { reader, splitter: Splitter::new(limit) }
    }

    /// The next line that is not empty.
    pub(super) async fn next(&mut self) -> Result<Option<FileLine>, LinesError> {
        loop {
            if let Some(line) = self.splitter.next_line()? {
                return Ok(Some(line));
            }
            match self.reader.next().await? {
                Some(chunk) => self.splitter.push(&chunk),
                None => return Ok(self.splitter.last_line()?),
            }
        }
    }
}

/// Cuts bytes at line feeds.
pub(super) struct Splitter {
    held: Vec<u8>,
    /// Where in `held` the next line begins.
    start: usize,
    /// Up to where no line feed was found.
    searched: usize,
    index: u64,
    number: u64,
    limit: usize,
    /// Up to the next line feed nothing is wanted.
    is_skipping: bool,
}

/// So much of a line that is skipped is given out, in bytes.
const HEAD: usize = 256;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    pub(super) const fn new(limit: usize) -> Self {
        Self { held: Vec::new(), start: 0, searched: 0, index: 0, number: 0, limit, is_skipping: false }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.held.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let wanted = if self.is_skipping { self.after_line_feed(chunk) } else { chunk };
        self.held.extend_from_slice(wanted);
    }

    fn after_line_feed<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let Some(found) = memchr::memchr(b'\n', chunk) else { return &[] };
        self.is_skipping = false;
        &chunk[found + 1..]
    }

    /// Goes on behind a line that is too long, which need not be here to its end yet, and gives out its head.
    pub(super) fn skip_line(&mut self) -> Vec<u8> {
        let line = &self.held[self.start..];
        let head = line[..line.len().min(HEAD)].to_vec();
        match memchr::memchr(b'\n', line) {
            Some(found) => self.start += found + 1,
            None => (self.start, self.is_skipping) = (self.held.len(), true),
        }
        self.searched = self.start;
        self.number += 1;
        self.index += 1;
        head
    }

    pub(super) fn next_line(&mut self) -> Result<Option<FileLine>, TooLong> {
        while let Some(found) = memchr::memchr(b'\n', &self.held[self.searched..]) {
            let end = self.searched + found;
            let range = self.start..end;
            self.check_length(range.len())?;
            (self.start, self.searched) = (end + 1, end + 1);
            if let Some(line) = self.line(range) {
                return Ok(Some(line));
            }
        }
        self.searched = self.held.len();
        self.check_length(self.held.len() - self.start)?;
        Ok(None)
    }

    /// What stands after the last line feed.
    pub(super) fn last_line(&mut self) -> Result<Option<FileLine>, TooLong> {
        let range = self.start..self.held.len();
        self.check_length(range.len())?;
        (self.start, self.searched) = (self.held.len(), self.held.len());
        Ok(if range.is_empty() { None } else { self.line(range) })
    }

    fn line(&mut self, range: std::ops::Range<usize>) -> Option<FileLine> {
        self.number += 1;
        let mut bytes = &self.held[range];
        if self.number == 1 {
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return None;
        }
        let line = FileLine { index: self.index, number: self.number, bytes: bytes.to_vec() };
        self.index += 1;
        Some(line)
    }

    /// Of the line that comes next.
    const fn check_length(&self, length: usize) -> Result<(), TooLong> {
        let Self { number, limit, .. } = *self;
        if length > limit { Err(TooLong { number: number + 1, limit }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], chunk: usize, limit: usize) -> Result<Vec<FileLine>, LinesError> {
        let mut splitter = Splitter::new(limit);
        let mut lines = Vec::new();
        for chunk in text.chunks(chunk) {
            splitter.push(chunk);
            while let Some(line) = splitter.next_line()? {
                lines.push(line);
            }
        }
        lines.extend(splitter.last_line()?);
        Ok(lines)
    }

    #[test]
    fn lines_are_the_same_however_the_chunks_fall() {
        let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{\"b\":2}\n{\"c\":3}";
        let line = |index, number, text: &str| FileLine { index, number, bytes: text.into() };
        let expected = [line(0, 1, "{\"a\":1}"), line(1, 4, "{\"b\":2}"), line(2, 5, "{\"c\":3}")];
        for chunk in 1..=text.len() {
            assert_eq!(lines(text, chunk, 100).unwrap(), expected, "{chunk}");
        }
        assert_eq!(lines(b"", 1, 100).unwrap(), []);
        assert_eq!(lines(b"\n\n", 1, 100).unwrap(), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_named_before_it_is_held() {
        for chunk in [1, 4, 100] {
            let error = lines(b"1\n123456789\n1", chunk, 8).unwrap_err();
            assert!(matches!(error, LinesError::TooLong { number: 2, limit: 8 }), "{chunk}");
        }
        assert_eq!(lines(b"12345678\n12345678", 3, 8).unwrap().len(), 2);
    }

    #[test]
    fn a_line_that_is_too_long_can_be_left_out() {
        let text = b"1\n123456789\n3\nabcdefghijklm";
        for chunk in 1..=text.len() {
            let mut splitter = Splitter::new(8);
            let (mut lines, mut n_skipped) = (Vec::new(), 0);
            for chunk in text.chunks(chunk) {
                splitter.push(chunk);
                loop {
                    match splitter.next_line() {
                        Ok(Some(line)) => lines.push((line.number, line.bytes)),
                        Ok(None) => break,
                        Err(TooLong { limit: 8, .. }) => {
                            let head = splitter.skip_line();
                            assert!(
                                head.starts_with(b"12345678") || head.starts_with(b"abcdefgh"),
                                "{head:?}"
                            );
                            n_skipped += 1;
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
            assert_eq!(splitter.last_line(), Ok(None));
            assert_eq!((lines, n_skipped), (vec![(1, b"1".to_vec()), (3, b"3".to_vec())], 2), "{chunk}");
        }
    }
}
