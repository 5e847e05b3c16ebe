//! What this very browser sends of its own, for the model: learned from the heads that the server's tap
//! tells of a live run. Until then it is what was recorded of the browser that is nearest.

use std::cell::RefCell;

use standby_sim::Profile;
use standby_sim::world::Form;
use standby_trace::scenario::{LaneSpec, Scenario, SseClient};
use standby_trace::tap::{Part, ToObserver};
use standby_trace::trace::Direction;

thread_local! {
    static OWN: RefCell<Option<Profile>> = const { RefCell::new(None) };
}

/// As far as it is known.
pub(crate) fn profile() -> Profile {
    OWN.with_borrow_mut(|own| own.get_or_insert_with(nearest).clone())
}

fn nearest() -> Profile {
    let window = standby_dom::window();
    let (location, agent) = (window.location(), window.navigator().user_agent().unwrap_or_default());
    let (host, page) = (location.host().unwrap_or_default(), location.href().unwrap_or_default());
    Profile::nearest(&agent).at(&host, &page)
}

/// Learns from what a tap tells of a run of `scenario`.
pub(crate) fn learn(told: &ToObserver, scenario: &Scenario) {
    let ToObserver::Wire(wire) = told else { return };
    if wire.direction != Direction::ToServer || wire.part != Part::RequestHead || wire.cut_bytes > 0 {
        return;
    }
    // A terminal that joined sends what no browser does.
    let Some(sub) = wire.exchange.sub.as_deref() else { return };
    let Some(lane) = (0..scenario.lanes.len()).find(|&lane| scenario.sub(lane) == sub) else { return };
    let event_source = matches!(scenario.lanes[lane], LaneSpec::Sse { client: SseClient::EventSource, .. });
    OWN.with_borrow_mut(|own| {
        own.get_or_insert_with(nearest).learn(wire.exchange.via, &wire.bytes, event_source);
    });
}

/// Whether all is known that the lanes of a scenario begin with.
pub(crate) fn knows(scenario: &Scenario) -> bool {
    OWN.with_borrow(|own| {
        own.as_ref().is_some_and(|own| scenario.lanes.iter().all(|lane| own.knows(Form::first_of(lane))))
    })
}
