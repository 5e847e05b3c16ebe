//! RFC 9112: the heads of its own examples (§2.1, §3, §4), and chunks (§7.1).

use standby_dissect::{Class, Context, dissect, flat, kinds};
use standby_trace::Direction::{ToClient, ToServer};
use standby_trace::Piece;
use standby_trace::tap::{Part, Via};

use crate::sample::{field, piece, read, runs};

/// RFC 9110 §3.9, in HTTP/1.1 as RFC 9112 has it.
const REQUEST: &str = "GET /hello.txt HTTP/1.1\r\nUser-Agent: curl/7.64.1\r\nHost: www.example.com\r\nAccept-Language: en, mi\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 200 OK\r\nDate: Mon, 27 Jul 2009 12:28:53 GMT\r\nServer: Apache\r\n\
    Last-Modified: Wed, 22 Jul 2009 19:15:56 GMT\r\nETag: \"34aa387-d-1568eb00\"\r\nAccept-Ranges: bytes\r\n\
    Content-Length: 51\r\nVary: Accept-Encoding\r\nContent-Type: text/plain\r\n\r\n";

fn request(text: &str) -> Piece {
    piece(Via::ShortPoll, ToServer, Part::RequestHead, text)
}

#[test]
fn a_request_head_is_taken_apart() {
    let dissection = dissect(&request(REQUEST), Context::default());
    let [method, target, version] = ["method", "target", "version"].map(|name| field(&dissection, name));
    assert_eq!([&*method.value, &*target.value, &*version.value], ["GET", "/hello.txt", "HTTP/1.1"]);
    assert_eq!(&REQUEST[target.at.clone()], "/hello.txt");
    let host = field(&dissection, "Host");
    assert_eq!((&*host.value, &REQUEST[host.at.clone()]), ("www.example.com", "Host: www.example.com\r\n"));
    assert!(host.meaning.ends_with("It costs 23 bytes."), "{}", host.meaning);
    assert_eq!(dissection.remarks, Vec::<String>::new());
}

