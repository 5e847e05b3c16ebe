//! The page's lanes: each drives its transport's machine, as a live page does, and tells what it did
//! and saw.

use rand_core::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use standby_trace::recorder::Fact;
use standby_trace::scenario::{LaneSpec, Scenario, Transport, What};
use standby_trace::tap::Via;
use standby_transport::{Action, Input, Machine, Notice, Output, Position};

use super::browser::Source;
use super::{Told, World};
use crate::words;

/// One lane.
pub(super) struct Lane {
    pub(super) sub: String,
    seed: u64,
    spec: LaneSpec,
    machine: Box<dyn Machine>,
    runs: bool,
    /// A machine counts its exchanges from 1. When a setting changes, a new one goes on from the old
    /// one's position; this is what its numbers are ahead of its own.
    ahead: u64,
    last_n: u64,
    /// The exchange that is under way.
    pub(super) link: Option<u64>,
    pub(super) source: Option<Source>,
    pub(super) socket_target: String,
    /// Of the poll that is being answered.
    status: u16,
    wake_us: Option<i64>,
    send_us: Option<i64>,
    sends: Xoshiro256PlusPlus,
    handshake: Handshake,
    /// The server has said hello, and no cut came since.
    is_open: bool,
    pub(super) gave_up: Option<String>,
}

/// How the last WebSocket handshake went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handshake {
    UnderWay,
    Done,
    Failed,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").field("sub", &self.sub).field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl Lane {
    /// One that stands before a topic's first event.
    pub(super) fn new(scenario: &Scenario, index: usize) -> Self {
        // Each lane waits by its own chance; the same as a live page's.
        let seed = scenario.seed.wrapping_mul(31).wrapping_add(index as u64);
        let (sub, spec) = (scenario.sub(index), scenario.lanes[index]);
        Self {
            machine: words::machine(&spec, &sub, seed, Some(Position::START)),
            sub,
            seed,
            spec,
            runs: false,
            ahead: 0,
            last_n: 0,
            link: None,
            source: None,
            socket_target: String::new(),
            status: 0,
            wake_us: None,
            send_us: None,
            sends: Xoshiro256PlusPlus::seed_from_u64(seed),
            handshake: Handshake::Done,
            is_open: false,
            gave_up: None,
        }
    }

    /// When it does something by itself.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.wake_us.into_iter().chain(self.send_us).min()
    }

    pub(super) fn last_id(&self) -> Option<u64> {
        self.machine.position().map(|position| position.id)
    }

    fn polls(&self) -> bool {
        matches!(self.spec, LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. })
    }

    fn via(&self) -> Via {
        match self.spec.transport() {
            Transport::ShortPoll => Via::ShortPoll,
            Transport::LongPoll => Via::LongPoll,
            Transport::WebSocket => Via::WebSocket,
            Transport::Sse => Via::Sse,
        }
    }

    fn send_every_us(&self) -> Option<i64> {
        match self.spec {
            LaneSpec::WebSocket { send_every_ms: ms @ 1.., .. } => Some(i64::from(ms) * 1_000),
            _ => None,
        }
    }
}

impl World {
    /// Begins, or goes on from where it stands.
    pub(super) fn start_lane(&mut self, index: usize) {
        let now_us = self.now_us;
        let Some(lane) = self.lanes.get_mut(index) else { return };
        lane.runs = true;
        lane.gave_up = None;
        lane.send_us = lane.send_every_us().map(|us| now_us + us);
        self.step_lane(index, 0, Input::Start);
    }

    /// Lets go of every connection of a lane.
    pub(super) fn let_go_lane(&mut self, index: usize) {
        let Some(lane) = self.lanes.get_mut(index) else { return };
        lane.runs = false;
        lane.is_open = false;
        lane.send_us = None;
        self.step_lane(index, 0, Input::Stop);
        self.tell_page(index, Fact::LetGo);
    }

