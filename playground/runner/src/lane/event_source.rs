//! The browser's own `EventSource`, told to its machine.
//!
//! Not over gloo-net's wrapper: that one keeps `open` and the errors after which the browser
//! reconnects to itself, and they are what the chapter is about.

use std::rc::Rc;

use gloo_events::EventListener;
use standby_transport::Input;
use wasm_bindgen::JsCast;
use web_sys::{Event, MessageEvent};

use super::Lane;

/// The types of event that the contract's streams have.
const TYPES: [&str; 4] = ["message", "hello", "gap", "reset"];

/// An `EventSource`. To drop it is to close it.
pub(super) struct Source {
    source: web_sys::EventSource,
    _listeners: Vec<EventListener>,
}

impl Drop for Source {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Opens one; `None` where the browser takes the URL for none.
pub(super) fn open(lane: &Rc<Lane>, n: u64, url: &str) -> Option<Source> {
    let source = web_sys::EventSource::new(url).ok()?;
    let mut listeners = Vec::with_capacity(TYPES.len() + 2);
    for event_type in TYPES {
        let lane = Rc::downgrade(lane);
        listeners.push(EventListener::new(&source, event_type, move |event| {
            let (Some(lane), Some(message)) = (lane.upgrade(), event.dyn_ref::<MessageEvent>()) else {
                return;
            };
            let data = message.data().as_string().unwrap_or_default();
            let last_event_id = message.last_event_id();
            lane.tell(n, |n| Input::Dispatched { n, event_type, data: &data, last_event_id: &last_event_id });
        }));
    }
    let opened = Rc::downgrade(lane);
    listeners.push(EventListener::new(&source, "open", move |_: &Event| {
        if let Some(lane) = opened.upgrade() {
            lane.tell(n, |n| Input::Opened { n });
        }
    }));
    let (errored, failed) = (Rc::downgrade(lane), source.clone());
    listeners.push(EventListener::new(&source, "error", move |_: &Event| {
        if let Some(lane) = errored.upgrade() {
            let gave_up = failed.ready_state() == web_sys::EventSource::CLOSED;
            lane.tell(n, |n| Input::Errored { n, gave_up });
        }
    }));
    Some(Source { source, _listeners: listeners })
}
