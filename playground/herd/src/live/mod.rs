//! The same picture of real clients: what the widget shows of a live run.

mod run;

use std::rc::Rc;

use standby_trace::Scenario;
use wasm_bindgen_futures::spawn_local;

use crate::widget::Widget;
use crate::words;

use run::{Live, Told};
pub(crate) use run::{MOST_CLIENTS, Used, each, rows};

/// What a live run is, and how far it is.
pub(crate) struct View {
    /// Told apart from an earlier one, of which something may still be heard.
    turn: u32,
    /// `None`: it is over.
    run: Option<Live>,
    /// What is drawn: with as many clients as are there, and of a server whose capacity is not known.
    pub(crate) scenario: Scenario,
    /// In how many rows there are clients.
    rows: u32,
    /// So many are connected, of those that the picture waits for.
    open: u32,
    pub(crate) used: Option<Used>,
}

impl View {
    pub(crate) fn runs(&self) -> bool {
        self.run.is_some()
    }

    /// Clients in all rows.
    pub(crate) fn clients(&self) -> u32 {
        self.scenario.clients * self.rows
    }

    /// In hundredths, and in words; `drawn`: so many tallies of a row of so many are there.
    pub(crate) fn progress(&self, drawn: usize, all: usize) -> (usize, String) {
        if drawn == 0 {
            let of = self.clients().max(1);
            return ((u64::from(self.open) * 100 / u64::from(of)) as usize, words::open(self.open, of));
        }
        (drawn * 100 / all.max(1), words::lived(drawn, all))
    }
}

impl Widget {
    /// Shows the button that tries it live, where there may be a server.
    pub(crate) fn offer_live(self: &Rc<Self>) {
        if rows(&self.scenario.borrow()).is_empty() {
            return;
        }
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

    /// Runs it with real clients.
    pub(crate) fn try_live(self: &Rc<Self>) {
        self.forget_run();
        let asked = self.scenario.borrow().clone();
        let mut scenario = asked.clone();
        scenario.clients = each(&asked, MOST_CLIENTS);
        if let Some(crowd) = &mut scenario.crowd {
            crowd.capacity_s = 0;
        }
        self.has_run.set(true);
        let turn = self.turns.get() + 1;
        self.turns.set(turn);
        {
            let mut shown = self.shown.borrow_mut();
            shown.rows = vec![Vec::new(); scenario.lanes.len()];
            shown.tallies = usize::MAX;
        }
        let weak = Rc::downgrade(self);
        let run = Live::start(asked, move |told| {
            if let Some(widget) = weak.upgrade() {
                widget.heard_live(turn, told);
            }
        });
        let rows = rows(&scenario).len() as u32;
        *self.live.borrow_mut() = Some(View { turn, run: Some(run), scenario, rows, open: 0, used: None });
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

    fn heard_live(self: &Rc<Self>, turn: u32, told: Told) {
        let mut live = self.live.borrow_mut();
        let Some(view) = live.as_mut().filter(|view| view.turn == turn) else { return };
        let mut over = false;
        match told {
            Told::Begun(each) => view.scenario.clients = each,
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
