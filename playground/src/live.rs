//! One live run: the experiment on the server, its observer, and its lanes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_util::future::{AbortHandle, abortable};
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use standby_trace::scenario::{Fault, LaneSpec, Scenario};
use standby_trace::tap::ExperimentStarted;
use wasm_bindgen_futures::spawn_local;

use crate::lane::Lane;
use crate::run::Run;
use crate::server::{self, Api, Change, NoAnswer};
use crate::state::Trouble;
use crate::{hand, observer, time};

/// The waits between two probes while the server is away.
const PROBE_MS: [u32; 4] = [250, 500, 1_000, 2_000];

/// A slider that is dragged changes its value many times a second. This is how long it must rest
/// before the server, or a lane, is told.
const REST_MS: u32 = 120;

/// What a run tells its widget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The observer's connection stands, and the lanes run.
    Connected,
    /// The server went away. The run goes on trying.
    Lost,
    /// The run can't go on.
    Failed(Trouble),
    /// Something that the reader asked for did not work.
    Refused(String),
}

/// One live run. To drop it is not enough: see [`Live::let_go`].
pub(crate) struct Live {
    run: Rc<Run>,
    api: Api,
    /// The parameters as they are set now.
    scenario: RefCell<Scenario>,
    started: RefCell<ExperimentStarted>,
    lanes: Vec<Rc<Lane>>,
    /// What keeps the observer connected.
    connection: RefCell<Option<AbortHandle>>,
    lanes_run: Cell<bool>,
    steering: RefCell<Option<Timeout>>,
    settings: RefCell<Vec<Option<Timeout>>>,
    tell: Box<dyn Fn(News)>,
}

impl Live {
    /// Starts an experiment on the server. Nothing else connects before [`Live::go_on`].
    pub(crate) async fn start(
        scenario: Scenario,
        tell: impl Fn(News) + 'static,
    ) -> Result<Rc<Self>, Trouble> {
        let api = server::find().await.map_err(|looked_at| match looked_at {
            Some(at) => Trouble::NotThere { at },
            None => Trouble::NoServer,
        })?;
        let started = api.start(&scenario, None).await.map_err(trouble)?;
        let run = Rc::new(Run::new(scenario.clone()));
        let lanes: Vec<Rc<Lane>> =
            (0..scenario.lanes.len()).map(|index| Lane::new(index, &run, &api, &started.topic)).collect();
        Ok(Rc::new(Self {
            settings: RefCell::new(lanes.iter().map(|_| None).collect()),
            run,
            api,
            scenario: scenario.into(),
            started: started.into(),
            lanes,
            connection: RefCell::default(),
            lanes_run: Cell::new(false),
            steering: RefCell::default(),
            tell: Box::new(tell),
        }))
    }

    /// What was recorded, and the run's clocks.
    pub(crate) fn run(&self) -> &Run {
        &self.run
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

    /// Lets go of every connection. `why` stands in the picture.
    pub(crate) fn let_go(&self, why: &str) {
        if let Some(connection) = self.connection.take() {
            connection.abort();
        }
        if self.lanes_run.replace(false) {
            for lane in &self.lanes {
                lane.let_go();
            }
        }
        self.run.record(standby_trace::recorder::Recorder::unobserved);
        self.run.record(|recorder, now_us| recorder.note(why, now_us));
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
                        return (self.tell)(News::Failed(Trouble::Busy));
                    }
                    NoAnswer::Refused { status: 400..=499, said } => {
                        return (self.tell)(News::Failed(Trouble::Refused { said }));
                    }
                    NoAnswer::Network | NoAnswer::TooLate | NoAnswer::Refused { .. } => self.lost(),
                }
            } else {
                let url = self.api.observe(&self.started.borrow());
                observer::observe(&url, &self.run, || {
                    probes = 0;
                    self.connected();
                })
                .await;
                self.run.forget_clock();
                self.run.record(standby_trace::recorder::Recorder::unobserved);
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
            self.run.record(|recorder, now_us| recorder.note("server back", now_us));
        }
        if !self.lanes_run.replace(true) {
            for lane in &self.lanes {
                lane.start();
            }
        }
        (self.tell)(News::Connected);
    }

    fn lost(&self) {
        if !self.run.is_away() {
            self.run.set_away(true);
            self.run.record(|recorder, now_us| recorder.note("server gone", now_us));
        }
        (self.tell)(News::Lost);
    }

    /// Sets conditions and publisher, when the slider rests.
    pub(crate) fn steer(self: &Rc<Self>, change: Change) {
        {
            let mut scenario = self.scenario.borrow_mut();
            scenario.conditions = change.conditions.unwrap_or(scenario.conditions);
            scenario.publish = change.publish.unwrap_or(scenario.publish);
        }
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
    pub(crate) fn set_lane(self: &Rc<Self>, index: usize, spec: LaneSpec) {
        if let Some(kept) = self.scenario.borrow_mut().lanes.get_mut(index) {
            *kept = spec;
        }
        let Some(lane) = self.lanes.get(index).cloned() else { return };
        let timer = Timeout::new(REST_MS, move || lane.set(spec));
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

    /// Publishes one event.
    pub(crate) fn publish(self: &Rc<Self>) {
        let live = self.clone();
        spawn_local(async move {
            let topic = live.started.borrow().topic.clone();
            let data = hand::data(live.scenario.borrow().publish.what);
            let once = format!("{:x}", time::random());
            live.report(live.api.publish(&topic, &data, &once).await);
        });
    }

    fn report(&self, result: Result<(), NoAnswer>) {
        let said = match result {
            Ok(()) => return,
            Err(NoAnswer::Refused { said, .. }) => format!("The server refused. {said}"),
            Err(NoAnswer::Network) => "The server did not answer.".to_owned(),
            Err(NoAnswer::TooLate) => "No answer came in time.".to_owned(),
        };
        (self.tell)(News::Refused(said));
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

fn trouble(no_answer: NoAnswer) -> Trouble {
    match no_answer {
        NoAnswer::Network => Trouble::NotThere { at: String::new() },
        NoAnswer::TooLate => Trouble::Busy,
        NoAnswer::Refused { said, .. } => Trouble::Refused { said },
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
