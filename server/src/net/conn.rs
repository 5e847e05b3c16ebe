//! A connection, as everything but the socket itself knows it: who serves on it, whether it has been
//! reset, and its tap.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::http::Uri;
use futures_util::task::AtomicWaker;
use standby_trace::tap::{ClosedBy, Exchange, Part, ToObserver};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::tap::{self, Claim, Tap};
use super::{clock, lock};

/// So long may a dead connection take up a place. TCP alone would take a quarter of an hour to find
/// out, and only if there is something to send (RFC 9293 §3.8.3 leaves the time to the user).
const DEAD: Duration = Duration::from_secs(120);

/// A connection. Handlers and observers' links hold references; the socket is not in it, so none of
/// them keeps it open.
#[derive(Debug)]
pub(crate) struct Conn {
    /// A number that no other connection of this process has.
    pub(crate) id: u64,
    pub(crate) peer: SocketAddr,
    /// Requests that have gone to a handler.
    begun: AtomicU64,
    /// A byte of the head that is awaited has come.
    pub(super) head_begun: AtomicBool,
    reset: AtomicBool,
    /// It is to end in order.
    leaves: AtomicBool,
    /// Tells whoever serves on it, where somebody may let it go alone.
    leaving: OnceLock<CancellationToken>,
    /// Until when it is dead, and yet there.
    dead: OnceLock<Instant>,
    told: Notify,
    /// Of whoever reads.
    pub(super) reader: AtomicWaker,
    /// Set when the next answer is a 101 for an experiment's topic.
    upgrading: AtomicBool,
    upgrade: OnceLock<Upgrade>,
    ended_by: AtomicU8,
    serving: Mutex<Option<Serving>>,
    /// There is something in `serving`.
    has_served: AtomicBool,
    tap: Mutex<Tap>,
}

/// Whom the bytes belong to after an upgrade.
#[derive(Clone, Debug)]
pub(super) struct Upgrade {
    pub(super) link: Arc<Link>,
    pub(super) sub: Option<String>,
}

/// The experiment's topic that a connection served last.
#[derive(Debug)]
struct Serving {
    link: Arc<Link>,
    exchange: Exchange,
    /// No other request came since.
    current: bool,
    /// Observers are told of it.
    seen: bool,
}

