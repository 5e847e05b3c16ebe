//! For everyone: screen readers, keyboards, phones.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thirtyfour::Key;

use super::place;
use crate::runner::Test;
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

pub(super) async fn a_running_experiment_fits_a_phone(test: &mut Test<'_>) -> Result<()> {
    test.browser.resize(360, 740).await?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let over: f64 = test.browser.js(script, &[]).await?;
    ensure!(over <= 0.0, "the page is {over} px wider than the phone");
    Ok(())
}
