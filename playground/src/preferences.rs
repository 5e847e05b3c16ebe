//! What a reader has chosen for all experiments and all visits, where the browser keeps such things.

use crate::dom;

/// There while news is not to be said aloud.
const QUIET: &str = "standby-quiet";

/// Whether news is said aloud to those who hear the page.
pub(crate) fn aloud() -> bool {
    store().and_then(|store| store.get_item(QUIET).ok().flatten()).is_none()
}

/// Chooses whether it is.
pub(crate) fn set_aloud(aloud: bool) {
    let Some(store) = store() else { return };
    // What can't be kept holds for this press of the box only: nothing else depends on it.
    let _ = if aloud { store.remove_item(QUIET) } else { store.set_item(QUIET, "1") };
}

/// None where the browser keeps nothing, as for a page from a file or in some private windows.
fn store() -> Option<web_sys::Storage> {
    dom::window().local_storage().ok().flatten()
}
