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
//! - how often someone asked while nobody could answer ([`Outcome::turned_away`]): where a fault lasts
//!   for a while, any number from 1 to what the waits allow is right, and each attempt costs the same.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::recorder::Recorder;
use standby_trace::scenario::{
    Backoff, Conditions, Fault, LaneSpec, Publish, Scenario, Spread, SseClient, Transport, VERSION, What,
};
use standby_trace::tap::ToObserver;
use standby_trace::trace::{Direction, Kind, MarkKind, Message, Span, SpanKind, Trace};
use standby_trace::{Clock, Ledger};

use crate::world::{Profile, Told, World};

/// How long a fault of a script lasts that lasts: what the widget's buttons do.
pub const FAULT_MS: u32 = 5_000;
/// A poller that asks so seldom asks once each time it is started.
const SELDOM_MS: u32 = 60_000;
/// The model has come to rest within this, or never will.
const PATIENCE_US: i64 = 120_000_000;

/// What is done to both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The lanes connect.
    Start,
    /// The lanes let go of their connections.
    LetGo,
    /// An event is published; its data as JSON.
    Publish(String),
    /// Something goes wrong.
    Fault(Fault),
    /// All of these at once, before anything has come to rest.
    Together(Vec<Step>),
}

impl Step {
    /// What is done in this step.
    #[must_use]
    pub fn each(&self) -> &[Self] {
        match self {
            Self::Together(steps) => steps,
            step => std::slice::from_ref(step),
        }
    }
}

/// A scenario and what is done with it, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it shows.
    pub name: String,
    /// What is run. Nothing in it goes by the clock.
    pub scenario: Scenario,
    /// What is done, each when everything has come to rest after the one before.
    pub steps: Vec<Step>,
}

impl Script {
    /// Each transport through each fault.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let faults = [
            ("nothing goes wrong", None),
            ("all connections are dropped", Some(Fault::Drop { sub: None })),
            ("new requests are refused", Some(Fault::Refuse { sub: None, for_ms: FAULT_MS })),
            ("nothing is answered", Some(Fault::Stall { sub: None, for_ms: FAULT_MS })),
            (
                "the server is unavailable",
                Some(Fault::Unavailable { sub: None, for_ms: FAULT_MS, retry_after_s: None }),
            ),
            ("connections go dead", Some(Fault::HalfOpen { sub: None })),
        ];
        let script = |(name, fault): (&str, Option<Fault>)| {
            let mut steps = vec![Step::Start, publish(1), publish(2)];
            // A dead connection is found by whoever minds its silence.
            let silence_ms = if matches!(fault, Some(Fault::HalfOpen { .. })) { 2_000 } else { 0 };
            if matches!(fault, Some(Fault::Drop { .. } | Fault::HalfOpen { .. }) | None) {
                steps.extend(fault.map(Step::Fault));
            } else {
                // These meet whoever comes while they last.
                let meet = fault.map(Step::Fault).into_iter().chain([Step::LetGo, Step::Start]);
                steps.push(Step::Together(meet.collect()));
            }
            steps.extend([publish(3), Step::LetGo, publish(4), publish(5), Step::Start, publish(6)]);
            let lanes = match silence_ms {
                // A long poll's and an EventSource's end can't be told that they are dead.
                2_000 => vec![short_poll(false), websocket(silence_ms), sse(SseClient::Fetch, silence_ms)],
                _ => vec![
                    short_poll(false),
                    short_poll(true),
                    long_poll(),
                    websocket(0),
                    sse(SseClient::EventSource, 0),
                    sse(SseClient::Fetch, 0),
                ],
            };
            // Six connections an origin, over HTTP/1.1: with three held ones there is room.
            Self { name: name.to_owned(), scenario: scenario(lanes, 1), steps }
        };
        let mut all: Vec<Self> = faults.into_iter().map(script).collect();
        // What is published while nobody can come back is recovered from history.
        let away = Step::Together(vec![
            Step::Fault(Fault::Refuse { sub: None, for_ms: FAULT_MS }),
            Step::Fault(Fault::Drop { sub: None }),
            publish(2),
        ]);
        all.push(Self {
            name: "everyone is cut off for a while".to_owned(),
            scenario: scenario(all[0].scenario.lanes.clone(), 1),
            steps: vec![Step::Start, publish(1), away, publish(3), publish(4), publish(5), publish(6)],
        });
        all
    }

    /// Lanes, data and faults by chance; the same seed gives the same script.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut below = |n: u64| random.next_u64() % n;
        let lanes = (0..1 + below(3)).map(|_| match below(6) {
            0 => short_poll(false),
            1 => short_poll(true),
            2 => long_poll(),
            3 => websocket(0),
            4 => sse(SseClient::EventSource, 0),
            _ => sse(SseClient::Fetch, 0),
        });
        let lanes: Vec<LaneSpec> = lanes.collect();
        let mut steps = vec![Step::Start];
        let mut price = 1;
        for _ in 0..3 + below(4) {
            match below(5) {
                0 => steps.push(Step::Fault(Fault::Drop { sub: None })),
                1 => steps.push(Step::Together(vec![
                    Step::Fault(Fault::Unavailable { sub: None, for_ms: FAULT_MS, retry_after_s: None }),
                    Step::LetGo,
                    Step::Start,
                ])),
                2 => steps.extend([Step::LetGo, publish(price), Step::Start]),
                _ => steps.push(publish(10_u64.pow(u32::try_from(below(6)).unwrap_or(0)) + price)),
            }
            price += 1;
        }
        steps.push(publish(price));
        Self { name: format!("by chance, {seed}"), scenario: scenario(lanes, seed), steps }
    }
}

