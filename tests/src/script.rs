//! A script of the comparison, run in a page and in the model.

use std::time::Duration;

use anyhow::{Context as _, Result};
use standby_sim::truth::{self, Course, Next, Script, Step};
use standby_sim::world::Profile;
use standby_trace::scenario::Fault;
use standby_trace::tap::Part;
use standby_trace::{Trace, link};

use crate::browser::Browser;
use crate::server::Server;
use crate::wait;
use crate::widget::Widget;

/// A request that a browser puts on a kept connection which has gone dead is given up after 30 s, and
/// asked anew.
const PATIENCE: Duration = Duration::from_secs(90);

/// Both runs of one script.
pub(crate) struct Both {
    /// What the browser and the server did.
    pub live: Trace,
    /// What the model did.
    pub model: Trace,
}

// ANCHOR: both
/// Runs a script in a page, then in the model.
pub(crate) async fn both(browser: &Browser, server: &Server, script: &Script) -> Result<Both> {
    let (live, topic) =
        live(browser, server, script).await.with_context(|| format!("{}, live", script.name))?;
    // A browser's own headers are not the model's business: they are learned from this run.
    let page = browser.url().await?;
    let host = server.origin.trim_start_matches("http://");
    let profile = Profile::empty(browser.engine.to_string()).learned_from(&live).at(host, &page);
    let model = truth::run(script, &profile, &topic, live.began_at_ms).map_err(anyhow::Error::msg);
    let model = model.with_context(|| format!("{}, in the model", script.name))?;
    Ok(Both { live, model })
}
// ANCHOR_END: both

/// Runs a script in the page; returns the trace and the topic.
async fn live(browser: &Browser, server: &Server, script: &Script) -> Result<(Trace, String)> {
    // Another fragment alone would not load the page anew.
    browser.goto("about:blank").await?;
    let fragment = link::to_fragment(None, &script.scenario);
    browser.goto(&server.url(&format!("playground.html#{fragment}"))).await?;
    let widget = Widget::on_page(browser, "playground");
    // The editor sets the experiment up as the address says.
    let ready = "return document.querySelector('#playground[data-state=idle] .standby-ed-rows [data-row]') \
                 !== null";
    wait::until("the experiment and its editor are there", async || {
        Ok(browser.js::<bool>(ready, &[]).await?.then_some(()))
    })
    .await?;
    let mut course = Course::new(script);
    // Nobody has a trace before the first step, and nobody needs one.
    let Next::Do(first) = course.next(&truth::before(script)) else {
        anyhow::bail!("the script is empty");
    };
    act(server, &widget, &first, "").await.with_context(|| format!("{first:?}"))?;
    let mut topic = String::new();
    let mut last = first;
    loop {
        let mut why = String::new();
        let next = wait::within(PATIENCE, "it can go on", async || {
            let trace = widget.trace().await?;
            if let Some(told) = topic_of(&trace) {
                topic = told;
            }
            Ok(match course.next(&trace) {
                Next::Wait(awaited) => {
                    why = awaited;
                    None
                }
                next => Some(next),
            })
        });
        match next.await.with_context(|| format!("after {last:?}: {why}"))? {
            Next::Do(step) => {
                act(server, &widget, &step, &topic).await.with_context(|| format!("{step:?}"))?;
                last = step;
            }
            Next::Wait(_) | Next::Over => break,
        }
    }
    Ok((widget.trace().await?, topic))
}

/// The topic, as the lanes' own requests name it.
fn topic_of(trace: &Trace) -> Option<String> {
    let heads = trace.wire.iter().filter(|piece| piece.part == Part::RequestHead);
    let text = heads.filter_map(|piece| std::str::from_utf8(&piece.bytes).ok());
    let topics = text.filter_map(|head| head.split_once("/api/topics/")?.1.split('/').next());
    topics.map(str::to_owned).next()
}

async fn act(server: &Server, widget: &Widget<'_>, step: &Step, topic: &str) -> Result<()> {
    match step {
        Step::Start => widget.run().await?,
        Step::LetGo => {
            widget.press(".standby-run").await?;
            widget.wait_for("paused").await?;
        }
        Step::Publish(data) => {
            server.publish(topic, &serde_json::from_str(data)?).await?;
        }
        Step::Fault(fault) => {
            let word = match fault {
                Fault::Drop { .. } => "✕ Drop all",
                Fault::HalfOpen { .. } => "✕ Half-open",
                Fault::Refuse { .. } => "✕ Refuse",
                Fault::Stall { .. } => "✕ Stall",
                Fault::Unavailable { .. } => "✕ 503",
            };
            widget.press_word(word).await?;
        }
        Step::Together(_) => {}
    }
    Ok(())
}
