//! Who starts a crowd, passes on what it tells, and ends it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use standby_trace::crowd::{Cost, Tally};
use standby_trace::scenario::LaneSpec;
use standby_trace::tap::{CrowdTally, ToObserver};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cost::Used;
use super::routes::StartRowServer;
use super::{OTHER_FILES, Order, Told};
use crate::experiments::Experiment;
use crate::net::link::{Link, RowServed};
use crate::net::{clock, lock};
use crate::{AppState, Problem, random};

/// The cap where the flag says nothing and only this machine can reach the server.
const DEFAULT_CAP: u32 = 2_000;
/// How long a crowd stays when nobody observes its topic any more: a page that is loaded again has it
/// back.
const GRACE: Duration = Duration::from_secs(5);
/// How long a process may take to begin, to tell something, and to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// A cost is measured with every so many tallies.
const TALLIES_A_COST: u32 = 10;

/// All crowds of this server.
#[derive(Clone, Debug, Default)]
pub struct Crowds(Arc<OnceLock<Open>>);

/// Where crowds come from and go to.
#[derive(Clone, Debug)]
pub struct Place {
    /// Where the server listens.
    pub addr: SocketAddr,
    /// The program `standby`.
    pub program: PathBuf,
}

#[derive(Debug)]
struct Open {
    authority: String,
    program: PathBuf,
    secret: String,
    cap: u32,
    /// One for each client that there may be.
    seats: Arc<Semaphore>,
    at_work: Arc<AtomicUsize>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) row: u16,
    pub(super) clients: u32,
    pub(super) lane: LaneSpec,
    pub(super) ramp_ms: u32,
    pub(super) hold_ms: u32,
    pub(super) in_phase: bool,
    /// What their server can take, and does to spread them.
    pub(super) server: Option<StartRowServer>,
}

/// The crowds of one experiment, by row.
#[derive(Debug, Default)]
pub(crate) struct Rows(Mutex<BTreeMap<u16, Row>>);

#[derive(Debug)]
struct Row {
    stop: DropGuard,
    ended: JoinHandle<()>,
}

impl Rows {
    /// Ends all of them.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Ends one or all of them, and returns when their clients are gone.
    pub(super) async fn end(&self, row: Option<u16>) {
        let rows = match row {
            Some(row) => Vec::from_iter(lock(&self.0).remove(&row)),
            None => std::mem::take(&mut *lock(&self.0)).into_values().collect(),
        };
        for Row { stop, ended } in rows {
            drop(stop);
            // It gives up by itself before that.
            let _ = timeout(2 * PATIENCE, ended).await;
        }
    }
}

impl Crowds {
    /// Allows crowds: `cap` clients in all, or as many as where the server listens suggests.
    pub fn open(&self, Place { addr, program }: Place, cap: Option<u32>) {
        let cap = cap.unwrap_or(if addr.ip().is_loopback() { DEFAULT_CAP } else { 0 });
        let ip = match addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        // A second call is none that any program makes; the first holds.
        let _ = self.0.set(Open {
            authority: SocketAddr::new(ip, addr.port()).to_string(),
            program,
            secret: random::bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect(),
            cap,
            seats: Arc::new(Semaphore::new(cap as usize)),
            at_work: Arc::default(),
        });
    }

    /// Whether this is what a crowd says in its requests.
    pub(crate) fn is_theirs(&self, secret: &HeaderValue) -> bool {
        self.0.get().is_some_and(|open| open.secret == *secret)
    }

    /// Starts one in place of the one in its row. Answers its label and the cap.
    pub(super) async fn start(
        &self,
        app: &AppState,
        experiment: &Experiment,
        wish: Wish,
    ) -> Result<(String, u32), Problem> {
        let Some(open) = self.0.get().filter(|open| open.cap > 0) else { return Err(off()) };
        if wish.clients > open.cap {
            let detail = format!(
                "This server opens {} clients at most. Ask for fewer, or start it with `--crowd {}`.",
                open.cap, wish.clients
            );
            return Err(Problem::bad_request("Too many clients", detail));
        }
        experiment.crowd.end(Some(wish.row)).await;
        let seats = Arc::clone(&open.seats).try_acquire_many_owned(wish.clients).map_err(|_| {
            let detail = format!(
                "Of {} clients that this server opens {} are left. Stop other crowds, or ask for fewer.",
                open.cap,
                open.seats.available_permits()
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many clients", detail).retry_after(5)
        })?;
        allow_files(u64::from(open.cap) - open.seats.available_permits() as u64)?;
        let topic = experiment.topic();
        let sub = format!("crowd-{}", wish.row);
        let order = Order {
            authority: open.authority.clone(),
            topic: topic.to_owned(),
            sub: sub.clone(),
            secret: open.secret.clone(),
            clients: wish.clients,
            lane: wish.lane,
            ramp_ms: wish.ramp_ms,
            in_phase: wish.in_phase,
            seed: u64::from_le_bytes(random::bytes()),
        };
        // It is there before the first of them comes.
        let server = wish.server.map(|server| {
            let seed = experiment.seed().wrapping_add(u64::from(wish.row));
            experiment.link.serve_row(&sub, server.build(wish.clients, seed))
        });
        let before = Used::now();
        let process = Process::start(&open.program, &order).await?;
        tracing::info!(topic, sub, clients = wish.clients, "crowd started");
        let stop = CancellationToken::new();
        let until = Duration::from_millis(u64::from(wish.ramp_ms) + u64::from(wish.hold_ms));
        let keeper = Keeper {
            wish,
            link: Arc::clone(&experiment.link),
            from_us: clock::now_us(),
            index: 0,
            before,
            last: before,
            measured_us: 0,
            cost: Cost::default(),
            at_work: AtWork::begin(&open.at_work),
            _server: server,
            _seats: seats,
        };
        let ending = (stop.clone(), app.shutdown.clone(), Instant::now() + until);
        let ended = tokio::spawn(keeper.keep(process, ending));
        let row = Row { stop: stop.drop_guard(), ended };
        lock(&experiment.crowd.0).insert(wish.row, row);
        Ok((sub, open.cap))
    }
}

fn off() -> Problem {
    let detail = "This server opens no crowds. Start it on loopback, or with `--crowd 2000`.";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "No crowds", detail)
}

