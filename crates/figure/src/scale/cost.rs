//! What one client costs the server, once it is connected.
//!
//! Everything is a mean over a long time, with events at random moments (a Poisson process of λ a
//! second). *N* clients cost *N* times as much: in this arithmetic they share nothing. So the lines of
//! the chart never cross; what changes their order is λ, and the settings.
//!
//! **Short polling** asks once in each interval *T*, whatever happens: 1/*T* requests a second.
//!
//! **Long polling** is away for a round trip *R*, then held. If nothing came in *R*, which has the
//! probability e<sup>−λR</sup>, it is held until the next event or for the time-out τ: in the mean
//! (1 − e<sup>−λτ</sup>)/λ. So it goes round once in
//!
//! > *C* = *R* + e<sup>−λR</sup> (1 − e<sup>−λτ</sup>)/λ
//!
//! which is *R* + τ without events, and comes near *R* with very many. Written as
//! *R* + ∫ e<sup>−λt</sup> d*t* from *R* to *R* + τ it is seen to fall with λ all the way: there is at
//! most one rate where it is equal to *T*.
//!
//! **WebSocket** and **SSE** ask once, to connect, which is not counted here.
//!
//! **Bytes.** Every transport carries λ events a second. A poll adds a request and an answer, and a
//! comma for each event of an answer after its first. A stream adds what frames an event. A
//! WebSocket is pinged every *K*. An SSE stream has a comment after each *K* of silence: from one event
//! to the next that is Σ e<sup>−λKi</sup> = 1/(e<sup>λK</sup> − 1) times. Left out are the few bytes by
//! which a head is longer when its numbers have more digits.

use serde::{Deserialize, Serialize};
use standby_trace::Transport;

/// What the reader sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From one short poll to the next, in milliseconds.
    pub interval_ms: u32,
    /// How many events there are in 1,000 s.
    pub events_ks: u32,
    /// An event's own bytes.
    pub event_bytes: u32,
    /// How long a long poll is held at most, in milliseconds.
    pub timeout_ms: u32,
    /// From one ping to the next, or how long a stream is silent before a comment, in milliseconds.
    pub keep_alive_ms: u32,
    /// From the client to the server and back, in milliseconds.
    pub round_trip_ms: u32,
}

impl Default for Settings {
    /// Those of the book's experiments; an event is as long as most of them have it.
    fn default() -> Self {
        Self {
            interval_ms: 2_000,
            events_ks: 200,
            event_bytes: 61,
            timeout_ms: 25_000,
            keep_alive_ms: 15_000,
            round_trip_ms: 200,
        }
    }
}

/// What was measured: bytes besides the events' own, and memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constants {
    /// A short poll: its request and its answer.
    pub short_poll_bytes: u32,
    /// A long poll: its request and its answer.
    pub long_poll_bytes: u32,
    /// What frames an event on a WebSocket.
    pub websocket_event_bytes: u32,
    /// A ping and its pong.
    pub websocket_ping_bytes: u32,
    /// What frames an event on an SSE stream.
    pub sse_event_bytes: u32,
    /// A comment on an SSE stream.
    pub sse_comment_bytes: u32,
    /// What the bytes were recorded with: `Chromium 156`.
    pub recorded_with: String,
    /// The server's memory, if it was measured.
    pub memory: Option<Memory>,
}

/// What a client takes of the server's memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// For each transport, in the order of [`Transport::ALL`].
    pub bytes: [u64; 4],
    /// On which machine.
    pub machine: String,
    /// On which day, `2026-11-24`.
    pub measured: String,
}

/// What the chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Requests a second.
    Requests,
    /// Bytes a second, both ways, the events' own too.
    Bytes,
    /// The server's memory, in bytes.
    Memory,
}

/// WebSocket frames of 126 bytes and more have two bytes more for their length (RFC 6455 §5.2).
fn longer_frame(event_bytes: u32) -> f64 {
    if event_bytes < 126 { 0.0 } else { 2.0 }
}

/// What one client costs: a second, or of memory. `None` where memory has not been measured.
#[must_use]
pub fn cost(transport: Transport, what: Quantity, settings: &Settings, constants: &Constants) -> Option<f64> {
    at_rate(transport, what, settings, constants, f64::from(settings.events_ks) / 1_000.0)
}

