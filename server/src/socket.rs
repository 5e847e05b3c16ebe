//! WebSockets (RFC 6455): the handshake, and a socket that ends every conversation as the standard
//! says.
//!
//! Not axum's own socket: when a peer breaks the protocol or sends too much, the close frame that
//! says so gets through only if what is still coming is read and thrown away, unframed. For that the
//! connection under the socket is needed.

use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_util::task::TaskTracker;

pub use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::Problem;

/// How long the peer gets to answer a close frame, or to stop sending after one.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// A request to open a WebSocket (RFC 6455 §4.2.1). Any other is answered 426.
pub struct Handshake {
    key: HeaderValue,
    on_upgrade: OnUpgrade,
}

impl<S: Send + Sync> FromRequestParts<S> for Handshake {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let wants = has_token(parts, &CONNECTION, "upgrade") && has_token(parts, &UPGRADE, "websocket");
        if parts.method != Method::GET || parts.version != Version::HTTP_11 || !wants {
            return Err(upgrade_required(
                "This opens a WebSocket: send `Connection: Upgrade` and `Upgrade: websocket`.",
            ));
        }
        if parts.headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(upgrade_required("Send `Sec-WebSocket-Version: 13`."));
        }
        let key = parts.headers.get(SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes())).cloned();
        let Some(key) = key else {
            let detail = "Send a `Sec-WebSocket-Key`: 16 random bytes in base64.";
            return Err(Problem::bad_request("Bad WebSocket handshake", detail));
        };
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        let on_upgrade = on_upgrade.ok_or_else(|| upgrade_required("This connection cannot be upgraded."))?;
        Ok(Self { key, on_upgrade })
    }
}

/// RFC 9110 §15.5.22 wants the protocol named, RFC 6455 §4.4 the version.
fn upgrade_required(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, "Upgrade required", detail)
        .with(CONNECTION, HeaderValue::from_static("upgrade"))
        .with(UPGRADE, HeaderValue::from_static("websocket"))
        .with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"))
}

fn has_token(parts: &Parts, name: &HeaderName, token: &str) -> bool {
    let values = parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn is_key(key: &[u8]) -> bool {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16)
}

impl Handshake {
    /// Answers 101, and has `talk` run on the open socket. A message may be at most
    /// `message_bytes` long. `tasks` is waited for when the server stops.
    pub fn accept<F>(
        self,
        tasks: &TaskTracker,
        message_bytes: usize,
        talk: impl FnOnce(Socket) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let accept = derive_accept_key(self.key.as_bytes());
        // Most connections are silent most of the time: 1 KiB to read into instead of 128, and
        // nothing kept back when writing.
        let config = WebSocketConfig::default()
            .read_buffer_size(1024)
            .write_buffer_size(0)
            .max_message_size(Some(message_bytes))
            .max_frame_size(Some(message_bytes));
        tasks.spawn(async move {
            let io = match self.on_upgrade.await {
                Ok(upgraded) => TokioIo::new(upgraded),
                Err(e) => return tracing::debug!("a WebSocket was cut during its handshake: {e}"),
            };
            let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
            talk(Socket { stream, heard: true }).await;
        });
        let headers = [
            (CONNECTION, HeaderValue::from_static("upgrade")),
            (UPGRADE, HeaderValue::from_static("websocket")),
            (SEC_WEBSOCKET_ACCEPT, HeaderValue::try_from(accept).unwrap_or(self.key)),
        ];
        (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
    }
}

/// An open WebSocket. Pings are answered while it is read from.
pub struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    heard: bool,
}

/// A message from the peer.
#[derive(Debug)]
pub enum Incoming {
    /// Text.
    Text(Utf8Bytes),
    /// Anything else.
    Binary(Bytes),
}

/// There is nothing more to read: the peer closed or vanished, or it broke the protocol and has to
/// be told so with this code.
#[derive(Debug)]
pub struct Ended(Option<CloseCode>);

impl Socket {
    /// The next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// There is none to come; pass the error to [`Socket::end`].
    pub async fn recv(&mut self) -> Result<Incoming, Ended> {
        loop {
            let next = self.stream.next().await;
            self.heard |= matches!(next, Some(Ok(_)));
            match next {
                Some(Ok(Message::Text(text))) => return Ok(Incoming::Text(text)),
                Some(Ok(Message::Binary(bytes))) => return Ok(Incoming::Binary(bytes)),
                // Pings are answered, and a close frame is echoed, by the next turn.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Ended(close_code(&error))),
                None => return Err(Ended(None)),
            }
        }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_text(&mut self, text: Utf8Bytes) -> Result<(), Ended> {
        self.send(Message::Text(text)).await
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn send_binary(&mut self, bytes: Bytes) -> Result<(), Ended> {
        self.send(Message::Binary(bytes)).await
    }

    /// Sends a ping: nothing between the ends takes the socket for a dead one, and a peer that is
    /// there answers with a pong.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn ping(&mut self) -> Result<(), Ended> {
        self.heard = false;
        self.send(Message::Ping(Bytes::new())).await
    }

    /// Whether anything has come since the last ping, a pong above all. It is looked for while the
    /// socket is read from.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.heard
    }

    async fn send(&mut self, message: Message) -> Result<(), Ended> {
        self.stream.send(message).await.map_err(|error| Ended(close_code(&error)))
    }

    /// Ends the conversation as it has to be ended.
    pub async fn end(mut self, Ended(code): Ended) {
        let close = async {
            if let Some(code) = code {
                let frame = CloseFrame { code, reason: Utf8Bytes::default() };
                self.stream.send(Message::Close(Some(frame))).await.ok();
            }
            let io = self.stream.get_mut();
            io.shutdown().await.ok();
            // Closing on unread bytes would reset the connection, and the peer would never see
            // the close frame (RFC 6455 §7.1.1).
            let mut rest = [0; 4096];
            while io.read(&mut rest).await.is_ok_and(|n| n > 0) {}
        };
        timeout(CLOSING_TIME, close).await.ok();
    }

    /// Gives up a peer that has stopped answering. It is told why, in case that it can hear; nobody
    /// waits for an answer.
    pub async fn give_up(mut self, reason: &'static str) {
        // What the library for Python, and others after it, close with here.
        let frame = CloseFrame { code: CloseCode::Error, reason: Utf8Bytes::from_static(reason) };
        let close = async {
            self.stream.send(Message::Close(Some(frame))).await.ok();
            self.stream.get_mut().shutdown().await.ok();
        };
        timeout(CLOSING_TIME, close).await.ok();
    }

    /// Closes from this end, and waits a little for the peer's answer.
    pub async fn close(mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        let handshake = async {
            self.stream.send(Message::Close(Some(frame))).await.ok();
            // What was under way when we closed is not acted on.
            while let Some(Ok(_)) = self.stream.next().await {}
        };
        timeout(CLOSING_TIME, handshake).await.ok();
        self.end(Ended(None)).await;
    }
}

/// What the peer has to be told (RFC 6455 §7.4.1), if there is still someone to tell.
fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing) => {
            None
        }
        Error::Protocol(_) => Some(CloseCode::Protocol),
        _ => None,
    }
}
