//! The rows in words.

use standby_trace::crowd::{TALLY_US, Tally};
use standby_trace::{LaneSpec, Scenario};

use super::names::signs;
use super::{Sum, capacity, is_left_out, names, restart, sets_keep_alives};
use crate::format::{age, count, decimal, seconds};

/// How many times what the server can take within a tally, as `16.5×`; how many, where that is not known.
fn times(scenario: &Scenario, arrivals: u32) -> String {
    match capacity(scenario) {
        Some(capacity_s) => format!("{}×", decimal(u64::from(arrivals) * 10, capacity_s, 1)),
        None => count(arrivals.into()),
    }
}

/// A share, as `16 %`; what is not nothing is never `0 %`.
fn share(part: u64, whole: u64) -> String {
    match (part, whole) {
        (0, _) | (_, 0) => "0 %".to_owned(),
        _ if part * 200 < whole => "under 1 %".to_owned(),
        _ => format!("{} %", decimal(part * 100, whole, 0)),
    }
}

/// A row's peak, as `16.5×` what the server can take; as a count, where that is not known.
#[must_use]
pub fn peak(scenario: &Scenario, sum: &Sum) -> String {
    times(scenario, sum.peak)
}

/// What keeps a row's connections alive, a second, as `1,333 pings`.
fn signs_a_second(scenario: &Scenario, row: usize, sum: &Sum) -> String {
    let spec = scenario.lanes.get(row);
    let is_poll = matches!(spec, Some(LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. }));
    let all = if is_poll { sum.arrivals } else { sum.keep_alives };
    let window_ms = u64::from(scenario.window_ms).max(1);
    signs(spec, (all * 1_000 + window_ms / 2) / window_ms)
}

/// A row's figures on one line: its peak, and what became of its clients.
#[must_use]
pub fn stat(scenario: &Scenario, row: usize, sum: &Sum) -> [String; 2] {
    let then = match sum.back_us {
        _ if sets_keep_alives(scenario) => format!("{}/s", signs_a_second(scenario, row, sum)),
        _ if !sum.comes_back => format!("{} turned away", share(sum.refused, sum.arrivals)),
        Some(us) => format!("99 % back in {}", seconds(us.unsigned_abs())),
        None => "not all back".to_owned(),
    };
    [peak(scenario, sum), then]
}

/// The sentence for one row.
#[must_use]
pub fn say(scenario: &Scenario, row: usize, sum: &Sum) -> String {
    let Some(name) = names(scenario).into_iter().nth(row) else { return String::new() };
    if is_left_out(scenario, row) {
        return format!(
            "{} ({}): the book's server doesn't do this, so it can be seen in the model only.",
            name.name, name.set
        );
    }
    let [times, _] = stat(scenario, row, sum);
    let mut said =
        format!("{} ({}): at the peak {} came within 0.1 s", name.name, name.set, count(sum.peak.into()));
    if capacity(scenario).is_some() {
        said.push_str(&format!(", {times} what the server can take"));
    }
    said.push('.');
    match sum.refused {
        0 => said.push_str(" Nobody was turned away."),
        refused => {
            said.push_str(&format!(" {} attempts were turned away", count(refused)));
            said.push_str(&format!(", {} of all.", share(refused, sum.arrivals)));
        }
    }
    match sum.back_us {
        _ if !sum.comes_back => {
            if let Some(us) = sum.age_p99_us {
                said.push_str(&format!(" At worst 1 of 100 deliveries was older than {}.", age(us.into())));
            }
        }
        Some(us) => {
            said.push_str(&format!(" After {} 99 of 100 were back.", seconds(us.unsigned_abs())));
        }
        None => said.push_str(&format!(
            " In the end {} of {} were connected.",
            count(sum.open.into()),
            count(scenario.clients.into())
        )),
    }
    if sets_keep_alives(scenario) {
        said.push_str(&format!(" Over the whole run {} a second", signs_a_second(scenario, row, sum)));
        if sum.keep_alives > 0 {
            said.push_str(&format!(", {} at most within 0.1 s", count(sum.keep_alives_peak.into())));
        }
        said.push('.');
    }
    if sum.refetched > 0 {
        said.push_str(&format!(
            " {} had missed more than history holds, and fetch the state anew.",
            count(sum.refetched)
        ));
    }
    said
}

