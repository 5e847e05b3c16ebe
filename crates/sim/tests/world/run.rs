//! Running the model and recording what it tells.

use standby_sim::{Profile, Told, World};
use standby_trace::recorder::{Fact, Recorder};
use standby_trace::tap::ToObserver;
use standby_trace::trace::{Kind, Message, Trace};
use standby_trace::{Clock, Scenario};

/// A wall clock's time.
pub(crate) const BEGAN_AT_MS: u64 = 1_795_539_636_000;
/// A topic as the server names them.
pub(crate) const TOPIC: &str = "x-da48331a5af866d696c7a176f7445d98";

/// A run, recorded as a live one is.
pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) recorder: Recorder,
    clock: Clock,
    /// Everything that it told.
    pub(crate) told: Vec<(i64, Told)>,
}

impl Run {
    pub(crate) fn start(scenario: &Scenario) -> Self {
        let mut run = Self::new(scenario, &Profile::chromium());
        run.world.start();
        run
    }

    pub(crate) fn new(scenario: &Scenario, profile: &Profile) -> Self {
        Self {
            world: World::new(scenario, profile, TOPIC, BEGAN_AT_MS),
            recorder: Recorder::new(scenario.clone(), BEGAN_AT_MS),
            clock: Clock::default(),
            told: Vec::new(),
        }
    }

    pub(crate) fn until_ms(&mut self, ms: i64) -> &mut Self {
        self.until_us(ms * 1_000)
    }

    pub(crate) fn until_us(&mut self, until_us: i64) -> &mut Self {
        let mut told = Vec::new();
        self.world.advance(until_us, &mut told);
        for (at_us, told) in &told {
            match told {
                Told::Page { lane, fact } => self.recorder.fact(*lane, fact, *at_us),
                Told::Note(text) => self.recorder.note(text, *at_us),
                Told::Server(record) => {
                    if let ToObserver::Clock { echo, server_us } = *record {
                        self.clock.answer(echo, *at_us, server_us);
                    }
                    self.recorder.tap(record, &self.clock);
                }
            }
        }
        self.recorder.advance(until_us);
        self.told.extend(told);
        self
    }

    pub(crate) fn trace(&self) -> &Trace {
        self.recorder.trace()
    }

    pub(crate) fn facts(&self, lane: usize) -> Vec<&Fact> {
        let of = |told: &&(i64, Told)| matches!(&told.1, Told::Page { lane: other, .. } if *other == lane);
        self.told
            .iter()
            .filter(of)
            .filter_map(|(_, told)| match told {
                Told::Page { fact, .. } => Some(fact),
                _ => None,
            })
            .collect()
    }

    /// The ids that were delivered to a lane, in order.
    pub(crate) fn delivered(&self, lane: usize) -> Vec<u64> {
        let id = |fact: &&Fact| match fact {
            Fact::Event { id, .. } => Some(*id),
            _ => None,
        };
        self.facts(lane).iter().filter_map(id).collect()
    }

    /// The lanes that will not come back by themselves.
    pub(crate) fn gave_up(&self) -> Vec<usize> {
        (0..self.trace().lanes.len()).filter(|&lane| self.world.gave_up(lane).is_some()).collect()
    }

    /// What was published.
    pub(crate) fn published(&self) -> Vec<u64> {
        let id = |told: &(i64, Told)| match told.1 {
            Told::Server(ToObserver::Published { id, .. }) => Some(id),
            _ => None,
        };
        self.told.iter().filter_map(id).collect()
    }

    /// The messages of a kind on a lane.
    pub(crate) fn messages(&self, lane: u16, kind: Kind) -> Vec<&Message> {
        self.trace().messages.iter().filter(|m| m.lane == lane && m.kind == kind).collect()
    }
}

/// A scenario from JSON.
pub(crate) fn scenario(json: &str) -> Scenario {
    Scenario::from_json(json).unwrap()
}
