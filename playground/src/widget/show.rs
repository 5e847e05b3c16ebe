//! What of a widget is shown, and how often.

use std::cell::Cell;
use std::rc::Rc;

use standby_figure::{describe, say, say_message};
use standby_trace::recorder::Recorder;
use wasm_bindgen::JsCast;

use super::Widget;
use crate::dom;
use crate::state::{Happens, Pause, State, Trouble};
use crate::view::label::Label;
use crate::view::ledger::Standing;

/// The figures and words beside the picture change this often at most: faster can't be read.
const WORDS_MS: f64 = 200.0;
/// The sentence, which takes longer to read.
const SENTENCE_MS: f64 = 1_000.0;
/// With `prefers-reduced-motion` the picture moves in steps, this often.
const STILL_MS: f64 = 500.0;
/// News that is older than this beside a lane is written in the colour of age.
const OLD_US: u64 = 300_000;

impl Widget {
    pub(super) fn show_state(&self) {
        let conduct = self.conduct.borrow();
        let state = conduct.state();
        let (name, why) = state_names(state);
        dom::set(&self.element, "data-state", name);
        let latency_ms = self.scenario.borrow().conditions.latency_ms;
        let live = self.live.borrow();
        let simulated = live.as_ref().is_some_and(|live| live.run().is_simulated());
        dom::set(&self.element, "data-why", why);
        dom::set(&self.element, "data-source", if simulated { "model" } else { "" });
        dom::set(&self.element, "data-sources", self.rows.sources.get().name());
        let still = self.still();
        let shown = if still.is_some() { "shown" } else { "" };
        let before = self.element.get_attribute("data-still");
        dom::set(&self.element, "data-still", shown);
        self.pill.show(state, latency_ms, live.as_ref().map(|live| live.run()), still.as_deref());
        self.card.show(state);
        self.controls.borrow().show(state);
        drop((conduct, live));
        if before.is_some_and(|before| before != shown) {
            self.paint();
        }
    }

    /// Before the reader runs it, the recorded figure is seen: how it was recorded. Not when it is set
    /// up otherwise, because that is not what was recorded.
    fn still(&self) -> Option<String> {
        let idle = *self.conduct.borrow().state() == State::Idle;
        let unchanged = *self.scenario.borrow() == self.experiment.scenario;
        // The playground's picture stands below its editor, not where the figure's does.
        let in_its_place = !self.is_playground();
        self.element.get_attribute("data-recorded").filter(|_| idle && unchanged && in_its_place)
    }

    /// Asks for the next frame, as long as there is something to draw.
    pub(super) fn next_frame(&self) {
        // A row beneath is shown with the one above.
        if !self.moves() || self.above().is_some() || self.shown.frame_is_due.replace(true) {
            return;
        }
        if let Some(frame) = self.shown.frame.borrow().as_ref() {
            let _ = dom::window().request_animation_frame(frame.as_ref().unchecked_ref());
        }
    }

    fn moves(&self) -> bool {
        self.runs() || self.looking.plays()
    }

    pub(super) fn frame(self: &Rc<Self>, at_ms: f64) {
        self.shown.frame_is_due.set(false);
        if !self.moves() {
            return;
        }
        if self.above().is_none() {
            self.play_on(at_ms);
        }
        let still = dom::media("(prefers-reduced-motion: reduce)");
        let due = |shown: &Cell<f64>, each_ms: f64| {
            let due = at_ms - shown.get() >= each_ms;
            if due {
                shown.set(at_ms);
            }
            due
        };
        if due(&self.shown.picture_ms, if still { STILL_MS } else { 0.0 }) {
            if let Some(live) = self.live.borrow().as_ref().filter(|_| self.runs()) {
                live.run().record(Recorder::advance);
            }
            self.paint();
        }
        if due(&self.shown.words_ms, if still { STILL_MS } else { WORDS_MS }) {
            self.show_words();
            self.show_state();
            self.show_bar();
            self.speak_news();
            self.tell_soon();
        }
        if due(&self.shown.sentence_ms, SENTENCE_MS) {
            self.show_sentence();
        }
        if self.conduct.borrow().stepping() && self.step_is_over() {
            self.happens(Happens::Stepped);
        }
        if let Some(row) = self.beneath() {
            row.frame(at_ms);
        }
        self.next_frame();
    }

