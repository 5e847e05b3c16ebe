//! A model of the server, of the network and of a browser's page: a run without any of the three.
//!
//! It drives the same machines and the same history as a live run does (`standby-transport`), in
//! virtual time, with one seed for every choice. So the same scenario gives the same run, bit for
//! bit, in a test, in a page, anywhere.
//!
//! - [`world`]: a few clients, with all that a live run knows of them: what the page saw, what the
//!   server's tap tells, and every byte.
//! - [`publisher`]: what an experiment does by itself, and when; [`content`]: what it publishes. The
//!   server uses both too.
//! - [`herd`]: up to ten million clients of one server, as counts over time.
//! - [`pipe`]: how conditions slow a message; the server's do it so too.
//! - [`truth`]: holds the model against a live run.
//! - [`words`]: between a scenario's words and the machines'.

pub mod content;
pub mod herd;
pub mod pipe;
pub mod publisher;
pub mod truth;
pub mod words;
pub mod world;

pub use world::{Middlebox, Profile, Told, World};

/// How often a server shows on a stream or a socket that it is there, where nobody asks for another.
const KEEP_ALIVE_MS: u32 = 15_000;
