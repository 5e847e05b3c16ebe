//! Random values that no one is to guess or to repeat, from the operating system; and a short name
//! for a content.

/// `N` random bytes.
///
/// # Panics
/// When the system has no randomness to give: then nothing here could be told from anything else.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// A random number from 0 to `most`, for spreading things in time.
#[must_use]
pub fn up_to(most: u32) -> u32 {
    let random = u64::from_ne_bytes(bytes());
    u32::try_from(random % (u64::from(most) + 1)).unwrap_or(most)
}

/// A short name for a content (FNV-1a). Whoever writes the content gains nothing by forging it.
#[must_use]
pub fn digest(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
