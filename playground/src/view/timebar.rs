//! The row between the picture and its sentence: step, play, zoom, where the cursor stands, and
//! back to now.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlSelectElement};

use crate::dom::{self, Words};
use crate::player::{AS_IT_WAS, SPEEDS};
use crate::walk::{Unit, Way};

/// What the reader does in the row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Does {
    /// To the next thing, or the one before.
    Step(Way),
    /// What a step goes by.
    Unit(Unit),
    /// Play what was, or rest.
    Play,
    /// As fast as this one of [`SPEEDS`].
    Speed(usize),
    /// So many times as much time.
    Zoom(f64),
    /// Back to now; from a recording, back to the live experiment.
    Now,
    /// Which keys there are.
    Keys,
}

/// One press of a zoom button or key.
pub(crate) const ZOOM: f64 = 1.5;

/// What the row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    /// There is something to look at.
    pub(crate) has_past: bool,
    /// The picture follows, or shows the past.
    pub(crate) follows: bool,
    /// What was is played.
    pub(crate) plays: bool,
    /// It is a recording.
    pub(crate) recorded: bool,
    /// Where the cursor stands.
    pub(crate) cursor: String,
}

/// The row.
pub(crate) struct TimeBar {
    element: HtmlElement,
    needs_past: Vec<HtmlElement>,
    play: (HtmlElement, Words),
    speed: HtmlSelectElement,
    cursor: Words,
    now: (HtmlElement, Words),
}

const UNITS: [(Unit, &str); 3] =
    [(Unit::Message, "message"), (Unit::Event, "event"), (Unit::Frame, "1/60 s")];

impl TimeBar {
    /// Builds it; `act` is called with what the reader does.
    pub(crate) fn new(act: impl Fn(Does) + Clone + 'static) -> Self {
        let press = |class: &str, text: &str, name: &str, does: Does| {
            let act = act.clone();
            dom::button(class, text).set("aria-label", name).on("click", move |_| act(does)).done()
        };
        let back = press("standby-small", "◂", "Step back", Does::Step(Way::Back));
        let on = press("standby-small", "▸", "Step on", Does::Step(Way::On));
        let acts = act.clone();
        let unit = choice("Step by", &UNITS.map(|(_, text)| text), 0, move |i| acts(Does::Unit(UNITS[i].0)));
        let play = press("standby-small", "", "Play what was", Does::Play);
        let play_says = Words::within(&play, "▶");
        let acts = act.clone();
        let speed = choice("Speed", &SPEEDS.map(|(_, text)| text), AS_IT_WAS, move |i| acts(Does::Speed(i)));
        let out = press("standby-small", "−", "Show more time", Does::Zoom(ZOOM));
        let closer = press("standby-small", "+", "Show less time", Does::Zoom(1.0 / ZOOM));
        let cursor: HtmlElement = dom::html("output").set("aria-label", "Cursor").done();
        let says = Words::within(&cursor, "");
        let acts = act.clone();
        let now = dom::button("standby-now", "").on("click", move |_| acts(Does::Now)).done();
        let now_says = Words::within(&now, "Back to now");
        let keys = press("standby-small", "?", "Keys", Does::Keys);
        let group = |parts: &[&HtmlElement]| {
            let group = dom::classed("span", "standby-buttons");
            parts.iter().fold(group, |group, part| group.child(*part)).done()
        };
        let element = dom::classed("div", "standby-time")
            .set("role", "group")
            .set("aria-label", "Looking around in time")
            .child(&group(&[&back, unit.unchecked_ref(), &on]))
            .child(&group(&[&play, speed.unchecked_ref()]))
            .child(&group(&[&out, &closer]))
            .child(&cursor)
            .child(&now)
            .child(&keys)
            .done();
        let needs_past = vec![back, on, play.clone()];
        Self { element, needs_past, play: (play, play_says), speed, cursor: says, now: (now, now_says) }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Shows where the picture stands.
    pub(crate) fn show(&self, shows: &Shows) {
        for button in &self.needs_past {
            dom::enable(button, shows.has_past);
        }
        self.play.1.say(if shows.plays { "❚❚" } else { "▶" });
        dom::set(&self.play.0, "aria-label", if shows.plays { "Rest" } else { "Play what was" });
        self.cursor.say(&shows.cursor);
        self.now.1.say(if shows.recorded { "Back to live" } else { "Back to now" });
        // Its place is kept, so that nothing moves when it comes.
        let away = shows.follows && !shows.recorded;
        dom::set(&self.now.0, "style", if away { "visibility:hidden" } else { "" });
    }

    /// Shows how fast it plays, where a key has changed that.
    pub(crate) fn show_speed(&self, speed: usize) {
        self.speed.set_selected_index(i32::try_from(speed).unwrap_or(0));
    }
}

fn choice(name: &str, texts: &[&str], chosen: usize, change: impl Fn(usize) + 'static) -> HtmlSelectElement {
    let mut select = dom::classed("select", "standby-choice").set("aria-label", name);
    for (i, text) in texts.iter().enumerate() {
        let option = dom::html("option").text(text);
        let option = if i == chosen { option.set("selected", "") } else { option };
        select = select.child(&option.done());
    }
    let select: HtmlSelectElement = select.into();
    let own = select.clone();
    let last = texts.len().saturating_sub(1);
    dom::on(&select, "change", move |_| {
        change(usize::try_from(own.selected_index()).unwrap_or(0).min(last));
    });
    select
}
