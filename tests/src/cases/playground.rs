//! The playground page: everything can be set, and what is set is what runs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use standby_trace::scenario::{LaneSpec, Scenario};
use thirtyfour::Key;

use crate::browser::Engine;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

const ID: &str = "playground";

/// Opens the page, with a fragment or without, and waits for the editor.
async fn open<'t>(test: &'t Test<'_>, fragment: &str) -> Result<Widget<'t>> {
    test.browser.goto(&test.server.url(&format!("playground.html{fragment}"))).await?;
    let widget = Widget::on_page(&test.browser, ID);
    there(test, "#playground .standby-ed-rows [data-row]").await?;
    Ok(widget)
}

async fn there(test: &Test<'_>, selector: &str) -> Result<()> {
    wait::until(&format!("there is {selector}"), async || {
        let script = "return document.querySelector(arguments[0]) !== null";
        Ok(test.browser.js::<bool>(script, &[json!(selector)]).await?.then_some(()))
    })
    .await
}

/// Types a value into a field, and leaves it.
async fn type_into(test: &Test<'_>, key: &str, text: &str) -> Result<()> {
    let script = "const e = document.querySelector(`#playground [data-key='${arguments[0]}']`); \
                  e.focus(); e.select(); return document.activeElement === e";
    ensure!(test.browser.js::<bool>(script, &[json!(key)]).await?, "{key} does not take the focus");
    test.browser.type_text(text).await?;
    test.browser.press(Key::Enter).await
}

/// What a control of the editor says.
async fn value(test: &Test<'_>, key: &str) -> Result<String> {
    let script = "return document.querySelector(`#playground [data-key='${arguments[0]}']`)?.value ?? ''";
    test.browser.js(script, &[json!(key)]).await
}

/// The scenario that the page's own link stands for, once it is another than `before`.
async fn fragment(test: &Test<'_>, before: &str) -> Result<String> {
    wait::until("the address follows", async || {
        let url = test.browser.url().await?;
        let fragment = url.split_once('#').map_or(String::new(), |(_, fragment)| format!("#{fragment}"));
        Ok((fragment != before && fragment.contains("run=")).then_some(fragment))
    })
    .await
}

fn read(fragment: &str) -> Result<Scenario> {
    let asked = standby_trace::link::from_fragment(fragment).context("no scenario in the address")?;
    Ok(asked.scenario?)
}

pub(super) async fn two_lanes_of_one_kind_run_on_settings_of_their_own(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    widget.press("[data-key='lane-0-double']").await?;
    type_into(test, "lane-0-interval", "200 ms").await?;
    type_into(test, "lane-1-interval", "2.5 s").await?;
    widget.run().await?;
    widget
        .wait_rows("an event has arrived", |row| row.events >= 1 || !row.lane.starts_with("short-poll"))
        .await?;
    let rows = widget.rows().await?;
    let polls: Vec<&str> =
        rows.iter().map(|row| row.lane.as_str()).filter(|lane| lane.starts_with("short-poll")).collect();
    ensure!(polls == ["short-poll", "short-poll-2"], "the ledger has the polls {polls:?}");
    // The first asks twelve times while the second asks once: on any machine it asks more often.
    wait::until("the quick one has asked more often than the slow one", async || {
        let trace = widget.trace().await?;
        let asked = |index: u16| trace.messages.iter().filter(|message| message.lane == index).count();
        Ok((asked(0) > 2 * asked(1)).then_some(()))
    })
    .await?;
    let scenario = read(&fragment(test, "").await?)?;
    let intervals = scenario.lanes.iter().filter_map(|lane| match lane {
        LaneSpec::ShortPoll { interval_ms, .. } => Some(*interval_ms),
        _ => None,
    });
    ensure!(intervals.eq([200, 2_500]), "the address holds {:?}", scenario.lanes);
    Ok(())
}

pub(super) async fn a_ready_scenario_sets_the_page_up(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    widget.press("[data-key='ready-01-own-etag']").await?;
    let rows = "return document.querySelectorAll('#playground .standby-ed-lanes [data-row]').length";
    ensure!(test.browser.js::<usize>(rows, &[]).await? == 2, "the form does not have its two lanes");
    let look = "const said = document.querySelector('#playground .standby-ed-look').textContent; \
                const chip = document.querySelector(\"#playground [data-key='ready-01-own-etag']\"); \
                return [said, chip.getAttribute('aria-description'), chip.getAttribute('aria-pressed')]";
    let (said, look, pressed): (String, String, String) = test.browser.js(look, &[]).await?;
    ensure!(said == look && pressed == "true", "what to look for is not said: {said}");
    widget.run().await?;
    let rows = widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    ensure!(rows.len() == 2, "{} lanes run", rows.len());
    // One that is chosen while another runs, runs.
    widget.press("[data-key='ready-04-burst']").await?;
    let three = async || Ok((widget.rows().await?.len() == 3).then_some(()));
    wait::until("the other one's lanes are there", three).await?;
    widget.wait_for("live").await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    Ok(())
}

