//! Subscribes to a topic of a running server, by any of the four transports, and prints what it
//! learns:
//!
//! ```sh
//! cargo run -p standby-transport --example subscribe -- http://127.0.0.1:3000 news sse
//! ```
//!
//! The machine decides everything; what is here is only the I/O that it asks for. Each exchange is a
//! task that reports over one channel. Stop the server and start it again while this runs.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, ETAG, HOST, RETRY_AFTER};
use hyper_util::rt::TokioIo;
use standby_transport::{
    Action, Backoff, Input, LongPoll, Machine, Notice, Output, Position, Request, ShortPoll, SseClient,
    WebSocket, long_poll, short_poll, sse, websocket,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

const USAGE: &str = "usage: subscribe http://HOST:PORT TOPIC short-poll|long-poll|websocket|sse [AFTER]";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, topic, transport, rest @ ..] = args.as_slice() else { return Err(USAGE.into()) };
    let authority = server.strip_prefix("http://").ok_or(USAGE)?.trim_end_matches('/');
    let after: Option<Position> = rest.first().map(|after| after.parse()).transpose()?;
    let mut machine = machine(transport, after).ok_or(USAGE)?;

    // Bounded: a server that sends faster than we print is slowed down by TCP, not stored up here.
    let (reports, mut arrivals) = mpsc::channel(64);
    let mut wire = Wire {
        authority: authority.to_owned(),
        path: format!("/api/topics/{topic}/"),
        reports,
        links: HashMap::new(),
    };
    let began = Instant::now();
    let mut out = Vec::new();
    machine.step(0, Input::Start, &mut out);
    loop {
        for output in out.drain(..) {
            match output {
                Output::Do(action) => wire.perform(action),
                Output::Tell(Notice::GaveUp { why }) => return Err(format!("gave up: {why:?}").into()),
                Output::Tell(notice) => print(&notice),
            }
        }
        let wake_at = machine.wake_at().map(|at_us| began + Duration::from_micros(at_us));
        let arrival = tokio::select! {
            arrival = arrivals.recv() => arrival,
            () = sleep_until(wake_at.unwrap_or(began)), if wake_at.is_some() => None,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let now_us = u64::try_from(began.elapsed().as_micros())?;
        machine.step(now_us, arrival.as_ref().map_or(Input::Wake, Arrival::input), &mut out);
    }
}

fn machine(transport: &str, after: Option<Position>) -> Option<Box<dyn Machine>> {
    let sub = "example".to_owned();
    let backoff = Backoff::FullJitter { base_ms: 1_000, cap_ms: 30_000 };
    let seed = u64::from(std::process::id());
    Some(match transport {
        "short-poll" => {
            let config = short_poll::Config { sub, interval_ms: 1_000, phase_ms: 0, conditional: true };
            Box::new(ShortPoll::new(config, after))
        }
        "long-poll" => {
            let config = long_poll::Config { sub, timeout_ms: 25_000, backoff, seed };
            Box::new(LongPoll::new(config, after))
        }
        "websocket" => Box::new(WebSocket::new(
            websocket::Config { sub, backoff, seed, keep_alive_ms: 0, silence_ms: 60_000 },
            after,
        )),
        "sse" => {
            let config = sse::client::Config {
                sub,
                retry_ms: 2_000,
                backoff,
                seed,
                keep_alive_ms: 0,
                silence_ms: 60_000,
            };
            Box::new(SseClient::new(config, after))
        }
        _ => return None,
    })
}

fn print(notice: &Notice) {
    match notice {
        Notice::Event(event) => println!("{:>6}  {}", event.id, event.data),
        Notice::Waiting { attempt: 0, .. } | Notice::Empty { .. } => {}
        other => println!("        {other:?}"),
    }
}

/// What a task reports: the inputs of a machine, owned.
enum Arrival {
    Head {
        n: u64,
        status: u16,
        content_type: Option<String>,
        etag: Option<String>,
        retry_after_ms: Option<u64>,
    },
    Body {
        n: u64,
        bytes: Bytes,
    },
    End {
        n: u64,
    },
    Failed {
        n: u64,
    },
    Opened {
        n: u64,
    },
    Text {
        n: u64,
        text: String,
    },
    Closed {
        n: u64,
        code: u16,
    },
}

