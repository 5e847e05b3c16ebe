//! The dissection against tshark's of the same capture, field by field, for all four transports.
//!
//! Two readers that know nothing of each other read the same bytes: ours from the tap, tshark from
//! the packets. It needs tcpdump and tshark, and root to run them, so it is behind the feature
//! `capture`: `cargo test -p standby-server --features capture --test net capture`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use standby_dissect::{Context, dissect, flat};
use standby_trace::Piece;
use standby_trace::tap::Part;
use standby_trace::trace::Direction;

use crate::capture::Capture;
use crate::server::{Observer, Server, until};

/// What is compared: what both readers have a name for.
const FIELDS: [&str; 24] = [
    "http.request.method",
    "http.request.uri",
    "http.request.uri.query.parameter",
    "http.request.version",
    "http.request.line",
    "http.response.version",
    "http.response.code",
    "http.response.phrase",
    "http.response.line",
    "http.chunk_size",
    "http.chunk_data",
    "websocket.fin",
    "websocket.rsv",
    "websocket.opcode",
    "websocket.mask",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.masking_key",
    "websocket.payload.text",
    "websocket.payload.ping",
    "websocket.payload.pong",
    "websocket.payload.close.status_code",
    "websocket.payload.close.reason",
];

/// The values of each field on one way of one connection, in their order.
type Values = BTreeMap<&'static str, Vec<String>>;

