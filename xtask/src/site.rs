//! `cargo xtask build`: what one publishes.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{book, server, widgets};

/// Builds the static site in `book/`, and the release binary with the book inside.
pub(crate) fn build(workspace: &Workspace, site_url: Option<&str>) -> Result<()> {
    site(workspace, site_url)?;
    let program = server::build_release(workspace)?;
    println!("  The site is in {}", workspace.book().display());
    println!("  The server is {}", program.display());
    Ok(())
}

/// The static site alone.
pub(crate) fn site(workspace: &Workspace, site_url: Option<&str>) -> Result<()> {
    widgets::build(workspace, widgets::Profile::Small)?;
    widgets::weigh(workspace)?;
    book::build(workspace, book::For::Site(site_url))
}

/// The static site without a figure, for `cargo xtask record`.
pub(crate) fn to_record(workspace: &Workspace) -> Result<()> {
    widgets::build(workspace, widgets::Profile::Small)?;
    book::build(workspace, book::For::Recording)
}
