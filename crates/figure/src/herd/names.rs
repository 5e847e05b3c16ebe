//! What a row is called.

use standby_trace::scenario::{Backoff, Fault, LaneSpec, Spreading};
use standby_trace::{Scenario, Transport};

use crate::format;

/// A row's name and settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The strategy or the transport: `Full jitter`.
    pub name: String,
    /// How it is set: `0 to 1 s · 2ⁿ`.
    pub set: String,
}

/// The names of all rows, in order.
#[must_use]
pub fn names(scenario: &Scenario) -> Vec<Name> {
    let servers = scenario.crowd.as_ref().map_or(&[][..], |crowd| &crowd.servers);
    // Where none of the rows differs in how it comes back, the transport is what tells them apart.
    let cuts = scenario.faults.iter().any(|planned| matches!(planned.fault, Fault::Drop { .. }));
    let by_strategy = cuts && !sets_keep_alives(scenario);
    let name = |(lane, spec): (usize, &LaneSpec)| {
        let spreading = servers.get(lane).copied().unwrap_or_default();
        let (name, set) = if by_strategy { strategy(spec, spreading) } else { transport(spec) };
        Name { name, set }
    };
    scenario.lanes.iter().enumerate().map(name).collect()
}

/// Whether keep-alives are what the scenario is about: it sets one. They are drawn and told then;
/// counted they are always.
#[must_use]
pub fn sets_keep_alives(scenario: &Scenario) -> bool {
    let sets = |spec: &LaneSpec| match *spec {
        LaneSpec::WebSocket { keep_alive_ms, .. } | LaneSpec::Sse { keep_alive_ms, .. } => keep_alive_ms > 0,
        LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. } => false,
    };
    scenario.lanes.iter().any(sets)
}

/// What keeps a row's connections alive, as `1,333 pings`: pings, comments, or a poll's own requests.
pub(super) fn signs(spec: Option<&LaneSpec>, count: u64) -> String {
    let what = match spec.map(LaneSpec::transport) {
        Some(Transport::WebSocket) => "ping",
        Some(Transport::Sse) => "comment",
        _ => "request",
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", format::count(count))
}

fn strategy(spec: &LaneSpec, spreading: Spreading) -> (String, String) {
    if spreading.drain_ms > 0 {
        return ("Paced drain".to_owned(), format!("closed over {}", time(spreading.drain_ms)));
    }
    if spreading.retry_after_ms > 0 {
        return ("Retry-After".to_owned(), format!("random, up to {}", time(spreading.retry_after_ms)));
    }
    match *spec {
        LaneSpec::Sse { retry_ms, .. } if spreading.retry_spread_ms > 0 => {
            let most = time(retry_ms + spreading.retry_spread_ms);
            ("Server spreads".to_owned(), format!("retry: {} to {most}", time(retry_ms)))
        }
        LaneSpec::Sse { retry_ms, .. } => {
            ("Same retry for all".to_owned(), format!("retry: {}", time(retry_ms)))
        }
        LaneSpec::LongPoll { backoff, .. } | LaneSpec::WebSocket { backoff, .. } => waits(backoff),
        LaneSpec::ShortPoll { .. } => transport(spec),
    }
}

fn transport(spec: &LaneSpec) -> (String, String) {
    let set = match *spec {
        LaneSpec::ShortPoll { interval_ms, .. } => format!("asks every {}", time(interval_ms)),
        LaneSpec::LongPoll { timeout_ms, .. } => format!("held up to {}", time(timeout_ms)),
        LaneSpec::WebSocket { keep_alive_ms: 0, .. } => "open".to_owned(),
        LaneSpec::WebSocket { keep_alive_ms, .. } => format!("a ping every {}", time(keep_alive_ms)),
        LaneSpec::Sse { keep_alive_ms, .. } if keep_alive_ms > 0 => {
            format!("a comment every {}", time(keep_alive_ms))
        }
        LaneSpec::Sse { retry_ms, .. } => format!("retry: {}", time(retry_ms)),
    };
    (spec.transport().title().to_owned(), set)
}

fn waits(backoff: Backoff) -> (String, String) {
    let (name, set) = match backoff {
        Backoff::Fixed { base_ms } => ("Fixed delay", time(base_ms)),
        Backoff::Exponential { base_ms, .. } => ("Exponential", format!("{} · 2ⁿ, no jitter", time(base_ms))),
        Backoff::FullJitter { base_ms, .. } => ("Full jitter", format!("0 to {} · 2ⁿ", time(base_ms))),
        Backoff::EqualJitter { base_ms, .. } => {
            ("Equal jitter", format!("{} to {} · 2ⁿ", time(base_ms / 2), time(base_ms)))
        }
        Backoff::DecorrelatedJitter { base_ms, .. } => {
            ("Decorrelated", format!("{} to 3 × the last", time(base_ms)))
        }
    };
    (name.to_owned(), set)
}

/// A time that is set: `200 ms`, `1 s`, `1.5 s`.
pub(super) fn time(ms: u32) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        _ if ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        _ => format!("{} s", format::decimal(ms.into(), 1_000, 1)),
    }
}

/// When the first thing goes wrong, in milliseconds, and what: `server restarts`.
#[must_use]
pub fn restart(scenario: &Scenario) -> Option<(u32, &'static str)> {
    let first = scenario.faults.iter().min_by_key(|planned| planned.at_ms)?;
    Some((first.at_ms, fault_word(scenario, first.at_ms)))
}

/// What goes wrong at a moment of the scenario.
#[must_use]
pub fn fault_word(scenario: &Scenario, at_ms: u32) -> &'static str {
    let at = || scenario.faults.iter().filter(|planned| planned.at_ms == at_ms).map(|planned| &planned.fault);
    let drops = at().any(|fault| matches!(fault, Fault::Drop { .. }));
    if drops && at().any(|fault| matches!(fault, Fault::Refuse { .. } | Fault::Unavailable { .. })) {
        return "server restarts";
    }
    match at().next() {
        Some(Fault::Drop { .. }) => "all are cut",
        Some(Fault::HalfOpen { .. }) => "connections go dead",
        Some(Fault::Refuse { .. }) => "server is down",
        Some(Fault::Stall { .. }) => "server stalls",
        Some(Fault::Unavailable { .. }) => "server answers 503",
        None => "",
    }
}

/// What a row's server can take a second; `None`: that is not known, because the rows are live.
#[must_use]
pub fn capacity(scenario: &Scenario) -> Option<u64> {
    scenario.crowd.as_ref().map(|crowd| crowd.capacity_s.into()).filter(|capacity_s| *capacity_s > 0)
}

/// Whether real clients can be what a row's are. The server itself spreads nobody.
#[must_use]
pub fn can_be_live(scenario: &Scenario, row: usize) -> bool {
    let servers = scenario.crowd.as_ref().map_or(&[][..], |crowd| &crowd.servers);
    servers.get(row).is_none_or(|server| *server == Spreading::default())
}

/// The rows are live, and this one can't be.
#[must_use]
pub fn is_left_out(scenario: &Scenario, row: usize) -> bool {
    capacity(scenario).is_none() && !can_be_live(scenario, row)
}
