//! A client that sees every byte, and keeps all of them: HTTP/1.1 and frames by hand.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::PATIENCE;

pub(crate) const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    /// All that was sent, and all that came.
    pub(crate) sent: Vec<u8>,
    pub(crate) got: Vec<u8>,
    /// How much of it has been looked at.
    seen: usize,
}

impl Peer {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self { stream, sent: Vec::new(), got: Vec::new(), seen: 0 }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.sent.extend_from_slice(bytes.as_ref());
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.expect("the server reads").unwrap();
    }

    /// Sends a request without a body; `headers` are whole lines.
    pub(crate) async fn get(&mut self, target: &str, headers: &str) {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")).await;
    }

    pub(crate) async fn send_body(&mut self, method: &str, target: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        self.send(head + body).await;
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> String {
        self.through("\r\n\r\n").await
    }

    /// A whole answer with `Content-Length`: its head and its body.
    pub(crate) async fn answer(&mut self) -> (String, String) {
        let head = self.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = self.exactly(length.map_or(0, |length| length.parse().unwrap())).await;
        (head, String::from_utf8(body).unwrap())
    }

    pub(crate) async fn get_answer(&mut self, target: &str) -> (String, String) {
        self.get(target, "").await;
        self.answer().await
    }

    /// Opens a WebSocket.
    pub(crate) async fn upgrade(&mut self, target: &str) {
        self.get(target, HANDSHAKE).await;
        let head = self.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    }

    /// Sends a masked frame.
    pub(crate) async fn send_frame(&mut self, first: u8, payload: &[u8]) {
        const MASK: [u8; 4] = [0x5a, 0x01, 0xff, 0x33];
        assert!(payload.len() < 126);
        let mut frame = vec![first, 0x80 | payload.len() as u8];
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.send(frame).await;
    }

    /// A frame: its first byte and its payload. Dropping the future loses nothing.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            let unseen = &self.got[self.seen..];
            if let Some((header, length)) = frame_size(unseen)
                && unseen.len() >= header + length
            {
                let (first, payload) = (unseen[0], unseen[header..header + length].to_vec());
                self.seen += header + length;
                return (first, payload);
            }
            assert!(self.more().await.unwrap() > 0, "the connection ended before a frame's end");
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        let (first, payload) = self.frame().await;
        assert_eq!(first, 0x81, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }

    /// Everything up to and including `end`.
    pub(crate) async fn through(&mut self, end: &str) -> String {
        loop {
            let unseen = &self.got[self.seen..];
            if let Some(at) = unseen.windows(end.len()).position(|window| window == end.as_bytes()) {
                let text = String::from_utf8_lossy(&unseen[..at + end.len()]).into_owned();
                self.seen += at + end.len();
                return text;
            }
            assert!(self.more().await.unwrap() > 0, "the connection ended before {end:?}");
        }
    }

    async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.got.len() - self.seen < count {
            assert!(self.more().await.unwrap() > 0, "the connection ended in the middle");
        }
        self.seen += count;
        self.got[self.seen - count..self.seen].to_vec()
    }

    /// Reads some more; 0 at the end.
    pub(crate) async fn more(&mut self) -> io::Result<usize> {
        timeout(PATIENCE, self.stream.read_buf(&mut self.got)).await.expect("the server says something")
    }

    /// Reads until nothing more comes, and says how it ended.
    pub(crate) async fn until_end(&mut self) -> io::Result<()> {
        let read = async {
            while self.more().await? > 0 {}
            Ok(())
        };
        timeout(PATIENCE, read).await.expect("the connection ends")
    }

    /// Forgets what has been looked at.
    pub(crate) fn forget(&mut self) {
        self.got.drain(..self.seen);
        self.seen = 0;
    }

    /// It is reset: an RST, no orderly end.
    pub(crate) async fn assert_reset(&mut self) {
        let end = self.until_end().await;
        assert_eq!(end.expect_err("a reset").kind(), io::ErrorKind::ConnectionReset);
    }
}

/// How long a server's frame is: its header and its payload.
fn frame_size(bytes: &[u8]) -> Option<(usize, usize)> {
    Some(match *bytes.get(1)? {
        126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into()),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, length.into()),
    })
}
