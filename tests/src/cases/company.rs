//! Lanes that are each one of many: the others are real clients that the server's machine opens.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use standby_sim::truth;
use standby_trace::link::{self, Sources};
use standby_trace::scenario::Scenario;
use standby_trace::trace::Kind;
use standby_trace::{Source, Trace};

use crate::host::Host;
use crate::runner::Test;
use crate::server::Server;
use crate::wait;
use crate::widget::{Row, Widget};

const ID: &str = "playground";
/// The ready scenario, and how many others each of its three lanes has.
const READY: &str = "[data-key='ready-13-in-company']";
const OTHERS: u32 = 199;

/// Nothing here happens by the clock: what comes out is the same in each run.
const BY_HAND: &str = r#"{"v":1,"lanes":[
    {"transport":"long-poll","timeout_ms":60000,"backoff":{"kind":"fixed","base_ms":500}},
    {"transport":"websocket","backoff":{"kind":"fixed","base_ms":500}},
    {"transport":"sse","retry_ms":500}],
    "publish":{"every_ms":0},"conditions":{"latency_ms":20},"window_ms":60000}"#;

/// Opens the playground of a book, with a fragment or without, and waits for the editor.
async fn open<'t>(test: &'t Test<'_>, origin: &str, fragment: &str) -> Result<Widget<'t>> {
    // A page that is there already would stay.
    test.browser.goto("about:blank").await?;
    test.browser.goto(&format!("{origin}/playground.html{fragment}")).await?;
    let widget = Widget::on_page(&test.browser, ID);
    wait::until("the editor is there", async || {
        let script = "return document.querySelector('#playground .standby-ed-rows [data-row]') !== null";
        Ok(test.browser.js::<bool>(script, &[]).await?.then_some(()))
    })
    .await?;
    Ok(widget)
}

fn fragment(scenario: &Scenario, sources: Sources) -> String {
    format!("#{}", sources.in_fragment(link::to_fragment(None, scenario)))
}

/// The notice above the picture; nothing while there is none.
async fn notice(test: &Test<'_>) -> Result<String> {
    let script = "const e = document.querySelector('#playground .standby-notice'); \
                  return e && e.offsetHeight > 0 ? e.textContent : ''";
    test.browser.js(script, &[]).await
}

/// How many tallies there are of each lane's others, and what the last of them says is open.
fn others(trace: &Trace) -> Vec<(usize, u32)> {
    let of = |lane: usize| {
        let run = trace.crowd.iter().rfind(|run| usize::from(run.row) == lane)?;
        Some((run.tallies.len(), run.tallies.last().map_or(0, |tally| tally.open)))
    };
    (0..trace.scenario.lanes.len()).map(|lane| of(lane).unwrap_or_default()).collect()
}

/// Waits until each lane's others have all been open in one tally, once as many as they are had asked since
/// the tally number `since`. Polls that are answered are not open at every moment.
async fn all_open(widget: &Widget<'_>, count: u32, since: &[usize]) -> Result<Trace> {
    let mut last = Vec::new();
    let done = wait::until("all others are open", async || {
        let trace = widget.trace().await?;
        last = others(&trace);
        let whole = |lane: usize| {
            let run = trace.crowd.iter().rfind(|run| usize::from(run.row) == lane);
            let tallies = run.map_or(&[][..], |run| run.tallies.get(since[lane]..).unwrap_or_default());
            let mut arrived = 0;
            tallies.iter().any(|tally| {
                arrived += tally.arrivals;
                arrived >= count && tally.open == count
            })
        };
        Ok((0..trace.scenario.lanes.len()).all(whole).then_some(trace))
    })
    .await;
    done.with_context(|| format!("of each lane there were so many tallies, and last so many open: {last:?}"))
}

/// How many sockets the server holds, the reader's own lane's among them.
async fn sockets_are(server: &Server, count: f64) -> Result<()> {
    wait::until(&format!("the server holds {count} sockets"), async || {
        // Before the first there is no such line.
        let held = server.metric("standby_held", "websocket").await.unwrap_or(0.0);
        Ok((held == count).then_some(()))
    })
    .await
}

pub(super) async fn the_others_are_dropped_with_the_lanes_and_all_come_back(
    test: &mut Test<'_>,
) -> Result<()> {
    let widget = open(test, &test.server.origin, "").await?;
    widget.press(READY).await?;
    widget.run().await?;
    let trace = all_open(&widget, OTHERS, &[0; 3]).await?;
    for run in &trace.crowd {
        ensure!(run.clients == OTHERS && run.lane == trace.scenario.lanes[usize::from(run.row)], "{run:?}");
    }
    let firsts = widget.firsts().await?;
    let since: Vec<usize> = others(&widget.trace().await?).into_iter().map(|(tallies, _)| tallies).collect();
    widget.press_word("Drop").await?;
    let trace = all_open(&widget, OTHERS, &since).await?;
    // They are nobody's messages, and nobody's lane.
    ensure!(trace.lanes.len() == 3, "the lanes are {:?}", trace.lanes);
    // A poll has no connection to come back to: it asks again.
    let is_back = |row: &Row| row.events >= 1 && (row.reconnects >= 1 || row.lane == "long-poll");
    let rows = widget.wait_rows("the lane is back", is_back).await?;
    let lanes: Vec<&str> = rows.iter().map(|row| row.lane.as_str()).collect();
    ensure!(lanes == ["long-poll", "websocket", "sse"], "the ledger has {lanes:?}");
    widget.nothing_lost_or_doubled(&firsts).await?;
    ensure!(notice(test).await?.is_empty(), "it says {}", notice(test).await?);

    // They stop with the run, and go on with it.
    widget.press(".standby-run").await?;
    widget.wait_for("paused").await?;
    sockets_are(&test.server, 0.0).await?;
    widget.run().await?;
    sockets_are(&test.server, f64::from(OTHERS + 1)).await?;
    // A restart has its own, and those before are gone.
    widget.press_word("↺").await?;
    widget.wait_for("live").await?;
    all_open(&widget, OTHERS, &[0; 3]).await?;
    sockets_are(&test.server, f64::from(OTHERS + 1)).await
}

