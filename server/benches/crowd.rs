//! Crowds against a server of their own, each measurement a new process: what a held connection and a
//! delivered event cost the server (`measure FILE`), and whether it is the same after many came and
//! went (`soak ROUNDS CLIENTS`). `cargo xtask bench crowd` and `cargo xtask soak` call it.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Read as _;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use standby_trace::crowd::{Cost, Tally};
use standby_trace::scenario::Transport;
use standby_trace::tap::{ExperimentStarted, ToObserver};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Done<T> = Result<T, Box<dyn Error>>;

const SIZES: [u32; 3] = [200, 1_000, 2_000];
/// Each measurement so often.
const TIMES: usize = 3;
/// Costs that are taken of each phase; each is a second's.
const SECONDS: usize = 3;
/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> ExitCode {
    // cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["measure", file] => measure(file).await,
        ["soak", rounds, clients] => match (rounds.parse(), clients.parse()) {
            (Ok(rounds), Ok(clients)) => soak(rounds, clients).await,
            _ => Err("soak: give two numbers".into()),
        },
        _ => Err("measure FILE | soak ROUNDS CLIENTS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

/// A server, an experiment on it, and its observer.
struct Stage {
    child: Child,
    origin: String,
    topic: String,
    key: String,
    http: reqwest::Client,
    observer: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stage {
    async fn set() -> Done<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_standby"))
            .args(["serve", "--addr", "127.0.0.1:0"])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let line = lines.next_line().await?.ok_or("the server said nothing")?;
        let origin = line.split_whitespace().last().ok_or("the server said nothing")?.to_owned();
        let http = reqwest::Client::new();
        let scenario = json!({"v": 1, "lanes": [{"transport": "sse", "retry_ms": 1_000}],
            "publish": {"every_ms": 0, "spread": "fixed"}});
        let url = format!("{origin}/api/experiments");
        let answer = http.post(url).body(json!({"scenario": scenario}).to_string()).send().await?;
        let ExperimentStarted { topic, key } = serde_json::from_slice(&answer.bytes().await?)?;
        let url = format!("{}/api/topics/{topic}/observe?key={key}", origin.replacen("http", "ws", 1));
        let (observer, _) = connect_async(url).await?;
        Ok(Self { child, origin, topic, key, http, observer })
    }

    async fn ask(&self, method: reqwest::Method, what: &str, body: &Value) -> Done<()> {
        let url = format!("{}/api/topics/{}/{what}?key={}", self.origin, self.topic, self.key);
        let answer = self.http.request(method, url).body(body.to_string()).send().await?;
        if !answer.status().is_success() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(&answer.bytes().await?)).into());
        }
        Ok(())
    }

    /// The next tally, and with some of them a cost.
    async fn next(&mut self) -> Done<(Tally, Option<Cost>)> {
        loop {
            let message = timeout(PATIENCE, self.observer.next()).await?.ok_or("the server is gone")??;
            if message.is_text()
                && let ToObserver::Crowd(told) = serde_json::from_str(message.to_text()?)?
            {
                return Ok((told.tally, told.cost));
            }
        }
    }

    async fn until(&mut self, is_it: impl Fn(&Tally) -> bool) -> Done<()> {
        let wait = async {
            while !is_it(&self.next().await?.0) {}
            Ok(())
        };
        timeout(PATIENCE, wait).await.map_err(|_| "what is waited for does not come")?
    }

    /// Until all have come once more and are connected.
    async fn back(&mut self, clients: u32) -> Done<Back> {
        let mut back = Back::default();
        let mut served = 0;
        let wait = async {
            loop {
                let (tally, _) = self.next().await?;
                back.tallies += 1;
                back.refused += tally.refused;
                served += tally.served;
                if served >= clients && tally.open == clients {
                    return Ok(());
                }
            }
        };
        let waited: Done<()> = timeout(PATIENCE, wait).await.map_err(|_| "they don't all come back")?;
        waited.map(|()| back)
    }

    /// The costs of some seconds. The first is left out: it began in another phase.
    async fn costs(&mut self) -> Done<Vec<Cost>> {
        let mut costs = Vec::new();
        while costs.len() <= SECONDS {
            costs.extend(self.next().await?.1);
        }
        Ok(costs.split_off(1))
    }

    /// Ends the server in order; what it had to say of warnings and errors.
    async fn end(self) -> Done<String> {
        let pid = self.child.id().ok_or("the server is gone")?;
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        drop(self.observer);
        let output = timeout(PATIENCE, self.child.wait_with_output()).await??;
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// What came of a cut.
#[derive(Default)]
struct Back {
    /// How long it took, in tallies.
    tallies: usize,
    refused: u32,
}

fn lane(transport: Transport) -> Value {
    let backoff = json!({"kind": "full-jitter", "base_ms": 1_000, "cap_ms": 4_000});
    match transport {
        Transport::ShortPoll => json!({"transport": "short-poll", "interval_ms": 1_000}),
        Transport::LongPoll => json!({"transport": "long-poll", "timeout_ms": 25_000, "backoff": backoff}),
        Transport::WebSocket => json!({"transport": "websocket", "backoff": backoff}),
        Transport::Sse => json!({"transport": "sse", "retry_ms": 1_500}),
    }
}

/// What one measurement found.
#[derive(Default)]
struct Found {
    connection_bytes: Vec<f64>,
    kernel_bytes: Vec<f64>,
    /// Processor time for a second of one connection on which nothing is published.
    idle_us: Vec<f64>,
    delivery_us: Vec<f64>,
}

impl Found {
    async fn take(&mut self, transport: Transport, clients: u32) -> Done<()> {
        let mut stage = Stage::set().await?;
        let crowd =
            json!({"clients": clients, "lane": lane(transport), "ramp_ms": 2_000, "hold_ms": 600_000});
        stage.ask(reqwest::Method::POST, "crowd", &crowd).await?;
        stage.until(|tally| tally.open == clients).await?;
        for cost in stage.costs().await? {
            let open = f64::from(cost.open.max(1));
            self.connection_bytes.extend(cost.per_connection_bytes().map(|bytes| bytes as f64));
            self.kernel_bytes.extend(cost.kernel_bytes.map(|bytes| bytes as f64 / open));
            let seconds = cost.span_us as f64 / 1e6;
            self.idle_us.extend(cost.cpu_us.map(|us| us as f64 / open / seconds));
        }
        // As often as a poller asks, so that each event is one delivery on every transport.
        let publish = json!({"publish": {"every_ms": 1_000, "spread": "fixed"}});
        stage.ask(reqwest::Method::PATCH, "experiment", &publish).await?;
        for cost in stage.costs().await? {
            let delivered = f64::from(cost.delivered);
            if cost.delivered > 0 {
                self.delivery_us.extend(cost.cpu_us.map(|us| us as f64 / delivered));
            }
        }
        said_nothing(&stage.end().await?)
    }
}

fn said_nothing(said: &str) -> Done<()> {
    if said.trim().is_empty() { Ok(()) } else { Err(format!("the server complained:\n{said}").into()) }
}

/// Median, least and most; `None` where nothing could be read.
fn spread(values: &mut [f64]) -> Option<(f64, f64, f64)> {
    values.sort_by(f64::total_cmp);
    Some((*values.get(values.len() / 2)?, *values.first()?, *values.last()?))
}

fn cell(values: &mut [f64]) -> String {
    spread(values)
        .map_or("?".to_owned(), |(median, least, most)| format!("{median:.0} ({least:.0} to {most:.0})"))
}

async fn measure(file: &str) -> Done<()> {
    let machine = machine();
    println!("On {machine}. Median (least to most).");
    println!(
        "{:<10} {:>6}  {:<26} {:<22} {:<22} {:<22}",
        "transport", "n", "bytes/connection", "kernel bytes/conn.", "us/s, nothing new", "us/delivery"
    );
    let (mut bytes, mut delivery) = (BTreeMap::new(), BTreeMap::new());
    for transport in Transport::ALL {
        for clients in SIZES {
            let mut found = Found::default();
            for _ in 0..TIMES {
                found.take(transport, clients).await?;
            }
            println!(
                "{:<10} {clients:>6}  {:<26} {:<22} {:<22} {:<22}",
                transport.name(),
                cell(&mut found.connection_bytes),
                cell(&mut found.kernel_bytes),
                cell(&mut found.idle_us),
                cell(&mut found.delivery_us)
            );
            // The largest comes last: with it what is there anyhow counts least.
            if let Some((median, ..)) = spread(&mut found.connection_bytes) {
                bytes.insert(transport.name(), median.round());
            }
            if let Some((median, ..)) = spread(&mut found.delivery_us) {
                delivery.insert(transport.name(), (median * 10.0).round() / 10.0);
            }
        }
    }
    let date = Command::new("date").args(["-u", "+%F"]).output().await?.stdout;
    let costs = json!({
        "per_connection_bytes": bytes,
        "per_delivery_us": delivery,
        "machine": machine,
        "measured": String::from_utf8(date)?.trim(),
    });
    std::fs::write(file, serde_json::to_string_pretty(&costs)? + "\n")?;
    println!("Written to {file}.");
    Ok(())
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut text = String::new();
    let read = std::fs::File::open("/proc/cpuinfo").and_then(|mut file| file.read_to_string(&mut text));
    let model = text.lines().find_map(|line| line.strip_prefix("model name")).filter(|_| read.is_ok());
    let model = model.map_or("an unknown processor", |rest| rest.trim_start_matches([':', '\t', ' ']));
    format!("{cores} cores of {model}, {}", std::env::consts::OS)
}

/// The strategies of the book's herd, with shorter waits: what each client is, and what its server
/// does.
fn strategies() -> [(&'static str, Value, Value); 8] {
    let socket = |kind: &str| {
        let mut backoff = json!({"kind": kind, "base_ms": 500});
        if kind != "fixed" {
            backoff["cap_ms"] = json!(4_000);
        }
        json!({"transport": "websocket", "backoff": backoff})
    };
    let stream = |client: &str| json!({"transport": "sse", "retry_ms": 500, "client": client});
    [
        ("fixed delay", socket("fixed"), json!({})),
        ("exponential", socket("exponential"), json!({})),
        ("full jitter", socket("full-jitter"), json!({})),
        ("equal jitter", socket("equal-jitter"), json!({})),
        ("decorrelated", socket("decorrelated-jitter"), json!({})),
        ("spread retry", stream("event-source"), json!({"retry_spread_ms": 3_000})),
        ("Retry-After", stream("fetch"), json!({"retry_after_ms": 3_000})),
        ("paced drain", socket("full-jitter"), json!({"drain_ms": 3_000})),
    ]
}

/// What a row's server can take in a soak, a second and waiting: all fit in within two seconds, and not
/// at once.
const CAPACITY_PARTS: u32 = 2;
const BACKLOG_PARTS: u32 = 5;

/// Many come, are cut all at once, and come back, again and again, with each strategy.
async fn soak(rounds: usize, clients: u32) -> Done<()> {
    let mut stage = Stage::set().await?;
    let mut memory_bytes: Vec<u64> = Vec::new();
    for round in 1..=rounds {
        let mut outcomes = Vec::new();
        for (name, lane, mut server) in strategies() {
            server["capacity_s"] = json!(clients.div_ceil(CAPACITY_PARTS));
            server["backlog"] = json!(clients.div_ceil(BACKLOG_PARTS));
            let crowd = json!({"clients": clients, "lane": lane, "server": server, "ramp_ms": 1_000,
                "hold_ms": 600_000});
            stage.ask(reqwest::Method::POST, "crowd", &crowd).await?;
            stage.until(|tally| tally.open == clients).await?;
            // Who is cut must not come back before the server is down.
            stage.ask(reqwest::Method::POST, "faults", &json!({"kind": "refuse", "for_ms": 500})).await?;
            stage.ask(reqwest::Method::POST, "faults", &json!({"kind": "drop"})).await?;
            let back = stage.back(clients).await.map_err(|e| format!("{name}: {e}"))?;
            outcomes.push(format!("{name} {} in {:.1} s", back.refused, back.tallies as f64 / 10.0));
        }
        stage.ask(reqwest::Method::DELETE, "crowd", &Value::Null).await?;
        let pid = stage.child.id().ok_or("the server is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory is told")?;
        let bytes = line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024;
        println!(
            "  crowd, round {round}: {clients} dropped and back with each of 8 strategies; server {:.2} MB",
            bytes as f64 / 1e6
        );
        if round == 1 {
            println!("  turned away, and back after: {}", outcomes.join(", "));
        }
        memory_bytes.push(bytes);
    }
    said_nothing(&stage.end().await?)?;
    // The first rounds let everything grow to its size.
    let (settled, last) = (memory_bytes.get(1).copied(), memory_bytes.last().copied());
    if let (Some(settled), Some(last)) = (settled, last)
        && last > settled + settled / 10
    {
        return Err(format!("the server's memory is not back where it was: {memory_bytes:?}").into());
    }
    Ok(())
}
