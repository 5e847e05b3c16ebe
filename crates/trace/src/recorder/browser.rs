//! The page's half of a run: what its lanes sent and saw, on its own clock.

use serde::Serialize;

use crate::json::{Members, Value, Wrong, read_by_hand};
use crate::ledger::published_before;
use crate::scenario::Transport;
use crate::trace::{Direction, Kind, MarkKind, Moment, SpanKind, Who};

use super::{ExchangeRef, Recorder};

/// Something that a lane of the page did or saw. `n` is the exchange's number.
///
/// A lane in the recorder's own program can call its methods; this is the same, for one that runs
/// somewhere else, and JSON on the way.
#[expect(missing_docs, reason = "each method names what its members are")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// See [`Recorder::sent`].
    Sent { n: u64 },
    /// See [`Recorder::sent_text`].
    SentText { n: u64 },
    /// See [`Recorder::opened`].
    Opened { n: u64 },
    /// See [`Recorder::answered`].
    Answered { n: u64, status: u16, events: Vec<u64> },
    /// See [`Recorder::hello`].
    Hello { n: u64, epoch: Option<String>, last_id: u64 },
    /// See [`Recorder::event`].
    Event { n: u64, id: u64 },
    /// See [`Recorder::gap`].
    Gap { n: u64, from: u64, to: u64 },
    /// See [`Recorder::reset`].
    Reset { n: u64, epoch: Option<String>, last_id: u64 },
    /// See [`Recorder::cut`].
    Cut { n: u64, why: String },
    /// See [`Recorder::waiting`].
    Waiting { until_us: Option<i64>, who: Who },
    /// See [`Recorder::gave_up`].
    GaveUp { why: String },
    /// See [`Recorder::let_go`].
    LetGo,
}

read_by_hand! { Fact: fact }

fn fact(value: &Value<'_>) -> Result<Fact, Wrong> {
    let of = Members::of("a fact", value)?;
    let n = of.u64("n");
    let epoch = || of.maybe_text("epoch").map(|epoch| epoch.map(str::to_owned));
    let why = || of.text("why").map(str::to_owned);
    Ok(match of.text("fact")? {
        "sent" => Fact::Sent { n: n? },
        "sent-text" => Fact::SentText { n: n? },
        "opened" => Fact::Opened { n: n? },
        "answered" => {
            let status = of.maybe_u16("status")?.unwrap_or_default();
            Fact::Answered { n: n?, status, events: of.numbers("events")? }
        }
        "hello" => Fact::Hello { n: n?, epoch: epoch()?, last_id: of.u64("last_id")? },
        "event" => Fact::Event { n: n?, id: of.u64("id")? },
        "gap" => Fact::Gap { n: n?, from: of.u64("from")?, to: of.u64("to")? },
        "reset" => Fact::Reset { n: n?, epoch: epoch()?, last_id: of.u64("last_id")? },
        "cut" => Fact::Cut { n: n?, why: why()? },
        "waiting" => Fact::Waiting { until_us: of.maybe_i64("until_us")?, who: of.name("who")? },
        "gave-up" => Fact::GaveUp { why: why()? },
        "let-go" => Fact::LetGo,
        other => return Err(Wrong::new(format!("`{other}` is no fact"))),
    })
}

impl Recorder {
    /// Writes down what a lane did or saw.
    pub fn fact(&mut self, lane: usize, fact: &Fact, now_us: i64) {
        match fact {
            Fact::Sent { n } => self.sent(lane, *n, now_us),
            Fact::SentText { n } => self.sent_text(lane, *n, now_us),
            Fact::Opened { n } => self.opened(lane, *n, now_us),
            Fact::Answered { n, status, events } => self.answered(lane, *n, *status, events, now_us),
            Fact::Hello { n, epoch, last_id } => self.hello(lane, *n, epoch.as_deref(), *last_id, now_us),
            Fact::Event { n, id } => self.event(lane, *n, *id, now_us),
            Fact::Gap { n, from, to } => self.gap(lane, *n, *from, *to, now_us),
            Fact::Reset { n, epoch, last_id } => self.reset(lane, *n, epoch.as_deref(), *last_id, now_us),
            Fact::Cut { n, why } => self.cut(lane, *n, why, now_us),
            Fact::Waiting { until_us, who } => self.waiting(lane, *until_us, *who, now_us),
            Fact::GaveUp { why } => self.gave_up(lane, why, now_us),
            Fact::LetGo => self.let_go(lane, now_us),
        }
    }

