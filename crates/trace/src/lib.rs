//! What an experiment is, what happened in it, and what it cost.
//!
//! - [`scenario`]: the parameters of an experiment. One type, the same in a chapter's directive, in
//!   a link, in the simulator and in the server.
//! - [`trace`]: the record of what happened. The picture, the ledger, the log and every export know
//!   nothing else.
//! - [`json`]: how both are read and written where size counts.
//! - [`read`]: a trace from a file, checked.
//! - [`link`]: a scenario in the fragment of a URL.
//! - [`ledger`]: the totals of a trace.
//! - [`order`]: how lists are sorted where size counts.
//! - [`tap`]: what the server tells an observer of a topic, its half of a live trace.
//! - [`account`]: what the bytes of one message are: news, or what carries it.
//! - [`recorder`]: lays the browser's half and the server's half of a live run together.
//! - [`clock`]: how far apart the two clocks are, and how sure that is.
//! - [`crowd`]: what many clients did, as counts over time.

pub mod account;
mod base64;
pub mod clock;
pub mod crowd;
pub mod json;
pub mod ledger;
pub mod link;
pub mod order;
pub mod read;
pub mod recorder;
pub mod scenario;
pub mod tap;
pub mod trace;

pub use account::{Carried, carried, carried_body};
pub use clock::Clock;
pub use ledger::{Ledger, Staleness};
pub use read::BadTrace;
pub use recorder::Recorder;
pub use scenario::{
    Backoff, Conditions, Control, Experiment, Fault, LaneSpec, Publish, Scenario, SseClient, Transport,
};
pub use trace::{
    Direction, Kind, Lane, Mark, MarkKind, Message, Moment, Piece, Published, Source, Span, SpanKind, Trace,
    Who,
};