/// A client is a connection, and a connection an open file at either end.
fn allow_files(clients: u64) -> Result<(), Problem> {
    let wanted = clients + 2 * OTHER_FILES;
    // A system without such a limit says so by an error.
    match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files < wanted => Err(too_few_files(files, wanted)),
        _ => Ok(()),
    }
}

fn too_few_files(files: u64, wanted: u64) -> Problem {
    let detail = format!(
        "The system lets this program open {files} files, and so many clients need {wanted}. Ask for fewer, \
         or start the server after `ulimit -n {wanted}`."
    );
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too few open files", detail)
}

/// The process of a crowd.
struct Process {
    child: Child,
    /// When it closes, the process ends.
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it; it has begun.
    async fn start(program: &std::path::Path, order: &Order) -> Result<Self, Problem> {
        let failed = |why: &dyn std::fmt::Display| {
            let detail = format!("The program that opens the clients could not be started: {why}.");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "No crowd", detail)
        };
        let mut child = Command::new(program)
            .arg("crowd")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed(&e))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(&"it has no standard streams"));
        };
        // Strings and numbers always serialise.
        let order_line = serde_json::to_string(order).unwrap_or_default() + "\n";
        input.write_all(order_line.as_bytes()).await.map_err(|e| failed(&e))?;
        let mut process = Self { child, input, lines: BufReader::new(output).lines() };
        match process.told().await {
            Some(Told::Began) => Ok(process),
            Some(Told::TooFewFiles(files)) => {
                Err(too_few_files(files, u64::from(order.clients) + OTHER_FILES))
            }
            _ => Err(failed(&"it said nothing")),
        }
    }

    /// What it tells next; `None` when it is gone, or says nothing for too long.
    async fn told(&mut self) -> Option<Told> {
        let line = timeout(PATIENCE, self.lines.next_line()).await.ok()?.ok()??;
        serde_json::from_str(&line).ok()
    }

    /// Ends it.
    async fn end(self) {
        let Self { mut child, input, lines } = self;
        drop((input, lines));
        if timeout(PATIENCE, child.wait()).await.is_err() {
            // It ends when `child` is dropped, if this fails.
            let _ = child.kill().await;
        }
    }
}

/// Counts as a crowd at work while it is held.
struct AtWork(Arc<AtomicUsize>);

impl AtWork {
    fn begin(at_work: &Arc<AtomicUsize>) -> Self {
        at_work.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(at_work))
    }

    fn is_alone(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 1
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One crowd's.
struct Keeper {
    wish: Wish,
    link: Arc<Link>,
    /// When the first tally began.
    from_us: u64,
    /// The next tally's.
    index: u32,
    before: Used,
    last: Used,
    /// When it was measured last.
    measured_us: u64,
    /// What was counted since.
    cost: Cost,
    at_work: AtWork,
    _server: Option<RowServed>,
    _seats: OwnedSemaphorePermit,
}

impl Keeper {
    /// Passes on what the crowd tells, until it is to end or nobody looks any more.
    async fn keep(
        mut self,
        mut process: Process,
        (stop, shutdown, until): (CancellationToken, CancellationToken, Instant),
    ) {
        let mut observed_at = Instant::now();
        loop {
            let told = tokio::select! {
                told = process.told() => told,
                () = stop.cancelled() => break,
                () = shutdown.cancelled() => break,
                () = sleep_until(until) => break,
            };
            match told {
                Some(Told::Tally(tally)) => self.tell(tally),
                _ => {
                    tracing::error!(row = self.wish.row, "a crowd ended by itself");
                    break;
                }
            }
            if self.link.hub.observers() > 0 {
                observed_at = Instant::now();
            } else if observed_at.elapsed() >= GRACE {
                break;
            }
        }
        process.end().await;
        // They are gone, and the picture shows it.
        self.tell(Tally::default());
        tracing::info!(row = self.wish.row, "crowd ended");
    }

    fn tell(&mut self, tally: Tally) {
        let Wish { row, clients, lane, .. } = self.wish;
        self.cost.served += tally.served;
        self.cost.delivered += tally.delivered;
        let is_due = (self.index + 1).is_multiple_of(TALLIES_A_COST);
        let cost = is_due.then(|| self.measure(tally.open));
        let from_us = self.from_us;
        let index = self.index;
        self.link.hub.send(&ToObserver::Crowd(CrowdTally {
            row,
            clients,
            lane,
            from_us,
            index,
            tally,
            cost,
        }));
        self.index += 1;
    }

    fn measure(&mut self, open: u32) -> Cost {
        let now = Used::now();
        let after_us = clock::now_us().saturating_sub(self.from_us);
        let cost = Cost {
            after_us,
            span_us: after_us.saturating_sub(self.measured_us),
            open,
            alone: self.at_work.is_alone(),
            memory_bytes: now.memory_bytes,
            memory_before_bytes: self.before.memory_bytes,
            cpu_us: now.cpu_us.zip(self.last.cpu_us).map(|(now, last)| now.saturating_sub(last)),
            kernel_bytes: now.kernel_bytes,
            ..self.cost
        };
        (self.last, self.measured_us, self.cost) = (now, after_us, Cost::default());
        cost
    }
}
