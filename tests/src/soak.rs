//! The model against live runs by chance; then the four-lane experiment for a long time, with drops: the
//! memory of page and server must stay what it is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::book;
use crate::browser::{Browser, Engine};
use crate::cases::truth;
use crate::runner::Test;
use crate::server::Server;
use crate::setup::Setup;
use crate::widget::Widget;

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(30);
/// How often all connections are cut.
const DROP: Duration = Duration::from_secs(20);

/// What is measured, each in bytes but the last.
const NAMES: [&str; 4] = ["page's heap", "WebAssembly's memory", "server's memory", "nodes of the page"];

/// Holds the model against live runs of scripts by chance that the tests don't try.
async fn compare(setup: &Setup) -> Result<()> {
    let server = Server::start(setup).await?;
    let browser = Browser::start(setup, Engine::Chromium).await?;
    let book = setup.book();
    let test = Test { setup, browser, server, book: &book };
    let seeds = truth::BY_CHANCE_IN_SOAK;
    let done = truth::by_chance(&test, seeds.clone()).await;
    test.browser.quit().await;
    done?;
    println!("  {} scripts by chance: the model counts what their live runs count", seeds.count());
    Ok(())
}

/// Runs it. Returns whether everything stayed flat and nothing was lost or came twice.
pub(crate) async fn run(setup: &Setup, minutes: u64) -> Result<bool> {
    compare(setup).await?;
    let server = Server::start(setup).await?;
    let browser = Browser::start(setup, Engine::Chromium).await?;
    let done = watch(setup, &browser, &server, Duration::from_secs(minutes * 60)).await;
    browser.quit().await;
    let series = done?;
    let mut flat = true;
    for (name, values) in NAMES.iter().zip(&series) {
        if grows(values) {
            flat = false;
            println!("  {name} grows steadily: {values:?}");
        }
    }
    println!("  {}", if flat { "Flat." } else { "Not flat." });
    Ok(flat)
}

async fn watch(setup: &Setup, browser: &Browser, server: &Server, length: Duration) -> Result<[Vec<f64>; 4]> {
    let place = book::places(setup)?.into_iter().find(|place| place.experiment.name == "four-ways");
    let widget = Widget::open(browser, &server.origin, &place.context("there is no `four-ways`")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let firsts = widget.firsts().await?;
    let mut series: [Vec<f64>; 4] = Default::default();
    let start = Instant::now();
    let (mut looked, mut dropped) = (start, start);
    while start.elapsed() < length {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if dropped.elapsed() >= DROP {
            dropped = Instant::now();
            widget.press_word("Drop").await?;
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            let now = measure(browser, server).await?;
            println!(
                "  {:4} s: heap {:6.2} MB, WebAssembly {:6.2} MB, server {:6.2} MB, {} nodes",
                start.elapsed().as_secs(),
                now[0] / 1e6,
                now[1] / 1e6,
                now[2] / 1e6,
                now[3]
            );
            for (values, value) in series.iter_mut().zip(now) {
                values.push(value);
            }
        }
    }
    let id = server.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
    let rows =
        widget.wait_rows("the last has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    for row in &rows {
        println!("  {}: {} events, {} reconnects, {} lost", row.lane, row.events, row.reconnects, row.lost);
    }
    widget.nothing_lost_or_doubled(&firsts).await?;
    Ok(series)
}

async fn measure(browser: &Browser, server: &Server) -> Result<[f64; 4]> {
    browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
    let heap = browser.cdp("Runtime.getHeapUsage", json!({})).await?;
    let nodes = browser.cdp("Memory.getDOMCounters", json!({})).await?;
    // The module is loaded already: its start only hands out what it has.
    let script = "const { default: start } = await import(new URL((path_to_root || './') + 'standby/standby.js', \
                  location)); return (await start()).memory.buffer.byteLength";
    let wasm: f64 = browser.js(script, &[]).await?;
    let number = |value: &Value| value.as_f64().context("Chromium did not say a number");
    Ok([number(&heap["usedSize"])?, wasm, server.resident_bytes()? as f64, number(&nodes["nodes"])?])
}

/// Whether the least of each quarter is more than that of the one before, and a tenth more in the
/// end. The first fifth, where everything grows to its size, is left out.
fn grows(values: &[f64]) -> bool {
    let values = &values[values.len() / 5..];
    let quarter = values.len() / 4;
    if quarter == 0 {
        return false;
    }
    let least: Vec<f64> = values
        .chunks(quarter)
        .take(4)
        .map(|part| part.iter().copied().fold(f64::INFINITY, f64::min))
        .collect();
    least.windows(2).all(|pair| pair[1] > pair[0]) && least[least.len() - 1] > least[0] * 1.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_rises_grows_and_what_swings_does_not() {
        let rising: Vec<f64> = (0..20).map(|i| 10.0 + f64::from(i)).collect();
        assert!(grows(&rising));
        let swinging: Vec<f64> = (0..20).map(|i| 10.0 + f64::from(i % 5)).collect();
        assert!(!grows(&swinging));
        let warming: Vec<f64> = (0..20).map(|i| if i < 4 { f64::from(i) } else { 10.0 }).collect();
        assert!(!grows(&warming));
        assert!(!grows(&[1.0, 2.0]));
    }
}
