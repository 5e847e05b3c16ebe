//! Looking around in time, and what comes into an experiment from elsewhere: links and files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use standby_figure::{View, blank};
use standby_trace::crowd::{CrowdRun, Tally};
use standby_trace::scenario::{LaneSpec, Scenario};
use standby_trace::{Ledger, Recorder, Trace, Transport, link};
use thirtyfour::Key;

use super::place;
use crate::host::Host;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// Runs the first experiment until it has a past that is not in view any more.
async fn with_a_past<'t>(test: &'t Test<'_>) -> Result<Widget<'t>> {
    test.browser.resize(1280, 900).await?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    reaches(&widget, 12_000_000).await?;
    Ok(widget)
}

async fn reaches(widget: &Widget<'_>, us: i64) -> Result<()> {
    wait::until("the run has come so far", async || Ok((widget.trace().await?.until_us > us).then_some(())))
        .await
}

/// What a script finds in the widget.
async fn found<T: serde::de::DeserializeOwned>(
    test: &Test<'_>,
    widget: &Widget<'_>,
    script: &str,
) -> Result<T> {
    let script = format!("const w = document.getElementById(arguments[0]); {script}");
    test.browser.js(&script, &[json!(widget.id)]).await
}

async fn looks(test: &Test<'_>, widget: &Widget<'_>) -> Result<String> {
    found(test, widget, "return w.dataset.looks").await
}

/// Where the cursor stands, in milliseconds: as the picture tells a screen reader.
async fn cursor_ms(test: &Test<'_>, widget: &Widget<'_>) -> Result<i64> {
    found(test, widget, "return +w.querySelector('canvas').getAttribute('aria-valuenow')").await
}

async fn focus_on_picture(test: &Test<'_>, widget: &Widget<'_>) -> Result<()> {
    found::<Value>(test, widget, "w.querySelector('canvas').focus()").await.map(drop)
}

/// The figures of a column, lane by lane.
async fn column(test: &Test<'_>, widget: &Widget<'_>, name: &str) -> Result<Vec<u64>> {
    let script =
        format!("return [...w.querySelectorAll('td[data-col={name}]')].map(cell => +cell.textContent)");
    found(test, widget, &script).await
}

const PICTURE: &str = "return w.querySelector('canvas').toDataURL()";

pub(super) async fn moved_back_the_picture_stands_while_the_run_goes_on(test: &mut Test<'_>) -> Result<()> {
    let widget = with_a_past(test).await?;
    ensure!(looks(test, &widget).await? == "follows", "it does not follow before it is touched");
    let picture = format!("#{} .standby-picture canvas", widget.id);
    test.browser.drag(&picture, 260).await?;
    ensure!(looks(test, &widget).await? == "back", "a drag to the right does not look back");
    let before: String = found(test, &widget, PICTURE).await?;
    let until_us = widget.trace().await?.until_us;
    reaches(&widget, until_us + 1_500_000).await?;
    let after: String = found(test, &widget, PICTURE).await?;
    ensure!(before == after, "the picture moved while it was looked back at");
    ensure!(widget.state().await? == "live", "looking back has stopped the run");

    widget.press(".standby-now").await?;
    ensure!(looks(test, &widget).await? == "follows", "it does not follow again");
    wait::until("the picture moves again", async || {
        let now: String = found(test, &widget, PICTURE).await?;
        Ok((now != after).then_some(()))
    })
    .await
}

pub(super) async fn a_step_says_what_the_message_is_and_the_ledger_goes_no_further(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = with_a_past(test).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    let all = column(test, &widget, "requests").await?;
    // Some messages back, so that there are fewer requests than in all.
    for _ in 0..12 {
        widget.press("button[aria-label='Step back']").await?;
    }
    let said: String =
        found(test, &widget, "return w.querySelector('.standby-sentence').textContent").await?;
    ensure!(said.contains(" byte"), "the sentence does not say what the message cost: {said}");
    let until: String = found(test, &widget, "return w.querySelector('.standby-until').textContent").await?;
    ensure!(until.starts_with("until "), "the ledger does not say until when it counts: {until}");

    let at_ms = cursor_ms(test, &widget).await?;
    let trace = widget.trace().await?;
    let requests =
        |us: i64| -> Vec<u64> { Ledger::until(&trace, us).iter().map(|ledger| ledger.requests).collect() };
    let shown = column(test, &widget, "requests").await?;
    // The picture tells the cursor in milliseconds.
    let (least, most) = (requests(at_ms * 1_000), requests(at_ms * 1_000 + 999));
    let fits = shown.iter().zip(least.iter().zip(&most)).all(|(shown, (l, m))| (l..=m).contains(&shown));
    ensure!(fits, "until {at_ms} ms there were {least:?} to {most:?} requests; the ledger says {shown:?}");
    ensure!(shown.iter().sum::<u64>() < all.iter().sum::<u64>(), "a step back leaves the ledger as it was");

    let before_ms = cursor_ms(test, &widget).await?;
    focus_on_picture(test, &widget).await?;
    test.browser.press(Key::Right).await?;
    let after_ms = cursor_ms(test, &widget).await?;
    ensure!(after_ms >= before_ms, "a step on goes back from {before_ms} to {after_ms}");
    // Escape lets go of the message, then of the cursor: the ledger counts all again.
    test.browser.press(Key::Escape).await?;
    test.browser.press(Key::Escape).await?;
    ensure!(column(test, &widget, "requests").await? == all, "without a cursor the ledger is not whole");
    Ok(())
}

