//! The server's end of the network: it accepts connections, keeps them within bounds, shows their
//! bytes to observers, and can make them slow or break them on purpose.
//!
//! - [`serve()`] accepts, within [`Limits`] (`census` counts, `head_time` times heads, `io` the rest);
//! - `conn` is a connection as all others see it, `io` its socket, `upgraded` an experiment's
//!   WebSocket;
//! - `tap` records; [`shape()`] is the middleware that gives an exchange to a topic's observers and
//!   sends it through a `link`: conditions (`pipe`), `faults`, what a crowd's
//!   `row` can take, and on the way back `body`.

mod body;
mod census;
pub(crate) mod clock;
mod conn;
mod faults;
mod head_time;
mod io;
mod limits;
pub(crate) mod link;
mod pipe;
pub(crate) mod row;
mod serve;
mod shape;
pub(crate) mod tap;
mod upgraded;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use standby_trace::tap::ToObserver;

pub use body::BodyTooSlow;
pub use limits::Limits;
pub use row::Served;
pub use serve::serve;
pub use shape::shape;

use conn::Conn;
use link::Link;

/// The connection that a request came on: in each request's extensions.
#[derive(Clone, Debug)]
pub struct ConnHandle(Arc<Conn>);

/// A topic's place in the network: through it observers hear what happens to the topic itself.
#[derive(Clone, Debug, Default)]
pub struct TopicNet(Arc<Attached>);

#[derive(Debug, Default)]
struct Attached {
    is_attached: AtomicBool,
    link: Mutex<Weak<Link>>,
}

impl TopicNet {
    /// Tells observers that an event came to the topic.
    pub fn published(&self, id: u64, published_at_ms: u64, epoch: &str) {
        if !self.0.is_attached.load(Ordering::Relaxed) {
            return;
        }
        let Some(link) = lock(&self.0.link).upgrade() else { return };
        link.hub.send(&ToObserver::Published {
            id,
            published_at: published_at_ms,
            at_us: clock::now_us(),
            epoch: epoch.to_owned(),
        });
    }

    /// From now on it is the topic of an experiment.
    pub(crate) fn attach(&self, link: &Arc<Link>) {
        *lock(&self.0.link) = Arc::downgrade(link);
        self.0.is_attached.store(true, Ordering::Relaxed);
    }
}

/// Locks. Nothing that holds one of these locks can panic half-way through a change, so one that a
/// panic has poisoned is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
