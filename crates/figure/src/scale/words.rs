//! The chart in words and figures.

use standby_trace::Transport;

use super::{Constants, Crossing, Quantity, Settings, clients_at, cost, crossing};
use crate::format::{count, decimal};

/// A quantity of so many clients, for readers: `5,000`, `430 kB`.
#[must_use]
pub fn value(what: Quantity, amount: f64) -> String {
    match what {
        Quantity::Requests => rate(amount),
        Quantity::Bytes | Quantity::Memory => bytes(amount),
    }
}

/// A number without a unit: `0`, `0.04`, `2.5`, `5,000`.
fn rate(n: f64) -> String {
    let millis = (n * 1_000.0).round() as u64;
    match millis {
        0 => "0".to_owned(),
        1..95 => decimal(millis, 1_000, 3),
        95..995 => decimal(millis, 1_000, 2),
        995..9_950 => decimal(millis, 1_000, 1),
        _ => count((millis + 500) / 1_000),
    }
}

/// Bytes, in powers of ten: `0.53 B`, `43 kB`, `4.3 GB`.
fn bytes(mut n: f64) -> String {
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter().peekable();
    let mut unit = units.next().unwrap_or_default();
    while n >= 999.5 && units.peek().is_some() {
        n /= 1_000.0;
        unit = units.next().unwrap_or(unit);
    }
    format!("{} {unit}", rate(n))
}

/// The columns of the table.
#[must_use]
pub fn columns(constants: &Constants) -> Vec<&'static str> {
    let mut columns = vec!["Transport", "requests/s", "bytes/s"];
    columns.extend(constants.memory.as_ref().map(|_| "memory"));
    columns
}

/// What so many clients cost, a row for each transport.
#[must_use]
pub fn table(settings: &Settings, constants: &Constants, at: usize) -> Vec<Vec<String>> {
    let clients = f64::from(clients_at(at));
    let row = |transport: Transport| {
        let mut row = vec![transport.title().to_owned()];
        for what in [Quantity::Requests, Quantity::Bytes, Quantity::Memory] {
            row.extend(cost(transport, what, settings, constants).map(|cost| value(what, cost * clients)));
        }
        row
    };
    Transport::ALL.into_iter().map(row).collect()
}

/// What decides, and from where on.
#[must_use]
pub fn say(what: Quantity, settings: &Settings, constants: &Constants) -> String {
    let than = |than| crossing(than, what, settings, constants);
    match what {
        Quantity::Requests => {
            let first = match than(Transport::LongPoll) {
                Crossing::Above(events_s) => format!(
                    "Above {} events a second short polling asks less often than long polling, below it more often.",
                    rate(events_s)
                ),
                Crossing::Always => "Short polling asks less often than long polling, however rare events are.".to_owned(),
                Crossing::Never => {
                    "Short polling asks more often than long polling, however many events there are.".to_owned()
                }
            };
            first + " WebSocket and SSE ask once, to connect."
        }
        Quantity::Bytes => {
            let than_long = match than(Transport::LongPoll) {
                Crossing::Above(events_s) => {
                    format!("Above {} events a second short polling sends fewer bytes than long polling", rate(events_s))
                }
                Crossing::Always => "Short polling sends fewer bytes than long polling, however rare events are".to_owned(),
                Crossing::Never => {
                    "Short polling sends more bytes than long polling, however many events there are".to_owned()
                }
            };
            let than_sse = match than(Transport::Sse) {
                Crossing::Above(events_s) => format!("Above {} it sends fewer than SSE, because one answer brings many.", rate(events_s)),
                Crossing::Always => "It sends fewer than SSE.".to_owned(),
                Crossing::Never => "It sends more than SSE at any rate.".to_owned(),
            };
            format!("{than_long}. {than_sse}")
        }
        Quantity::Memory => constants.memory.as_ref().map_or_else(
            || "The server's memory has not been measured.".to_owned(),
            |memory| format!(
                "The server's memory for each client, measured on {} ({}), times the clients. No setting changes it.",
                memory.measured, memory.machine
            ),
        ),
    }
}

/// The chart for those who don't see it.
#[must_use]
pub fn describe(what: Quantity, settings: &Settings, constants: &Constants) -> String {
    let named = match what {
        Quantity::Requests => "Requests a second",
        Quantity::Bytes => "Bytes a second",
        Quantity::Memory => "Memory",
    };
    let each = Transport::ALL.map(|transport| {
        let cost = cost(transport, what, settings, constants).unwrap_or(0.0);
        format!("{} {}", transport.title(), value(what, cost))
    });
    format!(
        "{named} from 1 to 10,000,000 clients, both axes logarithmic, one straight line for each transport. \
         For each client: {}.",
        each.join(", ")
    )
}

/// Where the figures are from.
#[must_use]
pub fn sources(constants: &Constants) -> String {
    let Constants { short_poll_bytes, long_poll_bytes, websocket_event_bytes, sse_event_bytes, .. } =
        constants;
    format!(
        "Calculated for clients that stay connected. Bytes besides the events\u{2019} own are medians of this \
         book\u{2019}s recordings with {}: {short_poll_bytes} for a short poll, {long_poll_bytes} for a long one, \
         {websocket_event_bytes} for an event on a WebSocket, {sse_event_bytes} on SSE, {} for a ping and its pong, \
         {} for a comment.",
        constants.recorded_with, constants.websocket_ping_bytes, constants.sse_comment_bytes,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::cost::tests::constants;
    use crate::scale::{STANDARD_STOP, STOPS};

    #[test]
    fn amounts_are_short() {
        let amounts = [0.0, 0.04, 0.5, 2.5, 430.4, 999.6, 4.3e9, 5e15];
        assert_eq!(
            amounts.map(bytes),
            ["0 B", "0.040 B", "0.50 B", "2.5 B", "430 B", "1.0 kB", "4.3 GB", "5,000 TB"]
        );
        assert_eq!([0.5, 9.96, 5e6].map(rate), ["0.50", "10", "5,000,000"]);
    }

    #[test]
    fn the_crossing_is_said_with_its_rate() {
        let said = |interval_ms| {
            let settings = Settings { interval_ms, ..Settings::default() };
            say(Quantity::Requests, &settings, &constants())
        };
        assert!(said(2_000).starts_with("Above 0.50 events a second short polling asks less often"));
        assert!(said(60_000).contains("however rare"), "{}", said(60_000));
        assert!(said(100).contains("however many"), "{}", said(100));
        let bytes = say(Quantity::Bytes, &Settings::default(), &constants());
        assert!(bytes.contains("Above 13 it sends fewer than SSE"), "{bytes}");
    }

    #[test]
    fn the_table_has_every_transport_and_only_what_was_measured() {
        let rows = table(&Settings::default(), &constants(), STANDARD_STOP);
        assert_eq!(rows[0], ["Short polling", "5,000", "4.4 MB"]);
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [columns(&constants()).len(); 4]);
        assert_eq!(table(&Settings::default(), &constants(), STOPS - 1)[0][1], "5,000,000");
    }
}
