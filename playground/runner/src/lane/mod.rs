//! One lane of a live run: a transport's machine, and the browser's part of its work.
//!
//! The machine says what to do ([`Action`]); the lane does it, with fetch ([`fetch`]), WebSockets
//! ([`socket`]) and `EventSource` ([`event_source`]), tells it what arrives, and writes down both.

mod event_source;
mod fetch;
mod socket;

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::{Interval, Timeout};
use standby_dom::time;
use standby_sim::words;
use standby_trace::recorder::Fact;
use standby_trace::scenario::{LaneSpec, Scenario, What};
use standby_transport::{Action, Input, Machine, Notice, Output, Position};

use crate::hand;
use crate::sink::Run;
use standby_api::Api;

/// One lane of a live run.
pub(crate) struct Lane {
    index: usize,
    sub: String,
    seed: u64,
    what: What,
    api: Api,
    /// The URL that the machine's targets stand below.
    topic: String,
    run: Rc<Run>,
    state: RefCell<State>,
}

struct State {
    spec: LaneSpec,
    machine: Box<dyn Machine>,
    runs: bool,
    /// A machine counts its exchanges from 1. When a setting changes, a new one goes on from the
    /// old one's position; this is what its numbers are ahead of its own.
    ahead: u64,
    /// The number of the last exchange.
    last_n: u64,
    /// What is under way, by its number.
    links: Vec<(u64, Link)>,
    /// Of the poll that is being answered.
    status: u16,
    wake: Option<Timeout>,
    sends: Option<Interval>,
    handshake: Handshake,
    /// The server has said hello, and no cut came since.
    is_open: bool,
    gave_up: Option<String>,
}

/// How the last WebSocket handshake went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handshake {
    UnderWay,
    Done,
    Failed,
}

