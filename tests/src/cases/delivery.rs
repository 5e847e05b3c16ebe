//! What is published arrives.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::json;
use standby_trace::Transport;

use super::place;
use crate::book;
use crate::browser::Engine;
use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

pub(super) async fn every_transport_delivers(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    let rows = widget.wait_rows("three events have arrived", |row| row.events >= 3).await?;
    let lanes: Vec<_> = rows.iter().map(|row| row.lane.as_str()).collect();
    ensure!(lanes == ["short-poll", "long-poll", "websocket", "sse"], "the lanes are {lanes:?}");
    let firsts = widget.firsts().await?;
    widget.nothing_lost_or_doubled(&firsts).await?;
    let (resets, errors): (Vec<_>, Vec<_>) =
        test.browser.take_seen().await?.errors.into_iter().partition(|error| is_reset_socket(error));
    // The experiment resets its socket once, on purpose. Firefox says so on the console.
    let expected = usize::from(test.browser.engine == Engine::Firefox);
    ensure!(resets.len() <= expected, "more sockets were reset than the experiment resets: {resets:?}");
    ensure!(errors.is_empty(), "a run says on the console: {errors:?}");
    Ok(())
}

/// What Firefox says of a WebSocket that was reset.
fn is_reset_socket(error: &str) -> bool {
    error.starts_with("The connection to ws://")
        && error.contains("/ws?")
        && error.contains(" was interrupted ")
}

pub(super) async fn every_experiment_runs(test: &mut Test<'_>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for place in book::places(test.setup)? {
        // Once is enough for one that stands in several places.
        if !seen.insert(place.experiment.name.clone()) {
            continue;
        }
        let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
        widget.run().await?;
        // One that is published by hand, or seldom, need not be waited for.
        let id = test.server.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
        let arrived = |last: Option<u64>| last.is_some_and(|last| last >= id);
        widget.wait_rows("the event has arrived", |row| row.gave_up || arrived(row.last_id)).await?;
        test.browser.forget_requests();
    }
    Ok(())
}

pub(super) async fn whoever_polls_from_a_terminal_gets_a_lane(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    let got = test.server.poll(&widget.topic().await?).await?;
    ensure!(!got.is_empty(), "the poll brought nothing");
    let trace = wait::until("the poll's answer is in the picture", async || {
        let trace = widget.trace().await?;
        let lane = trace.lanes.iter().position(|lane| lane.outside);
        let answered = trace.messages.iter().any(|message| {
            Some(usize::from(message.lane)) == lane && got.iter().all(|id| message.events.contains(id))
        });
        Ok(answered.then_some(trace))
    })
    .await?;
    let lane = trace.lanes.iter().rfind(|lane| lane.outside).map(|lane| lane.transport);
    ensure!(lane == Some(Transport::ShortPoll), "the lane from outside is {lane:?}");
    Ok(())
}

pub(super) async fn what_curl_publishes_shows_up(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    let id = test.server.publish(&widget.topic().await?, &json!("from a terminal")).await?;
    widget.wait_rows("it has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    let trace = widget.trace().await?;
    ensure!(trace.published.iter().any(|event| event.id == id), "the picture does not have event {id}");
    Ok(())
}

pub(super) async fn what_came_over_the_wire_is_shown_as_text(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("an event has arrived", |row| row.events >= 1).await?;
    let markup =
        json!({ "price": "<img src=x onerror=console.error('run')><b>bold</b>", "text": "</script><h1>x" });
    let id = test.server.publish(&widget.topic().await?, &markup).await?;
    widget.wait_rows("it has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    let script = "return document.getElementById(arguments[0]).querySelectorAll('img, h1').length";
    let elements: u32 = test.browser.js(script, &[json!(widget.id)]).await?;
    ensure!(elements == 0, "an event's text has become {elements} elements");
    let errors = test.browser.take_seen().await?.errors;
    ensure!(errors.is_empty(), "an event's text says on the console: {errors:?}");
    Ok(())
}
