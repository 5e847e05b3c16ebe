//! The model against a live run: the same scripts, and what is counted must be equal.

use std::ops::RangeInclusive;

use anyhow::{Result, ensure};
use standby_sim::truth::{self, Script};

use crate::runner::Test;
use crate::script::both;

/// Scripts by chance that the soak tries, besides those of every run of the tests.
pub(crate) const BY_CHANCE_IN_SOAK: RangeInclusive<u64> = truth::BY_CHANCE + 1..=truth::BY_CHANCE + 20;

pub(super) async fn the_model_counts_what_a_live_run_counts(test: &mut Test<'_>) -> Result<()> {
    for script in Script::all() {
        compare(test, &script).await?;
    }
    Ok(())
}

pub(super) async fn the_model_counts_what_runs_by_chance_count(test: &mut Test<'_>) -> Result<()> {
    by_chance(test, 1..=truth::BY_CHANCE).await
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
    let both = both(&test.browser, &test.server, script).await?;
    let differences = truth::differences(&both.live, &both.model);
    ensure!(differences.is_empty(), "{}:\n{}", script.name, differences.join("\n"));
    // Reported, and not demanded: no two live runs agree in their times.
    println!("    {}: {}", script.name, truth::Times::of(&both.live, &both.model));
    Ok(())
}
// ANCHOR_END: compare
