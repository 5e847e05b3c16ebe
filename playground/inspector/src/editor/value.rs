//! Values as they are typed and as they are written: times, rates, whole numbers.
//!
//! A reader may type a time with its unit (`1.2 s`, `200ms`, `2 min`) or without (milliseconds, as in
//! an experiment's file). It is written back so that nothing is rounded away.

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Milliseconds.
    Time,
    /// Bytes a second.
    Rate,
    /// Seconds and nothing finer, as a `Retry-After` has it.
    Seconds,
    /// A number without a unit.
    Count,
}

/// The units that may stand behind a number, with the factor to the smallest.
const TIMES: [(&str, f64); 4] = [("ms", 1.0), ("s", 1e3), ("min", 60e3), ("", 1.0)];
const RATES: [(&str, f64); 7] =
    [("b/s", 1.0), ("kb/s", 1e3), ("mb/s", 1e6), ("k", 1e3), ("m", 1e6), ("b", 1.0), ("", 1.0)];
const SECONDS: [(&str, f64); 2] = [("s", 1.0), ("", 1.0)];
const COUNTS: [(&str, f64); 1] = [("", 1.0)];

/// The largest whole number up to which an `f64` holds each: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads what was typed.
///
/// # Errors
/// What to type instead.
pub(crate) fn read(text: &str, unit: Unit) -> Result<u64, String> {
    let (known, example): (&[(&str, f64)], _) = match unit {
        Unit::Time => (&TIMES, "a time, such as 200 ms or 1.5 s"),
        Unit::Rate => (&RATES, "a rate, such as 8 kB/s"),
        Unit::Seconds => (&SECONDS, "a number of seconds, such as 5"),
        Unit::Count => (&COUNTS, "a whole number"),
    };
    let expected = || format!("Expected {example}.");
    let clean = text.trim().to_lowercase().replace(['_', ' ', '\u{a0}', '\u{202f}'], "").replace(',', ".");
    let digits = clean.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(clean.len());
    let (number, word) = clean.split_at(digits);
    if unit == Unit::Count {
        // A seed has up to 2^53: read as what it is.
        return number.parse().ok().filter(|_| word.is_empty()).ok_or_else(expected);
    }
    let number: f64 = number.parse().map_err(|_| expected())?;
    let factor =
        known.iter().find(|(name, _)| *name == word).map(|(_, factor)| *factor).ok_or_else(expected)?;
    let value = number * factor;
    if value > EXACT {
        return Err(expected());
    }
    // 1.2 * 1000 is not quite 1200.
    let whole = value.round();
    if (value - whole).abs() > 1e-6 {
        let smallest = match unit {
            Unit::Time => "millisecond",
            Unit::Rate => "byte a second",
            Unit::Seconds => "second",
            Unit::Count => "one",
        };
        return Err(format!("That is finer than one {smallest}."));
    }
    Ok(whole as u64)
}

/// Writes a value so that [`read`] gives it back.
pub(crate) fn write(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Time if value >= 1_000 => format!("{} s", decimal(value, 1_000)),
        Unit::Time => format!("{value} ms"),
        Unit::Rate if value >= 1_000_000 => format!("{} MB/s", decimal(value, 1_000_000)),
        Unit::Rate if value >= 1_000 => format!("{} kB/s", decimal(value, 1_000)),
        Unit::Rate => format!("{value} B/s"),
        Unit::Seconds => format!("{value} s"),
        Unit::Count => value.to_string(),
    }
}

/// `value / unit` without rounding; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let places = unit.ilog10() as usize;
    let text = format!("{}.{:0places$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The round number above or below a value, within bounds: what an arrow key goes to. Times and
/// rates are felt by ratio, so the steps grow with the value.
pub(crate) fn step(value: u64, up: bool, least: u64, most: u64) -> u64 {
    /// One decade's round numbers.
    const ROUND: [u64; 13] = [10, 12, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90];
    let mut decade = 1u64;
    let mut next = None;
    // From 0.1 of the value's decade on up, the first round number above it, or the last below.
    while decade <= most {
        for round in ROUND {
            let Some(candidate) = round.checked_mul(decade).filter(|n| n.is_multiple_of(10)) else {
                continue;
            };
            let candidate = candidate / 10;
            if up && candidate > value {
                return candidate.clamp(least, most);
            }
            if !up && candidate < value {
                next = Some(candidate);
            }
        }
        decade = decade.saturating_mul(10);
    }
    if up { most } else { next.unwrap_or(least).clamp(least, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_its_unit_and_without() {
        for (text, ms) in [
            ("200 ms", 200),
            ("200", 200),
            ("1.2s", 1_200),
            ("1,5 s", 1_500),
            (" 2 min ", 120_000),
            ("1_700", 1_700),
            ("0", 0),
        ] {
            assert_eq!(read(text, Unit::Time), Ok(ms), "{text}");
        }
    }

    #[test]
    fn a_rate_is_read_as_networks_count() {
        for (text, bytes_s) in [("8 kB/s", 8_000), ("1.5 MB/s", 1_500_000), ("64k", 64_000), ("900", 900)] {
            assert_eq!(read(text, Unit::Rate), Ok(bytes_s), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_says_what_to_type() {
        assert_eq!(read("soon", Unit::Time).unwrap_err(), "Expected a time, such as 200 ms or 1.5 s.");
        assert_eq!(read("", Unit::Rate).unwrap_err(), "Expected a rate, such as 8 kB/s.");
        assert_eq!(read("-1", Unit::Count).unwrap_err(), "Expected a whole number.");
        assert_eq!(read("1.5", Unit::Count).unwrap_err(), "Expected a whole number.");
        assert_eq!(read("0.5 ms", Unit::Time).unwrap_err(), "That is finer than one millisecond.");
        assert!(read("99999999999999999999 s", Unit::Time).is_err());
    }

    #[test]
    fn what_is_written_reads_back() {
        for value in [0, 1, 999, 1_000, 1_001, 1_700, 25_000, 123_456, 1_000_000, 1_234_567, 600_000_000] {
            for unit in [Unit::Time, Unit::Rate, Unit::Seconds, Unit::Count] {
                let text = write(value, unit);
                assert_eq!(read(&text, unit), Ok(value), "{text}");
            }
        }
        assert_eq!(write(1_700, Unit::Time), "1.7 s");
        assert_eq!(write(8_000, Unit::Rate), "8 kB/s");
    }

    #[test]
    fn the_largest_seed_is_read_exactly() {
        assert_eq!(read("9007199254740991", Unit::Count), Ok(9_007_199_254_740_991));
    }

    #[test]
    fn an_arrow_key_goes_to_the_next_round_number() {
        assert_eq!(step(1_000, true, 100, 60_000), 1_200);
        assert_eq!(step(1_050, true, 100, 60_000), 1_200);
        assert_eq!(step(1_000, false, 100, 60_000), 900);
        assert_eq!(step(60_000, true, 100, 60_000), 60_000);
        assert_eq!(step(100, false, 100, 60_000), 100);
        assert_eq!(step(0, true, 0, 5_000), 1);
        assert_eq!(step(1, false, 0, 5_000), 0);
    }
}
