//! What axe-core finds: nothing, of whatever impact.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
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
pub(super) type Found = BTreeMap<String, Vec<String>>;

pub(super) async fn finds_nothing_on_any_page(test: &mut Test<'_>) -> Result<()> {
    let mut found = Found::new();
    for page in book::pages(test.setup)? {
        for (width, height) in SIZES {
            test.browser.resize(width, height).await?;
            test.browser.goto(&test.server.url(&page)).await?;
            start(test).await?;
            for open in [false, true] {
                open_chapters(test, open).await?;
                let list = if open { "open" } else { "closed" };
                note(test, ALL, &format!("{page}, {width} px, list {list}"), &mut found).await?;
            }
        }
    }
    nothing(&found)
}

/// A page has the same structure in every theme: what a theme changes is its colours.
pub(super) async fn finds_no_faint_colour_in_any_theme(test: &mut Test<'_>) -> Result<()> {
    let mut found = Found::new();
    // What the page for print holds, the others hold.
    for page in book::pages(test.setup)?.into_iter().filter(|page| page != "print.html") {
        for (width, height) in SIZES {
            test.browser.resize(width, height).await?;
            test.browser.goto(&test.server.url(&page)).await?;
            start(test).await?;
            // A phone shows either the list or the page.
            open_chapters(test, width > 1000).await?;
            for theme in THEMES {
                test.browser.set_theme(theme).await?;
                note(test, COLOURS, &format!("{page}, {theme}, {width} px"), &mut found).await?;
            }
            test.browser.set_theme(THEMES[0]).await?;
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
            note(
                test,
                if theme == THEMES[0] { ALL } else { COLOURS },
                &format!("{theme}, {when}"),
                &mut found,
            )
            .await?;
        }
    }
    test.browser.set_theme(THEMES[0]).await?;
    for tab in widget.tabs().await? {
        widget.show_tab(&tab).await?;
        note(test, ALL, &format!("the tab {tab}"), &mut found).await?;
    }
    nothing(&found)
}

/// Brings axe into the page.
pub(super) async fn start(test: &Test<'_>) -> Result<()> {
    // Nothing is measured while it still moves.
    wait::until("the page has loaded", async || {
        let script = "return document.readyState === 'complete' && \
                      (location.pathname.endsWith('/print.html') || \
                      !document.querySelector(':is(standby-experiment, standby-compare):not([data-state])'))";
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

/// Opens or closes the list of chapters by its own button.
async fn open_chapters(test: &Test<'_>, open: bool) -> Result<()> {
    let script = "const button = document.getElementById('mdbook-sidebar-toggle'); \
                  const open = () => button.getAttribute('aria-expanded') === 'true'; \
                  if (open() !== arguments[0]) button.click(); \
                  await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r))); \
                  return open() === arguments[0] \
                  && document.documentElement.classList.contains('sidebar-visible') === arguments[0]";
    let done: bool = test.browser.js(script, &[json!(open)]).await?;
    ensure!(done, "the button of the chapters did not open or close them");
    Ok(())
}

/// All of axe's rules that are on by themselves, best practices too, and WCAG 2.2's size of targets,
/// which is not.
pub(super) const ALL: &str = "{ rules: { 'target-size': { enabled: true } } }";
/// Those that a theme can break.
pub(super) const COLOURS: &str = "{ runOnly: ['color-contrast', 'link-in-text-block'] }";
/// The stricter ones, for those who ask for more contrast.
pub(super) const MORE_CONTRAST: &str =
    "{ runOnly: ['color-contrast-enhanced'], rules: { 'color-contrast-enhanced': { enabled: true } } }";

/// Notes what axe finds now by some rules.
pub(super) async fn note(test: &Test<'_>, rules: &str, place: &str, found: &mut Found) -> Result<()> {
    let script = format!(
        "const found = await axe.run(document, {{ resultTypes: ['violations'], ...{rules} }}); \
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
