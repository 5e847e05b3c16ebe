//! The static figures: without scripts, on paper, and when the widgets take their place.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::place;
use crate::book;
use crate::browser::Engine;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// A page as wide as text gets, a large phone, and a small one.
const SIZES: [(u32, u32); 3] = [(1280, 900), (412, 800), (360, 740)];

pub(super) async fn without_scripts_every_experiment_has_its_figure(test: &mut Test<'_>) -> Result<()> {
    test.browser.disable_scripts().await?;
    for (width, shown, hidden) in [(1280, "wide", "narrow"), (360, "narrow", "wide")] {
        test.browser.resize(width, 800).await?;
        let mut page = String::new();
        for place in book::places(test.setup)? {
            if page != place.page {
                test.browser.goto(&test.server.url(&place.page)).await?;
                page.clone_from(&place.page);
            }
            let picture = |which: &str| format!("#{} .standby-drawn-{which} svg", place.id);
            let height = test.browser.height_of(&picture(shown)).await?;
            ensure!(height > 100.0, "{page}: at {width} px {} has no figure: {height} px", place.id);
            let height = test.browser.height_of(&picture(hidden)).await?;
            ensure!(height == 0.0, "{page}: at {width} px {} has both figures", place.id);
            // Nothing is kept for a widget that can't come.
            let below = format!("#{} .standby-below", place.id);
            let height = test.browser.height_of(&below).await?;
            ensure!((10.0..150.0).contains(&height), "{page}: below {} there are {height} px", place.id);
        }
    }
    Ok(())
}

/// Where an experiment's parts are, from the top of the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Places {
    title: f64,
    picture: f64,
    sentence: f64,
    /// What follows the experiment.
    next: f64,
}

pub(super) async fn nothing_moves_when_the_widgets_come(test: &mut Test<'_>) -> Result<()> {
    for (width, height) in SIZES {
        test.browser.resize(width, height).await?;
        let mut page = String::new();
        // The playground's page is built around its editor, above the picture, when that is fetched.
        for place in book::places(test.setup)?.into_iter().filter(|place| place.id != "playground") {
            if page != place.page {
                page.clone_from(&place.page);
                test.browser.goto(&test.server.url(&page)).await?;
                alive(test).await?;
            }
            let with: Places = test.browser.js(&places("true"), &[json!(place.id)]).await?;
            let without: Places = test.browser.js(&places("false"), &[json!(place.id)]).await?;
            let moved = [
                ("its title", with.title - without.title),
                ("its picture", with.picture - without.picture),
                ("its sentence", with.sentence - without.sentence),
                ("what follows it", with.next - without.next),
            ];
            for (what, by) in moved {
                // The layout's own rounding, twice.
                ensure!(
                    by.abs() <= 1.0,
                    "at {width} px the widget of {} moves {what} by {by} px: after a change of the widget, \
                     `cargo xtask record --room` measures anew how much room it takes",
                    place.id
                );
            }
        }
    }
    Ok(())
}

/// Waits until every experiment of the page is alive, and its words have their font: that another
/// stands in for it until then moves a page too, and is not the widgets' doing.
async fn alive(test: &Test<'_>) -> Result<()> {
    let script = "await document.fonts.ready; \
                  return document.querySelector('standby-experiment:not([data-state])') === null";
    wait::until("the experiments are alive", async || {
        Ok(test.browser.js::<bool>(script, &[]).await?.then_some(()))
    })
    .await
}

/// Where an experiment's parts are, with its widget, or as it was before the widget came.
fn places(with: &str) -> String {
    format!(
        "const e = document.getElementById(arguments[0]), still = e.querySelector('.standby-static'); \
         const box = e.querySelector('.standby-box'), state = e.dataset.state; \
         if (!{with}) {{ box.style.display = 'none'; delete e.dataset.state; }} \
         const of = {with} ? box : still; \
         const top = part => part.getBoundingClientRect().top + scrollY; \
         const picture = of.querySelector('canvas') ?? [...of.querySelectorAll('.standby-drawn > svg')]\
           .find(svg => svg.getBoundingClientRect().height > 0); \
         const found = {{ title: top(of.querySelector('.standby-title, .standby-still-title')), picture: top(picture), \
           sentence: top(of.querySelector('.standby-sentence, .standby-still-sentence')), \
           next: e.getBoundingClientRect().bottom + scrollY }}; \
         box.style.display = ''; e.dataset.state = state; \
         return found"
    )
}

