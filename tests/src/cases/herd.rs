//! The experiments with a crowd: the model, in a worker of the page.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use standby_figure::herd::{sums, table};
use standby_sim::herd::Herd;
use standby_trace::crowd::Tally;
use standby_trace::{Fault, Scenario, link};
use thirtyfour::Key;

use crate::book::{self, Place};
use crate::browser::Engine;
use crate::runner::Test;
use crate::server::Server;
use crate::wait;
use crate::widget::Widget;

fn herd(test: &Test<'_>) -> Result<Place> {
    let crowds = book::crowds(test.setup)?;
    crowds.into_iter().find(|place| place.id == "thundering-herd").context("no page has the herd")
}

/// What a part of the widget says.
async fn says(test: &Test<'_>, id: &str, part: &str) -> Result<String> {
    let script = "return document.getElementById(arguments[0]).querySelector(arguments[1]).textContent";
    test.browser.js(script, &[json!(id), json!(part)]).await
}

/// Sets the widget's first slider to its last step, or another: it has this many clients then.
async fn set_clients(test: &Test<'_>, id: &str, to: &str) -> Result<()> {
    let script = "const input = document.getElementById(arguments[0]).querySelector('.standby-slider input'); \
                  input.value = arguments[1] === 'last' ? input.max : arguments[1]; \
                  input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change'))";
    test.browser.js::<Value>(script, &[json!(id), json!(to)]).await.map(drop)
}

async fn no_errors(test: &Test<'_>) -> Result<()> {
    let errors = test.browser.take_seen().await?.errors;
    ensure!(errors.is_empty(), "the console says {errors:?}");
    Ok(())
}

pub(super) async fn a_guess_runs_it_and_is_answered(test: &mut Test<'_>) -> Result<()> {
    let place = herd(test)?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    let asked = says(test, &place.id, ".standby-what").await?;
    ensure!(asked.starts_with("First a guess"), "first it says {asked:?}");
    widget.press(".standby-guess").await?;
    widget.wait_for("done").await?;
    let answer = says(test, &place.id, ".standby-what").await?;
    ensure!(answer == "You said about 1×: it was 111.1×.", "the answer is {answer:?}");
    let sentence = says(test, &place.id, ".standby-sentence").await?;
    ensure!(sentence.starts_with("Highest, at 111.1×: Fixed delay"), "it says {sentence:?}");
    let asked = test.browser.requests().await?;
    ensure!(!asked.iter().any(|url| url.contains("/api/")), "it needs no server: {asked:?}");
    no_errors(test).await
}

pub(super) async fn every_experiment_with_a_crowd_runs(test: &mut Test<'_>) -> Result<()> {
    for place in book::crowds(test.setup)? {
        let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
        widget.press(".standby-begin").await?;
        widget.wait_for("done").await?;
        let bars = "return [...document.getElementById(arguments[0]).querySelectorAll('svg.sb-herd .sb-herd-in')]\
                    .filter(path => path.closest('.standby-box') && path.getAttribute('d')).length";
        let rows: usize = test.browser.js(bars, &[json!(place.id)]).await?;
        let lanes = place.experiment.scenario.lanes.len();
        ensure!(rows == lanes, "{}: {rows} of {lanes} rows have bars", place.id);
    }
    no_errors(test).await
}

pub(super) async fn it_says_how_far_it_is_and_can_be_cancelled(test: &mut Test<'_>) -> Result<()> {
    let place = herd(test)?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    set_clients(test, &place.id, "last").await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Simulated · 10,000,000 clients", "the pill says {pill:?}");
    let notice = says(test, &place.id, ".standby-notice").await?;
    ensure!(notice.contains("of this browser's memory"), "before it begins it says {notice:?}");
    widget.press(".standby-begin").await?;
    widget.wait_for("running").await?;
    let far = "return document.getElementById(arguments[0]).querySelector('progress').value";
    wait::until("it is on its way", async || {
        Ok((test.browser.js::<f64>(far, &[json!(place.id)]).await? > 0.0).then_some(()))
    })
    .await?;
    widget.press(".standby-cancel").await?;
    widget.wait_for("idle").await?;
    // And runs again.
    set_clients(test, &place.id, "0").await?;
    widget.wait_for("done").await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Simulated · 100 clients", "the pill says {pill:?}");
    no_errors(test).await
}

