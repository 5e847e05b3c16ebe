//! The picture in words: the sentence below it, and its text alternative.

use standby_trace::{Kind, Ledger, MarkKind, Published, SpanKind, Trace, Transport, Who, order};

use crate::format;
use crate::geometry::{
    Believer, Deliveries, Frame, arrival_us, by_event_source, disagreement, is_counted, run_of, setting,
};
use crate::shape::View;
use crate::text;

mod crowd;
mod message;
pub use message::say_message;

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The words, with their blanks.
    pub text: String,
    /// They are what the sentence is about.
    pub strong: bool,
    /// And they are bad news.
    pub bad: bool,
}

/// A text from elsewhere is cut to this.
const ELSEWHERE_CHARS: usize = 40;

/// The sentences below the picture: about the event that is pointed at, then about what is wrong
/// where the picture ends, then about what is in view, then about the crowds at the cursor; or about
/// the column of a crowd that is pointed at, and nothing else. Empty before anything happened.
#[must_use]
pub fn say(trace: &Trace, view: &View) -> Vec<Words> {
    let frame = Frame::new(trace, view);
    let mut said = Said::default();
    if let Some((lane, at_us)) = view.crowd {
        crowd::about_column(&frame, usize::from(lane), at_us, &mut said);
        return said.words;
    }
    let deliveries = Deliveries::of(&frame);
    let selected = view.selected.and_then(|id| {
        trace.published.iter().rev().find(|event| event.id == id && event.at_us <= frame.scale.now_us)
    });
    if let Some(event) = selected {
        about_event(&frame, &deliveries, event, &mut said);
    }
    about_trouble(&frame, &mut said);
    about_both_ends(&frame, &mut said);
    about_window(&frame, &deliveries, &mut said);
    about_counts(&frame, &mut said);
    if selected.is_none() {
        crowd::about_cursor(&frame, &mut said);
    }
    said.words
}

#[derive(Default)]
struct Said {
    words: Vec<Words>,
}

impl Said {
    fn plain(&mut self, text: &str) {
        self.add(text, false, false);
    }

    fn strong(&mut self, text: &str, bad: bool) {
        self.add(text, true, bad);
    }

    /// A blank, if this is not the first sentence.
    fn next(&mut self) {
        if !self.words.is_empty() {
            self.plain(" ");
        }
    }

    fn add(&mut self, text: &str, strong: bool, bad: bool) {
        match self.words.last_mut() {
            Some(last) if last.strong == strong && last.bad == bad => last.text.push_str(text),
            _ => self.words.push(Words { text: text.to_owned(), strong, bad }),
        }
    }
}

/// What a lane is called in a sentence.
fn name(trace: &Trace, lane: usize) -> String {
    let Some(of) = trace.lanes.get(lane) else { return "someone".to_owned() };
    if of.outside {
        return text::short(&of.sub, ELSEWHERE_CHARS);
    }
    let noun = match of.transport {
        Transport::ShortPoll => "the poller",
        Transport::LongPoll => "the long poll",
        Transport::WebSocket => "the socket",
        Transport::Sse => "the stream",
    };
    let alike =
        trace.lanes.iter().filter(|other| !other.outside && other.transport == of.transport).count() > 1;
    match trace.scenario.lanes.get(lane) {
        Some(spec) if alike => format!("{noun} ({})", setting(spec).1),
        _ => noun.to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| std::iter::once(first.to_ascii_uppercase()).chain(chars).collect())
        .unwrap_or_default()
}

fn us(us: i64) -> u64 {
    u64::try_from(us).unwrap_or(0)
}

