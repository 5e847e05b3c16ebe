//! Each machine against a model of the server, over a network that cuts, on virtual time.
//!
//! The model answers from a real `History`. Whatever happens, the subscriber's account must add up:
//! every event once, in order and as it was published; what is missing named by a gap, and a gap
//! only for what history had let go; a reset only where the topic's life had changed. And once the
//! network is well again, it must reach the end.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;
use serde_json::value::RawValue;
use standby_transport::sse::parser::{Item, Parser};
use standby_transport::{
    Action, AnswerBounds, Backoff, Epoch, EventSource, Frame, Hello, History, Input, Limits, LongPoll,
    Machine, Notice, Output, Position, Replay, ShortPoll, SseClient, WebSocket,
};
use standby_transport::{long_poll, short_poll, sse, websocket};

/// What can happen.
#[derive(Clone, Copy, Debug)]
enum Op {
    Publish {
        count: u8,
    },
    Forget {
        count: u8,
    },
    Sleep {
        ms: u16,
    },
    /// Everything that is open is cut.
    Cut,
    /// The next answer or stream is cut after so many bytes.
    CutAfter {
        bytes: u16,
    },
    /// For a while every request is answered 503.
    Refuse {
        ms: u16,
    },
    /// The server forgets the topic; whether it is published to at once is up to what comes next.
    Restart,
    Pause {
        ms: u16,
    },
    /// How finely the network cuts what it carries.
    Chunk {
        bytes: u8,
    },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1..4_u8).prop_map(|count| Op::Publish { count }),
        2 => (1..6_u8).prop_map(|count| Op::Forget { count }),
        6 => (1..4_000_u16).prop_map(|ms| Op::Sleep { ms }),
        2 => Just(Op::Cut),
        2 => (0..400_u16).prop_map(|bytes| Op::CutAfter { bytes }),
        1 => (1..5_000_u16).prop_map(|ms| Op::Refuse { ms }),
        1 => Just(Op::Restart),
        1 => (1..4_000_u16).prop_map(|ms| Op::Pause { ms }),
        1 => (1..100_u8).prop_map(|bytes| Op::Chunk { bytes }),
    ]
}

/// What arrives at the machine, owned.
enum Arrival {
    Head { n: u64, status: u16, content_type: &'static str },
    Body { n: u64, bytes: Vec<u8> },
    End { n: u64 },
    Failed { n: u64 },
    Text { n: u64, text: String },
    Closed { n: u64 },
    Dispatched { n: u64, event_type: String, data: String, last_event_id: String },
    Errored { n: u64, gave_up: bool },
}

/// An exchange that is open at the server.
enum Link {
    Held { n: u64, after: Option<Position>, until_us: u64 },
    Socket { n: u64, stream: Stream },
    Fetched { n: u64, stream: Stream },
    Browser { n: u64, target: String, last_event_id: String, state: BrowserState },
}

enum BrowserState {
    Open { stream: Stream, parser: Parser },
    Reconnecting { at_us: u64 },
}

/// Where a stream stands.
struct Stream {
    epoch: Option<Epoch>,
    cursor: u64,
}

struct World {
    machine: Box<dyn Machine>,
    now_us: u64,
    history: Option<History>,
    lives: u32,
    published: HashMap<Position, u64>,
    /// The last id that history let go, by life.
    forgotten: HashMap<Option<Epoch>, u64>,
    links: Vec<Link>,
    arrivals: VecDeque<Arrival>,
    refuse_until_us: u64,
    cut_after: Option<usize>,
    chunk: usize,
    /// When the reader presses the button that reopens a lane that gave up.
    reopen_at_us: Option<u64>,
    /// The subscriber's account: what it has been told that it has.
    have: Position,
}

impl World {
    fn new(machine: Box<dyn Machine>) -> Self {
        let mut world = Self {
            machine,
            now_us: 0,
            history: None,
            lives: 0,
            published: HashMap::new(),
            forgotten: HashMap::new(),
            links: Vec::new(),
            arrivals: VecDeque::new(),
            refuse_until_us: 0,
            cut_after: None,
            chunk: 1_000,
            reopen_at_us: None,
            have: Position::START,
        };
        world.step(Input::Start);
        world.settle();
        world
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Publish { count } => (0..count).for_each(|_| self.publish()),
            Op::Forget { count } => {
                if let Some(history) = &mut self.history {
                    for _ in 0..count {
                        history.drop_oldest();
                    }
                    self.forgotten.insert(Some(history.epoch().clone()), history.first_id() - 1);
                }
            }
            Op::Sleep { ms } => self.run_for(ms),
            Op::Cut => self.cut_all(),
            Op::CutAfter { bytes } => self.cut_after = Some(bytes.into()),
            Op::Refuse { ms } => self.refuse_until_us = self.now_us + u64::from(ms) * 1_000,
            Op::Restart => {
                self.history = None;
                self.cut_all();
            }
            Op::Pause { ms } => {
                self.step(Input::Stop);
                self.settle();
                assert!(self.links.is_empty(), "stopped, nothing is left open");
                self.run_for(ms);
                self.step(Input::Start);
            }
            Op::Chunk { bytes } => self.chunk = bytes.into(),
        }
        self.settle();
    }

