//! The editor without a page: edits, what they do to each other, and what comes out.

use mdbook_standby::library::Library;
use standby_trace::scenario::{
    Backoff, Conditions, Fault, LaneSpec, PlannedFault, Publish, Scenario, Spread, SseClient, Transport, What,
};

use super::draft::{Draft, Edit, Part, of_fault, of_lane};
use super::field::{Field, OfFault, OfLane, Pick};
use super::session::{Session, Standing};
use super::{advice, toml};

fn scenario(transports: &[Transport]) -> Scenario {
    Scenario {
        v: 1,
        lanes: transports.iter().copied().map(LaneSpec::default_for).collect(),
        publish: Publish { every_ms: 1_200, spread: Spread::Poisson, what: What::Price },
        conditions: Conditions { latency_ms: 100, ..Conditions::default() },
        faults: Vec::new(),
        clients: 1,
        crowd: None,
        seed: 7,
        window_ms: 8_000,
    }
}

fn drops(at_ms: u32, sub: Option<&str>) -> PlannedFault {
    PlannedFault { at_ms, fault: Fault::Drop { sub: sub.map(str::to_owned) } }
}

fn typed(field: Field, text: &str) -> Edit {
    Edit::Type(field, text.to_owned())
}

fn picked(pick: Pick, word: &str) -> Edit {
    Edit::Pick(pick, word.to_owned())
}

fn subs(draft: &Draft) -> Vec<Option<&str>> {
    draft.scenario().faults.iter().map(|planned| planned.fault.sub()).collect()
}

const INTERVAL: Field = Field::Lane(0, OfLane::Interval);

#[test]
fn a_value_is_taken_with_its_unit() {
    let draft = Draft::new(scenario(&[Transport::ShortPoll])).after(&typed(INTERVAL, "1.5 s"));
    assert_eq!(draft.scenario().lanes, [LaneSpec::ShortPoll { interval_ms: 1_500, conditional: false }]);
    assert_eq!(draft.text(INTERVAL), "1.5 s");
}

#[test]
fn what_is_out_of_bounds_is_kept_as_typed_and_says_what_to_change() {
    let draft = Draft::new(scenario(&[Transport::ShortPoll])).after(&typed(INTERVAL, "5 ms"));
    assert_eq!(draft.bad()[&INTERVAL].why, "5 ms is too little: 100 ms to 60 s.");
    assert_eq!(draft.text(INTERVAL), "5 ms");
    assert_eq!(INTERVAL.get(draft.scenario()), Some(1_000), "the scenario still holds");
    let draft = draft.after(&typed(INTERVAL, "2 min"));
    assert_eq!(draft.bad()[&INTERVAL].why, "120 s is too much: 100 ms to 60 s.");
    assert!(draft.after(&typed(INTERVAL, "500 ms")).bad().is_empty());
}

#[test]
fn a_value_that_needs_another_one_is_taken_when_that_one_comes() {
    let (base, cap) = (Field::Lane(0, OfLane::Base), Field::Lane(0, OfLane::Cap));
    let draft = Draft::new(scenario(&[Transport::WebSocket])).after(&typed(base, "40 s"));
    assert_eq!(draft.bad()[&base].why, "`cap_ms` is 30000, less than `base_ms` (40000).");
    let draft = draft.after(&typed(cap, "60 s"));
    assert!(draft.bad().is_empty(), "{:?}", draft.bad());
    assert_eq!((base.get(draft.scenario()), cap.get(draft.scenario())), (Some(40_000), Some(60_000)));
}

#[test]
fn zero_has_a_word_where_it_means_something_else() {
    let draft = Draft::new(scenario(&[Transport::WebSocket]));
    let draft = draft.after(&typed(Field::Every, "By hand")).after(&typed(Field::Bandwidth, "8 kB/s"));
    assert_eq!(draft.scenario().publish.every_ms, 0);
    assert_eq!(draft.text(Field::Every), "by hand");
    assert_eq!(draft.text(Field::Bandwidth), "8 kB/s");
    assert_eq!(draft.after(&typed(Field::Bandwidth, "0")).text(Field::Bandwidth), "no limit");
}