fn scenario(lanes: Vec<LaneSpec>, seed: u64) -> Scenario {
    Scenario {
        v: VERSION,
        lanes,
        publish: Publish { every_ms: 0, spread: Spread::Fixed, what: What::Price },
        conditions: Conditions::default(),
        faults: Vec::new(),
        clients: 1,
        crowd: None,
        seed,
        window_ms: 8_000,
    }
}

fn publish(price: u64) -> Step {
    Step::Publish(format!("{{\"price\":{price}}}"))
}

/// Not so short that the browser's own wait could pass for it.
const BACKOFF: Backoff = Backoff::Fixed { base_ms: 700 };

fn short_poll(conditional: bool) -> LaneSpec {
    LaneSpec::ShortPoll { interval_ms: SELDOM_MS, conditional }
}

fn long_poll() -> LaneSpec {
    LaneSpec::LongPoll { timeout_ms: SELDOM_MS, backoff: BACKOFF }
}

fn websocket(silence_ms: u32) -> LaneSpec {
    LaneSpec::WebSocket { backoff: BACKOFF, send_every_ms: 0, keep_alive_ms: 0, silence_ms }
}

fn sse(client: SseClient, silence_ms: u32) -> LaneSpec {
    LaneSpec::Sse { retry_ms: 700, client, keep_alive_ms: 0, silence_ms }
}

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

/// How many messages of a kind there were, and the bytes that they had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// How many.
    pub count: u64,
    /// Bytes of events' JSON.
    pub payload_bytes: u64,
    /// All others.
    pub overhead_bytes: u64,
    /// The sizes that one of them had: overhead, then payload.
    pub sizes: BTreeSet<(u32, u32)>,
}

// ANCHOR: outcome
/// What came out of a run for one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Messages by direction (to the server first) and kind.
    pub messages: BTreeMap<(bool, &'static str), Messages>,
    /// Answers that brought nothing.
    pub empty: u64,
    /// The ids that were delivered, in order.
    pub delivered: Vec<u64>,
    /// What was recovered: the position that it went on from, the first id and the last.
    pub recovered: Vec<(u64, u64, u64)>,
    /// What was told to be lost: the first id and the last.
    pub lost: Vec<(u64, u64)>,
    /// The lane gave up for good.
    pub gave_up: bool,
    /// Attempts that nobody answered, or that were answered by a refusal.
    pub turned_away: u64,
}
// ANCHOR_END: outcome

/// What came out of a run, lane by lane.
#[must_use]
pub fn outcomes(trace: &Trace) -> Vec<Outcome> {
    let ledgers = Ledger::of(trace);
    (0..trace.scenario.lanes.len())
        .map(|index| {
            let mut outcome = outcome(trace, u16::try_from(index).unwrap_or(u16::MAX));
            outcome.empty = ledgers.get(index).map_or(0, |ledger| ledger.empty);
            outcome
        })
        .collect()
}

