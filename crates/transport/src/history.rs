//! What a server keeps of a topic so that a subscriber can come back: the last events, numbered,
//! and the rules by which a position is turned into what follows it.
//!
//! Nothing that is asked for is left out in silence. For each position a [`Replay`] says either
//! "these events follow" or what is missing: a **gap** (history no longer holds them) or a **reset**
//! (the position belongs to another life of the topic).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::encode::EncodedEvent;
use crate::event::{Frame, Gap, Hello, Reset};
use crate::position::{Epoch, Position};

/// How much a history holds. The oldest events go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events at most.
    pub events: usize,
    /// Bytes of encoded events and their keys at most. The newest event is held even if it alone is
    /// larger: a topic whose every event is gone before anyone reads it would be of no use.
    pub bytes: usize,
    /// An event of this age is let go, in milliseconds.
    pub age_ms: u64,
}

impl Default for Limits {
    /// 1,000 events, 4 MiB, 1 hour.
    fn default() -> Self {
        Self { events: 1_000, bytes: 4 << 20, age_ms: 3_600_000 }
    }
}

/// One life of a topic: its epoch and its last events.
///
/// A topic that nobody has published to has no history; see [`Replay::unborn`].
#[derive(Clone, Debug)]
pub struct History {
    epoch: Epoch,
    limits: Limits,
    /// The held events. Their ids have no holes (only the front is ever let go), so the event `id`
    /// stands at `id - first_id()`: a reader needs no more than the last id that it has seen.
    held: VecDeque<Slot>,
    /// The id of the newest event, held or not; 0 before the first.
    last_id: u64,
    bytes: usize,
    /// The ids of held events by the key that they were published with.
    keys: HashMap<Arc<str>, u64>,
}

#[derive(Clone, Debug)]
struct Slot {
    event: Arc<EncodedEvent>,
    key: Option<Arc<str>>,
}

impl Slot {
    fn bytes(&self) -> usize {
        self.event.bytes() + self.key.as_ref().map_or(0, |key| key.len())
    }
}

/// What a publisher is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The event's number.
    pub id: u64,
    /// When the server took it, in milliseconds since 1970.
    pub published_at: u64,
    /// It had been published before, with the same key; nothing was published now.
    pub repeated: bool,
}

impl History {
    /// The beginning of a life. The caller picks an epoch that no earlier life of the topic had.
    #[must_use]
    pub fn new(epoch: Epoch, limits: Limits) -> Self {
        Self { epoch, limits, held: VecDeque::new(), last_id: 0, bytes: 0, keys: HashMap::new() }
    }

    // ANCHOR: publish
    /// Takes an event in and gives it the next number.
    ///
    /// A publisher that never saw its answer can't know whether its request arrived, and browsers
    /// resend a cut one by themselves. With a `key` both are safe: while history holds the event of
    /// that key, the answer is that event's, and nothing is published.
    pub fn publish(&mut self, data: &RawValue, key: Option<&str>, now_ms: u64) -> Receipt {
        self.expire(now_ms);
        if let Some(event) = key.and_then(|key| self.keys.get(key)).and_then(|id| self.get(*id)) {
            return Receipt { id: event.id(), published_at: event.published_at(), repeated: true };
        }
        self.last_id += 1;
        let event = Arc::new(EncodedEvent::new(&self.epoch, self.last_id, data, now_ms));
        let key = key.map(Arc::from);
        if let Some(key) = &key {
            self.keys.insert(Arc::clone(key), self.last_id);
        }
        let slot = Slot { event, key };
        self.bytes += slot.bytes();
        self.held.push_back(slot);
        while self.held.len() > 1 && (self.held.len() > self.limits.events || self.bytes > self.limits.bytes)
        {
            self.drop_oldest();
        }
        Receipt { id: self.last_id, published_at: now_ms, repeated: false }
    }
    // ANCHOR_END: publish

    // ANCHOR: replay
    /// What a subscriber at `after` is to be told.
    pub fn replay(&self, after: Option<&Position>) -> Replay {
        let epoch = Some(self.epoch.clone());
        let Some(after) = after else {
            // It has no position: it gets what is published from now on.
            return Replay { epoch, last_id: self.last_id, is_reset: false, gap: None };
        };
        // A dead epoch, or an id that this life has not reached. Without an epoch an id of a dead
        // life may be small enough to pass for one of this life, which is why clients name it.
        let other_life = after.epoch.as_ref().is_some_and(|epoch| *epoch != self.epoch);
        if other_life || after.id > self.last_id {
            // No gap is told: what the dead life held can't be counted in the numbers of this one.
            return Replay { epoch, last_id: self.first_id() - 1, is_reset: true, gap: None };
        }
        Replay { epoch, last_id: after.id, is_reset: false, gap: self.gap_after(after.id) }
    }

    /// What is missing between the last id that a subscriber has and the oldest event held. Ask
    /// before each read: a subscriber that is too slow falls out of history on an open stream too.
    #[must_use]
    pub fn gap_after(&self, id: u64) -> Option<Gap> {
        let (from, to) = (id.saturating_add(1), self.first_id() - 1);
        (from <= to).then_some(Gap { from, to })
    }

