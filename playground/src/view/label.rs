//! A lane's words: its name, what is set for it, and how old its news is. In the place that the
//! figure leaves free for them.

use std::ops::RangeInclusive;

use standby_figure::format::length;
use standby_figure::{Figure, LaneBox};
use standby_trace::Lane;
use standby_trace::scenario::{Backoff, LaneSpec, SseClient, bounds};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlSelectElement};

use super::slider::{self, Choice};
use crate::dom::{self, Words};
use crate::scale::Scale;
use crate::words;

/// What the reader does in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Sets it.
    Set(LaneSpec),
    /// Opens it again after it gave up.
    Reopen,
}

/// One lane's words.
pub(crate) struct Label {
    element: HtmlElement,
    news: HtmlElement,
    age: Words,
    gave_up: HtmlElement,
}

impl Label {
    /// Builds them for a lane of the page's own; `act` is called with what the reader does.
    pub(crate) fn own(name: &str, spec: LaneSpec, act: impl Fn(Does) + Clone + 'static) -> Self {
        let reopens = act.clone();
        let set = setting(name, spec, move |spec| act(Does::Set(spec)));
        Self::new(name, &set, move || reopens(Does::Reopen))
    }

    /// Builds them for a lane that is someone else's: a terminal, another tab.
    pub(crate) fn outside(lane: &Lane) -> Self {
        let what = format!("{}, outside", lane.transport.title());
        let set = dom::classed("div", "standby-set").text(&what).done();
        Self::new(&lane.sub, &set, || {})
    }

    /// Builds them for a lane where nothing can be set: of a recording, or of a second row.
    pub(crate) fn fixed(name: &str, spec: LaneSpec, reopen: impl Fn() + 'static) -> Self {
        let (what, value) = standby_figure::setting(&spec);
        let set = dom::classed("div", "standby-set").text(&format!("{what} {value}")).done();
        Self::new(name, &set, reopen)
    }

    fn new(name: &str, set: &HtmlElement, reopen: impl Fn() + 'static) -> Self {
        let strong: HtmlElement = dom::html("b").done();
        let age = Words::within(&strong, "");
        let news = dom::classed("div", "standby-news")
            .child(&dom::classed("span", "standby-wide").text("news ").done())
            .child(&strong)
            .text(" old")
            .done();
        let gave_up = dom::classed("div", "standby-gave-up")
            .text("gave up ")
            .child(
                &dom::button("standby-reopen", "Reopen")
                    .set("aria-label", &format!("Reopen {name}"))
                    .on("click", move |_| reopen())
                    .done(),
            )
            .done();
        dom::show(&news, false);
        dom::show(&gave_up, false);
        let element = dom::classed("div", "standby-lane")
            .child(&dom::classed("div", "standby-name").text(name).done())
            .child(set)
            .child(&news)
            .child(&gave_up)
            .done();
        Self { element, news, age, gave_up }
    }

    /// Their element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Puts them beside their lane, or above it on a phone.
    pub(crate) fn place(&self, figure: &Figure, lane: &LaneBox, narrow: bool) {
        let style = if narrow {
            format!("top:{}px;left:0;width:100%", length(lane.server_y - 28.0))
        } else {
            format!("top:{}px;left:0;width:{}px", length(lane.server_y - 9.0), length(figure.plot_x - 4.0))
        };
        dom::set(&self.element, "style", &style);
    }

    /// Says how old its news is, and whether it gave up.
    pub(crate) fn show(&self, age: Option<&str>, is_old: bool, gave_up: Option<&str>) {
        dom::show(&self.gave_up, gave_up.is_some());
        dom::set(&self.gave_up, "title", gave_up.unwrap_or(""));
        dom::show(&self.news, age.is_some() && gave_up.is_none());
        dom::set(&self.news, "class", if is_old { "standby-news standby-bad" } else { "standby-news" });
        self.age.say(age.unwrap_or(""));
    }
}

/// The names of a scenario's lanes: the transport's, and what tells them apart where there are two.
pub(crate) fn names(lanes: &[LaneSpec]) -> Vec<String> {
    let name = |lane: &LaneSpec| {
        let title = lane.transport().title();
        let alike = lanes.iter().filter(|other| other.transport() == lane.transport()).count();
        match *lane {
            _ if alike < 2 => title.to_owned(),
            LaneSpec::Sse { client: SseClient::EventSource, .. } => "EventSource".to_owned(),
            LaneSpec::Sse { client: SseClient::Fetch, .. } => "SSE over fetch".to_owned(),
            LaneSpec::ShortPoll { conditional: true, .. } => "Polling with ETag".to_owned(),
            _ => title.to_owned(),
        }
    };
    lanes.iter().map(name).collect()
}

