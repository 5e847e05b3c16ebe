//! The machines in conversation: scripted ones, where each word is checked, and random ones against
//! a model of the server, where nothing may be lost, doubled or skipped in silence.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod event_source;
mod harness;
mod history;
mod long_poll;
mod parser;
mod short_poll;
mod sse_client;
mod websocket;
mod world;
