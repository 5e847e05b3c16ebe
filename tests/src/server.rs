//! A `standby serve` of a test's own, to be killed and started again at will.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::setup::Setup;
use crate::wait::CAP;

/// A server that runs, or has been killed.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    book: PathBuf,
    /// Besides the address and the book.
    flags: &'static [&'static str],
    child: Child,
    // Held, so that the server can go on writing.
    _out: BufReader<ChildStdout>,
    http: reqwest::Client,
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub origin: String,
}

impl Server {
    /// Starts one on a port that the system chooses.
    pub(crate) async fn start(setup: &Setup) -> Result<Self> {
        Self::start_with(setup, setup.book()).await
    }

    /// Starts one with another copy of the book.
    pub(crate) async fn start_with(setup: &Setup, book: PathBuf) -> Result<Self> {
        Self::start_at(setup.server.clone(), book, "127.0.0.1:0", &[]).await
    }

    /// Starts one on a given address.
    pub(crate) async fn start_on(setup: &Setup, addr: &str) -> Result<Self> {
        Self::start_at(setup.server.clone(), setup.book(), addr, &[]).await
    }

    /// Starts one with flags of its own.
    pub(crate) async fn start_with_flags(setup: &Setup, flags: &'static [&'static str]) -> Result<Self> {
        Self::start_at(setup.server.clone(), setup.book(), "127.0.0.1:0", flags).await
    }

    async fn start_at(
        program: PathBuf,
        book: PathBuf,
        addr: &str,
        flags: &'static [&'static str],
    ) -> Result<Self> {
        let (child, out, origin) = launch(&program, &book, addr, flags).await?;
        Ok(Self { program, book, flags, child, _out: out, http: reqwest::Client::new(), origin })
    }

    /// Ends it at once, as a crash would: nothing is drained.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.context("killing the server")
    }

    /// Starts it again where it was.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let addr = self.origin.trim_start_matches("http://").to_owned();
        (self.child, self._out, self.origin) = launch(&self.program, &self.book, &addr, self.flags).await?;
        Ok(())
    }

    /// A path's whole address.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{}", self.origin, path.trim_start_matches('/'))
    }

    /// Publishes to a topic, as `curl` would.
    pub(crate) async fn publish(&self, topic: &str, data: &Value) -> Result<u64> {
        let body = serde_json::json!({ "data": data });
        let url = self.url(&format!("api/topics/{topic}/events"));
        let answer = self.http.post(url).json(&body).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        answer["id"].as_u64().context("a publishing request is answered with an id")
    }

    /// Polls a topic for all that it has, as `curl` would: the ids that came.
    pub(crate) async fn poll(&self, topic: &str) -> Result<Vec<u64>> {
        let url = self.url(&format!("api/topics/{topic}/poll?after=0"));
        let answer: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let events = answer["events"].as_array().context("an answer has events")?;
        events.iter().map(|event| event["id"].as_u64().context("an event has an id")).collect()
    }

    /// A number from `/metrics`: the sum over all lines of that name with that label in them.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let text = self.http.get(self.url("metrics")).send().await?.error_for_status()?.text().await?;
        let mut lines = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']) && rest.contains(label))
        });
        let numbers = lines.by_ref().map(|line| line.rsplit(' ').next().unwrap_or_default().parse::<f64>());
        let numbers = numbers.collect::<Result<Vec<_>, _>>().context("reading /metrics")?;
        if numbers.is_empty() {
            bail!("/metrics has no `{name}` with `{label}`:\n{text}");
        }
        Ok(numbers.iter().sum())
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let pid = self.child.id().context("the server does not run")?;
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).context("reading the server's memory")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib * 1024)
    }
}

async fn launch(
    program: &PathBuf,
    book: &PathBuf,
    addr: &str,
    flags: &[&str],
) -> Result<(Child, BufReader<ChildStdout>, String)> {
    let mut child = Command::new(program)
        .args(["serve", "--addr", addr, "--book"])
        .arg(book)
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let mut out = BufReader::new(child.stdout.take().context("no standard output")?);
    let listens = async {
        let mut line = String::new();
        while out.read_line(&mut line).await? > 0 {
            if let Some(at) = line.find("http://") {
                let url = line[at..].split_whitespace().next().unwrap_or_default();
                return Ok(url.trim_end_matches('/').to_owned());
            }
            line.clear();
        }
        bail!("the server ended before it listened")
    };
    let origin =
        tokio::time::timeout(CAP, listens).await.context("the server did not say where it listens")??;
    Ok((child, out, origin))
}
