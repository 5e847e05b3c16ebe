//! What axe-core finds: nothing, of whatever impact.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::place;
use crate::book;
use crate::runner::Test;
use crate::screens::{SIZES, THEMES};
use crate::wait;
use crate::widget::Widget;

/// Something that axe found.
#[derive(Debug, Deserialize)]
struct Violation {
    id: String,
    impact: Option<String>,
    /// Each with what is wrong with it.
    nodes: Vec<String>,
}

/// Where each thing was found: what is wrong on one page is mostly wrong on all.
type Found = BTreeMap<String, Vec<String>>;

pub(super) async fn finds_nothing_on_any_page_in_any_theme(test: &mut Test<'_>) -> Result<()> {
    let mut found = Found::new();
    for page in book::pages(test.setup)? {
        for (width, height) in SIZES {
            test.browser.resize(width, height).await?;
            test.browser.goto(&test.server.url(&page)).await?;
            start(test).await?;
            for theme in THEMES {
                test.browser.set_theme(theme).await?;
                for open in [true, false] {
                    let has_list = open_chapters(test, open).await?;
                    if !has_list && open {
                        continue;
                    }
                    let list = if open { "open" } else { "closed" };
                    note(test, "document", &format!("{page}, {theme}, {width} px, list {list}"), &mut found)
                        .await?;
                }
            }
        }
    }
    nothing(&found)
}

pub(super) async fn finds_nothing_while_an_experiment_runs(test: &mut Test<'_>) -> Result<()> {
    let mut found = Found::new();
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    start(test).await?;
    for when in ["before it runs", "while it runs", "paused"] {
        match when {
            "while it runs" => {
                widget.run().await?;
                widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
            }
            "paused" => {
                widget.press(".standby-run").await?;
                widget.wait_for("paused").await?;
            }
            _ => {}
        }
        for theme in THEMES {
            test.browser.set_theme(theme).await?;
            note(test, "document", &format!("{theme}, {when}"), &mut found).await?;
        }
    }
    test.browser.set_theme("light").await?;
    for tab in widget.tabs().await? {
        widget.show_tab(&tab).await?;
        note(test, "document", &format!("the tab {tab}"), &mut found).await?;
    }
    nothing(&found)
}

/// Brings axe into the page.
pub(super) async fn start(test: &Test<'_>) -> Result<()> {
    // Nothing is measured while it still moves.
    wait::until("the page has loaded", async || {
        let script = "return document.readyState === 'complete' && \
                      (location.pathname.endsWith('/print.html') || \
                      !document.querySelector('standby-experiment:not([data-state])'))";
        Ok(test.browser.js::<bool>(script, &[]).await?.then_some(()))
    })
    .await?;
    let axe = std::fs::read_to_string(&test.setup.axe).context("reading axe-core")?;
    let script = format!(
        "const style = document.createElement('style'); \
         style.textContent = '*, ::before, ::after {{ transition: none !important }}'; \
         document.head.append(style); {axe}"
    );
    test.browser.js::<Value>(&script, &[]).await.map(drop)
}

/// Opens or closes the list of chapters by its own button. Says whether the page has one.
async fn open_chapters(test: &Test<'_>, open: bool) -> Result<bool> {
    let script = "const button = document.getElementById('mdbook-sidebar-toggle'); \
                  if (!button?.offsetHeight) return false; \
                  const open = document.documentElement.classList.contains('sidebar-visible'); \
                  if (open !== arguments[0]) button.click(); \
                  await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); return true";
    test.browser.js(script, &[json!(open)]).await
}

/// Notes what axe finds now within what a script says. Further rules are added to its own.
pub(super) async fn note(test: &Test<'_>, within: &str, place: &str, found: &mut Found) -> Result<()> {
    // WCAG 2.2's size of targets is not among those that axe looks for by itself.
    let script = format!(
        "const found = await axe.run({within}, {{ resultTypes: ['violations'], \
         rules: {{ 'target-size': {{ enabled: true }} }} }}); \
         return found.violations.map(v => ({{ id: v.id, impact: v.impact, nodes: v.nodes.map(n => \
         n.html.slice(0, 160) + ' ' + n.failureSummary.replace(/\\s+/g, ' ').slice(0, 220)) }}))"
    );
    let violations: Vec<Violation> = test.browser.js(&script, &[]).await?;
    for violation in violations {
        for node in violation.nodes {
            let what = format!("{} ({}): {node}", violation.id, violation.impact.as_deref().unwrap_or("-"));
            found.entry(what).or_default().push(place.to_owned());
        }
    }
    Ok(())
}

/// Fails with all that was found.
pub(super) fn nothing(found: &Found) -> Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = found
        .iter()
        .map(|(what, places)| {
            let more =
                if places.len() > 3 { format!(" and {} more", places.len() - 3) } else { String::new() };
            format!("{what}\n    {}{more}", places[..places.len().min(3)].join("; "))
        })
        .collect();
    bail!("axe found {} things:\n{}", lines.len(), lines.join("\n"))
}
