//! From a trace to the shapes of its picture, and from those to SVG.
//!
//! The geometry is pure: a [`Trace`](standby_trace::Trace) and a [`View`] give a [`Figure`]. The live picture paints its
//! shapes on a canvas, the static figure writes them as SVG; neither knows what they mean.

pub mod shape;

pub use shape::{Anchor, Figure, Ink, LaneBox, Shape, View, Weight};
