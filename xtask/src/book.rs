//! The book, by mdBook as a library, with our preprocessor in this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;
use mdbook_standby::Standby;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::step::step;
use crate::workspace::{Workspace, stamp};

/// The page's half of live reload, only in a book that `cargo xtask serve` serves.
const RELOAD_SCRIPT: &str = "xtask/assets/reload.js";
/// Where book.toml names the scripts of every page.
const SCRIPTS: &str = "output.html.additional-js";
/// `standby serve --live-reload` tells the pages when this file in the book changes.
const RELOAD_FILE: &str = ".reload";

/// What the book is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For<'a> {
    /// `cargo xtask serve`.
    Work,
    /// `cargo xtask record`: the experiments, none with a figure yet.
    Recording,
    /// To publish, at this address where it is known.
    Site(Option<&'a str>),
}

/// Builds the book into `book/` unless it is there already.
pub(crate) fn build(workspace: &Workspace, purpose: For<'_>) -> Result<()> {
    // The chapters include code from the crates, so a change there is one of the book.
    let sources =
        ["book.toml", "src", "theme", "experiments", "crates", "playground", "server", RELOAD_SCRIPT];
    let mut paths: Vec<PathBuf> = sources.iter().map(|path| workspace.path(path)).collect();
    paths.push(std::env::current_exe()?);
    let fresh = stamp(&paths, &format!("{purpose:?}"));
    if workspace.is_fresh("book", fresh) && workspace.book().join("index.html").is_file() {
        return Ok(());
    }
    step("book", || {
        // Readers keep the old one until the new one is whole.
        let next = workspace.path("book.next");
        render(workspace, purpose, &next)?;
        let (book, old) = (workspace.book(), workspace.path("book.old"));
        if book.exists() {
            fs::rename(&book, &old).with_context(|| format!("moving {} away", book.display()))?;
        }
        fs::rename(&next, &book).with_context(|| format!("moving the book to {}", book.display()))?;
        if old.exists() {
            fs::remove_dir_all(&old).with_context(|| format!("removing {}", old.display()))?;
        }
        workspace.remember("book", fresh)
    })
}

fn render(workspace: &Workspace, purpose: For<'_>, folder: &Path) -> Result<()> {
    let complaints = Complaints::default();
    let list = Arc::clone(&complaints.0);
    tracing::subscriber::with_default(complaints, || {
        let mut book = MDBook::load(&workspace.root)?;
        book.config.build.build_dir = folder.to_owned();
        match purpose {
            For::Work => {
                let mut scripts: Vec<PathBuf> = book.config.get(SCRIPTS)?.unwrap_or_default();
                scripts.push(RELOAD_SCRIPT.into());
                book.config.set(SCRIPTS, scripts)?;
            }
            For::Site(Some(url)) => book.config.set("output.html.site-url", path_of(url)?)?,
            For::Recording | For::Site(None) => {}
        }
        book.with_preprocessor(match purpose {
            For::Recording => Standby::for_recording(),
            For::Work | For::Site(_) => Standby::default(),
        });
        book.build()
    })?;
    // mdBook logs a missing include or a tag that is not closed, and goes on. Whoever works on the
    // book is told; readers would see it, so nothing is published with it.
    let complaints = list.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    match purpose {
        _ if complaints.is_empty() => {}
        For::Work => println!("mdBook complains:\n{complaints}"),
        For::Recording | For::Site(_) => bail!("mdBook complains:\n{complaints}"),
    }
    if purpose == For::Work {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        fs::write(folder.join(RELOAD_FILE), now.to_string()).context("telling the pages to load anew")?;
    }
    if let For::Site(url) = purpose {
        // A published page has no server to try.
        fs::write(folder.join("standby.json"), "{\"api\": null}\n").context("writing standby.json")?;
        if let Some(url) = url {
            name_site(folder, url)?;
        }
    }
    Ok(())
}

/// The path of a URL, for mdBook: `https://example.org/standby/` → `/standby/`.
fn path_of(url: &str) -> Result<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
        bail!(
            "--site-url is `{url}`; expected the site's whole address, such as https://example.org/standby/"
        );
    };
    let path = rest.split_once('/').map_or("", |(_, path)| path.trim_end_matches('/'));
    Ok(if path.is_empty() { "/".to_owned() } else { format!("/{path}/") })
}

/// Link previews need the picture's whole address.
fn name_site(folder: &Path, url: &str) -> Result<()> {
    let whole = format!("content=\"{}/preview.png\"", url.trim_end_matches('/'));
    for page in crate::workspace::files_below(folder) {
        if page.extension().is_some_and(|ext| ext == "html") {
            let text = fs::read_to_string(&page)?;
            let mut named = String::with_capacity(text.len());
            for line in text.split_inclusive('\n') {
                match line.split_once("property=\"og:image\" ") {
                    Some((before, _)) => {
                        named.push_str(&format!("{before}property=\"og:image\" {whole}>\n"));
                    }
                    None => named.push_str(line),
                }
            }
            fs::write(&page, named)?;
        }
    }
    Ok(())
}

/// Keeps mdBook's warnings and errors.
#[derive(Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

impl Subscriber for Complaints {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mdbook") && *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_path_ends_and_begins_with_a_slash() {
        for (url, path) in [
            ("https://example.org", "/"),
            ("https://example.org/", "/"),
            ("http://example.org/standby", "/standby/"),
            ("https://example.org/a/b/", "/a/b/"),
        ] {
            assert_eq!(path_of(url).unwrap(), path);
        }
        assert!(path_of("example.org/standby").is_err());
    }
}
