//! The tap against a packet capture: what observers are told is what was on the wire, byte for byte.
//!
//! It needs tcpdump, and root to run it, so it is behind the feature `capture`:
//! `cargo test -p standby-server --features capture --test net capture`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use standby_trace::tap::{ClosedBy, ToObserver};
use standby_trace::trace::Direction;

use crate::peer::Peer;
use crate::server::{Server, until};

#[tokio::test]
async fn the_tap_tells_what_a_packet_capture_shows() {
    let server = Server::start().await;
    let experiment = server
        .experiment(json!({
            "conditions": {"latency_ms": 15, "jitter_ms": 10, "bandwidth_bytes_s": 2_000_000},
            "publish": {"every_ms": 50, "spread": "poisson", "what": "chat"},
        }))
        .await;
    let mut observer = server.observe(&experiment).await;
    let capture = Capture::begin(server.addr.port()).await;
    let path = experiment.path();
    let mut peers: Vec<(String, Peer)> = Vec::new();

    // Twice, with a drop between: the second time each goes on from where it was.
    for round in 1..=2 {
        let label = |transport: &str| format!("{transport}-{round}");
        let mut poll = server.connect().await;
        for n in 0..4 {
            let headers = "Cookie: session=0123456789\r\nIf-None-Match: \"none:0\"\r\n";
            poll.get(&format!("{path}/poll?after=0&sub={}&n={n}", label("poll")), headers).await;
            poll.answer().await;
        }
        let mut publisher = server.connect().await;
        for size in [1, 100, 30_000] {
            let target = format!("{path}/events?sub={}", label("publish"));
            publisher.send_body("POST", &target, &json!({"data": "x".repeat(size)}).to_string()).await;
            publisher.answer().await;
        }
        let mut ws = server.connect().await;
        ws.upgrade(&format!("{path}/ws?after=0&sub={}", label("ws"))).await;
        ws.send_frame(0x81, br#"{"data":"from the socket"}"#).await;
        ws.send_frame(0x89, b"ping").await;
        ws.through("from the socket").await;
        let mut sse = server.connect().await;
        sse.get(&format!("{path}/sse?after=0&sub={}", label("sse")), "").await;
        sse.through("from the socket").await;
        let mut long_poll = server.connect().await;
        for _ in 0..3 {
            let (_, body) =
                long_poll.get_answer(&format!("{path}/long-poll?sub={}", label("long-poll"))).await;
            assert!(body.contains("\"events\":[{"), "{body}");
        }
        // Nothing is under way when they are cut, so no message is cut in its middle.
        server.steer(&experiment, json!({"publish": {"every_ms": 0}})).await;
        server.publish(&experiment, &json!(format!("last of round {round}"))).await;
        ws.through(&format!("last of round {round}")).await;
        sse.through(&format!("last of round {round}")).await;
        sse.through("\r\n").await;
        let mut all =
            [("poll", poll), ("publish", publisher), ("ws", ws), ("sse", sse), ("long-poll", long_poll)];
        if round == 1 {
            server.fault(&experiment, json!({"kind": "drop"})).await;
            for (transport, peer) in &mut all {
                if *transport != "publish" {
                    peer.assert_reset().await;
                }
            }
            server.steer(&experiment, json!({"publish": {"every_ms": 50}})).await;
        } else {
            let (_, ws) = &mut all[2];
            ws.send_frame(0x88, &1000_u16.to_be_bytes()).await;
            ws.until_end().await.unwrap();
        }
        peers.extend(all.map(|(transport, peer)| (label(transport), peer)));
    }

    for (label, peer) in &peers {
        observer.until_all_of(label, peer).await;
        let port = peer.stream.local_addr().unwrap().port();
        // The client has it all; the capture may come a little later.
        until(async || {
            let (to_server, to_client) = capture.streams(port);
            to_server.len() >= peer.sent.len() && to_client.len() >= peer.got.len()
        })
        .await;
        let (to_server, to_client) = capture.streams(port);
        let told = observer.bytes(label, Direction::ToServer);
        let masked = assert_same_but_for_masks(label, &told, &to_server);
        let cookies = if label.starts_with("poll") { 4 * "session=0123456789".len() } else { 0 };
        assert_eq!(masked, cookies, "{label}");
        let told = observer.bytes(label, Direction::ToClient);
        assert_eq!(assert_same_but_for_masks(label, &told, &to_client), 0);
    }
    // By now all that was told of the first round has been heard.
    for (label, peer) in &peers {
        let port = peer.stream.local_addr().unwrap().port();
        let by_fault = observer.records.iter().any(|record| {
            matches!(record, ToObserver::Closed { by: ClosedBy::Fault, exchange, .. }
                if exchange.sub.as_deref() == Some(label.as_str()))
        });
        assert_eq!(capture.was_reset(port), by_fault, "{label}");
    }
    let total: usize = peers.iter().map(|(_, peer)| peer.sent.len() + peer.got.len()).sum();
    assert!(total > 300_000, "{total} bytes are hardly a test");
}

/// The tapped bytes are the captured ones, except where they are masked. Says how many are.
fn assert_same_but_for_masks(label: &str, told: &[u8], captured: &[u8]) -> usize {
    assert_eq!(told.len(), captured.len(), "{label}");
    let mut masked = 0;
    for (at, (told, captured)) in told.iter().zip(captured).enumerate() {
        if told != captured {
            assert_eq!(*told, b'*', "{label}: byte {at}");
            masked += 1;
        }
    }
    masked
}

/// A tcpdump at work.
pub(crate) struct Capture {
    child: Child,
    pub(crate) file: PathBuf,
}

impl Capture {
    pub(crate) async fn begin(port: u16) -> Self {
        let file = std::env::temp_dir().join(format!("standby-capture-{port}.pcap"));
        let child = Command::new("tcpdump")
            // Each packet is written when it is seen; and by root, who owns the directory.
            .args(["-i", "lo", "-U", "--immediate-mode", "-s", "0", "-B", "16384", "-Z", "root", "-w"])
            .arg(&file)
            .args(["tcp", "port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("can't run tcpdump ({e}): install the package `tcpdump`, and run as root")
            });
        let mut capture = Self { child, file };
        // It sees packets from when the file has its header. A probe of a socket that nobody serves
        // shows that it does.
        let mut probes = 0;
        while capture.packets().is_empty() {
            if let Ok(Some(status)) = capture.child.try_wait() {
                panic!("tcpdump ended ({status}): it has to be run as root");
            }
            probes += 1;
            assert!(probes < 2_000, "tcpdump shows nothing");
            drop(Peer::connect(([127, 0, 0, 1], port).into()).await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        capture
    }

    fn packets(&self) -> Vec<Packet> {
        read_packets(&self.file)
    }

    /// What went to the server and what came from it, on the connection of this client's port.
    pub(crate) fn streams(&self, port: u16) -> (Vec<u8>, Vec<u8>) {
        let packets = self.packets();
        let to_server = packets.iter().filter(|packet| packet.source == port);
        let to_client = packets.iter().filter(|packet| packet.destination == port);
        (reassembled(to_server), reassembled(to_client))
    }

    fn was_reset(&self, port: u16) -> bool {
        self.packets().iter().any(|packet| packet.destination == port && packet.reset)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.file);
    }
}

struct Packet {
    source: u16,
    destination: u16,
    sequence: u32,
    syn: bool,
    reset: bool,
    payload: Vec<u8>,
}

/// The whole packets of a capture file: a header of 24 bytes, then each packet behind 16 of its own.
fn read_packets(file: &Path) -> Vec<Packet> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let mut rest = bytes.get(24..).unwrap_or_default();
    let mut packets = Vec::new();
    while let Some(header) = rest.get(..16) {
        let length = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        let Some(frame) = rest.get(16..16 + length) else { break };
        packets.extend(read_packet(frame));
        rest = &rest[16 + length..];
    }
    packets
}

/// Ethernet, IPv4 and TCP (RFC 791 §3.1, RFC 9293 §3.1).
fn read_packet(frame: &[u8]) -> Option<Packet> {
    let ip = frame.get(14..)?;
    assert_eq!(ip[0] >> 4, 4, "the test talks over IPv4");
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let ip = ip.get(..total)?;
    let tcp = ip.get(usize::from(ip[0] & 0x0f) * 4..)?;
    let two = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
    Some(Packet {
        source: two(0),
        destination: two(2),
        sequence: u32::from(two(4)) << 16 | u32::from(two(6)),
        syn: tcp[13] & 0x02 != 0,
        reset: tcp[13] & 0x04 != 0,
        payload: tcp.get(usize::from(tcp[12] >> 4) * 4..)?.to_vec(),
    })
}

/// One direction's bytes, put in order by their sequence numbers.
fn reassembled<'a>(packets: impl Iterator<Item = &'a Packet>) -> Vec<u8> {
    let mut first = None;
    let mut pieces = BTreeMap::new();
    for packet in packets {
        if packet.syn {
            first = Some(packet.sequence.wrapping_add(1));
        } else if let Some(first) = first
            && !packet.payload.is_empty()
        {
            pieces.insert(packet.sequence.wrapping_sub(first), &packet.payload);
        }
    }
    let mut bytes = Vec::new();
    for (at, piece) in pieces {
        let at = at as usize;
        assert!(at <= bytes.len(), "the capture has a hole");
        // What was sent again stands there already.
        if let Some(new) = piece.get(bytes.len() - at..) {
            bytes.extend_from_slice(new);
        }
    }
    bytes
}