    /// A request, a handshake or a stream's GET left.
    pub fn sent(&mut self, lane: usize, n: u64, now_us: i64) {
        let message = self.message(lane, n, Direction::ToServer, Kind::Request);
        let id =
            self.window.push(crate::trace::Message { client: Some(Moment::measured(now_us)), ..message });
        let recovery = self.recovery_of(lane);
        if let Some(exchange) = self.begin(lane, n, now_us) {
            exchange.request = Some(id);
            exchange.recovery = recovery;
        }
        self.end_spans(lane, None, &[SpanKind::Waiting], Moment::measured(now_us));
    }

    /// A text message left on a WebSocket.
    pub fn sent_text(&mut self, lane: usize, n: u64, now_us: i64) {
        let message = self.message(lane, n, Direction::ToServer, Kind::Send);
        let id =
            self.window.push(crate::trace::Message { client: Some(Moment::measured(now_us)), ..message });
        if let Some(exchange) = self.exchange(lane, n) {
            exchange.sends.push_back(id);
        }
        self.touch();
    }

    /// The page saw a stream's head or a handshake's 101.
    pub fn opened(&mut self, lane: usize, n: u64, now_us: i64) {
        self.end_spans(lane, None, &[SpanKind::Waiting], Moment::measured(now_us));
        let id = self.answer_message(lane, n, Kind::Open);
        if let Some(message) = id.and_then(|id| self.window.get(id))
            && message.client.is_none_or(|client| client.inferred)
        {
            message.client = Some(Moment::measured(now_us));
        }
        let open = |span: &crate::trace::Span| span.kind == SpanKind::Open && span.to.is_none();
        let lane_id = u16::try_from(lane).ok();
        if !self.trace().spans.iter().any(|span| span.lane == lane_id && open(span))
            && let (Some(lane), Some(turn)) = (lane_id, self.exchange(lane, n).map(|exchange| exchange.turn))
        {
            let at = ExchangeRef { lane, n, turn };
            self.shared_span(at, SpanKind::Open, Who::Client, Moment::measured(now_us));
        }
        self.touch();
    }

    /// The page has a poll's whole answer. Each event in it is told by [`Recorder::event`] besides.
    pub fn answered(&mut self, lane: usize, n: u64, status: u16, events: &[u64], now_us: i64) {
        let kind = if status >= 400 { Kind::Refusal } else { Kind::Answer };
        let id = self.answer_message(lane, n, kind);
        if let Some(message) = id.and_then(|id| self.window.get(id)) {
            message.kind = kind;
            message.client = Some(Moment::measured(now_us));
            message.status = Some(status);
            if message.events.is_empty() {
                message.events = events.to_vec();
            }
        }
        self.end_spans(lane, Some(n), &[SpanKind::Held], Moment::measured(now_us));
        if let Some(exchange) = self.exchange(lane, n) {
            exchange.over_us = Some(now_us);
        }
        if status < 400
            && let Some(state) = self.lanes.get_mut(lane)
        {
            state.recovering = false;
        }
        self.touch();
    }

    /// A stream said where it goes on from.
    pub fn hello(&mut self, lane: usize, n: u64, epoch: Option<&str>, last_id: u64, now_us: i64) {
        self.opened(lane, n, now_us);
        if let Some(epoch) = epoch {
            let life = self.life(epoch);
            if let Some(state) = self.lanes.get_mut(lane) {
                state.last = Some((life, last_id));
                state.recovering = false;
            }
        }
    }

    /// An event was delivered to the page.
    pub fn event(&mut self, lane: usize, n: u64, id: u64, now_us: i64) {
        if self.is_stream(lane) {
            self.stream_message(lane, n, Kind::Event, Some(id), now_us);
        }
        if let Some(state) = self.lanes.get_mut(lane) {
            let life = state.last.map_or(self.epochs.len().saturating_sub(1), |(life, _)| life);
            state.last = Some((life, id));
        }
        self.note_recovered(lane, n, id, now_us);
    }

    /// The server told a gap.
    pub fn gap(&mut self, lane: usize, n: u64, from: u64, to: u64, now_us: i64) {
        if self.is_stream(lane) {
            self.stream_message(lane, n, Kind::Gap, None, now_us);
        }
        self.mark(Some(lane), Moment::measured(now_us), MarkKind::Gap { from, to });
    }