#[tokio::test]
async fn the_dissection_says_what_tshark_says_of_the_same_capture() {
    let server = Server::start().await;
    let experiment = server.experiment(json!({})).await;
    let mut observer = server.observe(&experiment).await;
    let capture = Capture::begin(server.addr.port()).await;
    let path = experiment.path();

    let mut poll = server.connect().await;
    let mut publish = server.connect().await;
    for (n, size) in [0, 1, 100, 3_000].into_iter().enumerate() {
        let headers = "Cookie: session=0123456789\r\nAccept: */*\r\nX-Odd:   blanks  \r\n";
        poll.get(&format!("{path}/poll?after=0&sub=poll&n={n}"), headers).await;
        poll.answer().await;
        let body = json!({"data": "é".repeat(size)}).to_string();
        publish.send_body("POST", &format!("{path}/events?sub=publish"), &body).await;
        publish.answer().await;
    }
    // What it has already is no news: 304. What can't be read is refused.
    let (head, _) = poll.get_answer(&format!("{path}/poll?sub=poll&n=5")).await;
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    poll.get(&format!("{path}/poll?sub=poll&n=6"), &format!("If-None-Match: {tag}\r\n")).await;
    assert!(poll.head().await.starts_with("HTTP/1.1 304 "));
    assert!(
        poll.get_answer(&format!("{path}/poll?after=x&sub=poll&n=7")).await.0.starts_with("HTTP/1.1 400 ")
    );

    let mut long_poll = server.connect().await;
    for after in 0..3 {
        let target = format!("{path}/long-poll?after={after}&sub=long-poll&n={after}");
        assert!(long_poll.get_answer(&target).await.1.contains("\"events\":[{"));
    }
    let mut ws = server.connect().await;
    ws.upgrade(&format!("{path}/ws?after=0&sub=ws")).await;
    ws.send_frame(0x81, br#"{"data":"from the socket"}"#).await;
    ws.send_frame(0x89, b"are you there").await;
    ws.through("are you there").await;
    let mut sse = server.connect().await;
    sse.get(&format!("{path}/sse?after=0&sub=sse"), "Accept: text/event-stream\r\n").await;
    sse.through("from the socket").await;
    // As long as may be published: as an event it needs a length in eight bytes.
    server.publish(&experiment, &json!("x".repeat(65_525))).await;
    server.publish(&experiment, &json!("last")).await;
    for peer in [&mut ws, &mut sse] {
        peer.through("\"last\"").await;
    }
    sse.through("\r\n").await;
    ws.send_frame(0x88, b"\x03\xe8all read").await;
    ws.until_end().await.unwrap();

    let mut peers =
        [("poll", poll), ("publish", publish), ("long-poll", long_poll), ("ws", ws), ("sse", sse)];
    for (label, peer) in &peers {
        observer.until_all_of(label, peer).await;
    }
    // tshark reads a body in chunks when it is whole: the server ends the stream in order.
    server.state.shutdown.cancel();
    peers[4].1.until_end().await.unwrap();
    assert!(peers[4].1.got.ends_with(b"0\r\n\r\n"));
    for (_, peer) in &peers {
        let port = peer.stream.local_addr().unwrap().port();
        until(async || {
            let (to_server, to_client) = capture.streams(port);
            to_server.len() >= peer.sent.len() && to_client.len() >= peer.got.len()
        })
        .await;
    }

    let told = tshark(&capture.file, server.addr.port());
    for (label, peer) in &peers {
        let port = peer.stream.local_addr().unwrap().port();
        for direction in [Direction::ToServer, Direction::ToClient] {
            let mut ours = ours(&observer, label, direction);
            if *label == "sse" && direction == Direction::ToClient {
                // The observer had left when the stream ended.
                ours.get_mut("http.chunk_size").unwrap().push("0".to_owned());
            }
            let theirs = told.get(&(port, direction == Direction::ToServer)).cloned().unwrap_or_default();
            assert_same(label, &ours, &theirs);
        }
    }
    // Each field was there to compare.
    for field in FIELDS {
        assert!(told.values().any(|values| values.contains_key(field)), "tshark says nothing of {field}");
    }
}

/// What the dissector says of all that the tap told of one way.
fn ours(observer: &Observer, label: &str, direction: Direction) -> Values {
    let mut values = Values::new();
    let of_label = |wire: &&standby_trace::tap::Wire| {
        wire.direction == direction && wire.exchange.sub.as_deref() == Some(label)
    };
    for (id, wire) in (0..).zip(observer.wires().filter(of_label)) {
        let piece = Piece {
            id,
            via: wire.exchange.via,
            direction,
            part: wire.part,
            bytes: wire.bytes.clone(),
            cut_bytes: wire.cut_bytes,
        };
        let dissection = dissect(&piece, Context::default());
        // A 101 lacks its key, which is another piece.
        assert!(dissection.remarks.is_empty() || piece.part == Part::ResponseHead, "{dissection:?}");
        for (name, value) in flat(&piece, &dissection) {
            values.entry(name).or_default().push(value);
        }
    }
    values
}

/// What tshark says of a capture, by the client's port and whether the way leads to the server.
fn tshark(capture: &Path, server: u16) -> BTreeMap<(u16, bool), Values> {
    /// Stands between the values of one field in one packet. No byte of ours is one.
    const BETWEEN: char = '\u{1}';
    let mut command = Command::new("tshark");
    // Twice over the file: what is put together from several packets is known in the first of them.
    command.arg("-2").arg("-n").arg("-r").arg(capture);
    command.args(["-d", &format!("tcp.port=={server},http")]);
    command.args(["-T", "fields", "-E", "occurrence=a", "-E", &format!("aggregator={BETWEEN}")]);
    command.args(["-e", "tcp.srcport", "-e", "tcp.dstport"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let out =
        command.output().unwrap_or_else(|e| panic!("can't run tshark ({e}): install the package `tshark`"));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut told: BTreeMap<(u16, bool), Values> = BTreeMap::new();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let mut columns = line.split('\t');
        let mut port = || columns.next().unwrap().parse::<u16>().unwrap();
        let (source, destination) = (port(), port());
        let to_server = destination == server;
        let values = told.entry((if to_server { source } else { destination }, to_server)).or_default();
        for (field, column) in FIELDS.into_iter().zip(columns) {
            for value in column.split(BETWEEN).filter(|_| !column.is_empty()) {
                values.entry(field).or_default().push(plain(value));
            }
        }
    }
    told
}

/// A value without what tshark adds to it: it escapes a header's line end, and writes some numbers in
/// hexadecimal.
fn plain(value: &str) -> String {
    let value = value.trim_end_matches("\\r\\n");
    let number = value.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map_or_else(|| value.to_owned(), |number| number.to_string())
}

/// The same fields with the same values in the same order, but for what the tap masks.
fn assert_same(label: &str, ours: &Values, theirs: &Values) {
    for field in FIELDS {
        let [ours, theirs] = [ours, theirs].map(|values| values.get(field).cloned().unwrap_or_default());
        assert_eq!(ours.len(), theirs.len(), "{label}: {field}: {ours:?} and {theirs:?}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let same = ours.len() == theirs.len()
                && ours.bytes().zip(theirs.bytes()).all(|(ours, theirs)| ours == theirs || ours == b'*');
            assert!(same, "{label}: {field}: {ours:?} and {theirs:?}");
        }
    }
}
