//! What an experiment is doing, and what it does when something happens: every transition in one
//! place, without the page.

/// Where an experiment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing has been started, and nothing connects.
    Idle,
    /// Connections are being opened. On to `Live`, `Reconnecting` or `Stopped`.
    Starting,
    /// It runs.
    Live,
    /// The server is away. The lanes try by themselves; on to `Live` when it is back.
    Reconnecting,
    /// Its connections are let go and its picture stands still.
    Paused(Pause),
    /// It could not be started. Run tries again.
    Stopped(Trouble),
    /// A trace from a file is shown in its place.
    Recorded,
}

/// Why an experiment is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The reader pressed Pause.
    Reader,
    /// A step is over.
    Stepped,
    /// It was scrolled out of view or its tab was hidden. It goes on by itself.
    Away,
    /// Another experiment was started on this page, or in another tab.
    Elsewhere {
        /// In another tab or window.
        tab: bool,
    },
}

/// Why an experiment could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server that these pages come from does not answer. Where there is none, the model runs.
    NotThere,
    /// No answer came in time: the browser has no connection free.
    Busy,
    /// The module that runs experiments can't be loaded.
    NotLoaded {
        /// What the browser says.
        why: String,
    },
    /// The server refused.
    Refused {
        /// What it said.
        said: String,
    },
}

/// What happens to an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Happens {
    /// The reader pressed Run.
    Run,
    /// The reader pressed Pause.
    Pause,
    /// The reader pressed Step.
    Step,
    /// The step that was asked for is over.
    Stepped,
    /// The reader pressed Restart.
    Restart,
    /// It came into view on a page that is shown, or left.
    Present(bool),
    /// It is well in view, and may start by itself if the chapter says so.
    InSight,
    /// It is set up with other parameters.
    SetUp,
    /// A trace from a file takes its place.
    Loaded,
    /// The reader wants the live experiment back.
    Unloaded,
    /// Another experiment was started.
    Elsewhere {
        /// In another tab or window.
        tab: bool,
    },
    /// All connections of the experiment itself are open.
    Connected,
    /// It could not be started.
    Failed(Trouble),
    /// The server went away.
    Lost,
}

/// What is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Begin a new run.
    Start,
    /// Go on with the run from where its lanes stand.
    GoOn,
    /// Let go of every connection.
    LetGo,
}

/// Decides about one experiment.
#[derive(Clone, Debug)]
pub(crate) struct Conduct {
    state: State,
    /// There is a run to go on with.
    begun: bool,
    /// It may start by itself, once.
    autostart: bool,
    /// It runs to the end of a step.
    stepping: bool,
}

impl Conduct {
    /// An experiment that nobody has started; with `autostart` it starts when it is well in view.
    pub(crate) fn new(autostart: bool) -> Self {
        Self { state: State::Idle, begun: false, autostart, stepping: false }
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// It has or wants connections.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.state, State::Starting | State::Live | State::Reconnecting)
    }

    /// It runs to the end of a step.
    pub(crate) fn stepping(&self) -> bool {
        self.stepping && self.runs()
    }

