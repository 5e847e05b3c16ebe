//! Between the scenario's words and the machines', and from the machines' to readers'.

use standby_trace::scenario::{self, LaneSpec, SseClient as Client};
use standby_trace::trace;
use standby_transport::backoff::Backoff;
use standby_transport::machine::{Who, Why};
use standby_transport::sse::{client, event_source};
use standby_transport::{EventSource, LongPoll, Machine, Position, ShortPoll, SseClient, WebSocket};
use standby_transport::{long_poll, short_poll, websocket};

/// How our own client of event streams waits: as the browser's does, always the stream's `retry:`.
/// The two lanes then differ in what they can do, not in how long they wait.
const STREAM_BACKOFF: Backoff = Backoff::Fixed { base_ms: 500 };

/// The machine of a lane, with what its scenario sets. It goes on from `after`.
#[must_use]
pub fn machine(spec: &LaneSpec, sub: &str, seed: u64, after: Option<Position>) -> Box<dyn Machine> {
    let sub = sub.to_owned();
    match *spec {
        LaneSpec::ShortPoll { interval_ms, conditional } => {
            // No phase: a single client has nobody to be spread from.
            let config = short_poll::Config { sub, interval_ms, phase_ms: 0, conditional };
            Box::new(ShortPoll::new(config, after))
        }
        LaneSpec::LongPoll { timeout_ms, backoff: waits } => {
            let config = long_poll::Config { sub, timeout_ms, backoff: backoff(waits), seed };
            Box::new(LongPoll::new(config, after))
        }
        LaneSpec::WebSocket { backoff: waits, keep_alive_ms, silence_ms, .. } => {
            let config = websocket::Config { sub, backoff: backoff(waits), seed, keep_alive_ms, silence_ms };
            Box::new(WebSocket::new(config, after))
        }
        LaneSpec::Sse { retry_ms, client: Client::EventSource, keep_alive_ms, .. } => {
            Box::new(EventSource::new(event_source::Config { sub, retry_ms, keep_alive_ms }, after))
        }
        LaneSpec::Sse { retry_ms, client: Client::Fetch, keep_alive_ms, silence_ms } => {
            let config =
                client::Config { sub, retry_ms, backoff: STREAM_BACKOFF, seed, keep_alive_ms, silence_ms };
            Box::new(SseClient::new(config, after))
        }
    }
}

/// The transports know nothing of scenarios, so they have a type of their own for this.
pub fn backoff(waits: scenario::Backoff) -> Backoff {
    match waits {
        scenario::Backoff::Fixed { base_ms } => Backoff::Fixed { base_ms },
        scenario::Backoff::Exponential { base_ms, cap_ms } => Backoff::Exponential { base_ms, cap_ms },
        scenario::Backoff::FullJitter { base_ms, cap_ms } => Backoff::FullJitter { base_ms, cap_ms },
        scenario::Backoff::EqualJitter { base_ms, cap_ms } => Backoff::EqualJitter { base_ms, cap_ms },
        scenario::Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
            Backoff::DecorrelatedJitter { base_ms, cap_ms }
        }
    }
}

/// Why an exchange ended before its time, in words.
#[must_use]
pub fn why(why: &Why) -> String {
    match why {
        Why::Network => "connection lost".to_owned(),
        Why::Status(status) => status.to_string(),
        Why::Code(code) => format!("close code {code}"),
        Why::Silent(ms) => format!("silent for {}", seconds(*ms)),
        Why::Ended => "the stream ended".to_owned(),
        Why::Malformed(what) => what.clone(),
    }
}

/// A length of time as readers are told it, in seconds or more. The pictures have the same words.
fn seconds(ms: u32) -> String {
    let rounded = |unit: u32| (ms + unit / 2) / unit;
    match ms {
        0..9_950 => {
            let tenths = rounded(100);
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        9_950..119_500 => format!("{} s", rounded(1_000)),
        _ => {
            let tenths = rounded(6_000);
            format!("{}.{} min", tenths / 10, tenths % 10)
        }
    }
}

/// Who waits.
#[must_use]
pub fn who(who: Who) -> trace::Who {
    match who {
        Who::Client => trace::Who::Client,
        Who::Browser => trace::Who::Browser,
        Who::Server => trace::Who::Server,
    }
}

/// A target with another number in its `n=`.
#[must_use]
pub fn numbered(target: &str, own: u64, n: u64) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let own = format!("n={own}");
    let pairs: Vec<String> =
        query.split('&').map(|pair| if pair == own { format!("n={n}") } else { pair.to_owned() }).collect();
    format!("{path}?{}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_machines_exchanges_go_on_counting_from_the_old_ones() {
        assert_eq!(
            numbered("sse?after=k3f9:1&sub=sse&n=1&retry_ms=500", 1, 8),
            "sse?after=k3f9:1&sub=sse&n=8&retry_ms=500"
        );
        assert_eq!(numbered("poll", 1, 8), "poll");
    }

    #[test]
    fn a_silence_has_the_words_of_the_pictures() {
        for ms in [0, 49, 50, 1_000, 3_000, 9_949, 9_950, 30_000, 119_499, 119_500, 120_000] {
            assert_eq!(seconds(ms), standby_figure::format::seconds(u64::from(ms) * 1_000), "{ms}");
        }
    }

    #[test]
    fn every_default_lane_has_a_machine_that_begins() {
        use standby_transport::{Action, Input, Output};
        for transport in scenario::Transport::ALL {
            let mut machine = machine(&LaneSpec::default_for(transport), "a", 1, Some(Position::START));
            let mut out = Vec::new();
            machine.step(0, Input::Start, &mut out);
            let target = match out.first() {
                Some(Output::Do(Action::Fetch(request))) => &request.target,
                Some(Output::Do(
                    Action::OpenSocket { target, .. } | Action::OpenEventSource { target, .. },
                )) => target,
                other => panic!("{transport:?} began with {other:?}"),
            };
            assert!(target.contains("after=0") && target.contains("n=1"), "{target}");
        }
    }
}
