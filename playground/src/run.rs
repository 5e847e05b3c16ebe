//! What is known of one run: its recorder, and its clocks.

use std::cell::{Cell, RefCell};

use standby_trace::recorder::Recorder;
use standby_trace::scenario::Scenario;
use standby_trace::{Clock, Source, tap};

use crate::dom::time;

/// One live run.
pub(crate) struct Run {
    recorder: RefCell<Recorder>,
    clock: RefCell<Clock>,
    began_us: Cell<i64>,
    proxied: Cell<bool>,
}

impl Run {
    /// A run that begins now, until [`Run::begin`] says otherwise.
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            recorder: Recorder::new(scenario, time::wall_ms()).into(),
            clock: RefCell::default(),
            began_us: time::now_us().into(),
            proxied: Cell::new(false),
        }
    }

    /// It begins now: nothing has happened before. Says when that is on the page's clock.
    pub(crate) fn begin(&self, source: Source) -> i64 {
        let scenario = self.read(|recorder| recorder.trace().scenario.clone());
        self.recorder.replace(Recorder::from(source, scenario, time::wall_ms()));
        self.began_us.set(time::now_us());
        self.began_us.get()
    }

    /// Microseconds since the run's start.
    pub(crate) fn now_us(&self) -> i64 {
        time::now_us() - self.began_us.get()
    }

    /// Writes down what happened now.
    pub(crate) fn record(&self, write: impl FnOnce(&mut Recorder, i64)) {
        let now_us = self.now_us();
        write(&mut self.recorder.borrow_mut(), now_us);
    }

    /// Reads what was recorded.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Recorder) -> T) -> T {
        read(&self.recorder.borrow())
    }

    /// Takes in what the server's tap tells at `now_us`, and sets the clocks by it.
    pub(crate) fn tapped(&self, told: &tap::ToObserver, now_us: i64) {
        let mut clock = self.clock.borrow_mut();
        match *told {
            tap::ToObserver::Clock { echo, server_us } => {
                clock.answer(echo, now_us, server_us);
            }
            tap::ToObserver::Hello { proxied, .. } => self.proxied.set(proxied),
            _ => {}
        }
        self.recorder.borrow_mut().tap(told, &clock);
    }

    /// The server that comes next may be another process, with another clock.
    pub(crate) fn forget_clock(&self) {
        self.clock.borrow_mut().forget();
    }

    /// The best round trip to the server that was measured, and how far the clocks may be apart.
    pub(crate) fn round_trip_us(&self) -> Option<(u64, u64)> {
        let clock = self.clock.borrow();
        Some((clock.round_trip_us()?, clock.error_us()?))
    }

    /// The model runs it.
    pub(crate) fn is_simulated(&self) -> bool {
        self.read(|recorder| recorder.trace().source == Source::Simulated)
    }

    /// There is a proxy between this page and the server.
    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied.get()
    }
}
