//! The book without `standby serve` behind its pages.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::place;
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

pub(super) async fn a_static_host_says_that_it_has_no_server(test: &mut Test<'_>) -> Result<()> {
    let place = place(test, "four-ways")?;
    let host = Host::start(test.book.clone(), "/some/where/below").await?;
    let widget = Widget::open(&test.browser, &host.origin, &place).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("no-server").await?;
    let seen = test.browser.take_seen().await?;
    ensure!(seen.errors.is_empty(), "it says on the console: {:?}", seen.errors);
    let elsewhere: Vec<_> = seen
        .requests
        .iter()
        .filter(|url| !url.starts_with(&host.origin) && !url.starts_with("data:"))
        .collect();
    ensure!(elsewhere.is_empty(), "a published page asks elsewhere: {elsewhere:?}");
    Ok(())
}
