//! The wire tap: the bytes of a connection, cut into parts, told to those who observe the topic
//! that the parts belong to.
//!
//! - [`segment`] cuts, [`head`] reads heads and hides what is private, [`hub`] holds the observers.
//! - [`Tap`] is one connection's. It begins at a message boundary: with a new connection, or with the
//!   next request of one that was idle when observing began. Bytes come before it is known whose they
//!   are, so a request's are kept, within bounds, until the request is claimed for a topic; if it is
//!   not, all is forgotten until the next one.
//!
//! A part has a moment at the socket and one at the application. To the server the socket comes
//! first, to the client the application does; whichever is first gives the part its number, and the
//! other takes the oldest number that waits for it.

mod head;
pub(crate) mod hub;
mod segment;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use standby_trace::account::{Carried, carried, carried_body};
use standby_trace::tap::{App, Exchange, Part, ToObserver, Wire};
use standby_trace::trace::Direction;

use self::segment::{Conversation, Lost, Segment, Segmenter};
use super::link::Link;

/// Experiments at work in this process. It is the one thing that a connection looks at when nobody
/// observes anything: one relaxed read for each read and write.
static WATCHED: AtomicUsize = AtomicUsize::new(0);

/// How often it began after nothing was watched. A recording from an earlier time has a hole.
static WATCHES: AtomicU64 = AtomicU64::new(0);

/// Whether anything at all may be observed.
pub(crate) fn is_watching() -> bool {
    WATCHED.load(Ordering::Relaxed) > 0
}

/// While it is held, connections record.
#[derive(Debug)]
pub(crate) struct Watch(());

impl Watch {
    pub(crate) fn begin() -> Self {
        if WATCHED.fetch_add(1, Ordering::Relaxed) == 0 {
            WATCHES.fetch_add(1, Ordering::Relaxed);
        }
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WATCHED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is kept of requests that nobody has claimed yet.
const PENDING_BYTES: usize = 256 * 1024;
/// Parts that wait for their other moment; the oldest is forgotten.
const WAITING: usize = 8_192;

/// One connection's tap.
#[derive(Debug, Default)]
pub(super) struct Tap {
    recorder: Option<Box<Recorder>>,
    /// The next number in each direction. It goes on when recording begins again.
    next_seq: Sequence,
    /// The connection was upgraded for somebody else: what follows is none of ours.
    closed: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sequence {
    to_server: u64,
    to_client: u64,
}

impl Sequence {
    fn next(&mut self, direction: Direction) -> u64 {
        let next = match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        };
        *next += 1;
        *next - 1
    }
}

/// A request that belongs to an observed topic.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) exchange: Exchange,
    pub(super) link: Arc<Link>,
}

#[derive(Debug, Default)]
struct Recorder {
    /// Which of the times of watching it belongs to.
    watch: u64,
    conversation: Conversation,
    /// The request whose bytes come in now.
    heard: u64,
    /// The request whose answer goes out now.
    answered: u64,
    /// What came in for requests that are not claimed.
    pending: VecDeque<(u64, Segment, u64)>,
    pending_bytes: usize,
    /// The request being served, and those before it whose answers may still be on their way out.
    claims: VecDeque<Claim>,
    /// To the server: parts that the socket gave and the application has not got.
    given: VecDeque<Numbered>,
    /// To the client: parts that the application sent and the socket has not taken.
    sent: VecDeque<Numbered>,
    /// The frames that the application gets, and those that it sends.
    frames_got: Option<Segmenter>,
    frames_sent: Option<Segmenter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbered {
    request: u64,
    part: Part,
    seq: u64,
}

impl Tap {
    /// Whether it records.
    pub(super) fn is_on(&mut self) -> bool {
        self.recorder().is_some()
    }

    fn recorder(&mut self) -> Option<&mut Recorder> {
        if self.recorder.as_ref().is_some_and(|recorder| recorder.watch != WATCHES.load(Ordering::Relaxed)) {
            self.recorder = None;
        }
        self.recorder.as_deref_mut()
    }

    /// The socket gave these bytes. `begun`: the requests before, so that a recording that begins
    /// here knows its place; `fresh`: it may begin here.
    pub(super) fn read(&mut self, bytes: &[u8], at_us: u64, begun: u64, fresh: bool) {
        let may_begin = fresh && !self.closed && bytes.first().is_some_and(u8::is_ascii_uppercase);
        if may_begin && self.recorder().is_none() {
            let watch = WATCHES.load(Ordering::Relaxed);
            self.recorder =
                Some(Box::new(Recorder { watch, heard: begun, answered: begun, ..Recorder::default() }));
        }
        self.with(|recorder, seq| recorder.read(bytes, at_us, seq));
    }

