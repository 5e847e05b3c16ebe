//! The playground page's editor: every lane, every parameter, what goes wrong, and ready scenarios to
//! begin with.
//!
//! What the reader does is an `Edit`; it makes the next `draft`, which a `session` keeps for
//! undoing. Both know no page. The rest shows the draft and hands it over:
//!
//! - `form`: the rows and fields, each a `control`; `field`: what can be set, and its bounds;
//!   `value`: how values are typed
//! - `ready`: the row of ready scenarios
//! - `bar`: undo, reset, apply, and the file
//! - `advice`: where a browser's limits would mislead
//! - `toml`: the scenario as a file for a chapter
//! - `address`: the page's address, which follows
//!
//! While nothing runs, an edit reaches the widget at once. Else it waits until the reader applies it,
//! because it ends the run.

mod address;
mod advice;
mod bar;
mod control;
mod draft;
mod field;
mod form;
mod ready;
mod session;
#[cfg(test)]
mod tests;
mod toml;
mod value;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use standby_dom as dom;
use standby_trace::scenario::{Experiment, Scenario};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{
    AddEventListenerOptions, Element, Event, HtmlElement, KeyboardEvent, MutationObserver,
    MutationObserverInit,
};

use crate::host::Host;
use address::Address;
use bar::{Bar, Does};
use control::Act;
use draft::Edit;
use form::{Form, focus_after};
use ready::Ready;
use session::{Session, Standing};

/// What begins a run: while a value can't be used, none is begun.
const BEGINS: &str = ".standby-controls .standby-buttons:first-child button, .standby-card .standby-primary";

thread_local! {
    static OPEN: RefCell<Vec<Rc<Editor>>> = const { RefCell::new(Vec::new()) };
}

struct Editor {
    host: Host,
    /// The widget's placeholder.
    place: Option<Element>,
    session: RefCell<Session>,
    ready: Ready,
    form: Form,
    bar: Bar,
    address: Address,
    /// A look at what the widget is set to is due.
    follows: Cell<bool>,
}

/// Builds it into an empty element.
pub fn build(element: &HtmlElement, host: &Host) {
    let Ok(now) = Scenario::from_json(&host.scenario()) else {
        return dom::complain("the editor was given no scenario");
    };
    let place = element.closest("standby-experiment").ok().flatten();
    let own: Option<Experiment> = json_of(place.as_ref(), "data-experiment");
    let first = own.map_or_else(|| now.clone(), |own| own.scenario);
    let id = format!("{}-edit", host.place().id);

    let editor = Rc::new_cyclic(|me: &Weak<Editor>| {
        let edits = me.clone();
        let act: Act = Rc::new(move |edit| with(&edits, |editor| editor.edit(&edit)));
        let does = me.clone();
        Editor {
            ready: Ready::new(json_of(place.as_ref(), "data-ready").unwrap_or_default(), &id, &act),
            form: Form::new(&id, &act),
            bar: Bar::new(&act, move |does_what| with(&does, |editor| editor.does(does_what))),
            address: Address::new(&first),
            session: Session::new(now, first).into(),
            host: host.clone(),
            place,
            follows: Cell::default(),
        }
    });
    let side = dom::classed("div", "standby-ed-side")
        .child(editor.form.element())
        .child(editor.bar.element())
        .done();
    let whole = dom::classed("div", "standby-ed")
        .set("role", "group")
        .set("aria-label", "What is set")
        .child(editor.ready.element())
        .child(&side)
        .done();
    let _ = element.append_child(&whole);
    editor.listen();
    editor.address.other_sources(&editor.host.place());
    editor.show(None);
    // Its listeners hold it weakly, and nobody else holds it: it lives as long as the page.
    OPEN.with_borrow_mut(|open| open.push(editor));
}

