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
use standby_transport::{EncodedEvent, Epoch, Frame, Hello, Position, Replay};
use tokio::sync::futures::OwnedNotified;

use crate::topics::TopicUse;

/// A cursor in a topic's history.
pub struct Subscriber {
    topic: TopicUse,
    /// The last id that it was given, or told to be gone.
    last_id: u64,
    /// The topic's life as the subscriber was told it.
    epoch: Option<Epoch>,
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
        // A gap is told when it is read: by then it may be longer.
        let last_id = replay.gap().map_or(replay.cursor(), |gap| gap.from - 1);
        (Self { topic, last_id, epoch: replay.epoch().cloned(), news }, opening)
    }

    /// The topic's life as this subscriber was told it: what an event's `id:` begins with.
    #[must_use]
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The last id that it was given, or told to be gone.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.last_id
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

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::Config;
    use crate::topics::{Bounds, Topics};

    fn topics(history_events: usize) -> Topics {
        Topics::new(Bounds { history_events, ..Config::default().topics })
    }

    fn publish(topics: &Topics, count: usize) {
        let data = RawValue::from_string("0".to_owned()).unwrap();
        let topic = topics.pin("t").unwrap();
        for _ in 0..count {
            topic.publish(&data, None).unwrap();
        }
    }

    /// What it is told now, without waiting: ids, and frames as JSON.
    fn told(subscriber: &mut Subscriber) -> Vec<String> {
        std::iter::from_fn(|| subscriber.take())
            .map(|delivery| match delivery {
                Delivery::Event(event) => event.id().to_string(),
                Delivery::Frame(frame) => frame.to_json(),
            })
            .collect()
    }

    #[test]
    fn a_slow_subscriber_is_told_what_it_missed_and_goes_on() {
        let topics = topics(2);
        publish(&topics, 1);
        let (mut subscriber, _) = Subscriber::open(topics.pin("t").unwrap(), None);
        publish(&topics, 2);
        assert_eq!(told(&mut subscriber), ["2", "3"]);
        publish(&topics, 5);
        assert_eq!(told(&mut subscriber), [r#"{"gap":{"from":4,"to":6}}"#, "7", "8"]);
        assert!(told(&mut subscriber).is_empty());
    }

    #[test]
    fn a_gap_after_the_position_is_told_as_long_as_it_is_when_it_is_read() {
        let topics = topics(2);
        publish(&topics, 4);
        let (mut subscriber, _) = Subscriber::open(topics.pin("t").unwrap(), Some(&Position::START));
        publish(&topics, 2);
        assert_eq!(told(&mut subscriber), [r#"{"gap":{"from":1,"to":4}}"#, "5", "6"]);
    }

    #[test]
    fn a_topic_that_comes_to_life_says_hello_before_its_first_event_even_to_the_slow() {
        let topics = topics(1);
        let (mut subscriber, opening) = Subscriber::open(topics.pin("t").unwrap(), None);
        assert_eq!(opening.to_json(), r#"{"hello":{"epoch":null,"last_id":0}}"#);
        assert!(told(&mut subscriber).is_empty());
        publish(&topics, 3);
        let epoch = topics.get("t").unwrap().head().0.unwrap();
        let hello = format!(r#"{{"hello":{{"epoch":"{epoch}","last_id":0}}}}"#);
        assert_eq!(told(&mut subscriber), [&*hello, r#"{"gap":{"from":1,"to":2}}"#, "3"]);
    }

    #[test]
    fn all_subscribers_are_sent_the_same_bytes() {
        let topics = topics(2);
        let (mut one, _) = Subscriber::open(topics.pin("t").unwrap(), None);
        let (mut other, _) = Subscriber::open(topics.pin("t").unwrap(), None);
        publish(&topics, 1);
        let sent = [&mut one, &mut other].map(|subscriber| {
            subscriber.take().unwrap();
            subscriber.take().unwrap().sse(subscriber.epoch())
        });
        assert_eq!(sent[0].as_ptr(), sent[1].as_ptr());
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_next_event() {
        let topics = Arc::new(topics(2));
        publish(&topics, 1);
        let (mut subscriber, _) = Subscriber::open(topics.pin("t").unwrap(), None);
        let waiting = tokio::spawn(async move {
            let first = subscriber.next().await;
            let second = subscriber.next().await;
            [first, second].map(|delivery| String::from_utf8(delivery.json().to_vec()).unwrap())
        });
        for id in 2..=3 {
            tokio::task::yield_now().await;
            publish(&topics, 1);
            assert_eq!(topics.get("t").unwrap().head().1, id);
        }
        let [first, second] = waiting.await.unwrap();
        assert!(first.starts_with(r#"{"id":2,"#) && second.starts_with(r#"{"id":3,"#), "{first} {second}");
    }
}
