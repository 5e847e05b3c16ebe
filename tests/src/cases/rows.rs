//! Live and simulated: the choice between them, and both at once in two rows.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use standby_sim::truth;
use standby_trace::link::{self, Sources};
use standby_trace::scenario::Scenario;
use standby_trace::trace::Kind;
use standby_trace::{Source, Trace};
use thirtyfour::Key;

use super::axe::{self, Found};
use super::place;
use crate::host::Host;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// Whoever asks does so on nobody's clock: what comes out is the same in each run.
const BY_HAND: &str = r#"{"v":1,"lanes":[
    {"transport":"long-poll","timeout_ms":60000,"backoff":{"kind":"fixed","base_ms":500}},
    {"transport":"websocket","backoff":{"kind":"fixed","base_ms":500}},
    {"transport":"sse","retry_ms":500}],
    "publish":{"every_ms":0},"conditions":{"latency_ms":20},"window_ms":20000}"#;

const ID: &str = "four-ways";

/// Opens the experiment as a link sets it up.
async fn open<'t>(test: &'t Test<'_>, scenario: &Scenario, sources: Sources) -> Result<Widget<'t>> {
    let place = place(test, ID)?;
    let fragment = sources.in_fragment(link::to_fragment(Some(ID), scenario));
    // A page that is there already would stay.
    test.browser.goto("about:blank").await?;
    test.browser.goto(&test.server.url(&format!("{}#{fragment}", place.page))).await?;
    let widget = Widget::on_page(&test.browser, ID);
    wait::until("the link is followed", async || {
        Ok((attribute(test, "data-sources").await? == sources.name()).then_some(()))
    })
    .await?;
    widget.scroll_to().await?;
    Ok(widget)
}

async fn attribute(test: &Test<'_>, name: &str) -> Result<String> {
    let script = "return document.getElementById(arguments[0])?.getAttribute(arguments[1]) ?? ''";
    test.browser.js(script, &[json!(ID), json!(name)]).await
}

fn beneath<'t>(test: &'t Test<'_>) -> Widget<'t> {
    Widget::on_page(&test.browser, &format!("{ID}-model"))
}

/// Brings the choice, as someone who comes near does.
async fn come_near(test: &Test<'_>) -> Result<()> {
    let script = "document.querySelector(`#${arguments[0]} .standby-run`).focus()";
    test.browser.js::<Value>(script, &[json!(ID)]).await?;
    wait::until("the choice is offered", async || {
        let script = "return document.querySelector(`#${arguments[0]} .standby-source`) !== null";
        Ok(test.browser.js::<bool>(script, &[json!(ID)]).await?.then_some(()))
    })
    .await
}

/// The ids that each lane got, in the order in which they came.
fn ids(trace: &Trace) -> Vec<Vec<u64>> {
    let mut ids = vec![Vec::new(); trace.scenario.lanes.len()];
    for message in trace.messages.iter().filter(|message| !message.lost && message.client.is_some()) {
        if let Some(ids) = ids.get_mut(usize::from(message.lane)) {
            ids.extend(&message.events);
        }
    }
    ids
}

/// Waits until both rows have had as many events, and differ in nothing that is counted: messages by kind
/// and their bytes, empty answers, what was delivered, recovered and lost.
async fn both_have(test: &Test<'_>, events: u64) -> Result<(Trace, Trace)> {
    let (live, model) = (Widget::on_page(&test.browser, ID), beneath(test));
    let all: Vec<u64> = (1..=events).collect();
    let mut last = String::new();
    let same = wait::until(&format!("both rows have {events} events, and the same"), async || {
        let (live, model) = (live.trace().await?, model.trace().await?);
        let differences = truth::differences(&live, &model);
        let have = [ids(&live), ids(&model)];
        last = format!("they have {have:?}; {}", differences.join("; "));
        let same = differences.is_empty() && have.iter().flatten().all(|ids| *ids == all);
        Ok(same.then_some((live, model)))
    })
    .await;
    same.map_err(|e| e.context(last))
}

pub(super) async fn both_rows_come_to_the_same(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, &Scenario::from_json(BY_HAND)?, Sources::Both).await?;
    widget.run().await?;
    beneath(test).wait_for("live").await?;
    for _ in 0..2 {
        widget.press_word("Publish").await?;
    }
    let (live, model) = both_have(test, 2).await?;
    ensure!((live.source, model.source) == (Source::Live, Source::Simulated));
    ensure!(live.scenario == model.scenario);
    // A drop reaches both, and both come back by themselves.
    widget.press_word("Drop").await?;
    let back = |trace: &Trace| {
        let openings = trace.messages.iter().filter(|message| message.kind == Kind::Open && !message.lost);
        openings.count() == 4
    };
    wait::until("both rows are back", async || {
        Ok((back(&widget.trace().await?) && back(&beneath(test).trace().await?)).then_some(()))
    })
    .await?;
    widget.press_word("Publish").await?;
    both_have(test, 3).await?;
    // The tables below say so.
    let differs = "return [...document.querySelectorAll(`#${arguments[0]}-model-differences tr[data-what]`)]\
                   .filter(row => row.dataset.what.startsWith('events')).map(row => row.dataset.differs)";
    wait::until("the tables say that nothing differs", async || {
        let differs: Vec<String> = test.browser.js(differs, &[json!(ID)]).await?;
        Ok((differs.len() >= 3 && differs.iter().all(|differs| differs == "no")).then_some(()))
    })
    .await
}