    /// Takes in what happened and says what is to be done.
    pub(crate) fn on(&mut self, happens: Happens) -> Effect {
        match happens {
            Happens::Run | Happens::Step if self.runs() => Effect::None,
            Happens::Run => self.go(false),
            Happens::Step => self.go(true),
            Happens::Restart => {
                self.begun = false;
                self.go(false)
            }
            Happens::SetUp => {
                let effect = if self.runs() { Effect::LetGo } else { Effect::None };
                self.begun = false;
                self.stepping = false;
                self.state = State::Idle;
                effect
            }
            Happens::Loaded => {
                let effect = if self.runs() { Effect::LetGo } else { Effect::None };
                self.stepping = false;
                self.autostart = false;
                self.state = State::Recorded;
                effect
            }
            Happens::Unloaded => {
                if self.state == State::Recorded {
                    self.state = if self.begun { State::Paused(Pause::Reader) } else { State::Idle };
                }
                Effect::None
            }
            Happens::Pause => self.pause(Pause::Reader),
            Happens::Stepped if self.stepping => self.pause(Pause::Stepped),
            Happens::Present(false) => self.pause(Pause::Away),
            Happens::Present(true) if self.state == State::Paused(Pause::Away) => self.go(self.stepping),
            Happens::InSight if self.autostart && self.state == State::Idle => self.go(false),
            Happens::Elsewhere { tab } if self.state == State::Paused(Pause::Away) => {
                // Its connections are let go already; it must not come back by itself any more.
                self.state = State::Paused(Pause::Elsewhere { tab });
                Effect::None
            }
            Happens::Elsewhere { tab } => self.pause(Pause::Elsewhere { tab }),
            Happens::Connected if self.runs() => {
                self.begun = true;
                self.state = State::Live;
                Effect::None
            }
            Happens::Lost if self.runs() => {
                self.state = State::Reconnecting;
                Effect::None
            }
            Happens::Failed(trouble) if self.runs() => {
                self.state = State::Stopped(trouble);
                Effect::LetGo
            }
            Happens::Stepped
            | Happens::Present(true)
            | Happens::InSight
            | Happens::Connected
            | Happens::Lost
            | Happens::Failed(_) => Effect::None,
        }
    }

    fn go(&mut self, stepping: bool) -> Effect {
        self.stepping = stepping;
        // Whatever starts it, it has been started: it never starts by itself again.
        self.autostart = false;
        self.state = State::Starting;
        if self.begun { Effect::GoOn } else { Effect::Start }
    }

    fn pause(&mut self, pause: Pause) -> Effect {
        if !self.runs() {
            return Effect::None;
        }
        self.state = State::Paused(pause);
        Effect::LetGo
    }
}

/// A step: it is over when the first event that comes after its start has reached every lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    began: Option<Vec<u64>>,
}

