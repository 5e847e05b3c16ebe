//! Cuts the bytes of a connection into the parts that they are made of: heads, bodies, chunks,
//! frames. Reads and writes are not messages (a head comes in pieces, many events leave in one
//! write), so this keeps what is begun until it is whole. No I/O and no clock.

use std::collections::VecDeque;

use bytes::Bytes;
use standby_trace::tap::Part;

use super::head::{self, Body};

/// A longer head is not followed.
const HEAD_BYTES: usize = 64 * 1024;
/// What is kept of one part; the rest is counted.
const KEPT_BYTES: usize = 128 * 1024;

/// A whole part as it stood on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) part: Part,
    pub(super) bytes: Bytes,
    /// Bytes at its end that were not kept.
    pub(super) cut_bytes: u64,
}

/// These bytes can't be followed: recording began in the middle of something, or they are not
/// HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// Both directions of one connection, from a message boundary on.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    requests: Segmenter,
    responses: Segmenter,
    /// Of each request that is not yet answered: whether it is a HEAD.
    unanswered: VecDeque<bool>,
}

impl Conversation {
    /// Takes in what the client sent, cut anywhere.
    pub(super) fn client_sent(&mut self, bytes: &[u8], out: &mut Vec<Segment>) -> Result<(), Lost> {
        let unanswered = &mut self.unanswered;
        self.requests.push(bytes, out, |head| {
            let (method, _) = head::request_line(head).ok_or(Lost)?;
            unanswered.push_back(method == "HEAD");
            Ok(State::body(head::request_body(head)))
        })
    }

    /// Takes in what the server sent, cut anywhere.
    pub(super) fn server_sent(&mut self, bytes: &[u8], out: &mut Vec<Segment>) -> Result<(), Lost> {
        let Self { requests, responses, unanswered } = self;
        responses.push(bytes, out, |head| {
            let status = head::status(head).ok_or(Lost)?;
            if status == 101 {
                // A client waits for the 101 before it sends a frame (RFC 6455 §4.1).
                return requests.upgrade().map(|()| State::FrameHead);
            }
            // An interim response answers nothing yet (RFC 9110 §15.2).
            let to_head = if status < 200 { false } else { unanswered.pop_front().ok_or(Lost)? };
            Ok(State::body(head::response_body(head, status, to_head)))
        })
    }
}

/// One direction.
#[derive(Debug)]
pub(super) struct Segmenter {
    state: State,
    /// What a body is called in this direction.
    body: Part,
    /// What came of the part that is begun.
    kept: Vec<u8>,
    cut_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a head. `line_bytes`: of the line that is begun, without CR; `begun`: a line that is not
    /// empty came before.
    Head { line_bytes: usize, begun: bool },
    /// In a body of known length.
    Length { left: u64 },
    /// In a chunk's size line.
    ChunkSize { size: u64, digits: u8, extension: bool },
    /// In a chunk's data or its line end.
    ChunkData { left: u64 },
    /// After the last chunk's size line.
    Trailer { line_bytes: usize },
    /// In a body that ends with the connection: each piece is a part.
    ToEnd,
    /// In a frame's header.
    FrameHead,
    /// In a frame's payload.
    FrameData { left: u64 },
}

impl State {
    const HEAD: Self = Self::Head { line_bytes: 0, begun: false };
    const CHUNK: Self = Self::ChunkSize { size: 0, digits: 0, extension: false };

    fn body(body: Body) -> Self {
        match body {
            Body::None => Self::HEAD,
            Body::Length(left) => Self::Length { left },
            Body::Chunked => Self::CHUNK,
            Body::ToEnd => Self::ToEnd,
        }
    }
}

impl Default for Segmenter {
    fn default() -> Self {
        Self { state: State::HEAD, body: Part::ResponseBody, kept: Vec::new(), cut_bytes: 0 }
    }
}

impl Segmenter {
    /// For a direction that carries frames and nothing else.
    pub(super) fn of_frames() -> Self {
        Self { state: State::FrameHead, ..Self::default() }
    }

    /// Takes in frames, cut anywhere.
    pub(super) fn frames(&mut self, bytes: &[u8], out: &mut Vec<Segment>) -> Result<(), Lost> {
        self.push(bytes, out, |_| Err(Lost))
    }

    fn upgrade(&mut self) -> Result<(), Lost> {
        if self.state != State::HEAD || !self.kept.is_empty() {
            return Err(Lost);
        }
        self.state = State::FrameHead;
        Ok(())
    }

