//! Server-Sent Events: an answer that never ends, read line by line.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

const TOPIC_URL: &str = "http://127.0.0.1:3000/api/topics/news";
/// Asked of the server, which says it as `retry:`.
const RETRY_MS: u64 = 1_500;

#[tokio::main]
async fn main() {
    follow(TOPIC_URL, |line| println!("{line}")).await;
}

pub(crate) async fn follow(topic_url: &str, tell: impl Fn(String)) {
    let mut stream = Stream { retry_ms: RETRY_MS, ..Stream::default() };
    loop {
        if let Err(error) = stream.read(topic_url, &tell).await {
            tell(format!("cut: {error}"));
        }
        sleep(Duration::from_millis(stream.retry_ms)).await;
    }
}

#[derive(Default)]
struct Stream {
    /// The last `id:`: all that recovery needs.
    position: Option<String>,
    retry_ms: u64,
    event_type: String,
    data: String,
}

impl Stream {
    async fn read(&mut self, topic_url: &str, tell: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        let http = reqwest::Client::new();
        let mut request = http.get(format!("{topic_url}/sse?retry_ms={RETRY_MS}&sub=outside"));
        if let Some(position) = &self.position {
            request = request.header("Last-Event-ID", position);
        }
        let mut answer = request.send().await?.error_for_status()?;
        let mut rest = Vec::new();
        while let Some(bytes) = answer.chunk().await? {
            rest.extend_from_slice(&bytes);
            // What stands behind the last line end is not whole yet.
            while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                self.line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']), &tell)?;
            }
        }
        Err("the stream ended".into())
    }

    fn line(&mut self, line: &str, tell: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.position = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.event_type),
            "data" => self.data += value,
            "retry" => self.retry_ms = value.parse()?,
            // A blank line dispatches. A line that begins with its colon is a comment.
            _ if line.is_empty() => self.dispatch(&tell)?,
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, tell: impl Fn(String)) -> Result<(), Box<dyn Error>> {
        let (event_type, data) = (std::mem::take(&mut self.event_type), std::mem::take(&mut self.data));
        if data.is_empty() {
            return Ok(());
        }
        let news: Value = serde_json::from_str(&data)?;
        match event_type.as_str() {
            "" => tell(format!("event {}: {}", news["id"], news["data"])),
            "gap" => tell(format!("gap: events {} to {} are lost", news["from"], news["to"])),
            "reset" => tell(format!("reset: the topic began a new life, {}", news["epoch"])),
            _ => {}
        }
        Ok(())
    }
}