pub(super) async fn every_ready_scenario_runs(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    let script =
        "return [...document.querySelectorAll('#playground .standby-ed-chip')].map(b => b.dataset.key)";
    let keys: Vec<String> = test.browser.js(script, &[]).await?;
    ensure!((8..=13).contains(&keys.len()), "there are {} ready scenarios", keys.len());
    for key in keys {
        widget.press(&format!("[data-key='{key}']")).await?;
        if widget.state().await? == "idle" {
            widget.press(".standby-run").await?;
        }
        widget.wait_for("live").await.with_context(|| format!("while {key} starts"))?;
        // Six connections leave one lane without any: it is what that one shows.
        let lanes = widget.rows().await?.len();
        let waits = usize::from(key == "ready-09-six-connections");
        wait::until(&format!("{key}: its lanes talk"), async || {
            let trace = widget.trace().await?;
            let talks: BTreeSet<u16> = trace.messages.iter().map(|message| message.lane).collect();
            Ok((talks.len() >= lanes - waits).then_some(()))
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn a_value_that_cannot_be_used_says_so_at_its_field_and_runs_nothing(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = open(test, "").await?;
    type_into(test, "lane-0-interval", "5 ms").await?;
    let script = "const e = document.querySelector(\"#playground [data-key='lane-0-interval']\"); \
                  return [e.getAttribute('aria-invalid'), \
                  document.getElementById(e.getAttribute('aria-describedby')).textContent]";
    let said: (String, String) = test.browser.js(script, &[]).await?;
    ensure!(said == ("true".into(), "5 ms is too little: 100 ms to 60 s.".into()), "the field says {said:?}");
    test.browser.forget_requests();
    widget.press(".standby-run").await?;
    let focus = "return document.activeElement.dataset.key";
    let focus: Option<String> = test.browser.js(focus, &[]).await?;
    ensure!(focus.as_deref() == Some("lane-0-interval"), "Run leads to {focus:?}, not to the field");
    ensure!(widget.state().await? == "idle", "it runs all the same: {}", widget.state().await?);
    let asked: Vec<String> = test
        .browser
        .requests()
        .await?
        .into_iter()
        .filter(|url| ["/api/experiments", "/api/topics"].iter().any(|path| url.contains(path)))
        .collect();
    ensure!(asked.is_empty(), "the server was asked: {asked:?}");
    type_into(test, "lane-0-interval", "500").await?;
    widget.run().await
}

pub(super) async fn undo_brings_back_what_was_set(test: &mut Test<'_>) -> Result<()> {
    open(test, "").await?;
    let first = value(test, "lane-0-interval").await?;
    type_into(test, "lane-0-interval", "3 s").await?;
    let one = fragment(test, "").await?;
    type_into(test, "latency", "40").await?;
    fragment(test, &one).await?;
    let chord = async |keys: &str| {
        let script = "const [key, shift] = arguments; \
                      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', \
                      { key, ctrlKey: true, shiftKey: shift, bubbles: true, cancelable: true }))";
        test.browser.js::<Value>(script, &[json!("z"), json!(keys == "redo")]).await.map(drop)
    };
    chord("undo").await?;
    ensure!(value(test, "latency").await? == "100 ms", "{}", value(test, "latency").await?);
    ensure!(value(test, "lane-0-interval").await? == "3 s");
    chord("undo").await?;
    ensure!(value(test, "lane-0-interval").await? == first);
    chord("redo").await?;
    ensure!(value(test, "lane-0-interval").await? == "3 s");
    test.browser.click("#playground [data-key='reset']").await?;
    ensure!(value(test, "lane-0-interval").await? == first);
    Ok(())
}

pub(super) async fn a_reload_and_a_link_keep_what_was_set(test: &mut Test<'_>) -> Result<()> {
    open(test, "").await?;
    type_into(test, "lane-0-interval", "700 ms").await?;
    test.browser.click("#playground [data-key='add-fault']").await?;
    let mut link = fragment(test, "").await?;
    // The address follows a little later: both edits are in it in the end.
    while read(&link)?.faults.is_empty() {
        link = fragment(test, &link).await?;
    }
    test.browser.js::<Value>("location.reload()", &[]).await.ok();
    let reloaded = async || {
        let script =
            "return document.querySelector(\"#playground [data-key='lane-0-interval']\")?.value ?? ''";
        Ok(test.browser.js::<String>(script, &[]).await.ok().filter(|value| value == "700 ms"))
    };
    wait::until("the page has been loaded anew, and is as it was", reloaded).await?;
    // To another page and back by the link alone.
    test.browser.goto(&test.server.url("glossary.html")).await?;
    let widget = open(test, &link).await?;
    wait::until("the link sets the page up", reloaded).await?;
    widget.run().await?;
    let ran = widget.trace().await?.scenario;
    ensure!(ran == read(&link)?, "what runs is not what the link says: {ran:?}");
    Ok(())
}

pub(super) async fn a_change_while_it_runs_waits_for_apply(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    widget.press("[data-key='lane-3-remove']").await?;
    ensure!(widget.rows().await?.len() == 4, "the run was changed under the reader");
    ensure!(widget.state().await? == "live");
    widget.press_word("Apply and restart").await?;
    let three = async || Ok((widget.rows().await?.len() == 3).then_some(()));
    wait::until("it runs with three lanes", three).await?;
    widget.wait_for("live").await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    Ok(())
}

pub(super) async fn more_streams_than_connections_are_told_and_mended(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    for _ in 0..4 {
        widget.press("[data-key='add-sse']").await?;
    }
    let told = "return document.querySelector('#playground .standby-ed-advice').textContent";
    let said: String = test.browser.js(told, &[]).await?;
    ensure!(said.contains("6 lanes hold an HTTP connection each"), "it says: {said}");
    widget.press_word("a WebSocket").await?;
    let said: String = test.browser.js(told, &[]).await?;
    ensure!(!said.contains("hold an HTTP connection"), "after it was mended it says: {said}");
    Ok(())
}

pub(super) async fn the_page_is_set_and_run_by_keys_alone(test: &mut Test<'_>) -> Result<()> {
    let widget = open(test, "").await?;
    let before = test.browser.url().await?;
    let keys = "const all = [...document.querySelectorAll('#playground .standby-ed :is(button, input, select, \
                summary)')].filter(e => !e.disabled && e.checkVisibility()); \
                all[0].focus(); return all.length";
    let count: usize = test.browser.js(keys, &[]).await?;
    // Tab reaches every control of the editor, each with a ring around it.
    let mut reached = BTreeSet::new();
    for pressed in 0..count {
        let script = "const e = document.activeElement, s = getComputedStyle(e); \
                      return [[...document.querySelectorAll('#playground .standby-ed *')].indexOf(e), \
                      s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0, e.outerHTML.slice(0, 120)]";
        let (index, ring, html): (i64, bool, String) = test.browser.js(script, &[]).await?;
        // A script's focus, as the first one is, needs no ring; a key's does. WebKit shows one only in a
        // window that has the display's focus, which its driver's never has.
        let shown = ring || pressed == 0 || test.browser.engine == Engine::WebKit;
        ensure!(shown, "no ring around the focus on {html}");
        reached.insert(index);
        test.browser.press(Key::Tab).await?;
    }
    ensure!(reached.len() == count && !reached.contains(&-1), "Tab reaches {} of {count}", reached.len());
    // An arrow key sets, a lane goes down by its button, and the focus goes with it.
    let focus = async |key: &str| {
        let script = "document.querySelector(`#playground [data-key='${arguments[0]}']`).focus()";
        test.browser.js::<Value>(script, &[json!(key)]).await.map(drop)
    };
    focus("lane-0-interval").await?;
    test.browser.press(Key::Up).await?;
    ensure!(value(test, "lane-0-interval").await? == "1.2 s", "{}", value(test, "lane-0-interval").await?);
    focus("lane-0-down").await?;
    test.browser.press(Key::Enter).await?;
    let focused =
        "return document.activeElement.dataset.key ?? document.activeElement.outerHTML.slice(0, 120)";
    let at: String = test.browser.js(focused, &[]).await?;
    ensure!(at == "lane-1-down", "the focus is at {at}");
    ensure!(value(test, "transport-1").await? == "short-poll");
    ensure!(test.browser.url().await?.split('#').next() == before.split('#').next(), "a key turned the page");
    let script = "document.querySelector('#playground .standby-run').focus()";
    test.browser.js::<Value>(script, &[]).await?;
    test.browser.press(Key::Enter).await?;
    widget.wait_for("live").await?;
    Ok(())
}

pub(super) async fn the_page_uses_the_window_and_fits_a_phone(test: &mut Test<'_>) -> Result<()> {
    for (width, height) in [(360, 740), (320, 640), (1280, 800), (1920, 1000)] {
        test.browser.resize(width, height).await?;
        open(test, "").await?;
        let script = "return [document.documentElement.scrollWidth - document.documentElement.clientWidth, \
                      document.querySelector('#playground').getBoundingClientRect().width, \
                      document.querySelector('#mdbook-content').getBoundingClientRect().width, \
                      Math.max(...[...document.querySelectorAll('#playground .standby-ed :is(input, select, button)')]\
                      .filter(e => !e.closest('.standby-ed-chips')).map(e => e.getBoundingClientRect().right)) - \
                      document.querySelector('#playground').getBoundingClientRect().right]";
        let (over, wide, room, beyond): (f64, f64, f64, f64) = test.browser.js(script, &[]).await?;
        ensure!(over <= 0.0, "at {width} px the page is {over} px too wide");
        ensure!(beyond <= 0.0, "at {width} px a control is {beyond} px beyond the widget");
        ensure!(wide > room * 0.85, "at {width} px the widget uses {wide} of {room} px");
    }
    Ok(())
}
