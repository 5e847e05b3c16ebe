//! What the reader sets and does in the row below the picture, and beside the lanes.

use std::rc::{Rc, Weak};

use standby_trace::scenario::{Experiment, LaneSpec, Scenario};

use super::{Widget, with};
use crate::dom;
use crate::state::Happens;
use crate::view::controls::{self, Controls};
use crate::view::label::{self, Label};

impl Widget {
    pub(super) fn act(self: &Rc<Self>, does: controls::Does) {
        use controls::Does;
        match does {
            Does::RunOrPause if self.runs() => self.happens(Happens::Pause),
            Does::RunOrPause => self.happens(Happens::Run),
            Does::Step => self.happens(Happens::Step),
            Does::Restart => self.happens(Happens::Restart),
            Does::Publish => {
                let chance = dom::time::random();
                self.lives().iter().for_each(|live| live.publish(chance));
            }
            Does::Fault(fault) => self.lives().iter().for_each(|live| live.fault(&fault)),
            Does::Every(_) | Does::RoundTrip(_) | Does::Bandwidth(_) => {
                {
                    let mut scenario = self.scenario.borrow_mut();
                    match does {
                        Does::Every(ms) => scenario.publish.every_ms = ms,
                        Does::RoundTrip(ms) => scenario.conditions.latency_ms = ms / 2,
                        Does::Bandwidth(bytes_s) => scenario.conditions.bandwidth_bytes_s = bytes_s,
                        _ => {}
                    }
                }
                self.settings_changed();
            }
        }
    }

    pub(super) fn act_on_lane(&self, index: usize, does: label::Does) {
        if let Some(above) = self.above() {
            return above.act_on_lane(index, does);
        }
        match does {
            label::Does::Set(spec) => {
                if let Some(kept) = self.scenario.borrow_mut().lanes.get_mut(index) {
                    *kept = spec;
                }
                self.settings_changed();
            }
            label::Does::Reopen => self.lives().iter().for_each(|live| live.reopen(index)),
        }
    }
}

/// The words beside a scenario's lanes, in which each is set.
pub(super) fn labels(me: &Weak<Widget>, names: &[String], scenario: &Scenario) -> Vec<Label> {
    let label = |(i, spec): (usize, &LaneSpec)| {
        let me = me.clone();
        Label::own(&names[i], *spec, move |does| with(&me, |widget| widget.act_on_lane(i, does)))
    };
    scenario.lanes.iter().enumerate().map(label).collect()
}

/// The row below the picture.
pub(super) fn new_controls(me: &Weak<Widget>, experiment: &Experiment, scenario: &Scenario) -> Controls {
    let me = me.clone();
    Controls::new(&experiment.controls, scenario, move |does| with(&me, |widget| widget.act(does)))
}
