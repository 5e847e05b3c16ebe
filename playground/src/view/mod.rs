//! The widget's parts in the page. Each builds its elements once and then only says what changed.

pub(crate) mod about;
pub(crate) mod card;
pub(crate) mod controls;
pub(crate) mod keymap;
pub(crate) mod label;
pub(crate) mod ledger;
pub(crate) mod notice;
pub(crate) mod picture;
pub(crate) mod pill;
pub(crate) mod sentence;
pub(crate) mod slider;
pub(crate) mod tabs;
pub(crate) mod timebar;
