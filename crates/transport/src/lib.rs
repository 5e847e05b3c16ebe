//! The client side of short polling, long polling, WebSockets and Server-Sent Events, each as a
//! state machine without I/O and without a clock, and the history that all four recover from.
//!
//! A machine is told what arrived and what time it is ([`Input`]); it says what to send, what it
//! learned, and when to wake it ([`Output`], [`Machine::wake_at`]). Whoever drives it does the I/O:
//! a browser by fetch, a program by tokio, a simulator by moving its clock. That is why the same
//! code can be shown in the book, run in its pages, and held against a model.
//!
//! Where to start: [`machine`] for the shape that all four share, then [`short_poll`], which is the
//! shortest; [`history`] for what a server keeps so that a subscriber can come back.

pub mod backoff;
pub mod encode;
pub mod event;
mod exchange;
pub mod history;
pub mod long_poll;
pub mod machine;
pub mod position;
mod progress;
pub mod short_poll;
pub mod sse;
pub mod websocket;

pub use backoff::Backoff;
pub use encode::EncodedEvent;
pub use event::{Answer, Event, Frame, Gap, Hello, Reset};
pub use history::{AnswerBounds, History, Limits, PollAnswer, Receipt, Replay};
pub use long_poll::LongPoll;
pub use machine::{Action, Input, Machine, Notice, Output, Request, Who, Why};
pub use position::{Epoch, Position};
pub use short_poll::ShortPoll;
pub use sse::{EventSource, SseClient};
pub use websocket::WebSocket;
