//! Times as HAR writes them: ISO 8601 in UTC for a start, seconds since 1970 for a message.

/// The last millisecond of the year 9999: the format has four digits for a year.
const LAST_MS: u64 = 253_402_300_799_999;

/// A moment of the trace in milliseconds since 1970. A file may hold any numbers, so it is kept
/// within the years 1970 to 9999.
fn wall_ms(began_at_ms: u64, at_us: i64) -> u64 {
    let ms = i128::from(began_at_ms) + i128::from(at_us.div_euclid(1_000));
    u64::try_from(ms.max(0)).unwrap_or(LAST_MS).min(LAST_MS)
}

/// A moment of the trace as `2026-11-24T13:37:00.123Z` (RFC 3339 §5.6).
pub(super) fn iso(began_at_ms: u64, at_us: i64) -> String {
    let ms = wall_ms(began_at_ms, at_us);
    let (days, in_day_ms) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute) = (in_day_ms / 3_600_000, in_day_ms / 60_000 % 60);
    let (second, milli) = (in_day_ms / 1_000 % 60, in_day_ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// A moment of the trace in seconds since 1970, with a fraction, as Chromium writes messages' times.
pub(super) fn seconds(began_at_ms: u64, at_us: i64) -> f64 {
    // 2^53 microseconds are 285 years: exact enough for everyone who reads this.
    wall_ms(began_at_ms, at_us) as f64 / 1e3 + at_us.rem_euclid(1_000) as f64 / 1e6
}

/// Year, month and day of a day since 1970. Years are counted from March on, so that the leap day is
/// their last, in cycles of 400 years, which are 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    // 0000-03-01 was 719,468 days before 1970-01-01.
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on, months have 31, 30, 31, 30, 31 days, and again: 153 in five.
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (400 * cycle + year_of_cycle + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_764_000_005_900, "2025-11-24T16:00:05.900Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(ms, 0), expected);
        }
        assert_eq!(iso(1_000, -1), "1970-01-01T00:00:00.999Z");
        assert_eq!(iso(0, i64::MIN), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn seconds_keep_the_microseconds() {
        assert_eq!(format!("{:.6}", seconds(1_764_000_005_900, 123_456)), "1764000006.023456");
        assert_eq!(format!("{:.6}", seconds(1_764_000_005_900, -1)), "1764000005.899999");
    }
}
