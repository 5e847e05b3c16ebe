//! The picture in words.

use standby_trace::Trace;

use crate::shape::View;

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The words, with their blanks.
    pub text: String,
    /// They are what the sentence is about.
    pub strong: bool,
    /// And they are bad news.
    pub bad: bool,
}

/// The sentence below the picture.
#[must_use]
pub fn say(_trace: &Trace, _view: &View) -> Vec<Words> {
    Vec::new()
}

/// A picture for those who don't see it.
#[must_use]
pub fn describe(_trace: &Trace) -> String {
    String::new()
}
