//! Bodies on their way through the network: an answer's is held back as the conditions want it, a
//! request's is watched to its end and may not take for ever.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::response::Parts;
use axum::http::{Method, StatusCode, Version, header};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use standby_trace::tap::Part;
use tokio::time::{Instant, Sleep, sleep_until};

use super::conn::Conn;
use super::link::Link;
use super::pipe::Pipe;
use super::upgraded::UNDER_WAY_BYTES;

/// Pieces of one answer that are under way; the handler waits for room beyond it.
const UNDER_WAY: usize = 1_024;

/// An answer on its way to the client.
pub(super) struct ShapedBody {
    inner: Body,
    conn: Arc<Conn>,
    link: Arc<Link>,
    sub: Option<String>,
    request: u64,
    pipe: Pipe,
    framing: Framing,
    queue: VecDeque<(Instant, Piece)>,
    bytes: usize,
    /// The handler has no more.
    ended: bool,
    timer: Pin<Box<Sleep>>,
}

enum Piece {
    Data(Bytes),
    Failed(axum::Error),
    End,
}

/// What the body will look like on the wire (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// No body, whatever the handler says.
    Nothing,
    /// One part of known length; `told`: it has begun.
    Whole { told: bool },
    /// A chunk for each piece.
    Chunks,
    /// Pieces, to the connection's end: HTTP/1.0 has no chunks.
    ToEnd,
}

