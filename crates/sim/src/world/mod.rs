//! A few clients, as a live run would have them: a page with its browser, a network, and the server.
//!
//! The model tells what a live run's two ends tell a trace's recorder: the page's half as
//! [`Fact`]s, the server's half as records of its tap, with every byte. So the picture, the ledger
//! and the wire inspector need not know where a run comes from.
//!
//! - `page.rs`: the lanes, with the machines that a live page drives too;
//! - `browser.rs`: what a browser does for them: connections, `EventSource`, WebSockets, sending a
//!   cut request again;
//! - `conn.rs`: a connection, the conditions and the tap on it;
//! - `server.rs`: what the server does with a request, and the faults;
//! - `middlebox.rs`: a proxy between the two, where one is wanted;
//! - `profile.rs`, `compose.rs`: the bytes.
//!
//! What it leaves out: name resolution, TLS, congestion and loss of packets, CORS preflights
//! (the page and the server have one origin), how long browsers wait after a handshake that failed, and
//! which of several idle connections a browser takes.

mod browser;
mod compose;
mod conn;
mod middlebox;
mod page;
mod profile;
mod queue;
mod server;

use std::collections::{BTreeMap, VecDeque};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::recorder::Fact;
use standby_trace::scenario::{Conditions, Fault, LaneSpec, Publish, Scenario};
use standby_trace::tap::ToObserver;
use standby_transport::History;

use browser::Flight;
use conn::Conn;
pub use middlebox::Middlebox;
use page::Lane;
pub use profile::{Form, Profile};
use queue::Queue;

use crate::publisher::Publisher;

/// From one end's socket to the other's: loopback, and what a browser's processes need besides.
const HOP_US: i64 = 500;

/// What the model tells, as a live run's two ends do.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A lane of the page did or saw something.
    Page {
        /// Which lane.
        lane: usize,
        /// What.
        fact: Fact,
    },
    /// Something that concerns all lanes, in words.
    Note(String),
    /// The server's tap tells its observer. Its clock is the run's.
    Server(ToObserver),
}

