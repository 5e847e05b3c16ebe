//! Where a browser's limits would make a scenario mislead, and what to do about it.

use standby_figure::format;
use standby_trace::scenario::{LaneSpec, Scenario, Transport, bounds};

use super::draft::Edit;
use super::field::Pick;

/// A browser opens so many HTTP/1.1 connections to an origin, over all its tabs.
const CONNECTIONS: usize = 6;
/// One of them is left for what the page itself asks for: publishing, faults, a poll.
const HELD: usize = CONNECTIONS - 1;

/// Something to know before a run, and what would mend it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    /// What is wrong, for the reader.
    pub(crate) text: String,
    /// What can be done: its words, and the edit.
    pub(crate) offers: Vec<(String, Edit)>,
}

/// What there is to say about a scenario.
pub(crate) fn of(scenario: &Scenario) -> Vec<Advice> {
    [held(scenario), delayed_sockets(scenario), dense(scenario), company(scenario)]
        .into_iter()
        .flatten()
        .collect()
}

fn held(scenario: &Scenario) -> Option<Advice> {
    let holds = |lane: &LaneSpec| match *lane {
        LaneSpec::LongPoll { timeout_ms, .. } => timeout_ms > 0,
        LaneSpec::Sse { .. } => true,
        LaneSpec::ShortPoll { .. } | LaneSpec::WebSocket { .. } => false,
    };
    let held: Vec<usize> = (0..scenario.lanes.len()).filter(|i| holds(&scenario.lanes[*i])).collect();
    if held.len() <= HELD {
        return None;
    }
    let over = &held[HELD..];
    let says = if held.len() > CONNECTIONS {
        "What comes after the sixth waits in the browser, where this picture can't see it"
    } else {
        "Nothing is left for the page itself: a poll, Publish and the faults wait in the browser until \
         one of the lanes lets go"
    };
    let text = format!(
        "{} lanes hold an HTTP connection each, and a browser opens {CONNECTIONS} to an origin. {says}.",
        held.len()
    );
    let which = match over {
        [one] => format!("lane {}", one + 1),
        many => {
            let list: Vec<String> = many.iter().map(|i| (i + 1).to_string()).collect();
            format!("lanes {}", list.join(", "))
        }
    };
    let sockets = over
        .iter()
        .map(|i| Edit::Pick(Pick::Transport(*i), Transport::WebSocket.name().to_owned()))
        .collect();
    let removed = over.iter().rev().map(|i| Edit::RemoveLane(*i)).collect();
    Some(Advice {
        text,
        offers: vec![
            (format!("Make {which} {}", plural(over.len())), Edit::All(sockets)),
            (format!("Remove {which}"), Edit::All(removed)),
        ],
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "a WebSocket" } else { "WebSockets" }
}

/// A browser opens WebSockets to one host one after another: each waits for the one before.
fn delayed_sockets(scenario: &Scenario) -> Option<Advice> {
    let sockets = scenario.lanes.iter().filter(|lane| lane.transport() == Transport::WebSocket).count();
    let trip_ms = scenario.conditions.latency_ms.saturating_mul(2);
    if sockets < 3 || trip_ms < 200 {
        return None;
    }
    let last_ms = trip_ms.saturating_mul(u32::try_from(sockets).unwrap_or(u32::MAX));
    Some(Advice {
        text: format!(
            "A browser opens WebSockets to one host one after another. With this round trip the last of \
             the {sockets} is open {} after the first one asks, at the start and after every cut.",
            super::value::write(u64::from(last_ms), super::value::Unit::Time)
        ),
        offers: Vec::new(),
    })
}

/// More than the eye tells apart.
fn dense(scenario: &Scenario) -> Option<Advice> {
    let every_ms = scenario.publish.every_ms;
    if every_ms == 0 || scenario.window_ms / every_ms <= 150 {
        return None;
    }
    Some(Advice {
        text: format!(
            "The picture shows some {} events at a time: they will touch. Publish less often, or show less time.",
            scenario.window_ms / every_ms
        ),
        offers: Vec::new(),
    })
}

/// More clients than a server opens by itself.
fn company(scenario: &Scenario) -> Option<Advice> {
    let lanes = u32::try_from(scenario.lanes.len()).unwrap_or(u32::MAX);
    let others = scenario.clients.saturating_sub(1).saturating_mul(lanes);
    let by_itself = *bounds::LANE_CLIENTS.end();
    if others <= by_itself {
        return None;
    }
    Some(Advice {
        text: format!(
            "The lanes have {} others together, and a server opens {} where nothing else is said: start it with \
             --crowd {others}, or have fewer clients a lane.",
            format::count(others.into()),
            format::count(by_itself.into())
        ),
        offers: Vec::new(),
    })
}
