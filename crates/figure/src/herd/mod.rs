//! The picture of many clients: a row for each lane, a bar for each tenth of a second.
//!
//! A row's bars stand on the time axis: how many requests and handshakes arrived, those that were
//! let in as a solid area, those that were turned away as stripes on top of it. A dashed line is what
//! the server can take. Heights grow with the square root, because what is to be compared lies two
//! powers of ten apart; past thirty times the capacity a bar is broken off, and says how much it was.
//!
//! Where a scenario sets keep-alives, a line over the bars says how many of them the server sent.
//!
//! Of live rows, which real connections have made, no capacity is known: their scenario's is 0. Then there
//! is no dashed line, and peaks are counts. What only the model does leaves its row empty.
//!
//! - [`names()`]: what a row is called, and its settings
//! - [`sums()`]: its peak, when all were back, who was turned away
//! - [`picture()`]: the rows as a few paths and texts, and [`svg()`]: as SVG
//! - [`say()`], [`say_at()`], [`describe()`], [`table()`]: the same in words and figures

mod geometry;
mod names;
mod sums;
mod words;

pub use geometry::{Look, Part, Picture, RowBox, picture, svg};
pub use names::{Name, can_be_live, capacity, fault_word, is_left_out, names, restart, sets_keep_alives};
pub use sums::{Sum, sums};
pub use words::{columns, describe, peak, say, say_at, stat, table};

#[cfg(test)]
mod tests;