    /// The server told of a new life of the topic.
    pub fn reset(&mut self, lane: usize, n: u64, epoch: Option<&str>, last_id: u64, now_us: i64) {
        if self.is_stream(lane) {
            // It stands in the hello's place.
            self.opened(lane, n, now_us);
        }
        let life = epoch.map(|epoch| self.life(epoch));
        if let Some(state) = self.lanes.get_mut(lane) {
            state.last = life.map(|life| (life, last_id));
            state.recovering = false;
        }
        self.mark(Some(lane), Moment::measured(now_us), MarkKind::Reset { epoch: epoch.map(str::to_owned) });
    }

    /// An exchange was cut or refused; `why` in a few words.
    pub fn cut(&mut self, lane: usize, n: u64, why: &str, now_us: i64) {
        if let Some(exchange) = self.exchange(lane, n) {
            exchange.over_us = Some(now_us);
            // What the server had sent and never came. It may have told us less than it knows by
            // now: what it tells later of this exchange is lost too.
            let mut lost: Vec<_> = exchange.server_first.drain(..).collect();
            lost.extend(exchange.sends.drain(..));
            lost.extend(exchange.request);
            lost.extend(exchange.answer);
            for id in lost {
                if let Some(message) = self.window.get(id) {
                    let arrived = match message.direction {
                        Direction::ToServer => message.server.is_some() || message.socket_us.is_some(),
                        Direction::ToClient => message.client.is_some(),
                    };
                    message.lost = !arrived;
                }
            }
        }
        if let Some(state) = self.lanes.get_mut(lane) {
            state.recovering = true;
        }
        self.end_spans(lane, Some(n), &[SpanKind::Open, SpanKind::Held], Moment::measured(now_us));
        self.mark(Some(lane), Moment::measured(now_us), MarkKind::Cut { why: why.to_owned() });
    }

    /// After a cut nothing is tried until then (`None`: this end can't know).
    pub fn waiting(&mut self, lane: usize, until_us: Option<i64>, who: Who, now_us: i64) {
        self.end_spans(lane, None, &[SpanKind::Waiting], Moment::measured(now_us));
        self.span(lane, 0, SpanKind::Waiting, who, Moment::measured(now_us));
        if let Some(span) = self.window.trace_mut().spans.last_mut() {
            span.until_us = until_us;
        }
    }

    /// A lane will not come back by itself.
    pub fn gave_up(&mut self, lane: usize, why: &str, now_us: i64) {
        self.end_all(lane, now_us);
        self.mark(Some(lane), Moment::measured(now_us), MarkKind::GaveUp { why: why.to_owned() });
    }

    /// The page itself released a lane.
    pub fn let_go(&mut self, lane: usize, now_us: i64) {
        self.end_all(lane, now_us);
        if let Some(state) = self.lanes.get_mut(lane) {
            for exchange in &mut state.open {
                exchange.over_us = Some(now_us);
            }
            // Coming back goes on from the position, and is a recovery like any other.
            state.recovering = true;
        }
    }

    /// Something that concerns all lanes happened.
    pub fn note(&mut self, text: &str, now_us: i64) {
        self.mark(None, Moment::measured(now_us), MarkKind::Note { text: text.to_owned() });
    }

    fn end_all(&mut self, lane: usize, now_us: i64) {
        self.end_spans(
            lane,
            None,
            &[SpanKind::Open, SpanKind::Held, SpanKind::Waiting],
            Moment::measured(now_us),
        );
    }

    /// The message that answers an exchange: the one that the tap told, or a new one.
    fn answer_message(&mut self, lane: usize, n: u64, kind: Kind) -> Option<super::MessageId> {
        self.ensure_turn(lane, n);
        let known = self.exchange(lane, n)?.answer;
        if known.is_some() {
            return known;
        }
        let message = self.message(lane, n, Direction::ToClient, kind);
        let id = self.window.push(message);
        self.exchange(lane, n)?.answer = Some(id);
        Some(id)
    }

