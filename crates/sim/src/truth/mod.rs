//! Holding the model against a live run.
//!
//! Both run the same script. A script goes on by what has happened, not by the clock: after each step
//! it waits until everything has come to [rest](at_rest). So a busy machine changes nothing, and what
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
//! - `script.rs`: what is done to both;
//! - `outcome.rs`: what came out, and in what two runs differ.

mod outcome;
mod script;

use standby_trace::Clock;
use standby_trace::recorder::Recorder;
use standby_trace::scenario::{Fault, Transport};
use standby_trace::tap::ToObserver;
use standby_trace::trace::{Kind, MarkKind, Message, Span, SpanKind, Trace};

use crate::world::{Profile, Told, World};
pub use outcome::{Messages, Outcome, differences, outcomes};
pub use script::{FAULT_MS, Script, Step};

/// The model has come to rest within this, or never will.
const PATIENCE_US: i64 = 120_000_000;

/// What has been done by now, and must have had its effect before a run is at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The lanes are to run.
    pub runs: bool,
    /// How often they were started.
    pub starts: usize,
    /// The last event's id.
    pub last_id: u64,
    /// How often all connections were hit at once.
    pub hits: usize,
}

impl Done {
    /// Takes in one of [`Step::each`].
    pub fn did(&mut self, step: &Step) {
        match step {
            Step::Start => (self.runs, self.starts) = (true, self.starts + 1),
            Step::LetGo => self.runs = false,
            Step::Publish(_) => self.last_id += 1,
            Step::Fault(Fault::Drop { .. } | Fault::HalfOpen { .. }) => self.hits += 1,
            Step::Fault(_) | Step::Together(_) => {}
        }
    }
}

/// When all connections were hit at once, as far as it was told: only such a fault has a mark of no
/// lane that says how many it met.
fn hits_told(trace: &Trace) -> impl Iterator<Item = i64> {
    let hit = |text: &str| text.contains(" connection") && !text.starts_with("the ");
    let told = trace.marks.iter().filter(move |mark| {
        mark.lane.is_none() && matches!(&mark.kind, MarkKind::Note { text } if hit(text))
    });
    told.map(|mark| mark.at.at_us)
}

/// How many faults the server has told of. What a script does after a fault must not overtake it.
#[must_use]
pub fn faults_told(trace: &Trace) -> usize {
    hits_told(trace).count() + trace.spans.iter().filter(|span| span.kind == SpanKind::Fault).count()
}

/// Whether nothing goes on any more until somebody does something; why not, otherwise. Of a run that
/// was let go nothing is known.
///
/// # Errors
/// What is still awaited, in words for whoever looks for what hangs.
pub fn at_rest(trace: &Trace, done: Done) -> Result<(), String> {
    let Done { last_id, hits, starts, .. } = done;
    let at_us: Vec<i64> = hits_told(trace).collect();
    if at_us.len() < hits {
        return Err("the fault is not told yet".to_owned());
    }
    let since_us = at_us.iter().copied().max().unwrap_or(i64::MIN);
    for (index, spec) in trace.scenario.lanes.iter().enumerate() {
        let lane = u16::try_from(index).unwrap_or(u16::MAX);
        let asked = trace
            .messages
            .iter()
            .filter(|message| message.lane == lane && message.kind == Kind::Request && !message.by_browser);
        if asked.count() < starts {
            return Err(format!("{} has not asked again", trace.scenario.sub(index)));
        }
        lane_at_rest(trace, index, spec.transport(), last_id, since_us)
            .map_err(|why| format!("{}: {why}", trace.scenario.sub(index)))?;
    }
    Ok(())
}

