//! Live and simulated: which of them runs an experiment, and both at once in two rows.
//!
//! The second row is a widget of its own beneath the first, without the parts that a reader acts by: what
//! is done in the first is done in both, and where the reader looks is one thing for both. One trace with
//! twice the lanes would need no second widget, but every ledger, file and count would have to tell the
//! halves apart; and a type of its own for the row would be most of [`Widget`] again.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_trace::link::Sources;
use standby_trace::scenario::Experiment;
use standby_trace::{Ledger, json};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement};

use super::{Widget, with};
use crate::live::Live;
use crate::runner::{self, By, Comparison};
use crate::state::{Happens, State};
use crate::view::label::{self, Label};
use crate::{book, dom};

/// A widget's place among the rows of one experiment.
#[derive(Default)]
pub(super) struct Rows {
    /// What the reader wants it run by.
    pub(super) sources: Cell<Sources>,
    /// The row that it stands beneath.
    pub(super) above: Option<Weak<Widget>>,
    beneath: RefCell<Option<Beneath>>,
    /// The choice between the sources was offered.
    offered: Cell<bool>,
    /// There is no server: two rows would be the same twice.
    alone: Cell<bool>,
}

impl Rows {
    /// The first row; with `above`, the one beneath that: the model's.
    pub(super) fn of(above: Option<&Rc<Widget>>) -> Self {
        let sources = if above.is_some() { Sources::Simulated } else { Sources::Live };
        Self { sources: sources.into(), above: above.map(Rc::downgrade), ..Self::default() }
    }
}

/// The second row, and its parts that stand elsewhere in the first.
struct Beneath {
    row: Rc<Widget>,
    /// What the first row's ledger is called then.
    heading: HtmlElement,
    ledger: HtmlElement,
    compared: HtmlElement,
    comparison: Option<Comparison>,
}

impl Widget {
    /// The row that this one stands beneath.
    pub(super) fn above(&self) -> Option<Rc<Self>> {
        self.rows.above.as_ref()?.upgrade()
    }

    /// The row beneath.
    pub(crate) fn beneath(&self) -> Option<Rc<Self>> {
        self.rows.beneath.borrow().as_ref().map(|beneath| beneath.row.clone())
    }

    /// The first row: what is one thing for both is its.
    pub(super) fn first(self: &Rc<Self>) -> Rc<Self> {
        self.above().unwrap_or_else(|| self.clone())
    }

    /// The model alone is to run it.
    pub(super) fn wants_model(&self) -> bool {
        self.rows.sources.get() == Sources::Simulated
    }

    /// What is to run this row.
    pub(super) fn by(&self) -> By {
        By { simulated: self.wants_model(), beside: self.above().is_some() }
    }

    /// Someone is near, and may run it next: fetches what runs it, which offers the choice too.
    pub(super) fn near(self: &Rc<Self>) {
        if self.rows.offered.replace(true) {
            return;
        }
        let me = Rc::downgrade(self);
        let (pill, id, host) = (self.pill.element().clone(), self.element.id(), self.host());
        spawn_local(async move {
            // If it fails, Run says so, and whoever comes near again asks again.
            let Ok(runner) = runner::load().await else {
                return with(&me, |widget| widget.rows.offered.set(false));
            };
            if !runner.offer_choice(&pill, id, host).await {
                with(&me, |widget| widget.stand_alone());
            }
        });
    }

    /// Has it run by other sources from now on. If it ran, it runs again.
    pub(super) fn run_by(self: &Rc<Self>, sources: Sources) {
        if self.rows.sources.replace(sources) != sources {
            let scenario = self.scenario.borrow().clone();
            self.set_up(scenario);
        }
    }

    /// Builds the second row, or removes it, as the reader has chosen.
    pub(super) fn set_rows(self: &Rc<Self>) {
        self.remove_row();
        if self.rows.sources.get() != Sources::Both || self.rows.alone.get() {
            return;
        }
        let id = format!("{}-model", self.element.id());
        let title = "The same, simulated";
        let experiment = Experiment {
            title: format!("{}: simulated", self.experiment.title),
            look: "The model begins when the row above does, with the same parameters.".to_owned(),
            scenario: self.scenario.borrow().clone(),
            ..self.experiment.clone()
        };
        let element = dom::classed("div", "standby-beneath")
            .set("id", &id)
            .set("role", "group")
            .set("aria-label", &experiment.title)
            .done();
        let row = Self::new(&element, experiment, Some(self));
        let head = dom::classed("div", "standby-head")
            .child(&dom::classed("strong", "standby-title").text(title).done())
            .child(row.pill.element())
            .done();
        let _ = element.append_with_node_3(&head, row.picture.element(), row.sentence.element());
        let _ = self.sentence.element().after_with_node_1(&element);
        // Over its picture there is nothing to press.
        row.card.element().remove();

        let heading = |text: &str| dom::classed("p", "standby-of").text(text).done();
        let ledger = dom::classed("div", "standby-beneath-ledger")
            .set("id", &format!("{id}-ledger"))
            .child(&heading("Simulated"))
            .child(row.table.element())
            .done();
        let compared =
            dom::classed("div", "standby-differences").set("id", &format!("{id}-differences")).done();
        let own = heading("Live");
        let _ = self.table.element().before_with_node_1(&own);
        let _ = self.table.element().after_with_node_2(&ledger, &compared);
        row.show_first();

        let me = Rc::downgrade(self);
        self.rows.beneath.replace(Some(Beneath { row, heading: own, ledger, compared, comparison: None }));
        spawn_local(async move {
            let Ok(runner) = runner::load().await else { return };
            with(&me, |widget| {
                if let Some(beneath) = widget.rows.beneath.borrow_mut().as_mut() {
                    beneath.compared.set_text_content(None);
                    beneath.comparison = Some(runner.compare(&beneath.compared, &book::root()));
                }
                widget.show_comparison();
            });
        });
    }