    /// The page knows of an exchange first, or of another turn of one that was cut: the browser
    /// reconnected, and the tap's record of it is still under way.
    fn ensure_turn(&mut self, lane: usize, n: u64) {
        if self.exchange(lane, n).is_none_or(|exchange| exchange.over_us.is_some()) {
            let began_us = self.trace().until_us;
            self.begin(lane, n, began_us);
            self.begin_recovery(lane, n);
        }
    }

    /// A message on an open stream reached the page: the one that the tap told, or a new one.
    fn stream_message(&mut self, lane: usize, n: u64, kind: Kind, event: Option<u64>, now_us: i64) {
        self.ensure_turn(lane, n);
        let Some(exchange) = self.exchange(lane, n) else { return };
        let waiting: Vec<_> = exchange.server_first.iter().copied().collect();
        // One message can carry several events; the first of them has brought it here.
        let carries = |message: &crate::trace::Message| match event {
            Some(event) => message.events.contains(&event),
            None => message.kind == kind,
        };
        let found =
            waiting.into_iter().find(|&id| self.window.get(id).is_some_and(|message| carries(message)));
        if let Some(id) = found {
            if let Some(message) = self.window.get(id) {
                message.client = Some(Moment::measured(now_us));
            }
            if let Some(exchange) = self.exchange(lane, n) {
                exchange.server_first.retain(|&waiting| waiting != id);
            }
        } else if !self.already_here(lane, n, event) {
            let mut message = self.message(lane, n, Direction::ToClient, kind);
            message.client = Some(Moment::measured(now_us));
            message.events.extend(event);
            let id = self.window.push(message);
            if let Some(exchange) = self.exchange(lane, n) {
                exchange.client_first.push_back(id);
            }
        }
        self.touch();
    }

    /// An event came in one message with one that was told before.
    fn already_here(&self, lane: usize, n: u64, event: Option<u64>) -> bool {
        let Some(event) = event else { return false };
        let same_exchange =
            |message: &&crate::trace::Message| usize::from(message.lane) == lane && message.n == n;
        self.trace().messages.iter().rev().filter(same_exchange).take(64).any(|message| {
            message.client.is_some_and(|client| !client.inferred)
                && message.events.len() > 1
                && message.events.contains(&event)
        })
    }

    /// What a request goes on from, where the lane was cut before.
    fn recovery_of(&self, lane: usize) -> Option<String> {
        let state = self.lanes.get(lane)?;
        let (life, id) = state.recovering.then_some(state.last)??;
        Some(match self.epochs.get(life) {
            Some(epoch) => format!("{epoch}:{id}"),
            None => id.to_string(),
        })
    }

    /// Called by both halves when the browser reconnects by itself.
    pub(super) fn begin_recovery(&mut self, lane: usize, n: u64) {
        let recovery = self.recovery_of(lane);
        if let Some(exchange) = self.exchange(lane, n)
            && exchange.recovery.is_none()
        {
            exchange.recovery = recovery;
        }
    }

    /// An event that was published before its connection began came from history.
    fn note_recovered(&mut self, lane: usize, n: u64, id: u64, now_us: i64) {
        let Some((began_us, Some(after))) =
            self.exchange(lane, n).map(|exchange| (exchange.began_us, exchange.recovery.clone()))
        else {
            return;
        };
        let Some(event) = published_before(&self.trace().published, id, now_us) else { return };
        if event.at_us >= began_us {
            // From here on it is live.
            if let Some(exchange) = self.exchange(lane, n) {
                exchange.recovery = None;
            }
            return;
        }
        let lane_id = u16::try_from(lane).ok();
        let marks = &mut self.window.trace_mut().marks;
        let last = marks.iter_mut().rev().find(|mark| mark.lane == lane_id);
        if let Some(mark) = last
            && let MarkKind::Recovered { after: known, to, .. } = &mut mark.kind
            && *known == after
        {
            *to = id;
            self.touch();
            return;
        }
        let kind = MarkKind::Recovered { after, from: id, to: id };
        self.mark(Some(lane), Moment::measured(now_us), kind);
    }

    /// Whether a transport's reconnects are the browser's own doing.
    pub(super) fn browser_reconnects(&self, lane: usize) -> bool {
        use crate::scenario::{LaneSpec, SseClient};
        let spec = self.trace().scenario.lanes.get(lane);
        self.transport(lane) == Some(Transport::Sse)
            && matches!(spec, Some(LaneSpec::Sse { client: SseClient::EventSource, .. }))
    }
}
