//! The form: lanes as rows, publisher and network, planned faults, and what else a scenario has.

use std::cell::RefCell;
use std::rc::Rc;

use standby_dom as dom;
use standby_trace::scenario::{LaneSpec, Transport, bounds};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::control::{Act, Control};
use super::draft::{Draft, Edit, Part, of_fault, of_lane};
use super::field::{Field, Pick};

/// The form on the page.
pub(crate) struct Form {
    element: HtmlElement,
    id: String,
    act: Act,
    lanes: Rows,
    faults: Rows,
    fixed: Vec<Control>,
    add_lane: Vec<HtmlElement>,
    add_fault: HtmlElement,
}

/// Rows whose number and kind change. As long as they don't, their controls stay, and the focus in
/// them.
struct Rows {
    list: HtmlElement,
    shape: RefCell<Vec<Vec<Part>>>,
    controls: RefCell<Vec<Control>>,
}

impl Rows {
    fn new(label: &str) -> Self {
        let list = dom::classed("ol", "standby-ed-rows").set("aria-label", label).done();
        Self { list, shape: RefCell::default(), controls: RefCell::default() }
    }
}

impl Form {
    /// Builds it, empty.
    pub(crate) fn new(id: &str, act: &Act) -> Self {
        let mut fixed = Vec::new();
        let mut part = |part: Part| {
            let (cell, control) = Control::new(part, id, "", act);
            fixed.push(control);
            cell
        };
        let lanes = Rows::new("Lanes");
        let faults = Rows::new("Planned faults");
        let press = |edit: Edit| {
            let act = Rc::clone(act);
            move |_: &web_sys::Event| act(edit.clone())
        };
        let add_lane: Vec<HtmlElement> = Transport::ALL
            .into_iter()
            .map(|transport| {
                dom::button("standby-ed-add", &format!("+ {}", transport.title()))
                    .set("aria-label", &format!("+ {}: add a lane", transport.title()))
                    .set("data-key", &format!("add-{}", transport.name()))
                    .on("click", press(Edit::AddLane(transport)))
                    .done()
            })
            .collect();
        let add_fault = dom::button("standby-ed-add", "+ Fault")
            .set("aria-label", "+ Fault: plan one more")
            .set("data-key", "add-fault")
            .on("click", press(Edit::AddFault))
            .done();
        let seeds = Rc::clone(act);
        let new_seed = dom::button("standby-ed-add", "New seed")
            .set("data-key", "new-seed")
            .on("click", move |_| {
                // Short enough to be told to somebody.
                seeds(Edit::Seed((js_sys::Math::random() * 1e6) as u64));
            })
            .done();

        let mut adds = dom::classed("div", "standby-ed-adds");
        for button in &add_lane {
            adds = adds.child(button);
        }
        let of_lanes = section("Lanes", "standby-ed-lanes").child(&lanes.list).child(&adds.done()).done();
        let publisher = section("Publisher", "")
            .child(&part(Part::Value(Field::Every)))
            .child(&part(Part::Choice(Pick::Spread)))
            .child(&part(Part::Choice(Pick::What)))
            .done();
        let network = section("Network", "")
            .child(&part(Part::Value(Field::Latency)))
            .child(&part(Part::Value(Field::Jitter)))
            .child(&part(Part::Value(Field::Bandwidth)))
            .done();
        let of_faults = section("Planned faults", "standby-ed-faults")
            .child(&faults.list)
            .child(&dom::classed("div", "standby-ed-adds").child(&add_fault).done())
            .done();
        let rest = section("Run", "")
            .child(&part(Part::Value(Field::Seed)))
            .child(&new_seed)
            .child(&part(Part::Value(Field::Window)))
            .child(&part(Part::Value(Field::Clients)))
            .done();
        let element = dom::classed("div", "standby-ed-form")
            .child(&of_lanes)
            .child(&publisher)
            .child(&network)
            .child(&rest)
            .child(&of_faults)
            .done();
        Self { element, id: id.to_owned(), act: Rc::clone(act), lanes, faults, fixed, add_lane, add_fault }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Shows a draft. `focus` is the control that is to have the focus; without it, the one that has
    /// it keeps it.
    pub(crate) fn show(&self, draft: &Draft, focus: Option<&str>) {
        let scenario = draft.scenario();
        let held = focus.map(str::to_owned).or_else(|| self.focused());
        let lanes = (0..scenario.lanes.len()).map(|i| of_lane(scenario, i)).collect();
        let mut rebuilt = self.rows(&self.lanes, lanes, |i, parts| self.lane(draft, i, parts));
        let faults = (0..scenario.faults.len()).map(|i| of_fault(scenario, i)).collect();
        rebuilt |= self.rows(&self.faults, faults, |i, parts| self.fault(i, parts));
        for rows in [&self.lanes, &self.faults] {
            rows.controls.borrow().iter().for_each(|control| control.show(draft));
        }
        self.fixed.iter().for_each(|control| control.show(draft));
        let full = scenario.lanes.len() >= *bounds::LANES.end();
        self.add_lane.iter().for_each(|button| dom::enable(button, !full));
        dom::enable(&self.add_fault, scenario.faults.len() < bounds::FAULTS);
        if let Some(key) = held.filter(|_| rebuilt || focus.is_some()) {
            self.focus(&key);
        }
    }

    /// Puts the focus on the first value that can't be taken.
    pub(crate) fn focus_bad(&self, draft: &Draft) {
        let (lanes, faults) = (self.lanes.controls.borrow(), self.faults.controls.borrow());
        let mut all = lanes.iter().chain(&self.fixed).chain(faults.iter());
        if let Some(input) = all.find_map(|control| control.bad(draft)) {
            let _ = input.focus();
        }
    }

    fn focused(&self) -> Option<String> {
        let active = dom::document().active_element()?;
        self.element.contains(Some(&active)).then(|| active.get_attribute("data-key")).flatten()
    }

    /// Focuses a control, or the nearest that there still is: where a row's button can't be pressed,
    /// the row's first control; where the row is gone, the last one's.
    fn focus(&self, key: &str) {
        let find = |key: &str| {
            self.element.query_selector(&format!("[data-key=\"{key}\"]:not(:disabled)")).ok().flatten()
        };
        let (row, _) = key.rsplit_once('-').unwrap_or((key, ""));
        let first = |row: &str| {
            self.element.query_selector(&format!("[data-row=\"{row}\"] :is(select, input)")).ok().flatten()
        };
        let last = |rows: &Rows| -> Option<Element> {
            rows.list.query_selector("li:last-child :is(select, input)").ok().flatten()
        };
        let found = find(key).or_else(|| first(row)).or_else(|| match row.split('-').next() {
            Some("lane") => last(&self.lanes),
            Some("fault") => last(&self.faults).or_else(|| find("add-fault")),
            _ => None,
        });
        if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            let _ = element.focus();
        }
    }

