//! What BiDi does in the other engines: a copy of the book whose pages tell of themselves.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::setup::Setup;

/// Stands before all other scripts of every page: as [`super::BEFORE_ALL`], and keeps what the page
/// says on its console and what it asks for. What a browser says by itself, such as of a policy that
/// was broken, a page never learns.
const SCRIPT: &str = "<script>(() => {
    window.print = () => {};
    window.socketsOpened = [];
    window.asked = [];
    window.errorsSeen = [];
    const wrap = (name, keep) => {
        window[name] = class extends window[name] {
            constructor(url, ...rest) {
                super(url, ...rest);
                keep.push(String(new URL(url, location)));
            }
        };
    };
    wrap('WebSocket', window.socketsOpened);
    wrap('EventSource', window.asked);
    const { fetch } = window;
    window.fetch = (what, ...rest) => {
        window.asked.push(String(new URL(what?.url ?? what, location)));
        return fetch(what, ...rest);
    };
    const { error } = console;
    console.error = (...words) => {
        window.errorsSeen.push(words.map(String).join(' '));
        error.apply(console, words);
    };
    addEventListener('unhandledrejection', event => window.errorsSeen.push(String(event.reason)));
    addEventListener('error', event => window.errorsSeen.push(
        event.message ?? `${event.target.outerHTML.slice(0, 200)} could not be loaded`), true);
})()</script>";

/// A script that tells of it. A page without [`SCRIPT`] knows at least what it has loaded.
pub(super) const TELL: &str = "const loaded = performance.getEntriesByType('resource').map(e => e.name); \
                               return { errors: window.errorsSeen ?? [], requests: [location.href, ...loaded, \
                               ...(window.asked ?? []), ...(window.socketsOpened ?? [])] }";

/// Makes the copy. A page for print opens a dialogue otherwise, as in the other engines.
pub(crate) fn book(setup: &Setup) -> Result<PathBuf> {
    let copy = setup.target.join("xtask/book-for-webkit");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("removing {}", copy.display()))?;
    }
    copy_folder(&setup.root.join("book"), &copy)?;
    Ok(copy)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let to = to.join(name);
        if path.is_dir() {
            copy_folder(&path, &to)?;
        } else if path.extension().is_some_and(|ext| ext == "html") {
            let html = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let html = html.replacen("<head>", &format!("<head>{SCRIPT}"), 1);
            fs::write(&to, html).with_context(|| format!("writing {}", to.display()))?;
        } else {
            fs::copy(&path, &to).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}
