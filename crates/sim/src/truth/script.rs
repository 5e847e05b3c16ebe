//! What is done to a live run and to the model, step by step.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::scenario::{
    Backoff, Conditions, Fault, LaneSpec, Publish, Scenario, Spread, SseClient, VERSION, What,
};

/// How long a fault of a script lasts that lasts: what the widget's buttons do.
pub const FAULT_MS: u32 = 5_000;
/// A poller that asks so seldom asks once each time it is started.
const SELDOM_MS: u32 = 60_000;
/// A lane that minds silence gives a connection up after so long of it.
const SILENCE_MS: u32 = 2_000;

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

    /// What is done, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let lasts = |ms: &u32| format!("for {} s", ms / 1_000);
        match self {
            Self::Start => "the lanes connect".to_owned(),
            Self::LetGo => "the lanes let go".to_owned(),
            Self::Publish(data) => format!("{data} is published"),
            Self::Fault(Fault::Drop { .. }) => "all connections are dropped".to_owned(),
            Self::Fault(Fault::HalfOpen { .. }) => "all connections go dead".to_owned(),
            Self::Fault(Fault::Refuse { for_ms, .. }) => {
                format!("new requests are refused {}", lasts(for_ms))
            }
            Self::Fault(Fault::Stall { for_ms, .. }) => format!("nothing is answered {}", lasts(for_ms)),
            Self::Fault(Fault::Unavailable { for_ms, .. }) => {
                format!("the server says 503 {}", lasts(for_ms))
            }
            Self::Together(steps) => {
                let words: Vec<String> = steps.iter().map(Self::words).collect();
                words.join(", and at once ")
            }
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
            ("the server is unavailable", Some(unavailable())),
            ("connections go dead", Some(Fault::HalfOpen { sub: None })),
        ];
        let script = |(name, fault): (&str, Option<Fault>)| {
            let mut steps = vec![Step::Start, publish(1), publish(2)];
            // A dead connection is found by whoever minds its silence.
            let silence_ms = if matches!(fault, Some(Fault::HalfOpen { .. })) { SILENCE_MS } else { 0 };
            if matches!(fault, Some(Fault::Drop { .. } | Fault::HalfOpen { .. }) | None) {
                steps.extend(fault.map(Step::Fault));
            } else {
                steps.extend(fault.map(meets));
            }
            steps.extend([publish(3), Step::LetGo, publish(4), publish(5), Step::Start, publish(6)]);
            let lanes = match silence_ms {
                // A long poll's and an EventSource's end can't be told that they are dead.
                SILENCE_MS => {
                    vec![short_poll(false), websocket(silence_ms), sse(SseClient::Fetch, silence_ms)]
                }
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
        all.push(Self {
            name: "everyone is cut off for a while".to_owned(),
            scenario: scenario(all[0].scenario.lanes.clone(), 1),
            steps: vec![Step::Start, publish(1), cut_off(2), publish(3), publish(4), publish(5), publish(6)],
        });
        all
    }

    /// Lanes, data and faults by chance; the same seed gives the same script.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut below = |n: u64| random.next_u64() % n;
        // Connections go dead once at most, and only where every lane can find out.
        let mut goes_dead = below(3) == 0;
        let silence_ms = if goes_dead { SILENCE_MS } else { 0 };
        let mut kinds = vec![short_poll(false), websocket(silence_ms), sse(SseClient::Fetch, silence_ms)];
        if !goes_dead {
            kinds.extend([long_poll(), sse(SseClient::EventSource, 0), short_poll(true)]);
        }
        let lanes: Vec<LaneSpec> = (0..2 + below(kinds.len() as u64 / 2))
            .map(|_| kinds.swap_remove(usize::try_from(below(kinds.len() as u64)).unwrap_or(0)))
            .collect();
        let mut steps = vec![Step::Start];
        let mut price = 1;
        for _ in 0..4 + below(4) {
            match below(9) {
                0 => steps.push(Step::Fault(Fault::Drop { sub: None })),
                1 => steps.push(meets(Fault::Refuse { sub: None, for_ms: FAULT_MS })),
                2 => steps.push(meets(Fault::Stall { sub: None, for_ms: FAULT_MS })),
                3 => steps.push(meets(unavailable())),
                4 if goes_dead => {
                    goes_dead = false;
                    steps.push(Step::Fault(Fault::HalfOpen { sub: None }));
                }
                4 => steps.push(cut_off(price)),
                5 => steps.extend([Step::LetGo, publish(price), Step::Start]),
                _ => steps.push(publish(10_u64.pow(u32::try_from(below(6)).unwrap_or(0)) + price)),
            }
            price += 1;
        }
        steps.push(publish(price));
        Self { name: format!("by chance, {seed}"), scenario: scenario(lanes, seed), steps }
    }
}

/// A fault that lasts meets whoever comes while it does.
fn meets(fault: Fault) -> Step {
    Step::Together(vec![Step::Fault(fault), Step::LetGo, Step::Start])
}

fn unavailable() -> Fault {
    Fault::Unavailable { sub: None, for_ms: FAULT_MS, retry_after_s: None }
}

/// What is published while nobody can come back is recovered from history.
fn cut_off(price: u64) -> Step {
    let faults = [Fault::Refuse { sub: None, for_ms: FAULT_MS }, Fault::Drop { sub: None }];
    Step::Together(faults.into_iter().map(Step::Fault).chain([publish(price)]).collect())
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
