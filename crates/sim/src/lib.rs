//! The model: what a scenario does in virtual time, without a network.
//!
//! - [`herd`]: many clients, as counts over time.

pub mod herd;
