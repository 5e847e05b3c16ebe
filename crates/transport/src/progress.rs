//! What a subscriber has, and what it may therefore be told: each event once and in order, and
//! everything that is missing by name. All four transports keep their position here.

use crate::event::{Answer, Event, Gap, Hello, Reset};
use crate::machine::{Notice, Output};
use crate::position::{Epoch, Position};

/// A position that moves forward only, except at a reset.
///
/// A server that keeps the contract never sends an event twice, never leaves one out in silence and
/// never changes lives without a reset. A proxy that replays, a bug, or another kind of server may.
/// What follows from that is settled here once, so that it is the same on every transport: what came
/// before is dropped, a hole is told as the gap that it is, and another epoch is told as a reset.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    position: Option<Position>,
}

impl Progress {
    pub(crate) fn new(after: Option<Position>) -> Self {
        Self { position: after }
    }

    pub(crate) fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    pub(crate) fn hello(&mut self, hello: &Hello, out: &mut Vec<Output>) {
        out.push(Output::Tell(Notice::Hello(hello.clone())));
        self.enter(hello.epoch.as_ref(), hello.last_id, out);
        // It goes on from later than where we stand: nobody will send what is in between.
        self.reach(hello.last_id, out);
    }

    // ANCHOR: event
    /// An event is told if it is the next one. If it is an earlier one it was told before; if it is a
    /// later one, what is in between is told as missing first.
    ///
    /// `epoch` is the life that the event belongs to, where the transport says so.
    pub(crate) fn event(&mut self, epoch: Option<&Epoch>, event: Event, out: &mut Vec<Output>) {
        let Some(before) = event.id.checked_sub(1) else { return };
        if epoch.is_some() || self.position.is_none() {
            self.enter(epoch, before, out);
        }
        if self.position.as_ref().is_some_and(|have| event.id <= have.id) {
            return; // It was told before.
        }
        self.reach(before, out);
        if let Some(have) = &mut self.position {
            have.id = event.id;
        }
        out.push(Output::Tell(Notice::Event(event)));
    }
    // ANCHOR_END: event

    pub(crate) fn gap(&mut self, epoch: Option<&Epoch>, gap: Gap, out: &mut Vec<Output>) {
        if epoch.is_some() || self.position.is_none() {
            self.enter(epoch, gap.from.saturating_sub(1), out);
        }
        // Counted from where we stand, whatever the gap says that it begins with.
        self.reach(gap.to, out);
    }

    pub(crate) fn reset(&mut self, reset: Reset, out: &mut Vec<Output>) {
        self.position = Some(Position { epoch: reset.epoch.clone(), id: reset.last_id });
        out.push(Output::Tell(Notice::Reset(reset)));
    }

    /// Takes a poll's answer in; false if there was no news in it.
    pub(crate) fn answer(&mut self, answer: Answer, out: &mut Vec<Output>) -> bool {
        let told = out.len();
        let epoch = answer.epoch.as_ref();
        if let Some(reset) = answer.reset {
            self.reset(reset, out);
        }
        let goes_on_from = match (&answer.gap, answer.events.first()) {
            (Some(gap), _) => gap.from.saturating_sub(1),
            (None, Some(event)) => event.id.saturating_sub(1),
            (None, None) => answer.last_id,
        };
        self.enter(epoch, goes_on_from, out);
        if let Some(gap) = answer.gap {
            self.gap(epoch, gap, out);
        }
        for event in answer.events {
            self.event(epoch, event, out);
        }
        self.reach(answer.last_id, out);
        out.len() > told
    }

    /// What comes belongs to this life of the topic and follows `last_id`.
    fn enter(&mut self, epoch: Option<&Epoch>, last_id: u64, out: &mut Vec<Output>) {
        match &mut self.position {
            // Nobody has said yet where we stand: this is where.
            None => self.position = Some(Position { epoch: epoch.cloned(), id: last_id }),
            // Until now we had a bare number, or a topic without a life: this is its name.
            Some(have) if have.epoch.is_none() => have.epoch = epoch.cloned(),
            Some(have) if have.epoch.as_ref() == epoch => {}
            Some(_) => self.reset(Reset { epoch: epoch.cloned(), last_id }, out),
        }
    }

