//! Whether a reader can see an experiment: it is in view, and its tab is shown.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit, VisibilityState,
};

use crate::dom;

/// So much of an experiment must be in view before it starts by itself.
const IN_SIGHT: f64 = 0.4;

/// What is known of an element's presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Presence {
    /// Some of it is in view, on a page that is shown.
    pub(crate) present: bool,
    /// Much of it is.
    pub(crate) in_sight: bool,
}

/// Calls `tell` whenever an element's presence changes, for as long as the page lives.
pub(crate) fn watch(element: &Element, tell: impl Fn(Presence) + 'static) {
    let watcher = Rc::new(Watcher {
        in_view: Cell::new((false, false)),
        left: Cell::new(false),
        told: Cell::new(Presence::default()),
        tell: Box::new(tell),
    });

    let seen = watcher.clone();
    let entries = Closure::<dyn Fn(js_sys::Array)>::new(move |entries: js_sys::Array| {
        // The last entry is the newest.
        let newest = entries.pop().unchecked_into::<IntersectionObserverEntry>();
        let in_view = newest.is_intersecting();
        seen.in_view.set((in_view, in_view && newest.intersection_ratio() >= IN_SIGHT));
        seen.settle();
    });
    let init = IntersectionObserverInit::new();
    init.set_threshold(&js_sys::Array::of2(&JsValue::from_f64(0.0), &JsValue::from_f64(IN_SIGHT)));
    if let Ok(observer) = IntersectionObserver::new_with_options(entries.as_ref().unchecked_ref(), &init) {
        observer.observe(element);
    }
    entries.forget();

    let document = dom::document();
    let shown = watcher.clone();
    dom::on(&document, "visibilitychange", move |_| shown.settle());
    // A page that is left may be kept and come back (the back button), with all that it holds.
    let window = dom::window();
    let hides = watcher.clone();
    dom::on(&window, "pagehide", move |_| hides.leave(true));
    dom::on(&window, "pageshow", move |_| watcher.leave(false));
}

struct Watcher {
    /// Some, and much, of it is within the viewport.
    in_view: Cell<(bool, bool)>,
    /// The page was left.
    left: Cell<bool>,
    told: Cell<Presence>,
    tell: Box<dyn Fn(Presence)>,
}

impl Watcher {
    fn leave(&self, left: bool) {
        self.left.set(left);
        self.settle();
    }

    fn settle(&self) {
        let shown = dom::document().visibility_state() == VisibilityState::Visible && !self.left.get();
        let (some, much) = self.in_view.get();
        let presence = Presence { present: shown && some, in_sight: shown && much };
        if self.told.replace(presence) != presence {
            (self.tell)(presence);
        }
    }
}