    fn step_is_over(&self) -> bool {
        let Some(live) = self.live.borrow().clone() else { return false };
        let ledgers = live.run().read(Recorder::ledgers);
        let delivered: Vec<Option<u64>> = live
            .lanes()
            .iter()
            .zip(&ledgers)
            .map(|((_, gave_up), ledger)| gave_up.is_none().then_some(ledger.events))
            .collect();
        self.step.borrow_mut().over(&delivered)
    }

    pub(super) fn paint(&self) {
        let now_us = self.now_us();
        let ends_us = self.looking.axis.get().ends(now_us);
        let (known_us, cursor_us) = (self.looking.known_us(now_us), self.looking.cursor_us());
        self.with_trace(|trace| self.picture.draw(trace, ends_us, known_us, cursor_us));
        if self.still().is_some() {
            self.picture.wipe();
        }
    }

    pub(super) fn show_words(&self) {
        let until_us = self.looking.cursor_us();
        let ledgers = self.ledgers(until_us);
        let live = self.live.borrow().clone().filter(|_| self.recorded.borrow().is_none());
        let lanes = live.as_ref().map(|live| live.lanes()).unwrap_or_default();
        let standing =
            lanes.iter().map(|(last_id, gave_up)| Standing { last_id: *last_id, gave_up: gave_up.is_some() });
        let standing: Vec<Standing> = standing.collect();
        let revision = self.with_recorder(Recorder::revision);
        self.with_trace(|trace| {
            let known = self.picture.labels().borrow().len();
            for lane in trace.lanes.iter().skip(known) {
                self.picture.add_label(Label::outside(lane));
            }
            self.table.show(trace, &ledgers, &self.names.borrow(), &standing, (revision, until_us));
        });
        for (i, (label, ledger)) in self.picture.labels().borrow().iter().zip(&ledgers).enumerate() {
            let age_us = ledger.staleness.p50_us();
            let age = age_us.map(standby_figure::format::age);
            let gave_up = lanes.get(i).and_then(|(_, why)| why.as_deref());
            label.show(age.as_deref(), age_us.is_some_and(|us| us > OLD_US), gave_up);
        }
        if let Some(above) = self.above() {
            above.show_comparison();
        }
    }

    pub(super) fn show_sentence(&self) {
        if let Some(notice) = self.shown.notice.take() {
            return self.sentence.say_plain(&notice);
        }
        let Some(view) = self.picture.view() else { return };
        let words = self.with_trace(|trace| match view.message {
            Some(number) => say_message(trace, number),
            None => say(trace, &view),
        });
        if words.is_empty() {
            self.sentence.say_plain(&self.experiment.look);
        } else {
            self.sentence.say(words);
        }
        // Keys put the cursor on what crowds did, where they can't point at it.
        let on_crowds = view.cursor_us.is_some() && self.with_trace(|trace| !trace.crowd.is_empty());
        let points = view.selected.is_some() || view.message.is_some() || view.crowd.is_some() || on_crowds;
        let spoken = if points { self.sentence.text() } else { self.with_trace(describe) };
        let kept = self.kept();
        let at_us = self.looking.cursor_us().unwrap_or(kept.to_us);
        self.picture.speak(&spoken, (kept.from_us / 1_000, at_us / 1_000, kept.to_us / 1_000));
    }
}

/// A state for style sheets and tests: `data-state` and `data-why`.
fn state_names(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Idle => ("idle", ""),
        State::Starting => ("starting", ""),
        State::Live => ("live", ""),
        State::Reconnecting => ("reconnecting", ""),
        State::Paused(Pause::Reader) => ("paused", "reader"),
        State::Paused(Pause::Stepped) => ("paused", "stepped"),
        State::Paused(Pause::Away) => ("paused", "away"),
        State::Paused(Pause::Elsewhere { .. }) => ("paused", "elsewhere"),
        State::Stopped(Trouble::NotThere) => ("no-server", "away"),
        State::Stopped(Trouble::Busy) => ("busy", ""),
        State::Stopped(Trouble::NotLoaded { .. }) => ("not-loaded", ""),
        State::Stopped(Trouble::Refused { .. }) => ("refused", ""),
        State::Recorded => ("recorded", ""),
    }
}
