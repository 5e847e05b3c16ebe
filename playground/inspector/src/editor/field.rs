//! What can be set, one by one: values that are typed, and choices from a list. Where each stands in
//! a scenario, what it is called, and what its bounds are.

use std::ops::RangeInclusive;

use standby_trace::scenario::{
    Backoff, Fault, LaneSpec, PlannedFault, Scenario, Spread, SseClient, Transport, What, bounds,
};

use super::value::{self, Unit};

/// A value that is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    /// Of a lane.
    Lane(usize, OfLane),
    /// Of a planned fault.
    Fault(usize, OfFault),
    /// The mean time between two events.
    Every,
    /// The delay, each way.
    Latency,
    /// At most this much more.
    Jitter,
    /// Bytes a second.
    Bandwidth,
    /// Of every random choice.
    Seed,
    /// Clients of each lane, itself among them.
    Clients,
    /// What the picture shows.
    Window,
}

/// A lane's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OfLane {
    /// A short poll's interval.
    Interval,
    /// How long a long poll is held.
    Timeout,
    /// The backoff's base.
    Base,
    /// The backoff's cap.
    Cap,
    /// How often a socket's client publishes.
    SendEvery,
    /// The reconnection time that the server sends.
    Retry,
    /// How often the server shows that it is there.
    KeepAlive,
    /// After how long without a sign the client gives a connection up.
    Silence,
}

/// A planned fault's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OfFault {
    /// When it comes.
    At,
    /// How long it lasts.
    For,
    /// `Retry-After`.
    RetryAfter,
}

/// A choice from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pick {
    /// A lane's transport.
    Transport(usize),
    /// Whether a short poll sends `If-None-Match`.
    Conditional(usize),
    /// A lane's kind of backoff.
    Backoff(usize),
    /// Who speaks SSE.
    Client(usize),
    /// What goes wrong.
    Kind(usize),
    /// The lane that a fault is for.
    Whose(usize),
    /// How the times between events spread.
    Spread,
    /// What the events carry.
    What,
}

/// What a field is called, what it counts, and what it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its name beside the field.
    pub(crate) label: &'static str,
    /// What it counts.
    pub(crate) unit: Unit,
    /// Its bounds, each included.
    pub(crate) bounds: RangeInclusive<u64>,
    /// What 0 means, where 0 may stand beside the bounds.
    pub(crate) zero: Option<&'static str>,
}

impl Kind {
    /// The bounds in words: `100 ms to 60 s`, or `50 ms to 600 s, or by hand`.
    pub(crate) fn range(&self) -> String {
        let (least, most) =
            (value::write(*self.bounds.start(), self.unit), value::write(*self.bounds.end(), self.unit));
        match self.zero {
            Some(word) => format!("{least} to {most}, or “{word}”"),
            None => format!("{least} to {most}"),
        }
    }

    /// Whether a value may stand here.
    pub(crate) fn holds(&self, value: u64) -> bool {
        self.bounds.contains(&value) || (value == 0 && self.zero.is_some())
    }

    /// A value as text.
    pub(crate) fn write(&self, value: u64) -> String {
        match self.zero {
            Some(word) if value == 0 => word.to_owned(),
            _ => value::write(value, self.unit),
        }
    }

    /// What was typed as a value.
    ///
    /// # Errors
    /// What to type instead.
    pub(crate) fn read(&self, text: &str) -> Result<u64, String> {
        if self.zero.is_some_and(|word| text.trim().eq_ignore_ascii_case(word)) {
            return Ok(0);
        }
        let value = value::read(text, self.unit)
            .map_err(|why| self.zero.map_or_else(|| why.clone(), |word| format!("{why} Or “{word}”.")))?;
        if self.holds(value) {
            return Ok(value);
        }
        let (says, range) = (value::write(value, self.unit), self.range());
        Err(if value < *self.bounds.start() {
            format!("{says} is too little: {range}.")
        } else {
            format!("{says} is too much: {range}.")
        })
    }
}

