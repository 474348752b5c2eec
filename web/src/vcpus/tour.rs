//! The guided tour: text beside a position of a trace, page by page.

/// A page of the tour.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    /// Its heading.
    pub title: &'static str,
    /// Its paragraphs.
    pub text: &'static [&'static str],
    /// The story it shows.
    pub story: &'static str,
    /// Under which policy.
    pub policy: &'static str,
    /// The steps that have been recorded.
    pub trace: &'static str,
    /// How many of them have been taken.
    pub at: usize,
    /// Everything is explored.
    pub explore: bool,
}

/// The pages.
pub static PAGES: &[Page] = &[];