    /// The socket took these bytes.
    pub(super) fn written(&mut self, bytes: &[u8], at_us: u64) {
        self.with(|recorder, seq| recorder.written(bytes, at_us, seq));
    }

    /// Request number `request` goes to its handler. A recording that has not heard exactly its
    /// head began in the middle of something, and ends.
    pub(super) fn begin(&mut self, request: u64, method: &str, target: &str) {
        let heard = self.recorder().is_some_and(|recorder| recorder.has_heard(request, method, target));
        if !heard {
            self.recorder = None;
        }
    }

    /// The request belongs to an observed topic.
    pub(super) fn claim(&mut self, claim: Claim) {
        self.with(|recorder, seq| {
            recorder.claim(claim, seq);
            Ok(())
        });
    }

    /// Nobody is to see this request. The next one may be somebody's.
    pub(super) fn pass_over(&mut self) {
        self.recorder = None;
    }

    /// The request has its answer. If nobody has claimed it by now, nobody will.
    pub(super) fn answered(&mut self, request: u64, upgraded: bool) {
        let claimed = self.recorder().is_some_and(|recorder| recorder.claim_of(request).is_some());
        if !claimed {
            self.recorder = None;
            self.closed = upgraded;
        }
    }

    /// The application got a request's head, or its body.
    pub(super) fn app_got(&mut self, request: u64, wanted: fn(Part) -> bool, at_us: u64) {
        self.with(|recorder, _| {
            recorder.app_got(request, wanted, at_us);
            Ok(())
        });
    }

    /// The application sent a part of its answer. `bytes`: a head as it will stand on the wire, or
    /// at least its status line; else what the part carries.
    pub(super) fn app_sent(&mut self, request: u64, part: Part, bytes: &[u8], at_us: u64) {
        self.with(|recorder, seq| {
            recorder.app_sent(request, part, bytes, at_us, seq);
            Ok(())
        });
    }

    /// After an upgrade: these bytes came to the application.
    pub(super) fn app_got_frames(&mut self, bytes: &[u8], at_us: u64) {
        self.with(|recorder, _| recorder.app_got_frames(bytes, at_us));
    }

    /// After an upgrade: the application sent these bytes.
    pub(super) fn app_sent_frames(&mut self, bytes: &[u8], at_us: u64) {
        self.with(|recorder, seq| recorder.app_sent_frames(bytes, at_us, seq));
    }

    fn with(&mut self, f: impl FnOnce(&mut Recorder, &mut Sequence) -> Result<(), Lost>) {
        let mut next_seq = self.next_seq;
        if self.recorder().is_some_and(|recorder| f(recorder, &mut next_seq).is_err()) {
            self.recorder = None;
        }
        self.next_seq = next_seq;
    }
}

impl Recorder {
    fn read(&mut self, bytes: &[u8], at_us: u64, seq: &mut Sequence) -> Result<(), Lost> {
        let mut segments = Vec::new();
        let result = self.conversation.client_sent(bytes, &mut segments);
        for segment in segments {
            if segment.part == Part::RequestHead {
                self.heard += 1;
            }
            if self.claim_of(self.heard).is_some() {
                self.tell_given(self.heard, &segment, at_us, seq);
            } else {
                self.pending_bytes += segment.bytes.len();
                if self.pending_bytes > PENDING_BYTES {
                    return Err(Lost);
                }
                self.pending.push_back((self.heard, segment, at_us));
            }
        }
        result
    }

    fn written(&mut self, bytes: &[u8], at_us: u64, seq: &mut Sequence) -> Result<(), Lost> {
        let mut segments = Vec::new();
        let result = self.conversation.server_sent(bytes, &mut segments);
        for segment in segments {
            let status = match segment.part {
                Part::ResponseHead => head::status(&segment.bytes),
                _ => None,
            };
            // An interim response comes before the answer, and is hyper's own (RFC 9110 §15.2).
            if status.is_some_and(|status| status < 200 && status != 101) {
                let number = seq.next(Direction::ToClient);
                self.tell(self.answered + 1, Direction::ToClient, number, &segment, at_us);
                continue;
            }
            if status.is_some() {
                self.answered += 1;
                self.claims.retain(|claim| claim.exchange.request >= self.answered);
                self.sent.retain(|sent| sent.request >= self.answered);
            }
            self.tell_taken(self.answered, &segment, at_us, seq);
        }
        result
    }

