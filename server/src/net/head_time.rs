//! Two limits where hyper knows one. hyper's timer for reading a head runs from the moment at which
//! it waits for one: a connection without a request and a head that comes one byte at a time are the
//! same to it. Here the first may last long, and the second may not.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::time::sleep_until;

use super::conn::Conn;

/// hyper's timer for one connection: what it is asked for is how long to wait for a head's first
/// byte; from there on the head has its own time.
#[derive(Clone)]
pub(super) struct HeadTimer {
    conn: Arc<Conn>,
    head_time: Duration,
}

impl HeadTimer {
    pub(super) fn new(conn: Arc<Conn>, head_time: Duration) -> Self {
        Self { conn, head_time }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.conn.head_begun.store(false, Ordering::Relaxed);
        let sleep = Box::pin(sleep_until(deadline.into()));
        Box::pin(HeadSleep { sleep, conn: Arc::clone(&self.conn), head_time: self.head_time, begun: false })
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        *sleep = self.sleep_until(new_deadline);
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

struct HeadSleep {
    sleep: Pin<Box<tokio::time::Sleep>>,
    conn: Arc<Conn>,
    head_time: Duration,
    begun: bool,
}

impl Sleep for HeadSleep {}

impl Future for HeadSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // hyper polls this each time it has read and the head is not whole.
        let this = self.get_mut();
        if !this.begun && this.conn.head_begun.load(Ordering::Relaxed) {
            this.begun = true;
            let deadline = tokio::time::Instant::now() + this.head_time;
            if deadline < this.sleep.deadline() {
                this.sleep.as_mut().reset(deadline);
            }
        }
        this.sleep.as_mut().poll(cx)
    }
}
