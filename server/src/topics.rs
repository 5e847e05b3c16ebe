//! Every topic of the server, and the bounds of what they hold together.
//!
//! A topic comes to life with its first event, and then counts against [`Bounds::topics`]. Before
//! that it exists only while someone waits for it, and counts against nothing: those who wait are
//! bounded by their connections.
//!
//! Locks: one for the map of topics, one in each topic. Whoever needs both takes the map's first.
//! Neither is held over an `await`, so they are plain mutexes.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::value::RawValue;
use standby_transport::{AnswerBounds, Epoch, History, Limits, PollAnswer, Position, Receipt, Replay};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::net::TopicNet;

/// How much the server holds of topics. Each is a flag of `standby serve`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Bounds {
    /// Topics; at this many the one that was idle longest makes room
    #[arg(long = "max-topics", value_name = "N", default_value_t = 1_000)]
    pub topics: usize,
    /// Events that a topic's history holds
    #[arg(long = "history-events", value_name = "N", default_value_t = 1_000)]
    pub history_events: usize,
    /// Bytes that a topic's history holds; the newest event always stays
    #[arg(long = "history-bytes", value_name = "BYTES", default_value_t = 4 << 20)]
    pub history_bytes: usize,
    /// Bytes that all histories hold together
    #[arg(long = "total-bytes", value_name = "BYTES", default_value_t = 64 << 20)]
    pub total_bytes: usize,
    /// How long history holds an event, in milliseconds
    #[arg(long = "history-age-ms", value_name = "MS", default_value_t = 3_600_000)]
    pub history_age_ms: u64,
    /// Events in one answer to a poll; what does not fit comes with the next
    #[arg(long = "answer-events", value_name = "N", default_value_t = 1_000)]
    pub answer_events: usize,
    /// Bytes of events in one answer to a poll, unless the first alone is larger
    #[arg(long = "answer-bytes", value_name = "BYTES", default_value_t = 1 << 20)]
    pub answer_bytes: usize,
}

/// All topics, by name.
pub struct Topics {
    shared: Arc<Shared>,
}

struct Shared {
    bounds: Bounds,
    map: Mutex<Map>,
    /// Bytes that all histories hold. Changed under the lock of the topic that they belong to.
    bytes: AtomicUsize,
    published: AtomicU64,
}

#[derive(Default)]
struct Map {
    entries: HashMap<Arc<str>, Entry>,
    /// How many of them have come to life.
    born: usize,
    /// +1 with each topic that falls idle: orders them without a clock.
    idle_ticks: u64,
}

struct Entry {
    topic: Arc<Topic>,
    /// Requests, streams and experiments that hold it. While there is one it is never let go.
    uses: usize,
    /// Whether it counts against the bound.
    born: bool,
    /// When it was last let go of, in [`Map::idle_ticks`].
    idle_since: u64,
}

/// One topic: its history, those who wait for its next event, and its place in the network.
pub struct Topic {
    name: Arc<str>,
    /// What observers see, and the conditions and faults that act on its requests.
    pub net: TopicNet,
    /// `None` until the first event.
    history: Mutex<Option<History>>,
    /// Wakes everyone who waits. Not a queue for each: a subscriber keeps only its place in the
    /// history, so that a slow one costs no memory and can't hold up the others.
    news: Arc<Notify>,
}

/// A topic in use: while this lives, the topic is not let go to make room for another.
pub struct TopicUse {
    topic: Arc<Topic>,
    shared: Arc<Shared>,
}

/// Every topic is in use and the bound is reached: there is no room for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many topics as the server holds are all in use")
    }
}

impl std::error::Error for Full {}

/// What the topics come to, for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Topics that have come to life.
    pub topics: usize,
    /// Bytes that all histories hold.
    pub history_bytes: usize,
    /// Events published since the server started.
    pub published: u64,
}

