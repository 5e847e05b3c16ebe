//! How figures are written for readers: short, with their unit, and no more digits than they mean.
//!
//! All of it is whole numbers. Rust's own text of a floating-point number is exact to the last digit,
//! which nobody reads here, and it would be a fourteenth of what a page loads.

/// A length of time as an age: `0 ms`, `4 ms`, `500 ms`, `1.5 s`, `25 s`, `2.5 min`.
#[must_use]
pub fn age(us: u64) -> String {
    match us {
        0..999_500 => format!("{} ms", us.saturating_add(500) / 1_000),
        _ => seconds(us),
    }
}

/// A length of time that somebody set or waits: always in seconds or more (`0.9 s`, `1.0 s`, `25 s`).
#[must_use]
pub fn seconds(us: u64) -> String {
    match us {
        0..9_950_000 => format!("{} s", decimal(us, 1_000_000, 1)),
        9_950_000..119_500_000 => format!("{} s", decimal(us, 1_000_000, 0)),
        119_500_000..5_970_000_000 => format!("{} min", decimal(us, 60_000_000, 1)),
        _ => format!("{} h", decimal(us, 3_600_000_000, 1)),
    }
}

/// Milliseconds as an age.
#[must_use]
pub fn ms(ms: u64) -> String {
    age(ms.saturating_mul(1_000))
}

/// A number of bytes: `912 B`, `9.1 kB`, `250 kB`, `1.4 MB` (powers of ten).
#[must_use]
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..9_950 => format!("{} kB", decimal(bytes, 1_000, 1)),
        9_950..999_500 => format!("{} kB", decimal(bytes, 1_000, 0)),
        _ => format!("{} MB", decimal(bytes, 1_000_000, 1)),
    }
}

/// A number of so many units, rounded to so many decimal places (at most 3): `decimal(1_550, 1_000, 1)`
/// is `1.6`.
#[must_use]
pub fn decimal(n: u64, unit: u64, places: u32) -> String {
    let scale = 10_u128.pow(places.min(3));
    let unit = u128::from(unit.max(1));
    let scaled = (u128::from(n) * scale + unit / 2) / unit;
    match places {
        0 => scaled.to_string(),
        _ => format!("{}.{:0width$}", scaled / scale, scaled % scale, width = places.min(3) as usize),
    }
}

/// A length in pixels, with at most one decimal place: `12`, `0.5`, `-3.2`.
#[must_use]
pub fn length(pixels: f32) -> String {
    // A cast of a number that is none, or too large, gives 0 or the nearest that there is.
    let tenths = (pixels * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    match tenths.unsigned_abs() {
        tenths if tenths % 10 == 0 => format!("{sign}{}", tenths / 10),
        tenths => format!("{sign}{}.{}", tenths / 10, tenths % 10),
    }
}

/// A number with its thousands set apart: `1,234,567`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number as a word where it is small: `eight`.
#[must_use]
pub fn word(n: u64) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    usize::try_from(n).ok().and_then(|n| WORDS.get(n)).map_or_else(|| count(n), |&word| word.to_owned())
}

/// How often: `once`, `twice`, `8 times`.
#[must_use]
pub fn times(n: u64) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", count(n)),
    }
}

/// A number and what it counts: `1 event`, `3 events`.
#[must_use]
pub fn of(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// Ids for readers: runs of three and more as a range (`3, 4`; `3–7`; `3–5, 9`).
#[must_use]
pub fn ids(ids: &[u64]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = ids;
    while let Some(&first) = rest.first() {
        let in_a_row = |&(i, &id): &(u64, &u64)| id.checked_sub(first) == Some(i);
        let run = (0..).zip(rest).take_while(in_a_row).count();
        if run >= 3 {
            parts.push(format!("{first}–{}", rest[run - 1]));
        } else {
            parts.extend(rest[..run].iter().map(u64::to_string));
        }
        rest = &rest[run..];
    }
    parts.join(", ")
}

/// The ids from the first to the last, as [`ids`] writes them.
#[must_use]
pub fn range(from: u64, to: u64) -> String {
    match to.saturating_sub(from) {
        0 => from.to_string(),
        1 => format!("{from}, {to}"),
        _ => format!("{from}–{to}"),
    }
}

/// Words in a row: `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_in_milliseconds_below_a_second() {
        let ages = [0, 400, 4_200, 500_000, 999_499, 999_500, 1_500_000, 25_000_000, 150_000_000];
        assert_eq!(
            ages.map(age),
            ["0 ms", "0 ms", "4 ms", "500 ms", "999 ms", "1.0 s", "1.5 s", "25 s", "2.5 min"]
        );
        assert_eq!(ms(100), "100 ms");
    }

    #[test]
    fn what_is_set_is_in_seconds() {
        assert_eq!([900_000, 1_000_000, 25_000_000].map(seconds), ["0.9 s", "1.0 s", "25 s"]);
    }

    #[test]
    fn a_length_in_pixels_has_one_decimal_place_at_most() {
        let lengths = [0.0, 12.0, 0.5, -3.24, 0.04, -0.04, 99.96, 1e6];
        assert_eq!(lengths.map(length), ["0", "12", "0.5", "-3.2", "0", "0", "100", "1000000"]);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(length(odd).parse::<f64>().is_ok_and(f64::is_finite), "{odd}");
        }
    }

    #[test]
    fn a_decimal_is_rounded_to_the_nearest() {
        assert_eq!([0, 1_549, 1_550, 9_999].map(|n| decimal(n, 1_000, 1)), ["0.0", "1.5", "1.6", "10.0"]);
        assert_eq!(decimal(2_005, 1_000_000, 3), "0.002");
        assert_eq!(decimal(1, 0, 0), "1");
        assert!(decimal(u64::MAX, 1, 9).ends_with(".000"));
    }

    #[test]
    fn the_longest_time_is_still_written() {
        assert!(age(u64::MAX).ends_with(" h"));
    }

    #[test]
    fn bytes_and_counts_are_short() {
        assert_eq!([912, 9_140, 249_600, 1_400_000].map(bytes), ["912 B", "9.1 kB", "250 kB", "1.4 MB"]);
        assert_eq!([7, 1_234, 1_234_567].map(count), ["7", "1,234", "1,234,567"]);
        assert_eq!([word(8), word(1_300)], ["eight", "1,300"]);
        assert_eq!([times(1), times(2), times(8)], ["once", "twice", "8 times"]);
        assert_eq!([of(1, "event", "events"), of(3, "event", "events")], ["1 event", "3 events"]);
    }

    #[test]
    fn ids_in_a_row_are_a_range() {
        assert_eq!(ids(&[3, 4]), "3, 4");
        assert_eq!(ids(&[3, 4, 5, 9, u64::MAX]), "3–5, 9, 18446744073709551615");
        assert_eq!(ids(&[]), "");
        assert_eq!([range(3, 3), range(3, 4), range(3, 7)], ["3", "3, 4", "3–7"]);
    }

    #[test]
    fn a_list_has_one_and() {
        assert_eq!([list(&[]), list(&["a"]), list(&["a", "b", "c"])], ["", "a", "a, b and c"]);
    }
}
