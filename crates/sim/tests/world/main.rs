//! The model of a few clients: each transport, each fault, and its bytes against real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod bytes;
mod faults;
mod middleboxes;
mod recorded;
mod run;
mod transports;
