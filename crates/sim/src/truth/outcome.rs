//! What came out of a run, counted, and in what two runs of one script differ.

use std::collections::{BTreeMap, BTreeSet};

use standby_trace::Ledger;
use standby_trace::trace::{Direction, Kind, MarkKind, SpanKind, Trace};

use super::goes_by_the_clock;

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

/// Whether connections went dead: whom a browser turns away then is its own choice.
pub(super) fn went_dead(trace: &Trace) -> bool {
    let dead = |text: &str| text.ends_with(" gone dead");
    trace.marks.iter().any(|mark| matches!(&mark.kind, MarkKind::Note { text } if dead(text)))
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
    let went_dead = went_dead(live);
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
        if !went_dead {
            let was = |outcome: &Outcome| (outcome.turned_away > 0).to_string();
            differ("turned away", was(live_lane), was(model_lane));
        }
    }
    found
}
