//! A script's course: what is to be done next, by what has happened. It runs nothing itself: a browser
//! test, the book's own page and the model all ask it, and do what it says.

use standby_trace::trace::Trace;

use super::rest::{Done, at_rest, faults_told};
use super::script::{Script, Step};

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do this, then ask again. Never a [`Step::Together`].
    Do(Step),
    /// Not yet: what is awaited, in words for whoever looks for what hangs.
    Wait(String),
    /// All is done, and has come to rest.
    Over,
}

/// Where a run stands in its script.
#[derive(Clone, Debug)]
pub struct Course {
    /// What is done, one by one, and of which of the script's steps it is the last.
    acts: Vec<(Step, Option<usize>)>,
    /// How many of them are done.
    at: usize,
    /// How many of the script's steps are over.
    over: usize,
    done: Done,
    /// How many faults must be told before anything else is done: what follows one must not overtake it.
    faults: usize,
}

impl Course {
    /// At its beginning.
    #[must_use]
    pub fn new(script: &Script) -> Self {
        let mut acts = Vec::new();
        for (number, step) in script.steps.iter().enumerate() {
            acts.extend(step.each().iter().map(|step| (step.clone(), None)));
            if let Some((_, last_of)) = acts.last_mut() {
                *last_of = Some(number);
            }
        }
        Self { acts, at: 0, over: 0, done: Done::default(), faults: 0 }
    }

    /// What is to be done, when a run's trace is so. Before the first step any trace will do.
    #[must_use]
    pub fn next(&mut self, trace: &Trace) -> Next {
        let before = self.at.checked_sub(1).and_then(|at| self.acts.get(at));
        if let Some((before, last_of)) = before {
            if matches!(before, Step::Fault(_)) && faults_told(trace) < self.faults {
                return Next::Wait("the fault is not told yet".to_owned());
            }
            // Of a run that was let go nothing is known.
            if last_of.is_some()
                && self.done.runs
                && let Err(why) = at_rest(trace, self.done)
            {
                return Next::Wait(why);
            }
            self.over = last_of.map_or(self.over, |number| number + 1);
        }
        let Some((step, _)) = self.acts.get(self.at) else { return Next::Over };
        self.at += 1;
        self.done.did(step);
        self.faults = faults_told(trace) + 1;
        Next::Do(step.clone())
    }

    /// The lanes are to run.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.done.runs
    }

    /// How many of the script's steps are over: done, and come to rest.
    #[must_use]
    pub fn steps_over(&self) -> usize {
        self.over
    }
}
