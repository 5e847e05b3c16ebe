//! The program `standby`: `standby serve` serves the book, its widgets and the API from one origin.

use std::io::{self, ErrorKind, Write as _};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use standby_server::{AppState, Config, app, crowd, net};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A book on real-time updates, and the server that its experiments run against
#[derive(Parser)]
#[command(name = "standby", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the book, its widgets and the API
    #[command(
        after_help = "Logs go to standard error. RUST_LOG sets how much: `RUST_LOG=standby_server=debug`."
    )]
    Serve {
        /// Where to listen: an address and a port, or a port alone (`:0` picks a free one). With
        /// 0.0.0.0 others on the network can open it
        #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3000", value_parser = listen_address)]
        addr: SocketAddr,
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Be a crowd of clients, as a server orders on standard input
    #[command(hide = true)]
    Crowd,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    let mut runtime = match command {
        Command::Serve { .. } => tokio::runtime::Builder::new_multi_thread(),
        // One thread is enough for thousands of clients, and leaves the others to the server.
        Command::Crowd => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&format!("the system gives no threads: {e}")),
    };
    let done = match command {
        Command::Serve { addr, config } => runtime.block_on(serve(addr, *config)),
        Command::Crowd => {
            let done = runtime.block_on(crowd::program::run()).map_err(|e| format!("no crowd: {e}"));
            // Reading standard input can't be cut short, and what it would give nobody waits for.
            runtime.shutdown_background();
            done
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> ExitCode {
    // Standard error may be gone; there is no one left to tell then.
    let _ = writeln!(io::stderr(), "standby: {message}");
    ExitCode::FAILURE
}

async fn serve(addr: SocketAddr, config: Config) -> Result<(), String> {
    let listener = TcpListener::bind(addr).await.map_err(|e| cannot_listen(addr, &e))?;
    let addr = listener.local_addr().map_err(|e| cannot_listen(addr, &e))?;
    let limits = config.limits;
    allow_connections(limits.max_connections);
    let (router, state) = app(config).map_err(|e| e.to_string())?;
    match std::env::current_exe() {
        Ok(program) => state.crowds.open(crowd::Place { addr, program }, state.config.crowd),
        Err(e) => tracing::warn!("there can be no crowds: this program's own file is not known: {e}"),
    }
    // Before the line that says where: whoever started the program may stop it as soon as it has that.
    let signals = Signals::listen().map_err(|e| format!("cannot listen for signals: {e}"))?;
    say_where(addr).map_err(|e| format!("cannot write to standard output: {e}"))?;

    tokio::spawn(stop_on_signal(signals, state.shutdown.clone()));
    tokio::spawn(expire_now_and_then(state.clone()));
    let served = net::serve(listener, router, limits, state.shutdown.clone()).await;
    state.shutdown.cancel();
    state.tasks.close();
    // Sockets are told to close, and get as long for it as other connections.
    if tokio::time::timeout(Duration::from_millis(limits.drain_ms), state.tasks.wait()).await.is_err() {
        tracing::warn!(left = state.tasks.len(), "some WebSockets did not close in time");
    }
    served.map_err(|e| format!("cannot serve on {addr}: {e}"))?;
    tracing::info!("stopped");
    Ok(())
}

/// A connection is an open file, and systems give a program few of them until it asks.
fn allow_connections(connections: usize) {
    // Besides connections: the listener, standard streams, the runtime's own, files of the book.
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(64);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(files) if files < wanted => {
            tracing::warn!(
                files,
                "the system lets this program open fewer files than --max-connections; `ulimit -n {wanted}` raises it"
            );
        }
        Ok(_) => {}
        Err(e) => tracing::warn!("cannot raise the limit of open files: {e}"),
    }
}

/// History is tidied when it is used; this is for topics that nobody uses any more.
async fn expire_now_and_then(state: AppState) {
    let mut tick = tokio::time::interval(Duration::from_secs(30));
    loop {
        tick.tick().await;
        state.topics.expire();
    }
}

/// The first signal ends the server in order, the second at once.
async fn stop_on_signal(mut signals: Signals, shutdown: CancellationToken) {
    let name = signals.next().await;
    tracing::info!("{name}: closing connections in order; once more stops at once");
    shutdown.cancel();
    signals.next().await;
    std::process::exit(130);
}

/// The signals by which a program is asked to stop.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The signals by which a program is asked to stop.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

/// The first line with `http://` is where it listens: programs that start the server read it.
fn say_where(addr: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if !addr.ip().is_unspecified() {
        writeln!(out, "Standby is at http://{addr}")?;
        return out.flush();
    }
    let port = addr.port();
    writeln!(out, "Standby is at http://localhost:{port}")?;
    let others: Vec<IpAddr> = network_addresses();
    if others.is_empty() {
        writeln!(out, "No other address of this machine was found: is it on a network?")?;
    }
    for ip in others {
        writeln!(out, "Others on the network can open http://{}", SocketAddr::new(ip, port))?;
    }
    out.flush()
}

/// Addresses under which others can reach this machine. IPv6 link-local ones need a zone, which no
/// browser takes.
fn network_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let addresses =
        interfaces.iter().filter(|i| !i.is_loopback() && !i.is_link_local()).map(if_addrs::Interface::ip);
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(|ip| (ip.is_ipv6(), *ip));
    addresses
}

fn cannot_listen(addr: SocketAddr, e: &io::Error) -> String {
    match e.kind() {
        ErrorKind::AddrInUse => {
            let next = SocketAddr::new(addr.ip(), addr.port().checked_add(1).unwrap_or(3000));
            format!(
                "{addr} is taken by another program. Stop that one, or choose another port: \
                 `standby serve --addr {next}` (or `--addr :0` for any that is free)"
            )
        }
        ErrorKind::PermissionDenied => {
            format!(
                "{addr} may not be used: ports below 1024 need rights. Choose one above: `--addr {}`",
                SocketAddr::new(addr.ip(), 3000)
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!("{} is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them", addr.ip())
        }
        _ => format!("cannot listen on {addr}: {e}"),
    }
}

/// `127.0.0.1:3000`, `localhost:3000`, `[::1]:3000`, `:3000` or `3000`.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    let text =
        if port.bytes().all(|b| b.is_ascii_digit()) { format!("127.0.0.1:{port}") } else { text.to_owned() };
    let addresses = text.to_socket_addrs();
    addresses.ok().and_then(|mut found| found.next()).ok_or_else(|| {
        "give an address and a port, as in 127.0.0.1:3000, or a port alone, as in :3000".to_owned()
    })
}
