//! The server: building it, and one that runs.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::step::{run, step};
use crate::workspace::Workspace;

/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(20);
/// How long a server may take to drain.
const DRAIN: Duration = Duration::from_secs(5);

/// Builds it for work and tests, without the book inside.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    step("server: compile", || {
        run(workspace.cargo().args(["build", "--package", "standby-server", "--bin", "standby"]))
    })?;
    Ok(program(workspace, "debug"))
}

/// Builds it to publish, with the book inside.
pub(crate) fn build_release(workspace: &Workspace) -> Result<PathBuf> {
    step("server: compile for release, with the book inside", || {
        run(workspace
            .cargo()
            .args(["build", "--release", "--package", "standby-server", "--bin", "standby"])
            .env("STANDBY_BOOK", workspace.book()))
    })?;
    Ok(program(workspace, "release"))
}

fn program(workspace: &Workspace, profile: &str) -> PathBuf {
    workspace.target.join(profile).join(format!("standby{}", std::env::consts::EXE_SUFFIX))
}

/// Says at once, before anything is built, when something else listens there.
pub(crate) fn check_free(addr: SocketAddr) -> Result<()> {
    let Err(e) = TcpListener::bind(addr) else { return Ok(()) };
    let other = SocketAddr::new(addr.ip(), addr.port().checked_add(1).unwrap_or(0));
    bail!(
        "{addr} can't be used: {e}.\n\
         Stop what listens there, or choose another: cargo xtask serve --addr {other}"
    )
}

/// A server that runs.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts it, passes on what it prints, and waits until it listens.
    pub(crate) fn start(
        workspace: &Workspace,
        program: &PathBuf,
        addr: SocketAddr,
    ) -> Result<(Self, String)> {
        let mut child = Command::new(program)
            .current_dir(&workspace.root)
            .args(["serve", "--addr", &addr.to_string(), "--live-reload", "--book"])
            .arg(workspace.book())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let out = child.stdout.take().context("no standard output")?;
        let (send, receive) = channel();
        thread::spawn(move || {
            let mut told = false;
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                println!("  {line}");
                if let Some(at) = line.find("http://").filter(|_| !told) {
                    told = true;
                    let url = line[at..].split_whitespace().next().unwrap_or_default().to_owned();
                    // Nobody listens any more when it took too long.
                    let _ = send.send(url);
                }
            }
        });
        let mut running = Self { child };
        match receive.recv_timeout(START) {
            Ok(url) => Ok((running, url)),
            Err(RecvTimeoutError::Timeout) => {
                running.stop();
                bail!("the server did not say within {} s where it listens", START.as_secs())
            }
            Err(RecvTimeoutError::Disconnected) => {
                running.stop();
                bail!("the server stopped at once; what it printed above says why")
            }
        }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets it drain, and ends it when it takes too long.
    pub(crate) fn stop(&mut self) {
        if self.has_ended() {
            return;
        }
        if cfg!(unix) {
            // The standard library only knows SIGKILL, which would not drain.
            let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
            let start = Instant::now();
            while start.elapsed() < DRAIN {
                if self.has_ended() {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
