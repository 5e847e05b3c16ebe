//! How many things a second the model of many clients does in a page's worker, and what a client takes
//! there. `cargo xtask bench sim` prints it below the same natively.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;
use standby_sim::herd::bench;

use crate::browser::{Browser, Engine};
use crate::host::Host;
use crate::setup::Setup;
use crate::wait;

/// A run of ten million that meets each other again and again takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a run of one strategy came to.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Ran {
    events: u64,
    took_ms: f64,
    memory_bytes: f64,
    failed: Option<String>,
}

/// Prints the table of each engine.
pub(crate) async fn run(setup: &Setup) -> Result<bool> {
    let host = Host::start(setup.book(), "").await?;
    for engine in Engine::of(setup) {
        let browser = Browser::start(setup, engine).await?;
        let done = in_browser(&browser, &host).await;
        browser.quit().await;
        done.with_context(|| format!("in {engine}"))?;
    }
    Ok(true)
}

async fn in_browser(browser: &Browser, host: &Host) -> Result<()> {
    browser.goto(&format!("{}/index.html", host.origin)).await?;
    let version: String = browser.js("return navigator.userAgent", &[]).await?;
    println!("\n  in a worker of {} ({version})", browser.engine);
    println!("{}", bench::head());
    for clients in bench::CLIENTS {
        for (name, backoff) in bench::STRATEGIES {
            let scenario = bench::scenario(clients, backoff)?;
            let start = include_str!("bench_sim.js");
            browser.js::<bool>(start, &[json!(serde_json::to_string(&scenario)?)]).await?;
            let ran = wait::within(PATIENCE, "the run is over", async || {
                browser.js::<Option<Ran>>("return window.ran", &[]).await
            });
            let ran = ran.await.with_context(|| format!("{clients} clients, {name}"))?;
            if let Some(why) = ran.failed {
                println!("  {clients:>10}  {name:<20} {why}");
                continue;
            }
            let seconds = ran.took_ms.max(1.0) / 1_000.0;
            println!("{}", bench::line(&scenario, name, ran.events, seconds, Some(ran.memory_bytes)));
        }
    }
    Ok(())
}