/// How soon an event came to be where.
fn about_event(frame: &Frame<'_>, deliveries: &[Deliveries], event: &Published, said: &mut Said) {
    let trace = frame.trace;
    let mut ages: Vec<(usize, u64)> = Vec::new();
    let (mut missing, mut gone) = (Vec::new(), Vec::new());
    for (lane, deliveries) in deliveries.iter().enumerate() {
        match (deliveries.delivered_us(event), deliveries.without_until_us(event)) {
            (Some(at_us), _) => ages.push((lane, us(at_us.saturating_sub(event.at_us)))),
            (None, Some(i64::MAX)) => missing.push(lane),
            (None, Some(_)) => gone.push(lane),
            (None, None) => {}
        }
    }
    order::by(&mut ages, |&(_, age_us)| i64::try_from(age_us).unwrap_or(i64::MAX));
    let so_far = us(frame.scale.now_us.saturating_sub(event.at_us));
    match (ages.first(), ages.last()) {
        (Some(&fast), Some(&slow)) => {
            // Of those that are equally fast to a reader's eye, the socket stands for all.
            let about_as_fast = |&&(_, age_us): &&(usize, u64)| age_us <= fast.1 + fast.1 / 10 + 2_000;
            let is_socket = |&&(lane, _): &&(usize, u64)| trace.lanes[lane].transport == Transport::WebSocket;
            let fast = ages.iter().take_while(about_as_fast).find(is_socket).copied().unwrap_or(fast);
            said.plain(&format!("Event {} reached {} ", event.id, name(trace, fast.0)));
            said.strong(&format::age(fast.1), is_late(frame, fast.1));
            said.plain(" after it was published");
            if slow.0 != fast.0 && slow.1 > fast.1 + fast.1 / 10 + 2_000 {
                said.plain(&format!(", {} ", name(trace, slow.0)));
                said.strong(&format::age(slow.1), is_late(frame, slow.1));
            }
            said.plain(".");
        }
        _ if missing.is_empty() => said.plain(&format!("Event {} was published.", event.id)),
        _ => said.plain(&format!("Event {} was published {} ago.", event.id, format::age(so_far))),
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|&lane| name(trace, lane)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        said.plain(&format!(" {} not reached {} ", "It has", format::list(&names)));
        said.strong(&format!("for {}", format::age(so_far)), is_late(frame, so_far));
        said.plain(".");
    }
    if !gone.is_empty() {
        let names: Vec<String> = gone.iter().map(|&lane| name(trace, lane)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        said.plain(&format!(" {} ", capital(&format::list(&names))));
        said.strong("will never have it", true);
        said.plain(".");
    }
}

/// News that took much longer than the way takes.
fn is_late(frame: &Frame<'_>, age_us: u64) -> bool {
    age_us >= us(frame.latency_us) * 3 + 100_000
}

/// Who is cut off where the picture ends, and who gave up.
fn about_trouble(frame: &Frame<'_>, said: &mut Said) {
    let trace = frame.trace;
    let end_us = frame.scale.end_us;
    let mut waiting = Vec::new();
    for (lane, _) in trace.lanes.iter().enumerate() {
        let of_lane = |of: Option<u16>| of.is_some_and(|of| usize::from(of) == lane);
        let gave_up = trace
            .marks
            .iter()
            .rev()
            .filter(|mark| of_lane(mark.lane) && mark.at.at_us <= end_us)
            .find_map(|mark| match &mark.kind {
                MarkKind::GaveUp { why } => Some((mark.at.at_us, why)),
                _ => None,
            })
            // Whoever asked again since is back.
            .filter(|&(at_us, _)| {
                !trace.messages.iter().rev().any(|message| {
                    usize::from(message.lane) == lane
                        && message.kind == Kind::Request
                        && (at_us.saturating_add(1)..=end_us).contains(&message.first_us())
                })
            });
        if let Some((_, why)) = gave_up {
            let event_source = u16::try_from(lane).is_ok_and(|lane| by_event_source(trace, lane));
            let why = text::short(why, ELSEWHERE_CHARS);
            said.next();
            if event_source {
                said.plain("The browser ");
                said.strong("gave up", true);
                said.plain(&format!(" on {} ({why}); it will not come back by itself.", name(trace, lane)));
            } else {
                said.plain(&format!("{} ", capital(&name(trace, lane))));
                said.strong("gave up", true);
                said.plain(&format!(" ({why})."));
            }
            continue;
        }
        let span = trace.spans.iter().rev().find(|span| {
            of_lane(span.lane)
                && span.kind == SpanKind::Waiting
                && span.from.at_us <= end_us
                && span.to.is_none_or(|to| to.at_us > end_us)
        });
        waiting.extend(span.map(|span| (lane, span)));
    }
    match waiting.as_slice() {
        [] => {}
        [(lane, span)] => {
            said.next();
            said.plain(&format!("{} is ", capital(&name(trace, *lane))));
            said.strong("cut off", true);
            let who = match span.who {
                Who::Client => "your code waits",
                Who::Browser => "the browser waits",
                Who::Server => "your code waits, as the server asked,",
            };
            let until_us = span.until_us.or(span.to.map(|to| to.at_us));
            let length = until_us.map(|until_us| us(until_us.saturating_sub(span.from.at_us)));
            match length {
                Some(us) => said.plain(&format!(": {who} {}.", format::seconds(us))),
                None => said.plain(&format!(": {}.", who.trim_end_matches(','))),
            }
        }
        many => {
            let names: Vec<String> = many.iter().map(|&(lane, _)| name(trace, lane)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let who = match names.len() {
                2 if names[0] != names[1] => format::list(&names),
                n => format!("{} lanes", format::word(n as u64)),
            };
            said.next();
            said.plain(&format!("{} are ", capital(&who)));
            said.strong("cut off", true);
            said.plain(" and wait to come back.");
        }
    }
}

/// The last time in view that one end believed in a connection that the other no longer had.
fn about_both_ends(frame: &Frame<'_>, said: &mut Said) {
    let (from_us, end_us) = frame.bounds_us();
    let in_view = frame.spans_between(from_us, end_us).filter_map(|span| {
        let (believer, gone_us, known_us) = disagreement(frame, span)?;
        let shows = gone_us <= end_us && known_us.is_none_or(|known_us| known_us >= from_us);
        shows.then_some((usize::from(span.lane?), believer, gone_us, known_us))
    });
    // What still lasts goes before what is over.
    let last = in_view.max_by_key(|&(_, _, gone_us, known_us)| (known_us.is_none(), gone_us));
    let Some((lane, believer, gone_us, known_us)) = last else { return };
    let length_us = us(known_us.unwrap_or(frame.scale.now_us).saturating_sub(gone_us));
    let (name, length) = (name(frame.trace, lane), format::seconds(length_us));
    said.next();
    match (believer, known_us) {
        (Believer::Server, Some(_)) => {
            said.plain(&format!("The server believed in {name} for "));
            said.strong(&length, true);
            said.plain(" after the client's end was gone.");
        }
        (Believer::Server, None) => {
            said.plain(&format!("The server still believes in {name}: the client's end has been gone for "));
            said.strong(&length, true);
            said.plain(".");
        }
        (Believer::Client, Some(_)) => {
            said.plain(&format!("The client believed in {name} for "));
            said.strong(&length, true);
            said.plain(" after the server's end was gone.");
        }
        (Believer::Client, None) => {
            said.plain(&format!("The client still believes in {name}: the server's end has been gone for "));
            said.strong(&length, true);
            said.plain(".");
        }
    }
}

/// What is no longer drawn one by one.
fn about_counts(frame: &Frame<'_>, said: &mut Said) {
    if is_counted(frame) {
        said.next();
        said.plain("Where messages stand too close, they are counted: zoom in to see each.");
    }
}

/// What one lane did in view.
#[derive(Clone, Default)]
struct InView {
    asked: u64,
    empty: u64,
    events: u64,
    sent: u64,
    ages: Vec<u64>,
}

fn in_view(frame: &Frame<'_>, deliveries: &[Deliveries]) -> Vec<InView> {
    let mut lanes = vec![InView::default(); frame.trace.lanes.len()];
    for (_, message) in frame.messages() {
        let Some((_, run)) = run_of(frame, message) else { continue };
        let Some(lane) = lanes.get_mut(usize::from(message.lane)) else { continue };
        match message.kind {
            Kind::Request => lane.asked += u64::from(frame.scale.shows(run.from_us)),
            Kind::Send | Kind::Publish => lane.sent += u64::from(frame.scale.shows(run.from_us)),
            _ if message.is_empty_answer() => {
                lane.empty += u64::from(run.arrived && frame.scale.shows(run.to_us));
            }
            _ => {}
        }
        if arrival_us(frame, message).is_some_and(|at_us| frame.scale.shows(at_us)) {
            lane.events += message.events.len() as u64;
        }
    }
    for (lane, deliveries) in lanes.iter_mut().zip(deliveries) {
        for event in frame.trace.published.iter().rev().take_while(|event| event.at_us >= frame.scale.from_us)
        {
            if let Some(at_us) = deliveries.delivered_us(event).filter(|&at_us| frame.scale.shows(at_us)) {
                lane.ages.push(us(at_us.saturating_sub(event.at_us)));
            }
        }
        order::numbers(&mut lane.ages);
    }
    lanes
}

/// What there is to see in this stretch of time.
fn about_window(frame: &Frame<'_>, deliveries: &[Deliveries], said: &mut Said) {
    let trace = frame.trace;
    let all = in_view(frame, deliveries);
    let own: Vec<(usize, Transport, &InView)> = trace
        .lanes
        .iter()
        .zip(&all)
        .enumerate()
        .filter(|(_, (lane, _))| !lane.outside)
        .map(|(i, (lane, in_view))| (i, lane.transport, in_view))
        .collect();
    about_gaps(frame, said);
    let when = window(frame);
    if let &[(lane, transport, in_view)] = own.as_slice() {
        return about_one(frame, &when, &name(trace, lane), transport, in_view, said);
    }
    let groups = groups(trace, &own);
    let polls: Vec<_> = groups
        .iter()
        .filter(|group| group.transport == Transport::ShortPoll && group.in_view.asked > 0)
        .collect();
    match polls.as_slice() {
        [] => {
            let asked: Vec<String> = groups
                .iter()
                .enumerate()
                .map(|(i, Group { name, in_view, .. })| {
                    let asked = if i == 0 { " asked" } else { "" };
                    let times = match in_view.asked {
                        0 => "not at all".to_owned(),
                        n => format::times(n),
                    };
                    format!("{name}{asked} {times}")
                })
                .collect();
            let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
            let events = own.iter().map(|(.., in_view)| in_view.events).max().unwrap_or(0);
            if own.iter().any(|(.., in_view)| in_view.asked + in_view.events > 0) {
                let events = format::of(events, "event", "events");
                said.next();
                said.plain(&format!("{when} {}, for {events}.", format::list(&asked)));
            }
        }
        [Group { lanes: 1, in_view, .. }] => {
            said.next();
            said.plain(&format!("{when} polling asked {}", format::times(in_view.asked)));
            said.plain(&for_nothing(in_view));
        }
        many => {
            said.next();
            said.plain(&format!("{when} "));
            for (i, Group { name, in_view, .. }) in many.iter().enumerate() {
                let (start, asked) = if i == 0 { ("", "asked ") } else { ("; ", "") };
                said.plain(&format!("{start}{name} {asked}{}", format::times(in_view.asked)));
                said.plain(for_nothing(in_view).trim_end_matches('.'));
            }
            said.plain(".");
        }
    }
}

/// Lanes that are set alike, taken together: nobody wants to hear of six pollers one by one.
struct Group {
    transport: Transport,
    name: String,
    lanes: u64,
    in_view: InView,
}

fn groups(trace: &Trace, own: &[(usize, Transport, &InView)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &(lane, transport, in_view) in own {
        let name = name(trace, lane);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => {
                group.lanes += 1;
                group.in_view.asked += in_view.asked;
                group.in_view.empty += in_view.empty;
            }
            None => groups.push(Group { transport, name, lanes: 1, in_view: in_view.clone() }),
        }
    }
    let transports: Vec<Transport> = groups.iter().map(|group| group.transport).collect();
    for group in groups.iter_mut().filter(|group| group.lanes > 1) {
        let nouns = match group.transport {
            Transport::ShortPoll => "pollers",
            Transport::LongPoll => "long polls",
            Transport::WebSocket => "sockets",
            Transport::Sse => "streams",
        };
        let others = transports.iter().filter(|&&transport| transport == group.transport).count() > 1;
        // What they are set to only matters beside others of their kind.
        let setting =
            group.name.split_once('(').filter(|_| others).map(|(_, setting)| format!(" ({setting}"));
        group.name = format!("{} {nouns}{}", format::word(group.lanes), setting.unwrap_or_default());
    }
    groups
}

fn for_nothing(in_view: &InView) -> String {
    match (in_view.empty, in_view.asked) {
        (0, _) => ".".to_owned(),
        (empty, asked) if empty >= asked => ", and for nothing.".to_owned(),
        (empty, _) => format!(", {empty} of them for nothing."),
    }
}

/// An experiment with a single lane.
fn about_one(
    frame: &Frame<'_>,
    when: &str,
    name: &str,
    transport: Transport,
    in_view: &InView,
    said: &mut Said,
) {
    let InView { asked, empty, events, sent, ref ages } = *in_view;
    if asked + events + sent == 0 {
        return;
    }
    said.next();
    let requests = match asked {
        0 => "without a request".to_owned(),
        1 => "for one request".to_owned(),
        _ => format!("for {} requests", format::count(asked)),
    };
    let brought = format::of(events, "event", "events");
    match transport {
        Transport::ShortPoll => {
            said.plain(&format!("{when} {name} asked {}", format::times(asked)));
            said.plain(&for_nothing(in_view));
            // The median by nearest rank, as in the ledger.
            if let Some(&age_us) = ages.get(ages.len().div_ceil(2).saturating_sub(1)) {
                said.plain(" Its news was ");
                said.strong(&format::age(age_us), is_late(frame, age_us));
                said.plain(" old on arrival.");
            }
        }
        Transport::LongPoll => {
            let up = match empty {
                0 => String::new(),
                _ => format!(", {} until the time was up", format::times(empty)),
            };
            said.plain(&format!("{when} the server held each request until there was news{up}: "));
            said.plain(&format!("{brought} {requests}."));
        }
        Transport::WebSocket | Transport::Sse => {
            said.plain(&format!("{when} {name} brought {brought} {requests}"));
            if sent > 0 {
                said.plain(&format!(", and {} went the other way", format::of(sent, "message", "messages")));
            }
            said.plain(".");
        }
    }
}

fn about_gaps(frame: &Frame<'_>, said: &mut Said) {
    for mark in frame.trace.marks.iter().filter(|mark| frame.scale.shows(mark.at.at_us)) {
        if let (&MarkKind::Gap { from, to }, Some(lane)) = (&mark.kind, mark.lane) {
            let events = if from == to { "event" } else { "events" };
            said.next();
            said.plain(&format!("{} lost ", capital(&name(frame.trace, usize::from(lane)))));
            said.strong(&format!("{events} {}", format::range(from, to)), true);
            said.plain(&format!(": history no longer held {}.", if from == to { "it" } else { "them" }));
            return;
        }
    }
}

/// `In these eight seconds`.
fn window(frame: &Frame<'_>) -> String {
    let span_us = us(frame.scale.span_us());
    if frame.scale.now_us < frame.view.to_us {
        return "So far".to_owned();
    }
    match span_us / 1_000_000 {
        seconds @ 2..=120 if span_us.is_multiple_of(1_000_000) => {
            format!("In these {} seconds", format::word(seconds))
        }
        _ => format!("In these {}", format::age(span_us)),
    }
}

/// A whole trace in words, for those who don't see its picture.
#[must_use]
pub fn describe(trace: &Trace) -> String {
    let until = format::age(us(trace.until_us));
    let published = format::of(trace.published.len() as u64, "event was", "events were");
    let mut out = format!("{until} on a time axis; {published} published.");
    let disagreed_us = disagreed_us(trace);
    for (i, (lane, ledger)) in trace.lanes.iter().zip(Ledger::of(trace)).enumerate() {
        let title = match lane.outside {
            true => format!("{} (outside)", text::short(&lane.sub, ELSEWHERE_CHARS)),
            false => lane.transport.title().to_owned(),
        };
        let mut facts = vec![format::of(ledger.requests, "request", "requests")];
        if ledger.empty > 0 {
            facts.push(format!("{} answered with nothing new", format::count(ledger.empty)));
        }
        facts.push(format!("{} delivered", format::of(ledger.events, "event", "events")));
        if let Some(age_us) = ledger.staleness.p50_us() {
            facts.push(format!("{} old on arrival (median)", format::age(age_us)));
        }
        if ledger.reconnects > 0 {
            facts.push(format!("cut and back {}", format::times(ledger.reconnects)));
        }
        if let Some(&disagreed_us) = disagreed_us.get(i).filter(|&&us| us > 0) {
            facts.push(format!("the two ends disagreed for {}", format::seconds(disagreed_us)));
        }
        if ledger.lost > 0 {
            facts.push(format!("{} lost", format::of(ledger.lost, "event", "events")));
        }
        out.push_str(&format!(" {title}: {}.", facts.join(", ")));
        crowd::describe(trace, i, &mut out);
    }
    out
}

/// For each lane, how long one end believed in a connection that the other no longer had.
fn disagreed_us(trace: &Trace) -> Vec<u64> {
    let view = View { now_us: trace.until_us, ..View::default() };
    let frame = Frame::new(trace, &view);
    let mut lanes = vec![0u64; trace.lanes.len()];
    for span in &trace.spans {
        if let Some(lane) = span.lane.and_then(|lane| lanes.get_mut(usize::from(lane)))
            && let Some((_, gone_us, known_us)) = disagreement(&frame, span)
        {
            let until_us = known_us.unwrap_or(trace.until_us);
            *lane = lane.saturating_add(us(until_us.saturating_sub(gone_us)));
        }
    }
    lanes
}
