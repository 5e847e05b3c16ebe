//! One run: its record, which is kept here, and the module that runs it.

use std::rc::Rc;

use standby_trace::json;
use standby_trace::scenario::{Fault, Scenario};

use crate::run::Run;
use crate::runner::{self, By, Handle, Sink};
use crate::state::Trouble;

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
    /// What stands over the run until it is read; nothing: it is over.
    Notice(String),
}

/// One run. To drop it is not enough: see [`Live::let_go`].
pub(crate) struct Live {
    run: Rc<Run>,
    handle: Handle,
    lanes: usize,
}

impl Live {
    /// Has an experiment started by what is to run it; `None` where `tell` was told why not. Nothing else connects before [`Live::go_on`].
    pub(crate) async fn start(scenario: Scenario, by: By, tell: impl Fn(News) + 'static) -> Option<Rc<Self>> {
        let runner = match runner::load().await {
            Ok(runner) => runner,
            Err(why) => {
                tell(News::Failed(Trouble::NotLoaded { why }));
                return None;
            }
        };
        let (parameters, lanes) = (json::write(&scenario), scenario.lanes.len());
        let run = Rc::new(Run::new(scenario));
        let handle = runner.begin(parameters, by, Sink::new(&run, tell)).await?;
        Some(Rc::new(Self { run, handle, lanes }))
    }

    /// What was recorded, and the run's clocks.
    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// The topic that its lanes subscribe to; none where the model has it.
    pub(crate) fn topic(&self) -> Option<String> {
        self.handle.topic()
    }

    /// Where each of its lanes stands: the last id that it has, and why it will not come back by
    /// itself.
    pub(crate) fn lanes(&self) -> Vec<(Option<u64>, Option<String>)> {
        let lane = |lane| (self.handle.last_id(lane).map(|id| id as u64), self.handle.gave_up(lane));
        (0..self.lanes).map(lane).collect()
    }

    /// Connects, and keeps connected until [`Live::let_go`]. `is_new`: it has just been started.
    pub(crate) fn go_on(&self, is_new: bool) {
        self.handle.go_on(is_new);
    }

    /// Lets go of every connection. `why` stands in the picture.
    pub(crate) fn let_go(&self, why: &str) {
        self.handle.let_go();
        self.run.record(|recorder, now_us| recorder.note(why, now_us));
    }

    /// The parameters as they are set now.
    pub(crate) fn set(&self, scenario: &Scenario) {
        self.handle.set(&json::write(scenario));
    }

    /// Does something to all connections of the experiment.
    pub(crate) fn fault(&self, fault: &Fault) {
        self.handle.fault(&json::write(fault));
    }

    /// Publishes one event; `chance` decides what it says.
    pub(crate) fn publish(&self, chance: u64) {
        self.handle.publish(chance as f64);
    }

    /// Opens a lane again that gave up.
    pub(crate) fn reopen(&self, lane: usize) {
        self.handle.reopen(lane);
    }
}
