//! One experiment at a time, and only while someone can see it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::place;
use crate::book;
use crate::browser::Engine;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// A second is what readers are promised; the rest is for a machine that is busy.
const RELEASE: Duration = Duration::from_secs(5);

/// Waits until the server holds nothing open any more.
async fn released(test: &Test<'_>) -> Result<()> {
    wait::within(RELEASE, "all connections are let go", async || {
        Ok((test.server.metric("standby_held", "").await? == 0.0).then_some(()))
    })
    .await
}

/// Waits until the server holds something open.
async fn held(test: &Test<'_>) -> Result<()> {
    wait::until("connections are held", async || {
        Ok((test.server.metric("standby_held", "").await? >= 2.0).then_some(()))
    })
    .await
}

pub(super) async fn starting_one_pauses_the_other(test: &mut Test<'_>) -> Result<()> {
    let places = book::places(test.setup)?;
    let second = places.iter().enumerate().skip(1).find(|(i, place)| place.page == places[i - 1].page);
    let (index, second) = second.context("no page has two experiments")?;
    let first = Widget::open(&test.browser, &test.server.origin, &places[index - 1]).await?;
    // As high as both, so that neither is out of view.
    let script = "return Math.ceil(document.getElementById(arguments[1]).getBoundingClientRect().bottom \
                  - document.getElementById(arguments[0]).getBoundingClientRect().top)";
    let high: f64 = test.browser.js(script, &[json!(first.id), json!(second.id)]).await?;
    test.browser.resize(1280, high as u32 + 400).await?;
    first.run().await?;
    let second = Widget::on_page(&test.browser, &second.id);
    second.press(".standby-run").await?;
    first.wait_for("paused").await?;
    let why = first.why().await?;
    ensure!(why == "elsewhere", "the first is paused because of {why:?}");
    second.wait_for("live").await
}

pub(super) async fn starting_one_in_another_tab_pauses_this_one(test: &mut Test<'_>) -> Result<()> {
    let place = place(test, "four-ways")?;
    let here = test.browser.tab().await?;
    let first = Widget::open(&test.browser, &test.server.origin, &place).await?;
    first.run().await?;
    let there = test.browser.open_tab().await?;
    let second = Widget::open(&test.browser, &test.server.origin, &place).await?;
    second.run().await?;
    second.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    // Back in the first tab it stays paused: the other was started later.
    test.browser.show(&here).await?;
    first.wait_for("paused").await?;
    let why = first.why().await?;
    ensure!(why == "elsewhere", "the first is paused because of {why:?}");
    first.run().await?;
    first.wait_rows("news goes on", |row| row.events >= 1).await?;
    test.browser.show(&there).await?;
    second.wait_for("paused").await
}

pub(super) async fn out_of_view_it_lets_its_connections_go(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    held(test).await?;
    let script = "document.body.style.paddingBottom = '4000px'; \
                  window.scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })";
    test.browser.js::<Value>(script, &[]).await?;
    released(test).await?;
    widget.wait_for("paused").await?;
    widget.scroll_to().await?;
    widget.wait_for("live").await?;
    held(test).await?;
    if test.browser.engine == Engine::WebKit {
        // Its driver can't bring a tab to the front.
        return Ok(());
    }
    // A tab in front of this one.
    test.browser.open_tab().await?;
    released(test).await
}

pub(super) async fn leaving_the_page_lets_the_connections_go(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    held(test).await?;
    test.browser.goto(&test.server.url("print.html")).await?;
    released(test).await
}