impl Arrival {
    fn input(&self) -> Input<'_> {
        match self {
            Self::Head { n, status, content_type, etag, retry_after_ms } => Input::Head {
                n: *n,
                status: *status,
                content_type: content_type.as_deref(),
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

/// The connections of one subscriber.
struct Wire {
    authority: String,
    path: String,
    reports: mpsc::Sender<Arrival>,
    /// By exchange. Dropping the sender is what ends a socket's task.
    links: HashMap<u64, Link>,
}

struct Link {
    task: tokio::task::AbortHandle,
    messages: Option<mpsc::Sender<Message>>,
}

impl Wire {
    fn perform(&mut self, action: Action) {
        // Tasks that came to their end need no letting go.
        self.links.retain(|_, link| !link.task.is_finished());
        let (authority, reports) = (self.authority.clone(), self.reports.clone());
        match action {
            Action::Fetch(request) => {
                let (n, path) = (request.n, format!("{}{}", self.path, request.target));
                let task = tokio::spawn(async move {
                    let end = match fetch(&authority, &path, &request, &reports).await {
                        Ok(()) => Arrival::End { n },
                        Err(_) => Arrival::Failed { n },
                    };
                    // The receiver is gone only when the program ends.
                    let _ = reports.send(end).await;
                });
                self.links.insert(n, Link { task: task.abort_handle(), messages: None });
            }
            Action::OpenSocket { n, target } => {
                let url = format!("ws://{authority}{}{target}", self.path);
                let (sender, messages) = mpsc::channel(16);
                let task = tokio::spawn(async move {
                    // No close frame is 1006, here as in a browser.
                    let code = socket(&authority, &url, n, messages, &reports).await.unwrap_or(1006);
                    let _ = reports.send(Arrival::Closed { n, code }).await;
                });
                self.links.insert(n, Link { task: task.abort_handle(), messages: Some(sender) });
            }
            Action::SendText { n, text } => self.send(n, Message::text(text)),
            Action::CloseSocket { n, code } => {
                self.send(n, Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() })));
                self.links.remove(&n);
            }
            Action::Abort { n } => {
                if let Some(link) = self.links.remove(&n) {
                    link.task.abort();
                }
            }
            Action::OpenEventSource { .. } | Action::CloseEventSource { .. } => {
                unreachable!("only a browser has an EventSource, and none was made")
            }
        }
    }

    fn send(&self, n: u64, message: Message) {
        if let Some(messages) = self.links.get(&n).and_then(|link| link.messages.as_ref()) {
            // Full means that the server doesn't read; the machine's time-outs settle that.
            let _ = messages.try_send(message);
        }
    }
}

/// One request on a connection of its own.
async fn fetch(
    authority: &str,
    path: &str,
    request: &Request,
    reports: &mpsc::Sender<Arrival>,
) -> Result<(), Failure> {
    let n = request.n;
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut builder = hyper::Request::get(path).header(HOST, authority);
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let mut response = sender.send_request(builder.body(Empty::<Bytes>::new())?).await?;
    let header = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    // Seconds; the other form, a date, is rare and would need a calendar.
    let retry_after_ms =
        header(RETRY_AFTER).and_then(|s| s.parse::<u64>().ok()).map(|s| s.saturating_mul(1_000));
    let head = Arrival::Head {
        n,
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE),
        etag: header(ETAG),
        retry_after_ms,
    };
    reports.send(head).await?;
    while let Some(frame) = response.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            reports.send(Arrival::Body { n, bytes }).await?;
        }
    }
    Ok(())
}

/// One WebSocket, until it closes or is let go.
async fn socket(
    authority: &str,
    url: &str,
    n: u64,
    mut messages: mpsc::Receiver<Message>,
    reports: &mpsc::Sender<Arrival>,
) -> Result<u16, Failure> {
    let stream = TcpStream::connect(authority).await?;
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    reports.send(Arrival::Opened { n }).await?;
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => socket.send(message).await?,
                None => return Ok(1000),
            },
            message = socket.next() => match message.ok_or("cut without a close frame")?? {
                Message::Text(text) => reports.send(Arrival::Text { n, text: text.to_string() }).await?,
                // 1005: a close frame without a code (RFC 6455 §7.1.5).
                Message::Close(frame) => return Ok(frame.map_or(1005, |frame| frame.code.into())),
                // Pings are answered by the library, as by a browser.
                _ => {}
            },
        }
    }
}
