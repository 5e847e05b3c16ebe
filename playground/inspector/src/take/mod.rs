//! What a reader takes away: a link, a command, files.

mod commands;
pub(crate) mod curl;
pub(crate) mod link;
pub(crate) mod save;
mod svg;
