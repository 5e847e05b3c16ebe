//! The companion server: topics over four transports, the wire tap, faults and conditions, and the
//! book itself.
//!
//! Where to start: [`topics`] holds every topic and its bounds; [`subscriber`] is a cursor in one
//! topic's history and says what is written to a subscriber. Each way in and out is one file of
//! the same shape: [`publish`], [`poll`], [`long_poll`], [`ws`], [`sse`]. [`host`], [`origin`] and
//! [`rate`] decide who may, [`query`] reads what is asked, [`problem`] says what went wrong. [`net`]
//! accepts connections and watches their bytes; [`experiments`] runs a topic's publisher, conditions
//! and faults; [`crowd`] opens many connections to it. [`app()`] puts it all together.

pub mod app;
pub mod book;
pub mod config;
pub mod crowd;
pub mod echo;
pub mod experiments;
pub mod health;
pub mod host;
pub mod long_poll;
pub mod metrics;
pub mod net;
pub mod openapi;
pub mod origin;
pub mod poll;
pub mod problem;
pub mod publish;
pub mod query;
pub mod random;
pub mod rate;
pub mod reload;
pub mod socket;
pub mod sse;
pub mod subscriber;
pub mod topics;
mod unreadable;
pub mod ws;

pub use app::{AppState, app};
pub use config::Config;
pub use crowd::Crowds;
pub use experiments::Experiments;
pub use problem::Problem;
pub use topics::Topics;
