//! For everyone: screen readers, keyboards, phones.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use thirtyfour::Key;

use super::place;
use crate::browser::Engine;
use crate::runner::Test;
use crate::screens::SIZES;
use crate::wait;
use crate::widget::Widget;

pub(super) async fn no_key_of_a_widget_turns_the_page(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    let before = test.browser.url().await?;
    let script = "return document.getElementById(arguments[0]).querySelectorAll(arguments[1]).length";
    let count: usize = test.browser.js(script, &[json!(widget.id), json!(FOCUSABLE)]).await?;
    ensure!(count >= 5, "only {count} parts of the widget can have the focus");
    for index in 0..count {
        let script = "const e = document.getElementById(arguments[0]).querySelectorAll(arguments[1])[arguments[2]]; \
                      e.focus(); return document.activeElement === e";
        let focused: bool =
            test.browser.js(script, &[json!(widget.id), json!(FOCUSABLE), json!(index)]).await?;
        if !focused {
            // Disabled or hidden in this state.
            continue;
        }
        for key in [Key::Left, Key::Right, Key::Up, Key::Down, Key::Home, Key::End, Key::PageUp] {
            test.browser.press(key).await?;
        }
        test.browser.type_text("s?").await?;
        // `?` opens the widget's own map of the keys.
        let close = "document.querySelector('dialog[open]')?.close()";
        test.browser.js::<Value>(close, &[]).await?;
        let help: bool = test.browser.js(HELP_OR_SEARCH, &[]).await?;
        let part = "const e = document.activeElement; return e.outerHTML.slice(0, 200)";
        let part: String = test.browser.js(part, &[]).await?;
        ensure!(!help, "part {index} of the widget opened the book's help or search; the focus is at {part}");
    }
    ensure!(test.browser.url().await? == before, "a key turned the page");
    // And outside of a widget the book's own keys still do.
    test.browser.js::<Value>("document.activeElement.blur(); window.focus()", &[]).await?;
    test.browser.press(Key::Right).await?;
    wait::until("the page is turned", async || Ok((test.browser.url().await? != before).then_some(())))
        .await?;
    // `/` comes last, and once: in Firefox it opens the browser's own search, which takes the keys
    // that follow.
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    let focus = "document.getElementById(arguments[0]).querySelector('.standby-run').focus()";
    test.browser.js::<Value>(focus, &[json!(widget.id)]).await?;
    test.browser.type_text("/").await?;
    ensure!(
        !test.browser.js::<bool>(HELP_OR_SEARCH, &[]).await?,
        "`/` in the widget opened the book's search"
    );
    Ok(())
}

pub(super) async fn the_books_own_controls_work(test: &mut Test<'_>) -> Result<()> {
    test.browser.goto(&test.server.url(&place(test, "four-ways")?.page)).await?;
    test.browser.click("#mdbook-theme-toggle").await?;
    test.browser.click("#mdbook-theme-navy").await?;
    let navy = "return document.documentElement.classList.contains('navy')";
    wait::until("the theme is another", async || Ok(test.browser.js::<bool>(navy, &[]).await?.then_some(())))
        .await?;
    test.browser.js::<Value>("document.activeElement.blur(); window.focus()", &[]).await?;
    for key in ["?", "s"] {
        test.browser.type_text(key).await?;
        let shown = async || Ok(test.browser.js::<bool>(HELP_OR_SEARCH, &[]).await?.then_some(()));
        wait::until("help or search is there", shown).await.with_context(|| format!("after {key:?}"))?;
        test.browser.press(Key::Escape).await?;
        let gone = async || Ok((!test.browser.js::<bool>(HELP_OR_SEARCH, &[]).await?).then_some(()));
        wait::until("it is closed again", gone).await.with_context(|| format!("after {key:?}"))?;
    }
    let errors = test.browser.take_seen().await?.errors;
    ensure!(errors.is_empty(), "the console says {errors:?}");
    Ok(())
}

const FOCUSABLE: &str = "button, input, select, canvas, a[href], summary, [tabindex]";
const HELP_OR_SEARCH: &str = "const shown = s => { const e = document.querySelector(s); \
                              return !!e && getComputedStyle(e).display !== 'none' && e.offsetHeight > 0 }; \
                              return shown('#mdbook-help-container') || shown('#mdbook-search-wrapper')";

pub(super) async fn the_list_of_chapters_opens_and_closes_by_keys(test: &mut Test<'_>) -> Result<()> {
    test.browser.resize(1280, 900).await?;
    test.browser.goto(&test.server.url(&place(test, "four-ways")?.page)).await?;
    let toggle = "const button = document.getElementById('mdbook-sidebar-toggle'); button.focus(); \
                  const list = document.getElementById('mdbook-sidebar'); \
                  return [document.activeElement === button, button.getAttribute('aria-expanded') === 'true', \
                  list.inert]";
    for (key, open) in [(Key::Enter, false), (Key::Space, true)] {
        let (focused, was_open, _): (bool, bool, bool) = test.browser.js(toggle, &[]).await?;
        ensure!(focused && was_open != open, "the button has the focus: {focused}; open: {was_open}");
        test.browser.press(key.clone()).await?;
        wait::until("the list is open, or closed", async || {
            let (_, is_open, inert): (bool, bool, bool) = test.browser.js(toggle, &[]).await?;
            Ok((is_open == open && inert != open).then_some(()))
        })
        .await
        .with_context(|| format!("after {key:?}, which should open it: {open}"))?;
    }
    Ok(())
}

/// A stop of the Tab key.
#[derive(Debug, Deserialize)]
struct Stop {
    /// Its number among all that it was at.
    number: usize,
    /// What it is.
    html: String,
    /// Whether it shows that it has the focus.
    ring: bool,
}