fn wide(bounds: &RangeInclusive<u32>) -> RangeInclusive<u64> {
    u64::from(*bounds.start())..=u64::from(*bounds.end())
}

impl Field {
    /// What it is called, counts and may be.
    pub(crate) fn kind(self) -> Kind {
        let time = |label, bounds: &RangeInclusive<u32>, zero| Kind {
            label,
            unit: Unit::Time,
            bounds: wide(bounds),
            zero,
        };
        match self {
            Self::Lane(_, OfLane::Interval) => time("every", &bounds::INTERVAL_MS, None),
            Self::Lane(_, OfLane::Timeout) => time("held up to", &bounds::TIMEOUT_MS, None),
            Self::Lane(_, OfLane::Base) => time("base", &bounds::BACKOFF_MS, None),
            Self::Lane(_, OfLane::Cap) => time("cap", &bounds::BACKOFF_MS, None),
            Self::Lane(_, OfLane::SendEvery) => time("sends every", &bounds::SEND_EVERY_MS, Some("never")),
            Self::Lane(_, OfLane::Retry) => time("retry", &bounds::RETRY_MS, None),
            Self::Lane(_, OfLane::KeepAlive) => time("keep-alive", &bounds::KEEP_ALIVE_MS, Some("default")),
            Self::Lane(_, OfLane::Silence) => time("gives up after", &bounds::SILENCE_MS, Some("never")),
            Self::Fault(_, OfFault::At) => time("at", &bounds::FAULT_AT_MS, None),
            Self::Fault(_, OfFault::For) => time("for", &bounds::FAULT_MS, None),
            Self::Fault(_, OfFault::RetryAfter) => Kind {
                label: "Retry-After",
                unit: Unit::Seconds,
                bounds: 1..=u64::from(u32::MAX),
                zero: Some("none"),
            },
            Self::Every => time("Every", &bounds::EVERY_MS, Some("by hand")),
            Self::Latency => time("Delay, each way", &bounds::LATENCY_MS, None),
            Self::Jitter => time("Jitter, up to", &bounds::LATENCY_MS, None),
            Self::Bandwidth => Kind {
                label: "Bandwidth",
                unit: Unit::Rate,
                bounds: wide(&bounds::BANDWIDTH_BYTES_S),
                zero: Some("no limit"),
            },
            Self::Seed => Kind { label: "Seed", unit: Unit::Count, bounds: bounds::SEED, zero: None },
            Self::Clients => Kind {
                label: "Clients a lane",
                unit: Unit::Count,
                bounds: wide(&bounds::LANE_CLIENTS),
                zero: None,
            },
            Self::Window => time("Picture shows", &bounds::WINDOW_MS, None),
        }
    }

    /// Its value; `None` where the scenario has no such field.
    pub(crate) fn get(self, scenario: &Scenario) -> Option<u64> {
        if self == Self::Seed {
            return Some(scenario.seed);
        }
        // A copy, so that there is one list of places and not two.
        let mut copy = scenario.clone();
        if let Self::Fault(i, OfFault::RetryAfter) = self {
            return match &copy.faults.get(i)?.fault {
                Fault::Unavailable { retry_after_s, .. } => Some(u64::from(retry_after_s.unwrap_or(0))),
                _ => None,
            };
        }
        self.place(&mut copy).map(|place| u64::from(*place))
    }

    /// Sets it; does nothing where the scenario has no such field.
    pub(crate) fn set(self, scenario: &mut Scenario, value: u64) {
        if self == Self::Seed {
            scenario.seed = value;
            return;
        }
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        if let Self::Fault(i, OfFault::RetryAfter) = self {
            if let Some(PlannedFault { fault: Fault::Unavailable { retry_after_s, .. }, .. }) =
                scenario.faults.get_mut(i)
            {
                *retry_after_s = Some(value).filter(|s| *s > 0);
            }
        } else if let Some(place) = self.place(scenario) {
            *place = value;
        }
    }