/// Something under way. To drop it is to let go of it.
enum Link {
    Fetch(#[expect(dead_code, reason = "held to be dropped")] fetch::Fetch),
    Socket(socket::Socket),
    EventSource(#[expect(dead_code, reason = "held to be dropped")] event_source::Source),
}

impl Lane {
    /// A scenario's lane of that number, which stands before a topic's first event.
    pub(crate) fn new(
        index: usize,
        scenario: &Scenario,
        run: &Rc<Run>,
        api: &Api,
        topic: &str,
    ) -> Option<Rc<Self>> {
        let (sub, spec, what) = (scenario.sub(index), *scenario.lanes.get(index)?, scenario.publish.what);
        // Each lane waits by its own chance.
        let seed = scenario.seed.wrapping_mul(31).wrapping_add(index as u64);
        let machine = words::machine(&spec, &sub, seed, Some(Position::START));
        Some(Rc::new(Self {
            index,
            sub,
            seed,
            what,
            api: api.clone(),
            topic: api.topic(topic),
            run: run.clone(),
            state: RefCell::new(State {
                spec,
                machine,
                runs: false,
                ahead: 0,
                last_n: 0,
                links: Vec::new(),
                status: 0,
                wake: None,
                sends: None,
                handshake: Handshake::Done,
                is_open: false,
                gave_up: None,
            }),
        }))
    }

    /// Begins, or goes on from where it stands.
    pub(crate) fn start(self: &Rc<Self>) {
        {
            let mut state = self.state.borrow_mut();
            state.runs = true;
            state.gave_up = None;
        }
        self.send_by_itself();
        self.step(0, Input::Start);
    }

    /// Lets go of every connection.
    pub(crate) fn let_go(self: &Rc<Self>) {
        {
            let mut state = self.state.borrow_mut();
            state.runs = false;
            state.is_open = false;
            state.sends = None;
        }
        self.step(0, Input::Stop);
        self.record(&Fact::LetGo);
    }

    /// Goes on with other settings, from where it stands.
    pub(crate) fn set(self: &Rc<Self>, spec: LaneSpec) {
        let runs = self.state.borrow().runs;
        if runs {
            self.let_go();
        }
        {
            let mut state = self.state.borrow_mut();
            let position = state.machine.position().cloned().unwrap_or(Position::START);
            state.machine = words::machine(&spec, &self.sub, self.seed, Some(position));
            state.ahead = state.last_n;
            state.spec = spec;
        }
        if runs {
            self.start();
        }
    }

    /// Why this lane will not come back by itself.
    pub(crate) fn gave_up(&self) -> Option<String> {
        self.state.borrow().gave_up.clone()
    }

    /// The last id that it has.
    pub(crate) fn last_id(&self) -> Option<u64> {
        self.state.borrow().machine.position().map(|position| position.id)
    }

    /// A link tells its machine something about exchange `n`. What is about an exchange that was
    /// let go comes to nothing.
    fn tell<'a>(self: &Rc<Self>, n: u64, input: impl FnOnce(u64) -> Input<'a>) {
        let own = {
            let state = self.state.borrow();
            let known = state.links.iter().any(|(known, _)| *known == n);
            known.then(|| n - state.ahead)
        };
        if let Some(own) = own {
            self.step(n, input(own));
        }
    }

    /// Takes the machine one step on and does what it says. `n` is the exchange that the input is
    /// about.
    fn step(self: &Rc<Self>, n: u64, input: Input<'_>) {
        let mut out = Vec::new();
        let now_us = u64::try_from(time::now_us()).unwrap_or(0);
        {
            let mut state = self.state.borrow_mut();
            match input {
                Input::Head { status, .. } => state.status = status,
                Input::Opened { .. } => state.handshake = Handshake::Done,
                Input::Closed { .. } if state.handshake == Handshake::UnderWay => {
                    state.handshake = Handshake::Failed;
                }
                _ => {}
            }
            state.machine.step(now_us, input, &mut out);
        }
        self.record_arrival(n, &input, &out);
        for output in out {
            match output {
                Output::Do(action) => self.act(action),
                Output::Tell(notice) => self.learn(n, notice),
            }
        }
        self.arm();
    }

    /// Writes down what arrived, as far as the notices don't say it.
    fn record_arrival(&self, n: u64, input: &Input<'_>, out: &[Output]) {
        let (status, polls) = {
            let state = self.state.borrow();
            (state.status, matches!(state.spec, LaneSpec::ShortPoll { .. } | LaneSpec::LongPoll { .. }))
        };
        match input {
            Input::Opened { .. } => {
                self.record(&Fact::Opened { n });
            }
            Input::Head { status: 200, .. } if !polls => {
                self.record(&Fact::Opened { n });
            }
            Input::Head { status, .. } if !polls => {
                self.record(&Fact::Answered { n, status: *status, events: Vec::new() });
            }
            Input::End { .. } if polls => {
                let events: Vec<u64> = out
                    .iter()
                    .filter_map(|output| match output {
                        Output::Tell(Notice::Event(event)) => Some(event.id),
                        _ => None,
                    })
                    .collect();
                self.record(&Fact::Answered { n, status, events });
            }
            _ => {}
        }
    }

    fn act(self: &Rc<Self>, action: Action) {
        let ahead = self.state.borrow().ahead;
        let url = |n: u64, target: &str| format!("{}{}", self.topic, words::numbered(target, n, n + ahead));
        match action {
            Action::Fetch(request) => {
                let n = self.begin(request.n + ahead);
                let url = url(request.n, &request.target);
                self.link(n, Link::Fetch(fetch::send(self, n, &url, &request.headers)));
            }
            Action::OpenSocket { n: own, target } => {
                let n = self.begin(own + ahead);
                // A failed handshake makes the browser hold back the next ones, by up to 40 s in
                // Firefox. So while the server may be away, a fetch goes first.
                let failed = self.state.borrow().handshake == Handshake::Failed;
                let probe = self.run.is_away() || failed;
                self.state.borrow_mut().handshake = Handshake::UnderWay;
                let url = standby_api::web_socket(&url(own, &target));
                let probe = probe.then(|| self.api.clone());
                self.link(n, Link::Socket(socket::open(self, n, url, probe)));
            }
            Action::OpenEventSource { n: own, target } => {
                let n = self.begin(own + ahead);
                match event_source::open(self, n, &url(own, &target)) {
                    Some(source) => self.link(n, Link::EventSource(source)),
                    None => self.step(n, Input::Errored { n: own, gave_up: true }),
                }
            }
            Action::SendText { n, text } => {
                let n = n + ahead;
                let mut sent = false;
                for (known, link) in &self.state.borrow().links {
                    if let Link::Socket(socket) = link
                        && *known == n
                    {
                        sent = socket.send(text.clone());
                    }
                }
                if sent {
                    self.record(&Fact::SentText { n });
                }
            }
            Action::CloseSocket { n, code } => {
                if let Some(Link::Socket(socket)) = self.unlink(n + ahead) {
                    socket.close(code);
                }
            }
            Action::Abort { n } | Action::CloseEventSource { n } => drop(self.unlink(n + ahead)),
        }
    }

    /// A request, handshake or stream is sent.
    fn begin(&self, n: u64) -> u64 {
        self.state.borrow_mut().last_n = n;
        self.record(&Fact::Sent { n });
        n
    }

    fn link(&self, n: u64, link: Link) {
        let mut state = self.state.borrow_mut();
        // A machine has one exchange at a time: what it began before is over.
        state.links.clear();
        state.links.push((n, link));
    }

    fn unlink(&self, n: u64) -> Option<Link> {
        let mut state = self.state.borrow_mut();
        let at = state.links.iter().position(|(known, _)| *known == n)?;
        Some(state.links.swap_remove(at).1)
    }

    /// Writes down what the machine learned.
    fn learn(&self, n: u64, notice: Notice) {
        let ahead = self.state.borrow().ahead;
        match notice {
            Notice::Hello(_) | Notice::Reset(_) => self.state.borrow_mut().is_open = true,
            Notice::Cut { .. } => self.state.borrow_mut().is_open = false,
            _ => {}
        }
        let epoch = |epoch: Option<standby_transport::Epoch>| epoch.map(|epoch| epoch.as_str().to_owned());
        self.record(&match notice {
            Notice::Hello(hello) => Fact::Hello { n, epoch: epoch(hello.epoch), last_id: hello.last_id },
            Notice::Event(event) => Fact::Event { n, id: event.id },
            Notice::Gap(gap) => Fact::Gap { n, from: gap.from, to: gap.to },
            Notice::Reset(reset) => Fact::Reset { n, epoch: epoch(reset.epoch), last_id: reset.last_id },
            // `Answered` said it.
            Notice::Empty { .. } => return,
            Notice::Cut { n, why } => Fact::Cut { n: n + ahead, why: words::why(&why) },
            // The pause between two polls is no wait to come back.
            Notice::Waiting { attempt: 0, .. } => return,
            Notice::Waiting { until_us, who, .. } => Fact::Waiting {
                until_us: until_us.map(|until_us| self.run.since_start_us(until_us)),
                who: words::who(who),
            },
            Notice::GaveUp { why } => {
                let why = words::why(&why);
                self.state.borrow_mut().gave_up = Some(why.clone());
                Fact::GaveUp { why }
            }
            Notice::Refused { title, .. } => return self.run.sink().note(&format!("refused: {title}")),
        });
    }

    fn record(&self, fact: &Fact) {
        self.run.record(self.index, fact);
    }

    /// Sets the timer for when the machine wants to be woken.
    fn arm(self: &Rc<Self>) {
        let wake_at_us = self.state.borrow().machine.wake_at();
        let timer = wake_at_us.map(|at_us| {
            let ms = at_us.saturating_sub(u64::try_from(time::now_us()).unwrap_or(0)).div_ceil(1_000);
            let lane = Rc::downgrade(self);
            // Browsers fire at once what is further away than 2^31 ms.
            Timeout::new(u32::try_from(ms).unwrap_or(u32::MAX).min(0x7fff_ffff), move || {
                if let Some(lane) = lane.upgrade() {
                    lane.step(0, Input::Wake);
                }
            })
        });
        self.state.borrow_mut().wake = timer;
    }

    /// Publishes over its own socket, where the scenario says so.
    fn send_by_itself(self: &Rc<Self>) {
        let LaneSpec::WebSocket { send_every_ms, .. } = self.state.borrow().spec else { return };
        if send_every_ms == 0 {
            return;
        }
        let lane = Rc::downgrade(self);
        let sends = Interval::new(send_every_ms, move || {
            if let Some(lane) = lane.upgrade() {
                // A socket that is not open has nothing to say, and says so; here nobody waits for it.
                let open = lane.state.borrow().is_open;
                if open {
                    lane.step(0, Input::Publish { data: &hand::data(lane.what) });
                }
            }
        });
        self.state.borrow_mut().sends = Some(sends);
    }
}
