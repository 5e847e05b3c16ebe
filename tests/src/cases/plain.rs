//! The book without `standby serve` behind its pages.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use standby_trace::{Control, Source};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::place;
use crate::book;
use crate::host::Host;
use crate::runner::Test;
use crate::server::Server;
use crate::wait;
use crate::widget::Widget;

pub(super) async fn mdbook_serve_finds_the_server_beside_it(test: &mut Test<'_>) -> Result<()> {
    // The port that mdBook's copy of standby.json names.
    let beside = Server::start_on(test.setup, "127.0.0.1:4000").await.context("is port 4000 taken?")?;
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let folder = test.setup.target.join("xtask/mdbook-serve");
    let mut mdbook = Command::new(&test.setup.mdbook)
        .current_dir(&test.setup.root)
        .args(["serve", "--hostname", "127.0.0.1", "--port", &port.to_string(), "--dest-dir"])
        .arg(&folder)
        .env("CARGO_TARGET_DIR", &test.setup.target)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("starting mdbook serve")?;
    let origin = format!("http://127.0.0.1:{port}");
    wait::until("mdbook serves", async || {
        ensure!(mdbook.try_wait()?.is_none(), "mdbook serve ended: run `mdbook build` to see why");
        Ok(reqwest::get(&origin).await.ok().filter(|answer| answer.status().is_success()))
    })
    .await?;

    let widget = Widget::open(&test.browser, &origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let id = beside.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
    widget.wait_rows("one more has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    mdbook.kill().await.context("ending mdbook serve")
}

/// Each experiment, from a plain file server at a sub-path, with nobody else to ask.
pub(super) async fn on_a_static_host_every_experiment_runs_in_the_model(test: &mut Test<'_>) -> Result<()> {
    let host = Host::start(test.book.clone(), "/some/where/below").await?;
    let mut known = BTreeSet::new();
    for place in book::places(test.setup)? {
        if !known.insert(place.experiment.name.clone()) {
            continue;
        }
        let widget = Widget::open(&test.browser, &host.origin, &place).await?;
        widget.run().await?;
        let pill = "return document.querySelector(`#${arguments[0]} .standby-pill`).textContent";
        let pill: String = test.browser.js(pill, &[json!(widget.id)]).await?;
        ensure!(pill.contains("Simulated"), "{} says {pill:?}", widget.id);
        let controls = &place.experiment.controls;
        if place.experiment.scenario.publish.every_ms == 0 && controls.contains(&Control::Publish) {
            widget.press_word("Publish").await?;
        }
        let asked = async || {
            let trace = widget.trace().await?;
            ensure!(trace.source == Source::Simulated, "its trace says {:?}", trace.source);
            let lanes: BTreeSet<u16> = trace.messages.iter().map(|message| message.lane).collect();
            let bytes = trace.messages.iter().any(|message| message.overhead_bytes > 0);
            Ok((lanes.len() == trace.scenario.lanes.len() && bytes).then_some(()))
        };
        wait::until("every lane has asked, with bytes", asked).await?;
        let seen = test.browser.take_seen().await?;
        ensure!(seen.errors.is_empty(), "{} says on the console: {:?}", widget.id, seen.errors);
        let elsewhere: Vec<_> = seen
            .requests
            .iter()
            .filter(|url| !url.starts_with(&host.origin) && !url.starts_with("data:"))
            .collect();
        ensure!(elsewhere.is_empty(), "a published page asks elsewhere: {elsewhere:?}");
    }
    Ok(())
}

pub(super) async fn a_simulated_run_delivers_and_recovers_as_a_live_one(test: &mut Test<'_>) -> Result<()> {
    let host = Host::start(test.book.clone(), "/some/where/below").await?;
    let widget = Widget::open(&test.browser, &host.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let firsts = widget.firsts().await?;
    widget.press_word("Drop").await?;
    let told = |lane: &str| lane == "websocket" || lane == "sse";
    let rows = widget.wait_rows("the cut was noticed", |row| row.reconnects >= 1 || !told(&row.lane)).await?;
    widget
        .wait_rows("news goes on", |row| {
            rows.iter().any(|before| before.lane == row.lane && row.events > before.events)
        })
        .await?;
    widget.nothing_lost_or_doubled(&firsts).await?;
    widget.show_tab("wire").await?;
    let says = "return document.querySelector(`#${arguments[0]} [data-panel=wire]`).textContent.includes(\
                \"These are the model's bytes\")";
    wait::until("the list says whose bytes these are", async || {
        Ok(test.browser.js::<bool>(says, &[json!(widget.id)]).await?.then_some(()))
    })
    .await?;
    // Paused it stands, and goes on from there.
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    widget.run().await?;
    let rows = widget.rows().await?;
    widget
        .wait_rows("news goes on after the pause", |row| {
            rows.iter().any(|before| before.lane == row.lane && row.events > before.events)
        })
        .await?;
    widget.nothing_lost_or_doubled(&firsts).await
}
