//! A live run: an experiment on the book's server with a crowd of real clients in each row.
//!
//! There may be so many clients at the same time: either all rows run at once, and they are split between
//! them, or the rows run one after another, and each has all of them. When all are connected, the faults of
//! the scenario come as planned, and the picture's time begins. Each row's clients meet a server of their
//! own, which takes as much for each of them as in the scenario and does what is said there to spread them.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Either, abortable, select};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::TimeoutFuture;
use standby_api::{Api, NoAnswer, RowServer, StartCrowd};
use standby_dom::time;
use standby_trace::crowd::{Cost, TALLIES, TALLY_US, Tally};
use standby_trace::scenario::{Fault, LaneSpec, Scenario};
use standby_trace::tap::{CrowdTally, ExperimentStarted, ToObserver};
use wasm_bindgen_futures::spawn_local;

/// So many clients at the same time. Two cores bring that many back at once without being what is measured.
pub(crate) const MOST_CLIENTS: u32 = 2_000;
/// The clients of a row begin one after another within so long.
const RAMP_MS: u32 = 1_500;
/// All clients have to be connected within so long.
const OPEN_US: i64 = 30_000_000;
/// Without a word for so long the connection is dead: crowds tell ten times a second.
const SILENT_US: i64 = 10_000_000;
/// A row may be so late with its last tally.
const LATE_US: i64 = 15_000_000;

/// What starts a server.
const START: &str = "“cargo xtask serve”";

/// What a live run tells.
pub(crate) enum Told {
    /// How many clients there are in each row.
    Begun(u32),
    /// This row's turn has come, or all rows' from this one on.
    Row(usize),
    /// So many are connected.
    Open(u32),
    /// What a row's clients did within a tenth of a second.
    Tally { row: usize, at: usize, tally: Tally },
    /// The picture is whole, and the crowd gone.
    Done(Option<Used>),
    /// It was stopped, and the crowd is gone.
    Stopped,
    /// It can't be run, for this reason.
    Failed(String),
}

/// What a crowd cost the server in its last second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Connections that were open.
    pub(crate) open: u32,
    /// Memory over what the server had before they came.
    pub(crate) more_bytes: u64,
    /// Processor time, and within how long.
    pub(crate) cpu_us: u64,
    pub(crate) span_us: u64,
}

type AtWork = Rc<RefCell<Option<(Api, ExperimentStarted)>>>;

/// A run under way. To drop it is to stop it.
pub(crate) struct Live(AbortHandle);

impl Live {
    /// Starts it. The last that `tell` gets is one of done, stopped, failed.
    pub(crate) fn start(scenario: Scenario, in_turn: bool, tell: impl Fn(Told) + 'static) -> Self {
        let tell = Rc::new(tell);
        let at_work = AtWork::default();
        let (own, own_tell) = (at_work.clone(), tell.clone());
        let (running, stop) = abortable(async move { run(&scenario, in_turn, &own, &*own_tell).await });
        spawn_local(async move {
            let last = match running.await {
                Ok(Ok(used)) => Told::Done(used),
                Ok(Err(why)) => Told::Failed(why),
                Err(_) => Told::Stopped,
            };
            let at_work = at_work.borrow_mut().take();
            if let Some((api, started)) = at_work {
                // A server that can't be reached ends it by itself, some seconds after the observer has gone.
                let _ = api.end_crowds(&started).await;
            }
            tell(last);
        });
        Self(stop)
    }

