//! One live run: the experiment on the server, its observer, and its lanes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{AbortHandle, abortable};
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use standby_dom::time;
use standby_trace::scenario::{Fault, LaneSpec, Scenario};
use standby_trace::tap::ExperimentStarted;
use wasm_bindgen_futures::spawn_local;

use crate::lane::Lane;
use crate::others::Others;
use crate::sink::{News, Run};
use crate::{hand, observer, own};
use standby_api::{Api, Change, NoAnswer};

/// The waits between two probes while the server is away.
const PROBE_MS: [u32; 4] = [250, 500, 1_000, 2_000];

/// A slider that is dragged changes its value many times a second. This is how long it must rest
/// before the server, or a lane, is told.
const REST_MS: u32 = 120;

/// One live run. To drop it is not enough: see [`Live::let_go`].
pub(crate) struct Live {
    run: Rc<Run>,
    api: Api,
    /// The parameters as they are set now.
    scenario: RefCell<Scenario>,
    started: RefCell<ExperimentStarted>,
    lanes: Vec<Rc<Lane>>,
    others: Rc<Others>,
    /// What keeps the observer connected.
    connection: RefCell<Option<AbortHandle>>,
    lanes_run: Cell<bool>,
    steering: RefCell<Option<Timeout>>,
    settings: RefCell<Vec<Option<Timeout>>>,
}

impl Live {
    /// Starts an experiment on a server. Nothing else connects before [`Live::go_on`].
    ///
    /// # Errors
    /// What keeps it from starting.
    pub(crate) async fn start(scenario: &Scenario, api: Api, run: &Rc<Run>) -> Result<Rc<Self>, News> {
        let started = api.start(scenario, None).await.map_err(trouble)?;
        run.begin(false);
        let lane = |index| Lane::new(index, scenario, run, &api, &started.topic);
        let lanes: Vec<Rc<Lane>> = (0..scenario.lanes.len()).filter_map(lane).collect();
        Ok(Rc::new(Self {
            settings: RefCell::new(lanes.iter().map(|_| None).collect()),
            run: run.clone(),
            others: Others::new(run, &api),
            api,
            lanes,
            scenario: scenario.clone().into(),
            started: started.into(),
            connection: RefCell::default(),
            lanes_run: Cell::new(false),
            steering: RefCell::default(),
        }))
    }

    /// The topic that its lanes subscribe to.
    pub(crate) fn topic(&self) -> String {
        self.started.borrow().topic.clone()
    }

    /// Its lanes.
    pub(crate) fn lanes(&self) -> &[Rc<Lane>] {
        &self.lanes
    }

    /// Connects, and keeps connected until [`Live::let_go`]. `is_new`: the server has just started
    /// the experiment.
    pub(crate) fn go_on(self: &Rc<Self>, is_new: bool) {
        let (connection, handle) = abortable(self.clone().keep_connected(is_new));
        if let Some(before) = self.connection.replace(Some(handle)) {
            before.abort();
        }
        spawn_local(async move {
            // Aborted is what it ends with.
            let _ = connection.await;
        });
    }

    /// Lets go of every connection.
    pub(crate) fn let_go(&self) {
        if let Some(connection) = self.connection.take() {
            connection.abort();
        }
        if self.lanes_run.replace(false) {
            for lane in &self.lanes {
                lane.let_go();
            }
            self.others.end(&self.started.borrow());
        }
        self.run.sink().unobserved();
    }

    async fn keep_connected(self: Rc<Self>, is_new: bool) {
        let mut ask_first = !is_new;
        let mut probes = 0;
        loop {
            // A server that was started anew knows nothing of the experiment, nor does one after a
            // long pause. The same key gives the same topic, and the lanes go on by themselves.
            if ask_first && let Err(no_answer) = self.start_again().await {
                match no_answer {
                    NoAnswer::TooLate if !self.run.is_away() => {
                        return self.run.sink().tell(&News::Busy);
                    }
                    NoAnswer::Refused { status: 400..=499, said } => {
                        return self.run.sink().tell(&News::Refused(said));
                    }
                    NoAnswer::Network | NoAnswer::TooLate | NoAnswer::Refused { .. } => self.lost(),
                }
            } else {
                let url = self.api.observe(&self.started.borrow());
                let ready = || {
                    probes = 0;
                    self.connected();
                };
                let seen = |told: &_| own::learn(told, &self.scenario.borrow());
                observer::observe(&url, &self.run, ready, seen).await;
                self.run.sink().unobserved();
                self.lost();
            }
            ask_first = true;
            TimeoutFuture::new(PROBE_MS[probes.min(PROBE_MS.len() - 1)]).await;
            probes += 1;
        }
    }

    /// Has the server run the experiment, if it does not do so any more. By fetch: failed
    /// handshakes make a browser hold back the next ones.
    async fn start_again(&self) -> Result<(), NoAnswer> {
        let started = self.started.borrow().clone();
        if self.api.is_at_work(&started).await? {
            return Ok(());
        }
        let ran_ms = u32::try_from(self.run.now_us() / 1_000).unwrap_or(u32::MAX);
        let rest = rest_of(self.scenario.borrow().clone(), ran_ms);
        self.started.replace(self.api.start(&rest, Some(&started.key)).await?);
        Ok(())
    }

