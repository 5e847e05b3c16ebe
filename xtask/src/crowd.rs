//! Crowds of real connections against the released server: what they cost, and whether they leave
//! anything behind. The measuring is `server/benches/crowd.rs`.

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// How often the soak lets a crowd drop and come back with each strategy, and how large it is.
const SOAK: [&str; 3] = ["soak", "10", "2000"];

/// `cargo xtask bench crowd`.
pub(crate) fn bench(workspace: &Workspace) -> Result<()> {
    let file = workspace.root.join("experiments/costs.json");
    call(workspace, &["measure", &file.to_string_lossy()])
}

/// The crowd's part of `cargo xtask soak`.
pub(crate) fn soak(workspace: &Workspace) -> Result<()> {
    call(workspace, &SOAK)
}

/// What it prints is shown as it comes: it takes minutes.
fn call(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["bench", "--quiet", "--package", "standby-server", "--bench", "crowd", "--"]);
    if !command.args(arguments).status()?.success() {
        bail!("the crowds failed; what is printed above says why");
    }
    Ok(())
}
