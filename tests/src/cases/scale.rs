//! The chart of what clients cost.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::runner::Test;
use crate::wait;

const ID: &str = "cost-at-scale";

/// Goes to the chart and waits until it is alive.
async fn open(test: &Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url("choosing.html")).await?;
    let script = "await document.fonts.ready; \
                  return document.querySelector('standby-experiment:not([data-state])') === null";
    wait::until("the chart is alive", async || Ok(test.browser.js::<bool>(script, &[]).await?.then_some(())))
        .await
}

/// The caption of the table, and its row of a transport.
async fn row(test: &Test<'_>, row: usize) -> Result<Vec<String>> {
    let script = "const table = document.getElementById(arguments[0]).querySelector('.standby-box table'); \
                  return [table.caption.textContent, \
                    ...[...table.tBodies[0].rows[arguments[1]].cells].map(cell => cell.textContent)]";
    test.browser.js(script, &[json!(ID), json!(row)]).await
}

async fn focus(test: &Test<'_>, part: &str) -> Result<()> {
    let script = "const part = document.getElementById(arguments[0]).querySelector(arguments[1]); \
                  part.scrollIntoView({ block: 'center', behavior: 'instant' }); part.focus()";
    test.browser.js::<Value>(script, &[json!(ID), json!(part)]).await.map(drop)
}

pub(super) async fn keys_move_the_reading_line_and_the_table_follows(test: &mut Test<'_>) -> Result<()> {
    open(test).await?;
    let before = test.browser.url().await?;
    focus(test, ".standby-box [role=slider]").await?;
    // A poll every 2 s.
    for (key, clients, requests) in [
        (None, "10,000 clients", "5,000"),
        (Some(Key::Right), "20,000 clients", "10,000"),
        (Some(Key::PageUp), "200,000 clients", "100,000"),
        (Some(Key::End), "10,000,000 clients", "5,000,000"),
        (Some(Key::Right), "10,000,000 clients", "5,000,000"),
        (Some(Key::Home), "1 client", "0.50"),
        (Some(Key::Left), "1 client", "0.50"),
    ] {
        if let Some(key) = key {
            test.browser.press(key).await?;
        }
        let mut last = Vec::new();
        wait::until("the table follows", async || {
            last = row(test, 0).await?;
            Ok((last[..3] == [clients, "Short polling", requests]).then_some(()))
        })
        .await
        .with_context(|| format!("the table says {last:?}"))?;
        let said = "return document.getElementById(arguments[0])\
                    .querySelector('.standby-box [role=slider]').getAttribute('aria-valuetext')";
        let said: String = test.browser.js(said, &[json!(ID)]).await?;
        ensure!(said == clients, "who listens is told {said:?}");
    }
    ensure!(test.browser.url().await? == before, "the keys turned the page");
    Ok(())
}

pub(super) async fn a_slider_changes_the_costs_and_a_button_what_is_drawn(test: &mut Test<'_>) -> Result<()> {
    open(test).await?;
    let sentence = "return document.getElementById(arguments[0])\
                    .querySelector('.standby-box .standby-sentence').textContent";
    let said: String = test.browser.js(sentence, &[json!(ID)]).await?;
    ensure!(said.contains("sends fewer bytes than long polling"), "of bytes it says {said:?}");
    focus(test, ".standby-box .standby-scale-what").await?;
    test.browser.press(Key::Enter).await?;
    wait::until("requests are shown", async || {
        let said: String = test.browser.js(sentence, &[json!(ID)]).await?;
        Ok(said.starts_with("Above 0.50 events a second short polling asks less often").then_some(()))
    })
    .await?;
    let lines = "return document.getElementById(arguments[0]).querySelectorAll('.standby-box [class*=\"sb-line sb-scale\"]').length";
    let lines: usize = test.browser.js(lines, &[json!(ID)]).await?;
    ensure!(lines == 2, "{lines} lines are drawn of those who ask, and not 2");
    // The interval: from 2 s to 5 s.
    focus(test, ".standby-box .standby-slider input").await?;
    test.browser.press(Key::Right).await?;
    wait::until("the costs follow", async || Ok((row(test, 0).await?[2] == "2,000").then_some(()))).await?;
    let errors = test.browser.take_seen().await?.errors;
    ensure!(errors.is_empty(), "the console says {errors:?}");
    Ok(())
}

pub(super) async fn it_fits_and_nothing_moves_when_it_comes(test: &mut Test<'_>) -> Result<()> {
    for width in [1_280, 360] {
        test.browser.resize(width, 800).await?;
        open(test).await?;
        let script = "const e = document.getElementById(arguments[0]), state = e.dataset.state; \
            const box = e.querySelector('.standby-box'), page = document.documentElement; \
            const high = () => e.getBoundingClientRect().height; \
            const withIt = high(); box.style.display = 'none'; delete e.dataset.state; const without = high(); \
            box.style.display = ''; e.dataset.state = state; \
            const small = [...box.querySelectorAll('button, input')]\
              .filter(c => c.offsetHeight < 24).map(c => c.className); \
            return { moved: withIt - without, over: page.scrollWidth - page.clientWidth, small }";
        let seen: Value = test.browser.js(script, &[json!(ID)]).await?;
        ensure!(seen["over"] == 0 && seen["small"] == json!([]), "at {width} px: {seen}");
        let moved = seen["moved"].as_f64().context("a height")?;
        ensure!(moved.abs() <= 1.0, "at {width} px the chart moves the page by {moved} px");
    }
    Ok(())
}
