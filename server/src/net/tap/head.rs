//! What the tap needs to know of a head, and what it hides of it. Heads come here whole, as they
//! stood on the wire: lines that end in CRLF or a bare LF (RFC 9112 §2.2).

use std::ops::Range;

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// There is none.
    None,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, to the last one.
    Chunked,
    /// Everything, to the connection's end.
    ToEnd,
}

/// A status line's code, where it is one.
pub(super) fn status(head: &[u8]) -> Option<u16> {
    if !head.starts_with(b"HTTP/1.") {
        return None;
    }
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

/// A request line's method and target, where it is one. Empty lines before it are passed over, as
/// RFC 9112 §2.2 wants it.
pub(super) fn request_line(head: &[u8]) -> Option<(&str, &str)> {
    let line = head.split(|&b| b == b'\n').find(|line| !trim(line).is_empty())?;
    let line = std::str::from_utf8(trim(line)).ok()?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_token = !method.is_empty() && method.bytes().all(|b| b.is_ascii_graphic());
    (is_token && version.starts_with("HTTP/1.") && words.next().is_none()).then_some((method, target))
}

/// What follows a request's head.
pub(super) fn request_body(head: &[u8]) -> Body {
    declared(head).unwrap_or(Body::None)
}

/// What follows a response's head, given whether it answers a HEAD.
pub(super) fn response_body(head: &[u8], status: u16, to_head: bool) -> Body {
    if to_head || status < 200 || status == 204 || status == 304 {
        return Body::None;
    }
    declared(head).unwrap_or(Body::ToEnd)
}

/// What the headers say of the body. `Transfer-Encoding` wins over `Content-Length`.
fn declared(head: &[u8]) -> Option<Body> {
    let mut length = None;
    for (name, value) in fields(head) {
        let value = &head[value];
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Some(Body::Chunked);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            length = std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        }
    }
    length.map(|bytes| if bytes == 0 { Body::None } else { Body::Length(bytes) })
}

/// Headers whose values are nobody's business but the server's: who someone is, where they come
/// from, and what proxies say of them.
const HIDDEN: [&str; 13] = [
    "authorization",
    "cf-connecting-ip",
    "cookie",
    "fly-client-ip",
    "forwarded",
    "proxy-authorization",
    "referer",
    "set-cookie",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
];

/// Replaces each byte of a hidden header's value by `*`; all else stays as it was.
pub(super) fn mask(head: &mut [u8]) {
    let hidden: Vec<Range<usize>> = fields(head)
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            HIDDEN.iter().any(|hidden| hidden.as_bytes() == name) || name.starts_with(b"x-forwarded")
        })
        .map(|(_, value)| value)
        .collect();
    for value in hidden {
        head[value].fill(b'*');
    }
}

/// Every header: its name, and where its value stands, without the space around it.
fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], Range<usize>)> {
    let mut at = 0;
    head.split_inclusive(|&b| b == b'\n')
        .map(move |line| {
            let start = at;
            at += line.len();
            (start, line)
        })
        .filter_map(|(start, line)| {
            let colon = line.iter().position(|&b| b == b':')?;
            let name = &line[..colon];
            // A request target may hold a colon; a header's name holds no space.
            if name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
                return None;
            }
            let value = &line[colon + 1..];
            let lead = value.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let from = start + colon + 1 + lead;
            Some((name, from..from + trim(value).len()))
        })
}

fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_tell_of_people_become_as_many_stars() {
        let mut head =
            b"GET /a:b HTTP/1.1\r\nHost: localhost\r\ncookie:  a=b; c \r\nX-Forwarded-For: 10.0.0.1\r\n\
            Authorization: Basic eDp5\r\nReferer:http://localhost/\nForwarded:\r\n\r\n"
                .to_vec();
        let before = head.len();
        mask(&mut head);
        assert_eq!(
            String::from_utf8(head.clone()).unwrap(),
            "GET /a:b HTTP/1.1\r\nHost: localhost\r\ncookie:  ****** \r\nX-Forwarded-For: ********\r\n\
             Authorization: **********\r\nReferer:*****************\nForwarded:\r\n\r\n"
        );
        assert_eq!(head.len(), before);
    }

    #[test]
    fn a_request_line_is_told_from_what_only_looks_like_a_head() {
        assert_eq!(request_line(b"\r\nGET /x?y HTTP/1.1\r\n\r\n"), Some(("GET", "/x?y")));
        assert_eq!(request_line(b"Host: localhost\r\n\r\n"), None);
        assert_eq!(request_line(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(request_line(b"\r\n"), None);
    }

    #[test]
    fn a_body_ends_where_the_head_says() {
        assert_eq!(request_body(b"POST / HTTP/1.1\r\ncontent-length: 12\r\n\r\n"), Body::Length(12));
        assert_eq!(request_body(b"GET / HTTP/1.1\r\n\r\n"), Body::None);
        let both = b"POST / HTTP/1.1\r\ncontent-length: 12\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(request_body(both), Body::Chunked);
        let with_length = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(response_body(with_length, 200, false), Body::Length(5));
        assert_eq!(response_body(with_length, 200, true), Body::None);
        assert_eq!(response_body(with_length, 304, false), Body::None);
        assert_eq!(response_body(b"HTTP/1.0 200 OK\r\n\r\n", 200, false), Body::ToEnd);
    }
}
