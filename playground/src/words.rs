//! Values as readers read them. One place, so that a time looks the same wherever it stands.

/// A time in milliseconds: `80 ms`, `500 ms`, `1.2 s`, `25 s`.
pub(crate) fn time_ms(ms: u32) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=9_999 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} s", (ms + 500) / 1_000),
    }
}

/// A measured time in microseconds, to as many places as mean something: `0.4 ms`, `500 ms`,
/// `1.2 s`.
pub(crate) fn time_us(us: u64) -> String {
    match us {
        0..=9_949 => {
            let tenths = (us + 50) / 100;
            format!("{}.{} ms", tenths / 10, tenths % 10)
        }
        9_950..=999_499 => format!("{} ms", (us + 500) / 1_000),
        999_500..=9_949_999 => {
            let tenths = (us + 50_000) / 100_000;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => format!("{} s", (us + 500_000) / 1_000_000),
    }
}

/// A time as a screen reader should say it: `1.2 seconds`, `500 milliseconds`.
pub(crate) fn spoken_ms(ms: u32) -> String {
    let text = time_ms(ms);
    match text.split_once(' ') {
        Some((number, "ms")) => format!("{number} milliseconds"),
        Some((number, _)) => format!("{number} seconds"),
        None => text,
    }
}

/// Bytes a second, as networks count them: `8 kB/s`, `1.5 MB/s`.
pub(crate) fn bandwidth(bytes_s: u32) -> String {
    match bytes_s {
        0..=999 => format!("{bytes_s} B/s"),
        1_000..=999_999 => format!("{} kB/s", bytes_s / 1_000),
        _ => format!("{}.{} MB/s", bytes_s / 1_000_000, bytes_s % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_change_their_unit_where_a_reader_would() {
        let cases = [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (1_700, "1.7 s"), (25_000, "25 s")];
        for (ms, text) in cases {
            assert_eq!(time_ms(ms), text);
        }
    }

    #[test]
    fn measured_times_round_to_what_they_mean() {
        let cases = [
            (0, "0.0 ms"),
            (449, "0.4 ms"),
            (9_949, "9.9 ms"),
            (9_950, "10 ms"),
            (100_400, "100 ms"),
            (999_499, "999 ms"),
            (999_500, "1.0 s"),
            (9_949_999, "9.9 s"),
            (9_950_000, "10 s"),
        ];
        for (us, text) in cases {
            assert_eq!(time_us(us), text);
        }
    }

    #[test]
    fn a_screen_reader_hears_whole_words() {
        assert_eq!(spoken_ms(500), "500 milliseconds");
        assert_eq!(spoken_ms(1_700), "1.7 seconds");
    }

    #[test]
    fn bandwidths_read_as_networks_count() {
        assert_eq!(bandwidth(8_000), "8 kB/s");
        assert_eq!(bandwidth(1_500_000), "1.5 MB/s");
    }
}
