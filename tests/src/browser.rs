//! A browser of a test's own, with a profile of its own, and what it said on its console and asked
//! for on the network.
//!
//! Chromium and Firefox tell of it by WebDriver BiDi. WebKitGTK's driver has none, so there the page
//! tells of itself: the server hands out a copy of the book with a script before all others
//! ([`webkit`]), and what is told is of the page that is open, not of those before it.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::bidi::BiDi;
use thirtyfour::prelude::*;

use crate::setup::Setup;
use crate::wait;

mod launch;
pub(crate) mod webkit;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Blink.
    Chromium,
    /// Gecko.
    Firefox,
    /// WebKit, as GTK's programs have it.
    WebKit,
}

impl Engine {
    /// All that there are: WebKitGTK is for Linux only.
    pub(crate) fn of(setup: &Setup) -> impl Iterator<Item = Self> {
        let webkit = setup.webkit.as_ref().map(|_| Self::WebKit);
        [Self::Chromium, Self::Firefox].into_iter().chain(webkit)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        })
    }
}

/// What the browser told of its pages.
#[derive(Debug, Default, Deserialize)]
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
    /// Not in WebKit.
    bidi: Option<BiDi>,
    seen: Arc<Mutex<Seen>>,
    // Ends with the test.
    _held: launch::Held,
}

