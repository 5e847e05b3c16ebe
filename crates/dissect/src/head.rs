//! Heads of HTTP/1.1: the start line, the headers, the empty line (RFC 9112 §2.1).

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::field::{Notes, count, hex, text};
use crate::{Class, Context, header};
use standby_trace::tap::Part;

/// What a server puts behind a client's key (RFC 6455 §1.3): nobody would answer with it by chance.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One line of a head.
pub(crate) struct Line {
    /// The line without its end.
    pub(crate) text: Range<usize>,
    /// The line with its end.
    pub(crate) whole: Range<usize>,
}

/// The lines of a head. They end in CRLF; a bare LF is taken for one too (RFC 9112 §2.2).
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    let mut from = 0;
    bytes.split_inclusive(|&byte| byte == b'\n').map(move |line| {
        let whole = from..from + line.len();
        from = whole.end;
        let text = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
        Line { text: whole.start..whole.start + text.len(), whole }
    })
}

/// The headers of a head: name, value without the blanks around it (RFC 9112 §5).
pub(crate) fn headers(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(bytes).skip(1).filter_map(|line| {
        let line = bytes.get(line.text)?;
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// The value of a header, by its name in any case (RFC 9110 §5.1).
pub(crate) fn value_of<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    headers(head).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
}

/// A request's or a response's head.
pub(crate) fn head(notes: &mut Notes, bytes: &[u8], part: Part, cut: bool, context: Context<'_>) {
    let earlier = context.earlier_head(part);
    let mut before: Vec<&[u8]> = lines(earlier).skip(1).filter_map(|line| earlier.get(line.whole)).collect();
    before.sort_unstable();
    let (mut started, mut over) = (false, false);
    for line in lines(bytes) {
        let (Some(content), Some(whole)) = (bytes.get(line.text.clone()), bytes.get(line.whole.clone()))
        else {
            continue;
        };
        if over {
            notes.field(
                line.whole,
                Class::Unread,
                "more bytes",
                text(whole),
                "They stand behind the head's end.",
            );
        } else if !started && content.is_empty() {
            let meaning = "An empty line before a head is passed over (RFC 9112 §2.2).";
            notes.field(line.whole, Class::LineEnd, "empty line", "", meaning);
        } else if !started {
            started = true;
            if part == Part::RequestHead {
                request_line(notes, bytes, &line);
            } else {
                status_line(notes, bytes, &line);
            }
        } else if content.is_empty() {
            over = true;
            let meaning = "It ends the head. What follows is the body (RFC 9112 §2.1).";
            notes.field(line.whole, Class::LineEnd, "empty line", "", meaning);
        } else {
            let same = before.binary_search(&whole).is_ok();
            one_header(notes, bytes, &line, part, same, context);
        }
    }
    if !over && cut {
        notes.remark("The head is longer than what was kept.");
    } else if !over {
        notes.remark("The head is incomplete: the empty line that ends it is missing.");
    }
}

/// `GET /api/topics/tea/poll?after=4 HTTP/1.1` (RFC 9112 §3)
fn request_line(notes: &mut Notes, bytes: &[u8], line: &Line) {
    let at = line.text.clone();
    let content = bytes.get(at.clone()).unwrap_or_default();
    let meaning = "What is asked, of what, and in which version of HTTP (RFC 9112 §3).";
    notes.field(line.whole.clone(), Class::RequestLine, "request line", text(content), meaning);
    let mut spaces = content.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at);
    let (first, last) = (spaces.next(), spaces.next_back());
    let (Some(first), Some(last)) = (first, last) else {
        notes.remark("The request line has no three words.");
        return;
    };
    let (method, target, version) =
        (at.start..at.start + first, at.start + first + 1..at.start + last, at.start + last + 1..at.end);
    let get = |at: &Range<usize>| text(bytes.get(at.clone()).unwrap_or_default());
    notes.inside(|notes| {
        let value = get(&method);
        let meaning = header::method(&value);
        notes.field(method, Class::RequestLine, "method", value, meaning).filter = "http.request.method";
        let meaning = "What is asked for: a path, and a query behind the question mark (RFC 9112 §3.2).";
        let value = get(&target);
        notes.field(target.clone(), Class::RequestLine, "target", value, meaning).filter = "http.request.uri";
        notes.inside(|notes| query(notes, bytes, target));
        let meaning = "The version that the client speaks (RFC 9112 §2.3).";
        let value = get(&version);
        notes.field(version, Class::RequestLine, "version", value, meaning).filter = "http.request.version";
    });
}

/// The parameters of a target's query.
fn query(notes: &mut Notes, bytes: &[u8], target: Range<usize>) {
    let content = bytes.get(target.clone()).unwrap_or_default();
    let Some(mark) = content.iter().position(|&byte| byte == b'?') else { return };
    let mut from = target.start + mark + 1;
    for pair in content[mark + 1..].split(|&byte| byte == b'&') {
        let at = from..from + pair.len();
        from = at.end + 1;
        let equals = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        let (name, value) = (text(&pair[..equals]), text(pair.get(equals + 1..).unwrap_or_default()));
        let meaning = header::parameter(&name);
        notes.field(at, Class::RequestLine, name, value, meaning).filter = "http.request.uri.query.parameter";
    }
}

/// `HTTP/1.1 304 Not Modified` (RFC 9112 §4)
fn status_line(notes: &mut Notes, bytes: &[u8], line: &Line) {
    let at = line.text.clone();
    let content = bytes.get(at.clone()).unwrap_or_default();
    let meaning = "How it went: version, code, and the code in words (RFC 9112 §4).";
    notes.field(line.whole.clone(), Class::StatusLine, "status line", text(content), meaning);
    let word_end = |from: usize| {
        let rest = content.get(from..).unwrap_or_default();
        rest.iter().position(|&byte| byte == b' ').map_or(content.len(), |at| from + at)
    };
    let version = 0..word_end(0);
    let code = (version.end + 1).min(content.len())..word_end((version.end + 1).min(content.len()));
    let reason = (code.end + 1).min(content.len())..content.len();
    let moved = |part: &Range<usize>| at.start + part.start..at.start + part.end;
    let get = |part: &Range<usize>| text(content.get(part.clone()).unwrap_or_default());
    if code.len() != 3 || !content[code.clone()].iter().all(u8::is_ascii_digit) {
        notes.remark("The status line has no code of three digits.");
        return;
    }
    notes.inside(|notes| {
        let meaning = "The version that the server speaks (RFC 9112 §2.3).";
        notes.field(moved(&version), Class::StatusLine, "version", get(&version), meaning).filter =
            "http.response.version";
        let meaning = header::status(&get(&code));
        notes.field(moved(&code), Class::StatusLine, "status code", get(&code), meaning).filter =
            "http.response.code";
        if !reason.is_empty() {
            let meaning = "The code in words. No program reads it (RFC 9112 §4).";
            notes.field(moved(&reason), Class::StatusLine, "reason phrase", get(&reason), meaning).filter =
                "http.response.phrase";
        }
    });
}

/// `Name: value` (RFC 9112 §5)
fn one_header(notes: &mut Notes, bytes: &[u8], line: &Line, part: Part, same: bool, context: Context<'_>) {
    let content = bytes.get(line.text.clone()).unwrap_or_default();
    let class = if same { Class::SameHeader } else { Class::Header };
    let cost = count(line.whole.len());
    let Some(colon) = content.iter().position(|&byte| byte == b':') else {
        let continued = content.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        let meaning = if continued {
            "It goes on with the header before: line folding, which is obsolete (RFC 9112 §5.2)."
        } else {
            "No header: it has no colon (RFC 9112 §5)."
        };
        notes.field(line.whole.clone(), Class::Unread, "line", text(content), meaning);
        return;
    };
    let (name, value) = (text(&content[..colon]), content[colon + 1..].trim_ascii());
    let again = if same { ", the same as in the last one" } else { "" };
    let meaning = format!("{} It costs {cost}{again}.", header::header(&name));
    let is_accept = part == Part::ResponseHead && name.eq_ignore_ascii_case("sec-websocket-accept");
    notes.field(line.whole.clone(), class, name, text(value), meaning).filter =
        if part == Part::RequestHead { "http.request.line" } else { "http.response.line" };
    if is_accept {
        let blanks = content[colon + 1..].len() - content[colon + 1..].trim_ascii_start().len();
        let from = line.text.start + colon + 1 + blanks;
        notes.inside(|notes| accept(notes, from..from + value.len(), value, class, context.request_head()));
    }
}

/// How `Sec-WebSocket-Accept` comes out of the request's key (RFC 6455 §4.2.2 step 5.4).
fn accept(notes: &mut Notes, at: Range<usize>, value: &[u8], class: Class, request: &[u8]) {
    let Some(key) = value_of(request, "sec-websocket-key") else {
        notes.remark("The key that the accept value is made from is not here: its request was not kept.");
        return;
    };
    let joined = format!("{}{GUID}", text(key));
    let digest = Sha1::digest(joined.as_bytes());
    let expected = STANDARD.encode(digest);
    let meaning = "The request's key, and behind it a text that is the same for everyone (RFC 6455 §1.3).";
    notes.field(at.clone(), class, "key and GUID", joined, meaning);
    let meaning = "The SHA-1 of that: 20 bytes (RFC 3174).";
    notes.field(at.clone(), class, "SHA-1", hex(&digest), meaning);
    let meaning = if expected.as_bytes() == value {
        "These 20 bytes in base64 (RFC 4648 §4). It is what the server sent: it has read the key, and means a WebSocket."
    } else {
        "These 20 bytes in base64 (RFC 4648 §4). The server sent something else, so the client has to give up (RFC 6455 §4.1)."
    };
    notes.field(at, class, "base64", expected, meaning);
}