pub(super) async fn what_is_done_in_one_row_is_done_in_both(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, &Scenario::from_json(BY_HAND)?, Sources::Both).await?;
    widget.run().await?;
    let row = beneath(test);
    row.wait_for("live").await?;
    widget.press_word("Publish").await?;
    both_have(test, 1).await?;
    // Pause and Run.
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    row.wait_for("paused").await?;
    // Back in time, in the second row, by its keys: both show it.
    let focus = "document.querySelector(`#${arguments[0]}-model canvas`).focus()";
    test.browser.js::<Value>(focus, &[json!(ID)]).await?;
    let url = test.browser.url().await?;
    for key in [Key::Left, Key::Right, Key::Home] {
        test.browser.press(key).await?;
    }
    let looks = "return ['', '-model'].map(end => document.getElementById(arguments[0] + end).dataset.looks)";
    let looks: Vec<String> = test.browser.js(looks, &[json!(ID)]).await?;
    ensure!(looks == ["back", "back"], "they show {looks:?}");
    let cursor = "return ['', '-model'].map(end => document.querySelector(`#${arguments[0]}${end} canvas`)\
                  .getAttribute('aria-valuenow'))";
    let cursors: Vec<String> = test.browser.js(cursor, &[json!(ID)]).await?;
    ensure!(cursors == ["0", "0"], "their cursors stand at {cursors:?}");
    ensure!(test.browser.url().await? == url, "a key turned the page");
    widget.run().await?;
    row.wait_for("live").await?;
    widget.press_word("Publish").await?;
    let two = async || {
        let rows = [widget.trace().await?, row.trace().await?];
        let newest = |trace: &Trace| trace.messages.iter().flat_map(|message| &message.events).max().copied();
        Ok(rows.iter().all(|trace| newest(trace) == Some(2)).then_some(()))
    };
    wait::until("an event comes in both rows after the pause", two).await?;
    // A new start begins both anew.
    widget.press_word("↺").await?;
    let anew = async || {
        let rows = [widget.trace().await, row.trace().await];
        let none = |trace: &Trace| trace.published.is_empty() && !trace.messages.is_empty();
        Ok(rows.iter().all(|trace| trace.as_ref().is_ok_and(none)).then_some(()))
    };
    wait::until("both rows begin anew", anew).await?;
    // One announces, not two.
    let regions = "return document.querySelectorAll(`#${arguments[0]} [aria-live]`).length";
    ensure!(test.browser.js::<usize>(regions, &[json!(ID)]).await? == 1, "two rows speak");
    Ok(())
}

pub(super) async fn the_choice_keeps_the_scenario_and_a_link_keeps_the_choice(
    test: &mut Test<'_>,
) -> Result<()> {
    let mut scenario = place(test, ID)?.experiment.scenario;
    scenario.seed = 77;
    let widget = open(test, &scenario, Sources::Live).await?;
    come_near(test).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    // By keys alone: the pill opens the choice, the arrows choose.
    let focus = "document.querySelector(`#${arguments[0]} .standby-source`).focus()";
    test.browser.js::<Value>(focus, &[json!(ID)]).await?;
    test.browser.press(Key::Enter).await?;
    let radio = "const open = document.querySelector(`#${arguments[0]} .standby-sources`).matches(':popover-open'); \
                 const radio = document.querySelector(`#${arguments[0]} .standby-sources [value=${arguments[1]}]`); \
                 radio.focus(); return open && radio.checked";
    let checked: bool = test.browser.js(radio, &[json!(ID), json!("live")]).await?;
    ensure!(checked, "the choice is not open, or says something else than Live");
    test.browser.press(Key::Down).await?;
    let model = async || {
        let trace = widget.trace().await.ok().filter(|trace| trace.source == Source::Simulated);
        Ok(trace.filter(|trace| !trace.messages.is_empty()))
    };
    let trace = wait::until("the model runs it", model).await?;
    ensure!(trace.scenario == scenario, "another scenario runs: {:?}", trace.scenario);
    let says = "const e = document.getElementById(arguments[0]); \
                return [e.dataset.source, e.querySelector('.standby-pill').textContent, \
                e.querySelector('.standby-notice').hidden ? '' : e.querySelector('.standby-notice').textContent]";
    wait::until("the pill says so", async || {
        let (source, pill, _): (String, String, String) = test.browser.js(says, &[json!(ID)]).await?;
        Ok((source == "model" && pill.contains("Simulated")).then_some(()))
    })
    .await?;
    let (_, _, notice): (String, String, String) = test.browser.js(says, &[json!(ID)]).await?;
    ensure!(notice.is_empty(), "who chose the model is told that there is no server: {notice}");
    test.browser.press(Key::Escape).await?;
    // The link has it, and so does the way to the playground.
    widget.show_tab("link").await?;
    let shown = "const link = document.querySelector(`#${arguments[0]} .standby-url`)?.value; \
                 return link ? [link, document.querySelector(`#${arguments[0]} .standby-open`).href] : null";
    let links = async || test.browser.js::<Option<Vec<String>>>(shown, &[json!(ID)]).await;
    for link in wait::until("there is a link", links).await? {
        let fragment = link.split_once('#').map_or("", |(_, fragment)| fragment);
        let asked = link::from_fragment(fragment);
        let kept = asked.as_ref().map(|asked| (asked.sources, asked.scenario.as_ref().ok()));
        ensure!(kept == Some((Sources::Simulated, Some(&scenario))), "{link}");
    }
    let widget = open(test, &scenario, Sources::Both).await?;
    widget.run().await?;
    beneath(test).wait_for("live").await?;
    ensure!(widget.trace().await?.scenario == scenario && beneath(test).trace().await?.scenario == scenario);
    Ok(())
}

