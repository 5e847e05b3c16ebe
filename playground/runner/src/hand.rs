//! What is published by hand, or by a lane over its own socket: of the same kind as what the
//! experiment's publisher publishes.

use standby_dom::time;
use standby_figure::format::decimal;
use standby_trace::scenario::What;

/// One event's data, as JSON.
pub(crate) fn data(what: What) -> String {
    event(what, time::random())
}

/// The same of a chance that was drawn elsewhere: two rows of one experiment are given the same event.
// Written out: what is the same each time needs no tree.
pub(crate) fn event(what: What, random: u64) -> String {
    match what {
        // Between 95.00 and 105.00.
        What::Price => format!(r#"{{"price":{}}}"#, decimal(9_500 + random % 1_001, 100, 2)),
        What::Chat => r#"{"from":"you","text":"Hello from this page."}"#.to_owned(),
        What::Notification => r#"{"title":"Published by hand"}"#.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_by_hand_has_two_places() {
        for random in [0, 1, 1_000, 1 << 52] {
            let text = event(What::Price, random);
            let number = text.trim_start_matches("{\"price\":").trim_end_matches('}');
            assert!(number.split_once('.').is_none_or(|(_, places)| places.len() <= 2), "{text}");
        }
    }
}
