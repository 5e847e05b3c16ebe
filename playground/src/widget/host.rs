//! What the second module may ask of a widget, and how its panels are opened.

use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use serde::Serialize;
use standby_trace::link::Sources;
use standby_trace::scenario::Scenario;
use standby_trace::{Recorder, Source, Trace, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;

use super::{Widget, with};
use crate::view::tabs;
use crate::{dom, inspector, runner};

/// A panel is told of changes at most this often.
const TELL_MS: u32 = 250;

/// A widget, as the second module knows it. Numbers are JavaScript's: all of ours fit into one.
#[wasm_bindgen]
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) widget: Weak<Widget>,
}

#[wasm_bindgen]
impl Host {
    /// The trace as JSON, without its bytes.
    #[must_use]
    pub fn trace(&self) -> String {
        self.json(|trace| json::write(&trace.without_wire()))
    }

    /// The trace as JSON with its bytes: what is saved.
    #[must_use]
    pub fn file(&self) -> String {
        self.json(json::write)
    }

    /// The pieces of a message as a JSON array, as far as their bytes are kept.
    #[must_use]
    pub fn pieces(&self, number: f64) -> String {
        self.json(|trace| {
            let message = trace.message(number as u64);
            let ids = message.map(|message| message.pieces.as_slice()).unwrap_or_default();
            json::write(&ids.iter().filter_map(|id| trace.piece(*id)).collect::<Vec<_>>())
        })
    }

    /// Grows with every change of the trace.
    #[must_use]
    pub fn revision(&self) -> f64 {
        self.widget.upgrade().map_or(0.0, |widget| widget.revision())
    }

    /// The number of the message that is pointed at.
    #[must_use]
    pub fn selected(&self) -> Option<f64> {
        self.widget.upgrade()?.picture.message().map(|number| number as f64)
    }

    /// Points at a message, or at none.
    pub fn select(&self, number: Option<f64>) {
        with(&self.widget, |widget| widget.select(number.map(|number| number as u64)));
    }

    /// The picture as it stands, as JSON: what a picture to save is drawn from.
    #[must_use]
    pub fn view(&self) -> String {
        let Some(view) = self.widget.upgrade().and_then(|widget| widget.picture.view()) else {
            return "null".to_owned();
        };
        let cursor_us = view.cursor_us.map_or_else(|| "null".to_owned(), |us| us.to_string());
        // Pixels, and fractions of them say nothing.
        let width = view.width as u32;
        format!(
            r#"{{"from_us":{},"to_us":{},"now_us":{},"width":{width},"narrow":{},"cursor_us":{cursor_us}}}"#,
            view.from_us, view.to_us, view.now_us, view.narrow
        )
    }

    /// The parameters as they are set now, as JSON.
    #[must_use]
    pub fn scenario(&self) -> String {
        let Some(widget) = self.widget.upgrade() else { return String::new() };
        json::write(&*widget.scenario.borrow())
    }

    /// Sets the widget up with other parameters; says what is wrong with them. If it ran, it runs
    /// again.
    #[must_use]
    pub fn run(&self, scenario: &str) -> Option<String> {
        match Scenario::from_json(scenario) {
            Ok(scenario) => {
                with(&self.widget, |widget| widget.set_up(scenario));
                None
            }
            Err(e) => Some(e.to_string()),
        }
    }

    /// What the reader wants it run by: a name of [`Sources`].
    #[must_use]
    pub fn sources(&self) -> Option<String> {
        Some(self.widget.upgrade()?.rows.sources.get().name().to_owned())
    }

    /// Has it run by other sources. If it ran, it runs again.
    pub fn choose(&self, sources: &str) {
        if let Some(sources) = Sources::named(sources) {
            with(&self.widget, |widget| widget.run_by(sources));
        }
    }

    /// Where the widget stands and what it runs against, as JSON.
    #[must_use]
    pub fn place(&self) -> String {
        self.widget.upgrade().map_or_else(String::new, |widget| widget.place())
    }

    /// Shows a recorded trace; says what is wrong with it.
    #[must_use]
    pub fn load(&self, trace: &str) -> Option<String> {
        self.widget.upgrade()?.load(trace)
    }

    /// Says something to those who hear the page.
    pub fn announce(&self, text: &str) {
        with(&self.widget, |widget| widget.announce(text));
    }
}

impl Host {
    fn json(&self, write: impl FnOnce(&Trace) -> String) -> String {
        self.widget.upgrade().map(|widget| widget.with_trace(write)).unwrap_or_default()
    }
}

impl Widget {
    pub(super) fn host(self: &Rc<Self>) -> Host {
        Host { widget: Rc::downgrade(self) }
    }

    fn place(&self) -> String {
        let location = dom::window().location();
        let href = location.href().unwrap_or_default();
        let page = href.split('#').next().unwrap_or_default();
        let topic = self.live.borrow().as_ref().and_then(|live| live.topic());
        let here = location.origin().unwrap_or_default();
        let api = runner::api().unwrap_or_else(|| format!("{here}/api"));
        // The API's own origin is the page's, but for a book that has its server elsewhere.
        let (origin, path) = split(&api);
        let source = self.with_trace(|trace| match trace.source {
            Source::Live => "live",
            Source::Simulated => "simulated",
            Source::Recorded => "recorded",
        });
        let place = Place {
            topic: topic.as_deref(),
            origin,
            api: path,
            page,
            id: &self.element.id(),
            title: &self.experiment.title,
            source,
            sources: self.rows.sources.get().name(),
        };
        json::write(&place)
    }

