//! What the comparison says.

use standby_figure::format::{decimal, list, of};
use standby_sim::truth::{Row, Script, Times};

/// A time as short as can be: `0.4 ms`, `-0.1 ms`, `1.2 s`.
pub(crate) fn age(us: i64) -> String {
    let sign = if us < 0 { "−" } else { "" };
    match us.unsigned_abs() {
        us @ ..1_000_000 => format!("{sign}{} ms", decimal(us, 1_000, 1)),
        us => format!("{sign}{} s", decimal(us, 1_000_000, 1)),
    }
}

/// A row's mark and word, and their class.
pub(crate) fn verdict(equal: bool) -> (&'static str, &'static str) {
    if equal { ("standby-compare-equal", "✓ equal") } else { ("standby-compare-differs", "✕ differs") }
}

/// What the whole came to.
pub(crate) fn whole(rows: &[Row]) -> String {
    let differ: Vec<&str> = rows.iter().filter(|row| !row.equal).map(|row| row.what.as_str()).collect();
    if differ.is_empty() {
        return format!("All {} counts are equal, lane by lane, to the byte.", rows.len());
    }
    format!("{} of {} counts differ: {}.", differ.len(), rows.len(), list(&differ))
}

/// What the run measured of its own clocks.
pub(crate) fn clocks(times: &Times) -> String {
    let measured = match times.clock_error_us {
        Some(us) => format!(
            "This run measured a shortest round trip of {}, so its two clocks may be apart by {}.",
            age(i64::try_from(us * 2).unwrap_or(i64::MAX)),
            age(i64::try_from(us).unwrap_or(i64::MAX))
        ),
        None => "This run did not measure its clocks.".to_owned(),
    };
    format!("{measured} An age is measured by both, and no two live runs agree in it.")
}

/// Where it stands.
pub(crate) fn under_way(over: usize, script: &Script) -> String {
    let doing = script.steps.get(over).map_or(String::new(), |step| format!(": {}", step.words()));
    format!("Live, step {} of {}{doing}.", (over + 1).min(script.steps.len()), script.steps.len())
}

/// How long both took.
pub(crate) fn took(live_us: i64, model_us: i64) -> String {
    format!("The live run took {}, the model {} of this page's time.", age(live_us), age(model_us))
}

/// What is said before the first run.
pub(crate) fn before(script: &Script) -> String {
    format!(
        "{} over {}. Each step waits until everything has come to rest after the one before.",
        of(script.steps.len() as u64, "step", "steps"),
        of(script.scenario.lanes.len() as u64, "lane", "lanes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_by_two_clocks_may_be_less_than_nothing() {
        assert_eq!([age(-120), age(440), age(1_230_000)], ["−0.1 ms", "0.4 ms", "1.2 s"]);
    }

    #[test]
    fn what_differs_is_named() {
        let row = |what: &str, equal| Row { what: what.into(), live: (1, None), model: (1, None), equal };
        assert_eq!(whole(&[row("Requests", true)]), "All 1 counts are equal, lane by lane, to the byte.");
        let said = whole(&[row("Requests", true), row("Answers", false)]);
        assert_eq!(said, "1 of 2 counts differ: Answers.");
    }
}