impl Topics {
    /// No topics yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let shared = Shared {
            bounds,
            map: Mutex::default(),
            bytes: AtomicUsize::new(0),
            published: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The topic of that name, if it lives or someone waits for it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.shared.map().entries.get(name).map(|entry| Arc::clone(&entry.topic))
    }

    /// The topic of that name, to be used. One that does not live yet uses up no bound until its
    /// first event, so this alone never makes another go.
    ///
    /// # Errors
    /// Far more topics are waited for than connections could; something is wrong.
    pub fn pin(&self, name: &str) -> Result<TopicUse, Full> {
        let mut map = self.shared.map();
        if !map.entries.contains_key(name) {
            // Waiting is bounded by connections. This catches what that misses.
            if map.entries.len() >= self.shared.bounds.topics.saturating_add(MAX_AWAITED) {
                return Err(Full);
            }
            let name: Arc<str> = name.into();
            let topic = Topic {
                name: Arc::clone(&name),
                net: TopicNet::default(),
                history: Mutex::new(None),
                news: Arc::default(),
            };
            let entry = Entry { topic: Arc::new(topic), uses: 0, born: false, idle_since: 0 };
            map.entries.insert(name, entry);
        }
        let entry = map.entries.get_mut(name).ok_or(Full)?;
        entry.uses += 1;
        Ok(TopicUse { topic: Arc::clone(&entry.topic), shared: Arc::clone(&self.shared) })
    }

    /// Answers a poll. A topic that no one has published to is not called into being by it.
    #[must_use]
    pub fn answer(&self, name: &str, after: Option<&Position>) -> PollAnswer {
        let topic = {
            let mut map = self.shared.map();
            let Some(entry) = map.entries.get(name) else {
                return Replay::unborn(after).answer([].into_iter(), &self.shared.bounds.answer());
            };
            let topic = Arc::clone(&entry.topic);
            map.touch(name);
            topic
        };
        self.shared.answer(&topic, after)
    }

    /// Lets go of every event whose time is up. Reading and publishing do it for their own topic;
    /// this is for those that nobody asks for any more.
    pub fn expire(&self) {
        let topics: Vec<_> =
            self.shared.map().entries.values().map(|entry| Arc::clone(&entry.topic)).collect();
        for topic in topics {
            self.shared.expire(&mut topic.history());
        }
    }

    /// What they come to.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            topics: self.shared.map().born,
            history_bytes: self.shared.bytes.load(Ordering::Relaxed),
            published: self.shared.published.load(Ordering::Relaxed),
        }
    }
}

/// Topics that may be waited for without living, as a last resort.
const MAX_AWAITED: usize = 100_000;

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics").field("totals", &self.totals()).finish()
    }
}

impl Topic {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its life and its last id; `None` and 0 before the first event.
    #[must_use]
    pub fn head(&self) -> (Option<Epoch>, u64) {
        let history = self.history();
        (history.as_ref().map(|h| h.epoch().clone()), history.as_ref().map_or(0, History::last_id))
    }

    /// Runs `read` on its history. A subscriber reads through this.
    pub(crate) fn read<T>(&self, read: impl FnOnce(Option<&History>) -> T) -> T {
        read(self.history().as_ref())
    }

    /// Completes with the next event that is published after this call, whether or not it is
    /// awaited by then. So: call this, then look whether there is news, then await it.
    pub(crate) fn news(&self) -> OwnedNotified {
        Arc::clone(&self.news).notified_owned()
    }

    fn history(&self) -> MutexGuard<'_, Option<History>> {
        // A panic while it was held can't leave a history half changed in a way that matters more
        // than going on does.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for TopicUse {
    type Target = Topic;

    fn deref(&self) -> &Topic {
        &self.topic
    }
}

impl TopicUse {
    /// Publishes an event: gives it the next number, puts it into history and wakes all who wait.
    /// With the `key` of an event that history still holds, the answer is that event's and nothing
    /// is published.
    ///
    /// # Errors
    /// This would bring the topic to life, and all others are in use.
    pub fn publish(&self, data: &RawValue, key: Option<&str>) -> Result<Receipt, Full> {
        self.shared.bring_to_life(&self.topic)?;
        let now_ms = now_ms();
        let (receipt, total) = {
            let mut guard = self.topic.history();
            // In use, so it has not been let go since.
            let history = guard.as_mut().ok_or(Full)?;
            let before = history.bytes();
            let receipt = history.publish(data, key, now_ms);
            let total = self.shared.account(before, history.bytes());
            if !receipt.repeated {
                self.shared.published.fetch_add(1, Ordering::Relaxed);
                // Under the lock, so that observers hear of events in their order.
                self.topic.net.published(receipt.id, receipt.published_at, history.epoch().as_str());
            }
            (receipt, total)
        };
        if !receipt.repeated {
            self.topic.news.notify_waiters();
        }
        if total > self.shared.bounds.total_bytes {
            self.shared.make_room_for_bytes(&self.topic);
        }
        Ok(receipt)
    }

    /// Runs `read` on its history, of which nothing is too old.
    pub(crate) fn read_fresh<T>(&self, read: impl FnOnce(Option<&History>) -> T) -> T {
        let mut history = self.topic.history();
        self.shared.expire(&mut history);
        read(history.as_ref())
    }

    /// The answer to a poll of this topic.
    #[must_use]
    pub fn answer(&self, after: Option<&Position>) -> PollAnswer {
        self.shared.answer(&self.topic, after)
    }
}

