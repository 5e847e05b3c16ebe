//! All experiments of a page: they know of each other here, and nowhere else.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, MutationObserver, MutationObserverInit};

use crate::dom;
use crate::exclusive::Exclusive;
use crate::herd;
use crate::state::Happens;
use crate::widget::Widget;
use crate::widget::open::{brings_file, file_of};

thread_local! {
    static WIDGETS: RefCell<Vec<Rc<Widget>>> = const { RefCell::new(Vec::new()) };
    static EXCLUSIVE: OnceCell<Exclusive> = const { OnceCell::new() };
}

/// Brings every placeholder to life that is not alive yet.
pub(crate) fn mount() {
    let Ok(places) = dom::document().query_selector_all("standby-experiment:not([data-state])") else {
        return;
    };
    let mut herds = Vec::new();
    for i in 0..places.length() {
        let Some(place) = places.item(i).and_then(|node| node.dyn_into::<HtmlElement>().ok()) else {
            continue;
        };
        if place.has_attribute("data-crowd") {
            herds.push(place);
            continue;
        }
        match Widget::mount(&place) {
            Ok(widget) => WIDGETS.with_borrow_mut(|widgets| widgets.push(widget)),
            // The figure inside stays, as without JavaScript.
            Err(why) => dom::complain(&format!("an experiment of this page can't run: {why}")),
        }
    }
    if !herds.is_empty() {
        spawn_local(herd::mount(herds));
    }
    watch_theme();
    open_link();
    dom::on(&dom::window(), "hashchange", |_| open_link());
    take_files();
}

/// Sets up the experiment that the page's address asks for, if it asks for one.
fn open_link() {
    let fragment = dom::window().location().hash().unwrap_or_default();
    let Some(asked) = standby_trace::link::from_fragment(&fragment) else { return };
    let widgets = widgets();
    let own = || widgets.iter().find(|widget| widget.is_playground()).or(widgets.first());
    let widget = match asked.name {
        Some(name) => widgets.iter().find(|widget| widget.is_named(name)),
        None => own(),
    };
    if let Some(widget) = widget {
        widget.open_link(asked.scenario, asked.sources);
    }
}

/// A trace that is dropped on an experiment is shown in its place; dropped beside them, in that of
/// the page's first.
fn take_files() {
    let document = dom::document();
    dom::on(&document, "dragover", |event| {
        if brings_file(event) && !widgets().is_empty() {
            // Says that it may be dropped here; else the browser would leave the page for the file.
            event.prevent_default();
        }
    });
    dom::on(&document, "drop", |event| {
        let Some(file) = file_of(event) else { return };
        let widgets = widgets();
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let under = widgets.iter().find(|widget| target.as_ref().is_some_and(|node| widget.holds(node)));
        if let Some(widget) = under.or(widgets.first()) {
            event.prevent_default();
            widget.open_file(file);
        }
    });
}

/// An experiment is about to connect: every other one lets go, here and in other tabs.
pub(crate) fn claim(by: &Widget) {
    for other in widgets() {
        if !std::ptr::eq(other.as_ref(), by) {
            other.happens(Happens::Elsewhere { tab: false });
        }
    }
    EXCLUSIVE.with(|exclusive| {
        exclusive.get_or_init(|| Exclusive::new(give_way)).claim();
    });
}

fn give_way() {
    for widget in widgets() {
        widget.happens(Happens::Elsewhere { tab: true });
    }
}

/// Whether any experiment of this page runs.
pub(crate) fn any_runs() -> bool {
    widgets().iter().any(|widget| widget.runs())
}

/// The widget of a placeholder.
pub(crate) fn widget_of(element: &Element) -> Option<Rc<Widget>> {
    widgets().iter().find_map(|widget| widget.of_element(element))
}

/// A copy: what is done with one of them may come back here.
fn widgets() -> Vec<Rc<Widget>> {
    WIDGETS.with_borrow(Clone::clone)
}

/// mdBook sets a theme as a class of the root element. A canvas has to be told.
fn watch_theme() {
    let repaint = || widgets().iter().for_each(|widget| widget.theme_changed());
    let changed = Closure::<dyn Fn()>::new(repaint);
    let init = MutationObserverInit::new();
    init.set_attributes(true);
    init.set_attribute_filter(&js_sys::Array::of1(&"class".into()));
    if let (Some(root), Ok(observer)) =
        (dom::document().document_element(), MutationObserver::new(changed.as_ref().unchecked_ref()))
    {
        let _ = observer.observe_with_options(&root, &init);
    }
    changed.forget();
    if let Ok(Some(forced)) = dom::window().match_media("(forced-colors: active)") {
        dom::on(&forced, "change", move |_| repaint());
    }
}
