//! What is cut comes back, and says what was missed.

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use standby_trace::{MarkKind, SpanKind};

use super::place;
use crate::runner::Test;
use crate::wait;
use crate::widget::{Row, Widget};

pub(super) async fn a_drop_loses_and_doubles_nothing(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let firsts = widget.firsts().await?;
    widget.press_word("Drop").await?;
    // A browser sends a request that was cut before its answer again, and tells the page nothing.
    let told = |lane: &str| lane == "websocket" || lane == "sse";
    widget.wait_rows("the cut was noticed", |row| row.reconnects >= 1 || !told(&row.lane)).await?;
    let id = test.server.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
    widget
        .wait_rows("what came after it has arrived", |row| row.last_id.is_some_and(|last| last >= id))
        .await?;
    widget.nothing_lost_or_doubled(&firsts).await
}

pub(super) async fn a_server_that_was_killed_is_told_as_a_reset(test: &mut Test<'_>) -> Result<()> {
    let place = place(test, "four-ways")?;
    let widget = Widget::open(&test.browser, &test.server.origin, &place).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    test.server.kill().await?;
    widget.wait_for("reconnecting").await?;
    test.server.restart().await?;
    widget.wait_for("live").await?;
    let back = widget.wait_rows("the reset was told", |row| row.resets >= 1 && !row.gave_up).await?;
    widget
        .wait_rows("news goes on", |row| {
            back.iter().any(|before| before.lane == row.lane && row.events > before.events)
        })
        .await?;
    let trace = widget.trace().await?;
    for (index, lane) in trace.lanes.iter().enumerate() {
        let told = trace.marks.iter().any(|mark| {
            matches!(mark.kind, MarkKind::Reset { .. })
                && mark.lane.is_none_or(|lane| usize::from(lane) == index)
        });
        ensure!(told, "the picture does not show the reset in the lane {}", lane.sub);
    }
    Ok(())
}

pub(super) async fn what_history_no_longer_holds_is_told_as_a_gap(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "four-ways")?).await?;
    widget.run().await?;
    widget.wait_rows("two events have arrived", |row| row.events >= 2).await?;
    let firsts = widget.firsts().await?;
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    let topic = widget.topic().await?;
    // History holds 1,000. Each takes the experiment's round trip, so they go side by side.
    let mut id = 0;
    for _ in 0..21 {
        let data = json!({ "price": 1 });
        let some = (0..50).map(|_| test.server.publish(&topic, &data));
        id = try_join_all(some).await?.into_iter().fold(id, u64::max);
    }
    widget.run().await?;
    widget.wait_rows("the last has arrived", |row| row.last_id.is_some_and(|last| last >= id)).await?;
    widget.wait_rows("the gap was told", |row| row.lost >= 1).await?;
    widget.nothing_lost_or_doubled(&firsts).await
}

pub(super) async fn where_the_browser_gives_up_the_lane_can_be_reopened(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "sse-gave-up")?).await?;
    widget.run().await?;
    let gave_up = async || Ok(widget.rows().await?.into_iter().find(|row| row.gave_up));
    let row = wait::until("a lane has given up for good", gave_up).await?;
    ensure!(row.lane == "sse", "{} gave up; only the browser's EventSource does", row.lane);
    // As long as the server answers 503, it would only give up once more.
    let id = test.server.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
    let arrived = |last: Option<u64>| last.is_some_and(|last| last >= id);
    widget.wait_rows("it is back, or has given up", |row| row.gave_up || arrived(row.last_id)).await?;
    widget.press_word("Reopen").await?;
    let id = test.server.publish(&widget.topic().await?, &json!({ "price": 1 })).await?;
    widget
        .wait_rows("news goes on", |row| !row.gave_up && row.last_id.is_some_and(|last| last >= id))
        .await?;
    Ok(())
}

pub(super) async fn each_end_of_a_dead_connection_ends_when_it_finds_out(test: &mut Test<'_>) -> Result<()> {
    let widget = Widget::open(&test.browser, &test.server.origin, &place(test, "half-open")?).await?;
    widget.run().await?;
    // One socket without keep-alive, one that the server pings, one whose silence its page minds.
    let back = wait::until("the third lane is back, and the server has found the second out", async || {
        let trace = widget.trace().await?;
        let sockets = |lane: u16| {
            trace.spans.iter().filter(move |span| span.kind == SpanKind::Open && span.lane == Some(lane))
        };
        let found = sockets(1).next().is_some_and(|span| span.server_to.is_some());
        Ok((found && sockets(2).count() == 2).then_some(trace))
    })
    .await?;
    let first = |lane: u16| {
        let span = back.spans.iter().find(|span| span.kind == SpanKind::Open && span.lane == Some(lane));
        span.map(|span| (span.to, span.server_to))
    };
    ensure!(first(0).is_some_and(|(to, _)| to.is_none()), "the first page has noticed: {:?}", first(0));
    ensure!(first(1).is_some_and(|(to, _)| to.is_none()), "the second page has noticed: {:?}", first(1));
    let client_first = first(2).is_some_and(|(to, server_to)| {
        to.is_some_and(|to| server_to.is_none_or(|server_to| to.at_us < server_to.at_us))
    });
    ensure!(client_first, "the third page was not the first to notice: {:?}", first(2));
    let firsts = widget.firsts().await?;
    let dead = widget.rows().await?;
    let news = |rows: &[Row], lane: &str| rows.iter().find(|row| row.lane == lane).map(|row| row.events);
    widget
        .wait_rows("the third lane has news again", |row| {
            row.lane != "websocket-3" || Some(row.events) > news(&dead, "websocket-3")
        })
        .await?;
    let after = widget.rows().await?;
    for lane in ["websocket", "websocket-2"] {
        ensure!(news(&dead, lane) == news(&after, lane), "{lane} has news, though its socket is dead");
    }
    widget.nothing_lost_or_doubled(&firsts).await
}
