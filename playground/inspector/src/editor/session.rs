//! Editing over time: what can be undone, and when a draft reaches the widget.

use standby_trace::scenario::{LaneSpec, Scenario};

use super::draft::{Draft, Edit};

/// So many edits can be undone.
const MOST_UNDONE: usize = 200;

/// What the experiment below is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is nothing that a change could take away.
    Fresh,
    /// It has connections.
    Runs,
    /// It stands still, with a picture that a change takes away.
    Stands,
}

impl Standing {
    /// Reads the placeholder's `data-state`.
    pub(crate) fn of(state: &str) -> Self {
        match state {
            "starting" | "live" | "reconnecting" => Self::Runs,
            "paused" => Self::Stands,
            _ => Self::Fresh,
        }
    }
}

/// The drafts of one page.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    draft: Draft,
    undo: Vec<Draft>,
    redo: Vec<Draft>,
    /// What the page came with.
    first: Scenario,
    /// What the widget is set up with.
    applied: Scenario,
    /// The last edit was the widget's own: a slider on its way is one edit, not twenty.
    followed: bool,
}

impl Session {
    /// Begins with what the widget is set up with.
    pub(crate) fn new(scenario: Scenario, first: Scenario) -> Self {
        Self {
            draft: Draft::new(scenario.clone()),
            undo: Vec::new(),
            redo: Vec::new(),
            first,
            applied: scenario,
            followed: false,
        }
    }

    /// What is shown.
    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Edits; says whether anything changed.
    pub(crate) fn edit(&mut self, edit: &Edit) -> bool {
        let next = self.draft.after(edit);
        if next == self.draft {
            return false;
        }
        let before = std::mem::replace(&mut self.draft, next);
        self.followed = false;
        self.undo.push(before);
        if self.undo.len() > MOST_UNDONE {
            self.undo.remove(0);
        }
        self.redo.clear();
        true
    }

    /// Goes back by one edit; says whether there was one.
    pub(crate) fn undo(&mut self) -> bool {
        let Some(before) = self.undo.pop() else { return false };
        self.followed = false;
        self.redo.push(std::mem::replace(&mut self.draft, before));
        true
    }

    /// Does again what was undone; says whether there was something.
    pub(crate) fn redo(&mut self) -> bool {
        let Some(after) = self.redo.pop() else { return false };
        self.undo.push(std::mem::replace(&mut self.draft, after));
        true
    }

    /// Goes back to what the page came with.
    pub(crate) fn reset(&mut self) -> bool {
        let first = self.first.clone();
        self.edit(&Edit::Take(Box::new(first)))
    }

    /// Whether there is something to undo, to do again, to reset.
    pub(crate) fn can(&self) -> [bool; 3] {
        let first = self.draft.bad().is_empty() && *self.draft.scenario() == self.first;
        [!self.undo.is_empty(), !self.redo.is_empty(), !first]
    }

    /// Whether the widget is set up otherwise.
    pub(crate) fn waits(&self) -> bool {
        *self.draft.scenario() != self.applied
    }

    /// What the widget is to be set up with now: nothing while a value can't be taken.
    pub(crate) fn due(&self) -> Option<&Scenario> {
        (self.draft.bad().is_empty() && self.waits()).then_some(self.draft.scenario())
    }

    /// The widget has been set up with the draft.
    pub(crate) fn applied(&mut self) {
        self.applied = self.draft.scenario().clone();
    }

    /// The widget was set otherwise, by its own controls or by a link: the draft follows. What was
    /// edited and not applied yet stays beside it, where the two do not touch the same part.
    pub(crate) fn follow(&mut self, scenario: Scenario) -> bool {
        if scenario == self.applied {
            return false;
        }
        let mut next = scenario.clone();
        let (mine, theirs) = (self.draft.scenario(), &self.applied);
        let kinds = |of: &Scenario| of.lanes.iter().map(LaneSpec::transport).collect::<Vec<_>>();
        let fixed = |of: &Scenario| (kinds(of), of.faults.clone(), of.seed, of.window_ms);
        // The controls below the picture set nothing else.
        let same_shape = fixed(&scenario) == fixed(theirs);
        if same_shape && mine != theirs {
            next = mine.clone();
            if scenario.publish != theirs.publish {
                next.publish = scenario.publish;
            }
            if scenario.conditions != theirs.conditions {
                next.conditions = scenario.conditions;
            }
            if next.lanes.len() == scenario.lanes.len() {
                for (i, lane) in
                    scenario.lanes.iter().enumerate().filter(|(i, lane)| theirs.lanes[*i] != **lane)
                {
                    next.lanes[i] = *lane;
                }
            }
        }
        self.applied = scenario;
        let edit = Edit::Take(Box::new(next));
        if std::mem::take(&mut self.followed) && self.redo.is_empty() {
            self.draft = self.draft.after(&edit);
            self.followed = true;
            return true;
        }
        let changed = self.edit(&edit);
        self.followed = changed;
        changed
    }
}
