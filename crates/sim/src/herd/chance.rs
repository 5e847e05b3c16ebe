//! Random numbers that need no generator for each client.
//!
//! A generator each would be 32 bytes for each of ten million. So a number is a hash of whose it is,
//! when, and what for: it depends on nothing that happened before, in whatever order things are done.

/// What a number is for. Two for the same client in the same millisecond must differ.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum For {
    /// Of its backoff.
    Wait,
    /// A `retry:` or `Retry-After` that the server chose for it.
    Told,
    /// Its first request.
    Phase,
    /// The way to the server.
    Out,
    /// The way back.
    Back,
    /// The part of a second that it adds to a `Retry-After`.
    Part,
}

/// The chances of one lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance(u64);

/// 2^64 divided by the golden ratio: its multiples are far apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    pub(super) fn new(seed: u64, lane: usize) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN.wrapping_mul(lane as u64 + 1))))
    }

    /// 64 random bits.
    pub(super) fn bits(self, client: u32, at_ms: u32, what: For) -> u64 {
        let whose = u64::from(client) << 32 | u64::from(at_ms);
        mix((whose ^ self.0).wrapping_add(GOLDEN.wrapping_mul(what as u64 + 1)))
    }

    /// A number from 0 to `most`, both included.
    pub(super) fn up_to(self, most: u32, client: u32, at_ms: u32, what: For) -> u32 {
        // The high half of a product; 32 random bits are enough for spans of minutes.
        let bits = self.bits(client, at_ms, what) >> 32;
        ((bits * (u64::from(most) + 1)) >> 32) as u32
    }
}

/// The finaliser of splitmix64 (Stafford's variant 13): each bit of the input changes half of the
/// output's.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_and_purposes_are_unlike_and_evenly_spread() {
        let chance = Chance::new(7, 0);
        let mut tenths = [0_u32; 10];
        for client in 0..100_000 {
            tenths[chance.up_to(9, client, 1_000, For::Wait) as usize] += 1;
        }
        assert!(tenths.iter().all(|n| (9_500..10_500).contains(n)), "{tenths:?}");
        assert_ne!(chance.bits(1, 1, For::Out), chance.bits(1, 1, For::Back));
        assert_ne!(chance.bits(1, 1, For::Out), Chance::new(7, 1).bits(1, 1, For::Out));
        assert_eq!(chance.up_to(0, 5, 5, For::Told), 0);
    }
}