    /// The held events after `id`, oldest first. Whoever reads keeps nothing but the last id.
    pub fn after(&self, id: u64) -> impl ExactSizeIterator<Item = &Arc<EncodedEvent>> {
        let skip = id.saturating_add(1).saturating_sub(self.first_id());
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.held.len());
        self.held.range(skip..).map(|slot| &slot.event)
    }
    // ANCHOR_END: replay

    /// The event of that number, while it is held.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Arc<EncodedEvent>> {
        let at = id.checked_sub(self.first_id())?;
        self.held.get(usize::try_from(at).ok()?).map(|slot| &slot.event)
    }

    /// Lets go of what is too old. Events stand in the order of their numbers, so where the clock
    /// stepped back an old one may wait behind one with a later time; count and bytes still bound it.
    pub fn expire(&mut self, now_ms: u64) {
        while self.expires_at().is_some_and(|at| at <= now_ms) {
            self.drop_oldest();
        }
    }

    /// When the oldest event's time is up, in milliseconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        let oldest = self.held.front()?;
        Some(oldest.event.published_at().saturating_add(self.limits.age_ms))
    }

    /// Lets go of the oldest event, and says how many bytes that freed; `None` if nothing is held.
    pub fn drop_oldest(&mut self) -> Option<usize> {
        let slot = self.held.pop_front()?;
        if let Some(key) = &slot.key {
            self.keys.remove(key);
        }
        self.bytes -= slot.bytes();
        Some(slot.bytes())
    }

    /// The name of this life.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// The number of the newest event; 0 before the first.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.last_id
    }

    /// The number of the oldest event that is held; where none is, of the next to come.
    #[must_use]
    pub fn first_id(&self) -> u64 {
        self.held.front().map_or(self.last_id + 1, |slot| slot.event.id())
    }

    /// How many events are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Bytes held, of encoded events and their keys.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The body of an answer to a poll.
    #[must_use]
    pub fn answer(&self, after: Option<&Position>, bounds: &AnswerBounds) -> PollAnswer {
        let replay = self.replay(after);
        replay.answer(self.after(replay.cursor()), bounds)
    }
}

/// Where a subscription goes on from, and what it has to be told first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    epoch: Option<Epoch>,
    last_id: u64,
    is_reset: bool,
    gap: Option<Gap>,
}

impl Replay {
    /// On a topic that nobody has published to. Its last id is 0, and no epoch is alive: a position
    /// with an epoch, or past 0, belongs to another life and gets a reset. The reset has no epoch
    /// either; a client that takes it over stands at `0` and is told no reset the next time.
    #[must_use]
    pub fn unborn(after: Option<&Position>) -> Self {
        let is_reset = after.is_some_and(|after| after.epoch.is_some() || after.id > 0);
        Self { epoch: None, last_id: 0, is_reset, gap: None }
    }

    /// What a stream says first: a hello, or the reset in its place. A gap, if there is one, comes
    /// next, then the events after [`Replay::cursor`].
    #[must_use]
    pub fn opening(&self) -> Frame {
        match self.reset() {
            Some(reset) => Frame::Reset(reset),
            None => Frame::Hello(Hello { epoch: self.epoch.clone(), last_id: self.last_id }),
        }
    }

    /// The position asked for belongs to another life of the topic.
    #[must_use]
    pub fn reset(&self) -> Option<Reset> {
        self.is_reset.then(|| Reset { epoch: self.epoch.clone(), last_id: self.last_id })
    }

    /// What was asked for and is no longer held.
    #[must_use]
    pub fn gap(&self) -> Option<Gap> {
        self.gap
    }

    /// The topic's life; `None` where it has none yet.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The id before the first event that follows.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.gap.map_or(self.last_id, |gap| gap.to)
    }

    /// The body of an answer to a poll, with the first of `events` (those after
    /// [`Replay::cursor`]) that fit: one at least, or a subscriber could never get past a large one.
    #[must_use]
    pub fn answer<'a>(
        &self,
        events: impl Iterator<Item = &'a Arc<EncodedEvent>>,
        bounds: &AnswerBounds,
    ) -> PollAnswer {
        let mut last_id = self.cursor();
        let mut list = String::new();
        for event in events.take(bounds.events.max(1)) {
            if !list.is_empty() {
                if list.len() + 1 + event.json().len() > bounds.bytes {
                    break;
                }
                list.push(',');
            }
            list.push_str(event.json());
            last_id = event.id();
        }
        let has_news = self.is_reset || self.gap.is_some() || !list.is_empty();
        let epoch = self.epoch.as_ref().map_or("null".to_owned(), |epoch| format!("\"{epoch}\""));
        let gap = self
            .gap
            .map_or(String::new(), |gap| format!(",\"gap\":{{\"from\":{},\"to\":{}}}", gap.from, gap.to));
        let reset = self.reset().map_or(String::new(), |reset| {
            format!(",\"reset\":{{\"epoch\":{epoch},\"last_id\":{}}}", reset.last_id)
        });
        let json = format!("{{\"epoch\":{epoch}{gap}{reset},\"events\":[{list}],\"last_id\":{last_id}}}");
        let position = Position { epoch: self.epoch.clone(), id: last_id };
        PollAnswer { json, position, has_news }
    }
}

/// How much one answer to a poll may carry. What does not fit comes with the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerBounds {
    /// Events at most.
    pub events: usize,
    /// Bytes of their JSON at most, unless the first alone is larger.
    pub bytes: usize,
}

impl Default for AnswerBounds {
    /// 1,000 events, 1 MiB.
    fn default() -> Self {
        Self { events: 1_000, bytes: 1 << 20 }
    }
}

/// An answer to a poll, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollAnswer {
    /// The body: an [`crate::Answer`] as JSON.
    pub json: String,
    /// Where whoever gets it stands then.
    pub position: Position,
    /// It has an event, a gap or a reset. A long poll is held until there is one; a conditional poll
    /// without any is answered 304.
    pub has_news: bool,
}

impl PollAnswer {
    /// The entity tag that names the answer (RFC 9110 §8.8.3): `"k3f9:17"`, with its quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.position)
    }
}
