//! How wide a text will be, before any font is there to ask.
//!
//! The advance widths are Open Sans's, the book's font. Where another one stands in, a text is a
//! little wider or narrower than thought; the places that texts are given leave room for that.

/// Advance widths of U+0020 to U+007E in thousandths of the font size, regular weight.
const REGULAR: [u16; 95] = [
    260, 267, 401, 646, 572, 823, 730, 221, 296, 296, 552, 572, 245, 322, 266, 367, 572, 572, 572, 572, 572,
    572, 572, 572, 572, 572, 266, 266, 572, 572, 572, 429, 899, 633, 648, 631, 729, 556, 516, 728, 738, 279,
    267, 614, 519, 903, 754, 779, 602, 779, 618, 549, 553, 728, 595, 926, 577, 560, 571, 329, 367, 329, 542,
    448, 577, 556, 613, 476, 613, 561, 339, 548, 614, 253, 253, 525, 253, 930, 614, 604, 613, 613, 408, 477,
    353, 614, 501, 778, 524, 504, 468, 379, 551, 379, 572,
];

/// How much wider the half-bold is, over a line of text.
const STRONG: f32 = 1.035;

/// The width of one line of text.
pub(crate) fn width(text: &str, size: f32, strong: bool) -> f32 {
    let thousandths: u32 = text.chars().map(advance).sum();
    thousandths as f32 / 1_000.0 * size * if strong { STRONG } else { 1.0 }
}

fn advance(c: char) -> u32 {
    match c {
        ' '..='~' => u32::from(REGULAR[c as usize - ' ' as usize]),
        '\u{a0}' | '·' => 266,
        '–' => 500,
        '…' => 784,
        // Letters with accents, Greek and Cyrillic are about as wide as Latin capitals; all that is
        // wider than that (CJK, emoji) is one em.
        '\u{a1}'..='\u{10ff}' => 700,
        _ => 1_000,
    }
}

/// A text from elsewhere on one line, cut to a length.
pub(crate) fn short(text: &str, max_chars: usize) -> String {
    let clean = |c: char| if c.is_control() || c.is_whitespace() { ' ' } else { c };
    let mut chars = text.trim().chars().map(clean);
    let mut out: String = chars.by_ref().take(max_chars).collect();
    if chars.next().is_some() {
        out.pop();
        out.push('…');
    }
    out
}

/// A text from elsewhere, cut to a width.
pub(crate) fn fit(text: &str, size: f32, strong: bool, max_width: f32) -> String {
    const ENOUGH_CHARS: usize = 64;
    (1..=ENOUGH_CHARS)
        .rev()
        .map(|chars| short(text, chars))
        .find(|text| width(text, size, strong) <= max_width)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_wide_as_its_letters() {
        assert!((width("5", 10.0, false) - 5.72).abs() < 0.01);
        assert!(width("wide", 10.0, true) > width("wide", 10.0, false));
    }

    #[test]
    fn a_text_from_elsewhere_is_one_short_line() {
        assert_eq!(short(" a\nb\u{7}c ", 10), "a b c");
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("äöü", 3), "äöü");
    }
}
