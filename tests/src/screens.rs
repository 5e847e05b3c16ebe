//! A picture of every experiment in each of its states, and a page that shows them all: to be looked
//! at, not compared.
//!
//! [`WHOLE`] are taken in all themes and both widths, with every tab; the others twice in each state,
//! on a light laptop and on a dark phone. The full product would be more than anyone looks at.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use standby_trace::Fault;

use crate::book::{self, Place};
use crate::browser::{Browser, Engine};
use crate::host::Host;
use crate::server::Server;
use crate::setup::Setup;
use crate::wait;
use crate::widget::Widget;

/// mdBook's themes.
pub(crate) const THEMES: [&str; 5] = ["light", "rust", "coal", "navy", "ayu"];
/// A laptop and a phone.
pub(crate) const SIZES: [(u32, u32); 2] = [(1280, 900), (360, 800)];

/// The experiments that show all there is of a widget.
const WHOLE: [&str; 2] = ["four-ways", "playground"];

/// Takes them all, or those of the experiments with `name` in their name.
pub(crate) async fn take(setup: &Setup, name: Option<&str>) -> Result<bool> {
    let mut places = book::places(setup)?;
    places.retain(|place| name.is_none_or(|name| place.experiment.name.contains(name)));
    places.sort_by(|a, b| a.experiment.name.cmp(&b.experiment.name));
    places.dedup_by(|a, b| a.experiment.name == b.experiment.name);
    ensure!(!places.is_empty(), "no experiment's name holds {:?}", name.unwrap_or_default());

    let folder = setup.screens();
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let browser = Browser::start(setup, Engine::Chromium).await?;
    let mut album = Album { browser: &browser, folder, rows: Vec::new() };
    let mut done = Ok(());
    for place in &places {
        println!("  {}", place.experiment.name);
        done = album.experiment(setup, place).await.with_context(|| place.experiment.name.clone());
        if done.is_err() {
            break;
        }
    }
    let index = album.index();
    browser.quit().await;
    done?;
    println!("  The pictures are at {}", index?.display());
    Ok(true)
}

struct Album<'b> {
    browser: &'b Browser,
    folder: PathBuf,
    /// A heading, and pictures with what each is.
    rows: Vec<(String, Vec<(String, String)>)>,
}

impl Album<'_> {
    async fn experiment(&mut self, setup: &Setup, place: &Place) -> Result<()> {
        let mut server = Server::start(setup).await?;
        self.browser.resize(SIZES[0].0, SIZES[0].1).await?;
        let widget = Widget::open(self.browser, &server.origin, place).await?;
        self.alone(&widget).await?;
        self.shoot(&widget, "before").await?;

        widget.run().await?;
        if place.experiment.scenario.publish.every_ms == 0 {
            server.publish(&widget.topic().await?, &json!({ "price": 100 })).await?;
        }
        // Most of the window, so that there is something to see.
        let enough_us = i64::from(place.experiment.scenario.window_ms.min(8_000)) * 900;
        wait::until("there is something to see", async || {
            Ok((widget.trace().await?.until_us > enough_us).then_some(()))
        })
        .await?;
        self.shoot(&widget, "running").await?;
        if WHOLE.contains(&place.experiment.name.as_str()) {
            widget.press(".standby-run").await?;
            widget.wait_for("paused").await?;
            // A message is chosen, so that there are bytes to show.
            widget.press("button[aria-label='Step back']").await?;
            for tab in widget.tabs().await? {
                widget.show_tab(&tab).await?;
                self.shoot(&widget, &format!("tab-{tab}")).await?;
            }
            widget.show_tab("ledger").await?;
            widget.run().await?;
        }
        let faults = &place.experiment.scenario.faults;
        if faults.iter().any(|planned| matches!(planned.fault, Fault::Unavailable { .. })) {
            let gave_up = async || Ok(widget.rows().await?.into_iter().find(|row| row.gave_up));
            wait::until("a lane has given up", gave_up).await?;
            self.shoot(&widget, "gave-up").await?;
        }
        server.kill().await?;
        widget.wait_for("reconnecting").await?;
        self.shoot(&widget, "cut-off").await?;
        server.restart().await?;
        widget.wait_for("live").await?;
        widget.press(".standby-run").await?;
        widget.wait_for("paused").await?;
        self.shoot(&widget, "paused").await?;

        let host = Host::start(setup.book(), "").await?;
        let widget = Widget::open(self.browser, &host.origin, place).await?;
        self.alone(&widget).await?;
        widget.press(".standby-run").await?;
        widget.wait_for("live").await?;
        self.shoot(&widget, "without-a-server").await
    }

    /// Leaves nothing else on the page: else another width would move it out of view, and it would
    /// pause. The list of chapters is closed, as it is on a phone.
    async fn alone(&self, widget: &Widget<'_>) -> Result<()> {
        let script = "const style = document.createElement('style'); style.textContent = \
                      `main > :not([id='${arguments[0]}']), #mdbook-menu-bar, .nav-wrapper, .nav-wide-wrapper \
                      { display: none !important } * { transition: none !important }`; \
                      document.head.append(style); \
                      document.getElementById('mdbook-sidebar-toggle-anchor').checked = false; \
                      document.documentElement.classList.remove('sidebar-visible')";
        self.browser.js::<Value>(script, &[json!(widget.id)]).await?;
        widget.scroll_to().await
    }

    /// One state, in several themes and widths.
    async fn shoot(&mut self, widget: &Widget<'_>, state: &str) -> Result<()> {
        let name = widget.id.clone();
        let mut row = Vec::new();
        for (width, height) in SIZES {
            self.browser.resize(width, height).await?;
            widget.scroll_to().await?;
            let themes = match width {
                _ if WHOLE.contains(&name.as_str()) => &THEMES[..],
                1280 => &["light"],
                _ => &["navy"],
            };
            for theme in themes {
                self.browser.set_theme(theme).await?;
                let file = format!("{name}-{state}-{theme}-{width}.png");
                self.browser.screenshot_of(&format!("#{name}"), &self.folder.join(&file)).await?;
                row.push((file, format!("{theme}, {width} px")));
            }
        }
        self.browser.resize(SIZES[0].0, SIZES[0].1).await?;
        widget.scroll_to().await?;
        self.rows.push((format!("{name}: {state}"), row));
        Ok(())
    }

    /// Writes the page that shows them all.
    fn index(&self) -> Result<PathBuf> {
        let mut html = String::from(
            "<!DOCTYPE html><meta charset=utf-8><title>Screens</title><style>\
             body{font:14px sans-serif;margin:2em}figure{display:inline-block;margin:4px;vertical-align:top}\
             img{max-height:420px;max-width:640px;border:1px solid #ccc}</style>\n",
        );
        for (heading, pictures) in &self.rows {
            let _ = writeln!(html, "<h2>{heading}</h2>");
            for (file, what) in pictures {
                let _ = writeln!(
                    html,
                    "<figure><a href=\"{file}\"><img loading=lazy src=\"{file}\" alt=\"\"></a>\
                     <figcaption>{what}</figcaption></figure>"
                );
            }
        }
        let index = self.folder.join("index.html");
        std::fs::write(&index, html).with_context(|| format!("writing {}", index.display()))?;
        Ok(index)
    }
}
