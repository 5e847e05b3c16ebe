//! Bodies: of a known length, in chunks, and the JSON or the event stream in them.

use std::borrow::Cow;
use std::ops::Range;

use standby_trace::tap::Via;
use standby_trace::trace::Direction;

use crate::field::{Notes, count, text};
use crate::{Class, json, sse};

/// What a piece of a conversation is about: which transport, which way.
pub(crate) type Way = (Via, Direction);

/// A body, or a piece of one, that begins at `base` in the piece.
pub(crate) fn body(notes: &mut Notes, way: Way, bytes: &[u8], base: usize) {
    match way {
        _ if bytes.is_empty() => {}
        (Via::Sse, Direction::ToClient) if bytes.first() != Some(&b'{') => sse::stream(notes, bytes, base),
        (_, Direction::ToServer) => json::document(notes, bytes, base, Class::Publishing),
        (Via::Publish | Via::Preflight | Via::Sse, Direction::ToClient) => {
            json::document(notes, bytes, base, Class::Body);
        }
        _ => json::document(notes, bytes, base, Class::Envelope),
    }
}

/// One chunk: its size in hexadecimal, a line end, the data, a line end (RFC 9112 §7.1).
pub(crate) fn chunk(notes: &mut Notes, way: Way, bytes: &[u8], cut: bool) {
    let Some((size, line)) = size_line(notes, bytes) else {
        notes.remark("The chunk is incomplete: its size line has no end.");
        return;
    };
    let data = chunk_data(bytes);
    let end = line.end + data.len()..bytes.len();
    body(notes, way, data, line.end);
    if !end.is_empty() {
        let meaning = "It ends the chunk. It does not count in the size.";
        notes.field(end.clone(), Class::Chunk, "CRLF", "", meaning);
    }
    if cut {
        notes.remark(format!("Only {} of the chunk were kept.", count(bytes.len())));
    } else if size != Some(data.len() as u64) || end.is_empty() {
        notes
            .remark(format!("The chunk is incomplete or its size is wrong: {} are here.", count(data.len())));
    }
}

/// A chunk's data, without its size line and its line end.
pub(crate) fn chunk_data(bytes: &[u8]) -> &[u8] {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return &[] };
    let rest = bytes.get(end + 2..).unwrap_or_default();
    rest.strip_suffix(b"\r\n").unwrap_or(rest)
}

/// The last chunk: size 0, trailers, an empty line (RFC 9112 §7.1).
pub(crate) fn last_chunk(notes: &mut Notes, bytes: &[u8], cut: bool) {
    let Some((size, line)) = size_line(notes, bytes) else {
        notes.remark("The last chunk is incomplete: its size line has no end.");
        return;
    };
    if size != Some(0) {
        notes.remark("A last chunk has the size 0, and this has another.");
    }
    let rest = bytes.get(line.end..).unwrap_or_default();
    let mut over = false;
    for part in crate::head::lines(rest) {
        let content = rest.get(part.text.clone()).unwrap_or_default();
        let at = line.end + part.whole.start..line.end + part.whole.end;
        if over {
            notes.field(at, Class::Unread, "more bytes", text(content), "They stand behind the body's end.");
        } else if content.is_empty() {
            over = true;
            let meaning = "It ends the body (RFC 9112 §7.1).";
            notes.field(at, Class::Chunk, "empty line", "", meaning);
        } else {
            let meaning = "A header that comes behind the body (RFC 9112 §7.1.2).";
            notes.field(at, Class::Chunk, "trailer", text(content), meaning);
        }
    }
    if cut {
        notes.remark("The last chunk is longer than what was kept.");
    } else if !over {
        notes.remark("The last chunk is incomplete: the empty line that ends it is missing.");
    }
}

/// The size line, with its extension and its line end. `None`: it has no end.
fn size_line(notes: &mut Notes, bytes: &[u8]) -> Option<(Option<u64>, Range<usize>)> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
        notes.paint(0..bytes.len(), Class::Chunk);
        if !bytes.is_empty() {
            let meaning = "The line that says how many bytes follow (RFC 9112 §7.1).";
            notes.field(0..bytes.len(), Class::Chunk, "chunk size", text(bytes), meaning);
        }
        return None;
    };
    let line = &bytes[..end];
    let digits = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let number = text(line[..digits].trim_ascii());
    let size = Some(&number)
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|number| u64::from_str_radix(number, 16).ok());
    let meaning: Cow<'static, str> = match size {
        Some(0) => "No more: this is the last chunk (RFC 9112 §7.1).".into(),
        Some(size) => {
            format!("How many bytes of data follow, in hexadecimal: {size} (RFC 9112 §7.1).").into()
        }
        None => "It should be a number in hexadecimal, and is none (RFC 9112 §7.1).".into(),
    };
    notes.field(0..digits, Class::Chunk, "chunk size", number, meaning).filter = "http.chunk_size";
    if digits < end {
        let meaning = "An extension. Whoever doesn't know it passes over it (RFC 9112 §7.1.1).";
        notes.field(digits..end, Class::Chunk, "chunk extension", text(&bytes[digits..end]), meaning);
    }
    notes.field(end..end + 2, Class::Chunk, "CRLF", "", "It ends the size line.");
    Some((size, 0..end + 2))
}
