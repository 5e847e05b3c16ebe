//! A scenario as a file for `experiments/`. By hand: the format is small, and it is to be read.

use std::fmt::Write as _;

use standby_trace::scenario::{Backoff, Fault, LaneSpec, Scenario, Spread, SseClient, What};

/// The file. Title and sentence are for its author to write; `from` is where it came from.
pub(crate) fn file(scenario: &Scenario, title: &str, look: &str) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = write(&mut out, scenario, title, look);
    out
}

fn write(out: &mut String, scenario: &Scenario, title: &str, look: &str) -> std::fmt::Result {
    writeln!(out, "title = {}", text(title))?;
    writeln!(out, "look = {}", text(look))?;
    writeln!(out, "controls = [\"every\", \"round-trip\", \"publish\", \"drop\"]")?;
    writeln!(out, "window_ms = {}", scenario.window_ms)?;
    writeln!(out, "seed = {}", scenario.seed)?;
    if scenario.clients > 1 {
        writeln!(out, "clients = {} # of each lane", scenario.clients)?;
    }

    let publish = scenario.publish;
    writeln!(out, "\n[publish]\nevery_ms = {}", publish.every_ms)?;
    let spread = match publish.spread {
        Spread::Fixed => "fixed",
        Spread::Poisson => "poisson",
    };
    let what = match publish.what {
        What::Price => "price",
        What::Chat => "chat",
        What::Notification => "notification",
    };
    writeln!(out, "spread = \"{spread}\"\nwhat = \"{what}\"")?;

    let conditions = scenario.conditions;
    writeln!(out, "\n[conditions]\nlatency_ms = {} # each way", conditions.latency_ms)?;
    if conditions.jitter_ms > 0 {
        writeln!(out, "jitter_ms = {}", conditions.jitter_ms)?;
    }
    if conditions.bandwidth_bytes_s > 0 {
        writeln!(out, "bandwidth_bytes_s = {}", conditions.bandwidth_bytes_s)?;
    }

    for spec in &scenario.lanes {
        writeln!(out, "\n[[lanes]]\ntransport = \"{}\"", spec.transport().name())?;
        lane(out, *spec)?;
    }
    for planned in &scenario.faults {
        writeln!(out, "\n[[faults]]\nat_ms = {}", planned.at_ms)?;
        fault(out, &planned.fault)?;
    }
    Ok(())
}

fn lane(out: &mut String, lane: LaneSpec) -> std::fmt::Result {
    match lane {
        LaneSpec::ShortPoll { interval_ms, conditional } => {
            writeln!(out, "interval_ms = {interval_ms}")?;
            if conditional {
                writeln!(out, "conditional = true")?;
            }
        }
        LaneSpec::LongPoll { timeout_ms, backoff } => {
            writeln!(out, "timeout_ms = {timeout_ms}\nbackoff = {}", waits(backoff))?;
        }
        LaneSpec::WebSocket { backoff, send_every_ms, keep_alive_ms, silence_ms } => {
            writeln!(out, "backoff = {}", waits(backoff))?;
            if send_every_ms > 0 {
                writeln!(out, "send_every_ms = {send_every_ms}")?;
            }
            signs(out, keep_alive_ms, silence_ms)?;
        }
        LaneSpec::Sse { retry_ms, client, keep_alive_ms, silence_ms } => {
            writeln!(out, "retry_ms = {retry_ms}")?;
            if client == SseClient::Fetch {
                writeln!(out, "client = \"fetch\"")?;
            }
            signs(out, keep_alive_ms, silence_ms)?;
        }
    }
    Ok(())
}

fn signs(out: &mut String, keep_alive_ms: u32, silence_ms: u32) -> std::fmt::Result {
    if keep_alive_ms > 0 {
        writeln!(out, "keep_alive_ms = {keep_alive_ms}")?;
    }
    if silence_ms > 0 {
        writeln!(out, "silence_ms = {silence_ms}")?;
    }
    Ok(())
}

fn waits(backoff: Backoff) -> String {
    match backoff {
        Backoff::Fixed { base_ms } => format!("{{ kind = \"fixed\", base_ms = {base_ms} }}"),
        Backoff::Exponential { base_ms, cap_ms } => capped("exponential", base_ms, cap_ms),
        Backoff::FullJitter { base_ms, cap_ms } => capped("full-jitter", base_ms, cap_ms),
        Backoff::EqualJitter { base_ms, cap_ms } => capped("equal-jitter", base_ms, cap_ms),
        Backoff::DecorrelatedJitter { base_ms, cap_ms } => capped("decorrelated-jitter", base_ms, cap_ms),
    }
}

fn capped(kind: &str, base_ms: u32, cap_ms: u32) -> String {
    format!("{{ kind = \"{kind}\", base_ms = {base_ms}, cap_ms = {cap_ms} }}")
}

fn fault(out: &mut String, fault: &Fault) -> std::fmt::Result {
    let (kind, for_ms, retry_after_s) = match *fault {
        Fault::Drop { .. } => ("drop", None, None),
        Fault::HalfOpen { .. } => ("half-open", None, None),
        Fault::Refuse { for_ms, .. } => ("refuse", Some(for_ms), None),
        Fault::Stall { for_ms, .. } => ("stall", Some(for_ms), None),
        Fault::Unavailable { for_ms, retry_after_s, .. } => ("unavailable", Some(for_ms), retry_after_s),
    };
    writeln!(out, "kind = \"{kind}\"")?;
    if let Some(for_ms) = for_ms {
        writeln!(out, "for_ms = {for_ms}")?;
    }
    if let Some(seconds) = retry_after_s {
        writeln!(out, "retry_after_s = {seconds}")?;
    }
    if let Some(sub) = fault.sub() {
        writeln!(out, "sub = {}", text(sub))?;
    }
    Ok(())
}

/// A basic string of TOML: what it doesn't allow within is escaped.
fn text(raw: &str) -> String {
    let mut out = String::from("\"");
    for c in raw.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
