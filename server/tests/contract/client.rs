//! The smallest client that sees every byte: HTTP/1.1 and WebSocket frames by hand.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::PATIENCE;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The answer is a problem of this status, and says what to change.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(addr).await.unwrap(), read: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the server reads").unwrap();
    }

    /// Sends a request. `head` is method and path, then headers, a line each; `Host` is added if it
    /// is not there.
    pub(crate) async fn request(&mut self, head: &str, body: &str) {
        let (first, headers) = head.split_once('\n').unwrap_or((head, ""));
        let mut request = format!("{first} HTTP/1.1\r\n");
        if !headers.to_lowercase().lines().any(|line| line.starts_with("host:")) {
            request += &format!("Host: {}\r\n", self.stream.peer_addr().unwrap());
        }
        for line in headers.lines().filter(|line| !line.is_empty()) {
            request += &format!("{line}\r\n");
        }
        let sends_body = first.starts_with("POST") && !headers.to_lowercase().contains("transfer-encoding");
        if sends_body && !headers.to_lowercase().contains("content-length") {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        request += body;
        self.send(request.as_bytes()).await;
    }

    /// One exchange, with its whole answer.
    pub(crate) async fn ask(&mut self, head: &str, body: &str) -> Answer {
        self.request(head, body).await;
        self.answer(head.starts_with("HEAD")).await
    }

    pub(crate) async fn answer(&mut self, is_head: bool) -> Answer {
        let mut answer = self.head().await;
        let length = answer.header("content-length").map(|length| length.parse::<usize>().unwrap());
        let bytes = if is_head || matches!(answer.status, 101 | 204 | 304) {
            Vec::new()
        } else if answer.header("transfer-encoding") == Some("chunked") {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await {
                body.extend(chunk);
            }
            body
        } else {
            self.exactly(length.unwrap_or(0)).await
        };
        answer.body = String::from_utf8_lossy(&bytes).into_owned();
        answer
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> Answer {
        let head = self.through(b"\r\n\r\n").await;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
        Answer { status, headers, body: String::new() }
    }

    /// One chunk; `None` for the last.
    pub(crate) async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.through(b"\r\n").await;
        let size = usize::from_str_radix(std::str::from_utf8(&size).unwrap().trim_end(), 16).unwrap();
        let chunk = self.exactly(size).await;
        assert_eq!(self.exactly(2).await, b"\r\n");
        (size > 0).then_some(chunk)
    }

    /// One chunk, as text.
    pub(crate) async fn text_chunk(&mut self) -> String {
        String::from_utf8(self.chunk().await.expect("the stream goes on")).unwrap()
    }

    pub(crate) async fn through(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                return self.read.drain(..at + end.len()).collect();
            }
            assert!(self.more().await, "the connection ended in the middle");
        }
    }

    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.more().await, "the connection ended in the middle");
        }
        self.read.drain(..count).collect()
    }

    /// Nothing more comes: the connection was closed in order.
    pub(crate) async fn ended(&mut self) {
        while self.more().await {}
        assert!(self.read.is_empty(), "left over: {:?}", String::from_utf8_lossy(&self.read));
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
        read.expect("the server says something").expect("the connection is not reset") > 0
    }

    /// Opens a WebSocket.
    pub(crate) async fn upgrade(&mut self, path: &str) {
        let answer = self.ask(&format!("GET {path}\n{HANDSHAKE}"), "").await;
        assert_eq!(answer.status, 101, "{answer:?}");
        // The key and its answer in RFC 6455 §1.3.
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    /// Sends a frame, masked as a client has to (with a mask that changes nothing).
    pub(crate) async fn send_frame(&mut self, first_byte: u8, payload: &[u8]) {
        let mut frame = vec![first_byte];
        match payload.len() {
            len @ 0..=125 => frame.push(0x80 | len as u8),
            len @ 126..=0xffff => frame.extend([0x80 | 126].into_iter().chain((len as u16).to_be_bytes())),
            len => frame.extend([0x80 | 127].into_iter().chain((len as u64).to_be_bytes())),
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        self.send(&frame).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_frame(TEXT, text.as_bytes()).await;
    }

    /// A frame: its first byte and its payload.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.exactly(2).await;
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => u16::from_be_bytes(self.exactly(2).await.try_into().unwrap()).into(),
            127 => u64::from_be_bytes(self.exactly(8).await.try_into().unwrap()) as usize,
            length => length.into(),
        };
        (head[0], self.exactly(length).await)
    }

    /// A text frame.
    pub(crate) async fn text(&mut self) -> String {
        let (first, payload) = self.frame().await;
        assert_eq!(first, TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// A text frame, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// A close frame with this code, and the end of the connection.
    pub(crate) async fn closed_with(&mut self, code: u16) {
        let (first, payload) = self.frame().await;
        assert_eq!(first, CLOSE, "{:?}", String::from_utf8_lossy(&payload));
        assert_eq!(payload[..2], code.to_be_bytes(), "{}", u16::from_be_bytes([payload[0], payload[1]]));
    }
}

/// The headers of a WebSocket handshake.
pub(crate) const HANDSHAKE: &str = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// First bytes of frames: FIN and an opcode (RFC 6455 §5.2).
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
