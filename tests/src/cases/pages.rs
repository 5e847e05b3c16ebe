//! Every page, before anyone presses anything.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::book;
use crate::runner::Test;
use crate::wait;

/// The page has loaded, and its experiments, where it has any, are alive. On the page for print they
/// never are.
async fn settled(test: &Test<'_>) -> Result<()> {
    let script = "return document.readyState === 'complete' && (location.pathname.endsWith('/print.html') \
                  || !document.querySelector(':is(standby-experiment, standby-compare):not([data-state])'))";
    wait::until("the page has loaded", async || {
        let loaded: bool = test.browser.js(script, &[]).await?;
        Ok(loaded.then_some(()))
    })
    .await
}

/// Whether the page has loaded something with this in its address.
async fn asks(test: &Test<'_>, words: &str) -> Result<bool> {
    let script = "return performance.getEntriesByType('resource').some(e => e.name.includes(arguments[0]))";
    test.browser.js(script, &[json!(words)]).await
}

pub(super) async fn every_page_loads_without_an_error_and_asks_nobody_else(
    test: &mut Test<'_>,
) -> Result<()> {
    for page in book::pages(test.setup)? {
        test.browser.goto(&test.server.url(&page)).await?;
        settled(test).await?;
        let seen = test.browser.take_seen().await?;
        ensure!(seen.errors.is_empty(), "{page} says on its console: {:?}", seen.errors);
        let own = [test.server.origin.clone(), test.server.origin.replace("http:", "ws:")];
        let others: Vec<_> = seen
            .requests
            .iter()
            .filter(|url| !own.iter().any(|own| url.starts_with(own)))
            .filter(|url| {
                !url.starts_with("data:") && !url.starts_with("about:") && !url.starts_with("blob:")
            })
            .collect();
        ensure!(others.is_empty(), "{page} asks others: {others:?}");
        ensure!(!seen.requests.is_empty(), "nothing was seen of {page}");
    }
    Ok(())
}

pub(super) async fn the_list_of_chapters_is_seen_once_the_pages_headings_are_in_it(
    test: &mut Test<'_>,
) -> Result<()> {
    test.browser.resize(1_280, 900).await?;
    test.browser.goto(&test.server.url("short-polling.html")).await?;
    let script = "const list = document.querySelector('.sidebar .chapter'); \
                  if (!list || getComputedStyle(list).visibility !== 'visible') return null; \
                  return list.querySelectorAll('a[href^=\"#\"]').length";
    let headings: u32 =
        wait::until("the list is to be seen", async || test.browser.js(script, &[]).await).await?;
    ensure!(headings > 2, "it is seen with {headings} of the page's headings, and will move");
    Ok(())
}

pub(super) async fn a_page_without_an_experiment_loads_no_widgets(test: &mut Test<'_>) -> Result<()> {
    let places = book::all_places(test.setup)?;
    let pages = book::pages(test.setup)?;
    for page in &pages {
        let has = places.iter().any(|place| place.page == *page)
            || page != "print.html" && book::read(test.setup, page)?.contains("<standby-compare ");
        test.browser.goto(&test.server.url(page)).await?;
        settled(test).await?;
        if has {
            wait::until("the widgets are loaded", async || Ok(asks(test, "/standby/").await?.then_some(())))
                .await?;
        } else {
            ensure!(!asks(test, "/standby/").await?, "{page} has no experiment, but loads the widgets");
        }
        ensure!(!asks(test, "/api/").await?, "{page} connects before anyone presses anything");
    }
    Ok(())
}

pub(super) async fn print_keeps_the_static_figures_and_connects_to_nothing(
    test: &mut Test<'_>,
) -> Result<()> {
    test.browser.goto(&test.server.url("print.html")).await?;
    settled(test).await?;
    let script = "return [...document.querySelectorAll('standby-experiment')].map(e => \
                  e.querySelector('figure.standby-static')?.offsetHeight ?? 0)";
    let heights: Vec<f64> = test.browser.js(script, &[]).await?;
    ensure!(!heights.is_empty(), "print.html has no experiments");
    ensure!(heights.iter().all(|height| *height > 0.0), "not every static figure is to be seen: {heights:?}");
    let asked = test.browser.take_seen().await?.requests;
    let live: Vec<_> =
        asked.iter().filter(|url| url.contains("/api/") || url.contains("/standby/")).collect();
    ensure!(live.is_empty(), "print.html loads what is live: {live:?}");
    Ok(())
}

pub(super) async fn no_page_is_wider_than_a_phone_or_than_400_percent(test: &mut Test<'_>) -> Result<()> {
    // A phone, and a window of 1,280 by 1,024 px at 200 % and at 400 %, which a page can't tell from
    // a smaller window (WCAG 1.4.10).
    for (width, height) in [(640, 512), (360, 740), (320, 256)] {
        test.browser.resize(width, height).await?;
        for page in book::pages(test.setup)? {
            test.browser.goto(&test.server.url(&page)).await?;
            settled(test).await?;
            let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let over: f64 = test.browser.js(script, &[]).await?;
            ensure!(over <= 0.0, "{page} is {over} px wider than a window of {width} px");
        }
    }
    Ok(())
}