pub(super) async fn a_replay_counts_up_to_what_it_has_come_to(test: &mut Test<'_>) -> Result<()> {
    let widget = with_a_past(test).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    let all = column(test, &widget, "requests").await?;
    focus_on_picture(test, &widget).await?;
    test.browser.press(Key::Home).await?;
    ensure!(cursor_ms(test, &widget).await? == 0, "Home does not lead to the start");
    let at_start = column(test, &widget, "requests").await?;
    ensure!(at_start.iter().sum::<u64>() < all.iter().sum::<u64>(), "at the start all is counted already");
    // Three steps faster: ten times as fast.
    test.browser.type_text(">>> ").await?;
    wait::until("the replay moves", async || Ok((cursor_ms(test, &widget).await? > 0).then_some(()))).await?;
    let label =
        "return w.querySelector('.standby-time button:not([aria-label^=Step])').getAttribute('aria-label')";
    wait::until("the replay is over", async || {
        let says: String = found(test, &widget, label).await?;
        Ok((says == "Play what was").then_some(()))
    })
    .await?;
    ensure!(column(test, &widget, "requests").await? == all, "at its end a replay has not counted all");
    Ok(())
}

pub(super) async fn the_map_of_the_keys_opens_and_gives_the_focus_back(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    focus_on_picture(test, &widget).await?;
    test.browser.type_text("?").await?;
    let open = "return w.querySelector('dialog.standby-keys').open";
    ensure!(found::<bool>(test, &widget, open).await?, "`?` opens no map of the keys");
    test.browser.press(Key::Escape).await?;
    wait::until("it is closed", async || Ok((!found::<bool>(test, &widget, open).await?).then_some(())))
        .await?;
    let back = "return document.activeElement === w.querySelector('canvas')";
    ensure!(found::<bool>(test, &widget, back).await?, "the focus is not where it was");
    // Silence is remembered on the next page.
    test.browser.type_text("?").await?;
    widget.press(".standby-aloud input").await?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    focus_on_picture(test, &widget).await?;
    test.browser.type_text("?").await?;
    let aloud = "return w.querySelector('.standby-aloud input').checked";
    ensure!(!found::<bool>(test, &widget, aloud).await?, "silence is forgotten on the next page");
    Ok(())
}

pub(super) async fn each_figure_of_the_ledger_explains_itself(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    let count: usize = found(test, &widget, "return w.querySelectorAll('.standby-means').length").await?;
    ensure!(count == 11, "{count} figures explain themselves");
    found::<Value>(test, &widget, "w.querySelector('.standby-means').focus()").await?;
    test.browser.press(Key::Enter).await?;
    let open = "return w.querySelectorAll('.standby-about:popover-open').length";
    wait::until("it is open", async || Ok((found::<u32>(test, &widget, open).await? == 1).then_some(())))
        .await?;
    test.browser.press(Key::Escape).await?;
    wait::until("it is closed", async || Ok((found::<u32>(test, &widget, open).await? == 0).then_some(())))
        .await
}

pub(super) async fn a_link_sets_the_experiment_up(test: &mut Test<'_>) -> Result<()> {
    let place = place(test, "four-ways")?;
    let lanes = vec![
        LaneSpec::ShortPoll { interval_ms: 700, conditional: false },
        LaneSpec::ShortPoll { interval_ms: 300, conditional: false },
        LaneSpec::default_for(Transport::Sse),
    ];
    let scenario = Scenario { lanes, faults: Vec::new(), ..place.experiment.scenario.clone() };
    let fragment = link::to_fragment(Some("four-ways"), &scenario);
    test.browser.goto(&format!("{}#{fragment}", test.server.url(&place.page))).await?;
    let widget = Widget::on_page(&test.browser, &place.id);
    let rows = widget.wait_rows("it is set up", |row| row.events == 0).await?;
    let lanes: Vec<_> = rows.iter().map(|row| row.lane.as_str()).collect();
    ensure!(lanes == ["short-poll", "short-poll-2", "sse"], "the link's lanes are {lanes:?}");
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    let ran = widget.trace().await?.scenario;
    ensure!(ran == scenario, "what runs is not what the link says: {ran:?}");
    Ok(())
}

