//! Short polling: ask, get an answer at once, wait, ask again.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

const TOPIC_URL: &str = "http://127.0.0.1:3000/api/topics/news";
const INTERVAL_MS: u64 = 1_000;
/// An answer that brings nothing is then a 304 without a body.
const CONDITIONAL: bool = true;

#[tokio::main]
async fn main() {
    follow(TOPIC_URL, |line| println!("{line}")).await;
}

pub(crate) async fn follow(topic_url: &str, tell: impl Fn(String)) {
    let mut poll = Poll { http: reqwest::Client::new(), position: None, etag: None };
    loop {
        let due = Instant::now() + Duration::from_millis(INTERVAL_MS);
        // Whatever happened, the position has not moved: the next question asks for the same again.
        if let Err(error) = poll.ask(topic_url, &tell).await {
            tell(format!("cut: {error}"));
        }
        sleep_until(due).await;
    }
}

struct Poll {
    http: reqwest::Client,
    /// The last id that we have, with the topic's epoch: all that recovery needs.
    position: Option<String>,
    etag: Option<reqwest::header::HeaderValue>,
}

impl Poll {
    async fn ask(&mut self, topic_url: &str, tell: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        let after = self.position.as_ref().map_or_else(String::new, |position| format!("&after={position}"));
        let url = format!("{topic_url}/poll?sub=outside{after}");
        let mut request = self.http.get(url).timeout(Duration::from_secs(30));
        if let Some(etag) = self.etag.clone().filter(|_| CONDITIONAL) {
            request = request.header("If-None-Match", etag);
        }
        let answer = request.send().await?.error_for_status()?;
        if answer.status() == 304 {
            return Ok(());
        }
        let etag = answer.headers().get("ETag").cloned();
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
        self.position = Some(match answer["epoch"].as_str() {
            Some(epoch) => format!("{epoch}:{}", answer["last_id"]),
            None => answer["last_id"].to_string(),
        });
        self.etag = etag;
        Ok(())
    }
}
