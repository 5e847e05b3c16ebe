//! What a frame of the picture costs: the painting code of the widgets, on made-up traces, in each
//! browser. `cargo xtask bench picture` prints it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::browser::{Browser, Engine};
use crate::host::Host;
use crate::setup::Setup;
use crate::wait;

/// Frames of each line.
const FRAMES: u32 = 400;
/// A day's run has about so many messages: some three a second.
const DAY_S: u32 = 86_400;
const DAY_MARKS: u32 = 28;

/// One line of the table.
struct Line {
    name: &'static str,
    width: u32,
    marks: u32,
    length_s: u32,
    counts: bool,
    pans: bool,
}

const fn line(name: &'static str, width: u32, marks: u32) -> Line {
    Line { name, width, marks, length_s: 20, counts: true, pans: false }
}

/// What is measured. The 10,000 marks have to be drawn one by one, in a view that is wide enough.
const LINES: [Line; 9] = [
    line("100 marks, following", 750, 100),
    line("1,000 marks, following", 750, 1_000),
    Line { counts: false, ..line("10,000 marks, 4,000 px, each drawn, following", 4_000, 10_000) },
    line("10,000 marks, counted, following", 750, 10_000),
    line("100,000 marks, counted, following", 750, 100_000),
    Line { pans: true, length_s: 60, ..line("100 marks, panning over a minute", 750, 100) },
    Line { pans: true, length_s: DAY_S, ..line("a day's run, panning", 750, DAY_MARKS) },
    Line {
        pans: true,
        counts: false,
        length_s: 60,
        ..line("10,000 marks, 4,000 px, each drawn, panning", 4_000, 10_000)
    },
    Line { pans: true, ..line("100,000 marks, counted, panning", 750, 100_000) },
];

#[derive(Deserialize)]
struct Times {
    script: Vec<f64>,
    all: Vec<f64>,
    messages: u64,
}

#[derive(Deserialize)]
struct Compared {
    differ: u64,
    painted: u64,
}

/// Prints the table. `module` is where the widgets' bundle with its hook lies.
pub(crate) async fn picture(setup: &Setup, module: &Path) -> Result<bool> {
    std::fs::write(module.join("index.html"), include_str!("bench.html")).context("writing the page")?;
    let host = Host::isolated(module.to_owned()).await?;
    println!("  {}", machine());
    let mut alike = true;
    for engine in Engine::of(setup) {
        let browser = Browser::start(setup, engine).await?;
        let done = in_browser(&browser, &host).await;
        browser.quit().await;
        alike &= done.with_context(|| format!("in {engine}"))?;
    }
    Ok(alike)
}

async fn in_browser(browser: &Browser, host: &Host) -> Result<bool> {
    browser.resize(1_280, 800).await?;
    browser.goto(&format!("{}/index.html", host.origin)).await?;
    wait::until("the page is ready", || async {
        Ok(browser.js::<bool>("return window.ready === true", &[]).await?.then_some(()))
    })
    .await?;
    let version: String = browser.js("return navigator.userAgent", &[]).await?;
    println!("\n  {} ({version})", browser.engine);
    println!("  {:<46} {:>9} {:>17} {:>17}", "", "", "script", "script and paint");
    println!(
        "  {:<46} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "milliseconds a frame", "messages", "median", "p99", "median", "p99"
    );
    for line in LINES {
        let arguments = json!({
            "width": line.width, "marks": line.marks, "lengthS": line.length_s, "counts": line.counts,
            "keeps": true, "pans": line.pans, "frames": FRAMES,
        });
        let mut times: Times = browser.js("return window.measure(arguments[0])", &[arguments]).await?;
        let [script, script_most] = quantiles(&mut times.script)?;
        let [all, all_most] = quantiles(&mut times.all)?;
        println!(
            "  {:<46} {:>9} {script:>8.2} {script_most:>8.2} {all:>8.2} {all_most:>8.2}",
            line.name, times.messages
        );
    }
    let mut alike = true;
    for counts in [true, false] {
        let arguments =
            json!({ "width": 750, "marks": 2_000, "lengthS": 60, "counts": counts, "from": 12_345 });
        let compared: Compared = browser.js("return window.compare(arguments[0])", &[arguments]).await?;
        let Compared { differ, painted } = compared;
        println!("  from tiles and without: {differ} of {painted} pixels differ");
        // Where a dashed line is cut its dashes begin anew.
        alike &= painted > 10_000 && differ * 200 < painted;
    }
    Ok(alike)
}

/// The median and what 99 of 100 don't exceed, by nearest rank.
pub(crate) fn quantiles(times: &mut [f64]) -> Result<[f64; 2]> {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    match (at(50), at(99)) {
        (Some(median), Some(most)) => Ok([median, most]),
        _ => bail!("nothing was measured"),
    }
}

/// The machine in general terms.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model.trim());
    format!("{cores} cores of {model}, {}, without a graphics card's help", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let mut times: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantiles(&mut times).unwrap(), [100.0, 198.0]);
        assert!(quantiles(&mut []).is_err());
    }
}
