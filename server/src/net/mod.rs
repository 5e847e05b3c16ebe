//! The server's end of the network: it accepts connections, keeps them within bounds, records what
//! passes over them for observers, and can make them slow or break them on purpose.

mod limits;
mod serve;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

pub use limits::Limits;
pub use serve::serve;

use crate::AppState;

/// A connection, as request handlers see it.
#[derive(Clone)]
pub struct ConnHandle(Arc<()>);

/// A topic's place in the network: what observers of the topic are told about it goes through here.
#[derive(Clone, Default)]
pub struct TopicNet(Arc<()>);

impl TopicNet {
    /// Tells observers that an event came to the topic.
    pub fn published(&self, _id: u64, _published_at_ms: u64, _epoch: &str) {}
}

/// Middleware around a topic's routes: claims the exchange for the topic's observers, and applies
/// conditions and faults.
pub async fn shape(State(_app): State<AppState>, request: Request, next: Next) -> Response {
    next.run(request).await
}