impl Drop for TopicUse {
    fn drop(&mut self) {
        let mut map = self.shared.map();
        let Some(entry) = map.entries.get_mut(&self.topic.name) else { return };
        entry.uses -= 1;
        if entry.uses == 0 && !entry.born {
            map.entries.remove(&self.topic.name);
        } else {
            map.touch(&self.topic.name);
        }
    }
}

impl Map {
    /// Puts a topic at the end of the queue of those to be let go.
    fn touch(&mut self, name: &str) {
        self.idle_ticks += 1;
        if let Some(entry) = self.entries.get_mut(name) {
            entry.idle_since = self.idle_ticks;
        }
    }

    /// Takes out the topic that was idle longest, of those that `fits`.
    fn take_idle(&mut self, fits: impl Fn(&Topic) -> bool) -> Option<Arc<Topic>> {
        let idle = self.entries.values().filter(|e| e.born && e.uses == 0 && fits(&e.topic));
        let name = Arc::clone(&idle.min_by_key(|entry| entry.idle_since)?.topic.name);
        self.born -= 1;
        self.entries.remove(&name).map(|entry| entry.topic)
    }
}

impl Shared {
    fn map(&self) -> MutexGuard<'_, Map> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the topic's life if it has none. At the bound the topic that was idle longest goes.
    fn bring_to_life(&self, topic: &Topic) -> Result<(), Full> {
        if topic.history().is_some() {
            return Ok(());
        }
        let mut map = self.map();
        // Someone else may have been quicker. Lives begin under the map's lock only.
        if topic.history().is_some() {
            return Ok(());
        }
        if map.born >= self.bounds.topics {
            let idle = map.take_idle(|_| true).ok_or(Full)?;
            self.let_go(&idle);
        }
        map.born += 1;
        if let Some(entry) = map.entries.get_mut(&topic.name) {
            entry.born = true;
        }
        *topic.history() = Some(History::new(new_epoch(), self.bounds.history()));
        Ok(())
    }

    /// All histories together are over their bound: idle topics go, the one that was idle longest
    /// first; with none idle, the oldest events of the topic that was published to.
    fn make_room_for_bytes(&self, publishing: &Topic) {
        let mut map = self.map();
        while self.bytes.load(Ordering::Relaxed) > self.bounds.total_bytes {
            match map.take_idle(|topic| topic.read(|h| h.is_some_and(|h| !h.is_empty()))) {
                Some(idle) => self.let_go(&idle),
                None => break,
            }
        }
        if let Some(history) = publishing.history().as_mut() {
            // The newest stays: whoever reads at once gets it, whatever others hold.
            while history.len() > 1 && self.bytes.load(Ordering::Relaxed) > self.bounds.total_bytes {
                let before = history.bytes();
                history.drop_oldest();
                self.account(before, history.bytes());
            }
        }
    }

    /// Ends a topic's life. It is out of the map already, and nobody uses it.
    fn let_go(&self, topic: &Topic) {
        if let Some(history) = topic.history().take() {
            self.account(history.bytes(), 0);
            tracing::debug!(topic = topic.name(), last_id = history.last_id(), "let go to make room");
        }
    }

    fn answer(&self, topic: &Topic, after: Option<&Position>) -> PollAnswer {
        let mut history = topic.history();
        self.expire(&mut history);
        match &*history {
            Some(history) => history.answer(after, &self.bounds.answer()),
            None => Replay::unborn(after).answer([].into_iter(), &self.bounds.answer()),
        }
    }

    fn expire(&self, history: &mut Option<History>) {
        if let Some(history) = history {
            let before = history.bytes();
            history.expire(now_ms());
            self.account(before, history.bytes());
        }
    }

    /// Takes note that a history has gone from `before` to `after` bytes, and says how many all of
    /// them hold now.
    fn account(&self, before: usize, after: usize) -> usize {
        if after >= before {
            self.bytes.fetch_add(after - before, Ordering::Relaxed) + (after - before)
        } else {
            self.bytes.fetch_sub(before - after, Ordering::Relaxed) - (before - after)
        }
    }
}

impl Bounds {
    fn history(&self) -> Limits {
        Limits { events: self.history_events, bytes: self.history_bytes, age_ms: self.history_age_ms }
    }

    fn answer(&self) -> AnswerBounds {
        AnswerBounds { events: self.answer_events, bytes: self.answer_bytes }
    }
}

/// An epoch that no earlier life had: 12 random characters (62 bits), so that neither a restart nor
/// a clock that was set back can bring one again.
fn new_epoch() -> Epoch {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let text: String =
        crate::random::bytes::<12>().iter().map(|b| char::from(ALPHABET[usize::from(b % 36)])).collect();
    text.parse().expect("12 of a-z 0-9 are an epoch")
}

/// The wall clock, in milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
