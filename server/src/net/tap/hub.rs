//! Observers of a topic. Each has a queue of its own: one that is slow misses records, and is told
//! how many; the others and the topic don't notice.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use standby_trace::tap::ToObserver;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::net::lock;

/// Records that wait for one observer.
const QUEUED: usize = 4_096;
/// Their bytes.
const QUEUED_BYTES: usize = 4 * 1024 * 1024;

/// The observers of one topic.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    queues: Mutex<Vec<Weak<Queue>>>,
    /// How many there are, so that nobody has to take the lock to hear that there are none.
    observers: Arc<AtomicUsize>,
}

impl Hub {
    /// Tells every observer. The record is written once, and only if someone is there to read it.
    pub(crate) fn send(&self, record: &ToObserver) {
        if self.observers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(json) = serde_json::to_string(record) else { return };
        let frame = Utf8Bytes::from(json);
        lock(&self.queues).retain(|queue| match queue.upgrade() {
            Some(queue) => {
                queue.push(frame.clone());
                true
            }
            None => false,
        });
    }

    /// A new observer, who hears all that is sent from now on.
    pub(crate) fn join(&self) -> Observer {
        let queue = Arc::new(Queue::default());
        let mut queues = lock(&self.queues);
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        self.observers.fetch_add(1, Ordering::Relaxed);
        Observer { queue, observers: Arc::clone(&self.observers) }
    }

    /// How many observe now.
    pub(crate) fn observers(&self) -> usize {
        self.observers.load(Ordering::Relaxed)
    }
}

/// One observer's end.
#[derive(Debug)]
pub(crate) struct Observer {
    queue: Arc<Queue>,
    observers: Arc<AtomicUsize>,
}

impl Observer {
    /// The next record, as the frame's text.
    pub(crate) async fn next(&self) -> Utf8Bytes {
        loop {
            let more = self.queue.more.notified();
            if let Some(frame) = lock(&self.queue.waiting).pop() {
                return frame;
            }
            more.await;
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.observers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// Left out behind the frames that wait.
    missed: u64,
}

impl Queue {
    fn push(&self, frame: Utf8Bytes) {
        lock(&self.waiting).push(frame);
        self.more.notify_one();
    }
}

impl Waiting {
    fn push(&mut self, frame: Utf8Bytes) {
        // Once something is left out, nothing goes in until the rest has been read: one hole is
        // easier to show than many.
        if self.missed > 0 || self.frames.len() == QUEUED || self.bytes + frame.len() > QUEUED_BYTES {
            self.missed += 1;
        } else {
            self.bytes += frame.len();
            self.frames.push_back(frame);
        }
    }

    fn pop(&mut self) -> Option<Utf8Bytes> {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.len();
            return Some(frame);
        }
        let records = std::mem::take(&mut self.missed);
        (records > 0)
            .then(|| serde_json::to_string(&ToObserver::Missed { records }).ok().map(Utf8Bytes::from))
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(id: u64) -> ToObserver {
        ToObserver::Published { id, published_at: 0, at_us: 0, epoch: "a".into() }
    }

    async fn next(observer: &Observer) -> ToObserver {
        serde_json::from_str(observer.next().await.as_str()).unwrap()
    }

    #[tokio::test]
    async fn a_slow_observer_is_told_what_it_missed_and_the_others_miss_nothing() {
        let hub = Hub::default();
        let (slow, quick) = (hub.join(), hub.join());
        for id in 0..QUEUED as u64 + 10 {
            hub.send(&published(id));
            assert_eq!(next(&quick).await, published(id));
        }
        for id in 0..QUEUED as u64 {
            assert_eq!(next(&slow).await, published(id));
        }
        assert_eq!(next(&slow).await, ToObserver::Missed { records: 10 });
        hub.send(&published(9_999));
        assert_eq!(next(&slow).await, published(9_999));
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes() {
        let hub = Hub::default();
        let observer = hub.join();
        let large = ToObserver::Published { id: 1, published_at: 0, at_us: 0, epoch: "a".repeat(1 << 20) };
        for _ in 0..5 {
            hub.send(&large);
        }
        for _ in 0..3 {
            assert_eq!(next(&observer).await, large);
        }
        assert_eq!(next(&observer).await, ToObserver::Missed { records: 2 });
    }

    #[tokio::test]
    async fn an_observer_who_left_is_forgotten() {
        let hub = Hub::default();
        drop(hub.join());
        assert_eq!(hub.observers(), 0);
        let observer = hub.join();
        hub.send(&published(1));
        assert_eq!(lock(&hub.queues).len(), 1);
        assert_eq!(next(&observer).await, published(1));
    }
}
