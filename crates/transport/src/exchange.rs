//! One request and its answer, as both kinds of polling need it: collected, bounded, timed; and the
//! URL that every transport asks for.

use std::fmt::{Display, Write as _};

use crate::event::Answer;
use crate::machine::{Action, Input, Output, Why};
use crate::position::Position;

/// How long a server may take over a response head, a handshake or its hello, and how long an
/// answer may pause in the middle. No standard has a number; browsers wait for minutes, during which
/// a subscriber that looks alive hears nothing.
pub(crate) const CONNECT_TIMEOUT_US: u64 = 30_000_000;

/// How often a client that can't bear silence for longer than `silence_ms` asks to be told that the
/// connection is there: three times as often, so that a sign that is late is no reason to give up.
/// Servers of this contract take 500 ms and more.
pub(crate) fn sign_ms(silence_ms: u32) -> u32 {
    (silence_ms / 3).max(500)
}

/// The largest answer that we collect. Servers bound theirs well below; this bounds what a wrong one
/// can make us hold.
pub(crate) const MAX_ANSWER_BYTES: usize = 8 << 20;

/// A poll under way.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    n: u64,
    /// Nothing may be silent for longer.
    deadline_us: u64,
    head: Option<Head>,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Head {
    status: u16,
    etag: Option<String>,
    retry_after_ms: Option<u64>,
}

/// How a poll ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// With an answer.
    Answer { answer: Answer, etag: Option<String> },
    /// With any other status than 200.
    Status { status: u16, retry_after_ms: Option<u64> },
    /// Before its time, or with something that is no answer.
    Cut(Why),
}

impl Exchange {
    /// `held_us` is how long the server may hold the request before it answers.
    pub(crate) fn begin(n: u64, now_us: u64, held_us: u64) -> Self {
        Self { n, deadline_us: now_us + held_us + CONNECT_TIMEOUT_US, head: None, body: Vec::new() }
    }

    pub(crate) fn deadline_us(&self) -> u64 {
        self.deadline_us
    }

    /// Lets go of it.
    pub(crate) fn abort(&self, out: &mut Vec<Output>) {
        out.push(Output::Do(Action::Abort { n: self.n }));
    }

    /// Takes in what arrived; what is about another exchange is none of ours. `Some` once it is over.
    pub(crate) fn take(&mut self, now_us: u64, input: &Input<'_>, out: &mut Vec<Output>) -> Option<Outcome> {
        match *input {
            Input::Head { n, status, etag, retry_after_ms, .. } if n == self.n && self.head.is_none() => {
                let etag = etag.filter(|etag| is_plain_header_value(etag)).map(str::to_owned);
                self.head = Some(Head { status, etag, retry_after_ms });
                self.deadline_us = now_us + CONNECT_TIMEOUT_US;
                None
            }
            Input::Body { n, bytes } if n == self.n => {
                // The body of a refusal is words for people; it buys no time either.
                if self.head.as_ref().is_some_and(|head| head.status == 200) {
                    if self.body.len() + bytes.len() > MAX_ANSWER_BYTES {
                        self.abort(out);
                        let why = format!("an answer of more than {MAX_ANSWER_BYTES} bytes");
                        return Some(Outcome::Cut(Why::Malformed(why)));
                    }
                    self.body.extend_from_slice(bytes);
                    self.deadline_us = now_us + CONNECT_TIMEOUT_US;
                }
                None
            }
            Input::End { n } if n == self.n => Some(self.conclude()),
            Input::Failed { n } if n == self.n => Some(Outcome::Cut(Why::Network)),
            Input::Wake if now_us >= self.deadline_us => {
                self.abort(out);
                Some(Outcome::Cut(Why::Network))
            }
            _ => None,
        }
    }

    fn conclude(&mut self) -> Outcome {
        let Some(head) = self.head.take() else { return Outcome::Cut(Why::Network) };
        if head.status != 200 {
            return Outcome::Status { status: head.status, retry_after_ms: head.retry_after_ms };
        }
        // Text first, and the JSON from it: the page reads all other JSON from text too, and a reader
        // of bytes beside it is 5 KB of WebAssembly.
        let answer = str::from_utf8(&self.body)
            .map_err(|e| e.to_string())
            .and_then(|text| serde_json::from_str(text).map_err(|e| e.to_string()));
        match answer {
            Ok(answer) => Outcome::Answer { answer, etag: head.etag },
            Err(e) => Outcome::Cut(Why::Malformed(format!("this is not an answer to a poll: {e}"))),
        }
    }
}

/// Whether a server that answers so may answer otherwise soon: it is overloaded, restarting, or
/// behind a proxy that lost it. Every other status will be the same the next time, and asking again
/// would be noise.
pub(crate) fn is_passing(status: u16) -> bool {
    // 408 Request Timeout (RFC 9110 §15.5.9), 429 Too Many Requests (RFC 6585 §4).
    matches!(status, 408 | 429 | 500..=599)
}

/// What may be sent back as a header: a server must not be able to write a header of ours.
fn is_plain_header_value(value: &str) -> bool {
    value.len() <= 128 && value.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// The URL of a request, relative to the topic.
pub(crate) struct Target(String);

impl Target {
    pub(crate) fn new(path: &str) -> Self {
        Self(format!("{path}?"))
    }

    /// The position; left out where it isn't known, which asks for what is published from now on.
    pub(crate) fn after(self, position: Option<&Position>) -> Self {
        match position {
            Some(position) => self.with("after", position),
            None => self,
        }
    }

    /// The label. One with other characters than the contract's would have to be escaped, and the
    /// server would refuse it anyway: it is left out.
    pub(crate) fn sub(self, label: &str) -> Self {
        let is_label = (1..=64).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if is_label { self.with("sub", label) } else { self }
    }

    /// A value that needs no escaping.
    pub(crate) fn with(mut self, name: &str, value: impl Display) -> Self {
        if !self.0.ends_with('?') {
            self.0.push('&');
        }
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, "{name}={value}");
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_what_is_known() {
        let position: Position = "k3f9:4".parse().unwrap();
        let target = Target::new("poll").after(Some(&position)).sub("short-poll").with("n", 17);
        assert_eq!(target.finish(), "poll?after=k3f9:4&sub=short-poll&n=17");
        assert_eq!(Target::new("poll").after(None).sub("a b").with("n", 1).finish(), "poll?n=1");
    }

    #[test]
    fn an_answer_that_never_ends_is_let_go() {
        let (mut exchange, mut out) = (Exchange::begin(1, 0, 0), vec![]);
        let head = Input::Head { n: 1, status: 200, content_type: None, etag: None, retry_after_ms: None };
        assert_eq!(exchange.take(0, &head, &mut out), None);
        let bytes = vec![b' '; MAX_ANSWER_BYTES / 4];
        for _ in 0..4 {
            assert_eq!(exchange.take(0, &Input::Body { n: 1, bytes: &bytes }, &mut out), None);
        }
        let outcome = exchange.take(0, &Input::Body { n: 1, bytes: b" " }, &mut out);
        assert!(matches!(outcome, Some(Outcome::Cut(Why::Malformed(_)))));
        assert_eq!(out, [Output::Do(Action::Abort { n: 1 })]);
    }

    #[test]
    fn a_header_that_could_break_a_request_is_not_kept() {
        assert!(is_plain_header_value("\"k3f9:4\""));
        for value in ["\"a\r\nCookie: b\"", "é", &"x".repeat(129)] {
            assert!(!is_plain_header_value(value));
        }
    }
}
