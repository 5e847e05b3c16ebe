//! The steps of a slider. Times and rates are felt by ratio, not by difference: from 100 to 200 ms
//! is as far as from 10 to 20 s. So a slider walks a list of round numbers, each some ten to fifty
//! per cent above the one before, and its position is an index into that list.

use std::ops::RangeInclusive;

/// The round numbers of one decade.
const DECADE: [u32; 13] = [100, 120, 150, 200, 250, 300, 350, 400, 500, 600, 700, 800, 900];

/// The values that a slider can take, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    values: Vec<u32>,
}

impl Scale {
    /// The round numbers within `bounds`, and `own`, the value that the scenario came with: it need
    /// not be round, and a reader must be able to come back to it.
    pub(crate) fn new(bounds: &RangeInclusive<u32>, own: u32) -> Self {
        let mut values = vec![*bounds.start(), *bounds.end()];
        let mut unit: u64 = 1;
        while unit <= u64::from(*bounds.end()) {
            // Up to two places: 1, 1.2, 1.5 … of this decade, where they are whole.
            let steps = DECADE.iter().map(|step| u64::from(*step) * unit);
            values.extend(steps.filter(|v| v % 100 == 0).filter_map(|v| u32::try_from(v / 100).ok()));
            unit *= 10;
        }
        values.push(own);
        values.retain(|v| bounds.contains(v));
        standby_trace::order::by(&mut values, |&v| i64::from(v));
        values.dedup();
        Self { values }
    }

    /// The same with 0 at its far end, where 0 means "never" or "no limit".
    pub(crate) fn with_never(bounds: &RangeInclusive<u32>, own: u32) -> Self {
        let mut scale = Self::new(bounds, own.clamp(*bounds.start(), *bounds.end()));
        scale.values.push(0);
        scale
    }

    /// The same without odd values, for what is split in two halves.
    pub(crate) fn even(mut self) -> Self {
        self.values.retain(|v| v % 2 == 0);
        self
    }

    /// The last index.
    pub(crate) fn last(&self) -> usize {
        self.values.len() - 1
    }

    /// The value at an index; past the end the last one.
    pub(crate) fn value(&self, index: usize) -> u32 {
        self.values[index.min(self.last())]
    }

    /// Where a value stands: its own index, or that of the next one above.
    pub(crate) fn index(&self, value: u32) -> usize {
        let exact = self.values.iter().position(|v| *v == value);
        exact.or_else(|| self.values.iter().position(|v| *v >= value)).unwrap_or(self.last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_walks_round_numbers_between_its_bounds() {
        let scale = Scale::new(&(100..=1_000), 500);
        assert_eq!(scale.values, [100, 120, 150, 200, 250, 300, 350, 400, 500, 600, 700, 800, 900, 1_000]);
    }

    #[test]
    fn a_scenarios_own_value_can_be_come_back_to() {
        let scale = Scale::new(&(500..=60_000), 1_700);
        assert_eq!(scale.value(scale.index(1_700)), 1_700);
    }

    #[test]
    fn a_scale_from_zero_begins_at_zero() {
        let scale = Scale::new(&(0..=5), 0);
        assert_eq!(scale.values, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn never_stands_at_the_far_end() {
        let scale = Scale::with_never(&(50..=600_000), 1_200);
        assert_eq!(scale.value(scale.last()), 0);
        assert_eq!(scale.index(0), scale.last());
        assert_eq!(scale.value(scale.index(1_200)), 1_200);
    }

    #[test]
    fn what_is_off_the_scale_is_brought_onto_it() {
        let scale = Scale::new(&(100..=1_000), 500);
        assert_eq!(scale.value(999), 1_000);
        assert_eq!(scale.value(scale.index(5)), 100);
    }
}