pub(super) async fn the_lanes_count_in_company_what_they_count_alone(test: &mut Test<'_>) -> Result<()> {
    let mut scenario = Scenario::from_json(BY_HAND)?;
    let mut traces = Vec::new();
    for clients in [1, 20] {
        scenario.clients = clients;
        let widget = open(test, &test.server.origin, &fragment(&scenario, Sources::Live)).await?;
        widget.run().await?;
        let since = [0; 3];
        if clients > 1 {
            all_open(&widget, clients - 1, &since).await?;
        }
        let have = async |events: u64, openings: usize| {
            let what =
                format!("each lane has {events} events, and sockets and streams opened {openings} times");
            wait::until(&what, async || {
                let trace = widget.trace().await?;
                let opened = |lane: u16| {
                    let of = trace.messages.iter().filter(|message| message.lane == lane && !message.lost);
                    of.filter(|message| message.kind == Kind::Open).count()
                };
                let rows = widget.rows().await?;
                let is_so =
                    rows.iter().all(|row| row.events == events) && [1, 2].map(opened) == [openings; 2];
                // A long poll asks again after each event, and after the cut.
                let asked = trace.messages.iter().filter(|message| message.lane == 0);
                let asked = asked.filter(|message| message.kind == Kind::Request).count();
                Ok((is_so && asked == events as usize + openings).then_some(trace))
            })
            .await
        };
        have(0, 1).await?;
        let topic = widget.topic().await?;
        test.server.publish(&topic, &json!({ "price": 1 })).await?;
        have(1, 1).await?;
        widget.press_word("Drop").await?;
        have(1, 2).await?;
        test.server.publish(&topic, &json!({ "price": 2 })).await?;
        traces.push(have(2, 2).await?);
    }
    let differences = truth::differences(&traces[0], &traces[1]);
    ensure!(differences.is_empty(), "in company it is otherwise: {differences:?}");
    ensure!(traces[0].crowd.is_empty() && others(&traces[1]).iter().all(|(tallies, _)| *tallies > 0));
    Ok(())
}

pub(super) async fn where_the_server_opens_none_or_fewer_it_is_said_and_the_lanes_run_on(
    test: &mut Test<'_>,
) -> Result<()> {
    let few: [(&'static [&'static str], &str); 2] =
        [(&["--crowd", "0"], "opens no crowds"), (&["--crowd", "300"], "300 clients at most")];
    for (flags, said) in few {
        let server = Server::start_with_flags(test.setup, flags).await?;
        let widget = open(test, &server.origin, "").await?;
        widget.press(READY).await?;
        widget.run().await?;
        wait::until("it is said why, and what allows them", async || {
            let notice = notice(test).await?;
            Ok((notice.contains(said) && notice.contains("standby serve --crowd 2000")).then_some(()))
        })
        .await?;
        let events = widget.rows().await?.iter().map(|row| row.events).max().unwrap_or(0);
        widget.wait_rows("the lanes run on", |row| row.events > events).await?;
        ensure!(widget.state().await? == "live", "it is {}", widget.state().await?);
        // Not one lane in company and another without.
        sockets_are(&server, 1.0).await?;
        // Alone they have nothing to say.
        type_clients(test, "1").await?;
        widget.press_word("Apply and restart").await?;
        wait::until("nothing is said", async || Ok(notice(test).await?.is_empty().then_some(()))).await?;
        // The refusal is what a browser writes down by itself.
        let _ = test.browser.take_seen().await?;
    }
    Ok(())
}

/// Types how many clients there are of each lane.
async fn type_clients(test: &Test<'_>, text: &str) -> Result<()> {
    let script = "const e = document.querySelector(\"#playground [data-key='clients']\"); \
                  e.focus(); e.select(); return document.activeElement === e";
    ensure!(test.browser.js::<bool>(script, &[]).await?, "the field does not take the focus");
    test.browser.type_text(text).await?;
    test.browser.press(thirtyfour::Key::Enter).await
}

pub(super) async fn the_model_says_that_the_others_are_live_only(test: &mut Test<'_>) -> Result<()> {
    let mut scenario = Scenario::from_json(BY_HAND)?;
    scenario.clients = 200;
    let host = Host::start(test.book.clone(), "/some/where").await?;
    let chosen = (test.server.origin.clone(), Sources::Simulated, "choose Live");
    for (origin, sources, how) in [chosen, (host.origin.clone(), Sources::Live, "cargo xtask serve")] {
        let widget = open(test, &origin, &fragment(&scenario, sources)).await?;
        wait::until("the link sets the page up", async || {
            let script = "return document.querySelector(\"#playground [data-key='clients']\").value";
            let value: Value = test.browser.js(script, &[]).await?;
            Ok((value == json!("200")).then_some(()))
        })
        .await?;
        widget.run().await?;
        wait::until("it is said", async || {
            let notice = notice(test).await?;
            Ok((notice.contains("The 199 others of each are live only") && notice.contains(how))
                .then_some(()))
        })
        .await?;
        let trace = widget.trace().await?;
        ensure!(trace.source == Source::Simulated && trace.crowd.is_empty());
    }
    Ok(())
}
