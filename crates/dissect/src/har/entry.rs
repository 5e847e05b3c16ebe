//! An entry: a request, its answer, and what went on behind it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use standby_trace::tap::Part;
use standby_trace::{Direction, Kind, Message, Piece, Trace};

use super::PAGE;
use super::time::{iso, seconds};
use crate::field::text;
use crate::{frame, head, sse};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pageref: &'static str,
    started_date_time: String,
    time: f64,
    request: Request,
    response: Response,
    cache: Cache,
    timings: Timings,
    #[serde(skip_serializing_if = "str::is_empty")]
    comment: &'static str,
    #[serde(rename = "_resourceType")]
    resource_type: &'static str,
    /// The lane's label, so that a reader can tell the subscribers apart.
    #[serde(rename = "_lane")]
    lane: String,
    #[serde(rename = "_webSocketMessages", skip_serializing_if = "Option::is_none")]
    web_socket_messages: Option<Vec<SocketMessage>>,
    #[serde(rename = "_eventSourceMessages", skip_serializing_if = "Option::is_none")]
    event_source_messages: Option<Vec<StreamMessage>>,
}

/// Nothing is known of the browser's cache.
#[derive(Clone, Debug, Serialize)]
struct Cache {}

#[derive(Clone, Debug, Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    http_version: String,
    /// Masked in the trace, so there are none to list.
    cookies: [Pair; 0],
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: i64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    text: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    status_text: String,
    http_version: String,
    cookies: [Pair; 0],
    headers: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: i64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: usize,
    mime_type: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

/// In milliseconds; -1 is what does not apply or is not known.
#[derive(Clone, Debug, Serialize)]
struct Timings {
    blocked: f64,
    dns: f64,
    connect: f64,
    ssl: f64,
    send: f64,
    wait: f64,
    receive: f64,
}

/// A frame, as Chromium writes one.
#[derive(Clone, Debug, Serialize)]
struct SocketMessage {
    #[serde(rename = "type")]
    way: &'static str,
    time: f64,
    opcode: u8,
    /// Text as it is, all else in base64.
    data: String,
}

/// A dispatched event of a stream, as Chromium writes one.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StreamMessage {
    time: f64,
    event_name: String,
    event_id: String,
    data: String,
}

/// The messages of one exchange: a request and all that came of it.
struct Exchange<'a> {
    request: &'a Message,
    rest: Vec<&'a Message>,
}

/// The entries of a trace, in order of their requests.
pub(super) fn entries(trace: &Trace) -> Vec<Entry> {
    let mut exchanges: Vec<Exchange<'_>> = Vec::new();
    // The exchange that a lane's number stands for now. A browser that sends a request again does it
    // under the same number, and so does its question before it.
    let mut open = std::collections::HashMap::new();
    for message in &trace.messages {
        let key = (message.lane, message.n, message.kind == Kind::Preflight);
        let asks = matches!(message.kind, Kind::Request | Kind::Publish | Kind::Preflight)
            && message.direction == Direction::ToServer;
        if asks {
            open.insert(key, exchanges.len());
            exchanges.push(Exchange { request: message, rest: Vec::new() });
        } else if let Some(exchange) = open.get(&key).and_then(|&at: &usize| exchanges.get_mut(at)) {
            // The messages before it began may have left the window: then there is no entry for it.
            exchange.rest.push(message);
        }
    }
    exchanges.iter().map(|exchange| entry(trace, exchange)).collect()
}

fn entry(trace: &Trace, exchange: &Exchange<'_>) -> Entry {
    let from_us = exchange.request.first_us();
    let answers = || exchange.rest.iter().filter(|message| message.direction == Direction::ToClient);
    let first_us = answers().next().map_or(from_us, |message| moment_us(message)).max(from_us);
    let last_us = exchange.rest.iter().map(|m| moment_us(m)).max().unwrap_or(first_us).max(first_us);
    let sent = pieces(trace, &[exchange.request]);
    let got = pieces(trace, &exchange.rest);
    let request = request(exchange.request, &sent);
    let response = response(exchange, &got);
    let is_socket =
        exchange.rest.iter().flat_map(|m| pieces(trace, &[m])).any(|piece| piece.part == Part::Frame);
    let is_stream = response.content.mime_type.starts_with("text/event-stream");
    let known = sent.iter().any(|piece| piece.part == Part::RequestHead);
    Entry {
        pageref: PAGE,
        started_date_time: iso(trace.began_at_ms, from_us),
        time: ms(from_us, last_us),
        cache: Cache {},
        timings: Timings {
            blocked: -1.0,
            dns: -1.0,
            connect: -1.0,
            ssl: -1.0,
            // How long the sending took is a part of the wait: no end sees it.
            send: 0.0,
            wait: ms(from_us, first_us),
            receive: ms(first_us, last_us),
        },
        comment: if known { "" } else { "The bytes of this request were not kept." },
        resource_type: match exchange.request.kind {
            Kind::Preflight => "preflight",
            _ if is_socket || response.status == 101 => "websocket",
            _ if is_stream => "eventsource",
            _ => "fetch",
        },
        lane: trace
            .lanes
            .get(usize::from(exchange.request.lane))
            .map_or_else(String::new, |lane| lane.sub.clone()),
        web_socket_messages: is_socket.then(|| socket_messages(trace, exchange)),
        event_source_messages: is_stream.then(|| stream_messages(trace, exchange)),
        request,
        response,
    }
}

