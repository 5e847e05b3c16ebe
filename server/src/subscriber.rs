//! A subscriber of a topic: a place in its history, and what is to be told next.
//!
//! This says *what* is written to a subscriber; who writes it (an SSE body, a socket) is another
//! matter. A subscriber holds no events, only the last id that it was given. One that is slow costs
//! no memory; if history lets go of what it has not read, it is told a gap.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use standby_transport::{EncodedEvent, Epoch, Frame, Gap, Hello, Position, Replay};
use tokio::sync::futures::OwnedNotified;

use crate::topics::TopicUse;

/// A cursor in a topic's history.
pub struct Subscriber {
    topic: TopicUse,
    /// The last id that it was given, or told to be gone.
    last_id: u64,
    /// The topic's life as the subscriber was told it.
    epoch: Option<Epoch>,
    /// A gap between the position that it came with and what history holds.
    gap: Option<Gap>,
    /// Completes when there may be more. Made before each look into history, so that nothing can
    /// come between the look and the wait.
    news: Pin<Box<OwnedNotified>>,
}

/// What a subscriber is told, in this order.
#[derive(Debug)]
pub enum Delivery {
    /// The topic came to life, and this is its epoch; or events are gone.
    Frame(Frame),
    /// An event. Its text was made once, for all subscribers.
    Event(Arc<EncodedEvent>),
}

impl Subscriber {
    /// Begins at a position, or with what is published from now on. The frame says where this
    /// connection goes on from: a hello, or a reset in its place.
    #[must_use]
    pub fn open(topic: TopicUse, after: Option<&Position>) -> (Self, Frame) {
        let news = Box::pin(topic.news());
        let replay = topic.read_fresh(|history| match history {
            Some(history) => history.replay(after),
            None => Replay::unborn(after),
        });
        let opening = replay.opening();
        let (epoch, gap) = (replay.epoch().cloned(), replay.gap());
        (Self { topic, last_id: replay.cursor(), epoch, gap, news }, opening)
    }

    /// The topic's life as this subscriber was told it: what an event's `id:` begins with.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &TopicUse {
        &self.topic
    }

    /// What comes next, as soon as there is something.
    pub async fn next(&mut self) -> Delivery {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The same, for whoever is polled itself.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Delivery> {
        loop {
            if let Some(delivery) = self.take() {
                return Poll::Ready(delivery);
            }
            ready!(self.news.as_mut().poll(cx));
            self.news.set(self.topic.news());
        }
    }

    // ANCHOR: take
    /// What comes next, if there is something now.
    fn take(&mut self) -> Option<Delivery> {
        if let Some(gap) = self.gap.take() {
            return Some(Delivery::Frame(Frame::Gap(gap)));
        }
        let Self { topic, last_id, epoch, .. } = self;
        topic.read(|history| {
            let history = history?;
            if epoch.is_none() {
                *epoch = Some(history.epoch().clone());
                return Some(Delivery::Frame(Frame::Hello(Hello {
                    epoch: epoch.clone(),
                    last_id: *last_id,
                })));
            }
            // History goes on while a slow subscriber reads. What it missed is told, not skipped.
            if let Some(gap) = history.gap_after(*last_id) {
                *last_id = gap.to;
                return Some(Delivery::Frame(Frame::Gap(gap)));
            }
            let event = history.after(*last_id).next()?;
            *last_id = event.id();
            Some(Delivery::Event(Arc::clone(event)))
        })
    }
    // ANCHOR_END: take
}

impl Delivery {
    /// As a WebSocket's frame carries it.
    #[must_use]
    pub fn json(&self) -> Bytes {
        match self {
            Self::Frame(frame) => frame.to_json().into(),
            Self::Event(event) => Bytes::from_owner(Json(Arc::clone(event))),
        }
    }

    /// As an event stream carries it; `epoch` is the subscriber's.
    #[must_use]
    pub fn sse(&self, epoch: Option<&Epoch>) -> Bytes {
        match self {
            Self::Frame(frame) => frame.to_sse(epoch).into(),
            Self::Event(event) => Bytes::from_owner(Sse(Arc::clone(event))),
        }
    }
}

/// Bytes that are counted references to an event's text, so that no subscriber has a copy.
struct Json(Arc<EncodedEvent>);

impl AsRef<[u8]> for Json {
    fn as_ref(&self) -> &[u8] {
        self.0.json().as_bytes()
    }
}

/// The same, as an event stream has it.
struct Sse(Arc<EncodedEvent>);

impl AsRef<[u8]> for Sse {
    fn as_ref(&self) -> &[u8] {
        self.0.sse().as_bytes()
    }
}