    /// One row is enough.
    pub(super) fn remove_row(&self) {
        let Some(beneath) = self.rows.beneath.take() else { return };
        beneath.row.happens(Happens::SetUp);
        for part in [&beneath.row.element, &beneath.heading, &beneath.ledger, &beneath.compared] {
            part.remove();
        }
    }

    /// There is no server, so there are no two rows.
    pub(super) fn stand_alone(&self) {
        self.rows.alone.set(true);
        self.remove_row();
    }

    /// The runs of all rows.
    pub(super) fn lives(&self) -> Vec<Rc<Live>> {
        let beneath = self.beneath().and_then(|row| row.live.borrow().clone());
        self.live.borrow().clone().into_iter().chain(beneath).collect()
    }

    /// A new run begins in the first row: that of the second is over.
    pub(super) fn clear_row(&self) {
        if let Some(row) = self.beneath() {
            row.happens(Happens::SetUp);
            row.live.take();
        }
    }

    /// The first row has begun: so does the second, at the same moment. It connects when the first has.
    pub(super) fn begin_row(&self) {
        if let Some(row) = self.beneath() {
            row.happens(Happens::Run);
        }
    }

    /// The first row is connected.
    pub(super) fn connect_row(&self) {
        let Some(row) = self.beneath() else { return };
        let live = row.live.borrow().clone().filter(|_| row.runs());
        match live {
            Some(live) => live.go_on(false),
            None => row.happens(Happens::Run),
        }
    }

    /// Whether a run of this row may connect.
    pub(super) fn may_connect(&self) -> bool {
        self.above().is_none_or(|above| *above.conduct.borrow().state() == State::Live)
    }

    /// What is set was changed in the first row: tells all runs.
    pub(super) fn settings_changed(&self) {
        let scenario = self.scenario.borrow().clone();
        for live in self.lives() {
            live.set(&scenario);
        }
        if let Some(row) = self.beneath() {
            let relabel = row.scenario.borrow().lanes != scenario.lanes;
            row.scenario.replace(scenario);
            if relabel {
                row.picture.set_labels(row.labels_beneath());
                row.paint();
                row.show_words();
            }
            row.show_state();
        }
        self.show_state();
        self.show_playground_link();
    }

    /// The words beside the lanes of the second row: what is set is set in the first.
    pub(super) fn labels_beneath(self: &Rc<Self>) -> Vec<Label> {
        let scenario = self.scenario.borrow();
        let me = Rc::downgrade(self);
        let label = |(i, (spec, name)): (usize, (_, &String))| {
            let me = me.clone();
            Label::fixed(name, spec, move || with(&me, |row| row.act_on_lane(i, label::Does::Reopen)))
        };
        scenario.lanes.iter().copied().zip(&*self.names.borrow()).enumerate().map(label).collect()
    }

    /// An event that is pointed at in one row is the same event in the other.
    pub(super) fn point_in_other_row(&self, anew: bool) {
        let Some(other) = self.above().or(self.beneath()) else { return };
        let event = self.picture.pointed().filter(|hit| matches!(hit, standby_figure::Hit::Event(_)));
        let was = other.picture.pointed();
        if anew {
            other.picture.pin(None);
        }
        other.picture.hover(event);
        if other.picture.pointed() != was {
            other.paint();
            other.show_sentence();
        }
    }

    /// Shows in what the two rows differ, up to where the cursor stands.
    pub(super) fn show_comparison(&self) {
        let beneath = self.rows.beneath.borrow();
        let Some((row, comparison)) =
            beneath.as_ref().and_then(|beneath| Some((&beneath.row, beneath.comparison.as_ref()?)))
        else {
            return;
        };
        let until_us = self.looking.cursor_us();
        let names = self.names.borrow();
        let both = self.ledgers(until_us).into_iter().zip(row.ledgers(until_us));
        let lanes =
            names.iter().zip(both).map(|(name, (live, model))| (name, figures(&live), figures(&model)));
        comparison.show(&json::write(&lanes.collect::<Vec<_>>()));
    }

    /// Whether it is the widget of an element: of the placeholder, or of the row beneath.
    pub(crate) fn of_element(self: &Rc<Self>, element: &Element) -> Option<Rc<Self>> {
        if self.is_at(element) {
            return Some(self.clone());
        }
        self.beneath().filter(|row| row.is_at(element))
    }
}

/// What is compared of a lane, in the order in which the module that runs it has the names.
fn figures(ledger: &Ledger) -> Vec<Option<u64>> {
    let counts = [
        ledger.empty,
        ledger.events,
        ledger.recovered,
        ledger.lost,
        ledger.payload_bytes,
        ledger.overhead_bytes,
    ];
    let ages = [ledger.staleness.p50_us(), ledger.staleness.p99_us()];
    ledger.messages.iter().chain(&counts).copied().map(Some).chain(ages).collect()
}
