//! Many clients of one server, as counts: up to ten million, in virtual time.
//!
//! Each lane of a scenario with a [`Crowd`](standby_trace::scenario::Crowd) is a herd of its own: so
//! many clients of the lane's settings, with a server of their own. A herd knows each client's
//! state and waits by the same arithmetic as the transports themselves ([`Attempts`]); what it
//! leaves out is bytes. A run yields a [`Tally`] for each tenth of a second, however many there are.
//!
//! Time goes by in steps of a millisecond, and within one of them things have a fixed order: events
//! are published, faults come, the server goes on with its queue, news is sent, and then whoever is
//! due arrives. The same scenario gives the same tallies on every machine: all is whole numbers, and
//! each client's chances depend on nothing but its number, the time, and the seed.
//!
//! What stands for what:
//!
//! - Streams are open when a run begins, long polls are held, and short polls begin to ask.
//! - A request or handshake costs the server one answer of its capacity, a delivery nothing. It waits
//!   in a queue of [`backlog`](standby_trace::scenario::Crowd::backlog) places, ten seconds at most.
//! - A drop cuts all connections and empties the queue. With
//!   [`drain_ms`](standby_trace::scenario::Spreading::drain_ms) the lane's restart is a handover: the
//!   old server closes its connections one after another while a new one answers already, so that
//!   neither the cut nor a [`Refuse`](Fault::Refuse) is felt.
//! - Messages take the conditions' latency and jitter; bandwidth is left out, and so are the TCP
//!   handshake.
//!
//! `calendar` says who is due when, `server` who is answered, `client` how each comes back,
//! `keep_alive` which streams are sent one, and `counter` counts; this file lets them meet.

mod calendar;
mod chance;
mod client;
mod counter;
mod keep_alive;
mod publisher;
mod server;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use standby_trace::Scenario;
use standby_trace::crowd::{TALLY_US, Tally};
use standby_trace::scenario::{Fault, bounds};
use standby_transport::backoff::Attempts;
use standby_transport::history::Limits;

use calendar::Calendar;
use chance::{Chance, For};
use client::{Client, Rules, State, Way};
use counter::Counter;
use keep_alive::KeepAlives;
use server::{Says, Server};

const TALLY_MS: u32 = (TALLY_US / 1_000) as u32;

/// One lane's clients and their server.
#[derive(Clone, Debug)]
pub struct Herd {
    rules: Rules,
    clients: Vec<Client>,
    calendar: Calendar,
    server: Server,
    /// When each event is published, in order.
    published_ms: Vec<u32>,
    /// How many have been, and how many of them have been sent.
    published: u32,
    sent: u32,
    /// How many events history holds.
    history: u32,
    /// What goes wrong and when, in order of time; those before `next_fault` have come.
    faults: Vec<(u32, Fault)>,
    next_fault: usize,
    /// Open streams.
    open: u32,
    /// Polls that the server holds, with their time-outs, in order of these: all wait equally long.
    held: VecDeque<(u32, u32)>,
    /// Connections that a draining server still has to close, and when. Polls here are held, too.
    draining: VecDeque<(u32, u32)>,
    keep_alives: KeepAlives,
    counter: Counter,
    tallies: Vec<Tally>,
    now_ms: u32,
    length_ms: u32,
    events: u64,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The virtual time, in microseconds.
    pub now_us: i64,
    /// What has happened to single clients so far: cuts, arrivals, answers, refusals.
    pub events: u64,
    /// Whether the time that was asked for has come.
    pub done: bool,
}