    fn place(self, scenario: &mut Scenario) -> Option<&mut u32> {
        match self {
            Self::Lane(i, of) => of.place(scenario.lanes.get_mut(i)?),
            Self::Fault(i, of) => {
                let planned = scenario.faults.get_mut(i)?;
                match (of, &mut planned.fault) {
                    (OfFault::At, _) => Some(&mut planned.at_ms),
                    (
                        OfFault::For,
                        Fault::Refuse { for_ms, .. }
                        | Fault::Stall { for_ms, .. }
                        | Fault::Unavailable { for_ms, .. },
                    ) => Some(for_ms),
                    _ => None,
                }
            }
            Self::Every => Some(&mut scenario.publish.every_ms),
            Self::Latency => Some(&mut scenario.conditions.latency_ms),
            Self::Jitter => Some(&mut scenario.conditions.jitter_ms),
            Self::Bandwidth => Some(&mut scenario.conditions.bandwidth_bytes_s),
            Self::Clients => Some(&mut scenario.clients),
            Self::Window => Some(&mut scenario.window_ms),
            Self::Seed => None,
        }
    }
}

impl OfLane {
    fn place(self, lane: &mut LaneSpec) -> Option<&mut u32> {
        match (self, lane) {
            (Self::Interval, LaneSpec::ShortPoll { interval_ms, .. }) => Some(interval_ms),
            (Self::Timeout, LaneSpec::LongPoll { timeout_ms, .. }) => Some(timeout_ms),
            (Self::SendEvery, LaneSpec::WebSocket { send_every_ms, .. }) => Some(send_every_ms),
            (Self::Retry, LaneSpec::Sse { retry_ms, .. }) => Some(retry_ms),
            (
                Self::KeepAlive,
                LaneSpec::WebSocket { keep_alive_ms, .. } | LaneSpec::Sse { keep_alive_ms, .. },
            ) => Some(keep_alive_ms),
            // An EventSource can't be told to give up.
            (
                Self::Silence,
                LaneSpec::WebSocket { silence_ms, .. }
                | LaneSpec::Sse { silence_ms, client: SseClient::Fetch, .. },
            ) => Some(silence_ms),
            (Self::Base, LaneSpec::LongPoll { backoff, .. } | LaneSpec::WebSocket { backoff, .. }) => {
                match backoff {
                    Backoff::Fixed { base_ms }
                    | Backoff::Exponential { base_ms, .. }
                    | Backoff::FullJitter { base_ms, .. }
                    | Backoff::EqualJitter { base_ms, .. }
                    | Backoff::DecorrelatedJitter { base_ms, .. } => Some(base_ms),
                }
            }
            (Self::Cap, LaneSpec::LongPoll { backoff, .. } | LaneSpec::WebSocket { backoff, .. }) => {
                match backoff {
                    Backoff::Fixed { .. } => None,
                    Backoff::Exponential { cap_ms, .. }
                    | Backoff::FullJitter { cap_ms, .. }
                    | Backoff::EqualJitter { cap_ms, .. }
                    | Backoff::DecorrelatedJitter { cap_ms, .. } => Some(cap_ms),
                }
            }
            _ => None,
        }
    }
}

/// Kinds of backoff: a name for the choice, and one for readers.
const BACKOFFS: [(&str, &str); 5] = [
    ("fixed", "fixed"),
    ("exponential", "exponential"),
    ("full-jitter", "full jitter"),
    ("equal-jitter", "equal jitter"),
    ("decorrelated-jitter", "decorrelated jitter"),
];

/// What can go wrong.
const FAULTS: [(&str, &str); 5] = [
    ("drop", "drop the connections"),
    ("half-open", "half-open: bytes vanish"),
    ("refuse", "refuse new requests"),
    ("stall", "stall: answer nothing"),
    ("unavailable", "answer 503"),
];

/// Of a cap where a backoff had none.
const CAP_MS: u32 = 30_000;
/// How long a new fault lasts.
const FAULT_MS: u32 = 3_000;

