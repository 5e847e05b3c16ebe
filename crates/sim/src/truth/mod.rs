//! Holding the model against a live run.
//!
//! Both run the same script. A script goes on by what has happened, not by the clock: after each step
//! it waits until everything has come to rest. So a busy machine changes nothing, and what
//! is counted must be equal: messages by kind with their bytes, empty answers, what was delivered,
//! recovered and lost.
//!
//! What is left out, because reality is free to differ:
//! - what goes by the clock alone: pings, pongs, comments, and the frames that end a connection which
//!   is let go while the observer leaves too;
//! - what the browser sends again by itself, and messages that were cut on their way: how many they
//!   are is decided by microseconds (no two runs agree);
//! - how often someone asked while nobody could answer ([`Outcome::turned_away`]): whether they did at
//!   all is compared, the number goes by the clock;
//! - whether anybody was turned away after connections went dead: a browser may put the next request on
//!   a kept connection that is dead too, and the choice is its own.
//!
//! - `script.rs`: what is done to both; `course.rs`: what of it is next, by what has happened;
//!   `rest.rs`: when a run has come to rest;
//! - `outcome.rs`: what came out, and in what two runs differ; `times.rs`: in what their times do;
//!   `table.rs`: both for a reader.

mod course;
mod outcome;
mod rest;
mod script;
mod table;
mod times;

use standby_trace::Clock;
use standby_trace::recorder::Recorder;
use standby_trace::scenario::Scenario;
use standby_trace::tap::ToObserver;
use standby_trace::trace::{Kind, Source, Trace};

use crate::world::{Profile, Told, World};
pub use course::{Course, Next};
pub use outcome::{Messages, Outcome, differences, outcomes};
pub use script::{FAULT_MS, Script, Step};
pub use table::{Row, rows};
pub use times::{Ages, Arrival, Spread, Times, arrivals};

/// How many scripts by chance every run of the tests tries, with the seeds from 1.
pub const BY_CHANCE: u64 = 5;

/// The model has come to rest within this, or never will.
const PATIENCE_US: i64 = 120_000_000;

/// Runs a script in the model, with a browser's headers and the live run's topic; returns its trace.
///
/// # Errors
/// After which step it never came to rest, and what was awaited.
pub fn run(script: &Script, profile: &Profile, topic: &str, began_at_ms: u64) -> Result<Trace, String> {
    run_and_tell(script, profile, topic, began_at_ms, &mut |_, _| {})
}

/// The same; `tell` hears how many of the script's steps are over, and since how many microseconds of
/// the run.
///
/// # Errors
/// As for [`run`].
pub fn run_and_tell(
    script: &Script,
    profile: &Profile,
    topic: &str,
    began_at_ms: u64,
    tell: &mut dyn FnMut(usize, i64),
) -> Result<Trace, String> {
    let mut model = Model::new(&script.scenario, profile, topic, began_at_ms);
    let mut course = Course::new(script);
    let (mut last, mut give_up_us) = (None, PATIENCE_US);
    let mut over = 0;
    loop {
        let next = course.next(model.recorder.trace());
        if course.steps_over() > over {
            over = course.steps_over();
            tell(over, model.world.now_us());
        }
        match next {
            Next::Over => return Ok(model.recorder.trace().clone()),
            Next::Do(step) => {
                model.act(&step, course.runs());
                give_up_us = model.world.now_us() + PATIENCE_US;
                last = Some(step);
            }
            Next::Wait(why) if model.world.now_us() > give_up_us => {
                return Err(format!("after {last:?}: {why}"));
            }
            Next::Wait(_) => model.go_on(),
        }
    }
}

/// The trace of a script that has not begun.
#[must_use]
pub fn before(script: &Script) -> Trace {
    Recorder::new(script.scenario.clone(), 0).trace().clone()
}

/// Runs a scenario in the model for so long, as a page without a server does; returns its trace.
#[must_use]
pub fn watch(scenario: &Scenario, profile: &Profile, began_at_ms: u64, for_ms: u32) -> Trace {
    let mut model = Model::new(scenario, profile, "simulated", began_at_ms);
    model.world.start();
    model.advance(i64::from(for_ms) * 1_000);
    model.recorder.trace().clone()
}

/// The model, and the record of what it tells.
struct Model {
    world: World,
    recorder: Recorder,
    clock: Clock,
}

impl Model {
    fn new(scenario: &Scenario, profile: &Profile, topic: &str, began_at_ms: u64) -> Self {
        Self {
            world: World::new(scenario, profile, topic, began_at_ms),
            recorder: Recorder::from(Source::Simulated, scenario.clone(), began_at_ms),
            clock: Clock::default(),
        }
    }

    fn act(&mut self, step: &Step, runs: bool) {
        match step {
            Step::Start => self.world.start(),
            Step::LetGo => self.world.let_go(),
            Step::Publish(data) => self.world.publish(data),
            Step::Fault(fault) => self.world.fault(fault),
            Step::Together(_) => {}
        }
        self.advance(self.world.now_us());
        // While nobody looks, an event is published when there is nothing more to do at once.
        while matches!(step, Step::Publish(_))
            && !runs
            && self.world.next_us().is_some_and(|next_us| next_us < self.world.now_us() + 1_000_000)
        {
            self.go_on();
        }
    }

    /// To the next thing that happens, and a little further.
    fn go_on(&mut self) {
        let now_us = self.world.now_us();
        self.advance(self.world.next_us().unwrap_or(now_us).max(now_us + 1_000));
    }

    fn advance(&mut self, until_us: i64) {
        let mut told = Vec::new();
        self.world.advance(until_us, &mut told);
        for (at_us, told) in told {
            record(&mut self.recorder, &mut self.clock, at_us, &told);
        }
        self.recorder.advance(until_us);
    }
}