impl Herd {
    /// The clients of one lane, before the run.
    ///
    /// # Errors
    /// When the scenario has no crowd or no such lane, or something in it is out of bounds.
    pub fn new(scenario: &Scenario, lane: usize) -> Result<Self, String> {
        scenario.check().map_err(|bad| bad.to_string())?;
        let crowd = scenario.crowd.as_ref().ok_or("the scenario has no `crowd`")?;
        let spec = scenario.lanes.get(lane).ok_or_else(|| format!("the scenario has no lane {lane}"))?;
        let chance = Chance::new(scenario.seed, lane);
        let spreading = crowd.servers.get(lane).copied().unwrap_or_default();
        let rules = Rules::new(spec, spreading, &scenario.conditions, chance);
        let length_ms = scenario.window_ms;
        let published_ms = publisher::moments_ms(&scenario.publish, scenario.seed, length_ms);

        let client =
            Client { attempts: Attempts::default(), since_ms: 0, has: 0, state: State::Open, away: false };
        let mut herd = Self {
            rules,
            clients: vec![client; scenario.clients as usize],
            calendar: Calendar::new(length_ms, scenario.clients),
            server: Server::new(crowd.capacity_s, crowd.backlog),
            keep_alives: KeepAlives::new(spec, scenario.clients),
            counter: Counter::new(published_ms.len()),
            published_ms,
            published: 0,
            sent: 0,
            history: u32::try_from(Limits::default().events).unwrap_or(u32::MAX),
            faults: faults_of(scenario, lane),
            next_fault: 0,
            open: 0,
            held: VecDeque::new(),
            draining: VecDeque::new(),
            tallies: Vec::with_capacity((length_ms / TALLY_MS) as usize + 1),
            now_ms: 0,
            length_ms,
            events: 0,
        };
        herd.begin(crowd.in_phase, chance);
        Ok(herd)
    }

    /// What a lane of so many clients over so long takes at most, in bytes: to be told before it is
    /// begun.
    #[must_use]
    pub fn memory_bytes(scenario: &Scenario) -> u64 {
        let clients = u64::from(scenario.clients);
        let polls =
            scenario.lanes.iter().any(|lane| matches!(lane, standby_trace::LaneSpec::LongPoll { .. }));
        let drains = scenario.crowd.iter().flat_map(|crowd| &crowd.servers).any(|server| server.drain_ms > 0);
        let waits = clients.min(scenario.crowd.as_ref().map_or(0, |crowd| crowd.backlog.into()));
        let place = size_of::<(u32, u32)>() as u64;
        // A queue that grows is held twice while it moves, and its room doubles.
        let queue = |length: u64| length.next_power_of_two() * place * 3 / 2;
        clients * size_of::<Client>() as u64
            + u64::from(*bounds::KEEP_ALIVE_MS.end()) * size_of::<u32>() as u64
            + Calendar::memory_bytes(scenario.window_ms, scenario.clients)
            + queue(waits)
            + if polls || drains { queue(clients) } else { 0 }
    }

    /// Everybody as they are when the run begins.
    fn begin(&mut self, in_phase: bool, chance: Chance) {
        let clients = self.clients.len() as u32;
        match self.rules.way {
            Way::ShortPoll { interval_ms } => {
                for client in 0..clients {
                    let most = if in_phase { 0 } else { interval_ms - 1 };
                    self.ask_at(client, chance.up_to(most, client, 0, For::Phase));
                }
            }
            Way::LongPoll { timeout_ms } => {
                // One after another over the time-out, so that the row of time-outs is in order.
                let spread = if in_phase { 0 } else { u64::from(timeout_ms) };
                let until_ms = |client: u32| {
                    let left = u64::from(timeout_ms) - spread;
                    (left + spread * (u64::from(client) + 1) / u64::from(clients)) as u32
                };
                self.held.extend((0..clients).map(|client| (client, until_ms(client))));
            }
            _ => {
                self.open = clients;
                for client in 0..clients {
                    self.keep_alives.opened(client, 0);
                }
            }
        }
    }

    /// Runs until a time of the scenario, in microseconds, or until about so many events have
    /// happened, whichever comes first. A millisecond is never left half done.
    pub fn run_until(&mut self, until_us: i64, budget_events: u64) -> Progress {
        let until_ms = (until_us / 1_000).clamp(0, self.length_ms.into()) as u32;
        let enough = self.events.saturating_add(budget_events);
        while self.now_ms < until_ms && self.events < enough {
            self.millisecond();
        }
        Progress {
            now_us: i64::from(self.now_ms) * 1_000,
            events: self.events,
            done: self.now_ms >= until_ms,
        }
    }