    /// Takes in bytes; `after_head` reads a whole head and says what follows it.
    fn push(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<Segment>,
        mut after_head: impl FnMut(&[u8]) -> Result<State, Lost>,
    ) -> Result<(), Lost> {
        while let Some(&first) = bytes.first() {
            match self.state {
                State::Head { line_bytes, begun } => {
                    let (taken, line) = line(bytes, line_bytes);
                    self.keep(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    if self.kept.len() > HEAD_BYTES {
                        return Err(Lost);
                    }
                    self.state = match line {
                        Line::Unfinished { line_bytes } => State::Head { line_bytes, begun },
                        Line::Full => State::Head { line_bytes: 0, begun: true },
                        Line::Empty if begun => {
                            let next = after_head(&self.kept)?;
                            let (head, body) = match head::status(&self.kept) {
                                Some(_) => (Part::ResponseHead, Part::ResponseBody),
                                None => (Part::RequestHead, Part::RequestBody),
                            };
                            self.body = body;
                            self.whole(head, out);
                            next
                        }
                        Line::Empty => State::HEAD,
                    };
                }
                State::Length { left } => {
                    let left = self.keep_some(&mut bytes, left);
                    self.state = State::Length { left };
                    if left == 0 {
                        self.whole(self.body, out);
                        self.state = State::HEAD;
                    }
                }
                State::ChunkSize { size, digits, extension } => {
                    self.keep(&[first]);
                    bytes = &bytes[1..];
                    self.state = match (first, char::from(first).to_digit(16)) {
                        (b'\n', _) if digits == 0 => return Err(Lost),
                        (b'\n', _) if size == 0 => State::Trailer { line_bytes: 0 },
                        (b'\n', _) => State::ChunkData { left: size.checked_add(2).ok_or(Lost)? },
                        (_, Some(digit)) if !extension && digits < 16 => State::ChunkSize {
                            size: size << 4 | u64::from(digit),
                            digits: digits + 1,
                            extension,
                        },
                        (b'\r' | b';' | b' ' | b'\t', _) => {
                            State::ChunkSize { size, digits, extension: true }
                        }
                        _ if extension && self.kept.len() < HEAD_BYTES => {
                            State::ChunkSize { size, digits, extension }
                        }
                        _ => return Err(Lost),
                    };
                }
                State::ChunkData { left } => {
                    let left = self.keep_some(&mut bytes, left);
                    self.state = State::ChunkData { left };
                    if left == 0 {
                        self.whole(Part::Chunk, out);
                        self.state = State::CHUNK;
                    }
                }
                State::Trailer { line_bytes } => {
                    let (taken, line) = line(bytes, line_bytes);
                    self.keep(&bytes[..taken]);
                    bytes = &bytes[taken..];
                    self.state = match line {
                        Line::Unfinished { line_bytes } => State::Trailer { line_bytes },
                        Line::Full => State::Trailer { line_bytes: 0 },
                        Line::Empty => {
                            self.whole(Part::LastChunk, out);
                            State::HEAD
                        }
                    };
                }
                State::ToEnd => {
                    self.keep(bytes);
                    bytes = &[];
                    self.whole(self.body, out);
                }
                State::FrameHead => {
                    self.keep(&[first]);
                    bytes = &bytes[1..];
                    if let Some(left) = frame_payload_bytes(&self.kept) {
                        self.state = State::FrameData { left };
                        self.end_frame(left, out);
                    }
                }
                State::FrameData { left } => {
                    let left = self.keep_some(&mut bytes, left);
                    self.state = State::FrameData { left };
                    self.end_frame(left, out);
                }
            }
        }
        Ok(())
    }

    fn end_frame(&mut self, left: u64, out: &mut Vec<Segment>) {
        if left == 0 {
            self.whole(Part::Frame, out);
            self.state = State::FrameHead;
        }
    }

    /// Takes at most `left` bytes off the front, and says how many of them are still to come.
    fn keep_some(&mut self, bytes: &mut &[u8], left: u64) -> u64 {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (some, rest) = bytes.split_at(taken);
        self.keep(some);
        *bytes = rest;
        left - taken as u64
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.cut_bytes += (bytes.len() - room) as u64;
    }

    fn whole(&mut self, part: Part, out: &mut Vec<Segment>) {
        let bytes = Bytes::from(std::mem::take(&mut self.kept));
        out.push(Segment { part, bytes, cut_bytes: std::mem::take(&mut self.cut_bytes) });
    }
}

enum Line {
    Unfinished { line_bytes: usize },
    Full,
    Empty,
}

/// How many bytes to take up to a line's end, and what the line is; `before`: of it, without CR,
/// that came before.
fn line(bytes: &[u8], before: usize) -> (usize, Line) {
    let end = bytes.iter().position(|&b| b == b'\n');
    let taken = end.map_or(bytes.len(), |at| at + 1);
    let visible = bytes[..end.unwrap_or(taken)].iter().filter(|&&b| b != b'\r').count();
    let line = match (end, before + visible) {
        (None, line_bytes) => Line::Unfinished { line_bytes },
        (Some(_), 0) => Line::Empty,
        (Some(_), _) => Line::Full,
    };
    (taken, line)
}

/// Once a frame's header is whole: how many bytes follow it (RFC 6455 §5.2).
fn frame_payload_bytes(header: &[u8]) -> Option<u64> {
    let &[_, second, ref extended @ ..] = header else { return None };
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    let length_bytes = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if extended.len() < length_bytes + mask_bytes {
        return None;
    }
    Some(match length_bytes {
        0 => u64::from(second & 0x7f),
        _ => extended[..length_bytes].iter().fold(0, |length, &byte| length << 8 | u64::from(byte)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What one exchange looks like on the wire, part by part.
    type Parts = Vec<(Part, Vec<u8>)>;

    fn head(part: Part, text: &str) -> (Part, Vec<u8>) {
        (part, text.replace('\n', "\r\n").into_bytes())
    }

    fn chunk(data: &[u8]) -> Vec<u8> {
        [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()
    }

    fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![first];
        match payload.len() {
            n @ 0..=125 => bytes.push(masked | n as u8),
            n @ 126..=0xffff => {
                bytes.push(masked | 126);
                bytes.extend_from_slice(&(n as u16).to_be_bytes());
            }
            n => {
                bytes.push(masked | 127);
                bytes.extend_from_slice(&(n as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
        bytes.extend_from_slice(payload);
        bytes
    }

    fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![prop::collection::vec(any::<u8>(), 1..40), prop::collection::vec(any::<u8>(), 100..700)]
    }

    /// One exchange that leaves the connection open for the next.
    fn exchange() -> impl Strategy<Value = (Parts, Parts)> {
        let get =
            || head(Part::RequestHead, "GET /api/topics/x-1/poll?after=0 HTTP/1.1\nHost: localhost\n\n");
        prop_oneof![
            some_bytes().prop_map(move |body| {
                let answer = format!("HTTP/1.1 200 OK\ncontent-length: {}\n\n", body.len());
                (vec![get()], vec![head(Part::ResponseHead, &answer), (Part::ResponseBody, body)])
            }),
            Just((
                vec![get()],
                vec![head(Part::ResponseHead, "HTTP/1.1 304 Not Modified\netag: \"a:1\"\n\n")]
            )),
            Just((
                vec![head(Part::RequestHead, "HEAD / HTTP/1.1\n\n")],
                vec![head(Part::ResponseHead, "HTTP/1.1 200 OK\ncontent-length: 9\n\n")],
            )),
            some_bytes().prop_map(|body| {
                let request =
                    format!("POST /e HTTP/1.1\nExpect: 100-continue\nContent-Length: {}\n\n", body.len());
                (
                    vec![head(Part::RequestHead, &request), (Part::RequestBody, body)],
                    vec![
                        head(Part::ResponseHead, "HTTP/1.1 100 Continue\n\n"),
                        head(Part::ResponseHead, "HTTP/1.1 204 No Content\n\n"),
                    ],
                )
            }),
            prop::collection::vec(some_bytes(), 0..4).prop_map(move |data| {
                let mut parts =
                    vec![head(Part::ResponseHead, "HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n")];
                parts.extend(data.iter().map(|data| (Part::Chunk, chunk(data))));
                parts.push((Part::LastChunk, b"0\r\n\r\n".to_vec()));
                (vec![get()], parts)
            }),
        ]
    }

    fn socket() -> impl Strategy<Value = (Parts, Parts)> {
        let payload =
            || prop_oneof![Just(vec![]), some_bytes(), prop::collection::vec(any::<u8>(), 65_530..65_540)];
        let to_server = prop::collection::vec((any::<u8>(), any::<[u8; 4]>(), payload()), 0..4);
        let to_client = prop::collection::vec((any::<u8>(), payload()), 0..4);
        (to_server, to_client).prop_map(|(to_server, to_client)| {
            let mut sent = vec![head(Part::RequestHead, "GET /ws HTTP/1.1\nUpgrade: websocket\n\n")];
            sent.extend(
                to_server.iter().map(|(first, mask, data)| (Part::Frame, frame(*first, Some(*mask), data))),
            );
            let mut got = vec![head(Part::ResponseHead, "HTTP/1.1 101 Switching Protocols\n\n")];
            got.extend(to_client.iter().map(|(first, data)| (Part::Frame, frame(*first, None, data))));
            (sent, got)
        })
    }

    /// Cuts bytes where the sizes say, over and over, and takes each piece in.
    fn in_pieces(
        bytes: &[u8],
        sizes: &[usize],
        mut take: impl FnMut(&[u8], &mut Vec<Segment>) -> Result<(), Lost>,
    ) -> Result<Parts, Lost> {
        let (mut rest, mut out) = (bytes, Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            take(piece, &mut out)?;
            rest = after;
        }
        assert!(out.iter().all(|segment| segment.cut_bytes == 0));
        Ok(out.into_iter().map(|segment| (segment.part, segment.bytes.to_vec())).collect())
    }

    fn joined(parts: &Parts) -> Vec<u8> {
        parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn parts_are_the_same_however_the_bytes_are_cut(
            exchanges in prop::collection::vec(exchange(), 0..4),
            socket in socket(),
            sizes in prop::collection::vec(1_usize..90, 1..8),
            others in prop::collection::vec(1_usize..9_000, 1..4),
        ) {
            let mut conversation = Conversation::default();
            for (sent, got) in exchanges.iter().chain([&socket]) {
                // The head first: a client that upgrades waits for its 101.
                let head = &sent[..1].to_vec();
                let rest = &sent[1..].to_vec();
                let heard = in_pieces(&joined(head), &sizes, |b, out| conversation.client_sent(b, out)).unwrap();
                prop_assert_eq!(&heard, head);
                let heard = in_pieces(&joined(got), &others, |b, out| conversation.server_sent(b, out)).unwrap();
                prop_assert_eq!(&heard, got);
                let heard = in_pieces(&joined(rest), &sizes, |b, out| conversation.client_sent(b, out)).unwrap();
                prop_assert_eq!(&heard, rest);
            }
        }

        #[test]
        fn requests_that_come_together_are_told_apart(
            exchanges in prop::collection::vec(exchange(), 1..6),
            sizes in prop::collection::vec(1_usize..2_000, 1..8),
        ) {
            let mut conversation = Conversation::default();
            let sent: Parts = exchanges.iter().flat_map(|(sent, _)| sent.clone()).collect();
            let got: Parts = exchanges.iter().flat_map(|(_, got)| got.clone()).collect();
            let heard = in_pieces(&joined(&sent), &sizes, |b, out| conversation.client_sent(b, out)).unwrap();
            prop_assert_eq!(heard, sent);
            let heard = in_pieces(&joined(&got), &sizes, |b, out| conversation.server_sent(b, out)).unwrap();
            prop_assert_eq!(heard, got);
        }

        #[test]
        fn no_bytes_make_it_panic(
            a in prop::collection::vec(any::<u8>(), 0..300),
            b in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let (mut conversation, mut out) = (Conversation::default(), Vec::new());
            let _ = conversation.client_sent(b"GET / HTTP/1.1\r\n\r\n", &mut out);
            let _ = conversation.server_sent(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &mut out);
            let _ = conversation.server_sent(&a, &mut out);
            let _ = conversation.client_sent(&b, &mut out);
            let _ = Segmenter::of_frames().frames(&a, &mut out);
        }
    }

    #[test]
    fn a_part_beyond_what_is_kept_is_counted() {
        let mut conversation = Conversation::default();
        let mut out = Vec::new();
        let length = KEPT_BYTES + 10;
        let request = format!("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\n");
        conversation.client_sent(request.as_bytes(), &mut out).unwrap();
        conversation.client_sent(&vec![b'a'; length], &mut out).unwrap();
        assert_eq!((out[1].part, out[1].bytes.len(), out[1].cut_bytes), (Part::RequestBody, KEPT_BYTES, 10));
    }

    #[test]
    fn the_middle_of_something_is_not_taken_for_a_beginning() {
        for bytes in ["Host: localhost\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "{\"data\": 1}\n\n"] {
            assert_eq!(Conversation::default().client_sent(bytes.as_bytes(), &mut Vec::new()), Err(Lost));
        }
        // An answer to nothing.
        let answer = b"HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(Conversation::default().server_sent(answer, &mut Vec::new()), Err(Lost));
    }
}
