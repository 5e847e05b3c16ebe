//! An experiment on a page, as a reader and its own attributes have it (`playground` says which).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use standby_trace::Trace;

use crate::book::Place;
use crate::browser::Browser;
use crate::wait;

/// What a row of the ledger says of its lane.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    /// The lane's label.
    pub lane: String,
    /// Events delivered.
    pub events: u64,
    /// The last id; none before the lane knows where it stands.
    pub last_id: Option<u64>,
    /// How often it came back after a cut.
    pub reconnects: u64,
    /// Events that it was told were lost.
    pub lost: u64,
    /// Lives of the topic that ended under it.
    pub resets: u64,
    /// It will not come back by itself.
    pub gave_up: bool,
}

/// An experiment on the page that a browser shows.
pub(crate) struct Widget<'b> {
    browser: &'b Browser,
    /// The element's id.
    pub id: String,
}

impl<'b> Widget<'b> {
    /// Goes to an experiment's page and waits until it is alive.
    pub(crate) async fn open(browser: &'b Browser, origin: &str, place: &Place) -> Result<Self> {
        browser.goto(&format!("{origin}/{}", place.page)).await?;
        let widget = Self::on_page(browser, &place.id);
        wait::until("the experiment is alive", async || {
            let state: Option<String> =
                browser.js(ATTRIBUTE, &[json!(place.id), json!("data-state")]).await?;
            Ok(state.map(drop))
        })
        .await?;
        widget.scroll_to().await?;
        Ok(widget)
    }

    /// An experiment on the page that is there already.
    pub(crate) fn on_page(browser: &'b Browser, id: &str) -> Self {
        Self { browser, id: id.to_owned() }
    }

    /// Scrolls it into view.
    pub(crate) async fn scroll_to(&self) -> Result<()> {
        let script =
            "document.getElementById(arguments[0]).scrollIntoView({ block: 'start', behavior: 'instant' })";
        self.browser.js::<Value>(script, &[json!(self.id)]).await.map(drop)
    }

    /// Where it stands.
    pub(crate) async fn state(&self) -> Result<String> {
        self.attribute("data-state").await
    }

    /// Why it stands there.
    pub(crate) async fn why(&self) -> Result<String> {
        self.attribute("data-why").await
    }

    async fn attribute(&self, name: &str) -> Result<String> {
        let value: Option<String> = self.browser.js(ATTRIBUTE, &[json!(self.id), json!(name)]).await?;
        value.with_context(|| format!("{} has no {name}", self.id))
    }

    /// Waits until it stands somewhere.
    pub(crate) async fn wait_for(&self, state: &str) -> Result<()> {
        let what = format!("{} is {state}", self.id);
        let mut last = String::new();
        let done = wait::until(&what, async || {
            last = self.state().await?;
            Ok((last == state).then_some(()))
        })
        .await;
        done.with_context(|| format!("it is {last}"))
    }

    /// Presses one of its buttons.
    pub(crate) async fn press(&self, selector: &str) -> Result<()> {
        self.browser.click(&format!("#{} {selector}", self.id)).await
    }

    /// Presses the button that says this.
    pub(crate) async fn press_word(&self, word: &str) -> Result<()> {
        let script = "const all = [...document.getElementById(arguments[0]).querySelectorAll('button')]; \
                      const found = all.find(b => b.textContent.includes(arguments[1]) && !b.disabled); \
                      found?.scrollIntoView({ block: 'nearest' }); found?.click(); return found !== undefined";
        let pressed: bool = self.browser.js(script, &[json!(self.id), json!(word)]).await?;
        ensure!(pressed, "{} has no button {word:?} that can be pressed", self.id);
        Ok(())
    }

    /// Presses Run, and waits until it is live.
    pub(crate) async fn run(&self) -> Result<()> {
        self.press(".standby-run").await?;
        self.wait_for("live").await
    }

    /// The names of its tabs, in their order.
    pub(crate) async fn tabs(&self) -> Result<Vec<String>> {
        let script = "return [...document.getElementById(arguments[0]).querySelectorAll('[role=tab]')]\
                      .filter(tab => tab.offsetHeight > 0).map(tab => tab.dataset.tab)";
        self.browser.js(script, &[json!(self.id)]).await
    }

