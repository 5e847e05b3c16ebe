//! Records the comparison of the model with live runs: every script in every engine, as tables that
//! the page on the model includes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;
use standby_figure::format::{count, decimal, list};
use standby_sim::truth::{self, Ages, Arrival, Outcome, Script};

use super::requests;
use crate::browser::{Browser, Engine};
use crate::script::both;
use crate::server::Server;
use crate::setup::Setup;

/// Where they are kept.
const FILE: &str = "experiments/truth.md";

/// What came of one script in one engine.
struct Compared {
    outcomes: Vec<Outcome>,
    differences: Vec<String>,
    arrivals: Vec<Arrival>,
    clock_error_us: u64,
}

impl Compared {
    /// How many messages there were, and their bytes.
    fn messages(&self) -> (u64, u64) {
        let kinds = self.outcomes.iter().flat_map(|outcome| outcome.messages.values());
        kinds.fold((0, 0), |(count, bytes), kind| {
            (count + kind.count, bytes + kind.payload_bytes + kind.overhead_bytes)
        })
    }

    fn sum(&self, each: impl Fn(&Outcome) -> u64) -> String {
        count(self.outcomes.iter().map(each).sum())
    }
}

/// All scripts in one engine.
struct Record {
    engine: Engine,
    browser: String,
    scripts: Vec<Compared>,
}

/// Records all engines. Says whether all that is counted was equal.
pub(crate) async fn take(setup: &Setup) -> Result<bool> {
    let scripts: Vec<Script> =
        Script::all().into_iter().chain((1..=truth::BY_CHANCE).map(Script::random)).collect();
    let mut records = Vec::new();
    let mut on = String::new();
    for engine in Engine::of(setup) {
        let server = Server::start(setup).await?;
        let browser = Browser::start(setup, engine).await?;
        let record = run(&browser, &server, &scripts).await.with_context(|| format!("in {engine}"));
        on = browser.js("return new Date().toISOString().slice(0, 10)", &[]).await.unwrap_or(on);
        browser.quit().await;
        records.push(record?);
        println!("  {engine}");
    }
    std::fs::write(setup.root.join(FILE), written(&scripts, &records, &on))
        .with_context(|| format!("writing {FILE}"))?;
    let differ = records.iter().flat_map(|record| &record.scripts).flat_map(|of| &of.differences);
    Ok(differ.inspect(|difference| println!("  {difference}")).count() == 0)
}

async fn run(browser: &Browser, server: &Server, scripts: &[Script]) -> Result<Record> {
    let mut compared = Vec::new();
    for script in scripts {
        let both = both(browser, server, script).await?;
        compared.push(Compared {
            outcomes: truth::outcomes(&both.live),
            differences: truth::differences(&both.live, &both.model),
            arrivals: truth::arrivals(&both.live, &both.model),
            clock_error_us: both.live.clock_error_us.unwrap_or(0),
        });
    }
    let agent: Value = browser.js("return navigator.userAgent", &[]).await?;
    let version = requests::version(agent.as_str().unwrap_or_default());
    Ok(Record {
        engine: browser.engine,
        browser: version.unwrap_or_else(|| name(browser.engine).to_owned()),
        scripts: compared,
    })
}

fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Chromium => "Chromium",
        Engine::Firefox => "Firefox",
        Engine::WebKit => "WebKit",
    }
}

fn written(scripts: &[Script], records: &[Record], on: &str) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let browsers: Vec<&str> = records.iter().map(|record| record.browser.as_str()).collect();
    let mut text = format!(
        "<!-- Written by `cargo xtask record --truth`. -->\n<!-- ANCHOR: when -->\n\
         Recorded on {on} with {}, and standby {}, on a machine with {}.\n<!-- ANCHOR_END: when -->\n",
        list(&browsers),
        env!("CARGO_PKG_VERSION"),
        if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") },
    );
    text.push_str(&counts(scripts, records));
    text.push_str(&times(records));
    text
}

/// What was counted: a line for each script.
fn counts(scripts: &[Script], records: &[Record]) -> String {
    let names: Vec<&str> = records.iter().map(|record| name(record.engine)).collect();
    let mut text = format!(
        "<!-- ANCHOR: counts -->\n| script | lanes | messages | {} | empty | delivered | recovered | model |\n",
        names.iter().map(|name| format!("bytes, {name}")).collect::<Vec<_>>().join(" | ")
    );
    text.push_str(&format!("|{}\n", "---|".repeat(7 + records.len())));
    for (number, script) in scripts.iter().enumerate() {
        let of: Vec<&Compared> = records.iter().filter_map(|record| record.scripts.get(number)).collect();
        // Where engines differ in what there is to count, each has its figure.
        let each = |figure: &dyn Fn(&Compared) -> String| {
            let all: Vec<String> = of.iter().map(|of| figure(of)).collect();
            let one: BTreeSet<&String> = all.iter().collect();
            if one.len() == 1 { all.first().cloned().unwrap_or_default() } else { all.join(" / ") }
        };
        let differs: Vec<&str> = of
            .iter()
            .zip(&names)
            .filter(|(of, _)| !of.differences.is_empty())
            .map(|(_, name)| *name)
            .collect();
        let verdict =
            if differs.is_empty() { "equal".to_owned() } else { format!("differs in {}", list(&differs)) };
        let recovered = |outcome: &Outcome| -> u64 {
            outcome.recovered.iter().map(|(_, from, to)| to.saturating_sub(*from) + 1).sum()
        };
        let mut cells = vec![
            script.name.clone(),
            script.scenario.lanes.len().to_string(),
            each(&|of| count(of.messages().0)),
        ];
        cells.extend(of.iter().map(|of| count(of.messages().1)));
        cells.extend([
            each(&|of| of.sum(|outcome| outcome.empty)),
            each(&|of| of.sum(|outcome| outcome.delivered.len() as u64)),
            each(&|of| of.sum(recovered)),
            verdict,
        ]);
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push_str("<!-- ANCHOR_END: counts -->\n");
    text
}

/// When events arrived, over all scripts: two lines for each engine.
fn times(records: &[Record]) -> String {
    let mut text =
        "<!-- ANCHOR: times -->\n| browser | events that | number | live | model | apart, median | \
                    apart, at most | clock error |\n|---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for record in records {
        let all = record.scripts.iter().flat_map(|of| &of.arrivals);
        let (at_once, asked_for): (Vec<Arrival>, Vec<Arrival>) = all.partition(|arrival| arrival.at_once);
        let errors_us = record.scripts.iter().map(|of| of.clock_error_us);
        let error = match (errors_us.clone().min(), errors_us.max()) {
            (Some(least), Some(most)) => format!("{} to {}", ms(least as i64), ms(most as i64)),
            _ => String::new(),
        };
        for (what, arrivals) in [("came as they were published", at_once), ("were asked for", asked_for)] {
            let Some(Ages { events, live, model, apart }) = Ages::of(&arrivals) else { continue };
            let [live, model, median, most] = [live.p50_us, model.p50_us, apart.p50_us, apart.max_us].map(ms);
            let _ = writeln!(
                text,
                "| {} | {what} | {events} | {live} | {model} | {median} | {most} | {error} |",
                name(record.engine)
            );
        }
    }
    text.push_str("<!-- ANCHOR_END: times -->\n");
    text
}

fn ms(us: i64) -> String {
    let sign = if us < 0 { "−" } else { "" };
    match us.unsigned_abs() {
        us @ ..1_000_000 => format!("{sign}{} ms", decimal(us, 1_000, 1)),
        us => format!("{sign}{} s", decimal(us, 1_000_000, 1)),
    }
}
