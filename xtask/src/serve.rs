//! `cargo xtask serve`: widgets, book and server, rebuilt when something changes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use notify::{EventKind, RecursiveMode, Watcher as _};

use crate::server::Running;
use crate::step::took;
use crate::workspace::Workspace;
use crate::{book, server, widgets};

/// An editor writes several files in a row: wait until it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(100);
/// How often to look whether the server still runs.
const LOOK: Duration = Duration::from_millis(500);

/// What a change touches, in the order in which it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Widgets,
    Book,
    Server,
    /// This very program.
    Ourselves,
}

enum News {
    Changed(Part),
    Stop,
}

/// Builds, serves and watches until it is stopped.
pub(crate) fn serve(workspace: &Workspace, addr: SocketAddr, open: bool) -> Result<()> {
    let start = Instant::now();
    if addr.port() != 0 {
        server::check_free(addr)?;
    }
    println!("Building widgets, book and server. The first time takes some minutes.");
    widgets::build(workspace, widgets::Profile::Quick)?;
    book::build(workspace, book::For::Work)?;
    let program = server::build(workspace)?;

    let (send, receive) = channel();
    let to_stop = send.clone();
    ctrlc::set_handler(move || drop(to_stop.send(News::Stop))).context("listening for Ctrl-C")?;
    let _watcher = watch(workspace, send)?;

    let (running, url) = Running::start(workspace, &program, addr)?;
    println!("  Ready after {}. Changes are rebuilt; Ctrl-C ends it.", took(start.elapsed()));
    if open {
        open_browser(&url);
    }
    // Where the port was left to the system, a rebuilt server must come back on the same one.
    let addr = listens_at(addr, &url);
    follow(workspace, addr, running, &receive)
}

/// Rebuilds what changes until someone stops it.
fn follow(
    workspace: &Workspace,
    addr: SocketAddr,
    mut running: Running,
    news: &Receiver<News>,
) -> Result<()> {
    loop {
        let mut changed = BTreeSet::new();
        match news.recv_timeout(LOOK) {
            Ok(News::Changed(part)) => changed.insert(part),
            Err(RecvTimeoutError::Timeout) if running.has_ended() => {
                bail!("the server stopped by itself; what it printed above says why")
            }
            Err(RecvTimeoutError::Timeout) => continue,
            Ok(News::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        loop {
            match news.recv_timeout(QUIET) {
                Ok(News::Changed(part)) => drop(changed.insert(part)),
                Ok(News::Stop) => return Ok(()),
                Err(_) => break,
            }
        }
        // What fails is told, and what worked before stays.
        match rebuild(workspace, addr, &changed, running) {
            Ok(same) => running = same,
            Err((e, same)) => {
                println!("{e:#}\n  The one from before is still served.");
                running = same;
            }
        }
    }
}

/// Builds what has changed. The server is replaced only when the new one has been built.
fn rebuild(
    workspace: &Workspace,
    addr: SocketAddr,
    changed: &BTreeSet<Part>,
    mut running: Running,
) -> Result<Running, (anyhow::Error, Running)> {
    if changed.contains(&Part::Ourselves) {
        println!("  xtask or the preprocessor has changed: start `cargo xtask serve` again to use it.");
    }
    let build = || {
        if changed.contains(&Part::Widgets) {
            widgets::build(workspace, widgets::Profile::Quick)?;
        }
        book::build(workspace, book::For::Work)?;
        if changed.contains(&Part::Server) { server::build(workspace).map(Some) } else { Ok(None) }
    };
    match build() {
        Err(e) => Err((e, running)),
        Ok(None) => Ok(running),
        Ok(Some(program)) => {
            running.stop();
            match Running::start(workspace, &program, addr) {
                Ok((new, _)) => Ok(new),
                Err(e) => Err((e, running)),
            }
        }
    }
}

fn watch(workspace: &Workspace, send: Sender<News>) -> Result<impl notify::Watcher + use<>> {
    let root = workspace.root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        // Reading a file is an event too.
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in &event.paths {
            for part in touched(path.strip_prefix(&root).unwrap_or(path)) {
                let _ = send.send(News::Changed(*part));
            }
        }
    })
    .context("watching for changes")?;
    for path in
        ["src", "theme", "experiments", "playground", "crates", "server", "xtask", "book.toml", "Cargo.toml"]
    {
        watcher
            .watch(&workspace.path(path), RecursiveMode::Recursive)
            .with_context(|| format!("watching {path} for changes"))?;
    }
    Ok(watcher)
}

/// What a change of a file touches.
fn touched(path: &Path) -> &'static [Part] {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    let hidden =
        path.file_name().and_then(|n| n.to_str()).is_none_or(|n| n.starts_with('.') || n.ends_with('~'));
    match (parts.next(), parts.next()) {
        _ if hidden => &[],
        // Written by ourselves.
        (Some("src"), Some("standby")) => &[],
        (Some("src" | "theme" | "experiments" | "book.toml"), _) => &[Part::Book],
        (Some("playground"), _) | (Some("crates"), Some("figure")) => &[Part::Widgets],
        (Some("crates"), Some("mdbook-standby")) | (Some("xtask"), _) => &[Part::Ourselves],
        (Some("crates" | "Cargo.toml"), _) => &[Part::Widgets, Part::Server],
        (Some("server"), _) => &[Part::Server],
        _ => &[],
    }
}

/// Where it really listens, where the port was 0.
fn listens_at(asked: SocketAddr, url: &str) -> SocketAddr {
    let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
    SocketAddr::new(asked.ip(), port.unwrap_or(asked.port()))
}

/// Opens the book; where that fails the address is on the screen.
fn open_browser(url: &str) {
    let (program, args): (_, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/c", "start"]),
        _ => ("xdg-open", &[]),
    };
    if std::process::Command::new(program).args(args).arg(url).spawn().is_err() {
        println!("  No browser could be opened: open {url} yourself.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_rebuilds_what_it_touches_and_no_more() {
        for (path, parts) in [
            ("src/index.md", &[Part::Book][..]),
            ("src/standby/standby.js", &[]),
            ("theme/standby.css", &[Part::Book]),
            ("playground/src/lib.rs", &[Part::Widgets]),
            ("crates/transport/src/sse.rs", &[Part::Widgets, Part::Server]),
            ("crates/mdbook-standby/src/lib.rs", &[Part::Ourselves]),
            ("server/src/main.rs", &[Part::Server]),
            ("server/src/.main.rs.swp", &[]),
            ("README.md", &[]),
        ] {
            assert_eq!(touched(Path::new(path)), parts, "{path}");
        }
    }

    #[test]
    fn a_port_that_the_system_chose_is_kept() {
        let asked: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert_eq!(listens_at(asked, "http://127.0.0.1:41234/").port(), 41_234);
        assert_eq!(listens_at("127.0.0.1:3000".parse().unwrap(), "http://localhost:3000").port(), 3_000);
    }
}
