//! Where the picture comes from, in the widget's corner: live, and how far the server is; or why
//! not.

use web_sys::{Element, HtmlElement};

use crate::dom::{self, Words};
use crate::run::Run;
use crate::state::{Pause, State, Trouble};
use crate::words;

/// What the pill says: whether its dot is filled, what it says, and what it says on a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    filled: bool,
    text: String,
    short: &'static str,
}

/// What stands in the place of "Live" where the model runs an experiment.
const SIMULATED: &str = "Simulated";

/// The pill.
pub(crate) struct Pill {
    element: HtmlElement,
    dot: Element,
    text: Words,
    short: Words,
}

impl Pill {
    /// Builds it.
    pub(crate) fn new() -> Self {
        let dot = dom::classed("i", "standby-dot").set("aria-hidden", "true").done();
        let long = dom::classed("span", "standby-wide").done();
        let short = dom::classed("span", "standby-narrow").done();
        let (text, short_text) = (Words::within(&long, ""), Words::within(&short, ""));
        let element = dom::classed("span", "standby-pill").child(&dot).child(&long).child(&short).done();
        Self { element, dot: dot.into(), text, short: short_text }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Where the experiment stands, for those who hear the page.
    pub(crate) fn spoken(state: &State) -> String {
        says(state, 0, None, None).text
    }

    /// Says where the experiment stands. `latency_ms` is what the conditions add each way, `still`
    /// when and with what the run was recorded that is seen before the reader's own.
    pub(crate) fn show(&self, state: &State, latency_ms: u32, run: Option<&Run>, still: Option<&str>) {
        let measured = run.and_then(Run::round_trip_us);
        let says = says(state, latency_ms, measured.map(|(round_trip_us, _)| round_trip_us), still);
        dom::set(&self.dot, "class", if says.filled { "standby-dot standby-on" } else { "standby-dot" });
        let simulated = run.is_some_and(Run::is_simulated);
        self.text.say(if simulated && *state == State::Live { SIMULATED } else { &says.text });
        self.short.say(if simulated && *state == State::Live { SIMULATED } else { says.short });
        let measured = measured.filter(|_| !simulated);
        let title = run.zip(measured).map(|(run, (round_trip_us, error_us))| {
            title(latency_ms, round_trip_us, error_us, run.is_proxied())
        });
        dom::set(&self.element, "title", title.as_deref().unwrap_or(""));
    }
}

fn says(state: &State, latency_ms: u32, measured_us: Option<u64>, still: Option<&str>) -> Says {
    let hollow = |short: &'static str| Says { filled: false, text: short.to_owned(), short };
    match state {
        State::Live => {
            let text = match (latency_ms, measured_us) {
                (0, None) => "Live".to_owned(),
                (0, Some(us)) => format!("Live · round trip {}", words::time_us(us)),
                (ms, _) => format!("Live · round trip {}", words::time_ms(ms.saturating_mul(2))),
            };
            Says { filled: true, text, short: "Live" }
        }
        State::Idle => match still {
            Some(recorded) => Says { filled: false, text: recorded.to_owned(), short: "Recorded" },
            None => hollow("Ready"),
        },
        State::Starting => hollow("Connecting"),
        State::Reconnecting => {
            Says { filled: false, text: "Server away · reconnecting".to_owned(), short: "Reconnecting" }
        }
        State::Paused(Pause::Elsewhere { .. }) => {
            Says { filled: false, text: "Paused · another experiment runs".to_owned(), short: "Paused" }
        }
        State::Paused(_) => hollow("Paused"),
        State::Recorded => hollow("Recorded"),
        State::Stopped(Trouble::NotThere) => hollow("No server"),
        State::Stopped(Trouble::Busy) => hollow("No connection free"),
        State::Stopped(Trouble::NotLoaded { .. }) => hollow("Not loaded"),
        State::Stopped(Trouble::Refused { .. }) => hollow("Refused"),
    }
}

fn title(latency_ms: u32, round_trip_us: u64, error_us: u64, proxied: bool) -> String {
    let mut title = format!(
        "The real round trip to the server is {}; its clock and this page's agree to ±{}.",
        words::time_us(round_trip_us),
        words::time_us(error_us)
    );
    if latency_ms > 0 {
        title.push_str(&format!(
            " The server adds {} to each message each way, but not to the TCP connect.",
            words::time_ms(latency_ms)
        ));
    }
    if proxied {
        title.push_str(" A proxy stands between: the bytes counted are those between it and the server.");
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_live_pill_says_the_round_trip_that_is_set() {
        let says = says(&State::Live, 100, Some(400), None);
        assert_eq!((says.filled, says.text.as_str(), says.short), (true, "Live · round trip 200 ms", "Live"));
    }

    #[test]
    fn without_a_delay_it_says_the_one_that_was_measured() {
        assert_eq!(says(&State::Live, 0, Some(400), None).text, "Live · round trip 0.4 ms");
    }

    #[test]
    fn before_a_run_it_says_when_the_picture_was_recorded() {
        let recorded = "Recorded 24 November 2026 in Chromium 150.";
        let says = says(&State::Idle, 100, None, Some(recorded));
        assert_eq!((says.text.as_str(), says.short), (recorded, "Recorded"));
    }

    #[test]
    fn only_what_runs_has_a_filled_dot() {
        let states = [
            State::Idle,
            State::Starting,
            State::Reconnecting,
            State::Paused(Pause::Reader),
            State::Stopped(Trouble::Busy),
        ];
        for state in states {
            assert!(!says(&state, 100, None, None).filled, "{state:?}");
        }
    }

    #[test]
    fn the_tooltip_says_what_is_not_delayed_and_what_is_not_seen() {
        let title = title(100, 800, 400, true);
        assert!(title.contains("±0.4 ms") && title.contains("TCP connect") && title.contains("proxy"));
    }
}
