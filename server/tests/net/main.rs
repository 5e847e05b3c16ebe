//! The network end of the server, through real sockets: what observers are told, conditions, faults,
//! bounds of connections, experiments, crowds.

#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect fails")]

mod clients;
mod conditions;
mod crowd;
mod experiments;
mod faults;
mod half_open;
mod peer;
mod row;
mod server;
mod serving;
mod tap;

#[cfg(feature = "capture")]
mod capture;
#[cfg(feature = "capture")]
mod tshark;
