//! From a trace to the shapes of its picture, and from those to SVG; and the same in words.
//!
//! All of it is pure: a [`Trace`](standby_trace::Trace) and a [`View`] give a [`Figure`]. The live
//! picture paints its shapes on a canvas, the static figure writes them as SVG; neither knows what
//! they mean.
//!
//! - [`shape`]: what a picture is made of. Start here.
//! - [`figure()`]: the picture of a trace.
//! - [`svg()`]: a picture as SVG.
//! - [`say()`]: the sentence below a picture; [`describe()`]: a picture for
//!   those who don't see it.
//! - [`hit()`]: which event is at a point.
//! - [`format`](mod@format): how figures are written for readers.

pub mod format;
mod geometry;
mod hit;
mod layout;
mod say;
pub mod shape;
mod svg;
mod text;

pub use geometry::{figure, setting};
pub use hit::hit;
pub use say::{Words, describe, say};
pub use shape::{Anchor, Figure, Ink, LaneBox, Shape, View, Weight};
pub use svg::svg;