fn at_rate(
    transport: Transport,
    what: Quantity,
    settings: &Settings,
    constants: &Constants,
    events_s: f64,
) -> Option<f64> {
    let seconds = |ms: u32| f64::from(ms.max(1)) / 1_000.0;
    // From one request to the next.
    let cycle_s = match transport {
        Transport::ShortPoll => seconds(settings.interval_ms),
        Transport::LongPoll => {
            long_poll_s(seconds(settings.round_trip_ms), seconds(settings.timeout_ms), events_s)
        }
        Transport::WebSocket | Transport::Sse => f64::INFINITY,
    };
    let keep_alive_s = seconds(settings.keep_alive_ms);
    let own = events_s * f64::from(settings.event_bytes);
    match what {
        Quantity::Requests => Some(1.0 / cycle_s),
        Quantity::Memory => {
            let memory = constants.memory.as_ref()?;
            let at = Transport::ALL.into_iter().position(|one| one == transport)?;
            memory.bytes.get(at).map(|bytes| *bytes as f64)
        }
        Quantity::Bytes => Some(
            own + match transport {
                Transport::ShortPoll => {
                    let answered = -(-events_s * cycle_s).exp_m1();
                    (f64::from(constants.short_poll_bytes) + events_s * cycle_s - answered) / cycle_s
                }
                Transport::LongPoll => {
                    let open_s = seconds(settings.round_trip_ms) + seconds(settings.timeout_ms);
                    let answered = -(-events_s * open_s).exp_m1();
                    (f64::from(constants.long_poll_bytes) + events_s * cycle_s - answered) / cycle_s
                }
                Transport::WebSocket => {
                    let frame =
                        f64::from(constants.websocket_event_bytes) + longer_frame(settings.event_bytes);
                    events_s * frame + f64::from(constants.websocket_ping_bytes) / keep_alive_s
                }
                Transport::Sse => {
                    let comments_s = if events_s > 0.0 {
                        events_s / (events_s * keep_alive_s).exp_m1()
                    } else {
                        1.0 / keep_alive_s
                    };
                    events_s * f64::from(constants.sse_event_bytes)
                        + comments_s * f64::from(constants.sse_comment_bytes)
                }
            },
        ),
    }
}

/// How long a long poll goes round, in seconds.
fn long_poll_s(round_trip_s: f64, timeout_s: f64, events_s: f64) -> f64 {
    let held_s = if events_s > 0.0 { -(-events_s * timeout_s).exp_m1() / events_s } else { timeout_s };
    round_trip_s + (-events_s * round_trip_s).exp() * held_s
}

/// From which rate of events on short polling costs less than another transport.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crossing {
    /// Above so many events a second.
    Above(f64),
    /// However few they are.
    Always,
    /// However many they are.
    Never,
}

/// The rates between which a crossing is looked for, in events a second.
const RATES: (f64, f64) = (1e-4, 1e4);

