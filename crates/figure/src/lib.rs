//! From a trace to the shapes of its picture, and from those to SVG; and the same in words.
//!
//! All of it is pure: a [`Trace`](standby_trace::Trace) and a [`View`] give a [`Figure`]. The live
//! picture paints its shapes on a canvas, the static figure writes them as SVG; neither knows what
//! they mean.
//!
//! - [`shape`]: what a picture is made of. Start here.
//! - [`figure()`]: the picture of a trace.
//! - [`svg()`]: a picture as SVG; [`detail`]: what it has in common with other ways to paint it.
//! - [`say()`]: the sentence below a picture; [`describe()`]: a picture for
//!   those who don't see it.
//! - [`timeline()`]: the second small picture, of bytes and open connections over time.
//! - [`hit()`]: which event or message is at a point; [`say_message()`]: what that message is.
//! - [`herd`]: the picture of many clients, of counts over time.
//! - [`scale`]: the chart of what clients cost, from one to ten million.
//! - [`format`](mod@format): how figures are written for readers.
//!
//! ```
//! use standby_figure::{View, describe, figure, svg};
//! use standby_trace::{Recorder, Scenario};
//!
//! let scenario = r#"{"v": 1, "publish": {"every_ms": 1200},
//!     "lanes": [{"transport": "short-poll", "interval_ms": 1000}]}"#;
//! let mut recorder = Recorder::new(Scenario::from_json(scenario)?, 1_764_000_000_000);
//! recorder.sent(0, 1, 200_000);
//! recorder.answered(0, 1, 200, &[], 400_000);
//! recorder.advance(8_000_000);
//!
//! let view = View { from_us: 0, to_us: 8_000_000, now_us: 8_000_000, ..View::default() };
//! let picture = figure(recorder.trace(), &view);
//! assert!(svg(&picture, &describe(recorder.trace())).contains("asks: nothing new"));
//! # Ok::<(), standby_trace::scenario::BadScenario>(())
//! ```

pub mod detail;
pub mod format;
mod geometry;
pub mod herd;
mod hit;
mod index;
mod layout;
mod say;
pub mod scale;
pub mod shape;
mod svg;
mod text;
mod timeline;

pub use geometry::{Layers, blank, figure, setting};
pub use hit::hit;
pub use index::Index;
pub use say::{Words, describe, say, say_message};
pub use shape::{Anchor, Density, Figure, Hit, Ink, LaneBox, Shape, View, Weight};
pub use svg::svg;
pub use timeline::{HEIGHT as TIMELINE_HEIGHT, timeline};
