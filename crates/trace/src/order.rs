//! Sorting by a whole number, always by the same code.
//!
//! The standard library's sort is compiled anew for each type that is sorted and each key: four to
//! seven kilobytes of WebAssembly a time, for lists that are short. Here the keys are sorted, and the
//! items are put where their keys stand.

/// Sorts by a key, smallest first; what has the same key keeps its order.
pub fn by<T>(items: &mut Vec<T>, key: impl Fn(&T) -> i64) {
    let mut keys: Vec<(i64, u32)> = items.iter().zip(0..).map(|(item, i)| (key(item), i)).collect();
    if keys.is_sorted() {
        return;
    }
    keys.sort_unstable();
    let mut from: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(keys.into_iter().filter_map(|(_, i)| from.get_mut(i as usize)?.take()));
}

/// Sorts numbers.
pub fn numbers(numbers: &mut Vec<u64>) {
    by(numbers, |&n| i64::try_from(n).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_same_key_keeps_its_order() {
        let mut items = vec![(3, 'a'), (1, 'b'), (3, 'c'), (-2, 'd'), (1, 'e')];
        by(&mut items, |&(key, _)| key);
        assert_eq!(items, [(-2, 'd'), (1, 'b'), (1, 'e'), (3, 'a'), (3, 'c')]);
    }

    #[test]
    fn numbers_come_in_order() {
        let mut all = vec![7, 0, u64::MAX, 7, 2];
        numbers(&mut all);
        assert_eq!(all, [0, 2, 7, 7, u64::MAX]);
    }
}
