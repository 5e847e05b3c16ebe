//! WebSocket: one connection, both ways. It says when it is gone; coming back is up to us.

use std::error::Error;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::sleep;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

const TOPIC_URL: &str = "http://127.0.0.1:3000/api/topics/news";
const BACKOFF: (&str, u64, u64) = ("full-jitter", 1_000, 30_000);

#[tokio::main]
async fn main() {
    follow(TOPIC_URL, |line| println!("{line}")).await;
}

pub(crate) async fn follow(topic_url: &str, tell: impl Fn(String)) {
    let mut subscriber = Subscriber::default();
    let mut waited_ms = 0;
    loop {
        if let Err(error) = subscriber.connect(topic_url, &tell).await {
            tell(format!("cut: {error}"));
        }
        subscriber.failures += 1;
        sleep(backoff(subscriber.failures, &mut waited_ms)).await;
    }
}

#[derive(Default)]
struct Subscriber {
    /// The life of the topic that our ids belong to.
    epoch: Option<String>,
    /// The last id that we have, with its epoch: all that recovery needs.
    position: Option<String>,
    failures: u32,
}

impl Subscriber {
    async fn connect(&mut self, topic_url: &str, tell: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        let after = self.position.as_ref().map_or_else(String::new, |position| format!("&after={position}"));
        let url = format!("{}/ws?sub=outside{after}", topic_url.replacen("http", "ws", 1));
        let (mut socket, _) = connect_async(url).await?;
        // Pings are answered while we read.
        while let Some(message) = socket.next().await {
            match message? {
                Message::Text(text) => self.take(&serde_json::from_str(&text)?, &tell),
                Message::Close(frame) => tell(format!("cut: close frame {frame:?}")),
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &Value, tell: impl Fn(String)) {
        let begins = frame.get("hello").or(frame.get("reset"));
        if let Some(begins) = begins {
            self.epoch = begins["epoch"].as_str().map(str::to_owned);
            self.failures = 0;
        }
        if let Some(reset) = frame.get("reset") {
            tell(format!("reset: the topic began a new life, {}", reset["epoch"]));
        }
        if let Some(gap) = frame.get("gap") {
            tell(format!("gap: events {} to {} are lost", gap["from"], gap["to"]));
        }
        if let Some(id) = frame.get("id") {
            tell(format!("event {id}: {}", frame["data"]));
        }
        let last_id = begins.map(|begins| &begins["last_id"]);
        let last_id = last_id.or(frame.get("gap").map(|gap| &gap["to"])).or(frame.get("id"));
        if let Some(last_id) = last_id {
            self.position = Some(match &self.epoch {
                Some(epoch) => format!("{epoch}:{last_id}"),
                None => last_id.to_string(),
            });
        }
    }
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
