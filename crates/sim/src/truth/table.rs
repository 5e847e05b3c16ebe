//! What was compared, line by line, for a reader.

use std::collections::BTreeSet;

use standby_trace::trace::Trace;

use super::outcome::{Outcome, outcomes, went_dead};

/// One thing that is compared, summed over the lanes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is counted.
    pub what: String,
    /// In the live run: how many, and where it is of messages their bytes.
    pub live: (u64, Option<u64>),
    /// In the model.
    pub model: (u64, Option<u64>),
    /// In every lane the two are equal, each single size too.
    pub equal: bool,
}

/// All that is compared of two runs of one script. Where every row is equal there are no
/// [`differences`](super::differences).
#[must_use]
pub fn rows(live: &Trace, model: &Trace) -> Vec<Row> {
    let (live_lanes, model_lanes) = (outcomes(live), outcomes(model));
    let lanes = || live_lanes.iter().zip(&model_lanes);
    let mut rows = Vec::new();
    let kinds: BTreeSet<_> = live_lanes.iter().chain(&model_lanes).flat_map(|o| o.messages.keys()).collect();
    for kind in kinds {
        let sum = |lanes: &[Outcome]| {
            let of = lanes.iter().filter_map(|outcome| outcome.messages.get(kind));
            of.fold((0, 0), |(count, bytes), of| {
                (count + of.count, bytes + of.payload_bytes + of.overhead_bytes)
            })
        };
        let ((live, live_bytes), (model, model_bytes)) = (sum(&live_lanes), sum(&model_lanes));
        rows.push(Row {
            what: name(kind.1).to_owned(),
            live: (live, Some(live_bytes)),
            model: (model, Some(model_bytes)),
            equal: lanes().all(|(live, model)| live.messages.get(kind) == model.messages.get(kind)),
        });
    }
    let mut row =
        |what: &str, equal: &dyn Fn(&Outcome, &Outcome) -> bool, count: &dyn Fn(&Outcome) -> u64| {
            rows.push(Row {
                what: what.to_owned(),
                live: (live_lanes.iter().map(count).sum(), None),
                model: (model_lanes.iter().map(count).sum(), None),
                equal: lanes().all(|(live, model)| equal(live, model)),
            });
        };
    let ids = |ranges: &mut dyn Iterator<Item = (u64, u64)>| {
        ranges.map(|(from, to)| to.saturating_sub(from).saturating_add(1)).sum::<u64>()
    };
    row("Empty answers", &|a, b| a.empty == b.empty, &|o| o.empty);
    row("Events delivered", &|a, b| a.delivered == b.delivered, &|o| o.delivered.len() as u64);
    row("Events recovered", &|a, b| a.recovered == b.recovered, &|o| {
        // Nothing was published meanwhile: a first id of 0.
        ids(&mut o.recovered.iter().filter(|(_, from, _)| *from > 0).map(|(_, from, to)| (*from, *to)))
    });
    row("Events lost", &|a, b| a.lost == b.lost, &|o| ids(&mut o.lost.iter().copied()));
    row("Lanes that gave up", &|a, b| a.gave_up == b.gave_up, &|o| u64::from(o.gave_up));
    // A browser's choice, where connections went dead.
    if !went_dead(live) {
        let turned = |o: &Outcome| o.turned_away > 0;
        row("Lanes that were turned away", &|a, b| turned(a) == turned(b), &|o| u64::from(turned(o)));
    }
    rows
}

/// What the messages of a kind are called.
fn name(kind: &str) -> &str {
    match kind {
        "request" => "Requests",
        "answer" => "Answers",
        "open" => "Streams opened",
        "event" => "Events on streams",
        "gap" => "Gaps on streams",
        "reset" => "Resets on streams",
        _ => "Others",
    }
}
