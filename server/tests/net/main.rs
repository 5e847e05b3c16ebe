//! The network end of the server, through real sockets: what observers are told, conditions, faults,
//! bounds of connections, experiments.

mod conditions;
mod experiments;
mod faults;
mod peer;
mod server;
mod serving;
mod tap;

#[cfg(feature = "capture")]
mod capture;
