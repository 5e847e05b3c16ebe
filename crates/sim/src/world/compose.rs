//! The bytes that the server writes: heads, chunks, frames. Those of events and hellos are
//! `standby-transport`'s own.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// A poll's.
    Poll { etag: &'a str, body_bytes: usize },
    /// A poll's that would have nothing new.
    NotModified { etag: &'a str },
    /// A publisher's.
    Published { body_bytes: usize },
    /// A stream's.
    Stream,
    /// A WebSocket's; `key` is the client's.
    Switching { key: &'a str },
    /// A fault's.
    Unavailable { retry_after_s: Option<u32>, body_bytes: usize },
}

/// A response's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) bytes: Vec<u8>,
    /// What it counts for on a slow network, which is told its length before the last headers are
    /// there.
    pub(super) weight_bytes: usize,
}

const EXPOSED: &str = "ETag, Retry-After";

/// Composes one. `origin` is the page's, where it said it; `at_ms` the time in milliseconds since
/// 1970.
pub(super) fn head(answer: Answer<'_>, origin: Option<&str>, at_ms: u64) -> Head {
    let mut fields: Vec<(&str, String)> = Vec::new();
    let allow = |fields: &mut Vec<(&str, String)>| {
        fields.push(("vary", "Origin".to_owned()));
        if let Some(origin) = origin {
            fields.push(("access-control-allow-origin", origin.to_owned()));
            fields.push(("access-control-expose-headers", EXPOSED.to_owned()));
        }
    };
    let no_store = ("cache-control", "no-store".to_owned());
    let json = ("content-type", "application/json".to_owned());
    let (status, body_bytes) = match answer {
        Answer::Poll { etag, body_bytes } => {
            fields.extend([json, ("etag", etag.to_owned())]);
            allow(&mut fields);
            fields.push(no_store);
            (200, Some(body_bytes))
        }
        Answer::NotModified { etag } => {
            fields.push(("etag", etag.to_owned()));
            allow(&mut fields);
            fields.push(no_store);
            (304, None)
        }
        Answer::Published { body_bytes } => {
            fields.push(json);
            allow(&mut fields);
            fields.push(no_store);
            (201, Some(body_bytes))
        }
        Answer::Stream => {
            fields.push(("content-type", "text/event-stream".to_owned()));
            fields.push(("x-accel-buffering", "no".to_owned()));
            allow(&mut fields);
            fields.push(no_store);
            (200, None)
        }
        Answer::Switching { key } => {
            fields.push(("connection", "upgrade".to_owned()));
            fields.push(("upgrade", "websocket".to_owned()));
            fields.push(("sec-websocket-accept", accept(key)));
            allow(&mut fields);
            fields.push(no_store);
            (101, None)
        }
        Answer::Unavailable { retry_after_s, body_bytes } => {
            fields.push(("content-type", "application/problem+json".to_owned()));
            fields.push(no_store);
            if let Some(seconds) = retry_after_s {
                fields.push(("retry-after", seconds.to_string()));
            }
            (503, Some(body_bytes))
        }
    };
    let line = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    // The server's network counts what it sees, and takes a guess at what hyper adds.
    let guess = "date: Tue, 24 Nov 2026 08:28:16 GMT\r\ncontent-length: 1000\r\n\r\n".len();
    let seen: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let weight_bytes = line.len() + seen + guess;
    // A fault's answer gets these outside of the network.
    if status == 503 {
        allow(&mut fields);
    }
    match (answer, body_bytes) {
        (_, Some(bytes)) => fields.push(("content-length", bytes.to_string())),
        (Answer::Stream, None) => fields.push(("transfer-encoding", "chunked".to_owned())),
        (_, None) => {}
    }
    fields.push(("date", httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(at_ms))));
    let mut text = line;
    for (name, value) in &fields {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    Head { status, bytes: text.into_bytes(), weight_bytes }
}

fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        201 => "Created",
        304 => "Not Modified",
        _ => "Service Unavailable",
    }
}

/// The body of a fault's 503.
pub(super) const UNAVAILABLE: &str = r#"{"title":"Unavailable on purpose","status":503,"detail":"This experiment has the server answer 503 for a while. Try again later."}"#;

/// The proof that the server has read the handshake (RFC 6455 §4.2.2).
fn accept(key: &str) -> String {
    let digest =
        Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    STANDARD.encode(digest)
}

/// A chunk (RFC 9112 §7.1).
pub(super) fn chunk(data: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
}

/// A frame's kind (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 1,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// A whole frame; `mask` is what clients must have (RFC 6455 §5.3).
pub(super) fn frame(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![0x80 | opcode as u8];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..126), _) => bytes.push(masked | short),
        (_, Ok(long)) => {
            bytes.push(masked | 126);
            bytes.extend(long.to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend((payload.len() as u64).to_be_bytes());
        }
    }
    match mask {
        Some(mask) => {
            bytes.extend(mask);
            bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        }
        None => bytes.extend(payload),
    }
    bytes
}

/// A frame's kind and its payload, unmasked.
pub(super) fn opened(bytes: &[u8]) -> (u8, Vec<u8>) {
    let (first, second) = (bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0));
    let lengths = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let rest = bytes.get(2 + lengths..).unwrap_or_default();
    let payload = match rest.split_first_chunk::<4>() {
        Some((mask, masked)) if second & 0x80 != 0 => {
            masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
        }
        _ => rest.to_vec(),
    };
    (first & 0x0f, payload)
}

/// A close frame's payload.
pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_proved_as_the_standards_own_example_has_it() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_are_those_of_the_standards_examples() {
        assert_eq!(frame(Opcode::Text, b"Hello", None), b"\x81\x05Hello");
        let masked = frame(Opcode::Text, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(masked, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        assert_eq!(frame(Opcode::Text, &[0; 256], None)[..4], [0x81, 126, 1, 0]);
        assert_eq!(frame(Opcode::Text, &[0; 65_536], None)[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_chunk_has_its_size_in_hexadecimal() {
        assert_eq!(chunk(&[b'x'; 17]), b"11\r\nxxxxxxxxxxxxxxxxx\r\n");
    }
}