    fn publish(&mut self) {
        let history = self.history.get_or_insert_with(|| {
            self.lives += 1;
            History::new(format!("life{}", self.lives).parse().unwrap(), Limits::default())
        });
        let token = self.published.len() as u64;
        let data = RawValue::from_string(format!("{{\"token\": {token}}}")).unwrap();
        let id = history.publish(&data, None, self.now_us / 1_000).id;
        self.published.insert(Position::new(history.epoch().clone(), id), token);
    }

    fn run_for(&mut self, ms: u16) {
        let until_us = self.now_us + u64::from(ms) * 1_000;
        loop {
            let due = self.links.iter().filter_map(|link| match link {
                Link::Held { until_us, .. } => Some(*until_us),
                Link::Browser { state: BrowserState::Reconnecting { at_us, .. }, .. } => Some(*at_us),
                _ => None,
            });
            let next_us = due.chain(self.machine.wake_at()).chain(self.reopen_at_us).min();
            let Some(next_us) = next_us.filter(|at_us| *at_us <= until_us) else { break };
            self.now_us = self.now_us.max(next_us);
            if self.reopen_at_us.is_some_and(|at_us| at_us <= self.now_us) {
                self.reopen_at_us = None;
                self.step(Input::Start);
            }
            self.step(Input::Wake);
            self.settle();
        }
        self.now_us = until_us;
        self.settle();
    }

    /// Lets everything happen that can happen now.
    fn settle(&mut self) {
        loop {
            self.pump();
            let Some(arrival) = self.arrivals.pop_front() else { break };
            match &arrival {
                Arrival::Head { n, status, content_type } => self.step(Input::Head {
                    n: *n,
                    status: *status,
                    content_type: Some(content_type),
                    etag: None,
                    retry_after_ms: None,
                }),
                Arrival::Body { n, bytes } => self.step(Input::Body { n: *n, bytes }),
                Arrival::End { n } => self.step(Input::End { n: *n }),
                Arrival::Failed { n } => self.step(Input::Failed { n: *n }),
                Arrival::Text { n, text } => self.step(Input::Text { n: *n, text }),
                Arrival::Closed { n } => self.step(Input::Closed { n: *n, code: 1006 }),
                Arrival::Dispatched { n, event_type, data, last_event_id } => {
                    self.step(Input::Dispatched { n: *n, event_type, data, last_event_id });
                }
                Arrival::Errored { n, gave_up } => self.step(Input::Errored { n: *n, gave_up: *gave_up }),
            }
        }
    }

    fn step(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.machine.step(self.now_us, input, &mut out);
        for output in out {
            match output {
                Output::Do(action) => self.perform(action),
                Output::Tell(notice) => self.account(notice),
            }
        }
    }

