//! What `cargo xtask bench sim` measures, natively and in browsers: the server restarts, and all clients
//! come back, by each strategy; a minute of virtual time.

use standby_trace::Scenario;
use standby_trace::scenario::BadScenario;

use super::Herd;

/// How many clients, one run after another.
pub const CLIENTS: [u32; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// How they come back: a name, and the backoff as JSON.
pub const STRATEGIES: [(&str, &str); 6] = [
    ("fixed delay", r#"{"kind":"fixed","base_ms":3000}"#),
    ("exponential", r#"{"kind":"exponential","base_ms":1000,"cap_ms":30000}"#),
    ("full jitter", r#"{"kind":"full-jitter","base_ms":1000,"cap_ms":30000}"#),
    ("full jitter, short", r#"{"kind":"full-jitter","base_ms":100,"cap_ms":1000}"#),
    ("equal jitter", r#"{"kind":"equal-jitter","base_ms":1000,"cap_ms":30000}"#),
    ("decorrelated", r#"{"kind":"decorrelated-jitter","base_ms":1000,"cap_ms":30000}"#),
];

/// One run.
///
/// # Errors
/// When there can't be so many clients.
pub fn scenario(clients: u32, backoff: &str) -> Result<Scenario, BadScenario> {
    let capacity_s = clients * 9 / 100;
    Scenario::from_json(&format!(
        r#"{{"v":1,"lanes":[{{"transport":"websocket","backoff":{backoff}}}],
            "publish":{{"every_ms":1000}},"conditions":{{"latency_ms":50}},
            "faults":[{{"at_ms":1000,"kind":"drop"}},{{"at_ms":1000,"kind":"refuse","for_ms":2000}}],
            "clients":{clients},"crowd":{{"capacity_s":{capacity_s},"backlog":128}},"seed":7,"window_ms":60000}}"#
    ))
}

/// The heads of the table.
#[must_use]
pub fn head() -> String {
    format!(
        "  {:>10}  {:<20} {:>12} {:>9} {:>12} {:>13} {:>11}",
        "clients", "strategy", "events", "seconds", "events/s", "bytes/client", "memory, MB"
    )
}

/// A line of it. `memory_bytes` is what all took together, where that is known.
#[must_use]
pub fn line(scenario: &Scenario, name: &str, events: u64, seconds: f64, memory_bytes: Option<f64>) -> String {
    format!(
        "  {:>10}  {name:<20} {events:>12} {seconds:>9.3} {:>12.0} {:>13.1} {:>11}",
        scenario.clients,
        events as f64 / seconds,
        Herd::memory_bytes(scenario) as f64 / f64::from(scenario.clients),
        memory_bytes.map_or(String::new(), |bytes| format!("{:.1}", bytes / 1e6))
    )
}
