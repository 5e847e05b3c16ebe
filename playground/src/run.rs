//! What all parts of one live run share: its recorder, its clocks, and whether the server is there.

use std::cell::{Cell, RefCell};

use standby_trace::recorder::Recorder;
use standby_trace::scenario::Scenario;
use standby_trace::{Clock, tap};

use crate::time;

/// One live run.
pub(crate) struct Run {
    recorder: RefCell<Recorder>,
    clock: RefCell<Clock>,
    began_us: i64,
    away: Cell<bool>,
    proxied: Cell<bool>,
}

impl Run {
    /// A run that begins now.
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            recorder: Recorder::new(scenario, time::wall_ms()).into(),
            clock: RefCell::default(),
            began_us: time::now_us(),
            away: Cell::new(false),
            proxied: Cell::new(false),
        }
    }

    /// Microseconds since the run's start.
    pub(crate) fn now_us(&self) -> i64 {
        time::now_us() - self.began_us
    }

    /// A moment of the page's clock on the run's axis.
    pub(crate) fn since_start_us(&self, page_us: u64) -> i64 {
        i64::try_from(page_us).unwrap_or(i64::MAX) - self.began_us
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

    /// Takes in what the server's tap tells, and sets the clocks by it.
    pub(crate) fn tapped(&self, told: &tap::ToObserver) {
        let mut clock = self.clock.borrow_mut();
        match *told {
            tap::ToObserver::Clock { echo, server_us } => {
                clock.answer(echo, self.now_us(), server_us);
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

    /// There is a proxy between this page and the server.
    pub(crate) fn is_proxied(&self) -> bool {
        self.proxied.get()
    }

    /// The server is known to be away.
    pub(crate) fn is_away(&self) -> bool {
        self.away.get()
    }

    /// The server went away, or is back.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.set(away);
    }
}
