use standby_trace::Scenario;
use standby_trace::crowd::Tally;
use standby_trace::scenario::{Backoff, LaneSpec};

use super::Herd;

/// A restart at 1 s, after which nobody is there for 2 s.
const RESTART: &str = r#"[{"at_ms":1000,"kind":"drop"},{"at_ms":1000,"kind":"refuse","for_ms":2000}]"#;

fn scenario(lane: &str, server: &str, clients: u32, more: &str) -> Scenario {
    let backlog = clients / 100;
    let capacity_s = (clients / 10).max(1);
    Scenario::from_json(&format!(
        r#"{{"v":1,"lanes":[{lane}],"publish":{{"every_ms":500,"spread":"fixed"}},"conditions":{{"latency_ms":20}},
            "clients":{clients},"crowd":{{"capacity_s":{capacity_s},"backlog":{backlog},"servers":[{server}]}},
            "seed":7,"window_ms":30000{more}}}"#
    ))
    .unwrap()
}

fn socket(backoff: &str) -> String {
    format!(r#"{{"transport":"websocket","backoff":{{{backoff}}}}}"#)
}

const FULL: &str = r#""kind":"full-jitter","base_ms":1000,"cap_ms":30000"#;

fn restart(lane: &str, server: &str, clients: u32) -> Vec<Tally> {
    run(&scenario(lane, server, clients, &format!(r#","faults":{RESTART}"#)))
}

fn run(scenario: &Scenario) -> Vec<Tally> {
    let mut herd = Herd::new(scenario, 0).unwrap();
    assert!(herd.run_until(i64::MAX, u64::MAX).done);
    herd.tallies().to_vec()
}

fn sum(tallies: &[Tally], of: impl Fn(&Tally) -> u32) -> u64 {
    tallies.iter().map(|tally| u64::from(of(tally))).sum()
}

fn peak(tallies: &[Tally]) -> u32 {
    tallies.iter().map(|tally| tally.arrivals).max().unwrap()
}

/// Every way of a lane, for what must hold for all of them.
fn lanes() -> Vec<(String, &'static str)> {
    let mut lanes = vec![
        (r#"{"transport":"short-poll","interval_ms":3000}"#.to_owned(), ""),
        (format!(r#"{{"transport":"long-poll","timeout_ms":5000,"backoff":{{{FULL}}}}}"#), ""),
        (
            format!(r#"{{"transport":"long-poll","timeout_ms":5000,"backoff":{{{FULL}}}}}"#),
            r#"{"drain_ms":4000}"#,
        ),
        (r#"{"transport":"sse","retry_ms":2000}"#.to_owned(), r#"{"retry_spread_ms":12000}"#),
        (r#"{"transport":"sse","retry_ms":2000,"client":"fetch"}"#.to_owned(), r#"{"retry_after_ms":12000}"#),
    ];
    for kind in ["exponential", "full-jitter", "equal-jitter", "decorrelated-jitter"] {
        lanes.push((socket(&format!(r#""kind":"{kind}","base_ms":1000,"cap_ms":30000"#)), ""));
    }
    lanes.push((socket(r#""kind":"fixed","base_ms":3000"#), ""));
    lanes.push((socket(FULL), r#"{"drain_ms":12000}"#));
    lanes
}

#[test]
fn whoever_arrives_is_served_or_turned_away_or_waits() {
    for (lane, server) in lanes() {
        let tallies = restart(&lane, server, 5_000);
        assert_eq!(tallies.len(), 300);
        let mut waits = 0_i64;
        for (at, tally) in tallies.iter().enumerate() {
            waits += i64::from(tally.arrivals) - i64::from(tally.refused) - i64::from(tally.served);
            assert_eq!(waits, i64::from(tally.queued), "{lane} {server} at {at}");
            assert!(tally.open <= 5_000);
        }
        assert!(sum(&tallies, |t| t.served) > 0, "{lane} {server}");
    }
}

#[test]
fn the_server_never_does_more_than_it_can() {
    for (lane, server) in lanes() {
        // 500 a second: 50 in a tenth, and one that was begun in the tenth before.
        let most = restart(&lane, server, 5_000).iter().map(|tally| tally.served).max();
        assert!(most <= Some(51), "{lane} {server}: {most:?}");
    }
}

#[test]
fn every_event_reaches_every_client_once() {
    for (lane, server) in lanes() {
        // Time enough for all to come back, and none published in the last seconds.
        let mut scenario = scenario(&lane, server, 200, &format!(r#","faults":{RESTART}"#));
        scenario.window_ms = 120_000;
        scenario.publish.every_ms = 50_000;
        let crowd = scenario.crowd.as_mut().unwrap();
        (crowd.capacity_s, crowd.backlog) = (100, 50);
        let tallies = run(&scenario);
        // At 1.2 s, 51.2 s and 101.2 s.
        assert_eq!(sum(&tallies, |t| t.delivered), 600, "{lane} {server}");
        assert_eq!(sum(&tallies, |t| t.refetched), 0, "{lane} {server}");
    }
}

#[test]
fn the_same_scenario_gives_the_same_tallies_in_whatever_portions_it_is_run() {
    for (lane, server) in lanes() {
        let scenario = scenario(&lane, server, 3_000, &format!(r#","faults":{RESTART}"#));
        let whole = run(&scenario);
        let mut herd = Herd::new(&scenario, 0).unwrap();
        let mut portions = 0;
        while !herd.run_until(i64::MAX, 1_000).done {
            portions += 1;
        }
        assert!(portions > 3, "{portions}");
        assert_eq!(herd.tallies(), whole);
        let mut other = scenario.clone();
        other.seed += 1;
        // What has no chance in it is the same with every seed.
        if lane.contains("jitter") && server.is_empty() {
            assert_ne!(run(&other), whole, "{lane}");
        }
    }
}

#[test]
fn these_are_the_numbers_of_every_machine() {
    // Held natively and by the browser test of the widget: a model whose numbers depend on where it
    // runs could not be shared by a link.
    let tallies = restart(&socket(FULL), "", 10_000);
    assert_eq!(digest(&tallies), GOLDEN, "{:?}", &tallies[10..14]);
}

const GOLDEN: u64 = 6_771_687_070_359_820_737;

fn digest(tallies: &[Tally]) -> u64 {
    tallies.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, t| {
        let counts =
            [t.arrivals, t.refused, t.served, t.open, t.queued, t.keep_alives, t.delivered, t.recovered];
        let ages = [t.staleness_p50_us.unwrap_or(0), t.staleness_p99_us.unwrap_or(0)];
        counts.iter().chain(&ages).fold(hash, |hash, n| (hash ^ u64::from(*n)).wrapping_mul(0x100_0000_01b3))
    })
}

#[test]
fn a_fixed_delay_keeps_the_herd_together() {
    let tallies = restart(&socket(r#""kind":"fixed","base_ms":3000"#), "", 10_000);
    // Cut at 1.0 s, told 20 ms later, and there after 3 s and 20 ms more.
    let first = tallies.iter().position(|tally| tally.arrivals > 0).unwrap();
    assert_eq!((first, tallies[first].arrivals), (40, 10_000));
    // What fitted into the queue and the tenth is in; all others come together again.
    let next = tallies.iter().skip(41).position(|tally| tally.arrivals > 0).unwrap() + 41;
    assert_eq!(next, 70);
    assert!(tallies[70].arrivals > 9_000);
}

#[test]
fn randomness_takes_the_herd_apart() {
    let peak_of = |backoff: &str, server: &str| peak(&restart(&socket(backoff), server, 10_000));
    let fixed = peak_of(r#""kind":"fixed","base_ms":3000"#, "");
    let exponential = peak_of(r#""kind":"exponential","base_ms":1000,"cap_ms":30000"#, "");
    let full = peak_of(FULL, "");
    let equal = peak_of(r#""kind":"equal-jitter","base_ms":1000,"cap_ms":30000"#, "");
    assert_eq!((fixed, exponential), (10_000, 10_000));
    assert!(full < fixed / 4, "{full}");
    assert!(equal < fixed / 3, "{equal}");
}

#[test]
fn a_server_that_spreads_its_clients_gets_no_more_than_it_can_take() {
    // 1,000 a second for 10,000 clients, spread over 12 s.
    let told = restart(r#"{"transport":"sse","retry_ms":2000}"#, r#"{"retry_spread_ms":12000}"#, 10_000);
    assert!(peak(&told) <= 120, "{}", peak(&told));
    assert_eq!(sum(&told, |t| t.refused), 0);
    let drained = restart(&socket(FULL), r#"{"drain_ms":12000}"#, 10_000);
    assert!(peak(&drained) <= 120, "{}", peak(&drained));
    assert_eq!(sum(&drained, |t| t.refused), 0);
    assert_eq!(drained[299].open, 10_000);
}

#[test]
fn a_retry_after_is_kept_by_those_who_can_read_it() {
    let fetch = r#"{"transport":"sse","retry_ms":3000,"client":"fetch"}"#;
    let tallies = restart(fetch, r#"{"retry_after_ms":20000}"#, 10_000);
    // The first time all at once, when the server could not have told them anything.
    assert_eq!(peak(&tallies), 10_000);
    let after = tallies.iter().skip(41).map(|tally| tally.arrivals).max().unwrap();
    assert!(after < 2_500, "{after}");
    // For an EventSource a 503 is the end.
    let browser = restart(r#"{"transport":"sse","retry_ms":3000}"#, r#"{"retry_after_ms":20000}"#, 10_000);
    assert_eq!(sum(&browser, |t| t.arrivals), 10_000);
    assert!(browser[299].open < 300);
}

#[test]
fn what_was_missed_comes_from_history_as_far_as_that_goes() {
    let mut scenario = scenario(
        &socket(r#""kind":"fixed","base_ms":60000"#),
        "",
        100,
        r#","faults":[{"at_ms":1000,"kind":"drop"}]"#,
    );
    scenario.window_ms = 120_000;
    scenario.publish.every_ms = 50;
    let crowd = scenario.crowd.as_mut().unwrap();
    (crowd.capacity_s, crowd.backlog) = (1_000, 1_000);
    let tallies = run(&scenario);
    // A minute at 20 a second is 1,200 events; history has the last 1,000 of them.
    assert_eq!(sum(&tallies, |t| t.refetched), 100);
    assert_eq!(sum(&tallies, |t| t.recovered), 100_000);
    let back = tallies.iter().find(|tally| tally.recovered > 0).unwrap();
    // Of 1,000 events that came every 50 ms, half were more than 25 s old.
    assert!((24_000_000..26_000_000).contains(&back.staleness_p50_us.unwrap()), "{back:?}");
}

#[test]
fn pollers_in_phase_overrun_a_server_that_can_take_them_spread() {
    let lane = r#"{"transport":"short-poll","interval_ms":10000}"#;
    let mut spread = scenario(lane, "", 10_000, "");
    spread.crowd.as_mut().unwrap().capacity_s = 1_200;
    let mut phase = spread.clone();
    phase.crowd.as_mut().unwrap().in_phase = true;
    let (spread, phase) = (run(&spread), run(&phase));
    assert_eq!(sum(&spread, |t| t.refused), 0);
    assert!(peak(&spread) < 200, "{}", peak(&spread));
    assert_eq!(peak(&phase), 10_000);
    assert!(sum(&phase, |t| t.refused) > 20_000);
}

#[test]
fn long_polls_ask_again_with_every_event() {
    let lane = format!(r#"{{"transport":"long-poll","timeout_ms":25000,"backoff":{{{FULL}}}}}"#);
    let mut scenario = scenario(&lane, "", 1_000, "");
    scenario.crowd.as_mut().unwrap().capacity_s = 100_000;
    scenario.crowd.as_mut().unwrap().backlog = 10_000;
    let rare = {
        let mut s = scenario.clone();
        s.publish.every_ms = 0;
        run(&s)
    };
    // Nothing but time-outs: each asks once in 25 s.
    assert!((1_190..=1_210).contains(&sum(&rare, |t| t.arrivals)), "{}", sum(&rare, |t| t.arrivals));
    let often = run(&scenario);
    // Two events a second, each asked after by all.
    assert!((58_000..=60_000).contains(&sum(&often, |t| t.arrivals)), "{}", sum(&often, |t| t.arrivals));
    assert!(often.iter().all(|tally| tally.staleness_p99_us.is_none_or(|us| us == 20_000)));
}

#[test]
fn a_dead_connection_is_missed_only_by_who_listens_for_silence() {
    let faults = r#","faults":[{"at_ms":1000,"kind":"half-open"}]"#;
    let deaf = scenario(&socket(FULL), "", 100, faults);
    assert_eq!(run(&deaf)[299].open, 0);
    let mut listens = deaf.clone();
    if let standby_trace::LaneSpec::WebSocket { silence_ms, .. } = &mut listens.lanes[0] {
        *silence_ms = 2_000;
    }
    let tallies = run(&listens);
    assert!(tallies[..30].iter().all(|tally| tally.arrivals == 0));
    assert_eq!(tallies[299].open, 100);
}

#[test]
fn a_stall_keeps_news_back_and_loses_none() {
    let faults = r#","faults":[{"at_ms":5000,"kind":"stall","for_ms":3000}]"#;
    let tallies = run(&scenario(&socket(FULL), "", 100, faults));
    assert!(tallies[50..80].iter().all(|tally| tally.delivered == 0));
    assert_eq!(tallies[80].delivered, 700);
    assert_eq!(tallies[80].staleness_p99_us, Some(3_020_000));
}

#[test]
fn a_million_come_back() {
    let tallies = restart(&socket(FULL), "", 1_000_000);
    assert_eq!(tallies.len(), 300);
    assert!(sum(&tallies, |t| t.served) > 900_000);
}

#[test]
fn a_client_takes_at_most_32_bytes() {
    let scenario = scenario(&socket(FULL), "", 1_000_000, "");
    let bytes = Herd::memory_bytes(&scenario);
    assert!(bytes / 1_000_000 <= 32, "{bytes}");
}

#[test]
fn a_scenario_without_a_crowd_is_refused() {
    let mut scenario = scenario(&socket(FULL), "", 10, "");
    assert!(Herd::new(&scenario, 1).is_err());
    scenario.crowd = None;
    assert!(Herd::new(&scenario, 0).is_err());
}

fn idle(lane: &str, more: &str) -> Vec<Tally> {
    let mut scenario = scenario(lane, "", 10_000, more);
    scenario.publish.every_ms = 0;
    // Whoever comes gets in: what is kept alive together came together.
    if let Some(crowd) = &mut scenario.crowd {
        (crowd.capacity_s, crowd.backlog) = (40_000, 10_000);
    }
    run(&scenario)
}

#[test]
fn idle_streams_are_kept_alive_evenly_for_as_long_as_nobody_is_cut() {
    for lane in [
        format!(r#"{{"transport":"websocket","keep_alive_ms":10000,"backoff":{{{FULL}}}}}"#),
        r#"{"transport":"sse","retry_ms":2000,"keep_alive_ms":10000}"#.to_owned(),
    ] {
        let tallies = idle(&lane, "");
        assert!(tallies.iter().all(|tally| tally.keep_alives == 100), "{lane}");
    }
    let polls = idle(r#"{"transport":"short-poll","interval_ms":10000}"#, "");
    assert_eq!(sum(&polls, |tally| tally.keep_alives), 0);
}

#[test]
fn those_that_came_back_together_are_kept_alive_together() {
    let lane = r#"{"transport":"websocket","keep_alive_ms":10000,"backoff":{"kind":"fixed","base_ms":2000}}"#;
    let tallies = idle(lane, r#","faults":[{"at_ms":5000,"kind":"drop"}]"#);
    // Between the cut and the first return there is nobody to keep alive.
    assert_eq!(sum(&tallies[51..70], |tally| tally.keep_alives), 0);
    let opened: Vec<u32> = tallies[70..170].iter().map(|tally| tally.served).collect();
    let kept: Vec<u32> = tallies[170..270].iter().map(|tally| tally.keep_alives).collect();
    assert_eq!(opened, kept);
    assert!(kept.iter().any(|kept| *kept >= 3_000), "{kept:?}");
}

#[test]
fn an_event_sets_all_comments_to_one_moment_and_pings_to_none() {
    let sse = r#"{"transport":"sse","retry_ms":2000,"keep_alive_ms":3000}"#;
    let mut scenario = scenario(sse, "", 10_000, "");
    scenario.publish.every_ms = 20_000;
    let tallies = run(&scenario);
    let event = tallies.iter().position(|tally| tally.delivered > 0).unwrap();
    assert_eq!(tallies[event + 30].keep_alives, 10_000);
    assert_eq!(sum(&tallies[event + 1..event + 30], |tally| tally.keep_alives), 0);
    let backoff = Backoff::Fixed { base_ms: 2_000 };
    scenario.lanes =
        vec![LaneSpec::WebSocket { backoff, send_every_ms: 0, keep_alive_ms: 3_000, silence_ms: 0 }];
    let pings = run(&scenario);
    assert!(pings.iter().all(|tally| tally.keep_alives.abs_diff(333) <= 2));
}
