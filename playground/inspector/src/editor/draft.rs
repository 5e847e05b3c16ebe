//! What is being edited: a scenario that always holds, and beside it what was typed and can't be
//! taken yet. Every edit makes a new draft of the last one, so undoing is going back to it.

use std::collections::BTreeMap;

use standby_trace::scenario::{Fault, LaneSpec, PlannedFault, Scenario, Transport, bounds};

use super::field::{self, Field, OfFault, Pick};

/// What the reader does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Edit {
    /// Types a value.
    Type(Field, String),
    /// Chooses from a list.
    Pick(Pick, String),
    /// Adds a lane at the end.
    AddLane(Transport),
    /// Takes a lane away.
    RemoveLane(usize),
    /// Puts a lane's double behind it.
    DuplicateLane(usize),
    /// Moves a lane to where another one stands.
    MoveLane {
        /// Where it stands.
        from: usize,
        /// Where it goes.
        to: usize,
    },
    /// Plans a fault.
    AddFault,
    /// Takes a planned fault away.
    RemoveFault(usize),
    /// Sets another seed.
    Seed(u64),
    /// Sets everything up as it is here.
    Take(Box<Scenario>),
    /// Does all of these, as one.
    All(Vec<Edit>),
}

/// What was typed and can't be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// As it was typed.
    pub(crate) text: String,
    /// What to change.
    pub(crate) why: String,
}

/// A scenario on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// It holds: [`Scenario::check`] has nothing to say about it.
    scenario: Scenario,
    bad: BTreeMap<Field, Bad>,
}

impl Draft {
    /// Begins with a scenario that holds.
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { scenario, bad: BTreeMap::new() }
    }

    /// The scenario, without what can't be taken.
    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What can't be taken, by its field.
    pub(crate) fn bad(&self) -> &BTreeMap<Field, Bad> {
        &self.bad
    }

    /// A field's text: as it was typed if it can't be taken, else its value.
    pub(crate) fn text(&self, field: Field) -> String {
        match self.bad.get(&field) {
            Some(bad) => bad.text.clone(),
            None => field.get(&self.scenario).map_or_else(String::new, |value| field.kind().write(value)),
        }
    }

    /// The draft after an edit. What is not possible (a ninth lane, a lane that is not there)
    /// changes nothing.
    #[must_use]
    pub(crate) fn after(&self, edit: &Edit) -> Self {
        let mut next = self.clone();
        next.edit(edit);
        next.try_bad_again();
        next
    }

    fn edit(&mut self, edit: &Edit) {
        match edit {
            Edit::Type(field, text) => {
                self.bad.remove(field);
                if let Err(why) = self.type_in(*field, text) {
                    self.bad.insert(*field, Bad { text: text.clone(), why });
                }
            }
            Edit::Pick(pick, word) => self.pick(*pick, word),
            Edit::AddLane(transport) => {
                self.insert_lane(self.scenario.lanes.len(), LaneSpec::default_for(*transport));
            }
            Edit::DuplicateLane(i) => {
                if let Some(lane) = self.scenario.lanes.get(*i).copied() {
                    self.insert_lane(i + 1, lane);
                }
            }
            Edit::RemoveLane(i) => {
                let mut order: Vec<usize> = (0..self.scenario.lanes.len()).collect();
                if *i < order.len() && order.len() > *bounds::LANES.start() {
                    order.remove(*i);
                    self.reorder(&order);
                }
            }
            Edit::MoveLane { from, to } => {
                let mut order: Vec<usize> = (0..self.scenario.lanes.len()).collect();
                if *from < order.len() && *to < order.len() {
                    let lane = order.remove(*from);
                    order.insert(*to, lane);
                    self.reorder(&order);
                }
            }
            Edit::AddFault => {
                if self.scenario.faults.len() < bounds::FAULTS {
                    let at_ms = self
                        .scenario
                        .faults
                        .iter()
                        .map(|planned| planned.at_ms)
                        .max()
                        .map_or(3_000, |at| at + 2_000);
                    let at_ms = at_ms.min(*bounds::FAULT_AT_MS.end());
                    self.scenario.faults.push(PlannedFault { at_ms, fault: Fault::Drop { sub: None } });
                }
            }
            Edit::RemoveFault(i) => {
                if *i < self.scenario.faults.len() {
                    self.scenario.faults.remove(*i);
                    self.move_bad_faults(|fault| match fault.cmp(i) {
                        std::cmp::Ordering::Less => Some(fault),
                        std::cmp::Ordering::Equal => None,
                        std::cmp::Ordering::Greater => Some(fault - 1),
                    });
                }
            }
            Edit::Seed(seed) => {
                self.bad.remove(&Field::Seed);
                self.scenario.seed = *seed % (bounds::SEED.end() + 1);
            }
            Edit::All(edits) => edits.iter().for_each(|edit| self.edit(edit)),
            Edit::Take(scenario) => {
                if scenario.check().is_ok() {
                    *self = Self::new((**scenario).clone());
                }
            }
        }
    }

    fn type_in(&mut self, field: Field, text: &str) -> Result<(), String> {
        let value = field.kind().read(text)?;
        let mut scenario = self.scenario.clone();
        field.set(&mut scenario, value);
        // Bounds were held against above; what is left is how values go together.
        scenario.check().map_err(|e| format!("{e}."))?;
        self.scenario = scenario;
        Ok(())
    }

    fn pick(&mut self, pick: Pick, word: &str) {
        let owners = self.owners();
        let mut scenario = self.scenario.clone();
        pick.set(&mut scenario, word);
        if scenario.check().is_err() {
            return;
        }
        self.scenario = scenario;
        if matches!(pick, Pick::Transport(_)) {
            self.give_back(&owners);
        }
        // What was typed into a field that is gone is gone with it.
        let scenario = &self.scenario;
        self.bad.retain(|field, _| field.get(scenario).is_some());
    }

    /// A value that did not go together with another one may do so now.
    fn try_bad_again(&mut self) {
        for (field, bad) in self.bad.clone() {
            match self.type_in(field, &bad.text) {
                Ok(()) => {
                    self.bad.remove(&field);
                }
                Err(why) => {
                    self.bad.insert(field, Bad { why, ..bad });
                }
            }
        }
    }

    fn insert_lane(&mut self, at: usize, lane: LaneSpec) {
        if self.scenario.lanes.len() >= *bounds::LANES.end() {
            return;
        }
        let owners = self.owners();
        self.scenario.lanes.insert(at, lane);
        let moved = |i: usize| if i < at { i } else { i + 1 };
        self.give_back(&owners.iter().map(|owner| owner.map(moved)).collect::<Vec<_>>());
        self.move_bad_lanes(|i| Some(moved(i)));
    }

    /// Puts the lanes into another order: `order[new] = old`. A fault stays with its lane, and goes
    /// with it.
    fn reorder(&mut self, order: &[usize]) {
        let owners = self.owners();
        let goes = |old: usize| order.iter().position(|o| *o == old);
        let gone = |owner: &Option<usize>| owner.is_some_and(|old| goes(old).is_none());
        for (i, _) in owners.iter().enumerate().rev().filter(|(_, owner)| gone(owner)) {
            self.edit(&Edit::RemoveFault(i));
        }
        let owners: Vec<_> =
            owners.into_iter().filter(|owner| !gone(owner)).map(|owner| owner.and_then(goes)).collect();
        self.scenario.lanes = order.iter().map(|old| self.scenario.lanes[*old]).collect();
        self.give_back(&owners);
        self.move_bad_lanes(goes);
    }

    /// The lane that each fault is for. A fault's label is made from its lane's place among those of
    /// its kind, so it changes when lanes do.
    fn owners(&self) -> Vec<Option<usize>> {
        let lane = |planned: &PlannedFault| {
            let sub = planned.fault.sub()?;
            (0..self.scenario.lanes.len()).find(|lane| self.scenario.sub(*lane) == sub)
        };
        self.scenario.faults.iter().map(lane).collect()
    }

    fn give_back(&mut self, owners: &[Option<usize>]) {
        for (i, owner) in owners.iter().enumerate() {
            if let Some(lane) = owner {
                let sub = self.scenario.sub(*lane);
                field::set_sub(&mut self.scenario.faults[i].fault, Some(sub));
            }
        }
    }

    fn move_bad_lanes(&mut self, goes: impl Fn(usize) -> Option<usize>) {
        self.move_bad(|field| match field {
            Field::Lane(i, of) => goes(i).map(|i| Field::Lane(i, of)),
            field => Some(field),
        });
    }

    fn move_bad_faults(&mut self, goes: impl Fn(usize) -> Option<usize>) {
        self.move_bad(|field| match field {
            Field::Fault(i, of) => goes(i).map(|i| Field::Fault(i, of)),
            field => Some(field),
        });
    }

    fn move_bad(&mut self, goes: impl Fn(Field) -> Option<Field>) {
        let bad = std::mem::take(&mut self.bad);
        self.bad = bad.into_iter().filter_map(|(field, bad)| Some((goes(field)?, bad))).collect();
    }
}

