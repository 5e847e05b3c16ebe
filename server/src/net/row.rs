//! What a crowd's row meets: a server that takes so much and no more, and that does something so that
//! its clients don't all come back at once. The model gives each row the same (`standby_sim::herd`).
//!
//! - Requests and handshakes are answered one after another; what can't wait is turned away.
//! - Each event stream is told a `retry:` of its own (HTML §9.2.6).
//! - Whoever is turned away is told when to come back (`Retry-After`, RFC 9110 §10.2.3).
//! - Where all connections would be cut they are let go one after another, each as its transport ends:
//!   a stream with its last chunk, a held poll with an empty answer, a socket with 1001.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::scenario::Spreading;
use standby_trace::tap::Via;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::conn::Conn;
use super::faults::Verdict;
use super::lock;
use crate::AppState;

/// Nobody waits longer to be answered: whoever would have to is turned away at once. The model's
/// clients leave after so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The server of one row.
#[derive(Debug)]
pub(crate) struct RowServer {
    /// How long one answer takes it; nothing, where it takes all that come.
    answer: Duration,
    /// So many can wait.
    backlog: u32,
    spreading: Spreading,
    line: Mutex<Line>,
    /// Of the waits that it tells.
    random: Mutex<Xoshiro256PlusPlus>,
    /// The drain that is under way.
    drain: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// Who stands before it.
#[derive(Debug)]
struct Line {
    /// So many more are taken as if there were no limit.
    openings: u32,
    /// Until when it works on what it has promised; `None`: it has promised nothing.
    busy_until: Option<Instant>,
}

impl RowServer {
    /// `capacity_s`: requests and handshakes that it answers a second; 0: as many as come. The first
    /// `openings` don't count: in the model, too, all are connected when a run begins, and a herd that
    /// has to come before it can come back would take as long once more.
    pub(crate) fn new(
        (capacity_s, backlog): (u32, u32),
        spreading: Spreading,
        openings: u32,
        seed: u64,
    ) -> Self {
        Self {
            answer: Duration::from_secs(1).checked_div(capacity_s).unwrap_or_default(),
            backlog,
            spreading,
            line: Mutex::new(Line { openings, busy_until: None }),
            random: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)),
            drain: Mutex::default(),
        }
    }

    /// Whether it lets its clients go in order where others are cut.
    pub(super) fn drains(&self) -> bool {
        self.spreading.drain_ms > 0
    }

    /// What becomes of a request that has arrived, as soon as it is known. `verdict` is what the faults
    /// say: one that drains is never down, because the next server answers before it goes.
    pub(super) async fn look_at(&self, verdict: Verdict, via: Via) -> Verdict {
        let is_down = verdict == Verdict::Refuse && !self.drains();
        if is_down || matches!(verdict, Verdict::Unavailable { .. }) || via.transport().is_none() {
            return verdict;
        }
        if let Some(at) = self.arrive(Instant::now()) {
            sleep_until(at).await;
            return Verdict::Pass;
        }
        match (self.retry_after_s(), via) {
            (None, Via::WebSocket | Via::Sse) => Verdict::Refuse,
            // A poll that is cut could have been held, too: only an answer shows that it was turned away.
            (retry_after_s, _) => Verdict::Unavailable { retry_after_s },
        }
    }

    /// When one that arrives now is answered; `None`: it is turned away.
    fn arrive(&self, now: Instant) -> Option<Instant> {
        if self.answer.is_zero() {
            return Some(now);
        }
        let mut line = lock(&self.line);
        if line.openings > 0 {
            line.openings -= 1;
            return Some(now);
        }
        let at = line.busy_until.map_or(now, |until| until.max(now));
        let wait = at - now;
        // Those who wait already, each an answer's time before the next.
        let ahead = wait.as_nanos().div_ceil(self.answer.as_nanos()).saturating_sub(1);
        if !wait.is_zero() && (ahead >= self.backlog.into() || wait > PATIENCE) {
            return None;
        }
        line.busy_until = Some(at + self.answer);
        Some(at)
    }

    /// It goes on where it is then: nothing is answered before.
    pub(super) fn stall(&self, until: Instant) {
        let mut line = lock(&self.line);
        line.busy_until = Some(line.busy_until.map_or(until, |busy| busy.max(until)));
    }

    /// All who wait are cut.
    pub(super) fn forget_queue(&self) {
        lock(&self.line).busy_until = None;
    }

    /// Lets connections go one after another, in the order in which they came.
    pub(super) fn drain(&self, mut conns: Vec<Arc<Conn>>) {
        conns.sort_unstable_by_key(|conn| conn.id);
        let conns: Vec<_> = conns.iter().map(Arc::downgrade).collect();
        let (began, over) = (Instant::now(), Duration::from_millis(self.spreading.drain_ms.into()));
        let count = u32::try_from(conns.len()).unwrap_or(u32::MAX);
        let task = tokio::spawn(async move {
            for (closed, conn) in (1..).zip(conns) {
                sleep_until(began + over * closed / count).await;
                if let Some(conn) = conn.upgrade() {
                    conn.leave();
                }
            }
        });
        // Those of an earlier one that are still there are among these.
        *lock(&self.drain) = Some(AbortOnDropHandle::new(task));
    }

    /// `retry:` for one more event stream, whose subscriber would be told `asked_ms` by any other.
    fn retry_ms(&self, asked_ms: u32) -> u32 {
        asked_ms.saturating_add(self.up_to(self.spreading.retry_spread_ms))
    }

    /// `Retry-After` for one more that is turned away. It names whole seconds; the rest of one is the
    /// client's to add.
    fn retry_after_s(&self) -> Option<u32> {
        match self.spreading.retry_after_ms {
            0 => None,
            most => Some(self.up_to(most.div_ceil(1_000))),
        }
    }

    /// A random number from 0 to `most`, both included.
    fn up_to(&self, most: u32) -> u32 {
        if most == 0 {
            return 0;
        }
        // The high half of a product, as in the clients' own waits.
        let bits = u128::from(lock(&self.random).next_u64());
        u32::try_from((bits * (u128::from(most) + 1)) >> 64).unwrap_or(most)
    }
}