    /// A number that grows with every change of what is shown, over all runs.
    fn revision(&self) -> f64 {
        let now = (self.generation.get(), self.sources.get(), self.with_recorder(Recorder::revision));
        if self.inspected.seen.replace(Some(now)) != Some(now) {
            self.inspected.revision.set(self.inspected.revision.get() + 1.0);
        }
        self.inspected.revision.get()
    }

    /// The reader chose a tab.
    pub(super) fn choose(self: &Rc<Self>, tab: usize) {
        self.tabs.choose(tab);
        let (_, panel, filled) = self.tabs.shown();
        if !filled {
            return self.fetch();
        }
        if tab > 0
            && let Some(module) = self.inspected.module.borrow().as_ref()
        {
            module.tell(panel);
        }
    }

    /// Fetches the second module for the panel that is shown, and has it built.
    fn fetch(self: &Rc<Self>) {
        let (tab, panel, _) = self.tabs.shown();
        panel.set_text_content(None);
        let waits = dom::classed("p", "standby-waits").set("role", "status").text("Loading …").done();
        let _ = panel.append_child(&waits);
        let me = Rc::downgrade(self);
        spawn_local(async move {
            let loaded = inspector::load().await;
            with(&me, |widget| widget.fetched(tab, loaded));
        });
    }

    fn fetched(self: &Rc<Self>, tab: tabs::Tab, loaded: Result<inspector::Inspector, String>) {
        let (shown, panel, filled) = self.tabs.shown();
        // The reader may have gone on to another tab, which asks for itself.
        if shown != tab || filled {
            return;
        }
        panel.set_text_content(None);
        let built = loaded.and_then(|module| {
            module.build(panel, tab.which, self.host())?;
            self.inspected.module.replace(Some(module));
            Ok(())
        });
        match built {
            Ok(()) => self.tabs.set_filled(tab.which, true),
            Err(why) => {
                panel.set_text_content(None);
                let me = Rc::downgrade(self);
                let again = dom::button("", "Try again").on("click", move |_| with(&me, Self::fetch)).done();
                let says = dom::classed("div", "standby-waits")
                    .set("role", "alert")
                    .child(&dom::html("p").text("This part could not be loaded.").done())
                    .child(&dom::classed("p", "standby-then").text(&why).done())
                    .child(&again)
                    .done();
                let _ = panel.append_child(&says);
            }
        }
    }

    /// Tells the panel that is shown of a change: soon, and so no more than four times a second.
    pub(super) fn tell_soon(self: &Rc<Self>) {
        let (tab, _, filled) = self.tabs.shown();
        if tab.which == "ledger" || !filled || self.inspected.telling.replace(true) {
            return;
        }
        let me = Rc::downgrade(self);
        Timeout::new(TELL_MS, move || with(&me, |widget| widget.tell_panel())).forget();
    }

    fn tell_panel(&self) {
        self.inspected.telling.set(false);
        let (tab, panel, filled) = self.tabs.shown();
        let now = (self.revision(), self.picture.message());
        if tab.which == "ledger" || !filled || self.inspected.told.replace(now) == now {
            return;
        }
        if let Some(module) = self.inspected.module.borrow().as_ref() {
            module.tell(panel);
        }
    }

    /// Lets go of all panels: what they show is no more.
    pub(super) fn close_panels(self: &Rc<Self>) {
        let module = self.inspected.module.borrow().clone();
        for (tab, panel) in self.tabs.built() {
            if let Some(module) = &module {
                module.forget(&panel);
            }
            panel.set_text_content(None);
            self.tabs.set_filled(tab.which, false);
        }
        let (tab, _, filled) = self.tabs.shown();
        if tab.which != "ledger" && !filled {
            self.fetch();
        }
    }

    /// Has the second module build the editor, for the placeholder of the playground page.
    pub(super) fn build_editor(self: &Rc<Self>, element: &web_sys::HtmlElement) {
        let (me, element) = (Rc::downgrade(self), element.clone());
        spawn_local(async move {
            let built = match inspector::load().await {
                Ok(module) => module.build_editor(&element, Host { widget: me.clone() }),
                Err(why) => Err(why),
            };
            let Err(why) = built else { return };
            element.set_text_content(None);
            let again = dom::button("", "Try again").on("click", {
                let element = element.clone();
                move |_| with(&me, |widget| widget.build_editor(&element))
            });
            let says = dom::classed("div", "standby-waits")
                .set("role", "alert")
                .child(&dom::html("p").text("The editor could not be loaded.").done())
                .child(&dom::classed("p", "standby-then").text(&why).done())
                .child(&again.done())
                .done();
            let _ = element.append_child(&says);
        });
    }
}

/// What [`Host::place`] says.
#[derive(Serialize)]
struct Place<'a> {
    topic: Option<&'a str>,
    origin: &'a str,
    api: &'a str,
    page: &'a str,
    id: &'a str,
    title: &'a str,
    source: &'static str,
    sources: &'static str,
}

/// An absolute URL as its origin and its path.
fn split(url: &str) -> (&str, &str) {
    // The third slash: two stand before the host.
    url.split_at(url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_told_as_an_origin_and_a_path() {
        assert_eq!(split("http://localhost:3000/api"), ("http://localhost:3000", "/api"));
        assert_eq!(split("https://example.org/a/api"), ("https://example.org", "/a/api"));
        assert_eq!(split("http://localhost"), ("http://localhost", ""));
    }
}
