//! The HTTP contract, clause by clause, over real sockets. Each file holds one part of it.

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
