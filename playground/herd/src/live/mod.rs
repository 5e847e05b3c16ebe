//! The same picture of real clients: what the widget shows of a live run.

mod run;

use std::rc::Rc;

use standby_figure::format::count;
use standby_trace::Scenario;
use standby_trace::crowd::Tally;
use wasm_bindgen_futures::spawn_local;

use crate::widget::Widget;
use crate::words;

use run::{Live, Told};
pub(crate) use run::{MOST_CLIENTS, Used, each};

/// What a live run is, and how far it is.
pub(crate) struct View {
    /// Told apart from an earlier one, of which something may still be heard.
    number: u32,
    /// `None`: it is over.
    run: Option<Live>,
    /// What is drawn: with as many clients as are there, and of servers that take less in proportion.
    pub(crate) scenario: Scenario,
    /// The rows run one after another.
    in_turn: bool,
    /// The one that runs now, or with which all rows begin that run now.
    row: usize,
    /// So many are connected, of those that the picture waits for.
    open: u32,
    pub(crate) used: Option<Used>,
}

impl View {
    pub(crate) fn runs(&self) -> bool {
        self.run.is_some()
    }

    /// At the same time.
    fn clients(&self) -> u32 {
        let rows = if self.in_turn { 1 } else { self.scenario.lanes.len() as u32 };
        self.scenario.clients * rows
    }

    pub(crate) fn pill(&self) -> String {
        match (self.in_turn, count(self.clients().into())) {
            (true, each) => format!("Live · {} × {each} clients", self.scenario.lanes.len()),
            (false, all) => format!("Live · {all} clients"),
        }
    }

    /// In hundredths, and in words; a whole row has `all` tallies.
    pub(crate) fn progress(&self, rows: &[Vec<Tally>], all: usize) -> (usize, String) {
        if self.in_turn {
            // How far a row is, its picture says.
            let (drawn, rows) = (rows.get(self.row).map_or(0, Vec::len), rows.len().max(1));
            return ((self.row * 100 + drawn * 100 / all.max(1)) / rows, words::turn(self.row, rows));
        }
        let drawn = rows.iter().map(Vec::len).max().unwrap_or(0);
        let of = self.clients().max(1);
        match drawn {
            0 => ((u64::from(self.open) * 100 / u64::from(of)) as usize, words::open(self.open, of)),
            _ => (drawn * 100 / all.max(1), words::lived(drawn, all)),
        }
    }
}

impl Widget {
    /// Shows the button that tries it live, where there may be a server.
    pub(crate) fn offer_live(self: &Rc<Self>) {
        let widget = Rc::downgrade(self);
        spawn_local(async move {
            if standby_api::may_be_there(&crate::root()).await
                && let Some(widget) = widget.upgrade()
            {
                widget.offers_live.set(true);
                widget.settle();
            }
        });
    }

    /// Runs it with real clients. `in_turn`: one row after another, with as many in each as there may be
    /// at the same time.
    pub(crate) fn try_live(self: &Rc<Self>, in_turn: bool) {
        self.forget_run();
        let asked = self.scenario.borrow().clone();
        let at_once = if in_turn { 1 } else { asked.lanes.len() as u32 };
        let scenario = asked.with_fewer(each(&asked, MOST_CLIENTS, at_once));
        self.has_run.set(true);
        let number = self.live_runs.get() + 1;
        self.live_runs.set(number);
        {
            let mut shown = self.shown.borrow_mut();
            shown.rows = vec![Vec::new(); scenario.lanes.len()];
            shown.tallies = usize::MAX;
        }
        let weak = Rc::downgrade(self);
        let run = Live::start(asked, in_turn, move |told| {
            if let Some(widget) = weak.upgrade() {
                widget.heard_live(number, told);
            }
        });
        let view = View { number, run: Some(run), scenario, in_turn, row: 0, open: 0, used: None };
        *self.live.borrow_mut() = Some(view);
        self.settle();
        self.frame_soon();
        // The button that was pressed goes.
        let _ = self.page.cancel.focus();
    }

    /// Ends a live run that is under way; what it has drawn stays.
    pub(crate) fn stop_live(&self) {
        if let Some(run) = self.live.borrow().as_ref().and_then(|view| view.run.as_ref()) {
            run.stop();
        }
    }

    fn heard_live(self: &Rc<Self>, number: u32, told: Told) {
        let mut live = self.live.borrow_mut();
        let Some(view) = live.as_mut().filter(|view| view.number == number) else { return };
        let mut over = false;
        match told {
            Told::Begun(each) => view.scenario = self.scenario.borrow().with_fewer(each),
            Told::Row(row) => (view.row, view.open) = (row, 0),
            Told::Open(open) => view.open = open,
            Told::Tally { row, at, tally } => {
                if let Some(row) = self.shown.borrow_mut().rows.get_mut(row) {
                    // Within the first half of a tally there may be none yet.
                    row.resize(at.max(row.len()), Default::default());
                    row.push(tally);
                }
            }
            Told::Done(used) => {
                over = true;
                view.used = used;
                self.shown.borrow_mut().complete = true;
            }
            Told::Stopped => {
                over = true;
                let mut shown = self.shown.borrow_mut();
                // What there is of it is a result.
                shown.complete = shown.rows.iter().any(|row| !row.is_empty());
            }
            Told::Failed(why) => {
                over = true;
                *self.trouble.borrow_mut() = why;
                self.shown.borrow_mut().complete = false;
            }
        }
        if over {
            view.run = None;
        }
        drop(live);
        if over {
            let complete = self.shown.borrow().complete;
            if !complete {
                // Nothing of it can be shown: the model is back.
                *self.live.borrow_mut() = None;
                self.shown.borrow_mut().rows.clear();
            }
            self.settle();
            let _ = self.page.try_live.focus();
        }
        self.frame_soon();
    }
}
