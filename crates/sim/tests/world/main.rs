//! The model of a few clients.

mod bytes;
mod faults;
mod recorded;
mod run;
mod transports;