/// What a handler has to know of who serves its request.
#[derive(Clone, Debug)]
pub struct Served {
    /// Cancelled when whoever is held is to be let go in order: the server stops, or the row's does.
    pub leaving: CancellationToken,
    row: Option<Arc<RowServer>>,
}

impl Served {
    pub(super) fn by(row: Arc<RowServer>, conn: &Conn, shutdown: &CancellationToken) -> Self {
        let leaving = if row.drains() { conn.leaving(shutdown) } else { shutdown.clone() };
        Self { leaving, row: Some(row) }
    }

    /// `retry:` for an event stream: `retry_ms`, and what a crowd's row adds to spread its clients.
    #[must_use]
    pub fn retry_ms(&self, retry_ms: u32) -> u32 {
        self.row.as_ref().map_or(retry_ms, |row| row.retry_ms(retry_ms))
    }
}

impl FromRequestParts<AppState> for Served {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let own = parts.extensions.get::<Self>().cloned();
        Ok(own.unwrap_or_else(|| Self { leaving: app.shutdown.clone(), row: None }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn row(capacity_s: u32, backlog: u32, spreading: Spreading) -> RowServer {
        RowServer::new((capacity_s, backlog), spreading, 0, 7)
    }

    const NONE: Spreading = Spreading { retry_spread_ms: 0, retry_after_ms: 0, drain_ms: 0 };

    #[test]
    fn answers_come_one_after_another_and_who_does_not_fit_is_turned_away() {
        let (now, row) = (Instant::now(), row(10, 2, NONE));
        let said: Vec<_> = (0..5).map(|_| row.arrive(now).map(|at| at - now)).collect();
        assert_eq!(said, [Some(ms(0)), Some(ms(100)), Some(ms(200)), None, None]);
        // One has been answered since, and there is a place again.
        assert_eq!(row.arrive(now + ms(100)).map(|at| at - now), Some(ms(300)));
        assert_eq!(row.arrive(now + ms(100)), None);
        // Idle again, it owes nobody the time that it had.
        assert_eq!(row.arrive(now + ms(5_000)).map(|at| at - now), Some(ms(5_000)));
    }

    #[test]
    fn they_all_may_come_before_it_has_a_limit() {
        let (now, row) = (Instant::now(), RowServer::new((10, 0), NONE, 100, 7));
        assert!((0..100).all(|_| row.arrive(now) == Some(now)));
        assert_eq!([row.arrive(now), row.arrive(now)], [Some(now), None]);
    }

    #[test]
    fn it_takes_as_many_a_second_as_it_is_told_and_the_same_as_the_models() {
        for capacity_s in [1, 7, 300, 9_000] {
            let (now, row) = (Instant::now(), row(capacity_s, 1_000_000, NONE));
            let within = |at: Instant| at - now < ms(3_000);
            let answered = (0..50_000).filter(|_| row.arrive(now).is_some_and(within)).count();
            let most = capacity_s as usize * 3;
            assert!((most..=most + 1).contains(&answered), "{capacity_s}: {answered}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_its_patience_and_all_are_taken_where_there_is_no_limit() {
        let now = Instant::now();
        let slow = row(1, 1_000_000, NONE);
        let last = (0..100).filter_map(|_| slow.arrive(now)).max();
        assert_eq!(last, Some(now + PATIENCE));
        let free = row(0, 0, NONE);
        assert!((0..100).all(|_| free.arrive(now) == Some(now)));
    }

    #[test]
    fn a_stall_holds_everybody_and_a_cut_frees_the_queue() {
        let (now, row) = (Instant::now(), row(10, 5, NONE));
        row.stall(now + ms(300));
        assert_eq!(row.arrive(now), Some(now + ms(300)));
        row.forget_queue();
        assert_eq!(row.arrive(now), Some(now));
    }

    #[test]
    fn what_it_tells_is_spread_within_its_bounds_and_the_same_for_the_same_seed() {
        let spreading = Spreading { retry_spread_ms: 12_000, retry_after_ms: 2_500, drain_ms: 0 };
        let told = || {
            let row = row(0, 0, spreading);
            let streams: Vec<_> = (0..500).map(|_| row.retry_ms(2_000)).collect();
            let away: Vec<_> = (0..500).filter_map(|_| row.retry_after_s()).collect();
            (streams, away)
        };
        let (streams, away) = told();
        assert_eq!(told(), (streams.clone(), away.clone()));
        assert!(streams.iter().all(|ms| (2_000..=14_000).contains(ms)));
        for third in 0..3 {
            let range = 2_000 + third * 4_000..2_000 + (third + 1) * 4_000;
            let count = streams.iter().filter(|ms| range.contains(*ms)).count();
            assert!((120..=210).contains(&count), "{count} of 500 in {range:?}");
        }
        // Up to the next whole second: the header has no others.
        assert!((0..=3).all(|s| away.contains(&s)) && away.iter().all(|s| *s <= 3));
        assert_eq!(row(0, 0, NONE).retry_after_s(), None);
        assert_eq!(row(0, 0, NONE).retry_ms(1_500), 1_500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_lets_go_of_one_after_another_within_its_time() {
        let row = row(0, 0, Spreading { drain_ms: 1_000, ..NONE });
        let shutdown = CancellationToken::new();
        let conns: Vec<_> = (0..4).map(|_| Conn::new(([127, 0, 0, 1], 1).into())).collect();
        let leaving: Vec<_> = conns.iter().map(|conn| conn.leaving(&shutdown)).collect();
        let began = Instant::now();
        row.drain(conns.clone());
        for (at_ms, token) in [250, 500, 750, 1_000].into_iter().zip(&leaving) {
            token.cancelled().await;
            assert_eq!(began.elapsed(), ms(at_ms));
        }
        assert!(!shutdown.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_drains_is_never_down_and_whoever_is_turned_away_is_told_in_words_it_can_read() {
        let draining = row(0, 0, Spreading { drain_ms: 1_000, ..NONE });
        assert_eq!(draining.look_at(Verdict::Refuse, Via::WebSocket).await, Verdict::Pass);
        let plain = row(1, 0, NONE);
        assert_eq!(plain.look_at(Verdict::Refuse, Via::Sse).await, Verdict::Refuse);
        assert_eq!(plain.look_at(Verdict::Pass, Via::Sse).await, Verdict::Pass);
        assert_eq!(plain.look_at(Verdict::Pass, Via::Sse).await, Verdict::Refuse);
        let unavailable = Verdict::Unavailable { retry_after_s: None };
        assert_eq!(plain.look_at(Verdict::Pass, Via::LongPoll).await, unavailable);
        assert_eq!(plain.look_at(Verdict::Pass, Via::Publish).await, Verdict::Pass);
        let tells = row(1, 0, Spreading { retry_after_ms: 100, ..NONE });
        assert_eq!(tells.look_at(Verdict::Pass, Via::Sse).await, Verdict::Pass);
        let Verdict::Unavailable { retry_after_s: Some(0..=1) } =
            tells.look_at(Verdict::Pass, Via::Sse).await
        else {
            panic!("it tells when to come back")
        };
    }
}
