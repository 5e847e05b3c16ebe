//! The figures that chapters quote of the model: they are what the model says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a harness of tests: what fails here fails the test")]

use std::fs;
use std::path::Path;

use mdbook_standby::library::Library;
use standby_figure::format::count;
use standby_figure::herd::{Sum, sums, table};
use standby_sim::Profile;
use standby_sim::herd::Herd;
use standby_sim::truth::{self, Script};
use standby_trace::Scenario;
use standby_trace::crowd::Tally;

/// A file below the root of the repository.
fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn scenario(experiment: &str) -> Scenario {
    Library::read(&path("experiments")).unwrap().get(experiment).unwrap().scenario.clone()
}

fn run(scenario: &Scenario) -> Vec<Vec<Tally>> {
    let tallies = |lane| {
        let mut herd = Herd::new(scenario, lane).unwrap();
        herd.run_until(i64::MAX, u64::MAX);
        herd.tallies().to_vec()
    };
    (0..scenario.lanes.len()).map(tallies).collect()
}

fn summed(scenario: &Scenario) -> Vec<Sum> {
    let rows = run(scenario);
    sums(scenario, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Each of the lines is one of the chapter's; says which should be there, otherwise.
fn has(chapter: &str, lines: impl IntoIterator<Item = String>) {
    let text = fs::read_to_string(path("src").join(chapter)).unwrap();
    let missing: Vec<String> =
        lines.into_iter().filter(|line| !text.lines().any(|there| there == line)).collect();
    assert!(missing.is_empty(), "{chapter} should say\n{}", missing.join("\n"));
}

fn line(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// The first four cells of the widget's own table.
fn rows(experiment: &str) -> Vec<String> {
    let scenario = scenario(experiment);
    table(&scenario, &summed(&scenario)).iter().map(|row| line(&row[..4])).collect()
}

#[test]
fn the_chapter_on_herds_quotes_the_model() {
    has("thundering-herds.md", rows("thundering-herd"));
}

#[test]
fn the_chapter_on_short_polling_quotes_the_model() {
    has("short-polling.md", rows("poll-overload"));
}

#[test]
fn the_chapter_on_long_polling_quotes_the_model_at_each_rate_of_events() {
    let mut scenario = scenario("long-poll-crowd");
    let lines = [(5_000, "5"), (2_000, "2"), (1_000, "1"), (500, "0.5"), (100, "0.1")].map(|(ms, name)| {
        scenario.publish.every_ms = ms;
        let seconds = u64::from(scenario.window_ms) / 1_000;
        let sums = summed(&scenario);
        // The last of them may still be on their way to some.
        let delivered = sums.iter().map(|sum| sum.delivered).max().unwrap();
        let events = delivered.div_ceil(scenario.clients.into());
        let a_second = sums.iter().map(|sum| count((sum.arrivals + seconds / 2) / seconds));
        line(&[format!("{name} s"), count(events)].into_iter().chain(a_second).collect::<Vec<_>>())
    });
    has("long-polling.md", lines);
}

#[test]
fn the_echo_of_the_herd_is_as_the_chapter_on_websockets_tells_it() {
    let rows = run(&scenario("idle-crowd"));
    let pings: Vec<u32> = rows[1].iter().map(|tally| tally.keep_alives).collect();
    // Before the cut at 5 s each client at a moment of its own.
    assert!(pings[..50].iter().all(|pings| (133..=134).contains(pings)), "{pings:?}");
    // Fifteen seconds after they came back, again and again; in between nothing.
    let together: Vec<usize> = (50..600).filter(|at| pings[*at] == 900).collect();
    assert_eq!(together.len(), 3 * 22, "{together:?}");
    assert!(pings[75..200].iter().all(|pings| *pings == 0), "{pings:?}");
    assert!(rows[3].iter().skip(51).take(400).all(|tally| tally.keep_alives == 0), "{:?}", rows[3]);
    let text = fs::read_to_string(path("src/websockets.md")).unwrap();
    assert!(text.contains("133 in each tenth") && text.contains("900 in each tenth for 2.2 s"));
}

#[test]
fn the_page_on_the_model_lists_every_script_with_what_is_counted() {
    let scripts = Script::all().into_iter().chain((1..=5).map(Script::random));
    let lines = scripts.map(|script| {
        let topic = "x-da48331a5af866d696c7a176f7445d98";
        let trace = truth::run(&script, &Profile::chromium(), topic, 1_795_539_636_000).unwrap();
        let outcomes = truth::outcomes(&trace);
        let of = |each: &dyn Fn(&truth::Outcome) -> u64| count(outcomes.iter().map(each).sum());
        let kinds = |outcome: &truth::Outcome, each: &dyn Fn(&truth::Messages) -> u64| {
            outcome.messages.values().map(each).sum()
        };
        line(&[
            script.name.clone(),
            outcomes.len().to_string(),
            of(&|outcome| kinds(outcome, &|kind| kind.count)),
            of(&|outcome| kinds(outcome, &|kind| kind.payload_bytes + kind.overhead_bytes)),
            of(&|outcome| outcome.empty),
            of(&|outcome| outcome.delivered.len() as u64),
            of(&|outcome| outcome.recovered.iter().map(|(_, from, to)| to - from + 1).sum()),
        ])
    });
    has("how-far-to-trust-the-model.md", lines);
}