#[test]
fn every_field_keeps_what_it_is_set_to() {
    let mut all = scenario(&Transport::ALL);
    all.faults = vec![
        drops(1_000, None),
        PlannedFault { at_ms: 2_000, fault: Fault::Stall { sub: None, for_ms: 500 } },
        PlannedFault {
            at_ms: 3_000,
            fault: Fault::Unavailable { sub: None, for_ms: 500, retry_after_s: None },
        },
    ];
    let mut fields =
        vec![Field::Every, Field::Latency, Field::Jitter, Field::Bandwidth, Field::Seed, Field::Window];
    let parts = (0..4).flat_map(|i| of_lane(&all, i)).chain((0..3).flat_map(|i| of_fault(&all, i)));
    fields.extend(parts.filter_map(|part| match part {
        Part::Value(field) => Some(field),
        _ => None,
    }));
    assert!(fields.len() >= 6 + 8 + 6, "{fields:?}");
    for field in fields {
        // Base and cap go together: both hold at the longest wait.
        let most = *field.kind().bounds.end();
        let mut set = all.clone();
        field.set(&mut set, most);
        assert_eq!(field.get(&set), Some(most), "{field:?}");
        let text = field.kind().write(most);
        assert_eq!(field.kind().read(&text), Ok(most), "{field:?}: {text}");
    }
}

#[test]
fn every_choice_keeps_what_is_chosen() {
    let mut all = scenario(&Transport::ALL);
    all.faults = vec![drops(1_000, None)];
    let mut picks = vec![Pick::Spread, Pick::What, Pick::Transport(0)];
    let parts = (0..4).flat_map(|i| of_lane(&all, i)).chain(of_fault(&all, 0));
    picks.extend(parts.filter_map(|part| match part {
        Part::Choice(pick) | Part::Check(pick) => Some(pick),
        Part::Value(_) => None,
    }));
    assert!(picks.len() >= 9, "{picks:?}");
    for pick in picks {
        for (word, _) in pick.options(&all) {
            let draft = Draft::new(all.clone()).after(&picked(pick, &word));
            assert_eq!(pick.get(draft.scenario()), Some(word), "{pick:?}");
            assert_eq!(draft.scenario().check(), Ok(()));
        }
    }
}

#[test]
fn an_event_source_has_no_silence() {
    let silence = Field::Lane(0, OfLane::Silence);
    let draft = Draft::new(scenario(&[Transport::Sse]));
    assert!(!of_lane(draft.scenario(), 0).contains(&Part::Value(silence)));
    let fetch = draft.after(&picked(Pick::Client(0), "fetch")).after(&typed(silence, "3 s"));
    assert_eq!(silence.get(fetch.scenario()), Some(3_000));
    let back = fetch.after(&picked(Pick::Client(0), "event-source"));
    assert_eq!(back.scenario().check(), Ok(()));
    assert!(matches!(back.scenario().lanes[0], LaneSpec::Sse { silence_ms: 0, .. }));
}

#[test]
fn there_are_one_to_eight_lanes() {
    let mut draft = Draft::new(scenario(&[Transport::Sse]));
    assert_eq!(draft.after(&Edit::RemoveLane(0)), draft);
    for _ in 0..9 {
        draft = draft.after(&Edit::DuplicateLane(0));
    }
    assert_eq!(draft.scenario().lanes.len(), 8);
    assert_eq!(draft.after(&Edit::AddLane(Transport::Sse)), draft);
}

#[test]
fn a_lanes_double_has_its_settings() {
    let draft = Draft::new(scenario(&[Transport::ShortPoll, Transport::Sse]))
        .after(&typed(INTERVAL, "300 ms"))
        .after(&Edit::DuplicateLane(0))
        .after(&typed(INTERVAL, "2 s"));
    assert_eq!(INTERVAL.get(draft.scenario()), Some(2_000));
    assert_eq!(Field::Lane(1, OfLane::Interval).get(draft.scenario()), Some(300));
    assert_eq!(draft.scenario().lanes[2].transport(), Transport::Sse);
}

#[test]
fn a_fault_stays_with_its_lane_when_lanes_move() {
    let mut two = scenario(&[Transport::Sse, Transport::WebSocket, Transport::Sse]);
    two.faults = vec![drops(1_000, Some("sse")), drops(2_000, Some("sse-2")), drops(3_000, None)];
    let draft = Draft::new(two);
    // The last lane goes to the front: it is now the first of its kind.
    let moved = draft.after(&Edit::MoveLane { from: 2, to: 0 });
    assert_eq!(subs(&moved), [Some("sse-2"), Some("sse"), None]);
    // The first lane goes: its fault goes with it, and the other's has another label.
    assert_eq!(subs(&draft.after(&Edit::RemoveLane(0))), [Some("sse"), None]);
    // It becomes another kind, and is still cut.
    let other = draft.after(&picked(Pick::Transport(0), "websocket"));
    assert_eq!(subs(&other), [Some("websocket"), Some("sse"), None]);
    let doubled = draft.after(&Edit::DuplicateLane(0));
    assert_eq!(subs(&doubled), [Some("sse"), Some("sse-3"), None]);
}

