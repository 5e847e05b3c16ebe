//! One client of a crowd: a transport's machine, and the I/O that it asks for.
//!
//! It has one exchange under way at most, as every machine here does; a poll keeps its connection for
//! the next one, as browsers do.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, ETAG, HOST, RETRY_AFTER};
use hyper::{Response, body::Incoming};
use hyper_util::rt::TokioIo;
use standby_sim::words;
use standby_trace::scenario::LaneSpec;
use standby_transport::encode::SSE_KEEP_ALIVE;
use standby_transport::{
    Action, Backoff, Input, LongPoll, Machine, Notice, Output, Request, ShortPoll, SseClient, WebSocket,
    long_poll, short_poll, sse, websocket,
};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::count::Count;
use super::{HEADER, Order};
use crate::net::lock;
use crate::random;

/// As the page's own client of event streams waits: always the stream's `retry:`.
const STREAM_BACKOFF: Backoff = Backoff::Fixed { base_ms: 500 };
/// 1006: closed without a close frame; 1005: a close frame without a code (RFC 6455 §7.1.5).
const NO_CLOSE_FRAME: u16 = 1006;
const NO_CODE: u16 = 1005;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn machine(order: &Order, index: u32) -> Box<dyn Machine + Send> {
    let sub = order.sub.clone();
    let seed = order.seed.wrapping_add(u64::from(index) << 32);
    match order.lane {
        LaneSpec::ShortPoll { interval_ms, conditional } => {
            let phase_ms = if order.in_phase { 0 } else { random::up_to(interval_ms.saturating_sub(1)) };
            Box::new(ShortPoll::new(short_poll::Config { sub, interval_ms, phase_ms, conditional }, None))
        }
        LaneSpec::LongPoll { timeout_ms, backoff } => {
            let config = long_poll::Config { sub, timeout_ms, backoff: words::backoff(backoff), seed };
            Box::new(LongPoll::new(config, None))
        }
        LaneSpec::WebSocket { backoff, keep_alive_ms, silence_ms, .. } => {
            let config =
                websocket::Config { sub, backoff: words::backoff(backoff), seed, keep_alive_ms, silence_ms };
            Box::new(WebSocket::new(config, None))
        }
        LaneSpec::Sse { retry_ms, keep_alive_ms, silence_ms, .. } => {
            let backoff = STREAM_BACKOFF;
            let config = sse::client::Config { sub, retry_ms, backoff, seed, keep_alive_ms, silence_ms };
            Box::new(SseClient::new(config, None))
        }
    }
}

/// Runs client number `index` for as long as the crowd is there.
pub(super) async fn run(order: Arc<Order>, index: u32, count: Arc<Mutex<Count>>) {
    let mut client = Client::new(&order, count);
    let mut machine = machine(&order, index);
    let began = Instant::now();
    let mut out = Vec::new();
    machine.step(0, Input::Start, &mut out);
    loop {
        for output in out.drain(..) {
            match output {
                Output::Do(action) => client.perform(action),
                Output::Tell(notice) => client.note(&notice),
            }
        }
        let wake_at = machine.wake_at().map(|at_us| began + Duration::from_micros(at_us));
        let arrival = tokio::select! {
            arrival = client.next() => Some(arrival),
            () = sleep_until(wake_at.unwrap_or(began)), if wake_at.is_some() => None,
        };
        let input = arrival.as_ref().map_or(Input::Wake, Arrival::input);
        if let Some(arrival) = &arrival {
            client.take(arrival);
        }
        let now_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        machine.step(now_us, input, &mut out);
    }
}

/// What came, owned: a machine's input.
enum Arrival {
    Head { n: u64, status: u16, kind: Option<String>, etag: Option<String>, retry_after_ms: Option<u64> },
    Body { n: u64, bytes: Bytes },
    End { n: u64 },
    Failed { n: u64 },
    Opened { n: u64 },
    Text { n: u64, text: String },
    Closed { n: u64, code: u16 },
}

impl Arrival {
    fn input(&self) -> Input<'_> {
        match self {
            Self::Head { n, status, kind, etag, retry_after_ms } => Input::Head {
                n: *n,
                status: *status,
                content_type: kind.as_deref(),
                etag: etag.as_deref(),
                retry_after_ms: *retry_after_ms,
            },
            Self::Body { n, bytes } => Input::Body { n: *n, bytes },
            Self::End { n } => Input::End { n: *n },
            Self::Failed { n } => Input::Failed { n: *n },
            Self::Opened { n } => Input::Opened { n: *n },
            Self::Text { n, text } => Input::Text { n: *n, text },
            Self::Closed { n, code } => Input::Closed { n: *n, code: *code },
        }
    }
}

