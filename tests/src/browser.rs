//! A Chromium or Firefox of a test's own, with a profile of its own, and what it said on its console
//! and asked for on the network.

use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::bidi::BiDi;
use thirtyfour::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::setup::Setup;
use crate::wait::CAP;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Blink.
    Chromium,
    /// Gecko.
    Firefox,
}

impl Engine {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        })
    }
}

/// What the browser told of its pages.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Errors on the console and scripts' uncaught ones.
    pub errors: Vec<String>,
    /// The addresses of all requests.
    pub requests: Vec<String>,
}

/// A running browser.
pub(crate) struct Browser {
    /// Which engine.
    pub engine: Engine,
    driver: WebDriver,
    bidi: BiDi,
    seen: Arc<Mutex<Seen>>,
    // Both end with the test.
    _process: Child,
    _profile: TempDir,
}

impl Browser {
    /// Starts one.
    pub(crate) async fn start(setup: &Setup, engine: Engine) -> Result<Self> {
        let profile = tempfile::tempdir().context("making a profile")?;
        let (process, driver) = match engine {
            Engine::Chromium => chromium(&setup.chromium, profile.path()).await?,
            Engine::Firefox => firefox(&setup.firefox, profile.path()).await?,
        };
        let seen = Arc::new(Mutex::new(Seen::default()));
        match listen(&driver, &seen).await {
            Ok(bidi) => Ok(Self { engine, driver, bidi, seen, _process: process, _profile: profile }),
            Err(e) => {
                // A browser outlives its driver: it must be told.
                let _ = driver.quit().await;
                Err(e)
            }
        }
    }

    /// Ends it.
    pub(crate) async fn quit(self) {
        // Whatever it says: its process is killed next.
        let _ = self.driver.quit().await;
    }

    /// Goes to a page and waits until it has loaded.
    pub(crate) async fn goto(&self, url: &str) -> Result<()> {
        self.driver.goto(url).await.with_context(|| format!("going to {url}"))
    }

