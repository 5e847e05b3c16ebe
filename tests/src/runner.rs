//! Runs the cases in all engines, each with a server and a browser of its own.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::browser::{Browser, Engine, webkit};
use crate::cases;
use crate::server::Server;
use crate::setup::Setup;

/// What a case is given.
pub(crate) struct Test<'a> {
    /// Where things are.
    pub setup: &'a Setup,
    /// A browser with one empty tab.
    pub browser: Browser,
    /// A server with the book.
    pub server: Server,
    /// The built book, or this engine's copy of it.
    pub book: &'a PathBuf,
}

/// A case on its way.
pub(crate) type Trying<'t> = Pin<Box<dyn Future<Output = Result<()>> + 't>>;

/// Something that must hold.
pub(crate) struct Case {
    /// Its name, as it is filtered by.
    pub name: &'static str,
    /// Engines that it does not run in, and why.
    pub not_in: &'static [(Engine, &'static str)],
    /// Tries it.
    pub run: for<'t> fn(&'t mut Test<'_>) -> Trying<'t>,
}

/// However slow the machine is, a case that takes longer hangs.
const CAP: Duration = Duration::from_secs(300);

/// Runs all cases whose name, or whose engine's, holds `filter`. The last line is as Rust's own test
/// programs write it.
pub(crate) async fn run(setup: &Setup, filter: Option<&str>) -> Result<bool> {
    let (mut passed, mut failed, mut found) = (0, 0, false);
    for engine in Engine::of(setup) {
        let mut book = setup.book();
        if engine == Engine::WebKit {
            book = webkit::book(setup)?;
        }
        for case in cases::all() {
            let name = format!("{engine}::{}", case.name);
            if filter.is_some_and(|filter| !name.contains(filter)) {
                continue;
            }
            if let Some((_, why)) = case.not_in.iter().find(|(not, _)| *not == engine) {
                found = true;
                println!("test {name} is none: {why}");
                continue;
            }
            let start = Instant::now();
            let done = one(setup, engine, &book, &case, &name).await;
            let seconds = start.elapsed().as_secs_f64();
            match done {
                Ok(()) => {
                    passed += 1;
                    println!("test {name} ... ok ({seconds:.1} s)");
                }
                Err(e) => {
                    failed += 1;
                    println!("test {name} ... FAILED ({seconds:.1} s)\n{e:?}\n");
                }
            }
        }
    }
    if passed + failed == 0 && !found {
        failed = 1;
        println!("no browser test's name holds {:?}", filter.unwrap_or_default());
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed");
    Ok(failed == 0)
}

async fn one(setup: &Setup, engine: Engine, book: &PathBuf, case: &Case, name: &str) -> Result<()> {
    let server = Server::start_with(setup, book.clone()).await?;
    let browser = Browser::start(setup, engine).await?;
    let mut test = Test { setup, browser, server, book };
    let done = tokio::time::timeout(CAP, (case.run)(&mut test)).await;
    let done = done.with_context(|| format!("took more than {} s", CAP.as_secs())).and_then(|done| done);
    let done = match done {
        Ok(()) => Ok(()),
        Err(e) => Err(e.context(keep(&test, name).await)),
    };
    test.browser.quit().await;
    done
}

/// Keeps a picture of the page, and says what its console said.
async fn keep(test: &Test<'_>, name: &str) -> String {
    let folder = test.setup.screens().join("failures");
    let path = folder.join(format!("{}.png", name.replace("::", "-")));
    let kept = match std::fs::create_dir_all(&folder) {
        Ok(()) => test.browser.screenshot(&path).await,
        Err(e) => Err(e.into()),
    };
    let picture = match kept {
        Ok(()) => format!("a picture is at {}", path.display()),
        Err(e) => format!("no picture could be taken: {e:#}"),
    };
    let errors = test.browser.take_seen().await.map(|seen| seen.errors);
    format!("failed; {picture}; on the console: {errors:?}")
}
