//! Base64, as small as can be: the `base64` crate is built for speed and for every variant, and was
//! 2 KB of what a page loads. A test holds it against that crate, which everything but the page uses.

/// RFC 4648 §4: the bytes of messages.
pub(crate) const STANDARD: Alphabet = Alphabet { last: [b'+', b'/'], padded: true };
/// RFC 4648 §5, without padding: what stands in a URL.
pub(crate) const URL: Alphabet = Alphabet { last: [b'-', b'_'], padded: false };

/// In what two alphabets differ.
#[derive(Clone, Copy)]
pub(crate) struct Alphabet {
    /// The letters of 62 and 63.
    last: [u8; 2],
    /// `=` fills the last four letters up.
    padded: bool,
}

impl Alphabet {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
        for group in bytes.chunks(3) {
            let bits =
                group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
            for i in 0..4 {
                let value = (bits >> (18 - 6 * i)) as u8 & 63;
                if i <= group.len() {
                    text.push(char::from(self.letter(value)));
                } else if self.padded {
                    text.push('=');
                }
            }
        }
        text
    }

    /// `None` where it is damaged.
    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        let mut letters = text.as_bytes();
        if self.padded {
            if !letters.len().is_multiple_of(4) {
                return None;
            }
            for _ in 0..2 {
                letters = letters.strip_suffix(b"=").unwrap_or(letters);
            }
        }
        let mut bytes = Vec::with_capacity(letters.len() / 4 * 3 + 2);
        for group in letters.chunks(4) {
            let mut bits = 0;
            for &letter in group {
                bits = bits << 6 | self.value(letter)?;
            }
            bits <<= 6 * (4 - group.len());
            let [_, three @ ..] = u32::to_be_bytes(bits);
            let (whole, rest) = three.split_at(group.len() - 1);
            // Bits over that are set: cut or changed on its way.
            if whole.is_empty() || rest.iter().any(|&byte| byte != 0) {
                return None;
            }
            bytes.extend_from_slice(whole);
        }
        Some(bytes)
    }

    fn letter(self, value: u8) -> u8 {
        match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            52..62 => b'0' + value - 52,
            _ => self.last[usize::from(value & 1)],
        }
    }

    fn value(self, letter: u8) -> Option<u32> {
        (0..64).find(|&value| self.letter(value) == letter).map(u32::from)
    }
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::{STANDARD as THEIRS, URL_SAFE_NO_PAD as THEIR_URL};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_own_examples() {
        // RFC 4648 §10.
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(STANDARD.encode(bytes.as_bytes()), text);
            assert_eq!(STANDARD.decode(text).unwrap(), bytes.as_bytes());
            assert_eq!(URL.encode(bytes.as_bytes()), text.trim_end_matches('='));
        }
    }

    proptest! {
        #[test]
        fn it_writes_and_reads_what_the_library_does(bytes: Vec<u8>) {
            prop_assert_eq!(STANDARD.encode(&bytes), THEIRS.encode(&bytes));
            prop_assert_eq!(URL.encode(&bytes), THEIR_URL.encode(&bytes));
            prop_assert_eq!(URL.decode(&THEIR_URL.encode(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(STANDARD.decode(&THEIRS.encode(&bytes)), Some(bytes));
        }

        #[test]
        fn what_the_library_refuses_is_refused(text in "[A-Da-d0-2+/_=-]{0,9}") {
            prop_assert_eq!(STANDARD.decode(&text), THEIRS.decode(&text).ok());
            prop_assert_eq!(URL.decode(&text), THEIR_URL.decode(&text).ok());
        }
    }
}
