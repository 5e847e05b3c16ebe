//! Long polling: ask, and the server holds the request until there is news or the time is up.

use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

const TOPIC_URL: &str = "http://127.0.0.1:3000/api/topics/news";
/// How long the server may hold a request.
const TIMEOUT_MS: u64 = 25_000;
const BACKOFF: (&str, u64, u64) = ("full-jitter", 1_000, 30_000);

#[tokio::main]
async fn main() {
    follow(TOPIC_URL, |line| println!("{line}")).await;
}

pub(crate) async fn follow(topic_url: &str, tell: impl Fn(String)) {
    let http = reqwest::Client::new();
    // The last id that we have, with the topic's epoch: all that recovery needs.
    let mut position = None;
    let (mut failures, mut waited_ms) = (0, 0);
    loop {
        let soon = Instant::now() + Duration::from_millis(10);
        match ask(&http, topic_url, &mut position, &tell).await {
            // An answer leads to the next question at once. Only a server that does not hold is spared.
            Ok(()) => {
                failures = 0;
                sleep_until(soon).await;
            }
            Err(error) => {
                tell(format!("cut: {error}"));
                failures += 1;
                sleep(backoff(failures, &mut waited_ms)).await;
            }
        }
    }
}

async fn ask(
    http: &reqwest::Client,
    topic_url: &str,
    position: &mut Option<String>,
    tell: impl Fn(String),
) -> Result<(), Box<dyn Error>> {
    let after = position.as_ref().map_or_else(String::new, |position| format!("&after={position}"));
    let url = format!("{topic_url}/long-poll?timeout_ms={TIMEOUT_MS}&sub=outside{after}");
    // Silence is what a long poll is made of. Only past the server's time-out is it a sign.
    let patience = Duration::from_millis(TIMEOUT_MS + 10_000);
    let answer = http.get(url).timeout(patience).send().await?.error_for_status()?;
    let answer: Value = serde_json::from_slice(&answer.bytes().await?)?;
    if let Some(reset) = answer.get("reset") {
        tell(format!("reset: the topic began a new life, {}", reset["epoch"]));
    }
    if let Some(gap) = answer.get("gap") {
        tell(format!("gap: events {} to {} are lost", gap["from"], gap["to"]));
    }
    for event in answer["events"].as_array().into_iter().flatten() {
        tell(format!("event {}: {}", event["id"], event["data"]));
    }
    *position = Some(match answer["epoch"].as_str() {
        Some(epoch) => format!("{epoch}:{}", answer["last_id"]),
        None => answer["last_id"].to_string(),
    });
    Ok(())
}

/// How long to wait before attempt `k` after a cut, from 1; `waited_ms` is the wait before.
fn backoff(k: u32, waited_ms: &mut u64) -> Duration {
    let (kind, base_ms, cap_ms) = BACKOFF;
    let exponential = base_ms.saturating_mul(1 << (k - 1).min(40)).min(cap_ms);
    let random = |below: u64| RandomState::new().build_hasher().finish() % (below + 1);
    *waited_ms = match kind {
        "fixed" => base_ms,
        "exponential" => exponential,
        "full-jitter" => random(exponential),
        "equal-jitter" => exponential / 2 + random(exponential / 2),
        // Decorrelated jitter.
        _ => cap_ms.min(base_ms + random((3 * (*waited_ms).max(base_ms)).saturating_sub(base_ms))),
    };
    Duration::from_millis(*waited_ms)
}