    /// What has been counted so far: one for each tenth of a second that is over.
    #[must_use]
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    fn millisecond(&mut self) {
        let now_ms = self.now_ms;
        let keep_alives = self.keep_alives.due(now_ms);
        self.counter.keep_alives = self.counter.keep_alives.saturating_add(keep_alives);
        while self.published_ms.get(self.published as usize).is_some_and(|at_ms| *at_ms <= now_ms) {
            self.published += 1;
        }
        while let Some((_, fault)) = self.faults.get(self.next_fault).filter(|(at_ms, _)| *at_ms <= now_ms) {
            let fault = fault.clone();
            self.next_fault += 1;
            self.fault(&fault);
        }
        while let Some(waiting) = self.server.next_impatient(now_ms) {
            self.turned_away(waiting.client, Says::Reset);
        }
        while let Some(waiting) = self.server.next_answered(now_ms) {
            self.answered(waiting.client);
        }
        if self.sent < self.published && !self.server.stalls(now_ms) {
            self.send();
        }
        while let Some((client, _)) = self.draining.pop_front_if(|(_, at_ms)| *at_ms <= now_ms) {
            self.drained(client);
        }
        while let Some((client, _)) = self.held.pop_front_if(|(_, until_ms)| *until_ms <= now_ms) {
            self.timed_out(client);
        }
        while let Some(due) = self.calendar.take(now_ms) {
            for client in due.clients() {
                match self.clients[*client as usize].state {
                    State::Due => self.arrives(*client),
                    // Only a client that gives up silence was given an entry.
                    State::Dead => self.cut(*client, now_ms),
                    State::Open | State::Queued | State::Gone => {}
                }
            }
        }
        self.now_ms += 1;
        if self.now_ms.is_multiple_of(TALLY_MS) {
            let open = match self.rules.way {
                Way::LongPoll { .. } => self.held.len() + self.draining.len(),
                _ => self.open as usize,
            };
            let at_end = [u32::try_from(open).unwrap_or(u32::MAX), self.server.queued()];
            let way_ms = self.rules.usual_way_ms();
            self.tallies.push(self.counter.close(self.now_ms, &self.published_ms, way_ms, at_end));
        }
    }

    /// A request or handshake is at the server.
    fn arrives(&mut self, client: u32) {
        self.events += 1;
        self.counter.arrivals += 1;
        match self.server.arrive(client, self.now_ms) {
            Says::Answer => self.answered(client),
            Says::Wait => self.clients[client as usize].state = State::Queued,
            Says::Reset => {
                // Where a server has a Retry-After to give, it answers 503 rather than nothing: but
                // only one that is up does.
                let asked = self.rules.retry_after_ms(client, self.now_ms);
                let says = match asked {
                    Some(ms) if self.server.is_up(self.now_ms) => Says::Unavailable(Some(ms)),
                    _ => Says::Reset,
                };
                self.turned_away(client, says);
            }
            says @ Says::Unavailable(_) => self.turned_away(client, says),
        }
    }

    /// The server has taken the request up and answers.
    fn answered(&mut self, client: u32) {
        self.events += 1;
        self.counter.served += 1;
        let now_ms = self.now_ms;
        let has_news = self.catch_up(client);
        let one = &mut self.clients[client as usize];
        one.away = false;
        match self.rules.way {
            Way::ShortPoll { interval_ms } => {
                let next_ms = one.since_ms + interval_ms;
                let told_ms = now_ms + self.rules.way_ms(client, now_ms, For::Back);
                self.ask_at(client, next_ms.max(told_ms));
            }
            Way::LongPoll { timeout_ms } => {
                one.attempts.succeeded();
                if has_news || timeout_ms == 0 {
                    self.ask_again(client);
                } else {
                    one.state = State::Open;
                    self.held.push_back((client, now_ms + timeout_ms));
                }
            }
            Way::Socket { .. } | Way::EventSource | Way::Stream { .. } => {
                one.state = State::Open;
                one.since_ms = now_ms;
                self.open += 1;
                self.keep_alives.opened(client, now_ms);
            }
        }
    }

