//! The HTTP contract, clause by clause, over real sockets. Each file holds one part of it.

#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect fails")]

mod bounds;
mod client;
mod everywhere;
mod history;
mod polls;
mod program;
mod publishing;
mod server;
mod site;
mod sse;
mod ws;