impl Editor {
    fn listen(self: &Rc<Self>) {
        // The widget sets itself up as the address says.
        let me = Rc::downgrade(self);
        dom::on(&dom::window(), "hashchange", move |_| with(&me, Editor::follow_soon));

        let Some(place) = &self.place else { return };
        let me = Rc::downgrade(self);
        dom::on(place, "keydown", move |event| {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
                with(&me, |editor| editor.key(key));
            }
        });
        // Before the widget's own listeners: what it does with it is not done yet.
        for event in ["input", "change", "click"] {
            let me = Rc::downgrade(self);
            on_the_way_down(place, event, move |event| with(&me, |editor| editor.touched(event)));
        }
        let me = Rc::downgrade(self);
        let state = Closure::<dyn FnMut()>::new(move || {
            with(&me, |editor| {
                editor.follow_soon();
                editor.show_bar();
            });
        })
        .into_js_value();
        if let Ok(observer) = MutationObserver::new(state.unchecked_ref()) {
            let what = MutationObserverInit::new();
            what.set_attributes(true);
            what.set_attribute_filter(&js_sys::Array::of1(&"data-state".into()));
            let _ = observer.observe_with_options(place, &what);
        }
    }

    fn edit(&self, edit: &Edit) {
        let lanes = self.session.borrow().draft().scenario().lanes.len();
        let changed = self.session.borrow_mut().edit(edit);
        let focus = changed.then(|| focus_after(edit, &self.session.borrow().draft().scenario().lanes));
        if matches!(edit, Edit::Take(_)) {
            // To choose a ready one is clear enough: what ran runs anew.
            self.apply();
        }
        self.settle(focus.flatten().as_deref());
        let now = self.session.borrow().draft().scenario().lanes.len();
        if changed && lanes != now {
            self.host.announce(&format!("{now} {}", if now == 1 { "lane" } else { "lanes" }));
        }
    }

    fn does(&self, does: Does) {
        let changed = match does {
            Does::Undo => self.session.borrow_mut().undo(),
            Does::Redo => self.session.borrow_mut().redo(),
            Does::Reset => self.session.borrow_mut().reset(),
            Does::Apply => {
                self.apply();
                return self.bar.keep_focus();
            }
        };
        if changed {
            self.settle(None);
            self.bar.keep_focus();
            self.host.announce(match does {
                Does::Undo => "Undone",
                Does::Redo => "Done again",
                Does::Reset | Does::Apply => "Reset",
            });
        }
    }

    /// Shows what is the case after an edit, and hands it over if nothing is in the way.
    fn settle(&self, focus: Option<&str>) {
        self.bar.forgive();
        if self.standing() == Standing::Fresh {
            self.apply();
        }
        self.show(focus);
        self.address.follow(self.session.borrow().draft().scenario(), &self.host.place());
    }

    fn apply(&self) {
        let due = self.session.borrow().due().cloned();
        let Some(scenario) = due else { return };
        let Ok(json) = serde_json::to_string(&scenario) else { return };
        // The widget sets itself up now, which may come back here: nothing is borrowed.
        match self.host.run(&json) {
            Ok(()) => self.session.borrow_mut().applied(),
            Err(wrong) => self.bar.complain(&wrong),
        }
        self.show_bar();
    }

    fn show(&self, focus: Option<&str>) {
        let session = self.session.borrow();
        let draft = session.draft();
        self.ready.show(draft.scenario());
        self.form.show(draft, focus);
        drop(session);
        self.show_bar();
    }

    fn show_bar(&self) {
        let session = self.session.borrow();
        self.bar.show(&session, self.standing());
    }

    fn standing(&self) -> Standing {
        let state = self.place.as_ref().and_then(|place| place.get_attribute("data-state"));
        Standing::of(state.as_deref().unwrap_or_default())
    }

    fn key(&self, key: &KeyboardEvent) {
        if !(key.ctrl_key() || key.meta_key()) || key.alt_key() {
            return;
        }
        // While something is typed, the browser undoes that.
        let typing = key.target().and_then(|target| target.dyn_into::<Element>().ok());
        if typing.is_some_and(|element| element.has_attribute(control::TYPING)) {
            return;
        }
        let does = match (key.key().to_lowercase().as_str(), key.shift_key()) {
            ("z", false) => Does::Undo,
            ("z", true) | ("y", false) => Does::Redo,
            _ => return,
        };
        key.prevent_default();
        self.does(does);
    }

    /// Something of the widget is touched, within the editor or beside it.
    fn touched(self: &Rc<Self>, event: &Event) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let begins = event.type_() == "click" && target.closest(BEGINS).is_ok_and(|found| found.is_some());
        let session = self.session.borrow();
        if begins && !session.draft().bad().is_empty() && self.standing() != Standing::Runs {
            event.stop_propagation();
            event.prevent_default();
            self.form.focus_bad(session.draft());
            return;
        }
        drop(session);
        if target.closest(".standby-ed").is_ok_and(|found| found.is_none()) {
            self.follow_soon();
        }
    }

    /// Looks at what the widget is set to, once what happens now is over.
    fn follow_soon(self: &Rc<Self>) {
        if self.follows.replace(true) {
            return;
        }
        let me = Rc::downgrade(self);
        let look = Closure::once_into_js(move || with(&me, |editor| editor.follow()));
        let _ = dom::window().set_timeout_with_callback(look.unchecked_ref());
    }

    fn follow(&self) {
        self.follows.set(false);
        let Ok(scenario) = Scenario::from_json(&self.host.scenario()) else { return };
        let place = self.host.place();
        let followed = self.session.borrow_mut().follow(scenario);
        if followed {
            self.show(None);
        }
        if self.address.other_sources(&place) || followed {
            self.address.follow(self.session.borrow().draft().scenario(), &place);
        }
    }
}

fn with(editor: &Weak<Editor>, act: impl FnOnce(&Rc<Editor>)) {
    if let Some(editor) = editor.upgrade() {
        act(&editor);
    }
}

fn json_of<T: serde::de::DeserializeOwned>(place: Option<&Element>, attribute: &str) -> Option<T> {
    serde_json::from_str(&place?.get_attribute(attribute)?).ok()
}

/// Calls `act` on an event on its way to its target, and before whoever listens there.
fn on_the_way_down(target: &Element, event: &str, mut act: impl FnMut(&Event) + 'static) {
    let act = Closure::<dyn FnMut(Event)>::new(move |event: Event| act(&event)).into_js_value();
    let options = AddEventListenerOptions::new();
    options.set_capture(true);
    let _ = target.add_event_listener_with_callback_and_add_event_listener_options(
        event,
        act.unchecked_ref(),
        &options,
    );
}
