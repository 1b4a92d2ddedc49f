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
                None => return self.splitter.last_line(),
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
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Splitter {
    pub(super) const fn new(limit: usize) -> Self {
        Self { held: Vec::new(), start: 0, searched: 0, index: 0, number: 0, limit }
    }

    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.held.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.held.extend_from_slice(chunk);
    }

    pub(super) fn next_line(&mut self) -> Result<Option<FileLine>, LinesError> {
        while let Some(found) = memchr::memchr(b'\n', &self.held[self.searched..]) {
            let end = self.searched + found;
            let range = self.start..end;
            (self.start, self.searched) = (end + 1, end + 1);
            if let Some(line) = self.line(range)? {
                return Ok(Some(line));
            }
        }
        self.searched = self.held.len();
        self.check_length(self.held.len() - self.start, self.number + 1)?;
        Ok(None)
    }

    /// What stands after the last line feed.
    pub(super) fn last_line(&mut self) -> Result<Option<FileLine>, LinesError> {
        let range = self.start..self.held.len();
        (self.start, self.searched) = (self.held.len(), self.held.len());
        if range.is_empty() { Ok(None) } else { self.line(range) }
    }

    fn line(&mut self, range: std::ops::Range<usize>) -> Result<Option<FileLine>, LinesError> {
        self.number += 1;
        self.check_length(range.len(), self.number)?;
        let mut bytes = &self.held[range];
        if self.number == 1 {
            bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        }
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() {
            return Ok(None);
        }
        let line = FileLine { index: self.index, number: self.number, bytes: bytes.to_vec() };
        self.index += 1;
        Ok(Some(line))
    }

    fn check_length(&self, length: usize, number: u64) -> Result<(), LinesError> {
        if length > self.limit { Err(LinesError::TooLong { number, limit: self.limit }) } else { Ok(()) }
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
}
