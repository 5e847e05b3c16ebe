//! The tallies of crowds, brought onto the page's clock.

use crate::clock::Clock;
use crate::crowd::{CrowdRun, RUNS, TALLIES, TALLY_US, Tally};
use crate::tap::CrowdTally;

use super::Recorder;

impl Recorder {
    pub(super) fn crowd(&mut self, told: &CrowdTally, clock: &Clock) {
        let Some(at) = self.crowd_run(told, clock) else { return };
        let first = self.crowds.get(at).map_or(0, |(_, _, first)| *first);
        let Some(run) = self.window.trace_mut().crowd.get_mut(at) else { return };
        // One that comes twice, or after a later one, is none that this server sends.
        let Some(index) = told.index.checked_sub(first).map(|index| index as usize) else { return };
        if index < run.tallies.len() {
            return;
        }
        // What was missed did happen; what is known of it is only that the connections stayed.
        let open = run.tallies.last().map_or(0, |tally| tally.open);
        let missed = (index - run.tallies.len()).min(TALLIES);
        run.tallies.extend(std::iter::repeat_n(Tally { open, ..Tally::default() }, missed));
        run.tallies.push(told.tally);
        run.costs.extend(told.cost);
        let over = run.tallies.len().saturating_sub(TALLIES);
        if over > 0 {
            // A tenth at once: moving what stays costs the same for one as for many.
            let over = over.max(TALLIES / 10);
            run.tallies.drain(..over);
            run.from_us += over as i64 * TALLY_US;
            let old = run.costs.len().saturating_sub(TALLIES / 10);
            run.costs.drain(..old);
            if let Some((_, _, first)) = self.crowds.get_mut(at) {
                *first = first.saturating_add(u32::try_from(over).unwrap_or(u32::MAX));
            }
        }
        self.touch();
    }

    /// The run that a tally belongs to; a new one where there is none.
    fn crowd_run(&mut self, told: &CrowdTally, clock: &Clock) -> Option<usize> {
        let is_it = |(row, from_us, _): &(u16, u64, u32)| (*row, *from_us) == (told.row, told.from_us);
        if let Some(at) = self.crowds.iter().rposition(is_it) {
            return Some(at);
        }
        let from_us = clock.to_local(told.from_us)? + i64::from(told.index) * TALLY_US;
        let runs = &mut self.window.trace_mut().crowd;
        if runs.len() == RUNS {
            runs.remove(0);
            self.crowds.remove(0);
        }
        runs.push(CrowdRun {
            row: told.row,
            lane: told.lane,
            clients: told.clients,
            from_us,
            tallies: Vec::new(),
            costs: Vec::new(),
        });
        self.crowds.push((told.row, told.from_us, told.index));
        Some(self.crowds.len() - 1)
    }
}
