//! A run of the model, where there is no server or a reader wants it: the same machines and the same history, with
//! browser, network and server played in this module. It is paced by the page's clock: what is due
//! has happened by the time that the page shows it.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use standby_dom::time;
use standby_sim::{Profile, Told, World};
use standby_trace::scenario::{Fault, Scenario};

use crate::hand;
use crate::sink::{News, Run};

/// The topic's name in the model's bytes.
const TOPIC: &str = "simulated";

/// One run of the model.
pub(crate) struct Simulated {
    run: Rc<Run>,
    world: RefCell<World>,
    scenario: RefCell<Scenario>,
    /// When the next thing is due.
    wake: RefCell<Option<Timeout>>,
}

impl Simulated {
    /// A run that begins now. Its bytes are those of a browser like this one.
    pub(crate) fn start(scenario: Scenario, run: &Rc<Run>) -> Rc<Self> {
        run.begin(true);
        let agent = standby_dom::window().navigator().user_agent().unwrap_or_default();
        let world = World::new(&scenario, &Profile::nearest(&agent), TOPIC, time::wall_ms());
        Rc::new(Self {
            run: run.clone(),
            world: world.into(),
            scenario: scenario.into(),
            wake: RefCell::default(),
        })
    }

    /// Connects.
    pub(crate) fn go_on(self: &Rc<Self>) {
        self.change(World::start);
        self.run.sink().tell(&News::Connected);
    }

    /// Lets go of every connection. The topic goes on when somebody looks again.
    pub(crate) fn let_go(self: &Rc<Self>) {
        self.change(World::let_go);
        self.wake.take();
        self.run.sink().unobserved();
    }

    /// The parameters as they are set now.
    pub(crate) fn set(self: &Rc<Self>, now: &Scenario) {
        let before = self.scenario.replace(now.clone());
        self.change(|world| {
            if (before.conditions, before.publish) != (now.conditions, now.publish) {
                world.steer(now.conditions, now.publish);
            }
            for (index, (before, now)) in before.lanes.iter().zip(&now.lanes).enumerate() {
                if before != now {
                    world.set_lane(index, *now);
                }
            }
        });
    }

    /// Does something to the connections.
    pub(crate) fn fault(self: &Rc<Self>, fault: &Fault) {
        self.change(|world| world.fault(fault));
    }

    /// Publishes one event, by that chance.
    pub(crate) fn publish(self: &Rc<Self>, chance: u64) {
        let data = hand::event(self.scenario.borrow().publish.what, chance);
        self.change(|world| world.publish(&data));
    }

    /// Opens a lane again that gave up.
    pub(crate) fn reopen(self: &Rc<Self>, lane: usize) {
        self.change(|world| world.reopen(lane));
    }

    /// The last id that a lane has.
    pub(crate) fn last_id(&self, lane: usize) -> Option<u64> {
        self.world.borrow().last_id(lane)
    }

    /// Why a lane will not come back by itself.
    pub(crate) fn gave_up(&self, lane: usize) -> Option<String> {
        self.world.borrow().gave_up(lane).map(str::to_owned)
    }

    /// Lets happen what is due, then what somebody does, and waits for what is due next.
    fn change(self: &Rc<Self>, mut act: impl FnMut(&mut World)) {
        self.go(&mut act);
    }

    // Not generic: the timer at its end comes back here.
    fn go(self: &Rc<Self>, act: &mut dyn FnMut(&mut World)) {
        let now_us = self.run.now_us();
        let (told, next_us) = {
            let mut world = self.world.borrow_mut();
            let mut told = Vec::new();
            world.advance(now_us, &mut told);
            act(&mut world);
            world.advance(now_us, &mut told);
            (told, world.next_us())
        };
        // Told with nothing borrowed: the widget may do something about it at once.
        for (at_us, told) in &told {
            match told {
                Told::Page { lane, fact } => self.run.record_at(*lane, fact, *at_us),
                Told::Note(text) => self.run.sink().note(text),
                Told::Server(record) => {
                    // A record has no map whose keys are not text: this can't fail.
                    let json = serde_json::to_string(record).unwrap_or_default();
                    self.run.sink().tap(*at_us as f64, &json);
                }
            }
        }
        let timer = next_us.map(|next_us| {
            let run = Rc::downgrade(self);
            let ms = u32::try_from((next_us - now_us).max(0) / 1_000 + 1).unwrap_or(u32::MAX);
            // Browsers fire at once what is further away than 2^31 ms.
            Timeout::new(ms.min(0x7fff_ffff), move || {
                if let Some(run) = run.upgrade() {
                    run.go(&mut |_| {});
                }
            })
        });
        self.wake.replace(timer);
    }
}
