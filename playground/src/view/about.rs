//! What the ledger's figures mean, and how each is counted: on demand, a heading at a time.

/// A column of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name for style sheets and tests.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) heading: &'static str,
    /// Its cells are drawn, and stand on the left.
    pub(crate) drawn: bool,
    /// What it means.
    pub(crate) means: &'static str,
    /// How it is counted.
    pub(crate) formula: &'static str,
}

const fn figure(
    name: &'static str,
    heading: &'static str,
    means: &'static str,
    formula: &'static str,
) -> Column {
    Column { name, heading, drawn: false, means, formula }
}

/// All of them, in their order.
pub(crate) const COLUMNS: [Column; 11] = [
    figure(
        "requests",
        "requests",
        "What this lane asked the server for: polls, handshakes, streams.",
        "Requests that left the client. Those that the browser sent again by itself count, its CORS preflights do not.",
    ),
    figure("empty", "empty", "Answers that brought nothing.", "Answers without an event, a 304 too."),
    Column {
        drawn: true,
        ..figure(
            "bytes",
            "bytes",
            "What went over the wire, by kind. The longest bar is the lane with the most bytes.",
            "News: bytes of the events' JSON. Overhead: all other bytes above TCP, both ways: heads, framing, envelopes.",
        )
    },
    figure(
        "bytes-per-event",
        "bytes/ event",
        "What one event costs this lane.",
        "(news + overhead) ÷ events that reached the client.",
    ),
    figure(
        "held",
        "held",
        "Connection-seconds: what the server keeps open for this lane.",
        "The sum of the times that a connection was open or a request was held. Two connections for 3 s each are 6 s.",
    ),
    Column {
        drawn: true,
        ..figure(
            "ages",
            "age, 0 to",
            "How old events were when they arrived: a dot for each of the newest 24.",
            "Age = when the client had it − when the server took it.",
        )
    },
    figure(
        "median",
        "p50",
        "Half of the events were no older than this when they arrived.",
        "The smallest age that 50 of 100 events do not exceed: exact for up to 64 events, then within 3 %.",
    ),
    figure(
        "p99",
        "p99",
        "All but one event in a hundred were no older than this.",
        "The smallest age that 99 of 100 events do not exceed: exact for up to 64 events, then within 3 %.",
    ),
    figure(
        "reconnects",
        "reconnects",
        "How often this lane tried to come back after a cut.",
        "Waits after a cut that came to an end.",
    ),
    figure(
        "recovered",
        "recovered",
        "Events that it missed, and got from history when it was back.",
        "Events that history gave after a reconnect.",
    ),
    figure(
        "lost",
        "lost",
        "Events that it will never get. It was told which: that is a gap.",
        "Events that history no longer held when the lane came back. 0, or the newest gap's ids.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_says_what_it_means_and_how_it_is_counted() {
        for column in COLUMNS {
            assert!(column.means.ends_with('.') && column.formula.ends_with('.'), "{}", column.name);
            let twice = COLUMNS.iter().filter(|other| other.name == column.name).count();
            assert_eq!(twice, 1, "{}", column.name);
        }
    }
}