/// What a run told, as one number (FNV-1a): the same wherever the model runs.
#[must_use]
pub fn fingerprint(told: &[(i64, Told)]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for (at_us, told) in told {
        let text = match told {
            // A record always serialises.
            Told::Server(record) => serde_json::to_string(record).unwrap_or_default(),
            page => format!("{page:?}"),
        };
        for byte in at_us.to_string().bytes().chain(text.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// One run of the model. Times are microseconds since its start.
#[derive(Debug)]
pub struct World {
    now_us: i64,
    began_at_ms: u64,
    topic: String,
    profile: Profile,
    /// Of keys, masks, and the topic's life.
    rng: Xoshiro256PlusPlus,
    queue: Queue<Step>,
    told: Vec<(i64, Told)>,
    /// The observer is connected.
    is_observed: bool,
    publish: Publish,
    lanes: Vec<Lane>,
    conns: BTreeMap<u64, Conn>,
    last_conn: u64,
    /// Connections that wait for another request; the last one was used last.
    idle: Vec<u64>,
    /// Requests that wait for one of the few connections that browsers open.
    waiting: VecDeque<Flight>,
    /// The connection of the WebSocket handshake under way: browsers do one at a time.
    shaking: Option<u64>,
    /// Handshakes that wait for it.
    handshakes: VecDeque<Flight>,
    history: Option<History>,
    conditions: Conditions,
    /// Faults at work, and until when.
    faults: Vec<(Fault, i64)>,
    publisher: Publisher,
    middlebox: Option<Middlebox>,
}

/// Something that is to happen.
#[derive(Debug)]
enum Step {
    /// The server's socket gives what a client sent.
    Arrive { conn: u64, sent: conn::Sent },
    /// The application gets a request.
    Begin { conn: u64, request: u64 },
    /// The application gets frames.
    Hear { conn: u64 },
    /// The server's socket takes what is due.
    Put { conn: u64 },
    /// A long poll's time may be up.
    TimeUp { conn: u64, request: u64 },
    /// A stream may have been quiet for long enough.
    Quiet { conn: u64 },
    /// A socket's ping is due.
    Ping { conn: u64 },
    /// A dead connection's time is up.
    Dead { conn: u64 },
    /// A connection may have been idle for long enough.
    Idle { conn: u64, request: u64 },
    /// A proxy has kept a part of a stream for long enough.
    Flush { conn: u64 },
    /// A proxy looks whether anything has passed.
    CutIdle { conn: u64 },
    /// The next WebSocket handshake may be done.
    Shake,
    /// The server hears that a connection is over.
    Gone { conn: u64, by: standby_trace::tap::ClosedBy },
    /// The client gets what the server sent.
    Reach { conn: u64, got: conn::Got },
    /// An `EventSource` connects again.
    Reconnect { lane: usize, n: u64 },
}

impl World {
    /// A run of a scenario, on a topic of that name. Time 0 is `began_at_ms` in milliseconds since
    /// 1970. The experiment's publisher begins; no lane connects before [`World::start`].
    #[must_use]
    pub fn new(scenario: &Scenario, profile: &Profile, topic: &str, began_at_ms: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(scenario.seed);
        // Apart from what the publisher draws.
        rng.long_jump();
        let mut world = Self {
            now_us: 0,
            began_at_ms,
            topic: topic.to_owned(),
            profile: profile.clone(),
            rng,
            queue: Queue::new(),
            told: Vec::new(),
            is_observed: false,
            publish: scenario.publish,
            lanes: (0..scenario.lanes.len()).map(|index| Lane::new(scenario, index)).collect(),
            conns: BTreeMap::new(),
            last_conn: 0,
            idle: Vec::new(),
            waiting: VecDeque::new(),
            shaking: None,
            handshakes: VecDeque::new(),
            history: None,
            conditions: scenario.conditions,
            faults: Vec::new(),
            publisher: Publisher::new(scenario),
            middlebox: None,
        };
        world.load_page();
        world
    }

    /// Connects: the observer first, then every lane, from where it stands.
    pub fn start(&mut self) {
        if self.is_observed {
            return;
        }
        self.publisher.observed(self.now_us);
        self.is_observed = true;
        self.hello();
        for index in 0..self.lanes.len() {
            self.start_lane(index);
        }
    }

    /// Lets go of every connection. The topic goes on, as a server's does.
    pub fn let_go(&mut self) {
        if !self.is_observed {
            return;
        }
        for index in 0..self.lanes.len() {
            self.let_go_lane(index);
        }
        self.is_observed = false;
        self.publisher.unobserved(self.now_us);
    }

    /// Lets happen all that happens up to `until_us`, and appends what it tells, with its times, in
    /// order. What was told since the last call comes first.
    pub fn advance(&mut self, until_us: i64, told: &mut Vec<(i64, Told)>) {
        while let Some(next_us) = self.next_us().filter(|&us| us <= until_us) {
            self.now_us = self.now_us.max(next_us);
            self.happen();
        }
        self.now_us = self.now_us.max(until_us);
        told.append(&mut self.told);
    }

    /// When the next thing happens, if nobody does anything before.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        let lanes = self.lanes.iter().filter_map(Lane::next_us);
        lanes.chain(self.publisher.next_us()).chain(self.queue.next_us()).min()
    }

    /// Where the run stands.
    #[must_use]
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// The one thing that is due next.
    fn happen(&mut self) {
        let now_us = self.now_us;
        if self.publisher.next_us().is_some_and(|us| us <= now_us) {
            if let Some(fault) = self.publisher.due_fault(now_us) {
                self.fault(&fault);
            } else if let Some(data) = self.publisher.due_event(now_us) {
                self.publish_data(&data, None);
            }
        } else if self.queue.next_us().is_some_and(|us| us <= now_us) {
            if let Some(step) = self.queue.pop() {
                self.step(step);
            }
        } else if let Some(index) =
            self.lanes.iter().position(|lane| lane.next_us().is_some_and(|us| us <= now_us))
        {
            self.wake_lane(index);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Arrive { conn, sent } => self.arrive(conn, sent),
            Step::Begin { conn, request } => self.begin(conn, request),
            Step::Hear { conn } => self.hear(conn),
            Step::Put { conn } => self.put(conn),
            Step::TimeUp { conn, request } => self.time_up(conn, request),
            Step::Quiet { conn } => self.quiet(conn),
            Step::Ping { conn } => self.ping(conn),
            Step::Dead { conn } => self.dead(conn),
            Step::Idle { conn, request } => self.idle_out(conn, request),
            Step::Flush { conn } => self.flush(conn),
            Step::CutIdle { conn } => self.cut_idle(conn),
            Step::Shake => self.shake(),
            Step::Gone { conn, by } => self.gone(conn, by),
            Step::Reach { conn, got } => self.reach(conn, got),
            Step::Reconnect { lane, n } => self.reconnect(lane, n),
        }
    }

    /// Changes the network and the publisher.
    pub fn steer(&mut self, conditions: Conditions, publish: Publish) {
        self.conditions = conditions;
        self.publish = publish;
        self.publisher.change(publish, self.now_us);
        self.tell_observer(ToObserver::Changed { conditions, publish });
    }

    /// Publishes by hand, as the page does it: by a request. `data` is JSON.
    pub fn publish(&mut self, data: &str) {
        let key = format!("{:x}", self.rng.next_u64() >> 11);
        self.post(data, &key);
    }

    /// Publishes as somebody who is not observed does it: at the server. `data` is JSON.
    pub fn publish_at_server(&mut self, data: &str) {
        self.publish_data(data, None);
    }

    /// Goes on with other settings of a lane, from where it stands.
    pub fn set_lane(&mut self, index: usize, spec: LaneSpec) {
        if index < self.lanes.len() {
            self.set(index, spec);
        }
    }

    /// Opens a lane again that gave up.
    pub fn reopen(&mut self, index: usize) {
        if self.is_observed && self.lanes.get(index).is_some_and(|lane| lane.gave_up.is_some()) {
            self.start_lane(index);
        }
    }

    /// Why a lane will not come back by itself.
    #[must_use]
    pub fn gave_up(&self, index: usize) -> Option<&str> {
        self.lanes.get(index)?.gave_up.as_deref()
    }

    /// The last id that a lane has.
    #[must_use]
    pub fn last_id(&self, index: usize) -> Option<u64> {
        self.lanes.get(index)?.last_id()
    }

    fn tell_page(&mut self, lane: usize, fact: Fact) {
        self.told.push((self.now_us, Told::Page { lane, fact }));
    }

    fn tell_observer(&mut self, record: ToObserver) {
        if self.is_observed {
            self.told.push((self.now_us, Told::Server(record)));
        }
    }

    fn at_us(&self) -> u64 {
        u64::try_from(self.now_us).unwrap_or(0)
    }

    /// The time of day, in milliseconds since 1970.
    fn wall_ms(&self) -> u64 {
        self.began_at_ms + self.at_us() / 1_000
    }
}