    /// The page's address.
    pub(crate) async fn url(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.to_string())
    }

    /// Runs a script's `return …` in the page itself, as one of its own. It may `await`.
    pub(crate) async fn js<T: DeserializeOwned>(&self, script: &str, args: &[Value]) -> Result<T> {
        // As text both ways: BiDi's own form of values says more than is needed.
        let function = format!(
            "async text => JSON.stringify(await (async function () {{ {script} }}).apply(null, JSON.parse(text))) ?? 'null'"
        );
        let params = json!({
            "functionDeclaration": function,
            "arguments": [{ "type": "string", "value": Value::from(args).to_string() }],
            "awaitPromise": true,
            "target": { "context": self.context().await? },
        });
        let short: String = script.chars().take(300).collect();
        let answer = self.bidi.send_raw("script.callFunction", params).await;
        let answer = answer.with_context(|| format!("running in the page: {short}"))?;
        let Some(text) = answer["result"]["value"].as_str() else {
            bail!("the page threw {} in: {short}", answer["exceptionDetails"]["text"]);
        };
        serde_json::from_str(text).with_context(|| format!("what the page answered, {text}, to: {short}"))
    }

    /// Presses keys where the focus is. Named ones are in [`Key`].
    pub(crate) async fn press(&self, key: Key) -> Result<()> {
        Ok(self.driver.action_chain().send_keys(char::from(key).to_string()).perform().await?)
    }

    /// Presses the pointer on the first element that a selector finds.
    pub(crate) async fn click(&self, selector: &str) -> Result<()> {
        let element =
            self.driver.find(By::Css(selector)).await.with_context(|| format!("finding {selector}"))?;
        element.scroll_into_view().await?;
        element.click().await.with_context(|| format!("pressing {selector}"))
    }

    /// Drags from the middle of the first element that a selector finds, so many pixels to the right.
    pub(crate) async fn drag(&self, selector: &str, pixels: i64) -> Result<()> {
        let element =
            self.driver.find(By::Css(selector)).await.with_context(|| format!("finding {selector}"))?;
        element.scroll_into_view().await?;
        let chain = self.driver.action_chain().click_and_hold_element(&element);
        // Two movements: a pointer does not jump.
        chain
            .move_by_offset(pixels / 2, 0)
            .move_by_offset(pixels - pixels / 2, 0)
            .release()
            .perform()
            .await?;
        Ok(())
    }

    /// Makes the page so wide and high.
    pub(crate) async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let viewport = json!({ "width": width, "height": height });
        let context = self.context().await?;
        let params = json!({ "context": context, "viewport": viewport, "devicePixelRatio": 1 });
        self.bidi.send_raw("browsingContext.setViewport", params).await?;
        Ok(())
    }

    /// A picture of what is in view.
    pub(crate) async fn screenshot(&self, path: &Path) -> Result<()> {
        Ok(self.driver.screenshot(path).await?)
    }

    /// How high an element is. Works on a page without scripts.
    pub(crate) async fn height_of(&self, selector: &str) -> Result<f64> {
        Ok(self.driver.find(By::Css(selector)).await?.rect().await?.height)
    }

    /// A picture of one element, beyond what is in view too.
    pub(crate) async fn screenshot_of(&self, selector: &str, path: &Path) -> Result<()> {
        let script = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); \
                      return { x: Math.max(0, r.x + scrollX - 8), y: Math.max(0, r.y + scrollY - 8), \
                      width: r.width + 16, height: r.height + 16 }";
        let mut clip: Value = self.js(script, &[json!(selector)]).await?;
        clip["type"] = json!("box");
        let params = json!({ "context": self.context().await?, "origin": "document", "clip": clip });
        let picture = self.bidi.send_raw("browsingContext.captureScreenshot", params).await?;
        let png =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap_or_default());
        std::fs::write(path, png.context("a picture in base64")?)
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Opens a tab, in front, and goes on in it.
    pub(crate) async fn open_tab(&self) -> Result<Tab> {
        let tab = self.driver.new_tab().await?;
        self.show(&Tab(tab.clone())).await?;
        Ok(Tab(tab))
    }

    /// The tab that is being driven.
    pub(crate) async fn tab(&self) -> Result<Tab> {
        Ok(Tab(self.driver.window().await?))
    }

    /// Brings a tab to the front and goes on in it.
    pub(crate) async fn show(&self, tab: &Tab) -> Result<()> {
        self.driver.switch_to_window(tab.0.clone()).await?;
        let context = self.context().await?;
        self.bidi.send_raw("browsingContext.activate", json!({ "context": context })).await?;
        Ok(())
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn cdp(&self, method: &str, params: Value) -> Result<Value> {
        if self.engine != Engine::Chromium {
            bail!("only Chromium knows {method}");
        }
        Ok(self.driver.cdp().send_raw(method, params).await?)
    }

    /// Types text where the focus is.
    pub(crate) async fn type_text(&self, text: &str) -> Result<()> {
        Ok(self.driver.action_chain().send_keys(text).perform().await?)
    }

    /// Chooses one of mdBook's themes for the pages that are opened from now on.
    pub(crate) async fn set_theme(&self, theme: &str) -> Result<()> {
        self.js::<Value>("localStorage.setItem('mdbook-theme', arguments[0])", &[json!(theme)])
            .await
            .map(drop)
    }

    /// The addresses of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).requests.clone()
    }

    /// Forgets them.
    pub(crate) fn forget_requests(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).requests.clear();
    }

    /// Takes what was seen since the last time.
    pub(crate) fn take_seen(&self) -> Seen {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// BiDi's name of the tab that is driven: the two protocols share it.
    async fn context(&self) -> Result<String> {
        Ok(self.driver.window().await?.to_string())
    }
}

/// Runs in every page before its own scripts. The page for print would open a dialogue, and hang;
/// and what BiDi does not tell of in every engine is which sockets a page opens.
const PRELOAD: &str = "() => {
    window.print = () => {};
    window.socketsOpened = [];
    window.WebSocket = class extends WebSocket {
        constructor(url, ...rest) {
            super(url, ...rest);
            window.socketsOpened.push(String(url));
        }
    };
}";

/// A tab.
#[derive(Clone, Debug)]
pub(crate) struct Tab(WindowHandle);

/// Has the browser tell of its console and its requests.
async fn listen(driver: &WebDriver, seen: &Arc<Mutex<Seen>>) -> Result<BiDi> {
    let bidi = driver.bidi().await?;
    let mut events = bidi.subscribe_raw();
    let seen = Arc::clone(seen);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            note(&mut seen.lock().unwrap_or_else(PoisonError::into_inner), &event.method, &event.params);
        }
    });
    let names = ["log.entryAdded", "network.beforeRequestSent"];
    bidi.send_raw("session.subscribe", json!({ "events": names })).await?;
    bidi.send_raw("script.addPreloadScript", json!({ "functionDeclaration": PRELOAD })).await?;
    Ok(bidi)
}

/// Keeps what matters of an event.
fn note(seen: &mut Seen, method: &str, params: &Value) {
    match method {
        "log.entryAdded" if params["level"] == "error" => {
            seen.errors.push(params["text"].as_str().unwrap_or("an error without a text").to_owned());
        }
        "network.beforeRequestSent" => {
            seen.requests.extend(params["request"]["url"].as_str().map(str::to_owned));
        }
        _ => {}
    }
}

async fn chromium([program, driver]: &[std::path::PathBuf; 2], profile: &Path) -> Result<(Child, WebDriver)> {
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

async fn firefox([program, driver]: &[std::path::PathBuf; 2], profile: &Path) -> Result<(Child, WebDriver)> {
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