#[test]
fn what_was_typed_wrong_moves_with_its_lane() {
    let draft = Draft::new(scenario(&[Transport::Sse, Transport::ShortPoll]))
        .after(&typed(Field::Lane(1, OfLane::Interval), "soon"))
        .after(&Edit::MoveLane { from: 1, to: 0 });
    assert_eq!(draft.bad().keys().copied().collect::<Vec<_>>(), [INTERVAL]);
    assert!(draft.after(&picked(Pick::Transport(0), "sse")).bad().is_empty());
    assert!(draft.after(&Edit::RemoveLane(0)).bad().is_empty());
}

#[test]
fn a_removed_fault_takes_what_was_typed_wrong_with_it() {
    let mut two = scenario(&[Transport::Sse]);
    two.faults = vec![drops(1_000, None), drops(2_000, None)];
    let draft = Draft::new(two).after(&typed(Field::Fault(1, OfFault::At), "late"));
    let bad = draft.after(&Edit::RemoveFault(0));
    assert_eq!(bad.bad().keys().copied().collect::<Vec<_>>(), [Field::Fault(0, OfFault::At)]);
    assert!(draft.after(&Edit::RemoveFault(1)).bad().is_empty());
}

#[test]
fn undo_goes_back_and_redo_forth() {
    let first = scenario(&[Transport::ShortPoll]);
    let mut session = Session::new(first.clone(), first.clone());
    assert!(!session.undo() && !session.redo());
    assert!(session.edit(&typed(INTERVAL, "300 ms")));
    assert!(!session.edit(&typed(INTERVAL, "300 ms")), "nothing changed");
    assert!(session.edit(&Edit::AddLane(Transport::Sse)));
    assert!(session.undo());
    assert_eq!(session.draft().scenario().lanes.len(), 1);
    assert!(session.undo());
    assert_eq!(*session.draft().scenario(), first);
    assert!(session.redo());
    assert_eq!(INTERVAL.get(session.draft().scenario()), Some(300));
    session.edit(&Edit::Seed(9));
    assert!(!session.redo(), "an edit ends what could be done again");
    assert!(session.reset());
    assert_eq!(*session.draft().scenario(), first);
    assert!(session.undo(), "a reset can be undone");
}

#[test]
fn a_wrong_value_can_be_undone_too() {
    let first = scenario(&[Transport::ShortPoll]);
    let mut session = Session::new(first.clone(), first);
    session.edit(&typed(INTERVAL, "5"));
    assert!(!session.draft().bad().is_empty() && session.due().is_none());
    session.undo();
    assert!(session.draft().bad().is_empty());
}

#[test]
fn nothing_is_due_while_a_value_is_wrong() {
    let first = scenario(&[Transport::ShortPoll]);
    let mut session = Session::new(first.clone(), first);
    assert_eq!(session.due(), None);
    session.edit(&typed(INTERVAL, "300 ms"));
    assert!(session.due().is_some());
    session.edit(&typed(Field::Window, "1 s"));
    assert_eq!(session.due(), None);
    session.edit(&typed(Field::Window, "10 s"));
    assert_eq!(session.due().unwrap().window_ms, 10_000);
    session.applied();
    assert_eq!(session.due(), None);
}

#[test]
fn what_is_set_below_the_picture_is_followed_and_can_be_undone() {
    let first = scenario(&[Transport::ShortPoll]);
    let mut session = Session::new(first.clone(), first.clone());
    // Not applied yet.
    session.edit(&Edit::AddLane(Transport::Sse));
    let mut slid = first.clone();
    slid.conditions.latency_ms = 300;
    assert!(session.follow(slid.clone()));
    assert!(!session.follow(slid.clone()), "it is known already");
    slid.conditions.latency_ms = 350;
    assert!(session.follow(slid.clone()), "the slider goes on");
    slid.conditions.latency_ms = 300;
    assert!(session.follow(slid));
    assert_eq!(session.draft().scenario().conditions.latency_ms, 300);
    assert_eq!(session.draft().scenario().lanes.len(), 2, "what was edited here is still there");
    // A link sets everything.
    let other = scenario(&[Transport::WebSocket]);
    assert!(session.follow(other.clone()));
    assert_eq!(*session.draft().scenario(), other);
    // All that came from below the picture, one after another, is one edit.
    assert!(session.undo());
    assert_eq!(session.draft().scenario().conditions.latency_ms, 100);
    assert_eq!(session.draft().scenario().lanes.len(), 2);
}