    /// Ends it, and tells when its clients are gone.
    pub(crate) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How many clients a row has, where the server opens `cap` in all and so many rows run at once.
pub(crate) fn each(scenario: &Scenario, cap: u32, at_once: u32) -> u32 {
    scenario.clients.min(MOST_CLIENTS.min(cap) / at_once.max(1))
}

async fn run(
    scenario: &Scenario,
    in_turn: bool,
    at_work: &AtWork,
    tell: &dyn Fn(Told),
) -> Result<Option<Used>, String> {
    let api = standby_api::find(&crate::root()).await.map_err(|looked_at| match looked_at {
        Some(at) => format!("No server answers at {at}. Start one in the book's repository: {START}."),
        None => format!("This copy of the book has no server behind it. In its repository run {START}."),
    })?;
    // The server plays no crowd by itself, and its faults wait until all are connected.
    let plain = Scenario { clients: 1, crowd: None, faults: Vec::new(), ..scenario.clone() };
    let started = api.start(&plain, None).await.map_err(why)?;
    *at_work.borrow_mut() = Some((api.clone(), started.clone()));
    let mut socket = WebSocket::open(&api.observe(&started)).map_err(|e| e.to_string())?;
    // Its first word, so that no tally is missed.
    hear(&mut socket, SILENT_US).await?;

    let all: Vec<usize> = (0..scenario.lanes.len()).collect();
    let at_once = if in_turn { 1 } else { all.len() };
    // Only an answer says how many the server opens.
    let cap = api.start_crowd(&started, &crowd(scenario, 0, 1)).await.map_err(why)?;
    let each = each(scenario, cap, at_once as u32);
    if each == 0 {
        return Err(format!(
            "This server opens {cap} clients at most, fewer than there are rows ({at_once}). Start it with \
             “--crowd {MOST_CLIENTS}”."
        ));
    }
    tell(Told::Begun(each));
    let mut watch = Watch::new(scenario, each);
    for rows in all.chunks(at_once) {
        tell(Told::Row(rows[0]));
        for row in rows {
            api.start_crowd(&started, &crowd(scenario, *row, each)).await.map_err(why)?;
        }
        let faults = faults(scenario, rows);
        watch
            .follow(rows, &faults, &mut socket, tell, async |fault| api.fault(&started, fault).await)
            .await?;
        if in_turn {
            api.end_crowds(&started).await.map_err(why)?;
        }
    }
    Ok(watch.used(all.chunks(at_once).next_back().unwrap_or_default()))
}

/// What is asked for one row with so many clients.
fn crowd(scenario: &Scenario, row: usize, clients: u32) -> StartCrowd {
    let crowd = scenario.with_fewer(clients).crowd;
    StartCrowd {
        row: row as u16,
        clients,
        lane: scenario.lanes[row],
        ramp_ms: RAMP_MS,
        hold_ms: scenario.window_ms.saturating_add(60_000).min(600_000),
        in_phase: crowd.as_ref().is_some_and(|crowd| crowd.in_phase),
        server: crowd.map(|crowd| RowServer {
            capacity_s: crowd.capacity_s,
            backlog: crowd.backlog,
            spreading: crowd.servers.get(row).copied().unwrap_or_default(),
        }),
    }
}

/// What the server says next, within so long.
async fn hear(socket: &mut WebSocket, within_us: i64) -> Result<ToObserver, String> {
    let within_ms = u32::try_from(within_us / 1_000 + 1).unwrap_or(1);
    match select(Box::pin(socket.next()), TimeoutFuture::new(within_ms)).await {
        Either::Left((Some(Ok(Message::Text(text))), _)) => {
            standby_trace::json::read(&text).map_err(|e| format!("The server can't be understood: {e}."))
        }
        Either::Left(_) => Err("The connection to the server broke. Is it still running?".to_owned()),
        Either::Right(_) => Err("The server says nothing any more.".to_owned()),
    }
}

fn why(no_answer: NoAnswer) -> String {
    match no_answer {
        NoAnswer::Network => "The server can't be reached. Is it still running?".to_owned(),
        NoAnswer::TooLate => "The server did not answer in time.".to_owned(),
        NoAnswer::Refused { said, .. } => said,
    }
}

/// What goes wrong, and when, for these rows. Of one moment what is cut comes last: who is cut must not come
/// back before the server is down.
fn faults(scenario: &Scenario, rows: &[usize]) -> Vec<(u32, Fault)> {
    let label = |sub: &Option<String>| match (sub, rows) {
        // In one message, so that it comes to all in the same instant.
        (None, [_, _, ..]) => Some(None),
        (None, rows) => Some(Some(format!("crowd-{}", rows.first()?))),
        (Some(sub), rows) => {
            let row = rows.iter().find(|row| scenario.sub(**row) == *sub)?;
            Some(Some(format!("crowd-{row}")))
        }
    };
    let own = |fault: &Fault| {
        let mut fault = fault.clone();
        let (Fault::Drop { sub }
        | Fault::HalfOpen { sub }
        | Fault::Refuse { sub, .. }
        | Fault::Stall { sub, .. }
        | Fault::Unavailable { sub, .. }) = &mut fault;
        *sub = label(sub)?;
        Some(fault)
    };
    let mut faults: Vec<_> =
        scenario.faults.iter().filter_map(|planned| Some((planned.at_ms, own(&planned.fault)?))).collect();
    faults.sort_by_key(|(at_ms, fault)| (*at_ms, matches!(fault, Fault::Drop { .. })));
    faults
}

/// Counts an attempt when it ends. A real one that begins within one tenth of a second and is turned away
/// in the next would look let in. A held poll ends late; it is not turned away late.
fn settled(lane: LaneSpec, tally: Tally) -> Tally {
    match lane {
        LaneSpec::LongPoll { .. } => tally,
        _ => Tally { arrivals: tally.served + tally.refused, ..tally },
    }
}

/// What was heard of one row.
#[derive(Default)]
struct Row {
    from_us: i64,
    /// When the picture's time begins for it, by the server's clock.
    zero_us: Option<i64>,
    tallies: Vec<Tally>,
    /// So many of them were told, or are before the picture's time.
    told: usize,
    most_open: u32,
    cost: Option<Cost>,
}

/// What was heard of all rows.
struct Watch {
    each: u32,
    window_ms: u32,
    /// The tallies of a whole row.
    all: usize,
    rows: Vec<Row>,
    /// When the last tally that was heard ended.
    heard_us: Option<i64>,
    last_cost: Option<Cost>,
}

impl Watch {
    fn new(scenario: &Scenario, each: u32) -> Self {
        Self {
            each,
            window_ms: scenario.window_ms,
            all: (i64::from(scenario.window_ms) * 1_000 / TALLY_US) as usize,
            rows: scenario.lanes.iter().map(|_| Row::default()).collect(),
            heard_us: None,
            last_cost: None,
        }
    }

