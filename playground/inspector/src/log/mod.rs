//! The log: all that a trace holds, line by line.

pub(crate) mod lines;
pub(crate) mod view;
