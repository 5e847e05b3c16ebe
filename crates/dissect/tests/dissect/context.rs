//! Which messages a dissection looks at besides its own.

use standby_dissect::{earlier, request_of, rows};
use standby_trace::Direction::{self, ToClient, ToServer};
use standby_trace::{Kind, Message, Trace};

use crate::sample::empty;

/// A trace whose first message has the number 10.
fn trace(messages: &[(u16, u64, Direction, Kind)]) -> Trace {
    let message = |&(lane, n, direction, kind)| Message {
        lane,
        n,
        direction,
        kind,
        client: None,
        server: None,
        socket_us: None,
        payload_bytes: 0,
        overhead_bytes: 0,
        events: Vec::new(),
        status: None,
        by_browser: false,
        lost: false,
        pieces: Vec::new(),
    };
    Trace { before: 10, messages: messages.iter().map(message).collect(), ..empty() }
}

#[test]
fn a_request_is_held_against_the_request_before_on_its_lane() {
    let trace = trace(&[
        (0, 1, ToServer, Kind::Request),
        (1, 1, ToServer, Kind::Request),
        (0, 1, ToClient, Kind::Answer),
        (0, 2, ToServer, Kind::Publish),
        (0, 2, ToClient, Kind::Answer),
        (0, 3, ToServer, Kind::Request),
        (0, 3, ToClient, Kind::Answer),
    ]);
    assert_eq!(earlier(&trace, 15), Some(10));
    assert_eq!(earlier(&trace, 10), None);
    assert_eq!(earlier(&trace, 11), None, "another lane's request is another client's");
    // The answer to a poll is not the answer to what publishes.
    assert_eq!(earlier(&trace, 16), Some(12));
    assert_eq!(earlier(&trace, 14), None);
    // The numbers are those of the rows.
    assert_eq!(rows(&trace).iter().map(|row| row.number).collect::<Vec<_>>(), [10, 11, 12, 13, 14, 15, 16]);
    assert_eq!((earlier(&trace, 9), earlier(&trace, 17), earlier(&trace, u64::MAX)), (None, None, None));
}

#[test]
fn what_comes_on_a_stream_belongs_to_the_request_that_opened_it() {
    let trace = trace(&[
        (1, 1, ToServer, Kind::Preflight),
        (1, 1, ToClient, Kind::Preflight),
        (1, 1, ToServer, Kind::Request),
        (1, 1, ToClient, Kind::Open),
        (1, 1, ToServer, Kind::Send),
        (1, 2, ToServer, Kind::Request),
        (1, 1, ToClient, Kind::Event),
        (1, 2, ToClient, Kind::Open),
    ]);
    assert_eq!(request_of(&trace, 11), Some(10));
    assert_eq!(request_of(&trace, 13), Some(12), "the preflight has an answer of its own");
    assert_eq!((request_of(&trace, 14), request_of(&trace, 16)), (Some(12), Some(12)));
    assert_eq!(request_of(&trace, 17), Some(15));
    assert_eq!(request_of(&trace, 12), None, "a request answers nothing");
    assert_eq!(earlier(&trace, 17), Some(13));
}
