//! An experiment at work: one task that publishes, lets the planned faults come, and looks whether
//! someone still observes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use standby_sim::publisher::Publisher;
use standby_trace::Fault;
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
        while let Some(fault) = work.due_fault(now) {
            experiment.link.begin(&fault);
        }
        if let Some(data) = work.due_event(now) {
            publish(&experiment, data);
        }
        // While someone observes, this looks again from time to time.
        let look_at = observed_at.max(now - idle) + idle;
        let wake_at = work.next_at().map_or(look_at, |at| at.min(look_at));
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

/// What there is to do, and when, on this program's clock. What is due the model knows too
/// (`standby_sim::publisher`). No I/O; time comes from outside.
struct Work {
    plan: Plan,
    publisher: Publisher,
}

impl Work {
    fn new(plan: Plan) -> Self {
        let publisher = Publisher::new(&plan.scenario);
        Self { plan, publisher }
    }

    /// Another plan: a new turn begins from the beginning, else only the publisher has changed.
    fn change(&mut self, plan: Plan, now: Instant) {
        if plan.turn != self.plan.turn {
            *self = Self::new(plan);
            return;
        }
        self.publisher.change(plan.scenario.publish, self.us(now));
        self.plan = plan;
    }

    fn us(&self, now: Instant) -> i64 {
        let us = now.saturating_duration_since(self.plan.began).as_micros();
        i64::try_from(us).unwrap_or(i64::MAX)
    }

    /// When to look again.
    fn next_at(&self) -> Option<Instant> {
        let us = u64::try_from(self.publisher.next_us()?).unwrap_or(0);
        Some(self.plan.began + Duration::from_micros(us))
    }

    fn due_event(&mut self, now: Instant) -> Option<String> {
        self.publisher.due_event(self.us(now))
    }

    fn due_fault(&mut self, now: Instant) -> Option<Fault> {
        self.publisher.due_fault(self.us(now))
    }
}

#[cfg(test)]
mod tests {
    use standby_trace::scenario::{LaneSpec, PlannedFault, Spread, What};
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
        assert_eq!(work.next_at(), Some(began + ms(1_000)));
        let stall = |for_ms| Some(Fault::Stall { sub: None, for_ms });
        let due: Vec<_> = (0..3).map(|_| work.due_fault(began + ms(2_500))).collect();
        assert_eq!(due, [stall(101), stall(102), None]);
        assert_eq!(work.next_at(), Some(began + ms(3_000)));
    }

    #[test]
    fn the_rate_holds_though_the_task_is_a_little_late() {
        let plan = plan(0, 500, &[]);
        let (began, mut work) = (plan.began, Work::new(plan));
        assert_eq!(work.due_event(began + ms(499)), None);
        assert!(work.due_event(began + ms(520)).is_some());
        assert_eq!(work.next_at(), Some(began + ms(1_000)));
    }

    #[test]
    fn what_was_slept_through_is_not_made_up_for() {
        let plan = plan(0, 500, &[]);
        let (began, mut work) = (plan.began, Work::new(plan));
        assert!(work.due_event(began + ms(60_000)).is_some());
        assert_eq!(work.next_at(), Some(began + ms(60_500)));
    }

    #[test]
    fn a_new_turn_begins_anew_and_a_change_does_not() {
        let first = plan(0, 500, &[]);
        let (began, mut work) = (first.began, Work::new(first.clone()));
        let prices = [500, 1_000].map(|at| work.due_event(began + ms(at)).unwrap());
        let mut slower = first.clone();
        slower.scenario.publish.every_ms = 4_000;
        work.change(slower, began + ms(1_100));
        assert_eq!(work.next_at(), Some(began + ms(5_100)));
        assert!(!prices.contains(&work.due_event(began + ms(5_100)).unwrap()));
        work.change(Plan { turn: 1, ..first }, began + ms(5_200));
        assert_eq!(work.due_event(began + ms(5_200)).as_ref(), Some(&prices[0]));
    }
}
