//! An experiment at work: one task that publishes, lets the planned faults come, and looks whether
//! someone still observes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use standby_sim::content::Content;
use standby_trace::Fault;
use standby_trace::scenario::PlannedFault;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Experiment, Experiments, Plan};

/// Runs an experiment until nobody has observed it for a while, or the server stops.
pub(super) async fn run(experiments: Experiments, experiment: Arc<Experiment>, shutdown: CancellationToken) {
    let idle = Duration::from_millis(experiments.0.settings.experiment_idle_ms);
    let mut plans = experiment.plan.subscribe();
    let mut work = Work::new(plans.borrow_and_update().clone());
    let mut observed_at = Instant::now();
    loop {
        let now = Instant::now();
        if experiment.link.hub.observers() > 0 {
            observed_at = now;
        } else if now >= observed_at + idle && experiments.let_go(&experiment) {
            return;
        }
        for fault in work.due_faults(now) {
            experiment.link.begin(&fault);
        }
        if work.is_event_due(now) {
            publish(&experiment, work.next_event(now));
        }
        // While someone observes, this looks again from time to time.
        let look_at = observed_at.max(now - idle) + idle;
        let wake_at = [work.event_at, work.fault_at()].into_iter().flatten().fold(look_at, Instant::min);
        tokio::select! {
            () = sleep_until(wake_at) => {}
            changed = plans.changed() => match changed {
                Ok(()) => work.change(plans.borrow_and_update().clone(), Instant::now()),
                Err(_) => return,
            },
            () = shutdown.cancelled() => return,
        }
    }
}

fn publish(experiment: &Experiment, data: String) {
    let Ok(data) = RawValue::from_string(data) else { return };
    if let Err(full) = experiment.topic.publish(&data, None) {
        tracing::warn!(topic = experiment.topic.name(), %full, "can't publish");
    }
}

/// What there is to do, and when. No I/O; time comes from outside.
struct Work {
    plan: Plan,
    content: Content,
    event_at: Option<Instant>,
    /// Those that are still to come, the next one last.
    faults: Vec<PlannedFault>,
}

impl Work {
    fn new(plan: Plan) -> Self {
        let mut content = Content::new(plan.scenario.seed);
        let event_at = content.wait(&plan.scenario.publish).map(|wait| plan.began + wait);
        let mut faults = plan.scenario.faults.clone();
        faults.sort_by_key(|planned| std::cmp::Reverse(planned.at_ms));
        Self { plan, content, event_at, faults }
    }

    /// Another plan: a new turn begins from the beginning, else only the publisher has changed.
    fn change(&mut self, plan: Plan, now: Instant) {
        if plan.turn != self.plan.turn {
            *self = Self::new(plan);
            return;
        }
        let publish = plan.scenario.publish;
        let changed = publish.every_ms != self.plan.scenario.publish.every_ms
            || publish.spread != self.plan.scenario.publish.spread;
        if changed {
            self.event_at = self.content.wait(&publish).map(|wait| now + wait);
        }
        self.plan = plan;
    }

    fn is_event_due(&self, now: Instant) -> bool {
        self.event_at.is_some_and(|at| at <= now)
    }

    fn next_event(&mut self, now: Instant) -> String {
        let publish = self.plan.scenario.publish;
        // From when it was due, so that the rate is what it should be; but what was slept through,
        // with a laptop's lid closed, is not made up for.
        let due = self.event_at.filter(|at| now - *at < Duration::from_secs(1)).unwrap_or(now);
        self.event_at = self.content.wait(&publish).map(|wait| due + wait);
        self.content.next(publish.what)
    }

    fn fault_at(&self) -> Option<Instant> {
        self.faults.last().map(|planned| self.plan.began + Duration::from_millis(planned.at_ms.into()))
    }

    fn due_faults(&mut self, now: Instant) -> Vec<Fault> {
        let mut due = Vec::new();
        while self.fault_at().is_some_and(|at| at <= now)
            && let Some(planned) = self.faults.pop()
        {
            due.push(planned.fault);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use standby_trace::scenario::{LaneSpec, Spread, What};
    use standby_trace::{Conditions, Publish, Scenario, Transport};

    use super::*;

    fn plan(turn: u64, every_ms: u32, faults: &[(u32, u32)]) -> Plan {
        let fault = |&(at_ms, for_ms)| PlannedFault { at_ms, fault: Fault::Stall { sub: None, for_ms } };
        let scenario = Scenario {
            v: 1,
            lanes: vec![LaneSpec::default_for(Transport::Sse)],
            publish: Publish { every_ms, spread: Spread::Fixed, what: What::Price },
            conditions: Conditions::default(),
            faults: faults.iter().map(fault).collect(),
            clients: 1,
            crowd: None,
            seed: 1,
            window_ms: 8_000,
        };
        Plan { scenario, began: Instant::now(), turn }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn faults_come_in_the_order_of_their_times() {
        let plan = plan(0, 0, &[(3_000, 103), (1_000, 101), (2_000, 102)]);
        let (began, mut work) = (plan.began, Work::new(plan));
        assert_eq!(work.fault_at(), Some(began + ms(1_000)));
        let stall = |for_ms| Fault::Stall { sub: None, for_ms };
        assert_eq!(work.due_faults(began + ms(2_500)), [stall(101), stall(102)]);
        assert_eq!(work.due_faults(began + ms(2_500)), []);
        assert_eq!(work.fault_at(), Some(began + ms(3_000)));
    }

    #[test]
    fn the_rate_holds_though_the_task_is_a_little_late() {
        let plan = plan(0, 500, &[]);
        let (began, mut work) = (plan.began, Work::new(plan));
        assert!(!work.is_event_due(began + ms(499)));
        work.next_event(began + ms(520));
        assert_eq!(work.event_at, Some(began + ms(1_000)));
    }

    #[test]
    fn what_was_slept_through_is_not_made_up_for() {
        let plan = plan(0, 500, &[]);
        let (began, mut work) = (plan.began, Work::new(plan));
        work.next_event(began + ms(60_000));
        assert_eq!(work.event_at, Some(began + ms(60_500)));
    }

    #[test]
    fn a_new_turn_begins_anew_and_a_change_does_not() {
        let first = plan(0, 500, &[]);
        let (began, mut work) = (first.began, Work::new(first.clone()));
        let prices = [work.next_event(began), work.next_event(began)];
        let mut slower = first.clone();
        slower.scenario.publish.every_ms = 4_000;
        work.change(slower, began + ms(100));
        assert_eq!(work.event_at, Some(began + ms(4_100)));
        assert!(!prices.contains(&work.next_event(began)));
        work.change(Plan { turn: 1, ..first }, began + ms(200));
        assert_eq!(work.next_event(began), prices[0]);
    }
}
