//! How fast the herd runs, and what it takes: `cargo xtask bench sim`.
//!
//! The server restarts, and all clients come back, by each strategy; a minute of virtual time.

use std::time::Instant;

use standby_sim::herd::Herd;
use standby_trace::Scenario;
use standby_trace::scenario::BadScenario;

const STRATEGIES: [(&str, &str); 6] = [
    ("fixed delay", r#"{"kind":"fixed","base_ms":3000}"#),
    ("exponential", r#"{"kind":"exponential","base_ms":1000,"cap_ms":30000}"#),
    ("full jitter", r#"{"kind":"full-jitter","base_ms":1000,"cap_ms":30000}"#),
    ("full jitter, short", r#"{"kind":"full-jitter","base_ms":100,"cap_ms":1000}"#),
    ("equal jitter", r#"{"kind":"equal-jitter","base_ms":1000,"cap_ms":30000}"#),
    ("decorrelated", r#"{"kind":"decorrelated-jitter","base_ms":1000,"cap_ms":30000}"#),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "  {:>10}  {:<20} {:>12} {:>9} {:>14} {:>13}",
        "clients", "strategy", "events", "seconds", "events/s", "bytes/client"
    );
    for power in 3..=7 {
        for (name, backoff) in STRATEGIES {
            let scenario = scenario(10_u32.pow(power), backoff)?;
            let began = Instant::now();
            let mut herd = Herd::new(&scenario, 0)?;
            let done = herd.run_until(i64::MAX, u64::MAX);
            let seconds = began.elapsed().as_secs_f64();
            println!(
                "  {:>10}  {name:<20} {:>12} {seconds:>9.3} {:>14.0} {:>13.1}",
                scenario.clients,
                done.events,
                done.events as f64 / seconds,
                Herd::memory_bytes(&scenario) as f64 / f64::from(scenario.clients)
            );
        }
    }
    Ok(())
}

fn scenario(clients: u32, backoff: &str) -> Result<Scenario, BadScenario> {
    let capacity_s = clients * 9 / 100;
    Scenario::from_json(&format!(
        r#"{{"v":1,"lanes":[{{"transport":"websocket","backoff":{backoff}}}],
            "publish":{{"every_ms":1000}},"conditions":{{"latency_ms":50}},
            "faults":[{{"at_ms":1000,"kind":"drop"}},{{"at_ms":1000,"kind":"refuse","for_ms":2000}}],
            "clients":{clients},"crowd":{{"capacity_s":{capacity_s},"backlog":128}},"seed":7,"window_ms":60000}}"#
    ))
}