/// Writes down what the model tells, as a page writes down what happens to it.
pub fn record(recorder: &mut Recorder, clock: &mut Clock, at_us: i64, told: &Told) {
    match told {
        Told::Page { lane, fact } => recorder.fact(*lane, fact, at_us),
        Told::Note(text) => recorder.note(text, at_us),
        Told::Server(told) => {
            if let ToObserver::Clock { echo, server_us } = *told {
                clock.answer(echo, at_us, server_us);
            }
            recorder.tap(told, clock);
        }
    }
}

fn goes_by_the_clock(kind: Kind) -> bool {
    matches!(kind, Kind::Ping | Kind::Pong | Kind::KeepAlive | Kind::Close)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use standby_trace::scenario::Transport;
    use standby_trace::trace::MarkKind;

    use super::*;

    const BEGAN_AT_MS: u64 = 1_795_539_636_000;

    fn model(script: &Script) -> Trace {
        let topic = "x-da48331a5af866d696c7a176f7445d98";
        run(script, &Profile::chromium(), topic, BEGAN_AT_MS)
            .unwrap_or_else(|why| panic!("{}: {why}", script.name))
    }

    #[test]
    fn every_script_comes_to_rest_in_the_model_and_delivers_everything() {
        for script in Script::all() {
            let trace = model(&script);
            for (index, outcome) in outcomes(&trace).iter().enumerate() {
                let is_stream = script.scenario.lanes[index].transport() != Transport::ShortPoll;
                if is_stream && !outcome.gave_up {
                    let ids: BTreeSet<u64> = outcome.delivered.iter().copied().collect();
                    assert_eq!(ids, (1..=6).collect(), "{}: {}", script.name, script.scenario.sub(index));
                    assert_eq!(ids.len(), outcome.delivered.len(), "{}: doubled", script.name);
                }
            }
            assert_eq!(differences(&trace, &model(&script)), [""; 0], "{}", script.name);
        }
    }

    // ANCHOR: changed
    #[test]
    fn what_was_changed_in_one_run_is_found() {
        let script = &Script::all()[6];
        let trace = model(script);
        let changed = |change: &dyn Fn(&mut Trace)| {
            let mut other = trace.clone();
            change(&mut other);
            differences(&trace, &other)
        };
        let one = |found: Vec<String>| assert_eq!(found.len(), 1, "{found:?}");
        let answer =
            trace.messages.iter().position(|m| m.kind == Kind::Answer && m.events.is_empty()).unwrap();
        one(changed(&|other| other.messages[answer].overhead_bytes += 1));
        let event = trace.messages.iter().rposition(|m| m.kind == Kind::Event).unwrap();
        assert!(!changed(&|other| other.messages[event].lost = true).is_empty());
        assert!(!changed(&|other| drop(other.messages.remove(answer))).is_empty());
        let recovered =
            trace.marks.iter().position(|m| matches!(m.kind, MarkKind::Recovered { .. })).unwrap();
        one(changed(&|other| drop(other.marks.remove(recovered))));
    }
    // ANCHOR_END: changed

    #[test]
    fn the_first_scripts_by_chance_have_every_transport_and_every_fault() {
        let scripts: Vec<Script> = (1..=BY_CHANCE).map(Script::random).collect();
        let lanes = scripts.iter().flat_map(|script| &script.scenario.lanes);
        // A client that minds silence is no other client.
        let kinds: BTreeSet<String> = lanes.map(|lane| format!("{lane:?}").replace("2000", "0")).collect();
        assert_eq!(kinds.len(), 6, "{kinds:#?}");
        let acts = scripts.iter().flat_map(|script| &script.steps).flat_map(Step::each);
        let faults: BTreeSet<_> = acts
            .filter_map(|step| match step {
                Step::Fault(fault) => Some(std::mem::discriminant(fault)).map(|kind| format!("{kind:?}")),
                _ => None,
            })
            .collect();
        assert_eq!(faults.len(), 5, "{scripts:#?}");
        assert!(scripts.iter().all(|script| script.scenario.lanes.len() > 1));
    }

    #[test]
    fn a_row_is_equal_where_nothing_differs_and_tells_what_does() {
        let script = &Script::all()[6];
        let trace = model(script);
        assert!(rows(&trace, &trace).iter().all(|row| row.equal && row.live == row.model));
        let mut other = trace.clone();
        let event = other.messages.iter().rposition(|m| m.kind == Kind::Event).unwrap();
        other.messages[event].overhead_bytes += 1;
        let found: Vec<Row> = rows(&other, &trace).into_iter().filter(|row| !row.equal).collect();
        let [row] = &found[..] else { panic!("{found:?}") };
        assert_eq!((row.live.0, row.live.1), (row.model.0, row.model.1.map(|bytes| bytes + 1)));
    }

    #[test]
    fn an_event_that_came_as_it_was_published_is_told_from_one_that_was_asked_for() {
        let trace = model(&Script::all()[0]);
        let arrivals = arrivals(&trace, &trace);
        // When the two were published that nobody looked at, nobody told.
        assert_eq!(arrivals.len(), 34 - 6 * 2);
        assert!(arrivals.iter().all(|arrival| arrival.live_us == arrival.model_us));
        let at_once: Vec<_> = arrivals.iter().filter(|arrival| arrival.at_once).collect();
        // Four lanes hold a connection, and four of the six events are published while they do.
        assert_eq!(at_once.len(), 16, "{arrivals:#?}");
        // There and back at most, within the model.
        assert!(at_once.iter().all(|arrival| (0..2_000).contains(&arrival.model_us)), "{at_once:#?}");
    }

    #[test]
    fn scripts_by_chance_come_to_rest() {
        for seed in 1..=40 {
            model(&Script::random(seed));
        }
    }
}