    /// Follows rows whose crowds have begun, and lets go wrong what is to: until they are whole.
    async fn follow(
        &mut self,
        rows: &[usize],
        faults: &[(u32, Fault)],
        socket: &mut WebSocket,
        tell: &dyn Fn(Told),
        goes_wrong: impl AsyncFn(&Fault) -> Result<(), NoAnswer>,
    ) -> Result<(), String> {
        let mut left = faults.iter();
        let mut next = left.next();
        let mut began_us = None;
        let opens_until_us = time::now_us() + OPEN_US;
        loop {
            let now_us = time::now_us();
            let due_us =
                began_us.zip(next).map(|(began_us, (at_ms, _))| began_us + i64::from(*at_ms) * 1_000);
            if let (Some(due_us), Some((_, fault))) = (due_us, next)
                && now_us >= due_us
            {
                goes_wrong(fault).await.map_err(why)?;
                next = left.next();
                continue;
            }
            let until_us = due_us.unwrap_or(i64::MAX).min(now_us + SILENT_US);
            match hear(socket, until_us - now_us).await {
                Ok(ToObserver::Crowd(told)) => self.take(&told),
                Ok(ToObserver::Fault { at_us, .. }) => {
                    if let Some((at_ms, _)) = faults.first() {
                        self.begin_at(rows, at_us as i64 - i64::from(*at_ms) * 1_000);
                    }
                }
                Ok(ToObserver::Missed { .. }) => {
                    return Err("This page was too slow for all that happened, and its picture would have \
                                holes. Try it with fewer clients."
                        .to_owned());
                }
                Ok(_) => {}
                // A fault is due.
                Err(_) if due_us.is_some_and(|due_us| time::now_us() >= due_us) => {}
                Err(why) => return Err(why),
            }
            if began_us.is_none() {
                tell(Told::Open(self.open(rows)));
                if self.all_were_open(rows) {
                    began_us = Some(time::now_us());
                    if let (Some(heard_us), []) = (self.heard_us, faults) {
                        self.begin_at(rows, heard_us);
                    }
                } else if time::now_us() > opens_until_us {
                    let (open, of) = (self.open(rows), self.each * rows.len() as u32);
                    return Err(format!("Only {open} of {of} clients could connect within 30 s."));
                }
            }
            self.tell(tell);
            if self.is_whole(rows) {
                return Ok(());
            }
            let length_us = i64::from(self.window_ms) * 1_000;
            if began_us.is_some_and(|began_us| time::now_us() > began_us + length_us + LATE_US) {
                return Err("A row has told nothing more: its clients have ended.".to_owned());
            }
        }
    }