impl Browser {
    /// Starts one.
    pub(crate) async fn start(setup: &Setup, engine: Engine) -> Result<Self> {
        let (driver, held) = launch::launch(setup, engine).await?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let bidi = match engine {
            Engine::WebKit => Ok(None),
            Engine::Chromium | Engine::Firefox => listen(&driver, &seen).await.map(Some),
        };
        match bidi {
            Ok(bidi) => Ok(Self { engine, driver, bidi, seen, _held: held }),
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
        let short: String = script.chars().take(300).collect();
        let what = || format!("running in the page: {short}");
        // As text both ways: BiDi's own form of values says more than is needed.
        let function = format!(
            "async text => JSON.stringify(await (async function () {{ {script} }}).apply(null, JSON.parse(text))) ?? 'null'"
        );
        let args = Value::from(args).to_string();
        let text = if self.bidi.is_some() {
            let params = json!({
                "functionDeclaration": function,
                "arguments": [{ "type": "string", "value": args }],
                "awaitPromise": true,
                "target": { "context": self.context().await? },
            });
            let answer = self.ask("script.callFunction", params).await.with_context(what)?;
            let Some(text) = answer["result"]["value"].as_str() else {
                bail!("the page threw {} in: {short}", answer["exceptionDetails"]["text"]);
            };
            text.to_owned()
        } else {
            let script = format!(
                "const done = arguments[1]; ({function})(arguments[0]).then(\
                 text => done({{ text }}), thrown => done({{ thrown: String(thrown) }}))"
            );
            let answer =
                self.driver.execute_async(script, vec![Value::from(args)]).await.with_context(what)?;
            let Some(text) = answer.json()["text"].as_str() else {
                bail!("the page threw {} in: {short}", answer.json()["thrown"]);
            };
            text.to_owned()
        };
        serde_json::from_str(&text).with_context(|| format!("what the page answered, {text}, to: {short}"))
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

    /// Moves the pointer to a place of the viewport, in pixels.
    pub(crate) async fn point_at(&self, (x, y): (i64, i64)) -> Result<()> {
        Ok(self.driver.action_chain().move_to(x, y).perform().await?)
    }

    /// Makes the page so wide and high.
    pub(crate) async fn resize(&self, width: u32, height: u32) -> Result<()> {
        if self.bidi.is_none() {
            return self.resize_window(width, height).await;
        }
        let viewport = json!({ "width": width, "height": height });
        let context = self.context().await?;
        let params = json!({ "context": context, "viewport": viewport, "devicePixelRatio": 1 });
        self.ask("browsingContext.setViewport", params).await?;
        Ok(())
    }

    /// Makes the window as large as it must be for the page to be so wide and high.
    async fn resize_window(&self, width: u32, height: u32) -> Result<()> {
        let around = "return outerHeight - innerHeight";
        let around: u32 = self.js(around, &[]).await?;
        self.driver.set_window_rect(0, 0, width, height + around).await?;
        let is = "return [innerWidth, innerHeight]";
        wait::until("the window has its size", async || {
            Ok((self.js::<[u32; 2]>(is, &[]).await? == [width, height]).then_some(()))
        })
        .await
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
        let picture = self.ask("browsingContext.captureScreenshot", params).await?;
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

    /// Brings a tab to the front and goes on in it. WebKit's driver can't bring one to the front.
    pub(crate) async fn show(&self, tab: &Tab) -> Result<()> {
        self.driver.switch_to_window(tab.0.clone()).await?;
        let context = self.context().await?;
        self.ask("browsingContext.activate", json!({ "context": context })).await?;
        Ok(())
    }

    /// A command of Chromium's own protocol.
    pub(crate) async fn cdp(&self, method: &str, params: Value) -> Result<Value> {
        if self.engine != Engine::Chromium {
            bail!("only Chromium knows {method}");
        }
        Ok(self.driver.cdp().send_raw(method, params).await?)
    }

    /// Runs no scripts in the pages that are opened from now on. [`Self::height_of`] still works.
    pub(crate) async fn disable_scripts(&self) -> Result<()> {
        let params = json!({ "enabled": false, "contexts": [self.context().await?] });
        self.ask("emulation.setScriptingEnabled", params).await.map(drop)
    }

    /// Types text where the focus is.
    pub(crate) async fn type_text(&self, text: &str) -> Result<()> {
        Ok(self.driver.action_chain().send_keys(text).perform().await?)
    }

    /// Shows the page in one of mdBook's themes, chosen from the book's own menu, and waits until it
    /// is painted.
    pub(crate) async fn set_theme(&self, theme: &str) -> Result<()> {
        // The theme is a class of the page, and which of three style sheets colours the code.
        let script = "document.getElementById(`mdbook-theme-${arguments[0]}`).click(); \
                      await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); \
                      return document.documentElement.classList.contains(arguments[0])";
        let set: bool = self.js(script, &[json!(theme)]).await?;
        if set { Ok(()) } else { bail!("the page has no theme {theme}") }
    }

    /// The addresses of all requests so far.
    pub(crate) async fn requests(&self) -> Result<Vec<String>> {
        if self.bidi.is_none() {
            return Ok(self.js::<Seen>(webkit::TELL, &[]).await?.requests);
        }
        Ok(self.seen.lock().unwrap_or_else(PoisonError::into_inner).requests.clone())
    }

    /// Forgets them. WebKit's page does when another is opened.
    pub(crate) fn forget_requests(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).requests.clear();
    }

    /// Takes what was seen since the last time; in WebKit, all of the page that is open.
    pub(crate) async fn take_seen(&self) -> Result<Seen> {
        if self.bidi.is_none() {
            return self.js(webkit::TELL, &[]).await;
        }
        Ok(std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A command of WebDriver BiDi.
    async fn ask(&self, method: &str, params: Value) -> Result<Value> {
        let bidi = self.bidi.as_ref().with_context(|| format!("WebKit does not know {method}"))?;
        Ok(bidi.send_raw(method, params).await?)
    }

    /// BiDi's name of the tab that is driven: the two protocols share it.
    async fn context(&self) -> Result<String> {
        Ok(self.driver.window().await?.to_string())
    }
}

/// Runs in every page before its own scripts. The page for print would open a dialogue, and hang;
/// and what BiDi does not tell of in every engine is which sockets a page opens.
const BEFORE_ALL: &str = "() => {
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
    bidi.send_raw("script.addPreloadScript", json!({ "functionDeclaration": BEFORE_ALL })).await?;
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