    /// Builds rows anew if they are others; says whether they are.
    fn rows(
        &self,
        rows: &Rows,
        shape: Vec<Vec<Part>>,
        build: impl Fn(usize, &[Part]) -> (HtmlElement, Vec<Control>),
    ) -> bool {
        if *rows.shape.borrow() == shape {
            return false;
        }
        rows.list.set_text_content(None);
        let mut controls = Vec::new();
        for (i, parts) in shape.iter().enumerate() {
            let (row, own) = build(i, parts);
            let _ = rows.list.append_child(&row);
            controls.extend(own);
        }
        rows.controls.replace(controls);
        rows.shape.replace(shape);
        true
    }

    fn lane(&self, draft: &Draft, i: usize, parts: &[Part]) -> (HtmlElement, Vec<Control>) {
        let count = draft.scenario().lanes.len();
        let of = format!("Lane {}", i + 1);
        let tool = |sign: &str, does: &str, key: &str, edit: Edit, can: bool| {
            let act = Rc::clone(&self.act);
            let button = dom::button("standby-ed-tool", sign)
                .set("aria-label", &format!("{of}: {does}"))
                .set("title", does)
                .set("data-key", &format!("lane-{i}-{key}"))
                .on("click", move |_| act(edit.clone()))
                .done();
            dom::enable(&button, can);
            button
        };
        let tools = dom::classed("span", "standby-ed-tools")
            .child(&tool("↑", "move up", "up", Edit::MoveLane { from: i, to: i.saturating_sub(1) }, i > 0))
            .child(&tool("↓", "move down", "down", Edit::MoveLane { from: i, to: i + 1 }, i + 1 < count))
            .child(&tool("⧉", "duplicate", "double", Edit::DuplicateLane(i), count < *bounds::LANES.end()))
            .child(&tool("✕", "remove", "remove", Edit::RemoveLane(i), count > *bounds::LANES.start()))
            .done();
        let parts: Vec<Part> =
            [Part::Choice(Pick::Transport(i))].into_iter().chain(parts.iter().copied()).collect();
        self.row(&format!("lane-{i}"), &of, &(i + 1).to_string(), &parts, &tools)
    }

    fn fault(&self, i: usize, parts: &[Part]) -> (HtmlElement, Vec<Control>) {
        let of = format!("Fault {}", i + 1);
        let act = Rc::clone(&self.act);
        let remove = dom::button("standby-ed-tool", "✕")
            .set("aria-label", &format!("{of}: remove"))
            .set("title", "remove")
            .set("data-key", &format!("fault-{i}-remove"))
            .on("click", move |_| act(Edit::RemoveFault(i)))
            .done();
        let tools = dom::classed("span", "standby-ed-tools").child(&remove).done();
        self.row(&format!("fault-{i}"), &of, "✕", parts, &tools)
    }

    fn row(
        &self,
        name: &str,
        of: &str,
        sign: &str,
        parts: &[Part],
        tools: &HtmlElement,
    ) -> (HtmlElement, Vec<Control>) {
        let mut cells = dom::classed("span", "standby-ed-cells");
        let mut controls = Vec::new();
        for part in parts {
            let (cell, control) = Control::new(*part, &self.id, of, &self.act);
            cells = cells.child(&cell);
            controls.push(control);
        }
        let sign = dom::classed("span", "standby-ed-sign").set("aria-hidden", "true").text(sign).done();
        let row = dom::html("li")
            .set("data-row", name)
            .set("aria-label", of)
            .child(&sign)
            .child(&cells.done())
            .child(tools)
            .done();
        (row, controls)
    }
}

/// A part of the form with its name.
fn section(name: &str, class: &str) -> dom::Build {
    dom::classed("div", &format!("standby-ed-section {class}"))
        .set("role", "group")
        .set("aria-label", name)
        .child(&dom::classed("span", "standby-ed-name").set("aria-hidden", "true").text(name).done())
}

/// The control that has the focus after an edit by a row's button, where that isn't the button.
pub(crate) fn focus_after(edit: &Edit, lanes: &[LaneSpec]) -> Option<String> {
    match edit {
        Edit::MoveLane { from, to } => {
            let way = if to < from { "up" } else { "down" };
            Some(format!("lane-{to}-{way}"))
        }
        Edit::DuplicateLane(i) => Some(format!("lane-{}-double", i + 1)),
        Edit::AddLane(_) => Some(format!("lane-{}-first", lanes.len().saturating_sub(1))),
        Edit::RemoveLane(i) => Some(format!("lane-{i}-remove")),
        Edit::RemoveFault(i) => Some(format!("fault-{i}-remove")),
        _ => None,
    }
}
