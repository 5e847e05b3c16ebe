//! Keep-alives: how many of a lane's open streams the server sends one to in each millisecond.
//!
//! A socket is sent a ping on an interval that began when it was opened; a stream is sent a comment
//! after so long without an event, so that each event sets the clocks of all streams to the same
//! moment. Both as the server does it.

use standby_trace::scenario::LaneSpec;

use crate::KEEP_ALIVE_MS;

#[derive(Clone, Debug)]
pub(super) struct KeepAlives {
    /// So many streams are sent one whenever this many milliseconds have passed since a multiple of
    /// the interval: as many entries as it has milliseconds, so that no client needs one in the
    /// calendar. Empty for polls.
    due: Vec<u32>,
    /// An event sets them back.
    after_quiet: bool,
    /// When the last event was sent.
    last_sent_ms: Option<u32>,
    clients: u32,
}

impl KeepAlives {
    pub(super) fn new(spec: &LaneSpec, clients: u32) -> Self {
        let (every_ms, after_quiet) = match *spec {
            LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. } => (0, false),
            LaneSpec::WebSocket { keep_alive_ms, .. } => (or_default(keep_alive_ms), false),
            LaneSpec::Sse { keep_alive_ms, .. } => (or_default(keep_alive_ms), true),
        };
        Self { due: vec![0; every_ms as usize], after_quiet, last_sent_ms: None, clients }
    }

    /// Its place in the interval. Whoever was there before the run came at a moment of its own.
    fn place(&self, client: u32, since_ms: u32) -> usize {
        let every = self.due.len() as u64;
        let began_ms = match self.last_sent_ms.filter(|_| self.after_quiet) {
            Some(sent_ms) => u64::from(since_ms.max(sent_ms)),
            None if since_ms == 0 => every * u64::from(client) / u64::from(self.clients.max(1)),
            None => since_ms.into(),
        };
        (began_ms % every) as usize
    }

    pub(super) fn opened(&mut self, client: u32, since_ms: u32) {
        if !self.due.is_empty() {
            let place = self.place(client, since_ms);
            self.due[place] += 1;
        }
    }

    pub(super) fn closed(&mut self, client: u32, since_ms: u32) {
        if !self.due.is_empty() {
            let place = self.place(client, since_ms);
            self.due[place] -= 1;
        }
    }

    /// An event has been sent to all `open` streams.
    pub(super) fn event_sent(&mut self, now_ms: u32, open: u32) {
        if self.after_quiet && !self.due.is_empty() {
            self.due.fill(0);
            self.last_sent_ms = Some(now_ms);
            let place = now_ms as usize % self.due.len();
            self.due[place] = open;
        }
    }

    /// How many are sent now.
    pub(super) fn due(&self, now_ms: u32) -> u32 {
        (now_ms as usize).checked_rem(self.due.len()).map_or(0, |place| self.due[place])
    }
}

fn or_default(keep_alive_ms: u32) -> u32 {
    if keep_alive_ms == 0 { KEEP_ALIVE_MS } else { keep_alive_ms }
}
