//! How long the page keeps the browser from answering a reader, while a widget comes and while four
//! lanes run. `cargo xtask bench page` prints it. Only Chromium tells of long tasks.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use crate::bench::{machine, quantiles};
use crate::book;
use crate::browser::{Browser, Engine};
use crate::server::Server;
use crate::setup::Setup;
use crate::widget::Widget;

/// How long it runs.
const RUN: Duration = Duration::from_secs(30);

/// What Chromium noted.
#[derive(Deserialize)]
struct Noted {
    /// From the page's start to the widget's, in ms.
    loading: Vec<f64>,
    /// From Run on, in ms.
    running: Vec<f64>,
    /// The sum of all shifts of the page's layout, as Chromium scores them.
    shift: f64,
}

/// Runs the experiment with four lanes and prints what Chromium noted.
pub(crate) async fn page(setup: &Setup) -> Result<bool> {
    let server = Server::start(setup).await?;
    let browser = Browser::start(setup, Engine::Chromium).await?;
    let done = in_browser(setup, &browser, &server).await;
    browser.quit().await;
    done.map(|()| true)
}

async fn in_browser(setup: &Setup, browser: &Browser, server: &Server) -> Result<()> {
    let place = book::places(setup)?.into_iter().find(|place| place.experiment.name == "four-ways");
    browser.resize(1_280, 900).await?;
    let widget = Widget::open(browser, &server.origin, &place.context("there is no `four-ways`")?).await?;
    let start: f64 = browser.js("return performance.now()", &[]).await?;
    widget.run().await?;
    tokio::time::sleep(RUN).await;
    let mut noted: Noted = browser.js(NOTED, &[json!(start)]).await?;
    println!("  {}", machine());
    println!("  {}", browser.js::<String>("return navigator.userAgent", &[]).await?);
    print("while the page and the widget load", &mut noted.loading);
    print(&format!("in {} s of four lanes", RUN.as_secs()), &mut noted.running);
    println!("  layout shifts, in sum: {:.4}", noted.shift);
    Ok(())
}

/// Tasks of 50 ms or more, which Chromium calls long; shorter ones it does not tell of.
fn print(when: &str, tasks: &mut [f64]) {
    match quantiles(tasks) {
        Ok([median, _]) => {
            let most = tasks.last().copied().unwrap_or_default();
            println!(
                "  {when}: {} tasks over 50 ms, median {median:.0} ms, longest {most:.0} ms",
                tasks.len()
            );
        }
        Err(_) => println!("  {when}: no task over 50 ms"),
    }
}

const NOTED: &str = "const noted = type => { const observer = new PerformanceObserver(() => {}); \
    observer.observe({ type, buffered: true }); return observer.takeRecords() }; \
    const tasks = noted('longtask'); const shifts = noted('layout-shift'); \
    return { loading: tasks.filter(e => e.startTime < arguments[0]).map(e => e.duration), \
    running: tasks.filter(e => e.startTime >= arguments[0]).map(e => e.duration), \
    shift: shifts.filter(e => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0) }";