pub(super) async fn print_has_every_figure_in_inks_for_paper(test: &mut Test<'_>) -> Result<()> {
    let experiments = book::places(test.setup)?.iter().filter(|place| place.page != "index.html").count();
    test.browser.goto(&test.server.url("print.html")).await?;
    test.browser.set_theme("navy").await?;
    test.browser.goto(&test.server.url("print.html")).await?;
    let script = "return [...document.querySelectorAll('standby-experiment')].map(e => \
                  [...e.querySelectorAll('.standby-drawn svg')].filter(s => s.clientHeight > 100).length)";
    let figures: Vec<usize> = test.browser.js(script, &[]).await?;
    ensure!(figures.len() >= experiments, "print.html has {} of {experiments} experiments", figures.len());
    ensure!(figures.iter().all(|count| *count == 1), "each has one figure: {figures:?}");
    // Only Chromium lets a page be looked at as a printer sees it.
    if test.browser.engine == Engine::Chromium {
        test.browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "print" })).await?;
        let script = "const text = document.querySelector('.standby-drawn .sb-name'); \
                      const box = document.querySelector('.standby-static'); \
                      return [getComputedStyle(text).fill, getComputedStyle(box).backgroundColor]";
        let inks: [String; 2] = test.browser.js(script, &[]).await?;
        ensure!(inks == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"], "in a dark theme it prints in {inks:?}");
    }
    Ok(())
}

pub(super) async fn paper_has_the_figure_of_an_experiment_that_runs(test: &mut Test<'_>) -> Result<()> {
    if test.browser.engine != Engine::Chromium {
        // As above.
        return Ok(());
    }
    let place = super::place(test, "four-ways")?;
    test.browser.goto(&test.server.url(&place.page)).await?;
    alive(test).await?;
    test.browser.cdp("Emulation.setEmulatedMedia", json!({ "media": "print" })).await?;
    let script = "const e = document.getElementById(arguments[0]); \
                  const seen = s => { const part = e.querySelector(s); \
                  return part.clientHeight > 0 && getComputedStyle(part).visibility === 'visible' }; \
                  return [seen('.standby-static'), seen('.standby-controls')]";
    let seen: Value = test.browser.js(script, &[json!(place.id)]).await.context("looking at the print")?;
    ensure!(seen == json!([true, false]), "the figure and the controls are there: {seen}");
    Ok(())
}

pub(super) async fn the_recorded_run_is_seen_until_the_readers_own(test: &mut Test<'_>) -> Result<()> {
    let visible = "const still = document.querySelector(`#${arguments[0]} .standby-still`); \
                   return getComputedStyle(still).visibility === 'visible'";
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    let seen = async || test.browser.js::<bool>(visible, &[json!(widget.id)]).await;
    ensure!(seen().await?, "before Run the recorded picture is not seen");
    let pill = "return document.querySelector(`#${arguments[0]} .standby-pill`).textContent";
    let pill: String = test.browser.js(pill, &[json!(widget.id)]).await?;
    ensure!(pill.contains("Recorded "), "the sign says {pill:?}");
    widget.run().await?;
    ensure!(!seen().await?, "the recorded picture shows through the reader's own");
    // There the editor stands where the figure's picture does.
    let playground = Widget::open(&test.browser, &test.server.origin, &place(test, "playground")?).await?;
    let seen: bool = test.browser.js(visible, &[json!(playground.id)]).await?;
    ensure!(!seen, "the recorded picture shows through the editor");
    Ok(())
}
