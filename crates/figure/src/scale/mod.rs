//! The chart of what clients cost, from one to ten million: a line for each transport.
//!
//! - [`Settings`], [`Constants`]: what it depends on
//! - [`cost()`], [`crossing()`]: the arithmetic, where it is derived
//! - [`picture()`]: the lines, which [`svg`](crate::herd::svg) writes
//! - [`say()`], [`describe()`], [`table()`], [`sources()`]: the same in words and figures

mod cost;
mod geometry;
mod words;

pub use cost::{Constants, Crossing, Memory, Quantity, Settings, cost, crossing};
pub use geometry::{Look, STANDARD_STOP, STOPS, clients_at, nearest, picture};
pub use words::{columns, describe, say, sources, table, value};
