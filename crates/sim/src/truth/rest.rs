//! When a run has come to rest: nothing goes on any more until somebody does something.

use standby_trace::scenario::{Fault, Transport};
use standby_trace::trace::{Kind, MarkKind, Message, Span, SpanKind, Trace};

use super::goes_by_the_clock;
use super::script::Step;

/// What has been done by now, and must have had its effect before a run is at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// The lanes are to run.
    pub(super) runs: bool,
    /// How often they were started.
    pub(super) starts: usize,
    /// The last event's id.
    pub(super) last_id: u64,
    /// How often all connections were hit at once.
    pub(super) hits: usize,
}

impl Done {
    /// Takes in one of [`Step::each`].
    pub(super) fn did(&mut self, step: &Step) {
        match step {
            Step::Start => (self.runs, self.starts) = (true, self.starts + 1),
            Step::LetGo => self.runs = false,
            Step::Publish(_) => self.last_id += 1,
            Step::Fault(Fault::Drop { .. } | Fault::HalfOpen { .. }) => self.hits += 1,
            Step::Fault(_) | Step::Together(_) => {}
        }
    }
}

/// When all connections were hit at once, as far as it was told: only such a fault has a mark of no
/// lane that says how many it met.
fn hits_told(trace: &Trace) -> impl Iterator<Item = i64> {
    let hit = |text: &str| text.contains(" connection") && !text.starts_with("the ");
    let told = trace.marks.iter().filter(move |mark| {
        mark.lane.is_none() && matches!(&mark.kind, MarkKind::Note { text } if hit(text))
    });
    told.map(|mark| mark.at.at_us)
}

/// How many faults the server has told of. What a script does after a fault must not overtake it.
pub(super) fn faults_told(trace: &Trace) -> usize {
    hits_told(trace).count() + trace.spans.iter().filter(|span| span.kind == SpanKind::Fault).count()
}

/// Whether nothing goes on any more until somebody does something; why not, otherwise. Of a run that
/// was let go nothing is known.
///
/// # Errors
/// What is still awaited, in words for whoever looks for what hangs.
pub(super) fn at_rest(trace: &Trace, done: Done) -> Result<(), String> {
    let Done { last_id, hits, starts, .. } = done;
    let at_us: Vec<i64> = hits_told(trace).collect();
    if at_us.len() < hits {
        return Err("the fault is not told yet".to_owned());
    }
    let since_us = at_us.iter().copied().max().unwrap_or(i64::MIN);
    for (index, spec) in trace.scenario.lanes.iter().enumerate() {
        let lane = u16::try_from(index).unwrap_or(u16::MAX);
        let asked = trace
            .messages
            .iter()
            .filter(|message| message.lane == lane && message.kind == Kind::Request && !message.by_browser);
        if asked.count() < starts {
            return Err(format!("{} has not asked again", trace.scenario.sub(index)));
        }
        lane_at_rest(trace, index, spec.transport(), last_id, since_us)
            .map_err(|why| format!("{}: {why}", trace.scenario.sub(index)))?;
    }
    Ok(())
}

/// `since_us`: what was open before is dead.
fn lane_at_rest(
    trace: &Trace,
    index: usize,
    transport: Transport,
    last_id: u64,
    since_us: i64,
) -> Result<(), String> {
    let lane = u16::try_from(index).unwrap_or(u16::MAX);
    let messages = || trace.messages.iter().filter(move |message| message.lane == lane && !message.lost);
    let spans = |kind: SpanKind| {
        trace
            .spans
            .iter()
            .filter(move |span| span.lane == Some(lane) && span.kind == kind && span.to.is_none())
    };
    let Some(last) = messages().rfind(|message| message.kind == Kind::Request) else {
        return Err("has not asked yet".to_owned());
    };
    let gave_up = trace
        .marks
        .iter()
        .rfind(|mark| mark.lane == Some(lane) && matches!(mark.kind, MarkKind::GaveUp { .. }));
    if gave_up.is_some_and(|mark| mark.at.at_us >= last.first_us()) {
        return Ok(());
    }
    // What was sent into a dead connection nobody tells of.
    let untold = |message: &&Message| {
        message.payload_bytes + message.overhead_bytes == 0 && !goes_by_the_clock(message.kind)
    };
    if let Some(message) = messages().find(untold) {
        let kind = format!("{:?}", message.kind).to_lowercase();
        return Err(format!(
            "the server has not told its half of a message yet ({kind}, exchange {})",
            message.n
        ));
    }
    if transport == Transport::ShortPoll {
        let answered = messages().any(|message| {
            message.n == last.n
                && matches!(message.kind, Kind::Answer | Kind::Refusal)
                && message.client.is_some()
        });
        let cut = trace.marks.iter().any(|mark| {
            mark.lane == Some(lane)
                && matches!(mark.kind, MarkKind::Cut { .. })
                && mark.at.at_us >= last.first_us()
        });
        return if answered || cut { Ok(()) } else { Err("is not answered yet".to_owned()) };
    }
    let delivered = messages().filter(|message| message.client.is_some()).flat_map(|m| m.events.iter());
    if delivered.max().copied().unwrap_or(0) < last_id {
        return Err(format!("event {last_id} has not arrived"));
    }
    let holds = |span: &&Span| span.server_to.is_none() && span.from.at_us >= last.first_us().max(since_us);
    match transport {
        Transport::LongPoll if spans(SpanKind::Held).any(|span| holds(&span)) => Ok(()),
        Transport::LongPoll => Err("is not held".to_owned()),
        _ => {
            let opened = messages()
                .any(|message| message.kind == Kind::Open && message.n == last.n && message.client.is_some());
            let open = spans(SpanKind::Open).any(|span| span.from.at_us >= since_us)
                && spans(SpanKind::Waiting).next().is_none();
            if opened && open { Ok(()) } else { Err("is not open".to_owned()) }
        }
    }
}