    /// Opens one of its tabs, and waits until its panel has something in it.
    pub(crate) async fn show_tab(&self, name: &str) -> Result<()> {
        let script = "const tab = [...document.getElementById(arguments[0]).querySelectorAll('[role=tab]')]\
                      .find(tab => tab.dataset.tab === arguments[1]); tab?.click(); \
                      return tab !== undefined";
        let pressed: bool = self.browser.js(script, &[json!(self.id), json!(name)]).await?;
        ensure!(pressed, "{} has no tab {name:?}", self.id);
        let script = "const root = document.getElementById(arguments[0]); \
                      const tab = [...root.querySelectorAll('[role=tab]')]\
                      .find(tab => tab.dataset.tab === arguments[1]); \
                      const panel = document.getElementById(tab?.getAttribute('aria-controls')); \
                      return tab?.getAttribute('aria-selected') === 'true' && panel?.offsetHeight > 0 \
                      && panel.childElementCount > 0";
        wait::until(&format!("the tab {name} is open"), async || {
            let open: bool = self.browser.js(script, &[json!(self.id), json!(name)]).await?;
            Ok(open.then_some(()))
        })
        .await
    }

    /// Its ledger.
    pub(crate) async fn rows(&self) -> Result<Vec<Row>> {
        let script = "return [...document.getElementById(arguments[0]).querySelectorAll('tr[data-lane]')]\
                      .filter(r => r.dataset.events !== undefined && !r.closest('.standby-beneath-ledger')).map(r => ({ \
                      lane: r.dataset.lane, events: +r.dataset.events, \
                      last_id: r.dataset.lastId === '' ? null : +r.dataset.lastId, \
                      reconnects: +r.dataset.reconnects, lost: +r.dataset.lost, resets: +r.dataset.resets, \
                      gave_up: r.dataset.gaveUp === 'true' }))";
        self.browser.js(script, &[json!(self.id)]).await
    }

    /// Waits until all rows of the ledger are so.
    pub(crate) async fn wait_rows(&self, what: &str, holds: impl Fn(&Row) -> bool) -> Result<Vec<Row>> {
        let mut last = Vec::new();
        let done = wait::until(&format!("in every lane of {} {what}", self.id), async || {
            last = self.rows().await?;
            Ok((!last.is_empty() && last.iter().all(&holds)).then_some(()))
        })
        .await;
        done.with_context(|| format!("{last:#?}"))?;
        Ok(last)
    }

    /// Its record, as far back as its window goes.
    pub(crate) async fn trace(&self) -> Result<Trace> {
        let script = "const { trace } = await import(new URL((path_to_root || './') + 'standby/standby.js', location)); \
                      return trace(document.getElementById(arguments[0]))";
        let json: Option<String> = self.browser.js(script, &[json!(self.id)]).await?;
        let json = json.with_context(|| format!("{} has no trace", self.id))?;
        serde_json::from_str(&json).with_context(|| format!("reading a trace: {json}"))
    }

    /// The topic that its lanes subscribe to; none before they do.
    async fn topic_so_far(&self) -> Result<Option<String>> {
        let mut asked: Vec<String> = self.browser.js("return window.socketsOpened ?? []", &[]).await?;
        asked.extend(self.browser.requests().await?);
        let topics = asked.iter().rev().filter_map(|url| url.split_once("/api/topics/"));
        Ok(topics.filter_map(|(_, rest)| rest.split('/').next()).next().map(str::to_owned))
    }

    /// The topic that its lanes subscribe to.
    pub(crate) async fn topic(&self) -> Result<String> {
        wait::until("a lane has asked for a topic", async || self.topic_so_far().await).await
    }

    /// Holds every lane's ledger against its ids: nothing was lost in silence, nothing came twice.
    /// Only for a run without a reset, where ids count from the first that the lane was given.
    pub(crate) async fn nothing_lost_or_doubled(&self, firsts: &BTreeMap<String, u64>) -> Result<()> {
        for row in self.rows().await? {
            let first = *firsts.get(&row.lane).with_context(|| format!("{} got nothing", row.lane))?;
            let last = row.last_id.with_context(|| format!("{} has no position", row.lane))?;
            if row.events + row.lost != last + 1 - first {
                bail!(
                    "{} got {} events, and was told of {} lost, from {first} to {last}",
                    row.lane,
                    row.events,
                    row.lost
                );
            }
        }
        Ok(())
    }

    /// The first id that each lane was given.
    pub(crate) async fn firsts(&self) -> Result<BTreeMap<String, u64>> {
        let trace = self.trace().await?;
        let mut firsts = BTreeMap::new();
        for message in trace.messages.iter().filter(|message| !message.lost) {
            let Some(lane) = trace.lanes.get(usize::from(message.lane)) else { continue };
            if let Some(id) = message.events.iter().min() {
                let first = firsts.entry(lane.sub.clone()).or_insert(*id);
                *first = (*first).min(*id);
            }
        }
        Ok(firsts)
    }
}

const ATTRIBUTE: &str = "return document.getElementById(arguments[0])?.getAttribute(arguments[1]) ?? null";
