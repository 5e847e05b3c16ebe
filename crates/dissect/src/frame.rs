//! WebSocket frames, bit by bit (RFC 6455 §5.2).

use std::ops::Range;

use crate::Class;
use crate::body::{Way, body};
use crate::field::{Field, Mask, Notes, count, hex, text};

/// What a frame's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) opcode: u8,
    pub(crate) fin: bool,
    pub(crate) compressed: bool,
    /// The payload's length as it was told.
    pub(crate) length: u64,
    /// Where the length in more bytes ends: 2, 4 or 10.
    length_end: usize,
    key: Option<[u8; 4]>,
}

impl Header {
    /// Reads a header. `None`: it is not all here.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (length, length_end) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let key = if second & 0x80 == 0 {
            None
        } else {
            Some(bytes.get(length_end..length_end + 4)?.try_into().ok()?)
        };
        Some(Self {
            opcode: first & 0x0f,
            fin: first & 0x80 != 0,
            compressed: first & 0x40 != 0,
            length,
            length_end,
            key,
        })
    }

    /// Where the payload begins.
    pub(crate) fn end(&self) -> usize {
        self.length_end + if self.key.is_some() { 4 } else { 0 }
    }

    /// The payload, unmasked.
    pub(crate) fn payload(&self, bytes: &[u8]) -> Vec<u8> {
        let payload = bytes.get(self.end()..).unwrap_or_default();
        let Some(key) = self.key else { return payload.to_vec() };
        payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }
}

/// One frame.
pub(crate) fn frame(notes: &mut Notes, way: Way, bytes: &[u8], cut: bool) {
    let Some(header) = Header::read(bytes) else {
        if !bytes.is_empty() {
            notes.field(
                0..bytes.len(),
                Class::FrameHeader,
                "frame header",
                hex(bytes),
                "The begin of a header.",
            );
        }
        notes.remark("The frame is incomplete: not even its header is all here.");
        return;
    };
    bits_of_header(notes, bytes, &header);
    if let Some(key) = header.key {
        let at = header.length_end..header.end();
        let meaning = "Four random bytes, new for each frame. Byte i of the payload was XORed with byte i mod 4 of it, so that no page can put chosen bytes on the wire (RFC 6455 §5.3, §10.3).";
        notes.field(at.clone(), Class::MaskingKey, "masking key", hex(&key), meaning).filter =
            "websocket.masking_key";
        notes.masked(Mask { key, key_at: at, payload_at: header.end()..bytes.len() });
    }
    let payload = header.payload(bytes);
    let here = payload.len() as u64;
    if cut {
        notes.remark(format!("Only {} of the frame were kept.", count(bytes.len())));
    } else if here != header.length {
        notes.remark(format!("The header tells a payload of {} bytes, and {here} are here.", header.length));
    }
    content(notes, way, &header, &payload);
    notes.unmasked(payload);
}

/// The bits of the first two bytes, and the length in more bytes.
fn bits_of_header(notes: &mut Notes, bytes: &[u8], header: &Header) {
    let [first, second, ..] = *bytes else { return };
    let end = header.length_end;
    let meaning = "What kind of frame it is and how long, in 2, 4 or 10 bytes (RFC 6455 §5.2).";
    notes.field(0..end, Class::FrameHeader, "frame header", hex(&bytes[..end]), meaning);
    let bit = |notes: &mut Notes,
               at: usize,
               bits: Range<u8>,
               name: &'static str,
               meaning: &'static str,
               filter: &'static str| {
        let byte = if at == 0 { first } else { second };
        let width = bits.end - bits.start;
        let value = (byte >> (8 - bits.end)) & (0xff >> (8 - width));
        let field: &mut Field = notes.field(at..at + 1, Class::FrameHeader, name, value.to_string(), meaning);
        field.bits = Some(bits);
        field.filter = filter;
    };
    notes.inside(|notes| {
        let meaning = if header.fin {
            "The message ends with this frame."
        } else {
            "The message goes on in the next frame."
        };
        bit(notes, 0, 0..1, "FIN", meaning, "websocket.fin");
        let meaning = if header.compressed {
            "For an extension: permessage-deflate sets it where the message is compressed (RFC 7692 §7.2.1)."
        } else {
            "For an extension. None uses it here."
        };
        bit(notes, 0, 1..2, "RSV1", meaning, "websocket.rsv");
        bit(notes, 0, 2..3, "RSV2", "For an extension. None uses it here.", "websocket.rsv");
        bit(notes, 0, 3..4, "RSV3", "For an extension. None uses it here.", "websocket.rsv");
        bit(notes, 0, 4..8, "opcode", opcode(header.opcode), "websocket.opcode");
        let meaning = if header.key.is_some() {
            "The payload is masked, as a client must do it (RFC 6455 §5.1)."
        } else {
            "The payload is not masked: a server must not do it (RFC 6455 §5.1)."
        };
        bit(notes, 1, 0..1, "MASK", meaning, "websocket.mask");
        let meaning = match second & 0x7f {
            126 => "126 stands for: the length is in the next 2 bytes.",
            127 => "127 stands for: the length is in the next 8 bytes.",
            _ => "The payload's length in bytes.",
        };
        bit(notes, 1, 1..8, "payload length", meaning, "websocket.payload_length");
        if end > 2 {
            let meaning = "The payload's length in bytes, the most significant byte first.";
            let filter =
                if end == 4 { "websocket.payload_length_ext_16" } else { "websocket.payload_length_ext_64" };
            notes
                .field(
                    2..end,
                    Class::FrameHeader,
                    "extended payload length",
                    header.length.to_string(),
                    meaning,
                )
                .filter = filter;
        }
    });
}