/// Where short polling begins to cost less than `than`, with all else as it is set.
///
/// What a long poll or SSE costs more only grows with the rate of events: the poll goes round faster, and
/// an event is framed by more bytes on the stream than by a comma in an answer. So there is one crossing
/// at most, and halving finds it.
#[must_use]
pub fn crossing(than: Transport, what: Quantity, settings: &Settings, constants: &Constants) -> Crossing {
    let more = |events_s: f64| {
        let of = |transport| at_rate(transport, what, settings, constants, events_s).unwrap_or(0.0);
        of(than) - of(Transport::ShortPoll)
    };
    let (mut low, mut high) = RATES;
    if more(low) >= 0.0 {
        return Crossing::Always;
    }
    if more(high) <= 0.0 {
        return Crossing::Never;
    }
    // Halved in powers: each step is a factor, so that small rates come out as exactly as large ones.
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if more(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    Crossing::Above(high)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::scale) fn constants() -> Constants {
        Constants {
            short_poll_bytes: 850,
            long_poll_bytes: 850,
            websocket_event_bytes: 2,
            websocket_ping_bytes: 8,
            sse_event_bytes: 33,
            sse_comment_bytes: 8,
            recorded_with: "Chromium 156".into(),
            memory: None,
        }
    }

    fn at(events_ks: u32, transport: Transport, what: Quantity) -> f64 {
        let settings = Settings { events_ks, ..Settings::default() };
        cost(transport, what, &settings, &constants()).unwrap()
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= expected.abs() * 1e-3 + 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn a_short_poller_asks_as_often_whatever_happens() {
        for events_ks in [0, 200, 1_000_000] {
            near(at(events_ks, Transport::ShortPoll, Quantity::Requests), 0.5);
        }
    }

    #[test]
    fn a_long_poll_lasts_its_timeout_without_events_and_a_round_trip_with_many() {
        near(at(0, Transport::LongPoll, Quantity::Requests), 1.0 / 25.2);
        near(at(1, Transport::LongPoll, Quantity::Requests), 1.0 / 24.9);
        near(at(1_000_000, Transport::LongPoll, Quantity::Requests), 5.0);
        let rates = [0, 10, 100, 500, 2_000, 10_000, 100_000];
        let asked = rates.map(|rate| at(rate, Transport::LongPoll, Quantity::Requests));
        assert!(asked.is_sorted(), "more events, more requests: {asked:?}");
    }

    #[test]
    fn a_stream_asks_for_nothing_once_it_is_open() {
        for transport in [Transport::WebSocket, Transport::Sse] {
            assert_eq!(at(200, transport, Quantity::Requests), 0.0);
        }
    }

    #[test]
    fn in_silence_a_stream_sends_its_signs_of_life_and_nothing_more() {
        near(at(0, Transport::WebSocket, Quantity::Bytes), 8.0 / 15.0);
        near(at(0, Transport::Sse, Quantity::Bytes), 8.0 / 15.0);
        near(at(1, Transport::Sse, Quantity::Bytes), 0.094 + 8.0 * 0.001 / 0.015_f64.exp_m1());
        near(at(0, Transport::ShortPoll, Quantity::Bytes), 425.0);
    }

    #[test]
    fn with_many_events_a_stream_needs_no_comments_but_is_pinged_all_the_same() {
        near(at(10_000, Transport::Sse, Quantity::Bytes), 10.0 * (61.0 + 33.0));
        near(at(10_000, Transport::WebSocket, Quantity::Bytes), 10.0 * (61.0 + 2.0) + 8.0 / 15.0);
    }

    #[test]
    fn events_of_one_answer_share_its_head_and_are_parted_by_commas() {
        // 20 events in an interval of 2 s: 19 commas.
        near(at(10_000, Transport::ShortPoll, Quantity::Bytes), 610.0 + (850.0 + 19.0) / 2.0);
    }

    #[test]
    fn a_longer_frame_has_a_longer_head() {
        let bytes = |event_bytes| {
            let settings = Settings { event_bytes, events_ks: 1_000, ..Settings::default() };
            cost(Transport::WebSocket, Quantity::Bytes, &settings, &constants()).unwrap()
        };
        near(bytes(126) - bytes(125), 3.0);
    }

    #[test]
    fn where_long_polling_asks_as_often_both_ask_as_often() {
        let settings = Settings::default();
        let Crossing::Above(rate) =
            crossing(Transport::LongPoll, Quantity::Requests, &settings, &constants())
        else {
            panic!("they cross");
        };
        let events_ks = (rate * 1_000.0).round() as u32;
        near(at(events_ks, Transport::LongPoll, Quantity::Requests), 0.5);
        // The chapter's own: 2 s for m = 1.99 s.
        near(rate, 1.0 / 1.99);
    }

    #[test]
    fn outside_of_what_a_long_poll_can_do_nothing_crosses() {
        let with = |interval_ms| {
            let settings = Settings { interval_ms, ..Settings::default() };
            crossing(Transport::LongPoll, Quantity::Requests, &settings, &constants())
        };
        assert_eq!((with(200), with(25_200)), (Crossing::Never, Crossing::Always));
    }

    #[test]
    fn many_events_in_one_answer_cost_less_than_each_with_its_own_frame() {
        let Crossing::Above(rate) =
            crossing(Transport::Sse, Quantity::Bytes, &Settings::default(), &constants())
        else {
            panic!("they cross");
        };
        // 33 bytes an event against 425 a second and a comma.
        near(rate, (425.0 - 0.5) / 32.0);
    }

    #[test]
    fn memory_is_what_was_measured_or_nothing() {
        let mut constants = constants();
        let of =
            |constants: &Constants| cost(Transport::Sse, Quantity::Memory, &Settings::default(), constants);
        assert_eq!(of(&constants), None);
        let (machine, measured) = ("m".into(), "2026-11-24".into());
        constants.memory = Some(Memory { bytes: [1, 2, 3, 4], machine, measured });
        assert_eq!(of(&constants), Some(4.0));
    }
}
