//! Records what each engine sends of its own, and what the server answers: the profiles of the
//! model, and the bytes that its tests hold it against.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use standby_sim::Profile;
use standby_trace::tap::{Part, ToObserver};

use crate::browser::{Browser, Engine};
use crate::server::Server;
use crate::setup::Setup;

/// What the page tells.
#[derive(Deserialize)]
struct Seen {
    agent: String,
    records: Vec<Value>,
}

/// Records all engines.
pub(crate) async fn take(setup: &Setup) -> Result<bool> {
    for engine in Engine::of(setup) {
        let server = Server::start(setup).await?;
        let browser = Browser::start(setup, engine).await?;
        let seen = ask(&browser, &server).await.with_context(|| format!("recording {engine}"));
        browser.quit().await;
        keep(setup, engine, &seen?)?;
        println!("  {engine}");
    }
    Ok(true)
}

async fn ask(browser: &Browser, server: &Server) -> Result<Seen> {
    browser.goto(&server.url("")).await?;
    browser.js(include_str!("requests.js"), &[]).await
}

fn keep(setup: &Setup, engine: Engine, seen: &Seen) -> Result<()> {
    let of = setup.root.join("crates/sim");
    // What no request shows stays as it was.
    let mut profile = match engine {
        Engine::Chromium => Profile::chromium(),
        Engine::Firefox => Profile::firefox(),
        Engine::WebKit => Profile::webkit(),
    };
    if let Some(version) = version(&seen.agent) {
        profile.browser = version;
    }
    let mut lines = String::new();
    for record in &seen.records {
        if let ToObserver::Wire(wire) = ToObserver::deserialize(record)?
            && wire.part == Part::RequestHead
        {
            let event_source = wire.exchange.sub.as_deref() == Some("sse");
            profile.learn(wire.exchange.via, &wire.bytes, event_source);
        }
        // Writing to a `String` cannot fail.
        let _ = write!(lines, "{}{record}", if lines.is_empty() { "[\n" } else { ",\n" });
    }
    lines.push_str("\n]\n");
    std::fs::write(of.join(format!("tests/data/{engine}.json")), lines)?;
    let profile = serde_json::to_string_pretty(&profile)? + "\n";
    std::fs::write(of.join(format!("profiles/{engine}.json")), profile)?;
    Ok(())
}

/// A browser's name and version, where its `User-Agent` says them.
pub(super) fn version(agent: &str) -> Option<String> {
    let named = |mark: &str, name: &str| {
        let (_, rest) = agent.split_once(mark)?;
        Some(format!("{name} {}", rest.split('.').next()?))
    };
    named("Chrome/", "Chromium").or_else(|| named("Firefox/", "Firefox"))
}
