//! What the widget says besides what the figure does.

use standby_figure::format::{bytes, count, decimal, list};
use standby_figure::herd::{Name, Sum, capacity, names, peak, restart};
use standby_sim::herd::Herd;
use standby_trace::Scenario;

use crate::live::Used;

/// A run that takes more than this is announced, in bytes.
const ANNOUNCED_BYTES: u64 = 100_000_000;
/// And one that takes more is not begun: a WebAssembly module holds four gigabytes, and a list that
/// grows is there twice.
pub(crate) const MOST_BYTES: u64 = 2_000_000_000;

/// What the button is called that begins.
pub(crate) fn begin(scenario: &Scenario) -> &'static str {
    match restart(scenario) {
        Some((_, "server restarts")) => "Restart the server",
        _ => "Run",
    }
}

/// What the reader is asked first.
pub(crate) const ASK: &str =
    "First a guess: in the highest row, about how many times what the server can take will come at once?";
/// And can answer.
pub(crate) const GUESSES: [u32; 4] = [1, 3, 10, 100];

/// What became of the reader's guess.
pub(crate) fn answer(scenario: &Scenario, sums: &[Sum], guess: Option<u32>) -> String {
    let Some(most) = sums.iter().max_by_key(|sum| sum.peak) else {
        return guess.map_or(String::new(), |guess| format!("You said about {guess}×."));
    };
    let times = peak(scenario, most);
    match guess {
        Some(guess) => format!("You said about {guess}×: it was {times}."),
        None => format!("In the row that stands highest, {times} what the server can take came at once."),
    }
}

/// The whole, in one sentence or two.
pub(crate) fn whole(scenario: &Scenario, sums: &[Sum]) -> String {
    let names = names(scenario);
    // Rows of one name are told apart by their settings.
    let alike = names.windows(2).any(|pair| pair[0].name == pair[1].name);
    let label = |name: &'_ Name| if alike { name.set.clone() } else { name.name.clone() };
    // Rows that differ by less than a tenth stand equally high for whoever looks.
    let near = |one: u32, other: u32| one.abs_diff(other) * 10 <= one.max(other);
    let at = |most: u32| {
        let there = names.iter().zip(sums).filter(|(_, sum)| sum.ran && near(sum.peak, most));
        let there: Vec<String> = there.map(|(name, _)| label(name)).collect();
        list(&there.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let there = || sums.iter().filter(|sum| sum.ran);
    let (Some(most), Some(least)) = (there().max_by_key(|sum| sum.peak), there().min_by_key(|sum| sum.peak))
    else {
        return String::new();
    };
    let times = |sum: &Sum| peak(scenario, sum);
    if near(most.peak, least.peak) {
        return "All rows stand about equally high. Point at one, or use the arrow keys.".to_owned();
    }
    format!(
        "Highest, at {}: {}. Lowest, at {}: {}. Point at a row, or use the arrow keys.",
        times(most),
        at(most.peak),
        times(least),
        at(least.peak)
    )
}

/// What is to be known before a run of this size; nothing where there is nothing to know.
pub(crate) fn before(scenario: &Scenario) -> String {
    match Herd::memory_bytes(scenario) {
        ..=ANNOUNCED_BYTES => String::new(),
        much if much > MOST_BYTES => format!(
            "{} clients would take {} of memory; a page has {} at most. Choose fewer.",
            count(scenario.clients.into()),
            bytes(much),
            bytes(MOST_BYTES)
        ),
        much => format!(
            "{} clients take up to {} of this browser's memory, one row at a time.",
            count(scenario.clients.into()),
            bytes(much)
        ),
    }
}

/// How fast the model ran.
pub(crate) fn speed(events: u64, took_ms: f64, memory_bytes: f64) -> String {
    let took_ms = took_ms.max(1.0) as u64;
    format!(
        "The model did {} things to single clients in {} s, {} million a second, within {}.",
        count(events),
        decimal(took_ms, 1_000, 2),
        decimal(events, took_ms * 1_000, 1),
        bytes(memory_bytes as u64)
    )
}

/// What the button is called that tries it with so many real clients in all.
pub(crate) fn try_live(clients: u32) -> String {
    format!("Try it live with {}", count(clients.into()))
}

/// What the button is called that runs the rows one after another, with as many clients in each.
pub(crate) fn in_turn(scenario: &Scenario, each: u32) -> String {
    let rows = scenario.lanes.len();
    // Until all are connected takes some seconds.
    let minutes = (rows * (scenario.window_ms as usize + 3_000)).div_ceil(60_000);
    format!("One row after another: {rows} × {}, about {minutes} min", count(each.into()))
}

/// How many of them are connected.
pub(crate) fn open(open: u32, of: u32) -> String {
    format!("{} of {} connected", count(open.into()), count(of.into()))
}

/// How much of a live run has passed, in tallies.
pub(crate) fn lived(tallies: usize, all: usize) -> String {
    format!("{} of {} s", tallies / 10, all / 10)
}

/// Which row of a live run it is.
pub(crate) fn turn(row: usize, rows: usize) -> String {
    format!("row {} of {rows}", row + 1)
}

/// What is said above a live run until it has cost something.
pub(crate) const LIVE: &str = "The same again, with real connections to the book's server.";

/// What a live run is.
pub(crate) fn live(scenario: &Scenario) -> String {
    format!(
        "Real connections on the server's own machine, {} in each row. Each row's clients meet a server that \
         takes {} a second: as much for each of them as in the model.",
        count(scenario.clients.into()),
        count(capacity(scenario))
    )
}

/// What the crowd cost the server.
pub(crate) fn cost(used: &Used) -> String {
    let each_bytes = used.more_bytes.checked_div(used.open.into());
    let each = each_bytes.map_or(String::new(), |each| format!(", {} for each", bytes(each)));
    format!(
        "In the last second {} were connected. The server held {} more memory than before they came{each}, and \
         used {} % of a processor core. The clients themselves are other processes, and not counted.",
        count(used.open.into()),
        bytes(used.more_bytes),
        decimal(used.cpu_us * 100, used.span_us.max(1), 0)
    )
}
