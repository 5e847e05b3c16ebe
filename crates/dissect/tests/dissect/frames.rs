//! RFC 6455 §1.3 and §5.7: the handshake and the frames that the standard shows.

use standby_dissect::{Class, Context, Dissection, MaskStep, dissect, flat};
use standby_trace::Direction::{self, ToClient, ToServer};
use standby_trace::tap::{Part, Via};

use crate::sample::{field, piece, read, runs};

fn frame(direction: Direction, bytes: &[u8]) -> Dissection {
    read(Via::WebSocket, direction, Part::Frame, bytes)
}

/// FIN, opcode, MASK and the payload length.
fn header(dissection: &Dissection) -> [&str; 4] {
    ["FIN", "opcode", "MASK", "payload length"].map(|name| field(dissection, name).value.as_str())
}

#[test]
fn a_single_frame_unmasked_text_message() {
    let dissection = frame(ToClient, &[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(header(&dissection), ["1", "1", "0", "5"]);
    assert_eq!(dissection.unmasked.as_deref(), Some(&b"Hello"[..]));
    assert_eq!((dissection.mask, dissection.remarks), (None, vec![]));
}

const MASKED: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];

#[test]
fn a_single_frame_masked_text_message() {
    let dissection = frame(ToServer, &MASKED);
    assert_eq!(header(&dissection), ["1", "1", "1", "5"]);
    assert_eq!(field(&dissection, "masking key").value, "37 fa 21 3d");
    assert_eq!(dissection.unmasked.as_deref(), Some(&b"Hello"[..]));
    // The fifth byte of the payload takes the first of the key again.
    let step = dissection.mask_step(&MASKED, 4);
    assert_eq!(step, Some(MaskStep { at: 10, key_at: 2, masked: 0x58, key: 0x37, clear: b'o' }));
    assert_eq!(dissection.mask_step(&MASKED, 5), None);
    let classes: Vec<Class> = dissection.runs.iter().map(|run| run.class).collect();
    assert_eq!(classes, [Class::FrameHeader, Class::MaskingKey, Class::Publishing]);
}

#[test]
fn the_bits_of_a_header_follow_each_other_without_a_hole() {
    let dissection = frame(ToServer, &MASKED);
    let bits: Vec<_> =
        dissection.fields.iter().filter_map(|f| Some((f.at.start, f.bits.clone()?, &*f.name))).collect();
    assert_eq!(
        bits,
        [
            (0, 0..1, "FIN"),
            (0, 1..2, "RSV1"),
            (0, 2..3, "RSV2"),
            (0, 3..4, "RSV3"),
            (0, 4..8, "opcode"),
            (1, 0..1, "MASK"),
            (1, 1..8, "payload length"),
        ]
    );
}

#[test]
fn a_fragmented_unmasked_text_message() {
    let first = frame(ToClient, &[0x01, 0x03, 0x48, 0x65, 0x6c]);
    assert_eq!(header(&first), ["0", "1", "0", "3"]);
    assert_eq!(first.unmasked.as_deref(), Some(&b"Hel"[..]));
    let second = frame(ToClient, &[0x80, 0x02, 0x6c, 0x6f]);
    assert_eq!(header(&second), ["1", "0", "0", "2"]);
    assert_eq!(second.unmasked.as_deref(), Some(&b"lo"[..]));
}

#[test]
fn an_unmasked_ping_and_its_masked_answer() {
    let ping = frame(ToClient, &[0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    assert_eq!(header(&ping), ["1", "9", "0", "5"]);
    assert_eq!(field(&ping, "ping data").value, "Hello");
    let pong = frame(ToServer, &[0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    assert_eq!(header(&pong), ["1", "10", "1", "5"]);
    assert_eq!(field(&pong, "pong data").value, "Hello");
}

#[test]
fn the_length_in_two_and_in_eight_bytes() {
    let medium = frame(ToClient, &[&[0x82, 0x7e, 0x01, 0x00][..], &[0xaa; 256]].concat());
    assert_eq!(header(&medium), ["1", "2", "0", "126"]);
    assert_eq!(field(&medium, "extended payload length").value, "256");
    let long = frame(ToClient, &[&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], &vec![0xaa; 65_536]].concat());
    assert_eq!(header(&long), ["1", "2", "0", "127"]);
    assert_eq!(field(&long, "extended payload length").value, "65536");
    assert_eq!((medium.remarks.len(), long.remarks.len()), (0, 0));
}

#[test]
fn a_close_frame_has_a_code_and_a_reason() {
    let close = frame(ToClient, b"\x88\x0b\x03\xe9room full");
    assert_eq!(field(&close, "close code").value, "1001");
    assert_eq!(field(&close, "close reason").value, "room full");
    assert_eq!(frame(ToClient, &[0x88, 0x00]).remarks, Vec::<String>::new());
    assert_eq!(field(&frame(ToClient, &[0x88, 0x01, 0x03]), "close data").value, "03");
}

#[test]
fn news_in_a_frame_is_told_from_its_header_member_by_member() {
    let event = r#"{"id":5,"data":{"a":[1]},"published_at":9}"#;
    let bytes = [&[0x81, event.len() as u8], event.as_bytes()].concat();
    let dissection = frame(ToClient, &bytes);
    assert_eq!(dissection.news_bytes(), event.len());
    assert_eq!(field(&dissection, "data").value, r#"{"a":[1]}"#);
    assert_eq!(&bytes[field(&dissection, "data").at.clone()], br#"{"a":[1]}"#);
}

#[test]
fn what_is_missing_of_a_frame_is_said() {
    for end in 0..MASKED.len() {
        assert!(!frame(ToServer, &MASKED[..end]).remarks.is_empty(), "{end} bytes");
    }
    let mut cut = piece(Via::WebSocket, ToServer, Part::Frame, &MASKED[..8]);
    cut.cut_bytes = 3;
    let remarks = dissect(&cut, Context::default()).remarks;
    assert_eq!(remarks, ["Only 8 bytes of the frame were kept.", "3 more of it were counted and not kept."]);
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

#[test]
fn the_accept_value_comes_out_of_the_key_step_by_step() {
    let request = [piece(Via::WebSocket, ToServer, Part::RequestHead, REQUEST)];
    let answer = piece(Via::WebSocket, ToClient, Part::ResponseHead, ANSWER);
    let dissection = dissect(&answer, Context { request: &request, earlier: &[] });
    // RFC 6455 §1.3 prints all three.
    assert_eq!(
        field(&dissection, "key and GUID").value,
        "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    );
    assert_eq!(
        field(&dissection, "SHA-1").value,
        "b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea"
    );
    let last = field(&dissection, "base64");
    assert_eq!(last.value, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(&ANSWER[last.at.clone()], last.value);
    assert!(last.meaning.contains("It is what the server sent"), "{}", last.meaning);
    let wrong = piece(Via::WebSocket, ToClient, Part::ResponseHead, ANSWER.replace("s3pP", "s3pQ"));
    let wrong = dissect(&wrong, Context { request: &request, earlier: &[] });
    assert!(field(&wrong, "base64").meaning.contains("something else"));
    let alone = dissect(&answer, Context::default());
    assert!(alone.remarks[0].contains("key"), "{:?}", alone.remarks);
}

#[test]
fn the_names_are_wiresharks_and_the_reserved_bits_one_number() {
    let flat = |direction, bytes: &[u8]| {
        let piece = piece(Via::WebSocket, direction, Part::Frame, bytes);
        flat(&piece, &dissect(&piece, Context::default()))
    };
    let expected = [
        ("websocket.fin", "1"),
        ("websocket.rsv", "0"),
        ("websocket.opcode", "1"),
        ("websocket.mask", "1"),
        ("websocket.payload_length", "5"),
        ("websocket.masking_key", "37fa213d"),
        ("websocket.payload.text", "Hello"),
    ];
    assert_eq!(flat(ToServer, &MASKED), expected.map(|(name, value)| (name, value.to_owned())));
    assert!(flat(ToClient, &[0xd1, 0x00]).contains(&("websocket.rsv", "5".to_owned())));
}

#[test]
fn runs_say_what_each_byte_is_for() {
    let bytes = b"\x81\x26{\"hello\":{\"epoch\":\"k3f9\",\"last_id\":4}}";
    let runs = runs(&frame(ToClient, bytes), bytes);
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1].0, Class::Hello);
}
