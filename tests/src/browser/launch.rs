//! Starting the engines, each with its driver and a profile of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::Engine;
use crate::setup::{Setup, WebKit};
use crate::wait::{self, CAP};

/// What ends with the test. The driver goes before the screen that its browser is on.
pub(super) struct Held {
    _driver: Child,
    _screen: Option<Child>,
    _profile: TempDir,
}

/// Starts an engine.
pub(super) async fn launch(setup: &Setup, engine: Engine) -> Result<(WebDriver, Held)> {
    let profile = tempfile::tempdir().context("making a profile")?;
    let mut screen = None;
    let (process, driver) = match engine {
        Engine::Chromium => chromium(&setup.chromium, profile.path()).await?,
        Engine::Firefox => firefox(&setup.firefox, profile.path()).await?,
        Engine::WebKit => {
            let programs = setup.webkit.as_ref().context("WebKitGTK is for Linux only")?;
            let (xvfb, display) = xvfb(&programs.xvfb).await?;
            screen = Some(xvfb);
            webkit(programs, &display, profile.path()).await?
        }
    };
    Ok((driver, Held { _driver: process, _screen: screen, _profile: profile }))
}

async fn chromium([program, driver]: &[PathBuf; 2], profile: &Path) -> Result<(Child, WebDriver)> {
    let mut command = Command::new(driver);
    command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.kill_on_drop(true).spawn().context("starting chromedriver")?;
    let out = process.stdout.take().context("no standard output")?;
    let port = port_after(out, "started successfully on port ").await?;
    let mut caps = DesiredCapabilities::chrome();
    caps.set_binary(&program.to_string_lossy())?;
    for arg in [
        "--headless=new",
        // Chromium's sandbox does not start as root, as which CI runs.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--force-color-profile=srgb",
        "--hide-scrollbars",
        "--enable-precise-memory-info",
        &format!("--user-data-dir={}", profile.display()),
    ] {
        caps.add_arg(arg)?;
    }
    caps.enable_bidi()?;
    Ok((process, connect(port, caps).await?))
}

async fn firefox([program, driver]: &[PathBuf; 2], profile: &Path) -> Result<(Child, WebDriver)> {
    let mut command = Command::new(driver);
    command.args(["--port", "0", "--websocket-port", "0", "--profile-root"]).arg(profile);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.kill_on_drop(true).spawn().context("starting geckodriver")?;
    let out = process.stdout.take().context("no standard output")?;
    let port = port_after(out, "Listening on 127.0.0.1:").await?;
    let mut caps = DesiredCapabilities::firefox();
    caps.set_firefox_binary(&program.to_string_lossy())?;
    caps.add_arg("-headless")?;
    caps.enable_bidi()?;
    Ok((process, connect(port, caps).await?))
}

/// MiniBrowser's own bar has a least width, which is more than a phone's.
const NARROW: &str = "* { min-width: 0; min-height: 0; margin: 0; padding: 0; font-size: 1px; -gtk-icon-transform: scale(0); }";

async fn webkit(programs: &WebKit, display: &str, profile: &Path) -> Result<(Child, WebDriver)> {
    let gtk = profile.join("gtk-3.0");
    std::fs::create_dir_all(&gtk).context("making a profile")?;
    std::fs::write(gtk.join("gtk.css"), NARROW).context("writing gtk.css")?;
    // It takes no port 0. Between this and its start another may take the port: then it ends at
    // once, and the next one is tried.
    for _ in 0..5 {
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let mut command = Command::new(&programs.driver);
        command.args(["--host=127.0.0.1", &format!("--port={port}")]);
        command.env("DISPLAY", display).env("GDK_BACKEND", "x11").env("NO_AT_BRIDGE", "1");
        for home in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(home, profile);
        }
        // Its sandbox does not start as root, and it never asks.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.kill_on_drop(true).spawn().context("starting WebKitWebDriver")?;
        let url = format!("http://127.0.0.1:{port}/status");
        let ready = wait::until("WebKitWebDriver listens", async || {
            if process.try_wait()?.is_some() {
                return Ok(Some(false));
            }
            Ok(reqwest::get(&url).await.is_ok().then_some(true))
        });
        if ready.await? {
            let caps = json!({
                "browserName": "MiniBrowser",
                "webkitgtk:browserOptions": { "binary": programs.browser, "args": ["--automation"] },
            });
            let caps: Capabilities = serde_json::from_value(caps)?;
            return Ok((process, connect(port, caps).await?));
        }
    }
    bail!("WebKitWebDriver found no port")
}

/// A screen that nobody sees, large enough for the highest page. Says its name for `DISPLAY`.
async fn xvfb(program: &Path) -> Result<(Child, String)> {
    let mut command = Command::new(program);
    command.args(["-displayfd", "1", "-screen", "0", "2000x4000x24", "-nolisten", "tcp"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.kill_on_drop(true).spawn().context("starting Xvfb")?;
    let out = process.stdout.take().context("no standard output")?;
    let mut line = String::new();
    let mut out = BufReader::new(out);
    let read = tokio::time::timeout(CAP, out.read_line(&mut line)).await;
    read.context("Xvfb did not say its display")??;
    let number: u32 = line.trim().parse().with_context(|| format!("Xvfb's display in {line:?}"))?;
    Ok((process, format!(":{number}")))
}

async fn connect(port: u16, caps: impl Into<Capabilities>) -> Result<WebDriver> {
    let driver =
        WebDriver::new(format!("http://127.0.0.1:{port}"), caps).await.context("starting the browser")?;
    driver.set_script_timeout(CAP).await?;
    driver.set_page_load_timeout(CAP).await?;
    Ok(driver)
}

/// Reads a driver's output until it says its port, and the rest for as long as it runs.
async fn port_after(out: impl AsyncRead + Unpin + Send + 'static, words: &str) -> Result<u16> {
    let mut lines = BufReader::new(out).lines();
    let find = async {
        while let Some(line) = lines.next_line().await? {
            if let Some((_, rest)) = line.split_once(words) {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                return digits.parse().with_context(|| format!("a driver's port in {line:?}"));
            }
        }
        bail!("a driver ended before it listened")
    };
    let port = tokio::time::timeout(CAP, find).await.context("a driver did not say its port")??;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok(port)
}
