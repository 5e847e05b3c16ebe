//! The event stream format: the standard's own examples, what its text says, and each of them cut
//! into chunks in every way that matters.

use proptest::prelude::*;
use standby_transport::sse::parser::{Item, Parser, TooLarge};

fn event(event_type: &str, data: &str, last_event_id: &str) -> Item {
    Item::Event {
        event_type: event_type.to_owned(),
        data: data.to_owned(),
        last_event_id: last_event_id.to_owned(),
    }
}

fn message(data: &str) -> Item {
    event("message", data, "")
}

fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Item> {
    let (mut parser, mut out) = (Parser::new(), Vec::new());
    for chunk in chunks {
        parser.feed(chunk, &mut out).unwrap();
    }
    out
}

/// Reads `stream` whole, byte by byte, cut once at every place, and cut twice at every pair of
/// places; all must give `expected`.
fn check(stream: &[u8], expected: &[Item]) {
    let shown = String::from_utf8_lossy(stream);
    assert_eq!(parse([stream]), expected, "{shown:?}");
    assert_eq!(parse(stream.chunks(1)), expected, "{shown:?} byte by byte");
    for first in 0..=stream.len() {
        for second in first..=stream.len() {
            let cut = [&stream[..first], &stream[first..second], &stream[second..]];
            assert_eq!(parse(cut), expected, "{shown:?} cut at {first} and {second}");
        }
    }
}

// The examples of HTML §9.2.6, in their order.

#[test]
fn lines_of_data_are_joined() {
    check(b"data: YHOO\ndata: +2\ndata: 10\n\n", &[message("YHOO\n+2\n10")]);
}

#[test]
fn a_comment_an_id_an_empty_id_and_a_second_space() {
    let stream =
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
    let expected =
        [event("message", "first event", "1"), event("message", "second event", ""), message(" third event")];
    check(stream, &expected);
}

#[test]
fn data_without_a_value_is_an_empty_line_and_an_unfinished_event_is_dropped() {
    check(b"data\n\ndata\ndata\n\ndata:", &[message(""), message("\n")]);
}

#[test]
fn a_space_after_the_colon_makes_no_difference() {
    check(b"data:test\n\ndata: test\n\n", &[message("test"), message("test")]);
}

#[test]
fn a_type_is_the_event_s_own_and_is_forgotten_with_it() {
    let stream = b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\ndata: plain\n\n";
    check(stream, &[event("add", "73857293", ""), event("remove", "2153", ""), message("plain")]);
}

// What its text says.

#[test]
fn a_line_ends_with_lf_cr_or_both_and_a_pair_of_them_is_one_end() {
    check(
        b"data: a\r\ndata: b\rdata: c\ndata: d\r\n\r\ndata: e\r\rdata: f\n\r",
        &[message("a\nb\nc\nd"), message("e"), message("f")],
    );
}

#[test]
fn an_event_that_ends_with_cr_does_not_wait_for_what_follows() {
    assert_eq!(parse([&b"data: a\r\r"[..]]), [message("a")]);
}

