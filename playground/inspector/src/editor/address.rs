//! The page's address, which follows what is set: a reload brings it back, and a link that is sent
//! sets up the same. To read it is the widget's part.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_dom as dom;
use standby_trace::link;
use standby_trace::scenario::Scenario;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::host::Place;

/// A browser takes only so many changes of its address in a while: they are gathered for so long.
const GATHER_MS: i32 = 200;

/// The page's address.
pub(crate) struct Address {
    /// What the page itself begins with needs no fragment.
    first: String,
    /// What was to run it when this last looked.
    sources: RefCell<String>,
    next: Rc<RefCell<String>>,
    due: Rc<Cell<bool>>,
}

impl Address {
    /// `first`: what the page begins with.
    pub(crate) fn new(first: &Scenario) -> Self {
        Self {
            first: link::to_fragment(None, first),
            sources: RefCell::default(),
            next: Rc::default(),
            due: Rc::default(),
        }
    }

    /// Whether other sources are to run it than when this was last asked.
    pub(crate) fn other_sources(&self, place: &Place) -> bool {
        self.sources.replace(place.sources.clone()) != place.sources
    }

    /// Follows a scenario and what is to run it, soon.
    pub(crate) fn follow(&self, scenario: &Scenario, place: &Place) {
        let fragment = place.fragment(None, scenario);
        let here = dom::window().location();
        let page = here.href().unwrap_or_default();
        let page = page.split('#').next().unwrap_or_default();
        let url = if fragment == self.first { page.to_owned() } else { format!("{page}#{fragment}") };
        self.next.replace(url);
        if self.due.replace(true) {
            return;
        }
        let (next, due) = (Rc::clone(&self.next), Rc::clone(&self.due));
        let write = Closure::once_into_js(move || {
            due.set(false);
            if let Ok(history) = dom::window().history() {
                let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&next.borrow()));
            }
        });
        let _ = dom::window()
            .set_timeout_with_callback_and_timeout_and_arguments_0(write.unchecked_ref(), GATHER_MS);
    }
}
