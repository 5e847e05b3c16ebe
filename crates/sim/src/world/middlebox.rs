//! What may stand between a page and a server, and belongs to neither: a proxy that means well.

use standby_trace::tap::{ClosedBy, Via};

use super::conn::Got;
use super::{HOP_US, Step, World};

/// A proxy on every connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Middlebox {
    /// It collects a stream before it passes it on: until it has so much of it, or has waited for so
    /// long.
    Buffers {
        /// Passed on at once from so many bytes on.
        bytes: usize,
        /// Kept for so long at most, in milliseconds.
        for_ms: u32,
    },
    /// It closes a connection on which nothing has passed for so long, in milliseconds.
    CutsIdle {
        /// How long.
        after_ms: u32,
    },
}

/// What it knows of one connection.
#[derive(Debug, Default)]
pub(super) struct Between {
    kept: Vec<Got>,
    kept_bytes: usize,
    /// The connection was quiet since then, and is looked at again.
    quiet_us: Option<i64>,
}

impl World {
    /// The same run through a proxy.
    #[must_use]
    pub fn with_middlebox(mut self, middlebox: Middlebox) -> Self {
        self.middlebox = Some(middlebox);
        self
    }

    /// Something passes on a connection.
    pub(super) fn pass(&mut self, id: u64) {
        let now_us = self.now_us;
        let Some(Middlebox::CutsIdle { after_ms }) = self.middlebox else { return };
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.between.quiet_us.replace(now_us).is_none() {
            self.queue.push(now_us + i64::from(after_ms) * 1_000, Step::CutIdle { conn: id });
        }
    }

    /// A connection may have been quiet for too long.
    pub(super) fn cut_idle(&mut self, id: u64) {
        let Some(Middlebox::CutsIdle { after_ms }) = self.middlebox else { return };
        let Some(conn) = self.conns.get(&id).filter(|conn| !conn.is_over) else { return };
        let Some(quiet_us) = conn.between.quiet_us else { return };
        let due_us = quiet_us + i64::from(after_ms) * 1_000;
        if due_us > self.now_us {
            return self.queue.push(due_us, Step::CutIdle { conn: id });
        }
        // To each end it looks as if the other had closed it.
        self.queue.push(self.now_us + HOP_US, Step::Gone { conn: id, by: ClosedBy::Client });
        self.queue.push(self.now_us + HOP_US, Step::Reach { conn: id, got: Got::End });
    }

    /// What the server's socket has taken goes on to the client.
    pub(super) fn pass_on(&mut self, id: u64, got: Got) {
        self.pass(id);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let is_stream = conn.exchange.as_ref().is_some_and(|exchange| exchange.via == Via::Sse);
        if let (Some(Middlebox::Buffers { bytes, for_ms }), true, Got::Body(part)) =
            (self.middlebox, is_stream, &got)
        {
            let is_first = conn.between.kept.is_empty();
            conn.between.kept_bytes += part.len();
            conn.between.kept.push(got);
            if conn.between.kept_bytes >= bytes {
                self.flush(id);
            } else if is_first {
                self.queue.push(self.now_us + i64::from(for_ms) * 1_000, Step::Flush { conn: id });
            }
            return;
        }
        self.flush(id);
        self.queue.push(self.now_us + HOP_US, Step::Reach { conn: id, got });
    }

    /// What was kept goes on.
    pub(super) fn flush(&mut self, id: u64) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.between.kept_bytes = 0;
        for got in std::mem::take(&mut conn.between.kept) {
            self.queue.push(self.now_us + HOP_US, Step::Reach { conn: id, got });
        }
    }
}
