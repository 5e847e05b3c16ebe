//! A run of the model, where there is no server or a reader wants it: the same machines and the same history, with
//! browser, network and server played in this module. It is paced by the page's clock: what is due
//! has happened by the time that the page shows it.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use standby_dom::time;
use standby_sim::{Told, World};
use standby_trace::json;
use standby_trace::scenario::{Fault, Scenario};
use wasm_bindgen_futures::spawn_local;

use crate::others::others;
use crate::sink::{News, Run};
use crate::{hand, own};

/// The topic's name in the model's bytes: as long as a server's, whose names are digests, so that a request
/// has as many bytes as a live one.
const TOPIC: &str = "x-simulated-run-of-this-experiment";

/// So often a row that waits for its browser's bytes looks, and so long at most.
const LOOK_MS: u32 = 20;
const LOOK_AT_MOST_MS: u32 = 1_000;

/// Why the model runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// There is no server.
    Alone,
    /// The reader wants it, perhaps beside a live run.
    Chosen {
        /// A live run of the same is in the row above.
        beside: bool,
    },
}

/// Something that somebody does to a run.
type Act = Box<dyn FnOnce(&mut World)>;

/// One run of the model.
pub(crate) struct Simulated {
    run: Rc<Run>,
    model: Model,
    world: RefCell<World>,
    scenario: RefCell<Scenario>,
    /// It runs beside a live run, which has not shown yet what this browser sends of its own: what is done
    /// meanwhile, and when. Virtual time can wait: it all happens then, at the moments when it was done.
    waits: RefCell<Option<Vec<(i64, Act)>>>,
    /// When the next thing is due.
    wake: RefCell<Option<Timeout>>,
}

impl Simulated {
    /// A run that begins now, with the bytes of this browser as far as they are known; beside a live run it
    /// waits for them.
    pub(crate) fn start(scenario: Scenario, model: Model, run: &Rc<Run>) -> Rc<Self> {
        run.begin(true);
        let began_at_ms = time::wall_ms();
        let world = World::new(&scenario, &own::profile(), TOPIC, began_at_ms);
        let waits = model == (Model::Chosen { beside: true }) && !own::knows(&scenario);
        let simulated = Rc::new(Self {
            run: run.clone(),
            model,
            world: world.into(),
            scenario: scenario.clone().into(),
            waits: waits.then(Vec::new).into(),
            wake: RefCell::default(),
        });
        if waits {
            let waiting = Rc::downgrade(&simulated);
            spawn_local(async move {
                for _ in 0..LOOK_AT_MOST_MS / LOOK_MS {
                    if own::knows(&scenario) {
                        break;
                    }
                    TimeoutFuture::new(LOOK_MS).await;
                }
                let Some(simulated) = waiting.upgrade() else { return };
                simulated.world.replace(World::new(&scenario, &own::profile(), TOPIC, began_at_ms));
                let done = simulated.waits.take().unwrap_or_default();
                simulated.happen(done);
            });
        }
        simulated
    }

    /// Connects.
    pub(crate) fn go_on(self: &Rc<Self>) {
        self.change(World::start);
        self.run.sink().tell(&News::Connected);
        if let Some(notice) = without_others(&self.scenario.borrow(), self.model) {
            self.run.sink().tell(&News::Notice(notice));
        }
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
        let now = now.clone();
        self.change(move |world| {
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
        let fault = fault.clone();
        self.change(move |world| world.fault(&fault));
    }

    /// Publishes one event, by that chance.
    pub(crate) fn publish(self: &Rc<Self>, chance: u64) {
        let data = hand::event(self.scenario.borrow().publish.what, chance);
        self.change(move |world| world.publish(&data));
    }

    /// Opens a lane again that gave up.
    pub(crate) fn reopen(self: &Rc<Self>, lane: usize) {
        self.change(move |world| world.reopen(lane));
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
    fn change(self: &Rc<Self>, act: impl FnOnce(&mut World) + 'static) {
        let done = (self.run.now_us(), Box::new(act) as Act);
        if let Some(waits) = self.waits.borrow_mut().as_mut() {
            return waits.push(done);
        }
        self.happen(vec![done]);
    }

    /// Lets happen what was done at its moments, and all that is due.
    fn happen(self: &Rc<Self>, done: Vec<(i64, Act)>) {
        let now_us = self.run.now_us();
        let (told, next_us) = {
            let mut world = self.world.borrow_mut();
            let mut told = Vec::new();
            for (at_us, act) in done {
                world.advance(at_us, &mut told);
                act(&mut world);
            }
            world.advance(now_us, &mut told);
            (told, world.next_us())
        };
        // Told with nothing borrowed: the widget may do something about it at once.
        for (at_us, told) in &told {
            match told {
                Told::Page { lane, fact } => self.run.record_at(*lane, fact, *at_us),
                Told::Note(text) => self.run.sink().note(text),
                Told::Server(record) => self.run.sink().tap(*at_us as f64, &json::write(record)),
            }
        }
        let timer = next_us.map(|next_us| {
            let run = Rc::downgrade(self);
            let ms = u32::try_from((next_us - now_us).max(0) / 1_000 + 1).unwrap_or(u32::MAX);
            // Browsers fire at once what is further away than 2^31 ms.
            Timeout::new(ms.min(0x7fff_ffff), move || {
                if let Some(run) = run.upgrade() {
                    run.happen(Vec::new());
                }
            })
        });
        self.wake.replace(timer);
    }
}

/// What is said where the lanes have others, whom the model does not play.
fn without_others(scenario: &Scenario, model: Model) -> Option<String> {
    let others = others(scenario);
    let (played, how) = match model {
        // The row above has them.
        Model::Chosen { beside: true } => return None,
        Model::Chosen { beside: false } => ("a model in the page plays", "choose Live behind the pill above"),
        Model::Alone => (
            "this book has no server here, so a model in the page plays",
            "clone the book's repository and run in it: cargo xtask serve",
        ),
    };
    (others > 0).then(|| {
        format!(
            "Simulated: {played} the browser, the network and the server of your own lanes. The {others} others \
             of each are live only. To have them, {how}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_says_that_it_has_no_others_where_there_should_be_some() {
        let json = r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":700}],"publish":{"every_ms":0}}"#;
        let one = Scenario::from_json(json).unwrap();
        let many = Scenario { clients: 200, ..one.clone() };
        let chosen = Model::Chosen { beside: false };
        for model in [Model::Alone, chosen] {
            assert_eq!(without_others(&one, model), None);
            assert!(without_others(&many, model).unwrap().contains("The 199 others of each are live only"));
        }
        assert!(without_others(&many, Model::Alone).unwrap().ends_with("cargo xtask serve"));
        assert_eq!(without_others(&many, Model::Chosen { beside: true }), None);
    }
}
