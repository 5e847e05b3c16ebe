//! What comes from elsewhere into a widget: a link's scenario, and a trace from a file.

use std::rc::Rc;

use standby_trace::link::{self, Sources};
use standby_trace::read::LARGEST_BYTES;
use standby_trace::scenario::{BadScenario, Scenario};
use standby_trace::{Source, Trace};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::File;

use super::{Widget, with};
use crate::axis::Axis;
use crate::state::Happens;
use crate::view::label::{self, Label};
use crate::{book, dom};

impl Widget {
    /// Sets it up as a link says; says what is wrong with the link.
    pub(crate) fn open_link(self: &Rc<Self>, asked: Result<Scenario, BadScenario>, sources: Sources) {
        match asked {
            Ok(scenario) => {
                self.notice.clear();
                let sources_change = self.rows.sources.replace(sources) != sources;
                if sources_change || *self.scenario.borrow() != scenario {
                    self.set_up(scenario);
                }
                if sources != Sources::Live {
                    // Whether there is a server is known before the reader has scrolled to it.
                    self.near();
                }
            }
            Err(e) => self.notice.say(&format!(
                "This link can't be opened: {e}. What you see is the experiment as the page has it."
            )),
        }
        self.element.scroll_into_view();
    }

    /// Whether it is the experiment of a name, as links have it.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.experiment.name == name || self.element.id() == name
    }

    /// It is the playground page's.
    pub(crate) fn is_playground(&self) -> bool {
        self.element.has_attribute("data-playground")
    }

    /// Shows a trace from a file.
    pub(crate) fn open_file(self: &Rc<Self>, file: File) {
        if file.size() > LARGEST_BYTES as f64 {
            return self.notice.say("This file is too large: at most 32 MB are read.");
        }
        let me = Rc::downgrade(self);
        spawn_local(async move {
            let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            with(&me, |widget| {
                let why = match text {
                    Some(text) => widget.load(&text),
                    None => Some("This file can't be read.".to_owned()),
                };
                if let Some(why) = why {
                    widget.notice.say(&why);
                }
            });
        });
    }

    /// Shows a recorded trace in the place of the live experiment; says what is wrong with it.
    pub(super) fn load(self: &Rc<Self>, json: &str) -> Option<String> {
        let mut trace = match Trace::from_json(json) {
            Ok(trace) => trace,
            Err(e) => return Some(e.to_string()),
        };
        trace.source = Source::Recorded;
        self.notice.clear();
        self.happens(Happens::Loaded);
        let names = label::names(&trace.scenario.lanes);
        let labels = trace.lanes.iter().enumerate().map(|(i, lane)| {
            match (trace.scenario.lanes.get(i), names.get(i)) {
                (Some(spec), Some(name)) if !lane.outside => Label::fixed(name, *spec, || {}),
                _ => Label::outside(lane),
            }
        });
        self.picture.set_labels(labels.collect());
        self.looking.begin(Axis::new(trace.scenario.window_ms));
        self.names.replace(names);
        self.recorded.replace(Some(trace));
        self.changed_source();
        None
    }

    /// Gives the place of a recording back to the live experiment.
    pub(super) fn unload(self: &Rc<Self>) {
        if self.recorded.take().is_none() {
            return;
        }
        let scenario = self.scenario.borrow().clone();
        let names = label::names(&scenario.lanes);
        self.picture.set_labels(super::act::labels(&Rc::downgrade(self), &names, &scenario));
        self.names.replace(names);
        self.looking.begin(Axis::new(scenario.window_ms));
        self.changed_source();
    }

    /// Another trace is shown: nothing of the one before it stays.
    fn changed_source(self: &Rc<Self>) {
        self.sources.set(self.sources.get() + 1);
        self.picture.forget();
        self.table.clear();
        self.close_panels();
        self.show_state();
        self.looked();
    }

    /// Says where the same experiment can be set freely.
    pub(super) fn show_playground_link(&self) {
        let fragment = link::to_fragment(None, &self.scenario.borrow());
        let fragment = self.rows.sources.get().in_fragment(fragment);
        dom::set(&self.to_playground, "href", &format!("{}playground.html#{fragment}", book::root()));
    }
}

/// The file that something which is dragged brings, if it brings one.
pub(crate) fn file_of(event: &web_sys::Event) -> Option<File> {
    event.dyn_ref::<web_sys::DragEvent>()?.data_transfer()?.files()?.get(0)
}

/// Whether what is dragged is a file.
pub(crate) fn brings_file(event: &web_sys::Event) -> bool {
    let drag = event.dyn_ref::<web_sys::DragEvent>().and_then(web_sys::DragEvent::data_transfer);
    drag.is_some_and(|data| data.types().includes(&"Files".into(), 0))
}
