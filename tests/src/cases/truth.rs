//! The model against a live run: the same scripts, and what is counted must be equal.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use standby_sim::truth::{self, Done, Script, Step};
use standby_sim::world::Profile;
use standby_trace::scenario::Fault;
use standby_trace::{Trace, link};

use crate::runner::Test;
use crate::wait;
use crate::widget::Widget;

/// Scripts by chance that every run of the tests tries, each the same in each run.
const BY_CHANCE: RangeInclusive<u64> = 1..=5;
/// And others that the soak tries.
pub(crate) const BY_CHANCE_IN_SOAK: RangeInclusive<u64> = 6..=25;

/// A request that a browser puts on a kept connection which has gone dead is given up after 30 s, and
/// asked anew.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn the_model_counts_what_a_live_run_counts(test: &mut Test<'_>) -> Result<()> {
    for script in Script::all() {
        compare(test, &script).await?;
    }
    Ok(())
}

pub(super) async fn the_model_counts_what_runs_by_chance_count(test: &mut Test<'_>) -> Result<()> {
    by_chance(test, BY_CHANCE).await
}

/// Compares the scripts of these seeds.
pub(crate) async fn by_chance(test: &Test<'_>, seeds: RangeInclusive<u64>) -> Result<()> {
    let mut wrong = Vec::new();
    for seed in seeds {
        if let Err(e) = compare(test, &Script::random(seed)).await {
            wrong.push(format!("{e:?}"));
        }
    }
    ensure!(wrong.is_empty(), "{} scripts differ:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

// ANCHOR: compare
async fn compare(test: &Test<'_>, script: &Script) -> Result<()> {
    let (live, topic) = live(test, script).await.with_context(|| format!("{}, live", script.name))?;
    // A browser's own headers are not the model's business: they are learned from this run.
    let page = test.browser.url().await?;
    let host = test.server.origin.trim_start_matches("http://");
    let profile = Profile::empty(test.browser.engine.to_string()).learned_from(&live).at(host, &page);
    let model = truth::run(script, &profile, &topic, live.began_at_ms).map_err(anyhow::Error::msg);
    let model = model.with_context(|| format!("{}, in the model", script.name))?;
    let differences = truth::differences(&live, &model);
    ensure!(differences.is_empty(), "{}:\n{}", script.name, differences.join("\n"));
    Ok(())
}
// ANCHOR_END: compare

/// Runs a script in the page; returns the trace and the topic.
async fn live(test: &Test<'_>, script: &Script) -> Result<(Trace, String)> {
    // Another fragment alone would not load the page anew.
    test.browser.goto("about:blank").await?;
    let fragment = link::to_fragment(None, &script.scenario);
    test.browser.goto(&test.server.url(&format!("playground.html#{fragment}"))).await?;
    let widget = Widget::on_page(&test.browser, "playground");
    // The editor sets the experiment up as the address says.
    let ready = "return document.querySelector('#playground[data-state=idle] .standby-ed-rows [data-row]') \
                 !== null";
    wait::until("the experiment and its editor are there", async || {
        Ok(test.browser.js::<bool>(ready, &[]).await?.then_some(()))
    })
    .await?;
    test.browser.forget_requests();
    let mut done = Done::default();
    let mut topic = None;
    for step in &script.steps {
        for step in step.each() {
            done.did(step);
            act(test, &widget, step, &mut topic).await.with_context(|| format!("{step:?}"))?;
        }
        if !done.runs {
            continue;
        }
        let mut why = String::new();
        let rests = wait::within(PATIENCE, "everything has come to rest", async || {
            match truth::at_rest(&widget.trace().await?, done) {
                Ok(()) => Ok(Some(())),
                Err(awaited) => {
                    why = awaited;
                    Ok(None)
                }
            }
        });
        rests.await.with_context(|| format!("after {step:?}: {why}"))?;
    }
    Ok((widget.trace().await?, topic.context("the script never started")?))
}

async fn act(test: &Test<'_>, widget: &Widget<'_>, step: &Step, topic: &mut Option<String>) -> Result<()> {
    match step {
        Step::Start => {
            widget.run().await?;
            if topic.is_none() {
                *topic = Some(widget.topic().await?);
            }
        }
        Step::LetGo => {
            widget.press(".standby-run").await?;
            widget.wait_for("paused").await?;
        }
        Step::Publish(data) => {
            let topic = topic.as_deref().context("nothing runs yet")?;
            test.server.publish(topic, &serde_json::from_str(data)?).await?;
        }
        Step::Fault(fault) => {
            let word = match fault {
                Fault::Drop { .. } => "✕ Drop all",
                Fault::HalfOpen { .. } => "✕ Half-open",
                Fault::Refuse { .. } => "✕ Refuse",
                Fault::Stall { .. } => "✕ Stall",
                Fault::Unavailable { .. } => "✕ 503",
            };
            let before = truth::faults_told(&widget.trace().await?);
            widget.press_word(word).await?;
            wait::until("the fault is told", async || {
                Ok((truth::faults_told(&widget.trace().await?) > before).then_some(()))
            })
            .await?;
        }
        Step::Together(_) => {}
    }
    Ok(())
}
