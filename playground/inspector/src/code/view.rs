//! The client code's panel.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_dom::{self as dom, Words};
use standby_trace::Scenario;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlSelectElement};

use super::program::{self, Language, Program};
use crate::copy;
use crate::host::Host;
use crate::panel::Panel;

/// The panel.
pub(crate) struct Code(Rc<Inner>);

struct Inner {
    host: Host,
    lane: HtmlSelectElement,
    tabs: RefCell<Vec<(Language, HtmlElement)>>,
    language: Cell<Language>,
    lanes: RefCell<Option<Scenario>>,
    note: Words,
    run: Words,
    text: HtmlElement,
    shown: RefCell<Option<Program>>,
}

impl Code {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: Host) -> Self {
        let id = host.place().id;
        let lane: HtmlSelectElement = dom::html("select").set("aria-label", "The lane").into();
        let text = dom::html("code").done();
        let part = |class: &str| {
            let element = dom::classed("p", class).done();
            let words = Words::within(&element, "");
            (element, words)
        };
        let (note_element, note) = part("standby-foot");
        let (run_element, run) = part("standby-how");
        let inner = Rc::new(Inner {
            host,
            lane: lane.clone(),
            tabs: RefCell::default(),
            language: Cell::new(Language::Rust),
            lanes: RefCell::default(),
            note,
            run,
            text: text.clone(),
            shown: RefCell::default(),
        });
        let panel = format!("{id}-client-code");
        let mut tabs =
            dom::classed("div", "standby-languages").set("role", "tablist").set("aria-label", "The language");
        for (language, name) in [(Language::Rust, "Rust"), (Language::JavaScript, "JavaScript")] {
            let me = Rc::downgrade(&inner);
            let tab = dom::button("standby-language", name)
                .set("role", "tab")
                .set("aria-controls", &panel)
                .on("click", move |_| {
                    if let Some(me) = me.upgrade() {
                        me.language.set(language);
                        me.show();
                    }
                })
                .done();
            tabs = tabs.child(&tab);
            inner.tabs.borrow_mut().push((language, tab));
        }
        let tabs = tabs.done();
        let me = Rc::downgrade(&inner);
        dom::on(&tabs, "keydown", move |event| {
            let key = event
                .dyn_ref::<web_sys::KeyboardEvent>()
                .map(web_sys::KeyboardEvent::key)
                .unwrap_or_default();
            let Some(me) = me.upgrade().filter(|_| key == "ArrowLeft" || key == "ArrowRight") else { return };
            event.prevent_default();
            event.stop_propagation();
            me.language.set(match me.language.get() {
                Language::Rust => Language::JavaScript,
                Language::JavaScript => Language::Rust,
            });
            me.show();
            if let Some((_, tab)) =
                me.tabs.borrow().iter().find(|(language, _)| *language == me.language.get())
            {
                let _ = tab.focus();
            }
        });
        let me = Rc::downgrade(&inner);
        dom::on(&lane, "change", move |_| {
            if let Some(me) = me.upgrade() {
                me.show();
            }
        });
        let me = Rc::downgrade(&inner);
        let copy = copy::button("Copy", move || {
            let text = me.upgrade().and_then(|me| Some(me.shown.borrow().as_ref()?.text.clone()));
            text.unwrap_or_default()
        });
        let bar = dom::classed("div", "standby-bar").child(&lane).child(&tabs).child(&copy).done();
        let code = dom::classed("pre", "standby-code standby-program")
            .set("id", &panel)
            .set("role", "tabpanel")
            .set("tabindex", "0")
            .set("aria-label", "The program")
            .child(&text)
            .done();
        for part in [&bar, &run_element, &code, &note_element] {
            let _ = element.append_child(part);
        }
        Self(inner)
    }
}

impl Panel for Code {
    fn changed(&self) {
        self.0.look();
    }
}

impl Inner {
    fn look(&self) {
        let scenario = Scenario::from_json(&self.host.scenario()).ok();
        if *self.lanes.borrow() != scenario {
            let chosen = self.lane.selected_index().max(0);
            self.lane.set_text_content(None);
            for index in 0..scenario.as_ref().map_or(0, |scenario| scenario.lanes.len()) {
                let Some(scenario) = &scenario else { continue };
                let sub = scenario.sub(index);
                let title = scenario.lanes[index].transport().title();
                let title = if sub == scenario.lanes[index].transport().name() {
                    title.to_owned()
                } else {
                    format!("{title} ({sub})")
                };
                let _ = self.lane.append_child(&dom::html("option").set("value", &sub).text(&title).done());
            }
            self.lane.set_selected_index(chosen.min(self.lane.length() as i32 - 1));
            self.lanes.replace(scenario);
        }
        self.show();
    }

    fn show(&self) {
        for (language, tab) in self.tabs.borrow().iter() {
            let on = *language == self.language.get();
            dom::set(tab, "aria-selected", if on { "true" } else { "false" });
            dom::set(tab, "tabindex", if on { "0" } else { "-1" });
        }
        let place = self.host.place();
        let lanes = self.lanes.borrow();
        let index = usize::try_from(self.lane.selected_index()).unwrap_or(0);
        let Some(lane) = lanes.as_ref().and_then(|scenario| scenario.lanes.get(index)) else { return };
        let topic = place.topic.as_deref().unwrap_or("news");
        let url = format!("{}{}/topics/{topic}", place.origin, place.api);
        let program = program::program(lane, self.language.get(), &url);
        if self.shown.borrow().as_ref() != Some(&program) {
            self.text.set_text_content(Some(&program.text));
            self.run.say(&format!("Run it: {}.", program.run));
            self.shown.replace(Some(program));
        }
        self.note.say(if place.topic.is_some() {
            "It follows the topic that this experiment runs on, set as the lane is now, and shows up in the \
             picture as a lane of its own, “outside”."
        } else {
            "Run the experiment, and its own topic stands in place of “news”."
        });
    }
}
