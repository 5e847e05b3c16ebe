//! What an experiment does by itself: it publishes, and lets the planned faults come. The server's
//! task asks this what is due, and so does the model. No clock: times are microseconds since the
//! scenario began.

use standby_trace::scenario::{Fault, PlannedFault, Publish, Scenario};

use crate::content::Content;

/// So long does an experiment of the model go on that nobody observes. The server looks to that itself.
const IDLE_US: i64 = 30_000_000;
/// What was due longer ago was slept through, with a laptop's lid closed, and is not made up for.
const SLEPT_US: i64 = 1_000_000;

/// What there is to do, and when.
#[derive(Debug)]
pub struct Publisher {
    publish: Publish,
    content: Content,
    event_us: Option<i64>,
    /// Those that are still to come, the next one last.
    faults: Vec<PlannedFault>,
    seed: u64,
    unobserved_us: Option<i64>,
}

impl Publisher {
    /// At the scenario's beginning.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        let mut faults = scenario.faults.clone();
        faults.sort_by_key(|planned| std::cmp::Reverse(planned.at_ms));
        let mut it = Self {
            publish: scenario.publish,
            content: Content::new(scenario.seed),
            event_us: None,
            faults,
            seed: scenario.seed,
            unobserved_us: None,
        };
        it.event_us = it.wait_us(0);
        it
    }

    fn wait_us(&mut self, from_us: i64) -> Option<i64> {
        let wait = self.content.wait(&self.publish)?;
        Some(from_us.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Someone observes, from now on.
    pub fn observed(&mut self, now_us: i64) {
        let Some(unobserved_us) = self.unobserved_us.take() else { return };
        if now_us > unobserved_us + IDLE_US {
            // It had ended, and is started anew: without the faults that have been.
            self.faults.retain(|planned| i64::from(planned.at_ms) * 1_000 > now_us);
            self.content = Content::new(self.seed);
            self.event_us = self.wait_us(now_us);
        }
    }

    /// Nobody observes any more.
    pub fn unobserved(&mut self, now_us: i64) {
        self.unobserved_us.get_or_insert(now_us);
    }

    /// What is published, and how often.
    #[must_use]
    pub fn publish(&self) -> Publish {
        self.publish
    }

    /// Another rate, or something else, from now on.
    pub fn change(&mut self, publish: Publish, now_us: i64) {
        let changed = (publish.every_ms, publish.spread) != (self.publish.every_ms, self.publish.spread);
        self.publish = publish;
        if changed {
            self.event_us = self.wait_us(now_us);
        }
    }

    fn fault_us(&self) -> Option<i64> {
        self.faults.last().map(|planned| i64::from(planned.at_ms) * 1_000)
    }

    /// When there is something to do next.
    #[must_use]
    pub fn next_us(&self) -> Option<i64> {
        let next_us = [self.event_us, self.fault_us()].into_iter().flatten().min()?;
        let ends_us = self.unobserved_us.map_or(i64::MAX, |us| us.saturating_add(IDLE_US));
        (next_us < ends_us).then_some(next_us)
    }

    /// The fault that is due.
    pub fn due_fault(&mut self, now_us: i64) -> Option<Fault> {
        (self.fault_us()? <= now_us).then(|| self.faults.pop())?.map(|planned| planned.fault)
    }

    /// The data of the event that is due.
    pub fn due_event(&mut self, now_us: i64) -> Option<String> {
        let due_us = self.event_us.filter(|&us| us <= now_us)?;
        // From when it was due, so that the rate is what it should be.
        let from_us = if now_us - due_us < SLEPT_US { due_us } else { now_us };
        self.event_us = self.wait_us(from_us);
        Some(self.content.next(self.publish.what))
    }
}
