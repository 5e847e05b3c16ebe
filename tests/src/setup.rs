//! Where things are, as `cargo xtask` says.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// What the tests are given.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The workspace.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// The program `standby`.
    pub server: PathBuf,
    /// Chromium and its driver.
    pub chromium: [PathBuf; 2],
    /// Firefox and its driver.
    pub firefox: [PathBuf; 2],
    /// WebKitGTK. On Linux always, elsewhere never.
    pub webkit: Option<WebKit>,
    /// axe-core's script.
    pub axe: PathBuf,
    /// The program `mdbook`.
    pub mdbook: PathBuf,
}

/// WebKitGTK's programs.
#[derive(Clone, Debug)]
pub(crate) struct WebKit {
    /// The smallest browser around it.
    pub browser: PathBuf,
    /// Its driver.
    pub driver: PathBuf,
    /// The screen that it needs.
    pub xvfb: PathBuf,
}

impl Setup {
    /// Reads the environment.
    pub(crate) fn from_env() -> Result<Self> {
        let path = |name: &str| {
            let value = std::env::var_os(name);
            value
                .map(PathBuf::from)
                .with_context(|| format!("{name} is not set: call `cargo xtask test browser`"))
        };
        Ok(Self {
            root: path("STANDBY_ROOT")?,
            target: path("STANDBY_TARGET")?,
            server: path("STANDBY_SERVER")?,
            chromium: [path("STANDBY_CHROMIUM")?, path("STANDBY_CHROMEDRIVER")?],
            firefox: [path("STANDBY_FIREFOX")?, path("STANDBY_GECKODRIVER")?],
            webkit: if cfg!(target_os = "linux") {
                Some(WebKit {
                    browser: path("STANDBY_MINIBROWSER")?,
                    driver: path("STANDBY_WEBKITDRIVER")?,
                    xvfb: path("STANDBY_XVFB")?,
                })
            } else {
                None
            },
            axe: path("STANDBY_AXE")?,
            mdbook: path("STANDBY_MDBOOK")?,
        })
    }

    /// The built book.
    pub(crate) fn book(&self) -> PathBuf {
        self.root.join("book")
    }

    /// Where pictures go.
    pub(crate) fn screens(&self) -> PathBuf {
        self.target.join("screens")
    }
}