/// What is set for a lane, with the value to set.
fn setting(name: &str, spec: LaneSpec, set: impl Fn(LaneSpec) + Clone + 'static) -> HtmlElement {
    let line = |words: &str| dom::classed("div", "standby-set").text(words);
    let value =
        |what: &str, within: &RangeInclusive<u32>, ms: u32, spec: fn(u32, LaneSpec) -> LaneSpec, of| {
            let choice = Choice {
                name: format!("{name}: {what}"),
                scale: Scale::new(within, ms),
                value: ms,
                written: seconds,
                spoken: words::spoken_ms,
            };
            let set = set.clone();
            line(&format!("{what} ")).child(&slider::inline(choice, move |ms| set(spec(ms, of)))).done()
        };
    match spec {
        LaneSpec::ShortPoll { interval_ms, .. } => value(
            "asks every",
            &(*bounds::INTERVAL_MS.start()..=interval_ms.max(10_000)),
            interval_ms,
            |interval_ms, of| match of {
                LaneSpec::ShortPoll { conditional, .. } => LaneSpec::ShortPoll { interval_ms, conditional },
                other => other,
            },
            spec,
        ),
        LaneSpec::LongPoll { timeout_ms, .. } => value(
            "held up to",
            &(timeout_ms.min(200)..=*bounds::TIMEOUT_MS.end()),
            timeout_ms,
            |timeout_ms, of| match of {
                LaneSpec::LongPoll { backoff, .. } => LaneSpec::LongPoll { timeout_ms, backoff },
                other => other,
            },
            spec,
        ),
        LaneSpec::Sse { retry_ms, .. } => value(
            "retry",
            &(*bounds::RETRY_MS.start()..=retry_ms.max(20_000)),
            retry_ms,
            |retry_ms, of| match of {
                LaneSpec::Sse { client, keep_alive_ms, silence_ms, .. } => {
                    LaneSpec::Sse { retry_ms, client, keep_alive_ms, silence_ms }
                }
                other => other,
            },
            spec,
        ),
        LaneSpec::WebSocket { backoff, send_every_ms, keep_alive_ms, silence_ms } => line("reconnect ")
            .child(&backoffs(name, backoff, move |backoff| {
                set(LaneSpec::WebSocket { backoff, send_every_ms, keep_alive_ms, silence_ms });
            }))
            .done(),
    }
}

/// A time that is set: always in seconds, as the picture writes it.
fn seconds(ms: u32) -> String {
    standby_figure::format::seconds(u64::from(ms) * 1_000)
}

/// The ways to wait before coming back, with the same first and longest wait.
fn ways(backoff: Backoff) -> [(Backoff, String); 5] {
    let (base_ms, cap_ms) = match backoff {
        Backoff::Fixed { base_ms } => (base_ms, base_ms.max(30_000)),
        Backoff::Exponential { base_ms, cap_ms }
        | Backoff::FullJitter { base_ms, cap_ms }
        | Backoff::EqualJitter { base_ms, cap_ms }
        | Backoff::DecorrelatedJitter { base_ms, cap_ms } => (base_ms, cap_ms),
    };
    [
        (Backoff::Fixed { base_ms }, format!("after {}", seconds(base_ms))),
        (Backoff::Exponential { base_ms, cap_ms }, "exponential".to_owned()),
        (Backoff::FullJitter { base_ms, cap_ms }, "full jitter".to_owned()),
        (Backoff::EqualJitter { base_ms, cap_ms }, "equal jitter".to_owned()),
        (Backoff::DecorrelatedJitter { base_ms, cap_ms }, "decorrelated".to_owned()),
    ]
}

fn backoffs(name: &str, backoff: Backoff, set: impl Fn(Backoff) + 'static) -> HtmlElement {
    let ways = ways(backoff);
    let mut select = dom::classed("select", "standby-choice")
        .set("aria-label", &format!("{name}: how it waits to reconnect"));
    for (way, text) in &ways {
        let option = dom::html("option").text(text);
        let option = if *way == backoff { option.set("selected", "") } else { option };
        select = select.child(&option.done());
    }
    let select: HtmlSelectElement = select.into();
    let chosen = select.clone();
    dom::on(&select, "change", move |_| {
        if let Some((way, _)) = usize::try_from(chosen.selected_index()).ok().and_then(|i| ways.get(i)) {
            set(*way);
        }
    });
    select.unchecked_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_of_the_same_transport_can_be_told_apart() {
        let sse = |client| LaneSpec::Sse { retry_ms: 1_000, client, keep_alive_ms: 0, silence_ms: 0 };
        assert_eq!(names(&[sse(SseClient::Fetch)]), ["SSE"]);
        assert_eq!(
            names(&[sse(SseClient::EventSource), sse(SseClient::Fetch)]),
            ["EventSource", "SSE over fetch"]
        );
    }

    #[test]
    fn a_scenarios_own_backoff_is_one_of_the_choices() {
        let backoffs = [
            Backoff::Fixed { base_ms: 700 },
            Backoff::Exponential { base_ms: 1_000, cap_ms: 8_000 },
            Backoff::DecorrelatedJitter { base_ms: 1_000, cap_ms: 8_000 },
        ];
        for backoff in backoffs {
            assert!(ways(backoff).iter().any(|(way, _)| *way == backoff), "{backoff:?}");
        }
    }
}