    /// Goes on with other settings, from where it stands.
    pub(super) fn set(&mut self, index: usize, spec: LaneSpec) {
        let Some(runs) = self.lanes.get(index).map(|lane| lane.runs) else { return };
        if runs {
            self.let_go_lane(index);
        }
        if let Some(lane) = self.lanes.get_mut(index) {
            let position = lane.machine.position().cloned().unwrap_or(Position::START);
            lane.machine = words::machine(&spec, &lane.sub, lane.seed, Some(position));
            lane.ahead = lane.last_n;
            lane.spec = spec;
        }
        if runs {
            self.start_lane(index);
        }
    }

    /// The browser tells a lane's machine something about exchange `n`. What is about one that was
    /// let go comes to nothing.
    pub(super) fn tell<'a>(&mut self, index: usize, n: u64, input: impl FnOnce(u64) -> Input<'a>) {
        let Some(lane) = self.lanes.get(index).filter(|lane| lane.link == Some(n)) else { return };
        let own = n - lane.ahead;
        self.step_lane(index, n, input(own));
    }

    /// What a lane does by itself is due.
    pub(super) fn wake_lane(&mut self, index: usize) {
        let (now_us, what) = (self.now_us, self.publish.what);
        let Some(lane) = self.lanes.get_mut(index) else { return };
        if lane.wake_us.is_some_and(|us| us <= now_us) {
            lane.wake_us = None;
            return self.step_lane(index, 0, Input::Wake);
        }
        lane.send_us = lane.send_every_us().map(|us| now_us + us);
        if lane.is_open {
            let data = by_hand(what, lane.sends.next_u64() >> 11);
            self.step_lane(index, 0, Input::Publish { data: &data });
        }
    }

    /// Takes the machine one step on and does what it says. `n` is the exchange that the input is
    /// about.
    fn step_lane(&mut self, index: usize, n: u64, input: Input<'_>) {
        let mut out = Vec::new();
        let now_us = self.at_us();
        let Some(lane) = self.lanes.get_mut(index) else { return };
        match input {
            Input::Head { status, .. } => lane.status = status,
            Input::Opened { .. } => lane.handshake = Handshake::Done,
            Input::Closed { .. } if lane.handshake == Handshake::UnderWay => {
                lane.handshake = Handshake::Failed;
            }
            _ => {}
        }
        lane.machine.step(now_us, input, &mut out);
        self.record_arrival(index, n, &input, &out);
        for output in out {
            match output {
                Output::Do(action) => self.act(index, action),
                Output::Tell(notice) => self.learn(index, n, notice),
            }
        }
        self.arm(index);
    }

    /// Tells what arrived, as far as the notices don't say it.
    fn record_arrival(&mut self, index: usize, n: u64, input: &Input<'_>, out: &[Output]) {
        let Some(lane) = self.lanes.get(index) else { return };
        let (status, polls) = (lane.status, lane.polls());
        match *input {
            Input::Opened { .. } => self.tell_page(index, Fact::Opened { n }),
            Input::Head { status: 200, .. } if !polls => self.tell_page(index, Fact::Opened { n }),
            Input::Head { status, .. } if !polls => {
                self.tell_page(index, Fact::Answered { n, status, events: Vec::new() });
            }
            Input::End { .. } if polls => {
                let events = out.iter().filter_map(|output| match output {
                    Output::Tell(Notice::Event(event)) => Some(event.id),
                    _ => None,
                });
                let events = events.collect();
                self.tell_page(index, Fact::Answered { n, status, events });
            }
            _ => {}
        }
    }

    fn act(&mut self, index: usize, action: Action) {
        let Some(lane) = self.lanes.get_mut(index) else { return };
        let (ahead, via) = (lane.ahead, lane.via());
        match action {
            Action::Fetch(request) => {
                let n = self.begin_exchange(index, request.n + ahead);
                let target = words::numbered(&request.target, request.n, n);
                self.fetch(index, n, via, &request, &target);
            }
            Action::OpenSocket { n: own, target } => {
                let probe = lane.handshake == Handshake::Failed;
                lane.handshake = Handshake::UnderWay;
                let n = self.begin_exchange(index, own + ahead);
                self.open_socket(index, n, &words::numbered(&target, own, n), probe);
            }
            Action::OpenEventSource { n: own, target } => {
                let n = self.begin_exchange(index, own + ahead);
                self.open_source(index, n, &words::numbered(&target, own, n));
            }
            Action::SendText { n, text } => {
                if self.send_text(index, n + ahead, &text) {
                    self.tell_page(index, Fact::SentText { n: n + ahead });
                }
            }
            Action::CloseSocket { n, code } => {
                lane.link = None;
                self.close_socket(index, n + ahead, code);
            }
            Action::Abort { n } | Action::CloseEventSource { n } => {
                lane.link = None;
                self.abort(index, n + ahead);
            }
        }
    }

    /// A request, handshake or stream is sent.
    fn begin_exchange(&mut self, index: usize, n: u64) -> u64 {
        if let Some(lane) = self.lanes.get_mut(index) {
            lane.last_n = n;
            lane.link = Some(n);
        }
        self.tell_page(index, Fact::Sent { n });
        n
    }

    /// Tells what the machine learned.
    fn learn(&mut self, index: usize, n: u64, notice: Notice) {
        let Some(lane) = self.lanes.get_mut(index) else { return };
        let ahead = lane.ahead;
        match &notice {
            Notice::Hello(_) | Notice::Reset(_) => lane.is_open = true,
            Notice::Cut { .. } => lane.is_open = false,
            Notice::GaveUp { why } => lane.gave_up = Some(words::why(why)),
            _ => {}
        }
        let text = |epoch: &standby_transport::Epoch| epoch.as_str().to_owned();
        let fact = match notice {
            Notice::Hello(hello) => {
                Fact::Hello { n, epoch: hello.epoch.as_ref().map(text), last_id: hello.last_id }
            }
            Notice::Event(event) => Fact::Event { n, id: event.id },
            Notice::Gap(gap) => Fact::Gap { n, from: gap.from, to: gap.to },
            Notice::Reset(reset) => {
                Fact::Reset { n, epoch: reset.epoch.as_ref().map(text), last_id: reset.last_id }
            }
            Notice::Cut { n, why } => Fact::Cut { n: n + ahead, why: words::why(&why) },
            // `Answered` said it; and the pause between two polls is no wait to come back.
            Notice::Empty { .. } | Notice::Waiting { attempt: 0, .. } => return,
            Notice::Waiting { until_us, who, .. } => Fact::Waiting {
                until_us: until_us.map(|us| i64::try_from(us).unwrap_or(i64::MAX)),
                who: words::who(who),
            },
            Notice::GaveUp { why } => Fact::GaveUp { why: words::why(&why) },
            Notice::Refused { title, .. } => {
                return self.told.push((self.now_us, Told::Note(format!("refused: {title}"))));
            }
        };
        self.tell_page(index, fact);
    }

    /// Sets the timer for when the machine wants to be woken: in whole milliseconds from now, as
    /// pages have them.
    fn arm(&mut self, index: usize) {
        let now_us = self.now_us;
        let Some(lane) = self.lanes.get_mut(index) else { return };
        lane.wake_us = lane.machine.wake_at().map(|at_us| {
            let ms = at_us.saturating_sub(u64::try_from(now_us).unwrap_or(0)).div_ceil(1_000);
            now_us.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000))
        });
    }
}

/// What a lane publishes over its own socket: of the same kind as what the experiment's publisher
/// publishes. `random` chooses.
fn by_hand(what: What, random: u64) -> String {
    match what {
        // Between 95.00 and 105.00.
        What::Price => {
            let cents = 9_500 + random % 1_001;
            format!(r#"{{"price":{}.{:02}}}"#, cents / 100, cents % 100)
        }
        What::Chat => r#"{"from":"you","text":"Hello from this page."}"#.to_owned(),
        What::Notification => r#"{"title":"Published by hand"}"#.to_owned(),
    }
}