impl ShapedBody {
    pub(super) fn new(
        inner: Body,
        conn: Arc<Conn>,
        link: Arc<Link>,
        sub: Option<String>,
        request: u64,
        pipe: Pipe,
    ) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        let queue = VecDeque::new();
        Self {
            inner,
            conn,
            link,
            sub,
            request,
            pipe,
            framing: Framing::Nothing,
            queue,
            bytes: 0,
            ended: false,
            timer,
        }
    }

    /// Sends the head, and returns when it has arrived. The body is taken from the handler meanwhile,
    /// since it has sent it meanwhile.
    pub(super) async fn send_head(&mut self, parts: &Parts, method: &Method, version: Version) {
        self.framing = self.framing_of(parts, method, version);
        self.conn.app_sent(self.request, Part::ResponseHead, status_line(parts).as_bytes());
        let mut arrives = self.pipe.send(Instant::now(), head_bytes(parts), &self.link.conditions());
        loop {
            self.timer.as_mut().reset(arrives);
            std::future::poll_fn(|cx| {
                self.take_in(cx);
                self.timer.as_mut().poll(cx)
            })
            .await;
            match self.stalled() {
                // A socket is stalled behind its 101: it is open, and silent.
                Some(until) if parts.status != StatusCode::SWITCHING_PROTOCOLS => arrives = until,
                _ => return,
            }
        }
    }

    fn framing_of(&self, parts: &Parts, method: &Method, version: Version) -> Framing {
        let status = parts.status.as_u16();
        let is_whole =
            self.inner.size_hint().exact().is_some() || parts.headers.contains_key(header::CONTENT_LENGTH);
        if method == Method::HEAD
            || status < 200
            || status == 204
            || status == 304
            || self.inner.is_end_stream()
        {
            Framing::Nothing
        } else if is_whole {
            Framing::Whole { told: false }
        } else if version == Version::HTTP_10 {
            Framing::ToEnd
        } else {
            Framing::Chunks
        }
    }

    fn stalled(&self) -> Option<Instant> {
        self.link.stalled_until(self.sub.as_deref())
    }

    /// Takes what the handler has, as long as there is room.
    fn take_in(&mut self, cx: &mut Context<'_>) {
        while !self.ended && self.bytes < UNDER_WAY_BYTES && self.queue.len() < UNDER_WAY {
            match Pin::new(&mut self.inner).poll_frame(cx) {
                Poll::Pending => return,
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers are never sent by this server.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        let arrives = self.send(&data);
                        self.bytes += data.len();
                        self.queue.push_back((arrives, Piece::Data(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let arrives = self.pipe.send(Instant::now(), 0, &self.link.conditions());
                    self.queue.push_back((arrives, Piece::Failed(error)));
                    self.ended = true;
                }
                Poll::Ready(None) => {
                    let arrives = self.send_end();
                    self.queue.push_back((arrives, Piece::End));
                    self.ended = true;
                }
            }
        }
    }

    /// The application sends a piece now. Says when it arrives.
    fn send(&mut self, data: &Bytes) -> Instant {
        let (now, conditions) = (Instant::now(), self.link.conditions());
        match &mut self.framing {
            Framing::Nothing => self.pipe.send_on(now, 0, &conditions),
            Framing::Whole { told } => {
                if !*told {
                    *told = true;
                    self.conn.app_sent(self.request, Part::ResponseBody, data);
                }
                self.pipe.send_on(now, data.len(), &conditions)
            }
            Framing::Chunks => {
                self.conn.app_sent(self.request, Part::Chunk, data);
                // The size in hexadecimal, and two line ends.
                let digits = (usize::BITS - data.len().leading_zeros()).div_ceil(4) as usize;
                self.pipe.send(now, digits + 4 + data.len(), &conditions)
            }
            Framing::ToEnd => {
                self.conn.app_sent(self.request, Part::ResponseBody, data);
                self.pipe.send(now, data.len(), &conditions)
            }
        }
    }

    fn send_end(&mut self) -> Instant {
        let (now, conditions) = (Instant::now(), self.link.conditions());
        match self.framing {
            Framing::Chunks => {
                self.conn.app_sent(self.request, Part::LastChunk, b"0\r\n\r\n");
                self.pipe.send(now, 5, &conditions)
            }
            Framing::ToEnd => self.pipe.send(now, 0, &conditions),
            Framing::Nothing | Framing::Whole { .. } => self.pipe.send_on(now, 0, &conditions),
        }
    }
}

impl http_body::Body for ShapedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.take_in(cx);
        loop {
            let Some((arrives, _)) = this.queue.front() else {
                return if this.ended { Poll::Ready(None) } else { Poll::Pending };
            };
            let arrives = this.stalled().map_or(*arrives, |until| until.max(*arrives));
            if Instant::now() < arrives {
                this.timer.as_mut().reset(arrives);
                ready!(this.timer.as_mut().poll(cx));
                continue;
            }
            return Poll::Ready(match this.queue.pop_front() {
                Some((_, Piece::Data(data))) => {
                    this.bytes -= data.len();
                    Some(Ok(Frame::data(data)))
                }
                Some((_, Piece::Failed(error))) => Some(Err(error)),
                Some((_, Piece::End)) | None => None,
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.queue.front() {
            // The end of what has a known length is no message of its own.
            Some((_, Piece::End)) => !matches!(self.framing, Framing::Chunks),
            Some(_) => false,
            None => self.ended || self.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let inner = if self.ended { SizeHint::with_exact(0) } else { self.inner.size_hint() };
        let waiting = self.bytes as u64;
        match inner.exact() {
            // A stream that has ended already is still a stream.
            Some(_) if matches!(self.framing, Framing::Chunks | Framing::ToEnd) => SizeHint::default(),
            Some(exact) => SizeHint::with_exact(exact + waiting),
            None => {
                let mut hint = SizeHint::new();
                hint.set_lower(inner.lower() + waiting);
                hint
            }
        }
    }
}

fn status_line(parts: &Parts) -> String {
    format!("HTTP/1.1 {} {}\r\n", parts.status.as_str(), parts.status.canonical_reason().unwrap_or(""))
}

/// How long a response's head will be: the two headers that hyper adds by itself are counted in.
fn head_bytes(parts: &Parts) -> usize {
    const DATE: usize = "date: Tue, 24 Nov 2026 08:28:16 GMT\r\n".len();
    const LENGTH: usize = "content-length: 1000\r\n".len();
    let fields: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let length = if parts.headers.contains_key(header::CONTENT_LENGTH) { 0 } else { LENGTH };
    status_line(parts).len() + fields + DATE + length + 2
}

/// A request's body: tells the tap when the application has it all, and fails when it takes too long.
pub(super) struct Watched {
    pub(super) inner: Body,
    pub(super) conn: Arc<Conn>,
    pub(super) request: u64,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if frame.is_none() || this.inner.is_end_stream() {
            this.conn.app_got_body(this.request);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A request's body that must have come whole within a time.
pub(super) struct Timed<B> {
    inner: B,
    deadline: Pin<Box<Sleep>>,
}

impl<B> Timed<B> {
    pub(super) fn new(inner: B, within: Duration) -> Self {
        Self { inner, deadline: Box::pin(sleep_until(Instant::now() + within)) }
    }
}

/// A request's body did not come whole in time.
#[derive(Clone, Copy, Debug)]
pub struct BodyTooSlow;

impl std::fmt::Display for BodyTooSlow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request's body did not come whole in time")
    }
}

impl std::error::Error for BodyTooSlow {}

impl<B> http_body::Body for Timed<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(this.deadline.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyTooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Response;
    use futures_util::stream;
    use http_body_util::BodyExt as _;
    use standby_trace::{Conditions, Fault};
    use tokio::sync::mpsc;

    use super::*;

    const ANSWER_BYTES: usize =
        "HTTP/1.1 200 OK\r\ndate: Tue, 24 Nov 2026 08:28:16 GMT\r\ncontent-length: 1000\r\n\r\n".len();

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn shaped(body: Body, conditions: Conditions) -> ShapedBody {
        let link = Arc::new(Link::default());
        link.set_conditions(conditions);
        let conn = Conn::new(([127, 0, 0, 1], 1).into());
        ShapedBody::new(body, conn, link, None, 1, Pipe::new(Instant::now(), 1))
    }

    async fn send_head(body: &mut ShapedBody) {
        let (parts, ()) = Response::new(()).into_parts();
        body.send_head(&parts, &Method::GET, Version::HTTP_11).await;
    }

    /// A body whose pieces come from a channel.
    fn streamed() -> (mpsc::UnboundedSender<&'static str>, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let pieces =
            stream::unfold(receiver, |mut receiver: mpsc::UnboundedReceiver<&'static str>| async move {
                let piece = receiver.recv().await?;
                Some((Ok::<_, axum::Error>(Bytes::from_static(piece.as_bytes())), receiver))
            });
        (sender, Body::from_stream(pieces))
    }

    async fn piece(body: &mut ShapedBody) -> Option<Bytes> {
        body.frame().await.map(|frame| frame.unwrap().into_data().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_answer_travels_as_one_and_takes_its_time_for_every_byte() {
        let began = Instant::now();
        let conditions = Conditions { latency_ms: 100, jitter_ms: 0, bandwidth_bytes_s: 1_000 };
        let mut body = shaped(Body::from("x".repeat(500)), conditions);
        assert_eq!(body.size_hint().exact(), Some(500));
        send_head(&mut body).await;
        assert_eq!(began.elapsed(), ms(100 + ANSWER_BYTES as u64));
        assert_eq!(body.size_hint().exact(), Some(500), "hyper has to know the length still");
        assert_eq!(piece(&mut body).await.map(|data| data.len()), Some(500));
        assert_eq!(began.elapsed(), ms(600 + ANSWER_BYTES as u64));
        assert!(body.is_end_stream());
        assert_eq!(piece(&mut body).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_streams_head_is_on_its_way_together_with_it() {
        let began = Instant::now();
        let (sender, body) = streamed();
        let mut body = shaped(body, Conditions { latency_ms: 100, ..Conditions::default() });
        sender.send("hello").unwrap();
        send_head(&mut body).await;
        assert_eq!(began.elapsed(), ms(100));
        assert_eq!(piece(&mut body).await.unwrap(), "hello");
        assert_eq!(began.elapsed(), ms(100));
        assert_eq!(body.size_hint().exact(), None);
        sender.send("later").unwrap();
        assert_eq!(piece(&mut body).await.unwrap(), "later");
        assert_eq!(began.elapsed(), ms(200));
        drop(sender);
        assert!(!body.is_end_stream(), "the last chunk travels too");
        assert_eq!(piece(&mut body).await, None);
        assert_eq!(began.elapsed(), ms(300));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_holds_for_later_pieces_and_none_overtakes() {
        let began = Instant::now();
        let (sender, body) = streamed();
        let mut body = shaped(body, Conditions::default());
        send_head(&mut body).await;
        body.link.set_conditions(Conditions { latency_ms: 500, ..Conditions::default() });
        sender.send("slow").unwrap();
        assert!(tokio::time::timeout(ms(10), piece(&mut body)).await.is_err());
        body.link.set_conditions(Conditions::default());
        sender.send("quick").unwrap();
        assert_eq!(piece(&mut body).await.unwrap(), "slow");
        assert_eq!(piece(&mut body).await.unwrap(), "quick");
        assert_eq!(began.elapsed(), ms(500));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_holds_back_what_was_due_and_ends_by_itself() {
        let began = Instant::now();
        let (sender, body) = streamed();
        let mut body = shaped(body, Conditions { latency_ms: 100, ..Conditions::default() });
        sender.send("hello").unwrap();
        body.link.begin(&Fault::Stall { sub: None, for_ms: 3_000 });
        send_head(&mut body).await;
        assert_eq!(began.elapsed(), ms(3_000));
        assert_eq!(piece(&mut body).await.unwrap(), "hello");
        assert_eq!(began.elapsed(), ms(3_000));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_is_bounded_and_then_the_handler_waits() {
        let (sender, body) = streamed();
        let mut body = shaped(body, Conditions { latency_ms: 1_000, ..Conditions::default() });
        let large = "x".repeat(16 * 1024).leak();
        for _ in 0..10 {
            sender.send(large).unwrap();
        }
        send_head(&mut body).await;
        assert_eq!(body.bytes, UNDER_WAY_BYTES);
        for _ in 0..10 {
            assert_eq!(piece(&mut body).await.map(|data| data.len()), Some(large.len()));
            assert!(body.bytes <= UNDER_WAY_BYTES);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_takes_too_long_fails() {
        let (_sender, body) = streamed();
        let error = Timed::new(body, ms(500)).collect().await.unwrap_err();
        assert!(error.is::<BodyTooSlow>());
    }
}