pub(super) async fn it_runs_and_is_read_by_keys_alone(test: &mut Test<'_>) -> Result<()> {
    let place = herd(test)?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    // From the picture to the first answer.
    let focus = "document.getElementById(arguments[0]).querySelector('.standby-herd-picture').focus()";
    test.browser.js::<Value>(focus, &[json!(place.id)]).await?;
    test.browser.press(Key::Tab).await?;
    let has_focus =
        "const e = document.activeElement; return [e.className, getComputedStyle(e).outlineStyle]";
    let [focused, ring]: [String; 2] = test.browser.js(has_focus, &[]).await?;
    ensure!(focused == "standby-guess", "the focus is on {focused:?}");
    // Nothing makes WebKit's window the active one, as a window manager would: it shows no focus.
    ensure!(ring != "none" || test.browser.engine == Engine::WebKit, "nothing shows that it has the focus");
    test.browser.press(Key::Enter).await?;
    widget.wait_for("done").await?;
    let [focused, _]: [String; 2] = test.browser.js(has_focus, &[]).await?;
    ensure!(focused.contains("standby-herd-picture"), "after it the focus is on {focused:?}");

    let before = test.browser.url().await?;
    for (key, begins) in [
        (Key::Down, "Fixed delay (3 s): at the peak"),
        (Key::Down, "Exponential"),
        (Key::Right, "Exponential at 0.0 s: 0 came"),
        (Key::Right, "Exponential at 1.0 s"),
        (Key::Up, "Fixed delay at 1.0 s"),
        (Key::End, "Fixed delay at 29.9 s"),
        (Key::Left, "Fixed delay at 28.9 s"),
        (Key::Escape, "Highest, at"),
    ] {
        test.browser.press(key.clone()).await?;
        let mut last = String::new();
        wait::until("the sentence follows", async || {
            last = says(test, &place.id, ".standby-sentence").await?;
            Ok(last.starts_with(begins).then_some(()))
        })
        .await
        .with_context(|| format!("after {key:?} it says {last:?}, and not {begins:?}"))?;
    }
    ensure!(test.browser.url().await? == before, "the keys turned the page");
    no_errors(test).await
}

pub(super) async fn a_link_sets_the_crowd_up_and_its_numbers_are_those_of_every_machine(
    test: &mut Test<'_>,
) -> Result<()> {
    let place = herd(test)?;
    let mut scenario = place.experiment.scenario.clone();
    (scenario.clients, scenario.seed) = (20_000, 99);
    scenario.conditions.jitter_ms = 30;
    let fragment = link::to_fragment(Some(&place.id), &scenario);
    test.browser.goto(&test.server.url(&format!("{}#{fragment}", place.page))).await?;
    let widget = Widget::on_page(&test.browser, &place.id);
    let alive = "return document.getElementById(arguments[0]).dataset.state === 'idle'";
    wait::until("it is alive", async || {
        Ok(test.browser.js::<bool>(alive, &[json!(place.id)]).await?.then_some(()))
    })
    .await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Simulated · 20,000 clients", "the pill says {pill:?}");
    widget.press(".standby-begin").await?;
    widget.wait_for("done").await?;
    let shown = figures(test, &place.id).await?;
    ensure!(shown == natively(&scenario)?, "in this browser the model counts {shown:?}");
    no_errors(test).await
}

/// Waits until the picture's words begin so: it is painted with the next frame.
async fn picture_says(test: &Test<'_>, id: &str, begins: &str) -> Result<()> {
    let script = "return document.querySelector(`#${arguments[0]} .standby-box svg.sb-herd`)\
                  .getAttribute('aria-label')";
    wait::until("the picture says what it shows", async || {
        let says: String = test.browser.js(script, &[json!(id)]).await?;
        Ok(says.starts_with(begins).then_some(()))
    })
    .await
}

/// The table of the widget.
async fn figures(test: &Test<'_>, id: &str) -> Result<Vec<[String; 6]>> {
    let cells = "return [...document.getElementById(arguments[0]).querySelectorAll('.standby-box tbody tr')]\
                 .map(row => [...row.children].map(cell => cell.textContent))";
    test.browser.js(cells, &[json!(id)]).await
}

/// The table of a scenario that this program runs itself.
fn natively(scenario: &Scenario) -> Result<Vec<[String; 6]>> {
    let mut rows: Vec<Vec<Tally>> = Vec::new();
    for lane in 0..scenario.lanes.len() {
        let mut herd = Herd::new(scenario, lane).map_err(anyhow::Error::msg)?;
        herd.run_until(i64::MAX, u64::MAX);
        rows.push(herd.tallies().to_vec());
    }
    let rows: Vec<&[Tally]> = rows.iter().map(Vec::as_slice).collect();
    Ok(table(scenario, &sums(scenario, &rows)))
}

