//! Whatever the bytes are: no panic, each byte in one class, and the ledger's sums.

use proptest::prelude::*;
use standby_dissect::{Class, Context, dissect, earlier, flat, kinds, pieces, request_of, rows};
use standby_trace::{Ledger, Piece, carried};

use crate::sample::{any_bytes, any_direction, any_part, any_trace, any_via, piece};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn each_byte_has_one_class_and_news_is_what_the_ledger_counts(
        via in any_via(),
        direction in any_direction(),
        part in any_part(),
        bytes in any_bytes(),
        earlier in any_bytes(),
        cut_bytes in 0..3_u64,
    ) {
        let piece = Piece { cut_bytes, ..piece(via, direction, part, &bytes) };
        let before = [Piece { bytes: earlier, ..piece.clone() }];
        let context = Context { earlier: &before, request: &before };
        let dissection = dissect(&piece, context);
        let mut at = 0;
        for run in &dissection.runs {
            prop_assert_eq!(run.at.start, at);
            prop_assert!(run.at.end > at);
            at = run.at.end;
        }
        prop_assert_eq!(at, bytes.len());
        prop_assert_eq!(dissection.news_bytes(), carried(via, direction, part, &bytes).payload_bytes as usize);
        for field in &dissection.fields {
            prop_assert!(field.at.start <= field.at.end && field.at.end <= bytes.len());
        }
        prop_assert!(cut_bytes == 0 || !dissection.remarks.is_empty(), "a cut piece says so");
        let sum: u64 = kinds(std::slice::from_ref(&piece), context).iter().map(|(_, bytes)| bytes).sum();
        prop_assert_eq!(sum, bytes.len() as u64 + cut_bytes);
        let _ = flat(&piece, &dissection);
    }

    #[test]
    fn parts_of_a_field_lie_inside_it(
        via in any_via(), direction in any_direction(), part in any_part(), bytes in any_bytes(),
    ) {
        let dissection = dissect(&piece(via, direction, part, &bytes), Context::default());
        let mut around: Vec<std::ops::Range<usize>> = Vec::new();
        for field in &dissection.fields {
            prop_assert!(usize::from(field.depth) <= around.len(), "a part of nothing: {:?}", field);
            around.truncate(field.depth.into());
            if let Some(outer) = around.last() {
                prop_assert!(outer.start <= field.at.start && field.at.end <= outer.end, "{:?} in {:?}", field, outer);
            }
            around.push(field.at.clone());
        }
    }

    #[test]
    fn the_rows_of_a_lane_add_up_to_its_ledger(trace in any_trace()) {
        let rows = rows(&trace);
        for (lane, ledger) in Ledger::of(&trace).into_iter().enumerate() {
            let of_lane = || rows.iter().filter(|row| usize::from(row.lane) == lane);
            prop_assert_eq!(of_lane().map(|row| row.payload_bytes).sum::<u64>(), ledger.payload_bytes);
            prop_assert_eq!(of_lane().map(|row| row.overhead_bytes).sum::<u64>(), ledger.overhead_bytes);
            prop_assert_eq!(of_lane().map(|row| row.total_bytes).sum::<u64>(), ledger.payload_bytes + ledger.overhead_bytes);
        }
    }

    #[test]
    fn the_kinds_of_a_message_add_up_to_its_row(trace in any_trace()) {
        for row in rows(&trace) {
            let [before, request] = [earlier(&trace, row.number), request_of(&trace, row.number)]
                .map(|number| number.map_or_else(Vec::new, |number| pieces(&trace, number)));
            let context = Context { earlier: &before, request: &request };
            // With a number at the very end of what a number can be, none is to be found.
            if trace.message(row.number).is_some() {
                let kinds = kinds(&pieces(&trace, row.number), context);
                let news: u64 = kinds.iter().filter(|(class, _)| class.is_news()).map(|(_, bytes)| bytes).sum();
                prop_assert_eq!(news, row.payload_bytes);
                prop_assert_eq!(kinds.iter().map(|(_, bytes)| bytes).sum::<u64>(), row.total_bytes);
            }
        }
    }
}

#[test]
fn a_class_has_a_name_and_a_word_of_its_own() {
    for (at, class) in Class::ALL.into_iter().enumerate() {
        assert_eq!(class as usize, at);
        assert_eq!(serde_json::to_value(class).unwrap(), class.key());
        assert_eq!(Class::ALL.into_iter().filter(|other| other.name() == class.name()).count(), 1);
    }
}

#[test]
fn a_piece_with_too_many_fields_says_so_and_keeps_its_classes() {
    let dissection = crate::sample::read(
        standby_trace::tap::Via::Sse,
        standby_trace::Direction::ToClient,
        standby_trace::tap::Part::ResponseBody,
        ":\n\n".repeat(standby_dissect::MAX_FIELDS),
    );
    assert_eq!(dissection.fields.len(), standby_dissect::MAX_FIELDS);
    assert!(dissection.remarks.iter().any(|remark| remark.contains("fields")), "{:?}", dissection.remarks);
    assert!(dissection.runs.iter().all(|run| matches!(run.class, Class::Comment | Class::LineEnd)));
}

/// The standard ends a line at a lone CR, the ledger's reader does not.
#[test]
fn where_two_readings_differ_the_bytes_of_news_are_the_ledgers() {
    use standby_trace::{
        Direction::ToClient,
        tap::{Part, Via},
    };
    let text = "data: {\"id\":5,\r\"data\":1}\n\n";
    let counted = carried(Via::Sse, ToClient, Part::ResponseBody, text.as_bytes()).payload_bytes as usize;
    assert!(counted > 0);
    assert_eq!(crate::sample::read(Via::Sse, ToClient, Part::ResponseBody, text).news_bytes(), counted);
}