pub(super) async fn the_tab_key_reaches_every_control_and_shows_where_it_is(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    // From the page's beginning, as a reader would.
    let start = "window.stops = []; document.activeElement.blur(); \
                 const first = document.createElement('span'); first.tabIndex = -1; \
                 document.body.prepend(first); first.focus(); return document.activeElement === first";
    ensure!(test.browser.js::<bool>(start, &[]).await?, "the page's beginning takes no focus");
    // An input within words is not to be seen: what is around it has the ring.
    let look = "const e = document.activeElement; if (!e || e === document.body) return null; \
                let number = stops.indexOf(e); if (number < 0) number = stops.push(e) - 1; \
                const ring = e => { const s = getComputedStyle(e); return s.outlineStyle !== 'none' \
                && parseFloat(s.outlineWidth) >= 1 && s.outlineColor !== 'rgba(0, 0, 0, 0)' \
                && s.opacity !== '0' }; \
                return { number, html: e.outerHTML.slice(0, 200), ring: ring(e) || ring(e.parentElement) }";
    let mut stops = 0;
    for _ in 0..400 {
        test.browser.press(Key::Tab).await?;
        // At its end the browser may take the focus for its own controls, or begin anew.
        let Some(stop): Option<Stop> = test.browser.js(look, &[]).await? else { break };
        // Nothing makes WebKit's window the active one, as a window manager would: it shows no focus.
        let shows = stop.ring || test.browser.engine == Engine::WebKit;
        ensure!(shows, "nothing shows that this has the focus: {}", stop.html);
        if stop.number < stops {
            break;
        }
        stops += 1;
    }
    let script = "return [...document.getElementById(arguments[0]).querySelectorAll(arguments[1])]\
                  .filter(e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }) \
                  && !stops.includes(e)).map(e => e.outerHTML.slice(0, 200))";
    let missed: Vec<String> = test.browser.js(script, &[json!(widget.id), json!(FOCUSABLE)]).await?;
    ensure!(missed.is_empty(), "after {stops} stops the Tab key has not reached {missed:#?}");
    Ok(())
}

pub(super) async fn a_running_experiment_is_whole_at_every_zoom(test: &mut Test<'_>) -> Result<()> {
    // As for the pages: at once, at 200 %, on a phone, at 400 %.
    for (width, height) in [(1280, 1024), (640, 512), (360, 740), (320, 256)] {
        test.browser.resize(width, height).await?;
        let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
        widget.run().await?;
        widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        let over: f64 = test.browser.js(script, &[]).await?;
        ensure!(over <= 0.0, "the page is {over} px wider than a window of {width} px");
        let cut: Vec<String> = test.browser.js(CUT, &[json!(widget.id)]).await?;
        ensure!(cut.is_empty(), "in a window of {width} px these are cut: {cut:#?}");
    }
    Ok(())
}

/// What a widget shows only in part: text that its element cuts, and controls that stand out of all
/// that scrolls.
const CUT: &str = "const root = document.getElementById(arguments[0]); const cut = []; \
    const all = [...root.querySelectorAll('*')].filter(e => e.checkVisibility({ visibilityProperty: true })); \
    for (const e of all) { \
        const s = getComputedStyle(e); \
        if (['hidden', 'clip'].includes(s.overflowX) && e.scrollWidth > e.clientWidth + 1 \
            && e.clientWidth > 1 && e.textContent.trim()) cut.push(`${e.scrollWidth} px: ` + e.outerHTML.slice(0, 200)); \
    } \
    const box = root.getBoundingClientRect(); \
    for (const e of root.querySelectorAll('button, input, select, a[href], summary')) { \
        if (!all.includes(e) || e.closest('.standby-adjust')) continue; \
        let scrolls = e.parentElement; \
        while (scrolls !== root && !['auto', 'scroll'].includes(getComputedStyle(scrolls).overflowX)) \
            scrolls = scrolls.parentElement; \
        const r = e.getBoundingClientRect(); \
        if (scrolls === root && (r.left < box.left - 1 || r.right > box.right + 1)) \
            cut.push('outside: ' + e.outerHTML.slice(0, 200)); \
    } \
    return cut";

pub(super) async fn every_control_is_large_enough_for_a_finger(test: &mut Test<'_>) -> Result<()> {
    for (width, height) in SIZES {
        test.browser.resize(width, height).await?;
        let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
        widget.run().await?;
        widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
        let mut tabs = widget.tabs().await?;
        tabs.retain(|tab| tab != "ledger");
        for tab in std::iter::once(None).chain(tabs.into_iter().map(Some)) {
            if let Some(tab) = &tab {
                widget.show_tab(tab).await?;
            }
            // WCAG 2.5.8: 24 px each way. A link within a sentence is as high as the sentence.
            let script = "const root = document.getElementById(arguments[0]); \
                          return [...root.querySelectorAll(arguments[1])].filter(e => !e.matches('p a') \
                          && e.checkVisibility({ visibilityProperty: true })) \
                          .map(e => [e, e.getBoundingClientRect()]) \
                          .filter(([e, r]) => r.width < 23.99 || r.height < 23.99) \
                          .map(([e, r]) => `${r.width.toFixed(1)} by ${r.height.toFixed(1)}: ${e.outerHTML.slice(0, 160)}`)";
            let small: Vec<String> = test.browser.js(script, &[json!(widget.id), json!(FOCUSABLE)]).await?;
            ensure!(small.is_empty(), "at {width} px, tab {tab:?}, these are too small: {small:#?}");
        }
    }
    Ok(())
}
