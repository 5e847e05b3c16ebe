//! HTML §9.2.6: the event streams that the standard shows.

use standby_dissect::{Class, Dissection};
use standby_trace::Direction::ToClient;
use standby_trace::tap::{Part, Via};

use crate::sample::{field, read, runs};

fn stream(text: &str) -> Dissection {
    read(Via::Sse, ToClient, Part::ResponseBody, text)
}

/// What the empty lines say that they dispatch.
fn dispatches(text: &str) -> Vec<String> {
    let empty = |field: &&standby_dissect::Field| field.name == "empty line";
    stream(text).fields.iter().filter(empty).map(|field| field.meaning.to_string()).collect()
}

#[test]
fn three_lines_of_data_are_one_event() {
    let said = dispatches("data: YHOO\ndata: +2\ndata: 10\n\n");
    assert_eq!(said.len(), 1);
    // "YHOO\n+2\n10"
    assert!(said[0].contains("type `message` with 10 bytes of data"), "{said:?}");
}

#[test]
fn a_comment_and_three_events() {
    let text = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
    let said = dispatches(text);
    assert!(said[0].contains("nothing is dispatched"), "{said:?}");
    assert!(said[1].contains("11 bytes") && said[1].contains("`1` is the last event ID"), "{said:?}");
    // The second has an `id` without a value, which sets the last event ID to the empty string.
    assert!(said[2].contains("12 bytes") && said[2].contains("`` is the last event ID"), "{said:?}");
    // One blank behind the colon belongs to it, the second to the value.
    assert!(said[3].contains("12 bytes") && !said[3].contains("last event ID"), "{said:?}");
    assert_eq!(field(&stream(text), "comment").value, " test stream");
}

#[test]
fn an_empty_value_is_data_too_and_an_event_without_its_end_is_none() {
    let text = "data\n\ndata\ndata\n\ndata:";
    let said = dispatches(text);
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("0 bytes") && said[1].contains("1 byte of data"), "{said:?}");
    assert!(stream(text).remarks[0].contains("not here"));
}

#[test]
fn a_blank_behind_the_colon_is_not_part_of_the_value() {
    let said = dispatches("data:test\n\ndata: test\n\n");
    assert!(said.iter().all(|said| said.contains("4 bytes")), "{said:?}");
}

#[test]
fn events_have_types() {
    let said =
        dispatches("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n");
    assert!(
        said[0].contains("`add`") && said[1].contains("`remove`") && said[2].contains("`add`"),
        "{said:?}"
    );
}

#[test]
fn lines_end_in_three_ways() {
    let said = dispatches("data: a\r\ndata: b\rdata: c\n\r\n");
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("5 bytes"), "{said:?}");
}

#[test]
fn a_field_that_nobody_knows_and_a_retry_that_is_no_number_are_passed_over() {
    let dissection = stream("weather: fine\nretry: soon\nretry: 2000\nid: a\0b\n\n");
    assert!(field(&dissection, "weather").meaning.contains("passed over"));
    let retries: Vec<_> = dissection.fields.iter().filter(|field| field.name == "retry").collect();
    assert!(retries[0].meaning.contains("passed over") && retries[1].meaning.contains("milliseconds"));
    assert!(field(&dissection, "id").meaning.contains("NULL"));
}

#[test]
fn the_first_chunk_of_our_stream_byte_by_byte() {
    let event = r#"{"id":5,"data":1,"published_at":9}"#;
    let text = format!(
        "retry: 2000\n\nevent: hello\nid: k3f9:4\ndata: {{\"epoch\":\"k3f9\",\"last_id\":4}}\n\n:\n\nid: k3f9:5\ndata: {event}\n\n"
    );
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    let dissection = read(Via::Sse, ToClient, Part::Chunk, &chunk);
    let expected = [
        (Class::Chunk, "81\r\n"),
        (Class::Retry, "retry: 2000"),
        (Class::LineEnd, "\n\n"),
        (Class::SseField, "event: hello"),
        (Class::LineEnd, "\n"),
        (Class::SseField, "id: k3f9:4"),
        (Class::LineEnd, "\n"),
        (Class::SseField, "data: "),
        (Class::Hello, r#"{"epoch":"k3f9","last_id":4}"#),
        (Class::LineEnd, "\n\n"),
        (Class::Comment, ":"),
        (Class::LineEnd, "\n\n"),
        (Class::SseField, "id: k3f9:5"),
        (Class::LineEnd, "\n"),
        (Class::SseField, "data: "),
        (Class::News, event),
        (Class::LineEnd, "\n\n"),
        (Class::Chunk, "\r\n"),
    ];
    let runs = runs(&dissection, chunk.as_bytes());
    assert_eq!(runs, expected.map(|(class, text)| (class, text.to_owned())));
    assert_eq!(dissection.remarks, Vec::<String>::new());
    assert_eq!(field(&dissection, "last_id").value, "4");
    assert_eq!(dissection.news_bytes(), event.len());
}

#[test]
fn problem_details_in_place_of_a_stream_are_no_stream() {
    let dissection = stream(r#"{"title":"Too many subscribers","status":503,"detail":"Come back later."}"#);
    assert_eq!(field(&dissection, "detail").value, "\"Come back later.\"");
    assert!(dissection.runs.iter().all(|run| run.class == Class::Body));
}
