//! The row below the picture: run, pause, step, restart; what is set for the whole experiment; what
//! can be done to it.

use std::ops::RangeInclusive;

use standby_trace::scenario::{Control, Fault, Scenario, bounds};
use web_sys::HtmlElement;

use super::slider::{self, Choice};
use crate::dom::{self, Words};
use crate::scale::Scale;
use crate::state::State;
use crate::words;

/// How long a fault of the row lasts.
const FAULT_MS: u32 = 5_000;

/// What the reader does in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Run or Pause, whichever it is.
    RunOrPause,
    /// Step.
    Step,
    /// Restart.
    Restart,
    /// Publish an event.
    Publish,
    /// A fault.
    Fault(Fault),
    /// The mean time between two events; 0: only by hand.
    Every(u32),
    /// The round trip, in milliseconds.
    RoundTrip(u32),
    /// Bytes a second; 0: no limit.
    Bandwidth(u32),
}

/// The row.
pub(crate) struct Controls {
    element: HtmlElement,
    run: (HtmlElement, Words),
    /// What only works while the experiment runs.
    needs_run: Vec<HtmlElement>,
}

impl Controls {
    /// Builds it; `act` is called with what the reader does.
    pub(crate) fn new(
        controls: &[Control],
        scenario: &Scenario,
        act: impl Fn(Does) + Clone + 'static,
    ) -> Self {
        let press = |does: Does| {
            let act = act.clone();
            move |_: &web_sys::Event| act(does.clone())
        };
        let run = dom::button("standby-primary standby-run", "").on("click", press(Does::RunOrPause)).done();
        let says = Words::within(&run, "");
        let step = dom::button("standby-step", "▸❙")
            .set("title", "Step: run until the next event has reached every lane, then pause")
            .set("aria-label", "Step: run until the next event has reached every lane, then pause")
            .on("click", press(Does::Step))
            .done();
        let restart = dom::button("", "↺")
            .set("title", "Restart with an empty picture and a new topic")
            .set("aria-label", "Restart")
            .on("click", press(Does::Restart))
            .done();
        let transport =
            dom::classed("span", "standby-buttons").child(&run).child(&step).child(&restart).done();
        let mut sliders = Vec::new();
        let mut needs_run = Vec::new();
        for control in controls {
            match control_of(*control, scenario) {
                Part::Slider(choice, does) => {
                    let act = act.clone();
                    sliders.push(slider::labelled(choice, move |value| act(does(value))));
                }
                Part::Button { text, class, title, does } => needs_run
                    .push(dom::button(class, text).set("title", title).on("click", press(does)).done()),
            }
        }
        let mut element = dom::classed("div", "standby-controls").child(&transport);
        for slider in &sliders {
            element = element.child(slider);
        }
        if !needs_run.is_empty() {
            let mut buttons = dom::classed("span", "standby-buttons standby-acts");
            for button in &needs_run {
                buttons = buttons.child(button);
            }
            element = element.child(&buttons.done());
        }
        Self { element: element.done(), run: (run, says), needs_run }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Shows what can be done now.
    pub(crate) fn show(&self, state: &State) {
        let runs = matches!(state, State::Starting | State::Live | State::Reconnecting);
        self.run.1.say(if runs { "❚❚ Pause" } else { "▶ Run" });
        dom::set(&self.run.0, "aria-label", if runs { "Pause" } else { "Run" });
        for button in &self.needs_run {
            dom::enable(button, *state == State::Live);
        }
    }
}

enum Part {
    Slider(Choice, fn(u32) -> Does),
    Button { text: &'static str, class: &'static str, title: &'static str, does: Does },
}

/// A slider's useful stretch, and the scenario's own value where that lies beyond.
fn around(useful: RangeInclusive<u32>, own: u32) -> RangeInclusive<u32> {
    match own {
        0 => useful,
        own => own.min(*useful.start())..=own.max(*useful.end()),
    }
}

fn control_of(control: Control, scenario: &Scenario) -> Part {
    match control {
        Control::Every => {
            let value = scenario.publish.every_ms;
            let choice = Choice {
                name: "publish about every".to_owned(),
                scale: Scale::with_never(&around(200..=30_000, value), value),
                value,
                written: |ms| if ms == 0 { "by hand".to_owned() } else { words::time_ms(ms) },
                spoken: |ms| if ms == 0 { "only by hand".to_owned() } else { words::spoken_ms(ms) },
            };
            Part::Slider(choice, Does::Every)
        }
        Control::RoundTrip => {
            let value = scenario.conditions.latency_ms * 2;
            let choice = Choice {
                name: "round trip".to_owned(),
                scale: Scale::new(&around(0..=2_000, value), value).even(),
                value,
                written: words::time_ms,
                spoken: words::spoken_ms,
            };
            Part::Slider(choice, Does::RoundTrip)
        }
        Control::Bandwidth => {
            let value = scenario.conditions.bandwidth_bytes_s;
            let choice = Choice {
                name: "bandwidth".to_owned(),
                scale: Scale::with_never(
                    &around(*bounds::BANDWIDTH_BYTES_S.start()..=1_000_000, value),
                    value,
                ),
                value,
                written: |bytes_s| {
                    if bytes_s == 0 { "no limit".to_owned() } else { words::bandwidth(bytes_s) }
                },
                spoken: |bytes_s| {
                    if bytes_s == 0 { "no limit".to_owned() } else { words::bandwidth(bytes_s) }
                },
            };
            Part::Slider(choice, Does::Bandwidth)
        }
        Control::Publish => {
            Part::Button { text: "Publish", class: "", title: "Publish one event now", does: Does::Publish }
        }
        Control::Drop => Part::Button {
            text: "✕ Drop all",
            class: "standby-fault",
            title: "Cut every connection of this experiment",
            does: Does::Fault(Fault::Drop { sub: None }),
        },
        Control::HalfOpen => Part::Button {
            text: "✕ Half-open",
            class: "standby-fault",
            title: "Let every connection of this experiment go dead, without telling either end",
            does: Does::Fault(Fault::HalfOpen { sub: None }),
        },
        Control::Refuse => Part::Button {
            text: "✕ Refuse 5 s",
            class: "standby-fault",
            title: "For 5 s, cut every new request without an answer",
            does: Does::Fault(Fault::Refuse { sub: None, for_ms: FAULT_MS }),
        },
        Control::Stall => Part::Button {
            text: "✕ Stall 5 s",
            class: "standby-fault",
            title: "For 5 s, answer nothing and send nothing",
            does: Does::Fault(Fault::Stall { sub: None, for_ms: FAULT_MS }),
        },
        Control::Unavailable => Part::Button {
            text: "✕ 503 for 5 s",
            class: "standby-fault",
            title: "For 5 s, answer every new request with 503 Service Unavailable",
            does: Does::Fault(Fault::Unavailable { sub: None, for_ms: FAULT_MS, retry_after_s: None }),
        },
    }
}