#[test]
fn a_byte_order_mark_is_dropped_at_the_very_start_and_only_there() {
    check(b"\xef\xbb\xbfdata: a\n\n", &[message("a")]);
    check(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", &[]);
    check(b"\n\xef\xbb\xbfdata: a\n\n", &[]);
    check(b"data: \xef\xbb\xbfa\n\n", &[message("\u{feff}a")]);
}

#[test]
fn characters_are_whole_again_after_a_cut_and_broken_ones_are_replaced() {
    check("data: é€😀\n\n".as_bytes(), &[message("é€😀")]);
    check(b"data: \xff\xe2\x82\n\n", &[message("\u{fffd}\u{fffd}")]);
}

#[test]
fn an_id_stays_until_the_next_one_and_an_id_with_a_nul_is_ignored() {
    check(
        b"id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid:\ndata: d\n\n",
        &[
            event("message", "a", "1"),
            event("message", "b", "1"),
            event("message", "c", "1"),
            event("message", "d", ""),
        ],
    );
}

#[test]
fn an_id_without_data_dispatches_nothing_and_is_kept() {
    check(b"id: 7\nevent: x\n\ndata: a\n\n", &[event("message", "a", "7")]);
    let (mut parser, mut out) = (Parser::new(), Vec::new());
    parser.feed(b"id: 7\n", &mut out).unwrap();
    assert_eq!(parser.last_event_id(), "", "not before the empty line");
    parser.feed(b"\n", &mut out).unwrap();
    assert_eq!((parser.last_event_id(), out.len()), ("7", 0));
}

#[test]
fn a_retry_of_anything_but_digits_is_ignored() {
    let stream = b"retry: 10\nretry: 1.5\nretry: -1\nretry:\nretry: 1s\nretry:  5\nretry: 007\n";
    check(stream, &[Item::Retry { ms: 10 }, Item::Retry { ms: 7 }]);
    check(b"retry: 99999999999999999999\n", &[Item::Retry { ms: u64::MAX }]);
}

#[test]
fn names_are_exact_and_unknown_ones_are_ignored() {
    check(b"Data: a\ndata : b\n data: c\nfoo: d\n:data: e\nevent\ndata:f:g\n\n", &[message("f:g")]);
}

#[test]
fn what_has_no_bound_in_the_format_has_one_here() {
    let mut out = Vec::new();
    let mut parser = Parser::bounded(10, 20);
    assert_eq!(parser.feed(b"data: 1234\ndata: 5678\n\n", &mut out), Ok(()));
    assert_eq!(out, [message("1234\n5678")]);
    assert_eq!(parser.clone().feed(b"data: 12345", &mut out), Err(TooLarge { limit: 10 }));
    let many = b"data: 1234\n".repeat(5);
    assert_eq!(parser.feed(&many, &mut out), Err(TooLarge { limit: 20 }));
}

/// The format once more, the slow way, on the whole text at once: it shares nothing with the parser
/// but the standard.
fn reference(stream: &[u8]) -> Vec<Item> {
    let text = String::from_utf8_lossy(stream).into_owned();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop(); // What no line break ends.
    let (mut out, mut data, mut kind, mut id) = (vec![], None::<String>, String::new(), String::new());
    for line in lines {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "" if line.is_empty() => {
                let event_type = if kind.is_empty() { "message".to_owned() } else { kind };
                if let Some(data) = data.take() {
                    out.push(Item::Event { event_type, data, last_event_id: id.clone() });
                }
                kind = String::new();
            }
            "data" => data = Some(data.map_or(value.clone(), |before| format!("{before}\n{value}"))),
            "event" => kind = value,
            "id" if !value.contains('\0') => id = value,
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                out.push(Item::Retry { ms: value.parse().unwrap_or(u64::MAX) });
            }
            _ => {}
        }
    }
    out
}

/// Bytes in which the format's own words are likely.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            &b"data"[..], b"id", b"event", b"retry", b":", b": ", b"\n", b"\r", b"\r\n", b"\n\n", b"\0",
            b"\xef\xbb\xbf", "é".as_bytes(), b"\xe2\x82", b"12", b"x",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_bytes_in_any_chunks_are_read_as_the_whole_is(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let expected = reference(&stream);
        prop_assert_eq!(&parse([&stream[..]]), &expected);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut chunks = vec![];
        let mut from = 0;
        for cut in cuts.into_iter().chain([stream.len()]) {
            chunks.push(&stream[from..cut]);
            from = cut;
        }
        prop_assert_eq!(&parse(chunks), &expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_hold_more_than_its_bounds(stream in prop::collection::vec(any::<u8>(), 0..400)) {
        let (mut parser, mut out) = (Parser::bounded(16, 32), Vec::new());
        for chunk in stream.chunks(7) {
            if parser.feed(chunk, &mut out).is_err() {
                break;
            }
        }
        for item in out {
            if let Item::Event { data, .. } = item {
                // A replaced byte takes three.
                prop_assert!(data.len() <= 32 * 3);
            }
        }
    }
}