    /// A client is given what it hasn't got; says whether there was anything.
    fn catch_up(&mut self, client: u32) -> bool {
        let one = &mut self.clients[client as usize];
        if one.has >= self.sent {
            return false;
        }
        let first = self.sent.saturating_sub(self.history);
        if one.has < first {
            self.counter.refetched += 1;
        }
        self.counter.late(one.has.max(first), self.sent, one.away);
        one.has = self.sent;
        true
    }

    /// News for all who have a connection.
    fn send(&mut self) {
        let (from, to) = (self.sent, self.published);
        self.sent = to;
        let mut at_once = self.open;
        if matches!(self.rules.way, Way::LongPoll { .. }) {
            let held = [std::mem::take(&mut self.held), std::mem::take(&mut self.draining)];
            for (client, _) in held.into_iter().flatten() {
                self.events += 1;
                let one = &mut self.clients[client as usize];
                if one.has == from && !one.away {
                    one.has = to;
                    at_once += 1;
                } else {
                    self.catch_up(client);
                }
                self.ask_again(client);
            }
        }
        self.keep_alives.event_sent(self.now_ms, self.open);
        for at_ms in &self.published_ms[from as usize..to as usize] {
            let age_ms = self.now_ms.saturating_sub(*at_ms) + self.rules.usual_way_ms();
            self.counter.fresh(at_once, age_ms);
        }
    }

    /// A held poll's time is up: an empty answer.
    fn timed_out(&mut self, client: u32) {
        self.events += 1;
        self.ask_again(client);
    }

    /// The server that goes away closes a connection, or answers a poll.
    fn drained(&mut self, client: u32) {
        match self.rules.way {
            Way::LongPoll { .. } => self.timed_out(client),
            _ => self.lose(client),
        }
    }

    /// A client has its answer, and asks the next thing at once.
    fn ask_again(&mut self, client: u32) {
        let at_ms = self.now_ms + self.rules.way_ms(client, self.now_ms, For::Back);
        self.ask_at(client, at_ms);
    }

    /// A client sends its request at `at_ms` of its own time.
    fn ask_at(&mut self, client: u32, at_ms: u32) {
        let one = &mut self.clients[client as usize];
        if matches!(self.rules.way, Way::ShortPoll { .. } | Way::LongPoll { .. }) {
            one.since_ms = at_ms;
        }
        one.state = State::Due;
        let arrives_ms = at_ms.saturating_add(self.rules.way_ms(client, at_ms, For::Out));
        // Within a millisecond nothing comes back to where it was.
        self.calendar.add(client, arrives_ms.max(self.now_ms + 1));
    }

    /// A request came to nothing.
    fn turned_away(&mut self, client: u32, says: Says) {
        self.events += 1;
        self.counter.refused += 1;
        let now_ms = self.now_ms;
        let asked_ms = match says {
            Says::Unavailable(_) if matches!(self.rules.way, Way::EventSource) => {
                let one = &mut self.clients[client as usize];
                (one.state, one.away) = (State::Gone, true);
                return;
            }
            Says::Unavailable(asked_ms) if self.rules.reads_answers() => asked_ms,
            _ => None,
        };
        let told_ms = now_ms + self.rules.way_ms(client, now_ms, For::Back);
        let one = &mut self.clients[client as usize];
        one.away = true;
        let next_ms = match self.rules.way {
            // It changes nothing for a poller: it asks on its interval.
            Way::ShortPoll { interval_ms } => {
                (one.since_ms + interval_ms).max(told_ms + asked_ms.unwrap_or(0))
            }
            _ => {
                let since_ms = one.since_ms;
                told_ms + self.rules.wait_ms(client, &mut one.attempts, since_ms, now_ms, None, asked_ms)
            }
        };
        self.ask_at(client, next_ms);
    }

