//! The faults at work on a topic. Time comes from outside.

use std::time::Duration;

use standby_trace::Fault;
use standby_trace::tap::Via;
use tokio::time::Instant;

/// Faults at work at the same time; the oldest gives way.
const AT_WORK: usize = 32;

/// The faults at work on one topic.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, Instant)>);

/// What becomes of a new request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Its handler gets it.
    Pass,
    /// Its connection is reset.
    Refuse,
    /// It is answered 503.
    Unavailable { retry_after_s: Option<u32> },
}

impl Faults {
    /// Begins a fault, and says when it will be over. What hits the connections that are there has no
    /// length: it is over at once.
    pub(super) fn begin(&mut self, now: Instant, fault: &Fault) -> Instant {
        let for_ms = match *fault {
            Fault::Drop { .. } | Fault::HalfOpen { .. } => return now,
            Fault::Refuse { for_ms, .. }
            | Fault::Stall { for_ms, .. }
            | Fault::Unavailable { for_ms, .. } => for_ms,
        };
        self.0.retain(|(_, until)| *until > now);
        if self.0.len() == AT_WORK {
            self.0.remove(0);
        }
        let until = now + Duration::from_millis(for_ms.into());
        self.0.push((fault.clone(), until));
        until
    }

    /// Ends them all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What becomes of a request. Faults are for those who receive: publishing goes on, since what
    /// is missed meanwhile is what a fault is to show.
    pub(super) fn verdict(&self, now: Instant, via: Via, sub: Option<&str>) -> Verdict {
        if via.transport().is_none() {
            return Verdict::Pass;
        }
        // The newest says it.
        let fault = self.at_work(now, sub).rev().find_map(|(fault, _)| match *fault {
            Fault::Refuse { .. } => Some(Verdict::Refuse),
            Fault::Unavailable { retry_after_s, .. } => Some(Verdict::Unavailable { retry_after_s }),
            Fault::Stall { .. } | Fault::Drop { .. } | Fault::HalfOpen { .. } => None,
        });
        fault.unwrap_or(Verdict::Pass)
    }

    /// Until when nothing goes out to this subscriber.
    pub(super) fn stalled_until(&self, now: Instant, sub: Option<&str>) -> Option<Instant> {
        let stalls = self.at_work(now, sub).filter(|(fault, _)| matches!(fault, Fault::Stall { .. }));
        stalls.map(|(_, until)| *until).max()
    }

    fn at_work(&self, now: Instant, sub: Option<&str>) -> impl DoubleEndedIterator<Item = &(Fault, Instant)> {
        self.0.iter().filter(move |(fault, until)| *until > now && hits(fault, sub))
    }
}

/// Whether a fault is for the subscriber of this label.
pub(super) fn hits(fault: &Fault, sub: Option<&str>) -> bool {
    fault.sub().is_none_or(|label| sub == Some(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_fault_is_over_when_its_time_is_up() {
        let now = Instant::now();
        let mut faults = Faults::default();
        let until = faults.begin(now, &Fault::Refuse { sub: None, for_ms: 500 });
        assert_eq!(until, now + ms(500));
        assert_eq!(faults.verdict(now + ms(499), Via::Sse, None), Verdict::Refuse);
        assert_eq!(faults.verdict(now + ms(500), Via::Sse, None), Verdict::Pass);
    }

    #[test]
    fn a_fault_of_one_subscriber_leaves_the_others_alone() {
        let now = Instant::now();
        let mut faults = Faults::default();
        faults.begin(now, &Fault::Stall { sub: Some("sse".into()), for_ms: 500 });
        faults.begin(now, &Fault::Stall { sub: Some("sse".into()), for_ms: 900 });
        assert_eq!(faults.stalled_until(now, Some("sse")), Some(now + ms(900)));
        assert_eq!(faults.stalled_until(now, Some("long-poll")), None);
        assert_eq!(faults.stalled_until(now, None), None);
    }

    #[test]
    fn publishing_goes_on_during_a_fault() {
        let now = Instant::now();
        let mut faults = Faults::default();
        faults.begin(now, &Fault::Unavailable { sub: None, for_ms: 500, retry_after_s: Some(2) });
        assert_eq!(faults.verdict(now, Via::Publish, None), Verdict::Pass);
        let unavailable = Verdict::Unavailable { retry_after_s: Some(2) };
        assert_eq!(faults.verdict(now, Via::WebSocket, None), unavailable);
    }

    #[test]
    fn faults_at_work_are_bounded_and_the_newest_stay() {
        let now = Instant::now();
        let mut faults = Faults::default();
        for for_ms in 100..300 {
            faults.begin(now, &Fault::Stall { sub: None, for_ms });
        }
        assert_eq!(faults.0.len(), AT_WORK);
        assert_eq!(faults.stalled_until(now, None), Some(now + ms(299)));
    }
}