    // The server and the network.

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fetch(request) => {
                let n = request.n;
                if self.now_us < self.refuse_until_us {
                    self.arrivals.push_back(Arrival::Head { n, status: 503, content_type: "text/plain" });
                    self.arrivals.push_back(Arrival::End { n });
                    return;
                }
                let header = request.headers.iter().find(|(name, _)| *name == "Last-Event-ID");
                let after =
                    header.map_or_else(|| after(&request.target), |(_, id)| Some(id.parse().unwrap()));
                if request.target.starts_with("poll?") {
                    self.answer(n, after.as_ref());
                } else if request.target.starts_with("long-poll?") {
                    self.links.push(Link::Held { n, after, until_us: self.now_us + 2_000_000 });
                } else {
                    self.arrivals.push_back(Arrival::Head {
                        n,
                        status: 200,
                        content_type: "text/event-stream",
                    });
                    let (stream, text) = self.open_stream(after.as_ref());
                    self.links.push(Link::Fetched { n, stream });
                    self.send_bytes(n, text.as_bytes());
                }
            }
            Action::OpenSocket { n, target } => {
                if self.now_us < self.refuse_until_us {
                    return self.arrivals.push_back(Arrival::Closed { n });
                }
                let replay = self.replay(after(&target).as_ref());
                let stream = Stream { epoch: replay.epoch().cloned(), cursor: replay.cursor() };
                self.links.push(Link::Socket { n, stream });
                self.send_text(n, replay.opening().to_json());
                if let Some(gap) = replay.gap() {
                    self.send_text(n, Frame::Gap(gap).to_json());
                }
            }
            Action::OpenEventSource { n, target } => {
                let state = BrowserState::Reconnecting { at_us: self.now_us };
                self.links.push(Link::Browser { n, target, last_event_id: String::new(), state });
            }
            Action::Abort { n } | Action::CloseSocket { n, .. } | Action::CloseEventSource { n } => {
                self.links.retain(|link| link.n() != n);
            }
            Action::SendText { .. } => unreachable!("nobody publishes"),
        }
    }

    fn replay(&self, after: Option<&Position>) -> Replay {
        self.history.as_ref().map_or_else(|| Replay::unborn(after), |history| history.replay(after))
    }

    fn answer(&mut self, n: u64, after: Option<&Position>) {
        let bounds = AnswerBounds { events: 3, bytes: 10_000 };
        let answer = match &self.history {
            Some(history) => history.answer(after, &bounds),
            None => Replay::unborn(after).answer(std::iter::empty(), &bounds),
        };
        self.arrivals.push_back(Arrival::Head { n, status: 200, content_type: "application/json" });
        if self.send_bytes(n, answer.json.as_bytes()) {
            self.arrivals.push_back(Arrival::End { n });
        }
    }

    fn open_stream(&self, after: Option<&Position>) -> (Stream, String) {
        let replay = self.replay(after);
        let mut text = "retry: 700\n\n".to_owned() + &replay.opening().to_sse(None);
        if let Some(gap) = replay.gap() {
            text += &Frame::Gap(gap).to_sse(replay.epoch());
        }
        (Stream { epoch: replay.epoch().cloned(), cursor: replay.cursor() }, text)
    }

    /// Sends what each open link has not had yet.
    fn pump(&mut self) {
        for mut link in std::mem::take(&mut self.links) {
            match &mut link {
                Link::Held { n, after, until_us } => {
                    let has_news = self.history.as_ref().map_or_else(
                        || Replay::unborn(after.as_ref()).reset().is_some(),
                        |history| history.answer(after.as_ref(), &AnswerBounds::default()).has_news,
                    );
                    if has_news || *until_us <= self.now_us {
                        let (n, after) = (*n, after.take());
                        self.answer(n, after.as_ref());
                        continue;
                    }
                }
                Link::Socket { n, stream } => {
                    let n = *n;
                    let frames =
                        self.next(stream, |frame, _| frame.to_json(), |event| event.json().to_owned());
                    self.links.push(link);
                    frames.into_iter().for_each(|frame| self.send_text(n, frame));
                    continue;
                }
                Link::Fetched { n, stream } => {
                    let n = *n;
                    let parts = self.next(stream, to_sse, |event| event.sse().to_owned());
                    self.links.push(link);
                    self.send_bytes(n, parts.concat().as_bytes());
                    continue;
                }
                Link::Browser { n, target, last_event_id, state } => {
                    if !self.browse(*n, target, last_event_id, state) {
                        continue;
                    }
                }
            }
            self.links.push(link);
        }
    }

    /// What follows on a stream: the second hello, the gap it fell into, the events.
    fn next(
        &self,
        stream: &mut Stream,
        frame: impl Fn(&Frame, Option<&Epoch>) -> String,
        event: impl Fn(&standby_transport::EncodedEvent) -> String,
    ) -> Vec<String> {
        let Some(history) = &self.history else { return Vec::new() };
        let mut parts = Vec::new();
        if stream.epoch.is_none() {
            stream.epoch = Some(history.epoch().clone());
            parts.push(frame(&Frame::Hello(Hello { epoch: stream.epoch.clone(), last_id: 0 }), None));
        }
        if let Some(gap) = history.gap_after(stream.cursor) {
            parts.push(frame(&Frame::Gap(gap), stream.epoch.as_ref()));
            stream.cursor = gap.to;
        }
        parts.extend(history.after(stream.cursor).map(|held| event(held)));
        stream.cursor = history.last_id();
        parts
    }

    /// The browser's side of an `EventSource`, as HTML §9.2 has it; false once it has given up.
    fn browse(&mut self, n: u64, target: &str, last_event_id: &mut String, state: &mut BrowserState) -> bool {
        let mut text = String::new();
        if let BrowserState::Reconnecting { at_us } = state {
            if *at_us > self.now_us {
                return true;
            }
            if self.now_us < self.refuse_until_us {
                self.arrivals.push_back(Arrival::Errored { n, gave_up: true });
                return false;
            }
            let after =
                if last_event_id.is_empty() { after(target) } else { Some(last_event_id.parse().unwrap()) };
            let (stream, opening) = self.open_stream(after.as_ref());
            text = opening;
            *state = BrowserState::Open { stream, parser: Parser::new() };
        }
        let BrowserState::Open { stream, parser } = state else { return true };
        text += &self.next(stream, to_sse, |event| event.sse().to_owned()).concat();
        let sent = match self.cut_after.take() {
            Some(left) if left < text.len() => &text.as_bytes()[..left],
            Some(left) => {
                self.cut_after = Some(left - text.len());
                text.as_bytes()
            }
            None => text.as_bytes(),
        };
        let mut items = Vec::new();
        for chunk in sent.chunks(self.chunk) {
            parser.feed(chunk, &mut items).unwrap();
        }
        // A new stream knows no id; the browser keeps the old one's until it does.
        if !parser.last_event_id().is_empty() {
            parser.last_event_id().clone_into(last_event_id);
        }
        for item in items {
            if let Item::Event { event_type, data, last_event_id } = item {
                self.arrivals.push_back(Arrival::Dispatched { n, event_type, data, last_event_id });
            }
        }
        if sent.len() < text.len() {
            self.arrivals.push_back(Arrival::Errored { n, gave_up: false });
            *state = BrowserState::Reconnecting { at_us: self.now_us + 700_000 };
        }
        true
    }

    fn send_text(&mut self, n: u64, text: String) {
        if !self.links.iter().any(|link| link.n() == n) {
            return; // Cut before.
        }
        match self.cut_after {
            Some(left) if left < text.len() => {
                self.cut_after = None;
                self.links.retain(|link| link.n() != n);
                self.arrivals.push_back(Arrival::Closed { n });
            }
            left => {
                self.cut_after = left.map(|left| left - text.len());
                self.arrivals.push_back(Arrival::Text { n, text });
            }
        }
    }

    /// False if the network cut it.
    fn send_bytes(&mut self, n: u64, bytes: &[u8]) -> bool {
        let left = self.cut_after.unwrap_or(usize::MAX);
        let sent = &bytes[..left.min(bytes.len())];
        for chunk in sent.chunks(self.chunk) {
            self.arrivals.push_back(Arrival::Body { n, bytes: chunk.to_vec() });
        }
        let is_whole = left >= bytes.len();
        self.cut_after = if is_whole { self.cut_after.map(|left| left - bytes.len()) } else { None };
        if !is_whole {
            self.links.retain(|link| link.n() != n);
            self.arrivals.push_back(Arrival::Failed { n });
        }
        is_whole
    }

    fn cut_all(&mut self) {
        for mut link in std::mem::take(&mut self.links) {
            let n = link.n();
            match &mut link {
                Link::Socket { .. } => self.arrivals.push_back(Arrival::Closed { n }),
                Link::Held { .. } | Link::Fetched { .. } => self.arrivals.push_back(Arrival::Failed { n }),
                Link::Browser { state, .. } => {
                    if let BrowserState::Open { .. } = state {
                        self.arrivals.push_back(Arrival::Errored { n, gave_up: false });
                        *state = BrowserState::Reconnecting { at_us: self.now_us + 700_000 };
                    }
                    self.links.push(link);
                }
            }
        }
    }

    // The subscriber's account.

    fn account(&mut self, notice: Notice) {
        let named = self.machine.position().and_then(|position| position.epoch.clone());
        match notice {
            Notice::Hello(hello) if self.have.epoch.is_none() => self.have.epoch = hello.epoch,
            Notice::Event(event) => {
                // Polls name the life beside the events, without a notice of its own.
                self.have.epoch = self.have.epoch.take().or(named);
                assert_eq!(event.id, self.have.id + 1, "the next event, and no other");
                self.have.id = event.id;
                let token = self.published[&self.have];
                assert_eq!(event.data.get(), format!("{{\"token\":{token}}}"));
            }
            Notice::Gap(gap) => {
                self.have.epoch = self.have.epoch.take().or(named);
                assert_eq!(gap.from, self.have.id + 1, "a gap begins where the subscriber stands");
                assert!(gap.from <= gap.to);
                assert!(gap.to <= self.forgotten[&self.have.epoch], "history still held some of {gap:?}");
                self.have.id = gap.to;
            }
            Notice::Reset(reset) => {
                assert_ne!(reset.epoch, self.have.epoch, "a reset names another life");
                let forgotten = self.forgotten.get(&reset.epoch).copied().unwrap_or(0);
                assert!(reset.last_id <= forgotten, "history still held some before {reset:?}");
                self.have = Position { epoch: reset.epoch, id: reset.last_id };
            }
            Notice::GaveUp { .. } => self.reopen_at_us = Some(self.now_us + 500_000),
            _ => {}
        }
    }

    /// With a network that is well again and one more event, everyone must get to the end.
    fn finish(mut self) {
        self.cut_after = None;
        self.refuse_until_us = 0;
        self.publish();
        self.settle();
        for _ in 0..20 {
            self.run_for(10_000);
        }
        let history = self.history.as_ref().expect("something was published");
        let end = Position::new(history.epoch().clone(), history.last_id());
        assert_eq!(self.machine.position(), Some(&end));
        assert_eq!(self.have, end);
    }
}