    fn has_heard(&self, request: u64, method: &str, target: &str) -> bool {
        let head =
            self.pending.iter().find(|(of, segment, _)| *of == request && segment.part == Part::RequestHead);
        head.is_some_and(|(_, segment, _)| head::request_line(&segment.bytes) == Some((method, target)))
    }

    fn claim_of(&self, request: u64) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.exchange.request == request)
    }

    fn claim(&mut self, claim: Claim, seq: &mut Sequence) {
        let request = claim.exchange.request;
        self.claims.retain(|claim| claim.exchange.request != request);
        self.claims.push_back(claim);
        for (of, segment, at_us) in std::mem::take(&mut self.pending) {
            if of == request {
                self.tell_given(request, &segment, at_us, seq);
            } else if of > request {
                self.pending.push_back((of, segment, at_us));
            }
        }
        self.pending_bytes = self.pending.iter().map(|(_, segment, _)| segment.bytes.len()).sum();
    }

    fn app_got(&mut self, request: u64, wanted: fn(Part) -> bool, at_us: u64) {
        let Some(Claim { exchange, link }) = self.claim_of(request).cloned() else { return };
        self.given.retain(|given| {
            let is_it = given.request == request && wanted(given.part);
            if is_it {
                let carried = carried(exchange.via, Direction::ToServer, given.part, &[]);
                link.hub.send(&app(&exchange, Direction::ToServer, given.seq, given.part, at_us, carried));
            }
            !is_it
        });
    }

    fn app_sent(&mut self, request: u64, part: Part, bytes: &[u8], at_us: u64, seq: &mut Sequence) {
        let Some(Claim { exchange, link }) = self.claim_of(request) else { return };
        let carried = match part {
            Part::ResponseHead | Part::LastChunk | Part::Frame => {
                carried(exchange.via, Direction::ToClient, part, bytes)
            }
            _ => carried_body(exchange.via, Direction::ToClient, bytes),
        };
        let number = seq.next(Direction::ToClient);
        link.hub.send(&app(exchange, Direction::ToClient, number, part, at_us, carried));
        wait(&mut self.sent, Numbered { request, part, seq: number });
    }

    fn app_got_frames(&mut self, bytes: &[u8], at_us: u64) -> Result<(), Lost> {
        let request = self.heard;
        let Some(Claim { exchange, link }) = self.claim_of(request).cloned() else { return Ok(()) };
        let mut segments = Vec::new();
        self.frames_got.get_or_insert_with(Segmenter::of_frames).frames(bytes, &mut segments)?;
        for segment in segments {
            let Some(at) = self.given.iter().position(|given| given.part == Part::Frame) else { continue };
            let Some(given) = self.given.remove(at) else { continue };
            let carried = carried(exchange.via, Direction::ToServer, Part::Frame, &segment.bytes);
            link.hub.send(&app(&exchange, Direction::ToServer, given.seq, Part::Frame, at_us, carried));
        }
        Ok(())
    }

    fn app_sent_frames(&mut self, bytes: &[u8], at_us: u64, seq: &mut Sequence) -> Result<(), Lost> {
        let request = self.heard;
        let mut segments = Vec::new();
        self.frames_sent.get_or_insert_with(Segmenter::of_frames).frames(bytes, &mut segments)?;
        for segment in segments {
            self.app_sent(request, Part::Frame, &segment.bytes, at_us, seq);
        }
        Ok(())
    }

    /// The socket gave a part that belongs to a claimed request.
    fn tell_given(&mut self, request: u64, segment: &Segment, at_us: u64, seq: &mut Sequence) {
        let number = seq.next(Direction::ToServer);
        self.tell(request, Direction::ToServer, number, segment, at_us);
        wait(&mut self.given, Numbered { request, part: segment.part, seq: number });
    }

    /// The socket took a part.
    fn tell_taken(&mut self, request: u64, segment: &Segment, at_us: u64, seq: &mut Sequence) {
        // What the application did not send by itself gets its number here.
        let is_next =
            self.sent.front().is_some_and(|sent| sent.request == request && sent.part == segment.part);
        let number = match self.sent.pop_front_if(|_| is_next) {
            Some(sent) => sent.seq,
            None => seq.next(Direction::ToClient),
        };
        self.tell(request, Direction::ToClient, number, segment, at_us);
    }

