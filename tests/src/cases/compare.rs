//! The model is the same in a page as on this machine, and the page compares it with a live run.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use standby_sim::herd::Herd;
use standby_sim::{Profile, truth};
use thirtyfour::Key;

use crate::book;
use crate::host::Host;
use crate::runner::Test;
use crate::wait;

const PAGE: &str = "how-far-to-trust-the-model.html";
/// The tests' world begins then, in milliseconds since 1970.
const BEGAN_AT_MS: u64 = 1_795_539_636_000;
/// Of virtual time: past the first faults and reconnects of every experiment.
const FOR_MS: u32 = 20_000;
/// Few enough that an engine without a fast compiler is done at once.
const CLIENTS: u32 = 2_000;

/// Calls a function of one of the page's modules.
fn call(module: &str, call: &str) -> String {
    format!(
        "const module = await import(new URL((path_to_root || './') + 'standby/{module}.js', location)); \
         await module.default(); return module.{call}"
    )
}

pub(super) async fn the_model_gives_the_same_trace_as_on_this_machine(test: &mut Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url(PAGE)).await?;
    let mut known = BTreeSet::new();
    for place in book::places(test.setup)? {
        let scenario = &place.experiment.scenario;
        let text = serde_json::to_string(scenario)?;
        if !known.insert(text.clone()) {
            continue;
        }
        let script = call("compare", "model_trace(arguments[0], arguments[1], arguments[2])");
        let there: String =
            test.browser.js(&script, &[json!(text), json!(BEGAN_AT_MS), json!(FOR_MS)]).await?;
        let here = serde_json::to_string(&truth::watch(scenario, &Profile::chromium(), BEGAN_AT_MS, FOR_MS))?;
        same(&place.experiment.name, &there, &here)?;
        ensure!(here.len() > 2_000, "{}: nothing happened in it: {here}", place.experiment.name);
    }
    Ok(())
}

pub(super) async fn a_crowd_gives_the_same_counts_as_on_this_machine(test: &mut Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url(PAGE)).await?;
    for place in book::crowds(test.setup)? {
        let mut scenario = place.experiment.scenario.clone();
        scenario.clients = scenario.clients.min(CLIENTS);
        let text = serde_json::to_string(&scenario)?;
        for lane in 0..scenario.lanes.len() {
            let script = call("herd", "model_tallies(arguments[0], arguments[1])");
            let there: String = test.browser.js(&script, &[json!(text), json!(lane)]).await?;
            let mut herd = Herd::new(&scenario, lane).map_err(anyhow::Error::msg)?;
            herd.run_until(i64::MAX, u64::MAX);
            let here = serde_json::to_string(herd.tallies())?;
            same(&format!("{}, row {lane}", place.id), &there, &here)?;
            ensure!(herd.tallies().iter().any(|tally| tally.arrivals > 0), "nobody came in {}", place.id);
        }
    }
    Ok(())
}

/// Bit for bit; where not, what stands at the first place that differs.
fn same(name: &str, there: &str, here: &str) -> Result<()> {
    let at = there.bytes().zip(here.bytes()).position(|(a, b)| a != b);
    let at = at.unwrap_or_else(|| there.len().min(here.len()));
    let around =
        |text: &str| text.get(at.saturating_sub(80)..).unwrap_or_default().chars().take(160).collect();
    let [there_is, here_is]: [String; 2] = [around(there), around(here)];
    ensure!(there == here, "{name}, at byte {at}:\nin the page: {there_is}\nhere:        {here_is}");
    Ok(())
}

async fn state(test: &Test<'_>) -> Result<String> {
    let script = "return document.getElementById('compare').dataset.state ?? ''";
    test.browser.js(script, &[]).await
}

async fn wait_for(test: &Test<'_>, wanted: &str) -> Result<()> {
    let mut last = String::new();
    wait::until(&format!("the comparison is {wanted:?}"), async || {
        last = state(test).await?;
        Ok((last == wanted).then_some(()))
    })
    .await
    .with_context(|| format!("it is {last:?}"))
}

async fn says(test: &Test<'_>, part: &str) -> Result<String> {
    let script = "return document.getElementById('compare').querySelector(arguments[0]).textContent";
    test.browser.js(script, &[json!(part)]).await
}

async fn focus(test: &Test<'_>, part: &str) -> Result<()> {
    let script = "const part = document.getElementById('compare').querySelector(arguments[0]); \
                  part.scrollIntoView({ block: 'center', behavior: 'instant' }); part.focus()";
    test.browser.js::<Value>(script, &[json!(part)]).await.map(drop)
}