impl Link {
    fn n(&self) -> u64 {
        match self {
            Self::Held { n, .. }
            | Self::Socket { n, .. }
            | Self::Fetched { n, .. }
            | Self::Browser { n, .. } => *n,
        }
    }
}

fn to_sse(frame: &Frame, epoch: Option<&Epoch>) -> String {
    frame.to_sse(epoch)
}

/// The position in a URL.
fn after(target: &str) -> Option<Position> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("after=")).map(|after| after.parse().unwrap())
}

fn check(machine: Box<dyn Machine>, ops: Vec<Op>) {
    let mut world = World::new(machine);
    ops.into_iter().for_each(|op| world.apply(op));
    world.finish();
}

const BACKOFF: Backoff = Backoff::FullJitter { base_ms: 200, cap_ms: 3_000 };

proptest! {
    #[test]
    fn short_polling_loses_and_doubles_nothing(ops in prop::collection::vec(op(), 0..50)) {
        let config = short_poll::Config { sub: "s".into(), interval_ms: 1_000, phase_ms: 100, conditional: false };
        check(Box::new(ShortPoll::new(config, Some(Position::START))), ops);
    }

    #[test]
    fn long_polling_loses_and_doubles_nothing(ops in prop::collection::vec(op(), 0..50)) {
        let config = long_poll::Config { sub: "l".into(), timeout_ms: 2_000, backoff: BACKOFF, seed: 1 };
        check(Box::new(LongPoll::new(config, Some(Position::START))), ops);
    }

    #[test]
    fn a_websocket_loses_and_doubles_nothing(ops in prop::collection::vec(op(), 0..50)) {
        let config = websocket::Config { sub: "w".into(), backoff: BACKOFF, seed: 1, keep_alive_ms: 0, silence_ms: 0 };
        check(Box::new(WebSocket::new(config, Some(Position::START))), ops);
    }

    #[test]
    fn our_client_of_event_streams_loses_and_doubles_nothing(ops in prop::collection::vec(op(), 0..50)) {
        let config = sse::client::Config { sub: "f".into(), retry_ms: 700, backoff: BACKOFF, seed: 1, keep_alive_ms: 0, silence_ms: 0 };
        check(Box::new(SseClient::new(config, Some(Position::START))), ops);
    }

    #[test]
    fn a_browser_s_event_source_loses_and_doubles_nothing(ops in prop::collection::vec(op(), 0..50)) {
        let config = sse::event_source::Config { sub: "e".into(), retry_ms: 700, keep_alive_ms: 0 };
        check(Box::new(EventSource::new(config, Some(Position::START))), ops);
    }
}