fn opcode(code: u8) -> &'static str {
    match code {
        0x0 => "Continuation: it goes on with the message before (RFC 6455 §5.4).",
        0x1 => "Text, in UTF-8 (RFC 6455 §5.6).",
        0x2 => "Binary data (RFC 6455 §5.6).",
        0x8 => "Close: this end will send nothing more (RFC 6455 §5.5.1).",
        0x9 => "Ping: are you there? (RFC 6455 §5.5.2)",
        0xa => "Pong: the answer to a ping, with the same data (RFC 6455 §5.5.3).",
        _ => "Reserved. Whoever gets it closes the connection (RFC 6455 §5.2).",
    }
}

/// The payload, unmasked. Its bytes stand where the masked ones do.
fn content(notes: &mut Notes, way: Way, header: &Header, payload: &[u8]) {
    let base = header.end();
    let at = base..base + payload.len();
    if payload.is_empty() {
        return;
    }
    match header.opcode {
        0x1 if header.compressed => {
            notes.field(at, Class::Unread, "payload", count(payload.len()), "Compressed text.");
        }
        0x1 => body(notes, way, payload, base),
        0x8 => close(notes, payload, base),
        0x9 | 0xa => {
            let (name, filter) = if header.opcode == 0x9 {
                ("ping data", "websocket.payload.ping")
            } else {
                ("pong data", "websocket.payload.pong")
            };
            let meaning = "At most 125 bytes. The pong brings back what the ping had (RFC 6455 §5.5).";
            notes.field(at, Class::Control, name, text(payload), meaning).filter = filter;
        }
        0x0 => {
            notes.field(
                at,
                Class::Unread,
                "payload",
                text(payload),
                "A part of a message that began before.",
            );
        }
        _ => {
            notes.field(at, Class::Unread, "payload", hex(payload), "The frame's data.");
        }
    }
}

/// A close frame's code and reason (RFC 6455 §5.5.1).
fn close(notes: &mut Notes, payload: &[u8], base: usize) {
    let [high, low, reason @ ..] = payload else {
        notes.field(
            base..base + payload.len(),
            Class::Control,
            "close data",
            hex(payload),
            "Too short for a code.",
        );
        return;
    };
    let code = u16::from_be_bytes([*high, *low]);
    notes.field(base..base + 2, Class::Control, "close code", code.to_string(), close_code(code)).filter =
        "websocket.payload.close.status_code";
    if !reason.is_empty() {
        let meaning = "The reason, for people who look for a fault.";
        notes
            .field(base + 2..base + payload.len(), Class::Control, "close reason", text(reason), meaning)
            .filter = "websocket.payload.close.reason";
    }
}

fn close_code(code: u16) -> &'static str {
    match code {
        1000 => "Normal: what the connection was for is done (RFC 6455 §7.4.1).",
        1001 => "Going away: the server stops, or the page was left (RFC 6455 §7.4.1).",
        1002 => "A protocol error (RFC 6455 §7.4.1).",
        1003 => "Data of a kind that can't be taken (RFC 6455 §7.4.1).",
        1007 => "Text that is no UTF-8 (RFC 6455 §7.4.1).",
        1008 => "Against the rules (RFC 6455 §7.4.1).",
        1009 => "Too large (RFC 6455 §7.4.1).",
        1010 => "The server did not take an extension that the client needs (RFC 6455 §7.4.1).",
        1011 => "The server met something that it can't go on from (RFC 6455 §7.4.1).",
        1012 => "The server starts again (IANA).",
        1013 => "The server is too busy: try later (IANA).",
        1005 | 1006 | 1015 => {
            "It must not stand on the wire: it is what an end notes for itself (RFC 6455 §7.4.1)."
        }
        3000..=4999 => "A code of an application's own (RFC 6455 §7.4.2).",
        _ => "No code that a standard knows (RFC 6455 §7.4).",
    }
}
