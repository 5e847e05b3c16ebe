//! What lies between an experiment's topic and its subscribers: the conditions, the faults, the
//! connections that serve it now, and who observes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use standby_trace::tap::{ToObserver, Via};
use standby_trace::{Conditions, Fault};
use tokio::time::Instant;

use super::conn::Conn;
use super::faults::{self, Faults, Verdict};
use super::row::RowServer;
use super::tap::hub::Hub;
use super::{clock, lock};

/// The network of one experiment's topic. It lives as long as a connection serves the topic or an
/// experiment runs on it.
#[derive(Debug, Default)]
pub(crate) struct Link {
    pub(crate) hub: Hub,
    conditions: Mutex<Conditions>,
    faults: Mutex<Faults>,
    /// The servers of a crowd's rows, by the label of the row's clients. Eight at most.
    rows: Mutex<HashMap<String, Arc<RowServer>>>,
    serving: Mutex<HashMap<u64, Weak<Conn>>>,
}

impl Link {
    pub(crate) fn conditions(&self) -> Conditions {
        *lock(&self.conditions)
    }

    /// The conditions of later messages; what is under way arrives as it would have.
    pub(crate) fn set_conditions(&self, conditions: Conditions) {
        *lock(&self.conditions) = conditions;
    }

    /// Begins a fault and tells observers.
    pub(crate) fn begin(&self, fault: &Fault) {
        let now = Instant::now();
        let until = lock(&self.faults).begin(now, fault);
        let hit = match fault {
            Fault::Drop { .. } => self.cut(fault),
            Fault::Stall { .. } => {
                self.rows_hit(fault).iter().for_each(|(_, row)| row.stall(until));
                self.matching(|sub| faults::hits(fault, sub)).len()
            }
            Fault::Refuse { .. } | Fault::Unavailable { .. } => 0,
            Fault::HalfOpen { .. } => self.half_open(|sub| faults::hits(fault, sub)),
        };
        self.hub.send(&ToObserver::Fault {
            fault: fault.clone(),
            at_us: clock::at_us(now),
            until_us: clock::at_us(until),
            connections: u32::try_from(hit).unwrap_or(u32::MAX),
        });
    }

    /// Resets the connections that a fault is for, or has those go in order whose row's server drains.
    /// Says how many there are.
    fn cut(&self, fault: &Fault) -> usize {
        let rows = self.rows_hit(fault);
        let mut count = 0;
        for (label, row) in &rows {
            if row.drains() {
                let conns = self.matching(|sub| sub == Some(label.as_str()));
                count += conns.len();
                row.drain(conns);
            } else {
                row.forget_queue();
            }
        }
        let goes_in_order =
            |sub: Option<&str>| rows.iter().any(|(label, row)| row.drains() && sub == Some(label.as_str()));
        count + self.reset(|sub| faults::hits(fault, sub) && !goes_in_order(sub))
    }

    fn rows_hit(&self, fault: &Fault) -> Vec<(String, Arc<RowServer>)> {
        let rows = lock(&self.rows);
        let hit = rows.iter().filter(|(label, _)| faults::hits(fault, Some(label)));
        hit.map(|(label, row)| (label.clone(), Arc::clone(row))).collect()
    }

    /// From now on, and for as long as what is returned is there, the clients of this label meet this
    /// server.
    pub(crate) fn serve_row(self: &Arc<Self>, label: &str, row: RowServer) -> RowServed {
        let row = Arc::new(row);
        lock(&self.rows).insert(label.to_owned(), Arc::clone(&row));
        RowServed { link: Arc::clone(self), label: label.to_owned(), row }
    }

    pub(super) fn row(&self, sub: Option<&str>) -> Option<Arc<RowServer>> {
        lock(&self.rows).get(sub?).cloned()
    }

    /// No conditions and no faults any more.
    pub(crate) fn clear(&self) {
        self.set_conditions(Conditions::default());
        lock(&self.faults).clear();
    }

    /// Resets every connection that serves the topic now and whose subscriber is meant, and says
    /// how many.
    pub(crate) fn reset(&self, meant: impl Fn(Option<&str>) -> bool) -> usize {
        let conns = self.matching(meant);
        conns.iter().for_each(|conn| conn.reset());
        conns.len()
    }

    /// Lets every connection go dead that serves the topic now and whose subscriber is meant, and
    /// says how many.
    fn half_open(&self, meant: impl Fn(Option<&str>) -> bool) -> usize {
        let conns = self.matching(meant);
        conns.iter().for_each(|conn| conn.half_open());
        conns.len()
    }

    /// Resets every connection that nobody could watch: those that began to serve the topic before
    /// there was an experiment on it. They come back, and are seen.
    pub(crate) fn reset_unseen(&self) {
        self.matching(|_| true).iter().filter(|conn| !conn.is_tapped()).for_each(|conn| conn.reset());
    }

    fn matching(&self, meant: impl Fn(Option<&str>) -> bool) -> Vec<Arc<Conn>> {
        // The locks are taken one after another: a connection asks for them in the other order.
        let conns: Vec<Arc<Conn>> = lock(&self.serving).values().filter_map(Weak::upgrade).collect();
        // Nothing gets through to a dead connection any more, no fault either.
        conns.into_iter().filter(|conn| !conn.is_dead() && conn.serves(self, &meant)).collect()
    }

    pub(super) fn enter(&self, conn: &Arc<Conn>) {
        lock(&self.serving).insert(conn.id, Arc::downgrade(conn));
    }

    pub(super) fn leave(&self, conn: u64) {
        lock(&self.serving).remove(&conn);
    }

    pub(super) fn verdict(&self, via: Via, sub: Option<&str>) -> Verdict {
        lock(&self.faults).verdict(Instant::now(), via, sub)
    }

    pub(super) fn stalled_until(&self, sub: Option<&str>) -> Option<Instant> {
        lock(&self.faults).stalled_until(Instant::now(), sub)
    }
}

/// Dropping it takes a row's server away.
#[derive(Debug)]
pub(crate) struct RowServed {
    link: Arc<Link>,
    label: String,
    row: Arc<RowServer>,
}

impl Drop for RowServed {
    fn drop(&mut self) {
        let mut rows = lock(&self.link.rows);
        // Another may have taken its place.
        if rows.get(&self.label).is_some_and(|row| Arc::ptr_eq(row, &self.row)) {
            rows.remove(&self.label);
        }
    }
}

/// The links of all experiments' topics, by the topic's name.
#[derive(Debug, Default)]
pub(crate) struct Links(Mutex<HashMap<String, Weak<Link>>>);

impl Links {
    /// The link of this topic. There are never more than connections and experiments.
    pub(crate) fn of(&self, topic: &str) -> Arc<Link> {
        let mut links = lock(&self.0);
        if let Some(link) = links.get(topic).and_then(Weak::upgrade) {
            return link;
        }
        // Each time the table would have to grow, it is rid of those that nobody uses any more.
        if links.len() == links.capacity() {
            links.retain(|_, link| link.strong_count() > 0);
        }
        let link = Arc::new(Link::default());
        links.insert(topic.to_owned(), Arc::downgrade(&link));
        link
    }
}