    /// The picture's time begins at this moment, if it has not begun.
    fn begin_at(&mut self, rows: &[usize], zero_us: i64) {
        for row in rows {
            self.rows[*row].zero_us.get_or_insert(zero_us);
        }
    }

    fn take(&mut self, told: &CrowdTally) {
        let CrowdTally { row, from_us, clients, lane, tally, cost, .. } = *told;
        let Some(row) = self.rows.get_mut(usize::from(row)) else { return };
        let from_us = from_us as i64;
        if row.from_us != from_us {
            // Another crowd took its place.
            *row = Row { from_us, ..Row::default() };
        }
        if clients != self.each || row.tallies.len() >= TALLIES {
            return;
        }
        row.tallies.push(settled(lane, tally));
        row.most_open = row.most_open.max(tally.open);
        self.heard_us = Some(from_us + row.tallies.len() as i64 * TALLY_US);
        if cost.is_some() {
            row.cost = cost;
            self.last_cost = cost;
        }
    }

    /// How many are connected.
    fn open(&self, rows: &[usize]) -> u32 {
        rows.iter().filter_map(|row| self.rows[*row].tallies.last()).map(|tally| tally.open).sum()
    }

    /// A poller is not connected at every moment: that each row once was whole is enough.
    fn all_were_open(&self, rows: &[usize]) -> bool {
        rows.iter().all(|row| self.rows[*row].most_open >= self.each)
    }

    /// The place of a row's first tally on the picture's axis, in tallies.
    fn first_at(row: &Row) -> Option<i64> {
        let after_us = row.from_us - row.zero_us?;
        // Rows begin at moments of their own: to the nearest.
        Some((after_us + TALLY_US / 2).div_euclid(TALLY_US))
    }

    /// Tells what of the rows is new and within the picture.
    fn tell(&mut self, tell: &dyn Fn(Told)) {
        for index in 0..self.rows.len() {
            let Some(first_at) = Self::first_at(&self.rows[index]) else { continue };
            let row = &mut self.rows[index];
            while let Some(tally) = row.tallies.get(row.told).copied() {
                let at = first_at + row.told as i64;
                row.told += 1;
                if let Ok(at) = usize::try_from(at)
                    && at < self.all
                {
                    tell(Told::Tally { row: index, at, tally });
                }
            }
        }
    }

    fn is_whole(&self, rows: &[usize]) -> bool {
        rows.iter().all(|row| {
            let row = &self.rows[*row];
            Self::first_at(row).is_some_and(|first_at| first_at + row.told as i64 >= self.all as i64)
        })
    }

    /// From the last second of all rows: a single row's cost would be that of the others, too.
    fn used(&self, rows: &[usize]) -> Option<Used> {
        let cost = self.last_cost?;
        let costs = rows.iter().filter_map(|row| self.rows[*row].cost);
        let before_bytes = costs.filter_map(|cost| cost.memory_before_bytes).min()?;
        Some(Used {
            open: self.open(rows),
            more_bytes: cost.memory_bytes?.saturating_sub(before_bytes),
            cpu_us: cost.cpu_us?,
            span_us: cost.span_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        Scenario::from_json(
            r#"{"v":1,"lanes":[
                {"transport":"websocket","backoff":{"kind":"fixed","base_ms":3000}},
                {"transport":"sse","retry_ms":2000},
                {"transport":"websocket","backoff":{"kind":"full-jitter","base_ms":1000,"cap_ms":30000}}],
                "publish":{"every_ms":1000},
                "faults":[{"at_ms":1000,"kind":"drop"},{"at_ms":1000,"kind":"refuse","for_ms":2000},
                    {"at_ms":500,"kind":"drop","sub":"websocket-2"},{"at_ms":700,"kind":"drop","sub":"sse"}],
                "clients":100000,
                "crowd":{"capacity_s":1000,"backlog":10,"servers":[{},{"retry_spread_ms":12000}]},
                "window_ms":2000}"#,
        )
        .unwrap()
    }