    /// A connection ends, and its client finds out at `told_ms`.
    fn cut(&mut self, client: u32, told_ms: u32) {
        self.events += 1;
        let one = &mut self.clients[client as usize];
        one.away = true;
        let since_ms = one.since_ms;
        let open_ms = match self.rules.way {
            Way::LongPoll { .. } => None,
            _ => Some(told_ms.saturating_sub(since_ms)),
        };
        let wait_ms = self.rules.wait_ms(client, &mut one.attempts, since_ms, self.now_ms, open_ms, None);
        self.ask_at(client, told_ms.saturating_add(wait_ms));
    }

    /// The server's end of an open connection goes.
    fn lose(&mut self, client: u32) {
        if !matches!(self.rules.way, Way::LongPoll { .. }) {
            let one = &mut self.clients[client as usize];
            one.has = self.sent;
            self.open -= 1;
            self.keep_alives.closed(client, one.since_ms);
        }
        let told_ms = self.now_ms + self.rules.way_ms(client, self.now_ms, For::Back);
        self.cut(client, told_ms);
    }

    fn fault(&mut self, fault: &Fault) {
        let until_ms = |for_ms: &u32| self.now_ms.saturating_add(*for_ms);
        match fault {
            Fault::Drop { .. } if self.rules.spreading.drain_ms > 0 => self.drain(),
            Fault::Drop { .. } => self.drop_all(),
            Fault::HalfOpen { .. } => self.half_open(),
            // The new server is there before the old one goes.
            Fault::Refuse { .. } if self.rules.spreading.drain_ms > 0 => {}
            Fault::Refuse { for_ms, .. } => self.server.refuse(until_ms(for_ms)),
            Fault::Stall { for_ms, .. } => self.server.stall(until_ms(for_ms)),
            Fault::Unavailable { for_ms, retry_after_s, .. } => {
                let asked_ms = retry_after_s.map(|s| s.saturating_mul(1_000));
                self.server.be_unavailable(until_ms(for_ms), asked_ms);
            }
        }
    }

    fn drop_all(&mut self) {
        for waiting in self.server.drop_all() {
            self.turned_away(waiting.client, Says::Reset);
        }
        self.held.clear();
        self.draining.clear();
        for client in 0..self.clients.len() as u32 {
            if self.clients[client as usize].state == State::Open {
                self.lose(client);
            }
        }
    }

    fn drain(&mut self) {
        // Those of an earlier drain go on in this one.
        self.draining.clear();
        self.held.clear();
        let open = |client: &Client| client.state == State::Open;
        let count = self.clients.iter().filter(|client| open(client)).count() as u64;
        let drain_ms = u64::from(self.rules.spreading.drain_ms);
        let mut closed = 0;
        for (number, _) in self.clients.iter().enumerate().filter(|(_, client)| open(client)) {
            closed += 1;
            let at_ms = self.now_ms + (drain_ms * closed / count) as u32;
            self.draining.push_back((number as u32, at_ms));
        }
    }

    fn half_open(&mut self) {
        let silence_ms = match self.rules.way {
            Way::ShortPoll { .. } | Way::LongPoll { .. } => return,
            Way::Socket { silence_ms } | Way::Stream { silence_ms } => silence_ms,
            Way::EventSource => 0,
        };
        self.draining.clear();
        for client in 0..self.clients.len() as u32 {
            let one = &mut self.clients[client as usize];
            if one.state == State::Open {
                (one.state, one.has, one.away) = (State::Dead, self.sent, true);
                self.open -= 1;
                self.keep_alives.closed(client, one.since_ms);
                if silence_ms > 0 {
                    self.calendar.add(client, self.now_ms + silence_ms);
                }
            }
        }
    }
}

/// The faults of one lane, in order of time.
fn faults_of(scenario: &Scenario, lane: usize) -> Vec<(u32, Fault)> {
    let own = scenario.sub(lane);
    let mut faults: Vec<_> = scenario
        .faults
        .iter()
        .take(bounds::FAULTS)
        .filter(|planned| planned.fault.sub().is_none_or(|sub| sub == own))
        .map(|planned| (planned.at_ms, planned.fault.clone()))
        .collect();
    faults.sort_by_key(|(at_ms, _)| *at_ms);
    faults
}