pub(super) async fn the_page_runs_a_script_live_and_in_the_model(test: &mut Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url(PAGE)).await?;
    wait_for(test, "idle").await?;
    focus(test, ".standby-run").await?;
    let before = test.browser.url().await?;
    test.browser.press(Key::Enter).await?;
    // A key that turns mdBook's pages.
    test.browser.press(Key::Right).await?;
    wait_for(test, "done").await?;
    ensure!(test.browser.url().await? == before, "a key turned the page");
    let result =
        "return document.getElementById('compare').querySelector('.standby-compare-result').innerText";
    let told: String = test.browser.js(result, &[]).await?;
    let sentence = says(test, ".standby-sentence").await?;
    ensure!(sentence == "All 10 counts are equal, lane by lane, to the byte.", "{sentence}\n{told}");
    let script = "const rows = [...document.querySelectorAll('#compare .standby-compare-result tbody tr')]; \
                  return rows.map(row => [...row.cells].map(cell => cell.textContent))";
    let rows: Vec<Vec<String>> = test.browser.js(script, &[]).await?;
    let row =
        |what: &str| rows.iter().find(|row| row[0] == what).with_context(|| format!("{what}: {rows:?}"));
    // Four of the six lanes get all six events, of which one came while nobody could come back.
    ensure!(row("Events delivered")?[1..] == ["✓ equal", "24", "", "24", ""], "{rows:?}");
    ensure!(row("Events recovered")?[2] == "4", "{rows:?}");
    ensure!(row("came as they were published")?[1] == "20", "{rows:?}");
    ensure!(told.contains("shortest round trip"), "{told}");
    let steps = "return [...document.querySelectorAll('#compare .standby-compare-steps tbody tr')]\
                 .every(row => [...row.cells].every(cell => cell.textContent.length > 0))";
    ensure!(test.browser.js::<bool>(steps, &[]).await?, "not every step has a time live and in the model");
    Ok(())
}

pub(super) async fn a_run_of_both_can_be_stopped_and_run_again(test: &mut Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url(PAGE)).await?;
    wait_for(test, "idle").await?;
    test.browser.click("#compare .standby-run").await?;
    wait_for(test, "running").await?;
    test.browser.click("#compare .standby-run").await?;
    wait_for(test, "idle").await?;
    // The shortest.
    let choose = "const select = document.querySelector('#compare select'); select.value = '0'; \
                  select.dispatchEvent(new Event('change'))";
    test.browser.js::<Value>(choose, &[]).await?;
    test.browser.click("#compare .standby-run").await?;
    wait_for(test, "done").await?;
    let sentence = says(test, ".standby-sentence").await?;
    ensure!(sentence.starts_with("All 10 counts are equal"), "{sentence}");
    Ok(())
}

pub(super) async fn without_a_server_the_comparison_says_what_makes_it_live(
    test: &mut Test<'_>,
) -> Result<()> {
    let host = Host::start(test.book.clone(), "/some/where/below").await?;
    test.browser.goto(&format!("{}/{PAGE}", host.origin)).await?;
    wait_for(test, "idle").await?;
    test.browser.click("#compare .standby-run").await?;
    wait_for(test, "no-server").await?;
    let command = says(test, ".standby-command").await?;
    ensure!(command == "cargo xtask serve", "it says {command:?}");
    let seen = test.browser.take_seen().await?;
    ensure!(seen.errors.is_empty(), "the console says {:?}", seen.errors);
    let elsewhere = |url: &&String| !url.starts_with(&host.origin) && !url.starts_with("data:");
    let elsewhere: Vec<_> = seen.requests.iter().filter(elsewhere).collect();
    ensure!(elsewhere.is_empty(), "it asks elsewhere: {elsewhere:?}");
    Ok(())
}

pub(super) async fn the_comparison_fits_and_nothing_moves_when_it_comes(test: &mut Test<'_>) -> Result<()> {
    for width in [1_280, 360] {
        test.browser.resize(width, 800).await?;
        test.browser.goto(&test.server.url(PAGE)).await?;
        wait_for(test, "idle").await?;
        let script = "await document.fonts.ready; const e = document.getElementById('compare'), \
              state = e.dataset.state, box = e.querySelector('.standby-box'), page = document.documentElement; \
            const high = () => e.getBoundingClientRect().height; const withIt = high(); \
            box.style.display = 'none'; delete e.dataset.state; const without = high(); \
            box.style.display = ''; e.dataset.state = state; \
            const small = [...box.querySelectorAll('button, select')].filter(c => c.offsetHeight < 24); \
            return { moved: Math.abs(withIt - without), over: page.scrollWidth - page.clientWidth, \
                     small: small.length }";
        let seen: Value = test.browser.js(script, &[]).await?;
        ensure!(seen["over"] == 0 && seen["small"] == 0, "at {width} px: {seen}");
        // Engines differ by some pixels in how high they make a row of a table.
        let moved = seen["moved"].as_f64().context("a height")?;
        ensure!(moved <= 12.0, "at {width} px it moves the page by {moved} px");
    }
    Ok(())
}
