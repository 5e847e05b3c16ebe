//! What is published by hand, or by a lane over its own socket: of the same kind as what the
//! experiment's publisher publishes.

use serde_json::{Value, json};
use standby_trace::scenario::What;

use crate::time;

/// One event's data.
pub(crate) fn data(what: What) -> Value {
    event(what, time::random())
}

fn event(what: What, random: u64) -> Value {
    match what {
        // Between 95.00 and 105.00.
        What::Price => json!({ "price": (9_500 + random % 1_001) as f64 / 100.0 }),
        What::Chat => json!({ "from": "you", "text": "Hello from this page." }),
        What::Notification => json!({ "title": "Published by hand" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_by_hand_has_two_places() {
        for random in [0, 1, 1_000, 1 << 52] {
            let text = event(What::Price, random).to_string();
            let number = text.trim_start_matches("{\"price\":").trim_end_matches('}');
            assert!(number.split_once('.').is_none_or(|(_, places)| places.len() <= 2), "{text}");
        }
    }
}
