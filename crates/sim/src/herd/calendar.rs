//! What is due when: a bucket a millisecond.
//!
//! A heap would compare and move each entry some twenty times among a million. Times here are whole
//! milliseconds of a run whose end is known, so an entry goes to its bucket at once. A bucket is a
//! chain of small arrays: unlike a list through the clients themselves, the next entries are known
//! before the present one's client has come from memory, and the processor fetches them ahead.

/// Entries of one array: with the link it fills a cache line of 64 bytes.
const ENTRIES: usize = 15;
/// No array.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    entries: [u32; ENTRIES],
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Its newest array: the only one that may have room.
    chunk: u32,
    /// How many entries that one has.
    used: u32,
}

/// Clients by the millisecond in which they are due.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    buckets: Vec<Bucket>,
    chunks: Vec<Chunk>,
    /// The first of the arrays that are free.
    free: u32,
}

/// A part of what is due.
pub(super) struct Due {
    entries: [u32; ENTRIES],
    used: u32,
}

impl Due {
    pub(super) fn clients(&self) -> &[u32] {
        &self.entries[..self.used as usize]
    }
}

impl Calendar {
    /// For so many milliseconds. What is due later is never looked at, so it isn't kept.
    pub(super) fn new(length_ms: u32, clients: u32) -> Self {
        let mut chunks = Vec::new();
        // At once: growing would hold it twice while it moves.
        chunks.reserve_exact(most_chunks(length_ms, clients));
        Self { buckets: vec![Bucket { chunk: NONE, used: 0 }; length_ms as usize], chunks, free: NONE }
    }

    pub(super) fn add(&mut self, client: u32, at_ms: u32) {
        let Some(bucket) = self.buckets.get_mut(at_ms as usize) else { return };
        if bucket.chunk != NONE && (bucket.used as usize) < ENTRIES {
            self.chunks[bucket.chunk as usize].entries[bucket.used as usize] = client;
            bucket.used += 1;
            return;
        }
        let mut entries = [0; ENTRIES];
        entries[0] = client;
        let chunk = Chunk { entries, next: bucket.chunk };
        let at = if self.free == NONE {
            self.chunks.push(chunk);
            (self.chunks.len() - 1) as u32
        } else {
            let at = self.free;
            let place = &mut self.chunks[at as usize];
            self.free = place.next;
            *place = chunk;
            at
        };
        *bucket = Bucket { chunk: at, used: 1 };
    }

    /// Takes some of what is due in a millisecond; `None` when there is nothing more.
    pub(super) fn take(&mut self, at_ms: u32) -> Option<Due> {
        let bucket = self.buckets.get_mut(at_ms as usize)?;
        let chunk = self.chunks.get_mut(bucket.chunk as usize)?;
        let due = Due { entries: chunk.entries, used: bucket.used };
        let taken = bucket.chunk;
        // All but the newest array are full.
        *bucket = Bucket { chunk: chunk.next, used: ENTRIES as u32 };
        // Free before its clients are looked at: what they add may lie in it.
        chunk.next = self.free;
        self.free = taken;
        Some(due)
    }

    /// What it takes at most for so many clients, of which each is in it once.
    pub(super) fn memory_bytes(length_ms: u32, clients: u32) -> u64 {
        let buckets = u64::from(length_ms) * size_of::<Bucket>() as u64;
        buckets + (most_chunks(length_ms, clients) * size_of::<Chunk>()) as u64
    }
}

/// Full arrays, and one that isn't for each bucket that has any.
fn most_chunks(length_ms: u32, clients: u32) -> usize {
    clients as usize / ENTRIES + clients.min(length_ms) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(calendar: &mut Calendar, at_ms: u32) -> Vec<u32> {
        let mut all = Vec::new();
        while let Some(due) = calendar.take(at_ms) {
            all.extend_from_slice(due.clients());
        }
        all.sort_unstable();
        all
    }

    #[test]
    fn everybody_is_found_once_in_the_millisecond_in_which_they_are_due() {
        let mut calendar = Calendar::new(10, 1_000);
        for client in 0..1_000 {
            calendar.add(client, client % 11);
        }
        for at_ms in 0..10 {
            let due: Vec<u32> = (0..1_000).filter(|client| client % 11 == at_ms).collect();
            assert_eq!(all(&mut calendar, at_ms), due);
            assert!(all(&mut calendar, at_ms).is_empty());
        }
    }

    #[test]
    fn what_is_added_while_a_bucket_is_emptied_takes_its_room() {
        let mut calendar = Calendar::new(100, 100);
        (0..100).for_each(|client| calendar.add(client, 0));
        for at_ms in 0..99 {
            while let Some(due) = calendar.take(at_ms) {
                due.clients().iter().for_each(|client| calendar.add(*client, at_ms + 1));
            }
        }
        assert_eq!(all(&mut calendar, 99), (0..100).collect::<Vec<_>>());
        assert!(calendar.chunks.len() <= 9, "{}", calendar.chunks.len());
    }
}