impl Pick {
    /// What it is called.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Transport(_) => "Transport",
            Self::Conditional(_) => "If-None-Match",
            Self::Backoff(_) => "backoff",
            Self::Client(_) => "by",
            Self::Kind(_) => "What goes wrong",
            Self::Whose(_) => "in",
            Self::Spread => "Spread",
            Self::What => "What",
        }
    }

    /// What can be chosen: a value, and its words.
    pub(crate) fn options(self, scenario: &Scenario) -> Vec<(String, String)> {
        let owned = |list: &[(&str, &str)]| {
            list.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect()
        };
        match self {
            Self::Transport(_) => {
                Transport::ALL.iter().map(|t| (t.name().to_owned(), t.title().to_owned())).collect()
            }
            Self::Conditional(_) => owned(&[("no", "no"), ("yes", "yes")]),
            Self::Backoff(_) => owned(&BACKOFFS),
            Self::Client(_) => owned(&[("event-source", "EventSource"), ("fetch", "our client, fetch")]),
            Self::Kind(_) => owned(&FAULTS),
            Self::Whose(_) => {
                let mut list = vec![(String::new(), "every lane".to_owned())];
                list.extend((0..scenario.lanes.len()).map(|lane| (scenario.sub(lane), name(scenario, lane))));
                // A link may name a lane that is not there.
                let own = self.get(scenario).unwrap_or_default();
                if !list.iter().any(|(value, _)| *value == own) {
                    list.push((own.clone(), format!("{own} (no such lane)")));
                }
                list
            }
            Self::Spread => owned(&[("poisson", "at random, on average"), ("fixed", "evenly")]),
            Self::What => owned(&[("price", "prices"), ("chat", "chat"), ("notification", "notifications")]),
        }
    }

    /// What is chosen; `None` where the scenario has no such choice.
    pub(crate) fn get(self, scenario: &Scenario) -> Option<String> {
        let chosen = match self {
            Self::Transport(i) => scenario.lanes.get(i)?.transport().name(),
            Self::Conditional(i) => match scenario.lanes.get(i)? {
                LaneSpec::ShortPoll { conditional, .. } => ["no", "yes"][usize::from(*conditional)],
                _ => return None,
            },
            Self::Backoff(i) => match scenario.lanes.get(i)? {
                LaneSpec::LongPoll { backoff, .. } | LaneSpec::WebSocket { backoff, .. } => match backoff {
                    Backoff::Fixed { .. } => "fixed",
                    Backoff::Exponential { .. } => "exponential",
                    Backoff::FullJitter { .. } => "full-jitter",
                    Backoff::EqualJitter { .. } => "equal-jitter",
                    Backoff::DecorrelatedJitter { .. } => "decorrelated-jitter",
                },
                _ => return None,
            },
            Self::Client(i) => match scenario.lanes.get(i)? {
                LaneSpec::Sse { client: SseClient::EventSource, .. } => "event-source",
                LaneSpec::Sse { client: SseClient::Fetch, .. } => "fetch",
                _ => return None,
            },
            Self::Kind(i) => match scenario.faults.get(i)?.fault {
                Fault::Drop { .. } => "drop",
                Fault::HalfOpen { .. } => "half-open",
                Fault::Refuse { .. } => "refuse",
                Fault::Stall { .. } => "stall",
                Fault::Unavailable { .. } => "unavailable",
            },
            Self::Whose(i) => scenario.faults.get(i)?.fault.sub().unwrap_or_default(),
            Self::Spread => match scenario.publish.spread {
                Spread::Fixed => "fixed",
                Spread::Poisson => "poisson",
            },
            Self::What => match scenario.publish.what {
                What::Price => "price",
                What::Chat => "chat",
                What::Notification => "notification",
            },
        };
        Some(chosen.to_owned())
    }

    /// Chooses; a word that is no option changes nothing.
    pub(crate) fn set(self, scenario: &mut Scenario, word: &str) {
        match self {
            Self::Transport(i) => {
                let transport = Transport::ALL.into_iter().find(|t| t.name() == word);
                if let (Some(lane), Some(transport)) = (scenario.lanes.get_mut(i), transport)
                    && lane.transport() != transport
                {
                    *lane = LaneSpec::default_for(transport);
                }
            }
            Self::Conditional(i) => {
                if let Some(LaneSpec::ShortPoll { conditional, .. }) = scenario.lanes.get_mut(i) {
                    *conditional = word == "yes";
                }
            }
            Self::Backoff(i) => {
                if let Some(LaneSpec::LongPoll { backoff, .. } | LaneSpec::WebSocket { backoff, .. }) =
                    scenario.lanes.get_mut(i)
                {
                    let (base_ms, cap_ms) = match *backoff {
                        Backoff::Fixed { base_ms } => (base_ms, CAP_MS.max(base_ms)),
                        Backoff::Exponential { base_ms, cap_ms }
                        | Backoff::FullJitter { base_ms, cap_ms }
                        | Backoff::EqualJitter { base_ms, cap_ms }
                        | Backoff::DecorrelatedJitter { base_ms, cap_ms } => (base_ms, cap_ms),
                    };
                    *backoff = match word {
                        "fixed" => Backoff::Fixed { base_ms },
                        "exponential" => Backoff::Exponential { base_ms, cap_ms },
                        "full-jitter" => Backoff::FullJitter { base_ms, cap_ms },
                        "equal-jitter" => Backoff::EqualJitter { base_ms, cap_ms },
                        "decorrelated-jitter" => Backoff::DecorrelatedJitter { base_ms, cap_ms },
                        _ => return,
                    };
                }
            }
            Self::Client(i) => {
                if let Some(LaneSpec::Sse { client, silence_ms, .. }) = scenario.lanes.get_mut(i) {
                    *client = if word == "fetch" { SseClient::Fetch } else { SseClient::EventSource };
                    if *client == SseClient::EventSource {
                        *silence_ms = 0;
                    }
                }
            }
            Self::Kind(i) => {
                if let Some(planned) = scenario.faults.get_mut(i) {
                    let sub = planned.fault.sub().map(str::to_owned);
                    let for_ms = match planned.fault {
                        Fault::Refuse { for_ms, .. }
                        | Fault::Stall { for_ms, .. }
                        | Fault::Unavailable { for_ms, .. } => for_ms,
                        Fault::Drop { .. } | Fault::HalfOpen { .. } => FAULT_MS,
                    };
                    planned.fault = match word {
                        "drop" => Fault::Drop { sub },
                        "half-open" => Fault::HalfOpen { sub },
                        "refuse" => Fault::Refuse { sub, for_ms },
                        "stall" => Fault::Stall { sub, for_ms },
                        "unavailable" => Fault::Unavailable { sub, for_ms, retry_after_s: None },
                        _ => return,
                    };
                }
            }
            Self::Whose(i) => {
                if let Some(planned) = scenario.faults.get_mut(i) {
                    set_sub(&mut planned.fault, Some(word.to_owned()).filter(|sub| !sub.is_empty()));
                }
            }
            Self::Spread => {
                scenario.publish.spread = if word == "fixed" { Spread::Fixed } else { Spread::Poisson };
            }
            Self::What => {
                scenario.publish.what = match word {
                    "chat" => What::Chat,
                    "notification" => What::Notification,
                    _ => What::Price,
                };
            }
        }
    }
}

/// Gives a fault to another subscriber, or to all.
pub(crate) fn set_sub(fault: &mut Fault, to: Option<String>) {
    match fault {
        Fault::Drop { sub }
        | Fault::HalfOpen { sub }
        | Fault::Refuse { sub, .. }
        | Fault::Stall { sub, .. }
        | Fault::Unavailable { sub, .. } => *sub = to,
    }
}

/// A lane's name for readers: its place in the picture, and its transport.
pub(crate) fn name(scenario: &Scenario, lane: usize) -> String {
    let title = scenario.lanes.get(lane).map_or("", |lane| lane.transport().title());
    format!("lane {}, {title}", lane + 1)
}