    fn connected(&self) {
        if self.run.is_away() {
            self.run.set_away(false);
            self.run.sink().note("server back");
        }
        if !self.lanes_run.replace(true) {
            for lane in &self.lanes {
                lane.start();
            }
        }
        self.run.sink().tell(&News::Connected);
        // A server that comes back has none of them.
        self.others.begin(&self.started.borrow(), &self.scenario.borrow());
    }

    fn lost(&self) {
        if !self.run.is_away() {
            self.run.set_away(true);
            self.run.sink().note("server gone");
        }
        self.run.sink().tell(&News::Lost);
    }

    /// The parameters as they are set now: tells those whom a change concerns.
    pub(crate) fn set(self: &Rc<Self>, now: &Scenario) {
        let before = self.scenario.replace(now.clone());
        if (before.conditions, before.publish) != (now.conditions, now.publish) {
            self.steer();
        }
        for (index, (before, now)) in before.lanes.iter().zip(&now.lanes).enumerate() {
            if before != now {
                self.set_lane(index, *now);
            }
        }
    }

    /// Sets conditions and publisher, when the slider rests.
    fn steer(self: &Rc<Self>) {
        let live = self.clone();
        let timer = Timeout::new(REST_MS, move || {
            spawn_local(async move {
                let started = live.started.borrow().clone();
                // All of it: what another slider changed in between is not lost.
                let change = {
                    let scenario = live.scenario.borrow();
                    Change { conditions: Some(scenario.conditions), publish: Some(scenario.publish) }
                };
                live.report(live.api.steer(&started, &change).await);
            });
        });
        self.steering.replace(Some(timer));
    }

    /// Sets a lane, when the slider rests.
    fn set_lane(self: &Rc<Self>, index: usize, spec: LaneSpec) {
        let Some(lane) = self.lanes.get(index).cloned() else { return };
        let live = self.clone();
        let timer = Timeout::new(REST_MS, move || {
            lane.set(spec);
            live.others.begin_again(&live.started.borrow(), &live.scenario.borrow(), index);
        });
        if let Some(kept) = self.settings.borrow_mut().get_mut(index) {
            *kept = Some(timer);
        }
    }

    /// Does something to all connections of the experiment.
    pub(crate) fn fault(self: &Rc<Self>, fault: Fault) {
        let live = self.clone();
        spawn_local(async move {
            let started = live.started.borrow().clone();
            live.report(live.api.fault(&started, &fault).await);
        });
    }

    /// Publishes one event, by that chance.
    pub(crate) fn publish(self: &Rc<Self>, chance: u64) {
        let live = self.clone();
        spawn_local(async move {
            let topic = live.started.borrow().topic.clone();
            let data = hand::event(live.scenario.borrow().publish.what, chance);
            let once = format!("{:x}", time::random());
            live.report(live.api.publish(&topic, &data, &once).await);
        });
    }

    fn report(&self, result: Result<(), NoAnswer>) {
        if let Err(no_answer) = result {
            self.run.sink().tell(&News::Failed(words(no_answer)));
        }
    }
}

/// Why something that was asked for did not work, for the reader.
pub(crate) fn words(no_answer: NoAnswer) -> String {
    match no_answer {
        NoAnswer::Refused { said, .. } => format!("The server refused. {said}"),
        NoAnswer::Network => "The server did not answer.".to_owned(),
        NoAnswer::TooLate => "No answer came in time.".to_owned(),
    }
}

/// A scenario for a server that takes over a run: without the faults that have been.
fn rest_of(mut scenario: Scenario, ran_ms: u32) -> Scenario {
    scenario.faults.retain(|planned| planned.at_ms > ran_ms);
    for planned in &mut scenario.faults {
        planned.at_ms -= ran_ms;
    }
    scenario
}

fn trouble(no_answer: NoAnswer) -> News {
    match no_answer {
        NoAnswer::Network => News::NotThere,
        NoAnswer::TooLate => News::Busy,
        NoAnswer::Refused { said, .. } => News::Refused(said),
    }
}

#[cfg(test)]
mod tests {
    use standby_trace::scenario::PlannedFault;

    use super::*;

    #[test]
    fn a_server_that_takes_over_does_not_repeat_the_faults_that_have_been() {
        let json = r#"{"v":1,"lanes":[{"transport":"sse","retry_ms":1000}],"publish":{"every_ms":0}}"#;
        let mut scenario = Scenario::from_json(json).unwrap();
        let fault = Fault::Drop { sub: None };
        scenario.faults = [3_000, 9_000].map(|at_ms| PlannedFault { at_ms, fault: fault.clone() }).to_vec();
        assert_eq!(rest_of(scenario, 4_000).faults, [PlannedFault { at_ms: 5_000, fault }]);
    }
}