/// RFC 9112 §3.2.1: the query belongs to the target.
#[test]
fn the_parameters_of_a_query_are_named() {
    let dissection = dissect(
        &request("GET /where?q=now&after=k3f9:4 HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
        Context::default(),
    );
    assert_eq!(field(&dissection, "target").value, "/where?q=now&after=k3f9:4");
    assert_eq!(field(&dissection, "q").value, "now");
    let after = field(&dissection, "after");
    assert_eq!((&*after.value, after.depth), ("k3f9:4", 2));
}

/// RFC 9112 §3.2.2 to §3.2.4: the other forms of a target.
#[test]
fn every_form_of_a_target_is_one() {
    for (line, target) in [
        (
            "GET http://www.example.org/pub/WWW/TheProject.html HTTP/1.1",
            "http://www.example.org/pub/WWW/TheProject.html",
        ),
        ("CONNECT www.example.com:80 HTTP/1.1", "www.example.com:80"),
        ("OPTIONS * HTTP/1.1", "*"),
    ] {
        let dissection = dissect(&request(&format!("{line}\r\n\r\n")), Context::default());
        assert_eq!(field(&dissection, "target").value, target);
    }
}

#[test]
fn a_response_head_is_taken_apart() {
    let dissection = read(Via::ShortPoll, ToClient, Part::ResponseHead, RESPONSE);
    assert_eq!(field(&dissection, "version").value, "HTTP/1.1");
    assert_eq!(field(&dissection, "status code").value, "200");
    assert_eq!(field(&dissection, "reason phrase").value, "OK");
    assert_eq!(field(&dissection, "ETag").value, "\"34aa387-d-1568eb00\"");
    let classes: Vec<Class> = dissection.runs.iter().map(|run| run.class).collect();
    assert_eq!(classes, [Class::StatusLine, Class::Header, Class::LineEnd]);
}

/// RFC 9112 §4: the reason may be empty, and its blank stands there all the same.
#[test]
fn a_reason_may_be_empty_or_have_blanks() {
    for (line, reason) in [("HTTP/1.1 404 ", None), ("HTTP/1.1 304 Not Modified", Some("Not Modified"))] {
        let head = format!("{line}\r\n\r\n");
        let piece = piece(Via::ShortPoll, ToClient, Part::ResponseHead, head);
        let found = flat(&piece, &dissect(&piece, Context::default()))
            .into_iter()
            .find(|(name, _)| *name == "http.response.phrase");
        assert_eq!(found.map(|(_, value)| value).as_deref(), reason);
    }
}

#[test]
fn a_header_that_was_sent_before_is_told_from_a_new_one() {
    let before = [request("GET /a?n=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nIf-None-Match: \"1\"\r\n\r\n")];
    let text = "GET /a?n=2 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nIf-None-Match: \"2\"\r\n\r\n";
    let now = request(text);
    let context = Context { earlier: &before, request: &[] };
    let dissection = dissect(&now, context);
    assert_eq!(field(&dissection, "Host").class, Class::SameHeader);
    assert!(field(&dissection, "Host").meaning.ends_with("9 bytes, the same as in the last one."));
    assert_eq!(field(&dissection, "If-None-Match").class, Class::Header);
    assert_eq!(
        kinds(&[now], context),
        [
            (Class::RequestLine, 21),
            (Class::Header, "If-None-Match: \"2\"\r\n".len() as u64),
            (Class::SameHeader, "Host: a\r\nAccept: */*\r\n".len() as u64),
            (Class::LineEnd, 2),
        ]
    );
}

#[test]
fn a_head_without_its_end_says_so() {
    for end in 0..REQUEST.len() {
        let remarks = dissect(&request(&REQUEST[..end]), Context::default()).remarks;
        assert!(remarks.iter().any(|remark| remark.contains("incomplete")), "{end}: {remarks:?}");
    }
}

#[test]
fn what_is_no_header_is_not_taken_for_one() {
    let text = "GET / HTTP/1.1\r\nno colon\r\n folded\r\n\r\nbehind";
    let dissection = dissect(&request(text), Context::default());
    assert_eq!(
        runs(&dissection, text.as_bytes()),
        [
            (Class::RequestLine, "GET / HTTP/1.1\r\n".to_owned()),
            (Class::Unread, "no colon\r\n folded\r\n".to_owned()),
            (Class::LineEnd, "\r\n".to_owned()),
            (Class::Unread, "behind".to_owned()),
        ]
    );
}

/// RFC 9112 §7.1: `chunk-size [ chunk-ext ] CRLF chunk-data CRLF`, the size in hexadecimal.
#[test]
fn a_chunk_is_a_size_an_extension_data_and_two_line_ends() {
    let text = "0000001a;name=\"a;b\"\r\nabcdefghijklmnopqrstuvwxyz\r\n";
    let dissection = read(Via::ShortPoll, ToClient, Part::Chunk, text);
    assert_eq!(field(&dissection, "chunk size").value, "0000001a");
    assert!(field(&dissection, "chunk size").meaning.contains("26"));
    assert_eq!(field(&dissection, "chunk extension").value, ";name=\"a;b\"");
    assert_eq!(field(&dissection, "body").value, "abcdefghijklmnopqrstuvwxyz");
    assert_eq!(dissection.remarks, Vec::<String>::new());
    let flat = flat(&piece(Via::ShortPoll, ToClient, Part::Chunk, text), &dissection);
    assert_eq!(flat[0], ("http.chunk_size", "26".to_owned()));
    assert!(flat[1].0 == "http.chunk_data" && flat[1].1.starts_with("616263"), "{flat:?}");
    let framing: usize =
        dissection.runs.iter().filter(|run| run.class == Class::Chunk).map(|run| run.at.len()).sum();
    assert_eq!(framing, text.len() - 26);
}

#[test]
fn a_chunk_that_is_not_whole_says_so() {
    for text in [
        "",
        "5",
        "5\r",
        "5\r\n",
        "5\r\nhell",
        "5\r\nhello",
        "5\r\nhello\r",
        "6\r\nhello\r\n",
        "x\r\nhello\r\n",
    ] {
        let remarks = read(Via::ShortPoll, ToClient, Part::Chunk, text).remarks;
        assert!(!remarks.is_empty(), "{text:?}");
    }
}

#[test]
fn the_last_chunk_may_have_trailers() {
    let dissection = read(Via::Sse, ToClient, Part::LastChunk, "0\r\nExpires: never\r\n\r\n");
    assert_eq!(field(&dissection, "trailer").value, "Expires: never");
    assert_eq!(dissection.remarks, Vec::<String>::new());
    assert!(dissection.runs.iter().all(|run| run.class == Class::Chunk));
    assert!(!read(Via::Sse, ToClient, Part::LastChunk, "0\r\n").remarks.is_empty());
}

#[test]
fn an_answer_is_an_envelope_around_its_events() {
    let event = r#"{"id":5,"data":"<b>tea</b>","published_at":9}"#;
    let body = format!(r#"{{"epoch":"k3f9","last_id":5,"events":[{event}]}}"#);
    let dissection = read(Via::LongPoll, ToClient, Part::ResponseBody, &body);
    assert_eq!(
        runs(&dissection, body.as_bytes()),
        [
            (Class::Envelope, r#"{"epoch":"k3f9","last_id":5,"events":["#.to_owned()),
            (Class::News, event.to_owned()),
            (Class::Envelope, "]}".to_owned()),
        ]
    );
    assert_eq!(field(&dissection, "events").value, "1 event");
    assert_eq!(field(&dissection, "event").depth, 2);
    assert_eq!(field(&dissection, "data").value, "\"<b>tea</b>\"");
}