pub(super) async fn a_damaged_link_says_so_and_changes_nothing(test: &mut Test<'_>) -> Result<()> {
    let place = place(test, "four-ways")?;
    let whole = link::to_fragment(Some("four-ways"), &place.experiment.scenario);
    let future = whole.replacen("run=", "run=eyJ2IjoyfQ#", 1);
    let future = future.split('#').next().unwrap_or_default();
    for (fragment, says) in [(&whole[..whole.len() - 9], "can't be opened"), (future, "version 2")] {
        // From another page: a fragment alone loads nothing anew.
        test.browser.goto(&test.server.url("glossary.html")).await?;
        test.browser.goto(&format!("{}#{fragment}", test.server.url(&place.page))).await?;
        let widget = Widget::on_page(&test.browser, &place.id);
        let notice = "const n = w.querySelector('.standby-notice'); \
                      return n === null || n.hidden ? null : n.textContent";
        let said: String =
            wait::until("the notice is there", async || found(test, &widget, notice).await).await?;
        ensure!(said.contains(says), "of a damaged link it says: {said}");
        let lanes = widget.rows().await?.len();
        ensure!(lanes == place.experiment.scenario.lanes.len(), "a damaged link leaves {lanes} lanes");
    }
    Ok(())
}

/// Drops a file's text on the widget, as a reader would from their desk.
async fn drop_file(test: &Test<'_>, widget: &Widget<'_>, text: &str) -> Result<()> {
    let script = "const on = document.getElementById(arguments[0]).querySelector('canvas'); \
                  const data = new DataTransfer(); \
                  data.items.add(new File([arguments[1]], 'trace.json', { type: 'application/json' })); \
                  for (const type of ['dragover', 'drop']) on.dispatchEvent(new DragEvent(type, \
                  { dataTransfer: data, bubbles: true, cancelable: true }))";
    test.browser.js::<Value>(script, &[json!(widget.id), json!(text)]).await.map(drop)
}

pub(super) async fn a_dropped_trace_is_shown_as_recorded_and_connects_to_nothing(
    test: &mut Test<'_>,
) -> Result<()> {
    let place = place(test, "four-ways")?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    let trace = widget.trace().await?;

    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    test.browser.forget_requests();
    drop_file(test, &widget, &serde_json::to_string(&trace)?).await?;
    widget.wait_for("recorded").await?;
    let shown = widget.rows().await?;
    let kept: Vec<u64> = Ledger::of(&trace).iter().map(|ledger| ledger.events).collect();
    let events: Vec<u64> = shown.iter().map(|row| row.events).collect();
    ensure!(events == kept, "the file has {kept:?} events; the ledger says {events:?}");
    let pill: String = found(test, &widget, "return w.querySelector('.standby-pill').textContent").await?;
    ensure!(pill.contains("Recorded"), "the pill says {pill}");
    let again: Trace = widget.trace().await?;
    ensure!(again.messages == trace.messages, "the trace is not as it was");
    let asked: Vec<_> =
        test.browser.requests().await?.into_iter().filter(|url| url.contains("/api/")).collect();
    ensure!(asked.is_empty(), "a recording asks for {asked:?}");

    drop_file(test, &widget, "{\"v\": 2}").await?;
    let notice = "const n = w.querySelector('.standby-notice'); return n.hidden ? null : n.textContent";
    let said: String =
        wait::until("the notice is there", async || found(test, &widget, notice).await).await?;
    ensure!(said.contains("version 2"), "of a file of the future it says: {said}");
    ensure!(widget.state().await? == "recorded", "a file that can't be read has put the other away");

    widget.press(".standby-now").await?;
    ensure!(widget.state().await? == "idle", "Back to live leads to {}", widget.state().await?);
    widget.run().await
}