#[test]
fn a_placeholders_state_says_what_a_change_would_end() {
    assert_eq!(Standing::of("idle"), Standing::Fresh);
    assert_eq!(Standing::of("no-server"), Standing::Fresh);
    assert_eq!(Standing::of("live"), Standing::Runs);
    assert_eq!(Standing::of("paused"), Standing::Stands);
}

#[test]
fn more_others_than_a_server_opens_by_itself_are_told() {
    let mut many = scenario(&[Transport::WebSocket, Transport::ShortPoll]);
    many.clients = 1_001;
    assert_eq!(advice::of(&many), []);
    many.clients = 1_002;
    let told = advice::of(&many);
    assert!(told[0].text.contains("2,002") && told[0].text.contains("--crowd 2002"), "{}", told[0].text);
    let draft = Draft::new(many).after(&typed(Field::Clients, "2001"));
    assert_eq!(draft.bad()[&Field::Clients].why, "2001 is too much: 1 to 2000.");
}

#[test]
fn more_lanes_than_connections_are_told_and_can_be_mended() {
    use Transport::{LongPoll, ShortPoll, Sse, WebSocket};
    let fits = [Sse, Sse, LongPoll, LongPoll, Sse, WebSocket, ShortPoll, WebSocket];
    let mut fits = scenario(&fits);
    fits.conditions.latency_ms = 10;
    assert_eq!(advice::of(&fits), []);
    let over = scenario(&[Sse, Sse, LongPoll, WebSocket, LongPoll, Sse, Sse, Sse]);
    let told = advice::of(&over);
    assert!(told[0].text.starts_with("7 lanes hold an HTTP connection each"), "{}", told[0].text);
    let words: Vec<_> = told[0].offers.iter().map(|(words, _)| words.as_str()).collect();
    assert_eq!(words, ["Make lanes 7, 8 WebSockets", "Remove lanes 7, 8"]);
    for (words, edit) in &told[0].offers {
        let mended = Draft::new(over.clone()).after(edit);
        let left = advice::of(mended.scenario());
        assert!(!left.iter().any(|advice| advice.text.contains("hold an HTTP")), "{words}: {left:?}");
    }
}

#[test]
fn the_file_reads_back_as_the_scenario() {
    let mut all = scenario(&Transport::ALL);
    all.clients = 200;
    all.lanes.extend([
        LaneSpec::ShortPoll { interval_ms: 300, conditional: true },
        LaneSpec::Sse { retry_ms: 700, client: SseClient::Fetch, keep_alive_ms: 900, silence_ms: 3_000 },
    ]);
    for backoff in [
        Backoff::Fixed { base_ms: 500 },
        Backoff::Exponential { base_ms: 500, cap_ms: 8_000 },
        Backoff::DecorrelatedJitter { base_ms: 500, cap_ms: 8_000 },
    ] {
        all.lanes[1] = LaneSpec::LongPoll { timeout_ms: 3_000, backoff };
        all.lanes[2] =
            LaneSpec::WebSocket { backoff, send_every_ms: 900, keep_alive_ms: 2_000, silence_ms: 5_000 };
        all.faults = vec![
            drops(1_000, Some("sse-2")),
            PlannedFault { at_ms: 1_500, fault: Fault::HalfOpen { sub: None } },
            PlannedFault { at_ms: 2_000, fault: Fault::Refuse { sub: None, for_ms: 500 } },
            PlannedFault { at_ms: 3_000, fault: Fault::Stall { sub: None, for_ms: 600 } },
            PlannedFault {
                at_ms: 4_000,
                fault: Fault::Unavailable { sub: None, for_ms: 700, retry_after_s: Some(2) },
            },
        ];
        all.conditions = Conditions { latency_ms: 50, jitter_ms: 20, bandwidth_bytes_s: 8_000 };
        all.publish = Publish { every_ms: 0, spread: Spread::Fixed, what: What::Chat };
        let mut library = Library::default();
        library.add("mine", &toml::file(&all, "A \"title\"", "Back\\slash,\nnew line"));
        assert_eq!(library.problems(), [] as [&str; 0]);
        let read = library.get("mine").unwrap();
        assert_eq!(read.scenario, all);
        assert_eq!((read.title.as_str(), read.look.as_str()), ("A \"title\"", "Back\\slash,\nnew line"));
    }
}