pub(super) async fn on_a_phone_it_fits_and_nothing_moves_when_it_comes(test: &mut Test<'_>) -> Result<()> {
    for width in [1_280, 360] {
        test.browser.resize(width, 800).await?;
        for place in book::crowds(test.setup)? {
            let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
            let script = "await document.fonts.ready; const e = document.getElementById(arguments[0]); \
                const box = e.querySelector('.standby-box'), page = document.documentElement; \
                const high = () => e.getBoundingClientRect().height; \
                const withIt = high(); box.style.display = 'none'; const without = high(); box.style.display = ''; \
                const small = [...box.querySelectorAll('button, input, summary, a')]\
                  .filter(c => c.offsetHeight > 0 && c.offsetHeight < 24).map(c => c.className); \
                return { moved: withIt - without, over: page.scrollWidth - page.clientWidth, small }";
            let seen: Value = test.browser.js(script, &[json!(place.id)]).await?;
            ensure!(seen["over"] == 0 && seen["small"] == json!([]), "{} at {width} px: {seen}", widget.id);
            let moved = seen["moved"].as_f64().context("a height")?;
            ensure!(
                moved.abs() <= 1.0,
                "at {width} px the widget of {} moves the page by {moved} px",
                widget.id
            );
        }
    }
    no_errors(test).await
}

pub(super) async fn a_million_come_back_while_the_page_goes_on(test: &mut Test<'_>) -> Result<()> {
    let place = herd(test)?;
    let mut scenario = place.experiment.scenario.clone();
    let crowd = scenario.crowd.as_mut().context("a crowd")?;
    (scenario.clients, crowd.capacity_s, scenario.window_ms) = (1_000_000, 90_000, 60_000);
    let fragment = link::to_fragment(Some(&place.id), &scenario);
    test.browser.goto(&test.server.url(&format!("{}#{fragment}", place.page))).await?;
    let widget = Widget::on_page(&test.browser, &place.id);
    wait::until("it is alive", async || {
        let script = "return document.getElementById(arguments[0]).dataset.state ?? null";
        test.browser.js::<Option<String>>(script, &[json!(place.id)]).await
    })
    .await?;
    let count = "window.frames_ = 0; const e = document.getElementById(arguments[0]); \
                 const count = () => { if (e.dataset.state === 'running') window.frames_ += 1; \
                 requestAnimationFrame(count) }; count()";
    test.browser.js::<Value>(count, &[json!(place.id)]).await?;
    widget.press(".standby-begin").await?;
    widget.wait_for("done").await?;
    // In the page itself it would have had one frame before the model and one after it.
    let frames: u32 = test.browser.js("return window.frames_", &[]).await?;
    ensure!(frames > 4, "while the model ran the page had {frames} frames");
    let speed = says(test, &place.id, ".standby-herd-speed").await?;
    ensure!(speed.starts_with("The model did "), "it says {speed:?}");
    println!("    {}: {speed} {frames} frames meanwhile", test.browser.engine);
    no_errors(test).await
}

/// The herd with few clients in each row, whose server is down for a second.
async fn small(test: &Test<'_>) -> Result<Place> {
    let mut place = herd(test)?;
    let scenario = &mut place.experiment.scenario;
    (scenario.clients, scenario.window_ms) = (20, 20_000);
    for planned in &mut scenario.faults {
        if let Fault::Refuse { for_ms, .. } = &mut planned.fault {
            *for_ms = 1_000;
        }
    }
    Ok(place)
}

/// Opens it as its link sets it up, and waits for the button that tries it live with so many.
async fn open_live<'b>(test: &'b Test<'_>, origin: &str, place: &Place, clients: &str) -> Result<Widget<'b>> {
    let fragment = link::to_fragment(Some(&place.id), &place.experiment.scenario);
    test.browser.goto(&format!("{origin}/{}#{fragment}", place.page)).await?;
    let offered = "const b = document.querySelector(`#${arguments[0]} .standby-live`); \
                   return !!b && !b.hidden && b.textContent";
    wait::until("live is offered", async || {
        let says: Value = test.browser.js(offered, &[json!(place.id)]).await?;
        Ok((says == format!("Try it live with {clients}")).then_some(()))
    })
    .await?;
    Ok(Widget::on_page(&test.browser, &place.id))
}

/// How many of the rows' sockets the server holds: six rows of the eight have such.
async fn held(test: &Test<'_>) -> f64 {
    // Before the first there is no such line.
    test.server.metric("standby_held", "websocket").await.unwrap_or(0.0)
}

/// Its clients have ended; the server's own ends of them follow.
async fn nobody_is_held(test: &Test<'_>) -> Result<()> {
    wait::until("the crowd is gone", async || Ok((held(test).await == 0.0).then_some(()))).await
}

