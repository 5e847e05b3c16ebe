//! The model against the recorded live runs of the book's experiments.

use std::collections::BTreeMap;
use std::path::Path;

use standby_sim::Profile;
use standby_trace::trace::{Kind, Message, Trace};

use crate::run::Run;

#[test]
fn report() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/traces");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let live: Trace = Trace::from_json(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut run = Run::new(
            &live.scenario,
            &Profile::chromium().at("127.0.0.1:43000", "http://127.0.0.1:43000/long-poll.html"),
        );
        run.world.start();
        run.until_ms(live.until_us / 1000);
        println!("== {:?}", path.file_stem().unwrap());
        for lane in 0..live.lanes.len() {
            println!(
                "  lane {lane}\n    live {:?}\n    sim  {:?}",
                counts(&live, lane),
                counts(run.trace(), lane)
            );
        }
    }
}

fn counts(trace: &Trace, lane: usize) -> BTreeMap<String, (usize, u32, u32)> {
    let mut c: BTreeMap<String, (usize, u32, u32)> = BTreeMap::new();
    for m in trace.messages.iter().filter(|m| usize::from(m.lane) == lane) {
        let e = c
            .entry(format!(
                "{:?} {:?}{}{}",
                m.kind,
                m.status,
                if m.lost { " lost" } else { "" },
                if m.by_browser { " browser" } else { "" }
            ))
            .or_default();
        e.0 += 1;
        e.1 += m.payload_bytes;
        e.2 += m.overhead_bytes;
    }
    c
}
#[allow(unused)]
fn k(_: &Message, _: Kind) {}
