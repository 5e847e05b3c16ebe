//! What is remembered for what comes late: a list, as long as it may be at most. A map would find
//! things faster; its code was 3 KB of what a page loads, and the list is short.

/// So many half-known messages and tap exchanges are remembered; the oldest go first.
const MOST: usize = 4_096;

/// Values by their keys, the oldest first.
#[derive(Debug)]
pub(super) struct Recent<K, V>(Vec<(K, V)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V: Copy> Recent<K, V> {
    /// Remembers one that is not among them.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.0.len() >= MOST {
            // Many at once: moving what stays costs the same for one.
            self.0.drain(..MOST / 8);
        }
        self.0.push((key, value));
    }

    fn position(&self, key: &K) -> Option<usize> {
        self.0.iter().rposition(|(known, _)| known == key)
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.0.get(self.position(key)?).map(|(_, value)| *value)
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        Some(self.0.remove(self.position(key)?).1)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_newest_never() {
        let mut recent = Recent::default();
        for key in 0..3 * MOST {
            recent.insert(key, key);
            assert!(recent.0.len() <= MOST);
            assert_eq!(recent.get(&key), Some(key));
        }
        assert_eq!(recent.get(&0), None);
        assert_eq!(recent.remove(&(3 * MOST - 5)), Some(3 * MOST - 5));
        assert_eq!(recent.get(&(3 * MOST - 5)), None);
    }
}