pub(super) async fn real_clients_are_cut_and_all_come_back(test: &mut Test<'_>) -> Result<()> {
    let place = small(test).await?;
    let widget = open_live(test, &test.server.origin, &place, "160").await?;
    widget.press(".standby-live").await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Live · 160 clients", "the pill says {pill:?}");
    // Their time is real.
    wait::within(Duration::from_secs(90), "all of it has come", async || {
        Ok((widget.state().await? == "done").then_some(()))
    })
    .await?;
    let rows = figures(test, &place.id).await?;
    ensure!(rows.len() == 8, "the table is {rows:?}");
    for row in &rows {
        ensure!(row[1].ends_with('×') && row[2].ends_with(" s"), "live this row is {row:?}");
    }
    // What only a server can do, it does: of those that it spreads over 12 s some come late, and the last
    // that it lets go is not let go before.
    for (row, least_s) in [(5, 5.0), (7, 11.0)] {
        let back_s = rows[row][2].trim_end_matches(" s").parse::<f64>()?;
        ensure!(back_s >= least_s, "live this row is {:?}", rows[row]);
    }
    picture_says(test, &place.id, "Live: 20 clients in each row").await?;
    let cost = says(test, &place.id, ".standby-what").await?;
    ensure!(cost.starts_with("In the last second 160 were connected."), "it says {cost:?}");
    nobody_is_held(test).await?;
    // And the model again.
    widget.press(".standby-begin").await?;
    widget.wait_for("done").await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Simulated · 20 clients", "the pill says {pill:?}");
    no_errors(test).await
}

pub(super) async fn a_crowd_that_is_stopped_is_gone_and_the_model_comes_back(
    test: &mut Test<'_>,
) -> Result<()> {
    let place = small(test).await?;
    let widget = open_live(test, &test.server.origin, &place, "160").await?;
    widget.press(".standby-live").await?;
    wait::until("the server holds the crowd", async || Ok((held(test).await == 120.0).then_some(()))).await?;
    widget.press(".standby-cancel").await?;
    wait::until("it is stopped", async || Ok((widget.state().await? != "running").then_some(()))).await?;
    nobody_is_held(test).await?;
    // By the button of the model, too, while it runs.
    widget.press(".standby-live").await?;
    wait::until("the server holds the crowd", async || Ok((held(test).await == 120.0).then_some(()))).await?;
    widget.press(".standby-begin").await?;
    widget.wait_for("done").await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Simulated · 20 clients", "the pill says {pill:?}");
    nobody_is_held(test).await?;
    no_errors(test).await
}

pub(super) async fn one_row_after_another_has_all_the_clients_that_there_may_be(
    test: &mut Test<'_>,
) -> Result<()> {
    let server = Server::start_with_flags(test.setup, &["--crowd", "40"]).await?;
    let mut place = herd(test)?;
    let scenario = &mut place.experiment.scenario;
    (scenario.clients, scenario.window_ms) = (300, 3_000);
    for (planned, at_ms) in scenario.faults.iter_mut().zip([200, 200]) {
        planned.at_ms = at_ms;
        if let Fault::Refuse { for_ms, .. } = &mut planned.fault {
            *for_ms = 100;
        }
    }
    let widget = open_live(test, &server.origin, &place, "2,000").await?;
    let again = "return document.querySelector(`#${arguments[0]} .standby-again`).hidden";
    ensure!(
        test.browser.js::<bool>(again, &[json!(place.id)]).await?,
        "it is offered before it was seen with few"
    );
    widget.press(".standby-live").await?;
    wait::within(Duration::from_secs(90), "all rows have run at once", async || {
        Ok((widget.state().await? == "done").then_some(()))
    })
    .await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Live · 40 clients", "the pill says {pill:?}");
    widget.press(".standby-again").await?;
    wait::within(Duration::from_secs(180), "the rows have run one after another", async || {
        Ok((widget.state().await? == "done").then_some(()))
    })
    .await?;
    let pill = says(test, &place.id, ".standby-pill").await?;
    ensure!(pill == "Live · 8 × 40 clients", "the pill says {pill:?}");
    let rows = figures(test, &place.id).await?;
    ensure!(rows.iter().all(|row| row[1].ends_with('×')), "in figures it is {rows:?}");
    picture_says(test, &place.id, "Live: 40 clients in each row").await?;
    no_errors(test).await
}

pub(super) async fn without_crowds_the_server_says_what_to_do(test: &mut Test<'_>) -> Result<()> {
    let server = Server::start_with_flags(test.setup, &["--crowd", "0"]).await?;
    let place = small(test).await?;
    let widget = open_live(test, &server.origin, &place, "160").await?;
    widget.press(".standby-live").await?;
    wait::until("it says why", async || {
        let notice = says(test, &place.id, ".standby-notice").await?;
        Ok(notice.contains("with `--crowd 2000`").then_some(()))
    })
    .await?;
    widget.wait_for("idle").await?;
    // The refusal is what a browser writes down by itself.
    let _ = test.browser.take_seen().await?;
    Ok(())
}
