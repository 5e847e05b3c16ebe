//! What the checks need besides Rust: installed where that may be done, and otherwise named.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::{run, step};
use crate::workspace::Workspace;

/// Programs, and Debian's packages of them.
const PACKAGES: [(&[&str], &str); 4] = [
    (&["chromium", "chromium-browser", "google-chrome"], "chromium"),
    (&["chromedriver"], "chromium-driver"),
    (&["firefox-esr", "firefox"], "firefox-esr"),
    (&["npm"], "npm"),
];

/// The same for WebKitGTK, which is there for Linux only, and the screen that it needs. Its browser
/// comes with its driver, and is on no path.
const WEBKIT: [(&str, &str); 2] = [("WebKitWebDriver", "webkit2gtk-driver"), ("Xvfb", "xvfb")];

/// What a machine without a font has too few of: the pictures would show boxes.
const FONT: (&str, &str) = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core");

const MDBOOK: &str = "0.5.4";
const GECKODRIVER: &str = "0.37.1";
const AXE_CORE: &str = "4.14.1";

/// The programs and files that the browser tests are given.
#[derive(Debug)]
pub(crate) struct BrowserTools {
    /// Chromium.
    pub chromium: PathBuf,
    /// Its driver.
    pub chromedriver: PathBuf,
    /// Firefox.
    pub firefox: PathBuf,
    /// Its driver.
    pub geckodriver: PathBuf,
    /// WebKitGTK, on Linux.
    pub webkit: Option<WebKit>,
    /// The accessibility checker, to be run in a page.
    pub axe: PathBuf,
    /// mdBook itself, for the plain way.
    pub mdbook: PathBuf,
}

/// WebKitGTK's programs.
#[derive(Debug)]
pub(crate) struct WebKit {
    /// The smallest browser around it.
    pub browser: PathBuf,
    /// Its driver.
    pub driver: PathBuf,
    /// The screen that it needs.
    pub xvfb: PathBuf,
}

/// Finds or installs what the browser tests need.
pub(crate) fn for_browsers(workspace: &Workspace) -> Result<BrowserTools> {
    let mut missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(programs, _)| find(programs).is_none())
        .map(|(_, package)| *package)
        .collect();
    if cfg!(target_os = "linux") {
        missing
            .extend(WEBKIT.iter().filter(|(name, _)| find(&[name]).is_none()).map(|(_, package)| *package));
        if !PathBuf::from(FONT.0).is_file() && !missing.is_empty() {
            missing.push(FONT.1);
        }
    }
    install_packages(&missing)?;
    let program = |index: usize| find(PACKAGES[index].0).context("a package did not bring its program");
    Ok(BrowserTools {
        chromium: program(0)?,
        chromedriver: program(1)?,
        firefox: program(2)?,
        geckodriver: by_cargo(workspace, "geckodriver", GECKODRIVER)?,
        webkit: if cfg!(target_os = "linux") { Some(webkit()?) } else { None },
        axe: axe(workspace)?,
        mdbook: mdbook(workspace)?,
    })
}

/// WebKitGTK, which is installed. Its browser lies in a folder named after the machine and the API.
fn webkit() -> Result<WebKit> {
    let program = |name: &str| find(&[name]).with_context(|| format!("a package did not bring {name}"));
    let folders = |at: &str| fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path());
    let browser = folders("/usr/lib")
        .chain(["/usr/libexec".into(), "/usr/lib64".into()])
        .flat_map(|folder| folders(&folder.to_string_lossy()).collect::<Vec<_>>())
        .filter(|folder| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("webkit")))
        .map(|folder| folder.join("MiniBrowser"))
        .find(|browser| browser.is_file())
        .context("no MiniBrowser below /usr/lib or /usr/libexec: it comes with WebKitGTK's driver")?;
    Ok(WebKit { browser, driver: program(WEBKIT[0].0)?, xvfb: program(WEBKIT[1].0)? })
}

/// `tcpdump` and `tshark`, for the capture tests.
pub(crate) fn for_capture() -> Result<()> {
    let missing: Vec<&str> =
        ["tcpdump", "tshark"].into_iter().filter(|program| find(&[program]).is_none()).collect();
    install_packages(&missing)
}

/// mdBook, the plain program.
pub(crate) fn mdbook(workspace: &Workspace) -> Result<PathBuf> {
    by_cargo(workspace, "mdbook", MDBOOK)
}

/// Whether we may install packages and read packets.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

/// A program on the path.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.is_file()))
}

/// Debian's packages, as root; anyone else is told which.
fn install_packages(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if find(&["apt-get"]).is_none() || !is_root() {
        bail!(
            "these tests need more programs. Install them, then run this again (Debian: sudo apt-get install {list})"
        );
    }
    step(&format!("tools: install {list}"), || {
        let apt = || {
            let mut apt = Command::new("apt-get");
            apt.env("DEBIAN_FRONTEND", "noninteractive");
            apt
        };
        run(apt().arg("update"))?;
        run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
    })?;
    Ok(())
}

/// A program from crates.io, of a version that we know works.
fn by_cargo(workspace: &Workspace, name: &str, version: &str) -> Result<PathBuf> {
    let root = workspace.tools();
    let own = root.join("bin").join(name);
    let found = find(&[name]).filter(|program| says_version(program, version));
    if let Some(program) = found.or_else(|| Some(own.clone()).filter(|own| says_version(own, version))) {
        return Ok(program);
    }
    step(&format!("tools: install {name} {version} (takes minutes, once)"), || {
        run(workspace.cargo().args(["install", name, "--locked", "--version", version, "--root"]).arg(&root))
    })?;
    Ok(own)
}

fn says_version(program: &PathBuf, version: &str) -> bool {
    let out = Command::new(program).arg("--version").output();
    out.is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains(version))
}

/// The accessibility checker, from npm.
fn axe(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.tools().join("axe");
    let script = folder.join("package/axe.min.js");
    if script.is_file() {
        return Ok(script);
    }
    step("tools: fetch axe-core", || {
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let package = format!("axe-core@{AXE_CORE}");
        let said = run(Command::new("npm").current_dir(&folder).args(["pack", "--silent", &package]))?;
        let archive = said.lines().next_back().context("npm did not say what it wrote")?.trim().to_owned();
        run(Command::new("tar").current_dir(&folder).args(["-xzf", &archive, "package/axe.min.js"]))
    })?;
    Ok(script)
}