type Asking<T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// A connection for polls.
struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    /// It comes to its end when either end closes the connection.
    gone: JoinHandle<hyper::Result<()>>,
}

/// The exchange that is under way.
enum Exchange {
    None,
    /// A request that has no head yet.
    Asking(u64, Asking<(Response<Incoming>, Connection)>),
    /// An answer that comes in.
    Answer(u64, Response<Incoming>, Connection),
    /// A handshake that has no answer yet.
    Shaking(u64, Asking<WebSocketStream<TcpStream>>),
    Socket(u64, Box<WebSocketStream<TcpStream>>),
}

struct Client {
    authority: Arc<str>,
    path: String,
    secret: String,
    /// A connection is there for as long as it is, and not for as long as an exchange.
    keeps_connection: bool,
    exchange: Exchange,
    /// A connection that waits for the next poll.
    idle: Option<Connection>,
    is_queued: bool,
    is_open: bool,
    /// A cut came: what was published before this client was back comes from history.
    recovering: bool,
    served_at_ms: u64,
    count: Arc<Mutex<Count>>,
}

impl Client {
    fn new(order: &Order, count: Arc<Mutex<Count>>) -> Self {
        Self {
            authority: order.authority.as_str().into(),
            path: format!("/api/topics/{}/", order.topic),
            secret: order.secret.clone(),
            keeps_connection: !matches!(order.lane, LaneSpec::LongPoll { .. }),
            exchange: Exchange::None,
            idle: None,
            is_queued: false,
            is_open: false,
            recovering: false,
            served_at_ms: 0,
            count,
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fetch(request) => {
                self.asks();
                let idle = self.idle.take();
                let (authority, path) =
                    (Arc::clone(&self.authority), format!("{}{}", self.path, request.target));
                let (n, secret) = (request.n, self.secret.clone());
                self.exchange = Exchange::Asking(n, Box::pin(ask(idle, authority, path, secret, request)));
            }
            Action::OpenSocket { n, target } => {
                self.asks();
                let authority = Arc::clone(&self.authority);
                let url = format!("ws://{authority}{}{target}", self.path);
                let secret = self.secret.clone();
                self.exchange = Exchange::Shaking(n, Box::pin(shake(authority, url, secret)));
            }
            // The socket is dropped, and with it closed; a crowd publishes nothing.
            Action::Abort { .. } | Action::CloseSocket { .. } => {
                self.exchange = Exchange::None;
                self.lost();
            }
            // Only a browser has an EventSource, and no machine here asks for one.
            Action::SendText { .. } | Action::OpenEventSource { .. } | Action::CloseEventSource { .. } => {}
        }
    }

    /// The next thing that arrives; never, where nothing is under way.
    async fn next(&mut self) -> Arrival {
        match &mut self.exchange {
            Exchange::None => match &mut self.idle {
                // A connection that the server closes while it waits is gone.
                Some(idle) => {
                    let _ = (&mut idle.gone).await;
                    self.idle = None;
                    self.lost();
                    std::future::pending().await
                }
                None => std::future::pending().await,
            },
            Exchange::Asking(n, asking) => {
                let n = *n;
                match asking.await {
                    Ok((response, connection)) => {
                        let head = head(n, &response);
                        self.exchange = Exchange::Answer(n, response, connection);
                        head
                    }
                    Err(error) => {
                        // A held poll that is cut was not refused. One that finds no connection was.
                        if !self.is_queued && error.is::<std::io::Error>() {
                            lock(&self.count).refused();
                        }
                        self.failed(n)
                    }
                }
            }
            Exchange::Answer(n, response, _) => {
                let n = *n;
                loop {
                    match response.frame().await {
                        Some(Ok(frame)) => {
                            if let Ok(bytes) = frame.into_data() {
                                return Arrival::Body { n, bytes };
                            }
                        }
                        Some(Err(_)) => return self.failed(n),
                        None => {
                            let over = std::mem::replace(&mut self.exchange, Exchange::None);
                            if let Exchange::Answer(_, _, connection) = over {
                                self.idle = Some(connection);
                            }
                            return Arrival::End { n };
                        }
                    }
                }
            }
            Exchange::Shaking(n, shaking) => {
                let n = *n;
                match shaking.await {
                    Ok(socket) => {
                        self.exchange = Exchange::Socket(n, Box::new(socket));
                        Arrival::Opened { n }
                    }
                    Err(_) => self.hung_up(n, NO_CLOSE_FRAME),
                }
            }
            Exchange::Socket(n, socket) => {
                let n = *n;
                loop {
                    match socket.next().await {
                        Some(Ok(Message::Text(text))) => return Arrival::Text { n, text: text.to_string() },
                        // Answered by the library.
                        Some(Ok(Message::Ping(_))) => lock(&self.count).kept_alive(),
                        Some(Ok(Message::Close(frame))) => {
                            // The answer to it; the peer may be gone already.
                            let _ = socket.flush().await;
                            return self.hung_up(n, frame.map_or(NO_CODE, |frame| frame.code.into()));
                        }
                        // Pings are answered by the library, as by a browser.
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return self.hung_up(n, NO_CLOSE_FRAME),
                    }
                }
            }
        }
    }