/// The sentence for one tenth of a second of one row.
#[must_use]
pub fn say_at(scenario: &Scenario, row: usize, at: usize, tally: &Tally) -> String {
    let Some(name) = names(scenario).into_iter().nth(row) else { return String::new() };
    let at_us = (at as i64 * TALLY_US).unsigned_abs();
    let connected = match scenario.lanes.get(row).map(standby_trace::LaneSpec::transport) {
        Some(standby_trace::Transport::ShortPoll) | None => String::new(),
        Some(standby_trace::Transport::LongPoll) => format!(", {} held", count(tally.open.into())),
        Some(_) => format!(", {} connected", count(tally.open.into())),
    };
    let signs = match tally.keep_alives {
        sent if sent > 0 && sets_keep_alives(scenario) => {
            format!(", {}", signs(scenario.lanes.get(row), sent.into()))
        }
        _ => String::new(),
    };
    format!(
        "{} at {} s: {} came, {} answered, {} turned away; {} wait{connected}{signs}.",
        name.name,
        decimal(at_us, 1_000_000, 1),
        count(tally.arrivals.into()),
        count(tally.served.into()),
        count(tally.refused.into()),
        count(tally.queued.into()),
    )
}

/// The picture for those who don't see it.
#[must_use]
pub fn describe(scenario: &Scenario, sums: &[Sum]) -> String {
    let clients = count(scenario.clients.into());
    let axis_s = scenario.window_ms / 1_000;
    let mut said = match capacity(scenario) {
        Some(capacity_s) => format!(
            "Simulated: {clients} clients in each row, on a time axis of {axis_s} s; the server can take {} a \
             second.",
            count(capacity_s)
        ),
        None => format!("Live: {clients} clients in each row, on a time axis of {axis_s} s."),
    };
    if let Some((at_ms, what)) = restart(scenario) {
        said.push_str(&format!(" At {}: {what}.", super::names::time(at_ms)));
    }
    for (row, (name, sum)) in names(scenario).iter().zip(sums).enumerate() {
        if is_left_out(scenario, row) {
            said.push_str(&format!(" {}, {}: only in the model.", name.name, name.set));
            continue;
        }
        let [times, then] = stat(scenario, row, sum);
        said.push_str(&format!(" {}, {}: peak {times}, {then}.", name.name, name.set));
    }
    said
}

/// The heads of [`table()`]'s columns.
#[must_use]
pub fn columns(scenario: &Scenario, sums: &[Sum]) -> [&'static str; 6] {
    let fourth = if sums.iter().any(|sum| sum.comes_back) { "99 % back after" } else { "Worst age (p99)" };
    let [fifth, last] = if sets_keep_alives(scenario) {
        ["Keep-alives", "Most in 0.1 s"]
    } else {
        ["Recovered", "Refetched"]
    };
    ["Row", "Peak", fourth, "Turned away", fifth, last]
}

/// All rows as a table.
#[must_use]
pub fn table(scenario: &Scenario, sums: &[Sum]) -> Vec<[String; 6]> {
    let names = names(scenario);
    let row = |(row, (name, sum)): (usize, (&super::Name, &Sum))| {
        let label = format!("{}, {}", name.name, name.set);
        if is_left_out(scenario, row) {
            let [peak, rest] = ["only in the model", "–"].map(str::to_owned);
            return [label, peak, rest.clone(), rest.clone(), rest.clone(), rest];
        }
        let fourth = match (sum.comes_back, sum.back_us, sum.age_p99_us) {
            (true, Some(us), _) => seconds(us.unsigned_abs()),
            (true, None, _) => "not all back".to_owned(),
            (false, _, Some(us)) => age(us.into()),
            (false, _, None) => "–".to_owned(),
        };
        let [fifth, last] = if sets_keep_alives(scenario) {
            [sum.keep_alives, sum.keep_alives_peak.into()]
        } else {
            [sum.recovered, sum.refetched]
        };
        [label, times(scenario, sum.peak), fourth, count(sum.refused), count(fifth), count(last)]
    };
    names.iter().zip(sums).enumerate().map(row).collect()
}