/// The values and choices of a lane, in the order in which they stand in its row.
pub(crate) fn of_lane(scenario: &Scenario, lane: usize) -> Vec<Part> {
    use super::field::OfLane::{Base, Cap, Interval, KeepAlive, Retry, SendEvery, Silence, Timeout};
    let value = |of| Part::Value(Field::Lane(lane, of));
    let all = [
        value(Interval),
        Part::Check(Pick::Conditional(lane)),
        value(Timeout),
        value(Retry),
        Part::Choice(Pick::Client(lane)),
        Part::Choice(Pick::Backoff(lane)),
        value(Base),
        value(Cap),
        value(SendEvery),
        value(KeepAlive),
        value(Silence),
    ];
    all.into_iter().filter(|part| part.is_in(scenario)).collect()
}

/// The same of a planned fault.
pub(crate) fn of_fault(scenario: &Scenario, fault: usize) -> Vec<Part> {
    let value = |of| Part::Value(Field::Fault(fault, of));
    let all = [
        value(OfFault::At),
        Part::Choice(Pick::Kind(fault)),
        value(OfFault::For),
        Part::Choice(Pick::Whose(fault)),
        value(OfFault::RetryAfter),
    ];
    all.into_iter().filter(|part| part.is_in(scenario)).collect()
}

/// One control of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Something to type.
    Value(Field),
    /// A list to choose from.
    Choice(Pick),
    /// Yes or no.
    Check(Pick),
}

impl Part {
    fn is_in(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Value(field) => field.get(scenario).is_some(),
            Self::Choice(pick) | Self::Check(pick) => pick.get(scenario).is_some(),
        }
    }
}