    fn tell(&self, request: u64, direction: Direction, seq: u64, segment: &Segment, at_us: u64) {
        let Some(Claim { exchange, link }) = self.claim_of(request) else { return };
        let mut bytes = segment.bytes.to_vec();
        if matches!(segment.part, Part::RequestHead | Part::ResponseHead) {
            head::mask(&mut bytes);
        }
        link.hub.send(&ToObserver::Wire(Wire {
            exchange: exchange.clone(),
            direction,
            seq,
            part: segment.part,
            at_us,
            bytes,
            cut_bytes: segment.cut_bytes,
        }));
    }
}

fn wait(waiting: &mut VecDeque<Numbered>, part: Numbered) {
    if waiting.len() == WAITING {
        waiting.pop_front();
    }
    waiting.push_back(part);
}

fn app(
    exchange: &Exchange,
    direction: Direction,
    seq: u64,
    part: Part,
    at_us: u64,
    Carried { kind, events, status, .. }: Carried,
) -> ToObserver {
    ToObserver::App(App { exchange: exchange.clone(), direction, seq, part, at_us, kind, events, status })
}

#[cfg(test)]
mod tests {
    use standby_trace::tap::Via;

    use super::*;

    const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\n\r\n";

    fn claim(link: &Arc<Link>, request: u64) -> Claim {
        let exchange = Exchange { conn: 1, request, via: Via::ShortPoll, sub: None, n: None };
        Claim { exchange, link: Arc::clone(link) }
    }

    async fn records(observer: &hub::Observer, count: usize) -> Vec<ToObserver> {
        let mut records = Vec::new();
        for _ in 0..count {
            records.push(serde_json::from_str(observer.next().await.as_str()).unwrap());
        }
        records
    }

    #[test]
    fn what_nobody_claims_is_forgotten() {
        let mut tap = Tap::default();
        tap.read(REQUEST, 1, 0, true);
        tap.begin(1, "GET", "/a");
        assert!(tap.is_on());
        tap.answered(1, false);
        assert!(!tap.is_on());
        // The next request may be somebody's.
        tap.read(REQUEST, 1, 1, true);
        assert!(tap.is_on());
        // What follows an upgrade is not.
        tap.begin(2, "GET", "/a");
        tap.answered(2, true);
        tap.read(REQUEST, 1, 2, true);
        assert!(!tap.is_on());
    }

    #[test]
    fn what_began_in_the_middle_of_something_is_not_gone_on_with() {
        let mut tap = Tap::default();
        // The end of a body may look like a request.
        tap.read(REQUEST, 1, 0, true);
        tap.begin(1, "POST", "/b");
        assert!(!tap.is_on());
        // Where something still waits to be written, answers could not be told apart.
        tap.read(REQUEST, 1, 1, false);
        assert!(!tap.is_on());
    }

    #[test]
    fn what_is_kept_for_a_claim_is_bounded() {
        let mut tap = Tap::default();
        let mut requests = 0;
        while requests == 0 || tap.is_on() {
            tap.read(REQUEST, 1, 0, requests == 0);
            requests += 1;
            assert!(requests * REQUEST.len() <= PENDING_BYTES + REQUEST.len());
        }
    }

    #[tokio::test]
    async fn the_two_moments_of_a_part_have_one_number() {
        let link = Arc::new(Link::default());
        let observer = link.hub.join();
        let mut tap = Tap::default();
        tap.read(REQUEST, 10, 0, true);
        tap.begin(1, "GET", "/a");
        tap.claim(claim(&link, 1));
        tap.app_got(1, |part| part == Part::RequestHead, 20);
        tap.app_sent(1, Part::ResponseHead, b"HTTP/1.1 200 OK\r\n", 30);
        tap.app_sent(1, Part::ResponseBody, b"{}", 31);
        // hyper said something of its own before.
        tap.written(b"HTTP/1.1 100 Continue\r\n\r\n", 35);
        tap.written(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{", 40);
        tap.written(b"}", 41);
        let seen: Vec<_> = records(&observer, 7)
            .await
            .into_iter()
            .map(|record| match record {
                ToObserver::App(app) => ("app", app.part, app.seq, app.at_us),
                ToObserver::Wire(wire) => ("wire", wire.part, wire.seq, wire.at_us),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("wire", Part::RequestHead, 0, 10),
                ("app", Part::RequestHead, 0, 20),
                ("app", Part::ResponseHead, 0, 30),
                ("app", Part::ResponseBody, 1, 31),
                ("wire", Part::ResponseHead, 2, 35),
                ("wire", Part::ResponseHead, 0, 40),
                ("wire", Part::ResponseBody, 1, 41),
            ]
        );
    }
}