/// When a message was there: at the client where that is known.
fn moment_us(message: &Message) -> i64 {
    message.client.map_or_else(|| message.last_us(), |moment| moment.at_us)
}

fn ms(from_us: i64, to_us: i64) -> f64 {
    to_us.saturating_sub(from_us).max(0) as f64 / 1e3
}

fn pieces<'a>(trace: &'a Trace, messages: &[&Message]) -> Vec<&'a Piece> {
    messages.iter().flat_map(|message| &message.pieces).filter_map(|&id| trace.piece(id)).collect()
}

fn bytes_of(pieces: &[&Piece], parts: &[Part]) -> i64 {
    let of = |piece: &&&Piece| parts.contains(&piece.part);
    let bytes = |piece: &&Piece| piece.cut_bytes.saturating_add(piece.bytes.len() as u64);
    let sum = pieces.iter().filter(of).map(bytes).fold(0, u64::saturating_add);
    i64::try_from(sum).unwrap_or(i64::MAX)
}

fn pairs(head: &[u8]) -> Vec<Pair> {
    head::headers(head).map(|(name, value)| Pair { name: text(name), value: text(value) }).collect()
}

fn value_of(head: &[u8], name: &str) -> String {
    head::value_of(head, name).map(text).unwrap_or_default()
}

/// The start line, cut at its first two blanks or at the outer ones.
fn start_line(head: &[u8]) -> String {
    let line = head::lines(head).next().and_then(|line| head.get(line.text));
    line.map(text).unwrap_or_default()
}

fn request(message: &Message, pieces: &[&Piece]) -> Request {
    let head = pieces.iter().find(|piece| piece.part == Part::RequestHead).map(|piece| &piece.bytes[..]);
    let line = start_line(head.unwrap_or_default());
    let mut words = line.splitn(2, ' ');
    let method = words.next().filter(|method| !method.is_empty());
    let (target, version) = words.next().and_then(|rest| rest.rsplit_once(' ')).unwrap_or_default();
    let by_kind = match message.kind {
        Kind::Publish => "POST",
        Kind::Preflight => "OPTIONS",
        _ => "GET",
    };
    let head_bytes = head.unwrap_or_default();
    let body: Vec<u8> = parts(pieces, &[Part::RequestBody]);
    Request {
        method: method.unwrap_or(by_kind).to_owned(),
        url: url(head_bytes, target),
        http_version: version_or_default(version),
        cookies: [],
        headers: pairs(head_bytes),
        query_string: query(target),
        post_data: (!body.is_empty())
            .then(|| PostData { mime_type: value_of(head_bytes, "content-type"), text: text(&body) }),
        headers_size: if head.is_some() { bytes_of(pieces, &[Part::RequestHead]) } else { -1 },
        body_size: if head.is_some() { bytes_of(pieces, &[Part::RequestBody]) } else { -1 },
    }
}

fn version_or_default(version: &str) -> String {
    // The tap follows HTTP/1.1 and nothing else.
    if version.is_empty() { "HTTP/1.1".to_owned() } else { version.to_owned() }
}

/// The address of a request: what its target is on the host that it names (RFC 9112 §3.3). What may
/// not stand in an address is percent-encoded (RFC 3986 §2).
fn url(head: &[u8], target: &str) -> String {
    let host = value_of(head, "host");
    if host.is_empty() || !target.starts_with('/') {
        return "about:blank".to_owned();
    }
    let scheme = if head::value_of(head, "sec-websocket-key").is_some() { "ws" } else { "http" };
    let mut url = format!("{scheme}://");
    for byte in host.bytes() {
        push(&mut url, byte, b"-._~:[]");
    }
    for byte in target.bytes() {
        push(&mut url, byte, b"-._~:/?@!$&'()*+,;=");
    }
    url
}

fn push(url: &mut String, byte: u8, also: &[u8]) {
    if byte.is_ascii_alphanumeric() || also.contains(&byte) {
        url.push(char::from(byte));
    } else {
        url.push_str(&format!("%{byte:02X}"));
    }
}