fn outcome(trace: &Trace, lane: u16) -> Outcome {
    let mut outcome = Outcome::default();
    let of_lane = || trace.messages.iter().filter(|message| message.lane == lane);
    // How often someone asks whom nobody answers is nobody's choice: of an exchange's requests so many
    // count as have an answer, the last ones. The poll that is held at the end has its answer still to
    // come, as in the other run.
    let mut answers: BTreeMap<u64, usize> = BTreeMap::new();
    for message in of_lane() {
        let answers_it = matches!(message.kind, Kind::Answer | Kind::Open);
        if answers_it && !message.lost && message.client.is_some() {
            *answers.entry(message.n).or_default() += 1;
        }
    }
    let held = trace
        .spans
        .iter()
        .rfind(|span| span.lane == Some(lane) && span.kind == SpanKind::Held && span.to.is_none());
    if let Some(held) = held {
        *answers.entry(held.n).or_default() += 1;
    }
    let mut answered = BTreeSet::new();
    for (number, message) in trace.messages.iter().enumerate().rev() {
        if message.lane == lane
            && message.kind == Kind::Request
            && !message.by_browser
            && let Some(left) = answers.get_mut(&message.n).filter(|left| **left > 0)
        {
            *left -= 1;
            answered.insert(number);
        }
    }
    for (number, message) in trace.messages.iter().enumerate().filter(|(_, message)| message.lane == lane) {
        let asks = message.kind == Kind::Request;
        if message.kind == Kind::Refusal || asks && !answered.contains(&number) {
            outcome.turned_away += u64::from(asks && !message.by_browser);
            continue;
        }
        if message.lost || message.by_browser || goes_by_the_clock(message.kind) {
            continue;
        }
        if message.direction == Direction::ToClient && message.client.is_some() {
            outcome.delivered.extend(&message.events);
        }
        let to_client = message.direction == Direction::ToClient;
        // A request names its number, which counts those that were turned away too.
        let digits = if asks { message.n.checked_ilog10().map_or(1, |tens| tens + 1) } else { 0 };
        let overhead_bytes = message.overhead_bytes.saturating_sub(digits);
        let kind = outcome.messages.entry((to_client, kind_name(message.kind))).or_default();
        kind.count += 1;
        kind.payload_bytes += u64::from(message.payload_bytes);
        kind.overhead_bytes += u64::from(overhead_bytes);
        kind.sizes.insert((overhead_bytes, message.payload_bytes));
    }
    for mark in trace.marks.iter().filter(|mark| mark.lane == Some(lane)) {
        match &mark.kind {
            MarkKind::Gap { from, to } => outcome.lost.push((*from, *to)),
            MarkKind::Recovered { after, from, to } => {
                // Two runs are two lives of a topic: their epochs differ.
                let after = after.rsplit(':').next().and_then(|id| id.parse().ok()).unwrap_or(0);
                outcome.recovered.push((after, *from, *to));
            }
            MarkKind::GaveUp { .. } => outcome.gave_up = true,
            _ => {}
        }
    }
    outcome
}

fn goes_by_the_clock(kind: Kind) -> bool {
    matches!(kind, Kind::Ping | Kind::Pong | Kind::KeepAlive | Kind::Close)
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Answer => "answer",
        Kind::Open => "open",
        Kind::Event => "event",
        Kind::Gap => "gap",
        Kind::Reset => "reset",
        Kind::Send => "send",
        Kind::Publish => "publish",
        Kind::Preflight => "preflight",
        _ => "other",
    }
}

/// In what two runs of one script differ, in words; nothing if they agree.
#[must_use]
pub fn differences(live: &Trace, model: &Trace) -> Vec<String> {
    let mut found = Vec::new();
    for (index, (live_lane, model_lane)) in outcomes(live).iter().zip(&outcomes(model)).enumerate() {
        let sub = live.scenario.sub(index);
        let mut differ = |what: &str, live: String, model: String| {
            if live != model {
                found.push(format!("{sub}, {what}: {live} live, {model} in the model"));
            }
        };
        let kinds: BTreeSet<_> = live_lane.messages.keys().chain(model_lane.messages.keys()).collect();
        for kind in kinds {
            let of = |outcome: &Outcome| {
                let of = outcome.messages.get(kind).cloned().unwrap_or_default();
                format!("{} with {} + {} bytes {:?}", of.count, of.overhead_bytes, of.payload_bytes, of.sizes)
            };
            differ(&format!("messages `{}`", kind.1), of(live_lane), of(model_lane));
        }
        differ("empty answers", live_lane.empty.to_string(), model_lane.empty.to_string());
        differ("delivered", format!("{:?}", live_lane.delivered), format!("{:?}", model_lane.delivered));
        differ("recovered", format!("{:?}", live_lane.recovered), format!("{:?}", model_lane.recovered));
        differ("lost", format!("{:?}", live_lane.lost), format!("{:?}", model_lane.lost));
        differ("gave up", live_lane.gave_up.to_string(), model_lane.gave_up.to_string());
        differ(
            "turned away",
            (live_lane.turned_away > 0).to_string(),
            (model_lane.turned_away > 0).to_string(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
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
