//! The others of each lane: where a scenario has more clients than one a lane, the server's machine opens the
//! rest, as a crowd of the lane's own settings on the same topic. Either every lane has its others or none
//! has: with some of them the lanes could not be held against each other.

use std::cell::Cell;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use standby_api::{Api, NoAnswer, StartCrowd};
use standby_trace::scenario::{Scenario, bounds};
use standby_trace::tap::ExperimentStarted;
use wasm_bindgen_futures::spawn_local;

use crate::live::words;
use crate::sink::{News, Run};

/// The others of a lane begin one after another within so long.
const RAMP_MS: u32 = 1_000;
/// They stay so long: the longest that a server holds a crowd, and as much as a trace keeps of one.
const HOLD_MS: u32 = 600_000;
/// So often whoever waits for the turn looks.
const LOOK_MS: u32 = 20;

thread_local! {
    /// The next number that is given out, and the one whose turn it is. Crowds of a page begin and end one
    /// after another: a server has so many places in all, and those of a run that is over must be free before
    /// the next run asks for its own.
    static TURNS: [Cell<u32>; 2] = const { [Cell::new(0), Cell::new(0)] };
}

/// Waits for what was asked before, and lets the next one go when it is dropped.
struct Turn;

impl Turn {
    async fn wait() -> Self {
        let mine = TURNS.with(|[next, _]| next.replace(next.get().wrapping_add(1)));
        // Each before it has an end: a request waits so long and no longer.
        while TURNS.with(|[_, now]| now.get() != mine) {
            TimeoutFuture::new(LOOK_MS).await;
        }
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        TURNS.with(|[_, now]| now.set(now.get().wrapping_add(1)));
    }
}

/// The others of a run's lanes.
pub(crate) struct Others {
    run: Rc<Run>,
    api: Api,
    /// They are to be there.
    wanted: Cell<bool>,
}

impl Others {
    /// None yet.
    pub(crate) fn new(run: &Rc<Run>, api: &Api) -> Rc<Self> {
        Rc::new(Self { run: run.clone(), api: api.clone(), wanted: Cell::new(false) })
    }

    /// Has them opened, in place of those that are there. Where the server opens none, or fewer, the reader is
    /// told why and what allows them, and the lanes run on.
    pub(crate) fn begin(self: &Rc<Self>, started: &ExperimentStarted, scenario: &Scenario) {
        if others(scenario) > 0 {
            self.wanted.set(true);
            self.open(started, scenario, (0..scenario.lanes.len()).collect());
        }
    }

    /// A lane was set: so are its others, if they are there.
    pub(crate) fn begin_again(
        self: &Rc<Self>,
        started: &ExperimentStarted,
        scenario: &Scenario,
        lane: usize,
    ) {
        if self.wanted.get() {
            self.open(started, scenario, vec![lane]);
        }
    }

    /// Ends them.
    pub(crate) fn end(self: &Rc<Self>, started: &ExperimentStarted) {
        if self.wanted.replace(false) {
            let (own, started) = (self.clone(), started.clone());
            spawn_local(async move {
                let _turn = Turn::wait().await;
                // Those who are wanted again take the places of these.
                if !own.wanted.get() {
                    own.end_now(&started).await;
                }
            });
        }
    }

    fn open(self: &Rc<Self>, started: &ExperimentStarted, scenario: &Scenario, lanes: Vec<usize>) {
        let (own, started, scenario) = (self.clone(), started.clone(), scenario.clone());
        spawn_local(async move {
            let _turn = Turn::wait().await;
            for lane in lanes {
                if !own.wanted.get() {
                    return;
                }
                let Some(wish) = wish(&scenario, lane) else { continue };
                let answer = own.api.start_crowd(&started, &wish).await;
                if let Some(why) = refusal(&scenario, answer) {
                    own.wanted.set(false);
                    own.run.sink().tell(&News::Notice(why));
                    return own.end_now(&started).await;
                }
            }
            own.run.sink().tell(&News::Notice(String::new()));
        });
    }

    async fn end_now(&self, started: &ExperimentStarted) {
        // A server that can't be reached ends them by itself, some seconds after the observer has gone.
        let _ = self.api.end_crowds(started).await;
    }
}

/// How many others each lane has.
pub(crate) fn others(scenario: &Scenario) -> u32 {
    // With a crowd of its own a scenario has no lanes to run.
    if scenario.crowd.is_some() { 0 } else { scenario.clients.saturating_sub(1) }
}

/// What is asked for a lane.
fn wish(scenario: &Scenario, lane: usize) -> Option<StartCrowd> {
    Some(StartCrowd {
        row: u16::try_from(lane).ok()?,
        clients: others(scenario),
        lane: *scenario.lanes.get(lane)?,
        ramp_ms: RAMP_MS,
        hold_ms: HOLD_MS,
        in_phase: false,
        // They meet what the lane meets.
        server: None,
    })
}

/// Why there can be no others, for the reader; `None` where there can: the server opens `answer` in all.
fn refusal(scenario: &Scenario, answer: Result<u32, NoAnswer>) -> Option<String> {
    let others = others(scenario);
    let all = others.saturating_mul(u32::try_from(scenario.lanes.len()).unwrap_or(u32::MAX));
    let said = match answer {
        Ok(cap) if cap >= all => return None,
        Ok(cap) => format!("The server opens {cap} clients at most, and these lanes have {all} others."),
        Err(no_answer) => words(no_answer),
    };
    let allow = all.max(*bounds::LANE_CLIENTS.end());
    Some(format!(
        "The lanes run without their {others} others each. {said} What allows them: standby serve --crowd \
         {allow}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(clients: u32) -> Scenario {
        let json = r#"{"v":1,"lanes":[{"transport":"short-poll","interval_ms":500},
            {"transport":"sse","retry_ms":700}],"publish":{"every_ms":0}}"#;
        Scenario { clients, ..Scenario::from_json(json).unwrap() }
    }

    #[test]
    fn a_lane_is_one_of_its_clients_and_the_others_are_as_it_is() {
        let scenario = scenario(200);
        let wish = wish(&scenario, 1).unwrap();
        assert_eq!((wish.row, wish.clients, wish.lane), (1, 199, scenario.lanes[1]));
        assert_eq!(wish.server, None, "they meet what it meets");
        assert_eq!(super::wish(&scenario, 2), None);
    }

    #[test]
    fn a_lane_that_stands_for_itself_has_no_others() {
        assert_eq!(others(&scenario(1)), 0);
        assert_eq!(others(&scenario(2)), 1);
    }

    #[test]
    fn a_server_that_opens_none_or_fewer_is_told_with_what_allows_them() {
        assert_eq!(refusal(&scenario(200), Ok(398)), None);
        let said = refusal(&scenario(200), Ok(397)).unwrap();
        assert!(said.contains("397 clients at most") && said.contains("398 others"), "{said}");
        assert!(said.ends_with("standby serve --crowd 2000"), "{said}");
        let no = NoAnswer::Refused { status: 503, said: "No crowds: none are opened.".to_owned() };
        let said = refusal(&scenario(2_000), Err(no)).unwrap();
        assert!(said.contains("1999 others each. The server refused. No crowds: none are opened."), "{said}");
        assert!(said.ends_with("standby serve --crowd 3998"), "{said}");
    }
}