impl Step {
    /// Takes in how many events each lane has been delivered, `None` for a lane that gave up; says
    /// whether the step is over.
    pub(crate) fn over(&mut self, delivered: &[Option<u64>]) -> bool {
        let began = self.began.get_or_insert_with(|| delivered.iter().map(|n| n.unwrap_or(0)).collect());
        let mut lanes = delivered.iter().zip(began.iter()).filter_map(|(now, began)| Some(((*now)?, *began)));
        lanes.clone().count() > 0 && lanes.all(|(now, began)| now > began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Conduct {
        let mut conduct = Conduct::new(false);
        assert_eq!(conduct.on(Happens::Run), Effect::Start);
        assert_eq!(conduct.on(Happens::Connected), Effect::None);
        conduct
    }

    #[test]
    fn nothing_starts_by_itself_where_the_chapter_does_not_say_so() {
        let mut conduct = Conduct::new(false);
        assert_eq!(conduct.on(Happens::Present(true)), Effect::None);
        assert_eq!(conduct.on(Happens::InSight), Effect::None);
        assert_eq!(conduct.state(), &State::Idle);
    }

    #[test]
    fn an_experiment_starts_by_itself_only_once() {
        let mut conduct = Conduct::new(true);
        assert_eq!(conduct.on(Happens::InSight), Effect::Start);
        conduct.on(Happens::Failed(Trouble::NotThere));
        assert_eq!(conduct.on(Happens::InSight), Effect::None);
    }

    #[test]
    fn what_left_the_view_comes_back_by_itself() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Present(false)), Effect::LetGo);
        assert_eq!(conduct.on(Happens::Present(true)), Effect::GoOn);
    }

    #[test]
    fn what_the_reader_paused_stays_paused() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Pause), Effect::LetGo);
        conduct.on(Happens::Present(false));
        assert_eq!(conduct.on(Happens::Present(true)), Effect::None);
        assert_eq!(conduct.state(), &State::Paused(Pause::Reader));
    }

    #[test]
    fn what_is_out_of_view_does_not_come_back_once_another_was_started() {
        let mut conduct = live();
        conduct.on(Happens::Present(false));
        assert_eq!(conduct.on(Happens::Elsewhere { tab: true }), Effect::None);
        assert_eq!(conduct.on(Happens::Present(true)), Effect::None);
        assert_eq!(conduct.on(Happens::Run), Effect::GoOn);
    }

    #[test]
    fn another_experiment_pauses_this_one() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Elsewhere { tab: false }), Effect::LetGo);
        assert_eq!(conduct.state(), &State::Paused(Pause::Elsewhere { tab: false }));
    }

    #[test]
    fn an_idle_experiment_is_not_paused_by_another() {
        let mut conduct = Conduct::new(false);
        assert_eq!(conduct.on(Happens::Elsewhere { tab: false }), Effect::None);
        assert_eq!(conduct.state(), &State::Idle);
    }

    #[test]
    fn a_server_that_comes_back_makes_it_live_again() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Lost), Effect::None);
        assert_eq!(conduct.state(), &State::Reconnecting);
        assert_eq!(conduct.on(Happens::Connected), Effect::None);
        assert_eq!(conduct.state(), &State::Live);
    }

    #[test]
    fn news_of_a_run_that_was_let_go_changes_nothing() {
        let mut conduct = live();
        conduct.on(Happens::Pause);
        for late in [Happens::Connected, Happens::Lost, Happens::Failed(Trouble::Busy)] {
            assert_eq!(conduct.on(late), Effect::None);
            assert_eq!(conduct.state(), &State::Paused(Pause::Reader));
        }
    }

    #[test]
    fn restart_begins_a_new_run_from_any_state() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Restart), Effect::Start);
        conduct.on(Happens::Connected);
        conduct.on(Happens::Pause);
        assert_eq!(conduct.on(Happens::Restart), Effect::Start);
    }

    #[test]
    fn what_is_set_up_anew_begins_a_new_run() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::SetUp), Effect::LetGo);
        assert_eq!(conduct.state(), &State::Idle);
        assert_eq!(conduct.on(Happens::SetUp), Effect::None);
        assert_eq!(conduct.on(Happens::Run), Effect::Start);
    }

    #[test]
    fn a_recording_takes_the_place_of_a_run_which_can_be_gone_on_with() {
        let mut conduct = live();
        assert_eq!(conduct.on(Happens::Loaded), Effect::LetGo);
        for nothing in [Happens::Present(false), Happens::Present(true), Happens::InSight, Happens::Connected]
        {
            assert_eq!(conduct.on(nothing), Effect::None);
            assert_eq!(conduct.state(), &State::Recorded);
        }
        assert_eq!(conduct.on(Happens::Unloaded), Effect::None);
        assert_eq!(conduct.state(), &State::Paused(Pause::Reader));
        assert_eq!(conduct.on(Happens::Run), Effect::GoOn);
    }

    #[test]
    fn a_recording_before_any_run_leaves_an_experiment_that_waits() {
        let mut conduct = Conduct::new(true);
        assert_eq!(conduct.on(Happens::Loaded), Effect::None);
        conduct.on(Happens::Unloaded);
        assert_eq!(conduct.state(), &State::Idle);
        assert_eq!(conduct.on(Happens::InSight), Effect::None, "it does not start by itself any more");
    }

    #[test]
    fn a_step_ends_in_a_pause() {
        let mut conduct = live();
        conduct.on(Happens::Pause);
        assert_eq!(conduct.on(Happens::Step), Effect::GoOn);
        assert!(conduct.stepping());
        conduct.on(Happens::Connected);
        assert_eq!(conduct.on(Happens::Stepped), Effect::LetGo);
        assert_eq!(conduct.state(), &State::Paused(Pause::Stepped));
    }

    #[test]
    fn a_step_is_over_when_every_lane_got_an_event() {
        let mut step = Step::default();
        assert!(!step.over(&[Some(3), Some(3)]));
        assert!(!step.over(&[Some(4), Some(3)]));
        assert!(step.over(&[Some(4), Some(5)]));
    }

    #[test]
    fn a_step_does_not_wait_for_a_lane_that_gave_up() {
        let mut step = Step::default();
        assert!(!step.over(&[Some(3), None]));
        assert!(step.over(&[Some(4), None]));
        assert!(!Step::default().over(&[None]));
    }
}
