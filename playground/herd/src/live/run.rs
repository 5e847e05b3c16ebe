//! A live run: an experiment on the book's server with a crowd of real clients in each row.
//!
//! All rows share one server, and so their clients are split between them. When all are connected, the
//! faults of the scenario come as planned, and the picture's time begins.

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Either, abortable, select};
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use gloo_timers::future::TimeoutFuture;
use standby_api::{Api, NoAnswer, StartCrowd};
use standby_dom::time;
use standby_figure::herd::can_be_live;
use standby_trace::crowd::{Cost, TALLIES, TALLY_US, Tally};
use standby_trace::scenario::{Fault, LaneSpec, Scenario};
use standby_trace::tap::{CrowdTally, ExperimentStarted, ToObserver};
use wasm_bindgen_futures::spawn_local;

/// So many clients in all. Two cores bring that many back at once without being what is measured.
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
    pub(crate) fn start(scenario: Scenario, tell: impl Fn(Told) + 'static) -> Self {
        let tell = Rc::new(tell);
        let at_work = AtWork::default();
        let (own, own_tell) = (at_work.clone(), tell.clone());
        let (running, stop) = abortable(async move { run(&scenario, &own, &*own_tell).await });
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

/// The rows that real clients can be.
pub(crate) fn rows(scenario: &Scenario) -> Vec<usize> {
    (0..scenario.lanes.len()).filter(|row| can_be_live(scenario, *row)).collect()
}

/// How many clients a row has, where the server opens `cap` in all.
pub(crate) fn each(scenario: &Scenario, cap: u32) -> u32 {
    let rows = u32::try_from(rows(scenario).len()).unwrap_or(u32::MAX).max(1);
    scenario.clients.min(MOST_CLIENTS.min(cap) / rows)
}

async fn run(scenario: &Scenario, at_work: &AtWork, tell: &dyn Fn(Told)) -> Result<Option<Used>, String> {
    let api = standby_api::find(&crate::root()).await.map_err(|looked_at| match looked_at {
        Some(at) => format!("No server answers at {at}. Start one in the book's repository: {START}."),
        None => format!("This copy of the book has no server behind it. In its repository run {START}."),
    })?;
    // The server plays no crowd by itself, and its faults wait until all are connected.
    let plain = Scenario { clients: 1, crowd: None, faults: Vec::new(), ..scenario.clone() };
    let started = api.start(&plain, None).await.map_err(why)?;
    *at_work.borrow_mut() = Some((api.clone(), started.clone()));
    let mut socket = WebSocket::open(&api.observe(&started)).map_err(|e| e.to_string())?;
    let mut watch = Watch::new(scenario);
    // Its first word, so that no tally is missed.
    hear(&mut socket, SILENT_US).await?;

    let rows = rows(scenario);
    let crowd = |row: usize, clients| StartCrowd {
        row: row as u16,
        clients,
        lane: scenario.lanes[row],
        ramp_ms: RAMP_MS,
        hold_ms: scenario.window_ms.saturating_add(60_000).min(600_000),
        in_phase: scenario.crowd.as_ref().is_some_and(|crowd| crowd.in_phase),
    };
    let Some(first) = rows.first() else { return Err("None of these rows can be live.".to_owned()) };
    // Only an answer says how many the server opens.
    let cap = api.start_crowd(&started, &crowd(*first, 1)).await.map_err(why)?;
    watch.each = each(scenario, cap);
    if watch.each == 0 {
        let rows = rows.len();
        return Err(format!(
            "This server opens {cap} clients at most, fewer than there are rows ({rows}). Start it with \
             “--crowd {MOST_CLIENTS}”."
        ));
    }
    tell(Told::Begun(watch.each));
    for row in &rows {
        api.start_crowd(&started, &crowd(*row, watch.each)).await.map_err(why)?;
    }

    let faults = faults(scenario);
    let mut left = faults.iter();
    let mut next = left.next();
    let mut began_us = None;
    let opens_until_us = time::now_us() + OPEN_US;
    loop {
        let now_us = time::now_us();
        let due_us = began_us.zip(next).map(|(began_us, (at_ms, _))| began_us + i64::from(*at_ms) * 1_000);
        if let (Some(due_us), Some((_, fault))) = (due_us, next)
            && now_us >= due_us
        {
            api.fault(&started, fault).await.map_err(why)?;
            next = left.next();
            continue;
        }
        let until_us = due_us.unwrap_or(i64::MAX).min(now_us + SILENT_US);
        match hear(&mut socket, until_us - now_us).await {
            Ok(ToObserver::Crowd(told)) => watch.take(&told),
            Ok(ToObserver::Fault { at_us, .. }) => {
                watch.zero_us = watch
                    .zero_us
                    .or(faults.first().map(|(at_ms, _)| at_us as i64 - i64::from(*at_ms) * 1_000));
            }
            Ok(ToObserver::Missed { .. }) => {
                return Err(
                    "This page was too slow for all that happened, and its picture would have holes. \
                            Try it with fewer clients."
                        .to_owned(),
                );
            }
            Ok(_) => {}
            // A fault is due.
            Err(_) if due_us.is_some_and(|due_us| time::now_us() >= due_us) => {}
            Err(why) => return Err(why),
        }
        if began_us.is_none() {
            tell(Told::Open(watch.open()));
            if watch.all_were_open(&rows) {
                began_us = Some(time::now_us());
                if faults.is_empty() {
                    watch.zero_us = watch.heard_us;
                }
            } else if time::now_us() > opens_until_us {
                let of = watch.each * rows.len() as u32;
                return Err(format!("Only {} of {of} clients could connect within 30 s.", watch.open()));
            }
        }
        watch.tell(tell);
        if watch.is_whole(&rows) {
            return Ok(watch.used());
        }
        let length_us = i64::from(scenario.window_ms) * 1_000;
        if began_us.is_some_and(|began_us| time::now_us() > began_us + length_us + LATE_US) {
            return Err("A row has told nothing more: its clients have ended.".to_owned());
        }
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

/// What goes wrong, and when, for the rows that are live. Of one moment what is cut comes last: who is
/// cut must not come back before the server is down.
fn faults(scenario: &Scenario) -> Vec<(u32, Fault)> {
    let label = |sub: &Option<String>| match sub {
        None => Some(None),
        Some(sub) => {
            let row = rows(scenario).into_iter().find(|row| scenario.sub(*row) == *sub)?;
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
    tallies: Vec<Tally>,
    /// So many of them were told, or are before the picture's time.
    told: usize,
    most_open: u32,
    cost: Option<Cost>,
}

/// What was heard of all rows.
struct Watch {
    each: u32,
    /// The tallies of a whole row.
    all: usize,
    rows: Vec<Row>,
    /// When the picture's time begins, by the server's clock.
    zero_us: Option<i64>,
    /// When the last tally that was heard ended.
    heard_us: Option<i64>,
    last_cost: Option<Cost>,
}

impl Watch {
    fn new(scenario: &Scenario) -> Self {
        Self {
            each: 0,
            all: (i64::from(scenario.window_ms) * 1_000 / TALLY_US) as usize,
            rows: scenario.lanes.iter().map(|_| Row::default()).collect(),
            zero_us: None,
            heard_us: None,
            last_cost: None,
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
    fn open(&self) -> u32 {
        self.rows.iter().filter_map(|row| row.tallies.last()).map(|tally| tally.open).sum()
    }

    /// A poller is not connected at every moment: that each row once was whole is enough.
    fn all_were_open(&self, rows: &[usize]) -> bool {
        rows.iter().all(|row| self.rows[*row].most_open >= self.each)
    }

    /// The place of a row's first tally on the picture's axis, in tallies.
    fn first_at(&self, row: &Row) -> Option<i64> {
        let after_us = row.from_us - self.zero_us?;
        // Rows begin at moments of their own: to the nearest.
        Some((after_us + TALLY_US / 2).div_euclid(TALLY_US))
    }

    /// Tells what of the rows is new and within the picture.
    fn tell(&mut self, tell: &dyn Fn(Told)) {
        for index in 0..self.rows.len() {
            let Some(first_at) = self.first_at(&self.rows[index]) else { return };
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
            self.first_at(row).is_some_and(|first_at| first_at + row.told as i64 >= self.all as i64)
        })
    }

    /// From the last second of all rows: a single row's cost would be that of the others, too.
    fn used(&self) -> Option<Used> {
        let cost = self.last_cost?;
        let costs = self.rows.iter().filter_map(|row| row.cost);
        let before_bytes = costs.filter_map(|cost| cost.memory_before_bytes).min()?;
        Some(Used {
            open: self.open(),
            more_bytes: cost.memory_bytes?.saturating_sub(before_bytes),
            cpu_us: cost.cpu_us?,
            span_us: cost.span_us,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that can't be live between two that can.
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
    fn clients_are_split_between_the_rows_that_can_be_live() {
        let mut scenario = scenario();
        assert_eq!(rows(&scenario), [0, 2]);
        assert_eq!(each(&scenario, 5_000), 1_000);
        assert_eq!(each(&scenario, 301), 150);
        assert_eq!(each(&scenario, 1), 0);
        scenario.clients = 20;
        assert_eq!(each(&scenario, 5_000), 20);
    }

    #[test]
    fn who_is_cut_finds_the_server_down_and_a_label_is_the_rows_own() {
        let faults = faults(&scenario());
        assert_eq!(
            faults,
            [
                (500, Fault::Drop { sub: Some("crowd-2".into()) }),
                (1_000, Fault::Refuse { sub: None, for_ms: 2_000 }),
                (1_000, Fault::Drop { sub: None }),
            ]
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
        let mut watch = Watch::new(&scenario());
        watch.each = 5;
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
        watch.zero_us = Some(1_410_000);
        watch.tell(&tell);
        let heard = heard.into_inner();
        let of = |row| heard.iter().filter(|told| told.0 == row).copied().collect::<Vec<_>>();
        assert_eq!((of(0)[0], of(2)[0]), ((0, 0, 4), (2, 0, 2)));
        assert_eq!((of(0).len(), of(2).len()), (20, 20));
        assert!(watch.is_whole(&[0, 2]));
    }
}