pub(super) async fn the_tabs_are_one_stop_and_a_missing_module_can_be_asked_for_again(
    test: &mut Test<'_>,
) -> Result<()> {
    let copy = tempfile::tempdir().context("making a folder")?;
    copy_folder(&test.setup.book(), copy.path())?;
    let module = Path::new("standby/inspector.js");
    fs::remove_file(copy.path().join(module)).context("removing the second module")?;
    let host = Host::start(copy.path().to_owned(), "").await?;
    let widget = Widget::open(&test.browser, &host.origin, &place(test, "four-ways")?).await?;

    let stops = "return [...w.querySelectorAll('[role=tab]')].filter(tab => tab.tabIndex === 0).length";
    ensure!(found::<u32>(test, &widget, stops).await? == 1, "the row of tabs is not one stop");
    found::<Value>(test, &widget, "w.querySelector('[data-tab=ledger]').focus()").await?;
    test.browser.press(Key::Right).await?;
    test.browser.press(Key::Enter).await?;
    let chosen = "return w.querySelector('[role=tab][aria-selected=true]').dataset.tab";
    ensure!(
        found::<String>(test, &widget, chosen).await? == "wire",
        "the arrow does not lead to the next tab"
    );
    let says = "const p = w.querySelector('[data-panel=wire]'); \
                return p.querySelector('[role=alert]') ? p.textContent : null";
    let said: String =
        wait::until("it says that it failed", async || found(test, &widget, says).await).await?;
    ensure!(said.contains("could not be loaded"), "without its module the panel says: {said}");

    fs::copy(test.setup.book().join(module), copy.path().join(module)).context("putting it back")?;
    widget.press_word("Try again").await?;
    wait::until("the panel is built", async || {
        let built = "const p = w.querySelector('[data-panel=wire]'); \
                     return p.textContent !== '' && p.querySelector('.standby-waits') === null";
        Ok(found::<bool>(test, &widget, built).await?.then_some(()))
    })
    .await
}

pub(super) async fn without_the_module_that_runs_it_an_experiment_says_so_and_can_be_tried_again(
    test: &mut Test<'_>,
) -> Result<()> {
    let copy = tempfile::tempdir().context("making a folder")?;
    copy_folder(&test.setup.book(), copy.path())?;
    let module = Path::new("standby/runner.js");
    fs::remove_file(copy.path().join(module)).context("removing the module")?;
    let host = Host::start(copy.path().to_owned(), "").await?;
    let widget = Widget::open(&test.browser, &host.origin, &place(test, "four-ways")?).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("not-loaded").await?;
    let says = "return w.querySelector('.standby-card').textContent";
    let said: String = found(test, &widget, says).await?;
    ensure!(said.contains("could not be loaded"), "without its module it says: {said}");

    fs::copy(test.setup.book().join(module), copy.path().join(module)).context("putting it back")?;
    widget.press_word("Try again").await?;
    // A folder of files has no server: the module runs the model.
    widget.wait_for("live").await
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

/// What is counted is told in words, to whoever points at it and to whoever brings the cursor there.
pub(super) async fn a_band_of_a_crowd_can_be_pointed_at(test: &mut Test<'_>) -> Result<()> {
    test.browser.resize(1280, 900).await?;
    let place = place(test, "four-ways")?;
    let mut scenario = place.experiment.scenario.clone();
    scenario.clients = 200;
    let lane = scenario.lanes.first().copied().context("the experiment has no lanes")?;
    let mut recorder = Recorder::new(scenario, 1_764_000_000_000);
    recorder.advance(8_000_000);
    let mut trace = recorder.trace().clone();
    let tally = Tally { arrivals: 12, refused: 3, open: 0, ..Tally::default() };
    let tallies = vec![tally; 80];
    trace.crowd.push(CrowdRun { row: 0, lane, clients: 199, from_us: 0, tallies, costs: Vec::new() });

    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    drop_file(test, &widget, &serde_json::to_string(&trace)?).await?;
    widget.wait_for("recorded").await?;
    let base = blank(&trace, &View::default()).lanes.first().and_then(|lane| lane.crowd_y);
    let base = base.context("the lane has no band")?;
    let place = "const c = w.querySelector('canvas'); c.scrollIntoView({ block: 'center' }); \
                 const at = c.getBoundingClientRect(); return [at.left + at.width / 2, at.top]";
    let (x, top): (f64, f64) = found(test, &widget, place).await?;
    test.browser.point_at((x.round() as i64, (top + f64::from(base) - 5.0).round() as i64)).await?;
    let sentence = "return w.querySelector('.standby-sentence').textContent";
    let said = wait::until("the band says what it counts", async || {
        let said: String = found(test, &widget, sentence).await?;
        Ok(said.starts_with("199 more at ").then_some(said))
    })
    .await?;
    ensure!(said.ends_with(": 12 came, 3 turned away."), "of a tally it says: {said}");

    test.browser.point_at((1, 1)).await?;
    found::<Value>(test, &widget, "w.querySelector('canvas').focus()").await?;
    test.browser.press(Key::Home).await?;
    let spoken = "return w.querySelector('canvas').getAttribute('aria-valuetext')";
    let spoken: String = found(test, &widget, spoken).await?;
    ensure!(
        spoken.ends_with("The others at 0.0 s: the poller 12 came, 3 turned away."),
        "where the cursor stands it says: {spoken}"
    );
    Ok(())
}