impl Conn {
    pub(super) fn new(peer: SocketAddr) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            peer,
            begun: AtomicU64::new(0),
            head_begun: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            leaves: AtomicBool::new(false),
            leaving: OnceLock::new(),
            dead: OnceLock::new(),
            told: Notify::new(),
            reader: AtomicWaker::new(),
            upgrading: AtomicBool::new(false),
            upgrade: OnceLock::new(),
            ended_by: AtomicU8::new(UNTOLD),
            serving: Mutex::new(None),
            has_served: AtomicBool::new(false),
            tap: Mutex::new(Tap::default()),
        })
    }

    /// Resets it: nothing more is read or written, and its socket closes with an RST.
    pub(crate) fn reset(&self) {
        self.ended_by(ClosedBy::Fault);
        self.reset.store(true, Ordering::Release);
        self.told.notify_one();
        self.reader.wake();
    }

    pub(super) fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Lets it go dead: from now on nothing gets through, either way, and nobody is told. After
    /// [`DEAD`] both ends find out.
    pub(crate) fn half_open(&self) {
        let _ = self.dead.set(Instant::now() + DEAD);
        // The socket is taken from the application when it is next used. That is now.
        self.reader.wake();
    }

    pub(super) fn is_dead(&self) -> bool {
        self.dead.get().is_some()
    }

    /// Until when it is dead, if it is.
    pub(super) fn dead_until(&self) -> Option<Instant> {
        self.dead.get().copied()
    }

    /// Lets it go in order: what is held on it is answered or ended, and nothing more is asked on it.
    pub(super) fn leave(&self) {
        // In this order: hyper has to know that no request follows before the answer's head is written.
        self.leaves.store(true, Ordering::Release);
        self.told.notify_one();
        if let Some(leaving) = self.leaving.get() {
            leaving.cancel();
        }
    }

    /// Cancelled by [`Conn::leave`], and with `shutdown`.
    pub(super) fn leaving(&self, shutdown: &CancellationToken) -> CancellationToken {
        self.leaving.get_or_init(|| shutdown.child_token()).clone()
    }

    /// Returns when it has been reset. For one waiter at a time.
    pub(super) async fn until_reset(&self) {
        while !self.is_reset() {
            self.told.notified().await;
        }
    }

    /// Returns when it has been reset, or is to end in order; says whether it was reset. For one waiter
    /// at a time.
    pub(super) async fn until_told(&self) -> bool {
        while !self.is_reset() && !self.leaves.load(Ordering::Acquire) {
            self.told.notified().await;
        }
        self.is_reset()
    }

    /// Who ended it: the first to say so did.
    pub(super) fn ended_by(&self, by: ClosedBy) {
        let by = match by {
            ClosedBy::Client => CLIENT,
            ClosedBy::Server => SERVER,
            ClosedBy::Fault => FAULT,
        };
        let _ = self.ended_by.compare_exchange(UNTOLD, by, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Its socket is closed.
    pub(super) fn closed(&self) {
        let Some(Serving { link, exchange, seen, .. }) = lock(&self.serving).take() else { return };
        link.leave(self.id);
        let by = match self.ended_by.load(Ordering::Relaxed) {
            CLIENT => ClosedBy::Client,
            FAULT => ClosedBy::Fault,
            _ => ClosedBy::Server,
        };
        if seen {
            link.hub.send(&ToObserver::Closed { exchange, at_us: clock::now_us(), by });
        }
    }

    /// A request goes to its handler.
    pub(super) fn begin(&self, method: &str, uri: &Uri) {
        let request = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        if tap::is_watching() {
            let target = uri.path_and_query().map_or("", |target| target.as_str());
            lock(&self.tap).begin(request, method, target);
        }
        if self.has_served.load(Ordering::Relaxed)
            && let Some(serving) = &mut *lock(&self.serving)
        {
            serving.current = false;
        }
    }

    /// The request has its answer, or at least the answer's head. `upgraded`: it is a 101.
    pub(super) fn answered(&self, upgraded: bool) {
        if upgraded || tap::is_watching() {
            lock(&self.tap).answered(self.begun.load(Ordering::Relaxed), upgraded);
        }
    }

    /// The request belongs to an experiment's topic. Says which exchange it is. `seen`: its observers
    /// are told of it.
    pub(super) fn serve(self: &Arc<Self>, link: &Arc<Link>, mut exchange: Exchange, seen: bool) -> u64 {
        exchange.conn = self.id;
        exchange.request = self.begun.load(Ordering::Relaxed);
        let request = exchange.request;
        self.has_served.store(true, Ordering::Relaxed);
        let claim = Claim { exchange: exchange.clone(), link: Arc::clone(link) };
        let before =
            lock(&self.serving).replace(Serving { link: Arc::clone(link), exchange, current: true, seen });
        match before {
            Some(before) if Arc::ptr_eq(&before.link, link) => {}
            Some(before) => {
                before.link.leave(self.id);
                link.enter(self);
            }
            None => link.enter(self),
        }
        if seen {
            lock(&self.tap).claim(claim);
        } else {
            lock(&self.tap).pass_over();
        }
        request
    }

    /// Whether it serves this topic now, or did last and has been idle since, to a subscriber who is
    /// meant.
    pub(super) fn serves(&self, link: &Link, meant: impl Fn(Option<&str>) -> bool) -> bool {
        lock(&self.serving).as_ref().is_some_and(|serving| {
            serving.current
                && std::ptr::eq(Arc::as_ptr(&serving.link), link)
                && serving.exchange.via.transport().is_some()
                && meant(serving.exchange.sub.as_deref())
        })
    }

    /// The next answer is a 101: all bytes behind it are this topic's.
    pub(super) fn upgrade(&self, link: Arc<Link>, sub: Option<String>) {
        if self.upgrade.set(Upgrade { link, sub }).is_ok() {
            self.upgrading.store(true, Ordering::Release);
        }
    }

    pub(super) fn upgrading(&self) -> Option<&Upgrade> {
        // The flag is cheaper than the cell, and is looked at with every write.
        if self.upgrading.load(Ordering::Relaxed) { self.upgrade.get() } else { None }
    }

    /// The socket gave these bytes; `fresh`: nothing that was written before still waits in the
    /// server.
    pub(super) fn read(&self, bytes: &[u8], fresh: bool) {
        lock(&self.tap).read(bytes, clock::now_us(), self.begun.load(Ordering::Relaxed), fresh);
    }

    /// The socket took these bytes.
    pub(super) fn written(&self, bytes: &[u8]) {
        lock(&self.tap).written(bytes, clock::now_us());
    }

    /// Whether its tap is on.
    pub(super) fn is_tapped(&self) -> bool {
        lock(&self.tap).is_on()
    }

    pub(super) fn app_got_head(&self, request: u64) {
        lock(&self.tap).app_got(request, |part| part == Part::RequestHead, clock::now_us());
    }

    pub(super) fn app_got_body(&self, request: u64) {
        lock(&self.tap).app_got(request, |part| part != Part::RequestHead, clock::now_us());
    }

    pub(super) fn app_sent(&self, request: u64, part: Part, bytes: &[u8]) {
        lock(&self.tap).app_sent(request, part, bytes, clock::now_us());
    }

    pub(super) fn app_got_frames(&self, bytes: &[u8]) {
        lock(&self.tap).app_got_frames(bytes, clock::now_us());
    }

    pub(super) fn app_sent_frames(&self, bytes: &[u8]) {
        lock(&self.tap).app_sent_frames(bytes, clock::now_us());
    }
}

const UNTOLD: u8 = 0;
const CLIENT: u8 = 1;
const SERVER: u8 = 2;
const FAULT: u8 = 3;

/// The socket's own end of a connection: when the last of it is gone, the connection is closed.
#[derive(Debug)]
pub(super) struct Ending(pub(super) Arc<Conn>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.closed();
    }
}
