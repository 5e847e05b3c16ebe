//! A crowd: each lane is one of two hundred clients.

use standby_trace::crowd::{CrowdRun, Tally};
use standby_trace::{Source, Trace};

/// How many there are beside each lane's own.
pub(crate) const OTHERS: u32 = 199;

/// The trace: the calm one, live, with the tallies of 199 more on each lane since 0.25 s. At 4.5 s all
/// streams are cut; they come back over two seconds, and some of them are turned away at first.
pub(crate) fn trace(calm: Trace) -> Trace {
    let mut trace = calm;
    trace.source = Source::Live;
    trace.scenario.clients = OTHERS + 1;
    let lanes = trace.scenario.lanes.clone();
    trace.crowd = (0..4).zip(lanes).map(|(row, lane)| run(row, lane)).collect();
    trace
}

fn run(row: u16, lane: standby_trace::LaneSpec) -> CrowdRun {
    let tallies = (0..77).map(|at| tally(row, at)).collect();
    CrowdRun { row, lane, clients: OTHERS, from_us: 250_000, tallies, costs: Vec::new() }
}

fn tally(row: u16, at: u32) -> Tally {
    // The events of the calm trace, in its tallies.
    let news = [6, 12, 31, 35, 56, 67].contains(&at);
    let aged = |p50_us: u32, p99_us: u32, tally: Tally| match news {
        true => Tally {
            delivered: OTHERS,
            staleness_p50_us: Some(p50_us),
            staleness_p99_us: Some(p99_us),
            ..tally
        },
        false => tally,
    };
    match row {
        // One of ten asks within each tenth of a second.
        0 => Tally { staleness_p50_us: Some(480_000), staleness_p99_us: Some(1_040_000), ..came(20, 0, 0) },
        1 => aged(101_000, 130_000, came(if news || at == 0 { OTHERS } else { 0 }, 0, OTHERS)),
        _ => aged(
            101_000,
            130_000,
            match at {
                0 => came(OTHERS, 0, OTHERS),
                1..=41 => came(0, 0, OTHERS),
                42 => came(0, 0, 0),
                43..=47 => came(60, 50, (at - 42) * 10),
                48..=62 => came(10, 0, (50 + (at - 47) * 10).min(OTHERS)),
                _ => came(0, 0, OTHERS),
            },
        ),
    }
}

fn came(arrivals: u32, refused: u32, open: u32) -> Tally {
    Tally { arrivals, refused, served: arrivals - refused, open, ..Tally::default() }
}