    fn failed(&mut self, n: u64) -> Arrival {
        self.exchange = Exchange::None;
        Arrival::Failed { n }
    }

    fn hung_up(&mut self, n: u64, code: u16) -> Arrival {
        self.exchange = Exchange::None;
        Arrival::Closed { n, code }
    }

    fn asks(&mut self) {
        let mut count = lock(&self.count);
        count.arrival();
        if !self.keeps_connection {
            // It is meant to wait: that is what a held poll does.
            count.no_longer_queued();
            if !std::mem::replace(&mut self.is_open, true) {
                count.opened();
            }
        } else {
            self.is_queued = true;
        }
    }

    /// Counts what came, before the machine hears of it.
    fn take(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::Head { status: 200 | 304, .. } | Arrival::Opened { .. } => {
                self.answered();
                self.served_at_ms = wall_us() / 1_000;
                let mut count = lock(&self.count);
                count.served();
                if self.keeps_connection && !std::mem::replace(&mut self.is_open, true) {
                    count.opened();
                }
            }
            Arrival::Head { .. } => {
                self.answered();
                lock(&self.count).refused();
            }
            Arrival::Failed { .. } | Arrival::Closed { .. } => {
                // A cut of what was open is no refusal.
                if self.is_queued {
                    lock(&self.count).refused();
                }
                self.lost();
            }
            // A poll is held no longer; the next one will be.
            Arrival::End { .. } if !self.keeps_connection => self.lost(),
            // A chunk of its own, as the server writes it.
            Arrival::Body { bytes, .. } if bytes == SSE_KEEP_ALIVE => lock(&self.count).kept_alive(),
            Arrival::Body { .. } | Arrival::End { .. } | Arrival::Text { .. } => {}
        }
    }

    fn answered(&mut self) {
        if std::mem::replace(&mut self.is_queued, false) {
            lock(&self.count).no_longer_queued();
        }
    }

    fn lost(&mut self) {
        self.answered();
        if std::mem::replace(&mut self.is_open, false) {
            lock(&self.count).closed();
        }
    }

    fn note(&mut self, notice: &Notice) {
        match notice {
            Notice::Event(event) => {
                let from_history = self.recovering && event.published_at <= self.served_at_ms;
                // Once something new has come, all that was missed is here.
                self.recovering = from_history;
                let age_us = wall_us().saturating_sub(event.published_at.saturating_mul(1_000));
                lock(&self.count).delivered(age_us, from_history);
            }
            Notice::Gap(_) => lock(&self.count).told_a_gap(),
            Notice::Cut { .. } => self.recovering = true,
            _ => {}
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.lost();
    }
}

fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn head(n: u64, response: &Response<Incoming>) -> Arrival {
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    // Seconds; the other form, a date, this server never sends.
    let retry_after_ms =
        header(RETRY_AFTER).and_then(|s| s.parse::<u64>().ok()).map(|s| s.saturating_mul(1_000));
    let status = response.status().as_u16();
    Arrival::Head { n, status, kind: header(CONTENT_TYPE), etag: header(ETAG), retry_after_ms }
}

/// One request: on the connection of the last one if that is still there, else on a new one.
async fn ask(
    idle: Option<Connection>,
    authority: Arc<str>,
    path: String,
    secret: String,
    request: Request,
) -> Result<(Response<Incoming>, Connection), Failure> {
    let mut connection = match idle {
        Some(idle) if !idle.sender.is_closed() => idle,
        _ => {
            let stream = connect(&authority).await?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            Connection { sender, gone: tokio::spawn(connection) }
        }
    };
    let mut builder = hyper::Request::get(path).header(HOST, &*authority).header(HEADER, secret);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    connection.sender.ready().await?;
    let response = connection.sender.send_request(builder.body(Empty::new())?).await?;
    Ok((response, connection))
}

async fn shake(
    authority: Arc<str>,
    url: String,
    secret: String,
) -> Result<WebSocketStream<TcpStream>, Failure> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert(HEADER, secret.parse()?);
    let stream = connect(&authority).await?;
    // As the server's: the default of 128 KiB would be most of what a client needs.
    let config =
        tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default().read_buffer_size(1 << 10);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
    Ok(socket)
}

async fn connect(authority: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