    /// Nothing up to `id` will come any more.
    fn reach(&mut self, id: u64, out: &mut Vec<Output>) {
        let Some(have) = &mut self.position else { return };
        if id > have.id {
            let gap = Gap { from: have.id + 1, to: id };
            have.id = id;
            out.push(Output::Tell(Notice::Gap(gap)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Progress {
        Progress::new(Some(text.parse().unwrap()))
    }

    fn epoch(text: &str) -> Option<Epoch> {
        Some(text.parse().unwrap())
    }

    fn event(id: u64) -> Event {
        serde_json::from_str(&format!(r#"{{"id":{id},"data":1,"published_at":1}}"#)).unwrap()
    }

    /// What was told, in short: `+5` an event, `-3..4` a gap, `!k:2` a reset, `hello`.
    fn told(out: &[Output]) -> String {
        let words = out.iter().map(|output| match output {
            Output::Tell(Notice::Event(event)) => format!("+{}", event.id),
            Output::Tell(Notice::Gap(gap)) => format!("-{}..{}", gap.from, gap.to),
            Output::Tell(Notice::Reset(Reset { epoch, last_id })) => {
                format!("!{}:{last_id}", epoch.as_ref().map_or("null", Epoch::as_str))
            }
            Output::Tell(Notice::Hello(_)) => "hello".to_owned(),
            other => format!("{other:?}"),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_event_is_told_once_and_in_order() {
        let (mut progress, mut out) = (at("k:4"), vec![]);
        for id in [5, 5, 4, 6, 0, 6, 7] {
            progress.event(None, event(id), &mut out);
        }
        assert_eq!(told(&out), "+5 +6 +7");
        assert_eq!(progress.position(), Some(&"k:7".parse().unwrap()));
    }

    #[test]
    fn a_hole_that_nobody_told_is_told_as_a_gap() {
        let (mut progress, mut out) = (at("k:4"), vec![]);
        progress.event(None, event(7), &mut out);
        assert_eq!(told(&out), "-5..6 +7");
        out.clear();
        progress.hello(&Hello { epoch: epoch("k"), last_id: 9 }, &mut out);
        assert_eq!(told(&out), "hello -8..9");
    }

    #[test]
    fn another_epoch_that_nobody_told_is_told_as_a_reset() {
        let (mut progress, mut out) = (at("k:4"), vec![]);
        progress.event(epoch("m").as_ref(), event(1), &mut out);
        assert_eq!(told(&out), "!m:0 +1");
        out.clear();
        progress.hello(&Hello { epoch: epoch("n"), last_id: 0 }, &mut out);
        assert_eq!(told(&out), "hello !n:0");
    }

    #[test]
    fn a_gap_is_told_from_where_we_stand() {
        let (mut progress, mut out) = (at("k:4"), vec![]);
        progress.gap(None, Gap { from: 5, to: 6 }, &mut out);
        progress.gap(None, Gap { from: 5, to: 6 }, &mut out);
        progress.gap(None, Gap { from: 9, to: 9 }, &mut out);
        assert_eq!(told(&out), "-5..6 -7..9");
    }

    #[test]
    fn a_topic_without_a_life_gets_its_name_from_the_second_hello() {
        let (mut progress, mut out) = (Progress::new(None), vec![]);
        progress.hello(&Hello { epoch: None, last_id: 0 }, &mut out);
        assert_eq!(progress.position(), Some(&Position::START));
        progress.hello(&Hello { epoch: epoch("k"), last_id: 0 }, &mut out);
        progress.event(None, event(1), &mut out);
        assert_eq!(told(&out), "hello hello +1");
        assert_eq!(progress.position(), Some(&"k:1".parse().unwrap()));
    }

    #[test]
    fn an_answer_moves_the_position_to_its_last_id_and_nothing_past_it_is_skipped() {
        let answer = |json: &str| serde_json::from_str::<Answer>(json).unwrap();
        let (mut progress, mut out) = (Progress::new(None), vec![]);
        assert!(!progress.answer(answer(r#"{"epoch":"k","events":[],"last_id":3}"#), &mut out));
        assert_eq!(progress.position(), Some(&"k:3".parse().unwrap()));
        assert!(!progress.answer(answer(r#"{"epoch":"k","events":[],"last_id":3}"#), &mut out));
        assert!(progress.answer(answer(r#"{"epoch":"k","events":[],"last_id":4}"#), &mut out));
        assert_eq!(told(&out), "-4..4");
        out.clear();
        let reset = r#"{"epoch":"m","reset":{"epoch":"m","last_id":6},"events":[{"id":7,"data":1,"published_at":1}],"last_id":7}"#;
        assert!(progress.answer(answer(reset), &mut out));
        assert_eq!(told(&out), "!m:6 +7");
        out.clear();
        assert!(progress.answer(answer(r#"{"epoch":null,"events":[],"last_id":0}"#), &mut out));
        assert_eq!(told(&out), "!null:0");
        assert_eq!(progress.position(), Some(&Position::START));
    }

    #[test]
    fn the_largest_id_there_is_does_no_harm() {
        let (mut progress, mut out) = (at("k:4"), vec![]);
        progress.event(None, event(u64::MAX), &mut out);
        progress.event(None, event(u64::MAX), &mut out);
        progress.gap(None, Gap { from: u64::MAX, to: 0 }, &mut out);
        progress.gap(None, Gap { from: 0, to: u64::MAX }, &mut out);
        assert_eq!(told(&out), format!("-5..{} +{}", u64::MAX - 1, u64::MAX));
    }
}