    #[test]
    fn clients_are_split_between_the_rows_that_run_at_once() {
        let mut scenario = scenario();
        assert_eq!(each(&scenario, 5_000, 3), 666);
        assert_eq!(each(&scenario, 5_000, 1), 2_000);
        assert_eq!(each(&scenario, 301, 3), 100);
        assert_eq!(each(&scenario, 1, 3), 0);
        scenario.clients = 20;
        assert_eq!(each(&scenario, 5_000, 3), 20);
    }

    #[test]
    fn a_rows_server_takes_less_in_proportion_and_spreads_as_it_is_said() {
        let StartCrowd { server, row, clients, .. } = crowd(&scenario(), 1, 2_000);
        let server = server.unwrap();
        assert_eq!((row, clients, server.capacity_s, server.backlog), (1, 2_000, 20, 10));
        assert_eq!(server.spreading.retry_spread_ms, 12_000);
        assert_eq!(crowd(&scenario(), 2, 2_000).server.unwrap().spreading, Default::default());
    }

    #[test]
    fn who_is_cut_finds_the_server_down_and_a_label_is_the_rows_own() {
        let drop = |row: &str| Fault::Drop { sub: Some(row.into()) };
        assert_eq!(
            faults(&scenario(), &[0, 1, 2]),
            [
                (500, drop("crowd-2")),
                (700, drop("crowd-1")),
                (1_000, Fault::Refuse { sub: None, for_ms: 2_000 }),
                (1_000, Fault::Drop { sub: None }),
            ]
        );
        // In its turn a row has only its own.
        let refuse = Fault::Refuse { sub: Some("crowd-1".into()), for_ms: 2_000 };
        assert_eq!(
            faults(&scenario(), &[1]),
            [(700, drop("crowd-1")), (1_000, refuse), (1_000, drop("crowd-1"))]
        );
    }

    fn told(row: u16, from_us: u64, clients: u32, open: u32) -> CrowdTally {
        let lane = scenario().lanes[0];
        let tally = Tally { open, ..Tally::default() };
        CrowdTally { row, clients, lane, from_us, index: 0, tally, cost: None }
    }

    #[test]
    fn who_is_turned_away_a_moment_later_never_looks_let_in() {
        let lane = scenario().lanes[0];
        let [began, ended] =
            [Tally { arrivals: 9, ..Tally::default() }, Tally { refused: 9, ..Tally::default() }];
        assert_eq!(settled(lane, began).arrivals, 0);
        assert_eq!(settled(lane, ended).arrivals, 9);
    }

    #[test]
    fn rows_that_begin_at_their_own_moments_stand_on_one_axis() {
        let mut watch = Watch::new(&scenario(), 5);
        // The one that asked for the cap is none of the picture's.
        watch.take(&told(0, 900_000, 1, 1));
        for at in 0..30 {
            watch.take(&told(0, 1_000_000, 5, at.min(5)));
            watch.take(&told(2, 1_230_000, 5, at.min(5)));
        }
        assert!(watch.all_were_open(&[0, 2]));
        let heard = RefCell::new(Vec::new());
        let tell = |told| {
            if let Told::Tally { row, at, tally } = told {
                heard.borrow_mut().push((row, at, tally.open));
            }
        };
        watch.tell(&tell);
        assert!(heard.borrow().is_empty() && !watch.is_whole(&[0, 2]));
        watch.begin_at(&[0, 2], 1_410_000);
        watch.begin_at(&[0, 2], 0);
        watch.tell(&tell);
        let heard = heard.into_inner();
        let of = |row| heard.iter().filter(|told| told.0 == row).copied().collect::<Vec<_>>();
        assert_eq!((of(0)[0], of(2)[0]), ((0, 0, 4), (2, 0, 2)));
        assert_eq!((of(0).len(), of(2).len()), (20, 20));
        assert!(watch.is_whole(&[0, 2]));
    }
}
