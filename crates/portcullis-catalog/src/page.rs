//! Lists come in pages.

/// The most rows one page holds, whatever is asked for.
pub const MAX_PAGE_SIZE: u32 = 1000;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Counted from 0.
    pub current_page: u32,
    /// Rows per page; taken as at least 1 and at most [`MAX_PAGE_SIZE`].
    pub page_size: u32,
}

impl Page {
    /// Everything that fits on one page.
    pub const FIRST: Self = Self { current_page: 0, page_size: MAX_PAGE_SIZE };

    pub(crate) fn limit(self) -> i64 {
        i64::from(self.page_size.clamp(1, MAX_PAGE_SIZE))
    }

    pub(crate) fn offset(self) -> i64 {
        i64::from(self.current_page) * self.limit()
    }
}

/// One page of a list, oldest row first.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// How many rows there are on all pages together.
    pub total: u64,
    /// The rows of this page.
    pub data: Vec<T>,
}

/// The next part of a list that is read from a place on.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows. One that cannot be read is logged and left out.
    pub data: Vec<T>,
    /// Whether more come behind them.
    pub has_more: bool,
}

/// The most rows one [`Slice`] holds, whatever is asked for: OpenAI's limit for files.
pub(crate) const MAX_SLICE: u32 = 10_000;
