//! What happens in real browsers, by the package `standby-tests`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::step::{run, step};
use crate::workspace::Workspace;
use crate::{server, site, tools, widgets};

/// `cargo xtask screens`.
pub(crate) fn screens(workspace: &Workspace, name: Option<&str>) -> Result<()> {
    let mut command = prepare(workspace, whole_site)?;
    command.arg("screens").args(name);
    stream(command)
        .and_then(|(success, _)| if success { Ok(()) } else { bail!("not every picture could be taken") })
}

/// `cargo xtask record`. The book is built without figures first, and with them afterwards.
pub(crate) fn record(workspace: &Workspace, name: Option<&str>, options: &[&str]) -> Result<()> {
    let mut command = prepare(workspace, site::to_record)?;
    command.arg("record").args(name).args(options);
    let (success, _) = stream(command)?;
    if !success {
        bail!("not every experiment could be recorded");
    }
    site::site(workspace, None)
}

/// `cargo xtask soak`.
pub(crate) fn soak(workspace: &Workspace, minutes: u32) -> Result<()> {
    let mut command = prepare(workspace, whole_site)?;
    command.args(["soak", "--minutes", &minutes.to_string()]);
    stream(command).and_then(|(success, _)| if success { Ok(()) } else { bail!("the soak failed") })
}

/// `cargo xtask bench page`.
pub(crate) fn bench_page(workspace: &Workspace) -> Result<()> {
    let mut command = prepare(workspace, whole_site)?;
    command.arg("bench-page");
    stream(command).and_then(|(success, _)| if success { Ok(()) } else { bail!("it could not be measured") })
}

/// `cargo xtask bench sim`, in browsers.
pub(crate) fn bench_sim(workspace: &Workspace) -> Result<()> {
    let mut command = prepare(workspace, whole_site)?;
    command.arg("bench-sim");
    stream(command).and_then(|(success, _)| if success { Ok(()) } else { bail!("it could not be measured") })
}

/// `cargo xtask bench picture`.
pub(crate) fn bench_picture(workspace: &Workspace) -> Result<()> {
    let module = widgets::for_bench(workspace)?;
    // It needs neither the book nor a server.
    let mut command = command(workspace, &workspace.target.join("release/standby"))?;
    command.arg("bench-picture").arg(module);
    stream(command).and_then(|(success, _)| match success {
        true => Ok(()),
        false => bail!("a picture from tiles is not the same as one without, or it could not be measured"),
    })
}

/// Runs the tests whose name holds `name`. Returns whether all passed, and what they printed.
pub(crate) fn test(workspace: &Workspace, name: Option<&str>) -> Result<(bool, String)> {
    let mut command = prepare(workspace, whole_site)?;
    command.arg("test").args(name);
    stream(command)
}

fn whole_site(workspace: &Workspace) -> Result<()> {
    site::site(workspace, None)
}

/// Builds all that the tests need, and a call of them that still lacks its verb.
fn prepare(workspace: &Workspace, site: impl FnOnce(&Workspace) -> Result<()>) -> Result<Command> {
    site(workspace)?;
    let server = server::build(workspace)?;
    command(workspace, &server)
}

/// The same without what it tests.
fn command(workspace: &Workspace, server: &Path) -> Result<Command> {
    let tools = tools::for_browsers(workspace)?;
    step("browser tests: compile", || run(workspace.cargo().args(["build", "--package", "standby-tests"])))?;
    let program =
        workspace.target.join("debug").join(format!("standby-tests{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        .env("STANDBY_ROOT", &workspace.root)
        .env("STANDBY_TARGET", &workspace.target)
        .env("STANDBY_SERVER", server)
        .env("STANDBY_CHROMIUM", tools.chromium)
        .env("STANDBY_CHROMEDRIVER", tools.chromedriver)
        .env("STANDBY_FIREFOX", tools.firefox)
        .env("STANDBY_GECKODRIVER", tools.geckodriver)
        .env("STANDBY_AXE", tools.axe)
        .env("STANDBY_MDBOOK", tools.mdbook);
    if let Some(webkit) = tools.webkit {
        command
            .env("STANDBY_MINIBROWSER", webkit.browser)
            .env("STANDBY_WEBKITDRIVER", webkit.driver)
            .env("STANDBY_XVFB", webkit.xvfb);
    }
    Ok(command)
}

/// Runs it, shows what it prints as it prints it, and keeps it.
fn stream(mut command: Command) -> Result<(bool, String)> {
    let mut child = command.stdout(Stdio::piped()).spawn().context("starting the browser tests")?;
    let out = child.stdout.take().context("no standard output")?;
    let mut said = String::new();
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        println!("{line}");
        said.push_str(&line);
        said.push('\n');
    }
    Ok((child.wait()?.success(), said))
}
