//! What a reader's system asks of pages: its own colours, more contrast, less motion. Chromium alone
//! can be told by its driver that it does.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{axe, place};
use crate::runner::Test;
use crate::screens::THEMES;
use crate::wait;
use crate::widget::Widget;

/// Has the system ask for something.
async fn ask(test: &Test<'_>, feature: &str, value: &str) -> Result<()> {
    let features = json!({ "features": [{ "name": feature, "value": value }] });
    test.browser.cdp("Emulation.setEmulatedMedia", features).await?;
    let script = format!("return matchMedia('({feature}: {value})').matches");
    ensure!(test.browser.js::<bool>(&script, &[]).await?, "the page does not see {feature}: {value}");
    Ok(())
}

/// An experiment that runs and has something to show.
async fn running<'b>(test: &'b Test<'_>) -> Result<Widget<'b>> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    Ok(widget)
}

pub(super) async fn in_the_systems_own_colours_the_picture_and_the_buttons_can_be_seen(
    test: &mut Test<'_>,
) -> Result<()> {
    ask(test, "forced-colors", "active").await?;
    let widget = running(test).await?;
    for theme in THEMES {
        test.browser.set_theme(theme).await?;
        // The browser replaces text's colours when it paints, where no script sees it; what a canvas
        // holds it leaves as it is. What is drawn stands out from the ground by 3 to 1 (WCAG 1.4.11), and is not only a hair.
        let drawn: f64 = test.browser.js(DRAWN, &[json!(widget.id)]).await?;
        ensure!(drawn > 0.002, "in {theme} only {drawn} of the picture stands out from its ground");
    }
    // A button whose ground is the page's has a line around it.
    let script = "return [...document.getElementById(arguments[0]).querySelectorAll('button:not([role=tab])')]\
                  .filter(e => e.checkVisibility({ visibilityProperty: true })).filter(e => { \
                  const s = getComputedStyle(e); return parseFloat(s.borderTopWidth) < 1 \
                  && s.textDecorationLine === 'none' }).map(e => e.outerHTML.slice(0, 160))";
    let bare: Vec<String> = test.browser.js(script, &[json!(widget.id)]).await?;
    ensure!(bare.is_empty(), "nothing shows that these are buttons: {bare:#?}");
    Ok(())
}

/// The part of the picture's pixels that stand out from the commonest colour by 3 to 1.
const DRAWN: &str = "const light = ([r, g, b]) => { const f = c => (c /= 255) <= 0.04045 ? c / 12.92 \
    : ((c + 0.055) / 1.055) ** 2.4; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b) }; \
    const ground = getComputedStyle(document.querySelector(`#${arguments[0]} .standby-box`))\
    .backgroundColor.match(/[0-9.]+/g).map(Number); \
    let drawn = 0, all = 0; \
    for (const canvas of document.querySelectorAll(`#${arguments[0]} canvas`)) { \
        if (!canvas.width || !canvas.checkVisibility()) continue; \
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height); \
        for (let i = 0; i < data.length; i += 4) { \
            const a = data[i + 3] / 255; \
            const mixed = [0, 1, 2].map(c => data[i + c] * a + ground[c] * (1 - a)); \
            const [x, y] = [light(mixed), light(ground)]; \
            all += 1; if ((Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05) >= 3) drawn += 1; \
        } \
    } \
    return all ? drawn / all : 0";

pub(super) async fn who_asks_for_more_contrast_gets_seven_to_one(test: &mut Test<'_>) -> Result<()> {
    ask(test, "prefers-contrast", "more").await?;
    let widget = running(test).await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    axe::start(test).await?;
    // The highlighter's colours keep to 4.5 to 1: they say nothing that the text doesn't.
    test.browser.js::<Value>("document.querySelectorAll('pre').forEach(pre => pre.remove())", &[]).await?;
    let mut found = axe::Found::new();
    for theme in THEMES {
        test.browser.set_theme(theme).await?;
        axe::note(test, axe::MORE_CONTRAST, theme, &mut found).await?;
    }
    axe::nothing(&found)
}

pub(super) async fn who_asks_for_less_motion_gets_none(test: &mut Test<'_>) -> Result<()> {
    ask(test, "prefers-reduced-motion", "reduce").await?;
    let widget = running(test).await?;
    let script = "const moving = document.getAnimations().map(a => a.constructor.name); \
                  const all = [...document.querySelectorAll('*')]; \
                  const seconds = s => Math.max(...s.split(',').map(parseFloat)); \
                  return moving.concat(all.filter(e => seconds(getComputedStyle(e).transitionDuration) > 0 \
                  || getComputedStyle(e).scrollBehavior === 'smooth').map(e => e.outerHTML.slice(0, 120)))";
    let moving: Vec<String> = test.browser.js(script, &[]).await?;
    ensure!(moving.is_empty(), "these move: {moving:#?}");
    // The picture goes on in steps: most frames leave it as it is.
    let script = "const canvas = document.querySelector(`#${arguments[0]} canvas`); let same = 0, last = ''; \
                  for (let i = 0; i < 60; i++) { await new Promise(requestAnimationFrame); \
                  const now = canvas.toDataURL(); if (now === last) same += 1; last = now } return same";
    let same: u32 = test.browser.js(script, &[json!(widget.id)]).await?;
    ensure!(same >= 30, "of 60 frames only {same} left the picture as it was");
    Ok(())
}

pub(super) async fn nothing_on_the_page_moves_when_a_widget_comes_or_runs(test: &mut Test<'_>) -> Result<()> {
    for (width, height) in crate::screens::SIZES {
        test.browser.resize(width, height).await?;
        let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
        widget.run().await?;
        widget.wait_rows("three events have arrived", |row| row.events >= 3).await?;
        widget.press_word("Drop").await?;
        let told = |lane: &str| lane == "websocket" || lane == "sse";
        widget.wait_rows("the cut was noticed", |row| row.reconnects >= 1 || !told(&row.lane)).await?;
        wait::until("it is live again", async || Ok((widget.state().await? == "live").then_some(()))).await?;
        let shifts: Vec<String> = test.browser.js(SHIFTS, &[]).await?;
        ensure!(shifts.is_empty(), "at {width} px these moved: {shifts:#?}");
    }
    Ok(())
}

/// What in the text moved up or down since the page began to load, though nobody asked for it. The
/// list of chapters is not asked about: mdBook puts the page's own headings into it late. Nor are
/// figures whose digits change: that shifts their text within its cell.
///
/// A frame's shifts are known once it was painted; those known are with the observer at once.
const SHIFTS: &str = "for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame); \
    const observer = new PerformanceObserver(() => {}); \
    observer.observe({ type: 'layout-shift', buffered: true }); \
    const entries = observer.takeRecords(); \
    const main = document.querySelector('main'); \
    return entries.flatMap(e => e.sources.filter(s => main.contains(s.node) \
    && Math.abs(s.previousRect.top - s.currentRect.top) >= 1).map(s => \
    `${e.value.toFixed(4)} at ${e.startTime.toFixed(0)} ms: ${s.node.nodeName} ${s.node.className} ${s.node.id} ` \
    + `${JSON.stringify(s.previousRect)} to ${JSON.stringify(s.currentRect)}`))";