pub(super) async fn where_there_is_no_server_there_is_no_choice_and_one_row(
    test: &mut Test<'_>,
) -> Result<()> {
    let host = Host::start(test.book.clone(), "/some/where/below").await?;
    let place = place(test, ID)?;
    let fragment = Sources::Both.in_fragment(link::to_fragment(Some(ID), &place.experiment.scenario));
    test.browser.goto(&format!("{}/{}#{fragment}", host.origin, place.page)).await?;
    let widget = Widget::on_page(&test.browser, ID);
    wait::until("the link is followed", async || {
        Ok((attribute(test, "data-sources").await? == "both").then_some(()))
    })
    .await?;
    // Before anything runs it is known that there is no server.
    wait::until("the second row is gone", async || {
        let script = "return document.getElementById(arguments[0]) === null";
        Ok(test.browser.js::<bool>(script, &[json!(format!("{ID}-model"))]).await?.then_some(()))
    })
    .await?;
    widget.scroll_to().await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    let script = "return [document.querySelectorAll(`#${arguments[0]}-model, .standby-source`).length, \
                  document.querySelector(`#${arguments[0]} .standby-notice`).hidden]";
    let (more, untold): (usize, bool) = test.browser.js(script, &[json!(ID)]).await?;
    ensure!(more == 0 && !untold, "{more} parts too many; untold that there is no server: {untold}");
    let seen = test.browser.take_seen().await?;
    ensure!(seen.errors.is_empty(), "{:?}", seen.errors);
    Ok(())
}

pub(super) async fn two_rows_fit_a_phone_and_axe_finds_nothing(test: &mut Test<'_>) -> Result<()> {
    let mut found = Found::new();
    for (width, height) in [(1280, 900), (360, 740), (320, 640)] {
        test.browser.resize(width, height).await?;
        let widget = open(test, &place(test, ID)?.experiment.scenario, Sources::Both).await?;
        come_near(test).await?;
        widget.run().await?;
        widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
        // Four tables, whole, and no control too small.
        let script = "const root = document.getElementById(arguments[0]); \
                      const right = root.getBoundingClientRect().right; \
                      return [document.documentElement.scrollWidth - document.documentElement.clientWidth, \
                      root.querySelectorAll('.standby-difference-tables table').length, \
                      Math.max(...[...root.querySelectorAll('.standby-difference-tables td, .standby-beneath canvas, .standby-source')]\
                      .map(e => e.getBoundingClientRect().right)) - right, \
                      root.querySelector('.standby-source').getBoundingClientRect().height]";
        let (over, tables, beyond, high): (f64, usize, f64, f64) =
            test.browser.js(script, &[json!(ID)]).await?;
        ensure!(over <= 0.0, "at {width} px the page is {over} px too wide");
        ensure!(
            tables == 4 && beyond <= 0.0,
            "at {width} px: {tables} tables, {beyond} px beyond the widget"
        );
        ensure!(high >= 24.0, "at {width} px the pill is {high} px high");
        axe::start(test).await?;
        test.browser.click(&format!("#{ID} .standby-source")).await?;
        axe::note(test, axe::ALL, &format!("{width} px, two rows"), &mut found).await?;
        for theme in crate::screens::THEMES {
            test.browser.set_theme(theme).await?;
            axe::note(test, axe::COLOURS, &format!("{width} px, two rows, {theme}"), &mut found).await?;
        }
        test.browser.set_theme(crate::screens::THEMES[0]).await?;
    }
    axe::nothing(&found)
}