/// `since_us`: what was open before is dead.
fn lane_at_rest(
    trace: &Trace,
    index: usize,
    transport: Transport,
    last_id: u64,
    since_us: i64,
) -> Result<(), String> {
    let lane = u16::try_from(index).unwrap_or(u16::MAX);
    let messages = || trace.messages.iter().filter(move |message| message.lane == lane && !message.lost);
    let spans = |kind: SpanKind| {
        trace
            .spans
            .iter()
            .filter(move |span| span.lane == Some(lane) && span.kind == kind && span.to.is_none())
    };
    let Some(last) = messages().rfind(|message| message.kind == Kind::Request) else {
        return Err("has not asked yet".to_owned());
    };
    let gave_up = trace
        .marks
        .iter()
        .rfind(|mark| mark.lane == Some(lane) && matches!(mark.kind, MarkKind::GaveUp { .. }));
    if gave_up.is_some_and(|mark| mark.at.at_us >= last.first_us()) {
        return Ok(());
    }
    // What was sent into a dead connection nobody tells of.
    let untold = |message: &&Message| {
        message.payload_bytes + message.overhead_bytes == 0 && !goes_by_the_clock(message.kind)
    };
    if let Some(message) = messages().find(untold) {
        return Err(format!("the bytes of this message are not told yet: {message:?}"));
    }
    if transport == Transport::ShortPoll {
        let answered = messages().any(|message| {
            message.n == last.n
                && matches!(message.kind, Kind::Answer | Kind::Refusal)
                && message.client.is_some()
        });
        let cut = trace.marks.iter().any(|mark| {
            mark.lane == Some(lane)
                && matches!(mark.kind, MarkKind::Cut { .. })
                && mark.at.at_us >= last.first_us()
        });
        return if answered || cut { Ok(()) } else { Err("is not answered yet".to_owned()) };
    }
    let delivered = messages().filter(|message| message.client.is_some()).flat_map(|m| m.events.iter());
    if delivered.max().copied().unwrap_or(0) < last_id {
        return Err(format!("event {last_id} has not arrived"));
    }
    let holds = |span: &&Span| span.server_to.is_none() && span.from.at_us >= last.first_us().max(since_us);
    match transport {
        Transport::LongPoll if spans(SpanKind::Held).any(|span| holds(&span)) => Ok(()),
        Transport::LongPoll => Err("is not held".to_owned()),
        _ => {
            let opened = messages()
                .any(|message| message.kind == Kind::Open && message.n == last.n && message.client.is_some());
            let open = spans(SpanKind::Open).any(|span| span.from.at_us >= since_us)
                && spans(SpanKind::Waiting).next().is_none();
            if opened && open { Ok(()) } else { Err("is not open".to_owned()) }
        }
    }
}

/// Runs a script in the model, with a browser's headers and the live run's topic; returns its trace.
///
/// # Errors
/// After which step it never came to rest, and what was awaited.
pub fn run(script: &Script, profile: &Profile, topic: &str, began_at_ms: u64) -> Result<Trace, String> {
    let mut world = World::new(&script.scenario, profile, topic, began_at_ms);
    let mut recorder = Recorder::new(script.scenario.clone(), began_at_ms);
    let mut clock = Clock::default();
    let mut done = Done::default();
    for step in &script.steps {
        for step in step.each() {
            done.did(step);
            match step {
                Step::Start => world.start(),
                Step::LetGo => world.let_go(),
                Step::Publish(data) => world.publish(data),
                Step::Fault(fault) => world.fault(fault),
                Step::Together(_) => {}
            }
        }
        let give_up_us = world.now_us() + PATIENCE_US;
        let mut until_us = world.now_us();
        loop {
            let mut told = Vec::new();
            world.advance(until_us, &mut told);
            for (at_us, told) in told {
                record(&mut recorder, &mut clock, at_us, &told);
            }
            recorder.advance(until_us);
            let rests = if done.runs { at_rest(recorder.trace(), done) } else { let_go(&world, step) };
            match rests {
                Ok(()) => break,
                Err(why) if until_us > give_up_us => return Err(format!("after {step:?}: {why}")),
                Err(_) => {}
            }
            // What is done without an observer, an event that is published, takes its time too.
            until_us = world.next_us().unwrap_or(until_us).max(until_us + 1_000);
        }
    }
    Ok(recorder.trace().clone())
}

/// While nobody looks, an event is published when the model has nothing more to do at once.
fn let_go(world: &World, step: &Step) -> Result<(), String> {
    let busy = matches!(step, Step::Publish(_))
        && world.next_us().is_some_and(|next_us| next_us < world.now_us() + 1_000_000);
    if busy { Err("the event is on its way".to_owned()) } else { Ok(()) }
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
    fn scripts_by_chance_come_to_rest() {
        for seed in 1..=40 {
            model(&Script::random(seed));
        }
    }
}
