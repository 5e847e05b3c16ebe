//! The wire: every message of the trace in a list, and the bytes of the one that is pointed at,
//! beside what they mean.

mod bar;
mod bits;
mod detail;
mod fields;
mod hex;
mod list;
mod mask;
pub(crate) mod view;