fn query(target: &str) -> Vec<Pair> {
    let Some((_, query)) = target.split_once('?') else { return Vec::new() };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Pair { name: name.to_owned(), value: value.to_owned() }
    };
    query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
}

const BODY: [Part; 3] = [Part::ResponseBody, Part::Chunk, Part::LastChunk];

fn response(exchange: &Exchange<'_>, got: &[&Piece]) -> Response {
    let head = got.iter().find(|piece| piece.part == Part::ResponseHead).map(|piece| &piece.bytes[..]);
    let line = start_line(head.unwrap_or_default());
    let mut words = line.splitn(3, ' ');
    let (version, code, reason) =
        (words.next().unwrap_or(""), words.next().unwrap_or(""), words.next().unwrap_or(""));
    let told = exchange.rest.iter().find_map(|message| message.status);
    let head_bytes = head.unwrap_or_default();
    let body = parts(got, &BODY);
    let (content, encoding) = match String::from_utf8(body) {
        Ok(content) => (content, None),
        Err(other) => (STANDARD.encode(other.as_bytes()), Some("base64")),
    };
    let mime_type = value_of(head_bytes, "content-type");
    Response {
        // 0 is what browsers write where no answer came.
        status: code.parse().ok().or(told).unwrap_or(0),
        status_text: reason.to_owned(),
        http_version: version_or_default(version),
        cookies: [],
        headers: pairs(head_bytes),
        content: Content {
            size: parts(got, &BODY).len(),
            mime_type: if mime_type.is_empty() { "x-unknown".to_owned() } else { mime_type },
            text: content,
            encoding,
        },
        redirect_url: value_of(head_bytes, "location"),
        headers_size: if head.is_some() { bytes_of(got, &[Part::ResponseHead]) } else { -1 },
        body_size: if head.is_some() { bytes_of(got, &BODY) } else { -1 },
    }
}

/// What a body's pieces carry, without the chunks around it.
fn parts(pieces: &[&Piece], parts: &[Part]) -> Vec<u8> {
    let of = |piece: &&&Piece| parts.contains(&piece.part);
    pieces.iter().filter(of).flat_map(|piece| data(piece)).copied().collect()
}

fn data(piece: &Piece) -> &[u8] {
    match piece.part {
        Part::Chunk => crate::body::chunk_data(&piece.bytes),
        Part::LastChunk => &[],
        _ => &piece.bytes,
    }
}

fn socket_messages(trace: &Trace, exchange: &Exchange<'_>) -> Vec<SocketMessage> {
    let mut messages = Vec::new();
    for message in &exchange.rest {
        for piece in pieces(trace, &[message]) {
            let Some(header) = frame::Header::read(&piece.bytes).filter(|_| piece.part == Part::Frame) else {
                continue;
            };
            let payload = header.payload(&piece.bytes);
            let text = String::from_utf8(payload).ok().filter(|_| header.opcode == 1);
            messages.push(SocketMessage {
                way: if piece.direction == Direction::ToServer { "send" } else { "receive" },
                time: seconds(trace.began_at_ms, moment_us(message)),
                opcode: header.opcode,
                data: text.unwrap_or_else(|| STANDARD.encode(header.payload(&piece.bytes))),
            });
        }
    }
    messages
}

/// An event that is longer is passed over. The server's are shorter; a file may hold anything.
const MAX_BEGUN_BYTES: usize = 256 * 1024;

fn stream_messages(trace: &Trace, exchange: &Exchange<'_>) -> Vec<StreamMessage> {
    let mut messages = Vec::new();
    let (mut last_id, mut begun) = (String::new(), Vec::new());
    for message in &exchange.rest {
        for piece in pieces(trace, &[message]).into_iter().filter(|piece| BODY.contains(&piece.part)) {
            // An event may be cut by a chunk's end: its begin is kept until its empty line comes.
            begun.extend_from_slice(data(piece));
            if begun.len() > MAX_BEGUN_BYTES {
                begun.clear();
                continue;
            }
            let lines = sse::lines(&begun);
            let mut from = 0;
            for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.text.is_empty()) {
                let event = sse::block(&begun, &lines[from..at]);
                from = at + 1;
                last_id = event.id.unwrap_or(last_id);
                let Some(data) = event.data else { continue };
                messages.push(StreamMessage {
                    time: seconds(trace.began_at_ms, moment_us(message)),
                    event_name: if event.name.is_empty() { "message".to_owned() } else { event.name },
                    event_id: last_id.clone(),
                    data,
                });
            }
            let read = from.checked_sub(1).and_then(|last| lines.get(last)).map_or(0, |line| line.end.end);
            begun.drain(..read);
        }
    }
    messages
}
