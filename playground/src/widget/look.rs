//! Looking around in time: what pointers, keys and the row of buttons do to the axis, the cursor
//! and what is pointed at.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use standby_figure::Hit;
use standby_trace::Trace;
use wasm_bindgen::JsCast;
use web_sys::{KeyboardEvent, PointerEvent, WheelEvent};

use super::{Widget, with};
use crate::axis::{Axis, Kept};
use crate::dom;
use crate::gesture::{Gesture, Moves};
use crate::keys::{Key, key};
use crate::player::{AS_IT_WAS, Player, SPEEDS};
use crate::state::{Happens, State};
use crate::view::picture::Picture;
use crate::view::tabs;
use crate::view::timebar::{Does, Shows};
use crate::walk::{self, At, FRAME_US, Unit, Way};

/// A wheel that counts in lines moves so many pixels for each.
const LINE_PIXELS: f64 = 16.0;
/// So many pixels of a wheel, or of a pinch on a trackpad, show twice as much time.
const ZOOM_PIXELS: f64 = 240.0;

/// Where the reader looks.
pub(super) struct Looking {
    pub(super) axis: Cell<Axis>,
    cursor_us: Cell<Option<i64>>,
    player: Cell<Option<Player>>,
    speed: Cell<usize>,
    unit: Cell<Unit>,
    gesture: RefCell<Gesture>,
}

impl Looking {
    pub(super) fn new(window_ms: u32) -> Self {
        Self {
            axis: Axis::new(window_ms).into(),
            cursor_us: Cell::default(),
            player: Cell::default(),
            speed: AS_IT_WAS.into(),
            unit: Cell::default(),
            gesture: RefCell::default(),
        }
    }

    /// Looks at something else.
    pub(super) fn begin(&self, axis: Axis) {
        self.axis.set(axis);
        self.cursor_us.set(None);
        self.player.set(None);
    }

    /// The cursor: where it was put, or how far a replay has come.
    pub(super) fn cursor_us(&self) -> Option<i64> {
        self.player.get().map(|player| player.at_us()).or(self.cursor_us.get())
    }

    /// What was is played just now.
    pub(super) fn plays(&self) -> bool {
        self.player.get().is_some_and(|player| player.plays())
    }

    /// How far the picture knows: a replay knows nothing of what came after.
    pub(super) fn known_us(&self, now_us: i64) -> i64 {
        self.player.get().map_or(now_us, |player| player.at_us())
    }

    fn change(&self, change: impl FnOnce(&mut Axis)) {
        let mut axis = self.axis.get();
        change(&mut axis);
        self.axis.set(axis);
    }

    /// Puts the cursor. A replay goes on from there when it is told to.
    fn put(&self, at_us: i64) {
        if self.player.get().is_some() {
            let mut player = Player::from(at_us);
            player.set_plays(false);
            self.player.set(Some(player));
        }
        self.cursor_us.set(Some(at_us));
    }
}

impl Widget {
    /// Listens to pointers and keys.
    pub(super) fn listen_to_looks(self: &Rc<Self>) {
        let canvas = self.picture.canvas();
        for event in ["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerleave"] {
            let me = Rc::downgrade(self);
            dom::on(canvas, event, move |event| {
                if let Some(pointer) = event.dyn_ref::<PointerEvent>() {
                    with(&me, |widget| widget.pointer(pointer));
                }
            });
        }
        let me = Rc::downgrade(self);
        dom::on(canvas, "wheel", move |event| {
            if let Some(wheel) = event.dyn_ref::<WheelEvent>() {
                with(&me, |widget| widget.wheel(wheel));
            }
        });
        let me = Rc::downgrade(self);
        dom::on(canvas, "keydown", move |event| {
            if let Some(pressed) = event.dyn_ref::<KeyboardEvent>() {
                with(&me, |widget| widget.key(pressed));
            }
        });
        // No key that is pressed in here turns mdBook's page, opens its search or its help.
        let me = Rc::downgrade(self);
        dom::on(&self.element, "keydown", move |event| {
            event.stop_propagation();
            let Some(pressed) = event.dyn_ref::<KeyboardEvent>() else { return };
            let writes = event
                .target()
                .is_some_and(|target| target.dyn_ref::<web_sys::HtmlElement>().is_some_and(is_written_in));
            if pressed.key() == "?" && !writes {
                event.prevent_default();
                with(&me, |widget| widget.first().open_keys());
            }
        });
    }

    fn pointer(self: &Rc<Self>, pointer: &PointerEvent) {
        let (x, y) = (pointer.offset_x() as f32, pointer.offset_y() as f32);
        let id = pointer.pointer_id();
        let is_finger = pointer.pointer_type() == "touch";
        match pointer.type_().as_str() {
            "pointerdown" if pointer.button() == 0 => {
                self.looking.gesture.borrow_mut().down(id, (x, y), is_finger);
                // A drag goes on beyond the picture's edge.
                let _ = self.picture.canvas().set_pointer_capture(id);
            }
            "pointermove" => {
                let moves = self.looking.gesture.borrow_mut().moved(id, (x, y));
                match moves {
                    Moves::Drag { dx } => self.pan(-self.picture.time_of(dx)),
                    Moves::Pinch { dx, spread, x } => {
                        self.zoom(1.0 / f64::from(spread), self.picture.time_at(x));
                        self.pan(-self.picture.time_of(dx));
                    }
                    Moves::Nothing if is_finger || self.looking.gesture.borrow().drags() => {}
                    Moves::Nothing => {
                        self.point(|picture, trace| picture.hover(picture.at(trace, x, y)));
                    }
                }
            }
            "pointerup" => {
                let tapped = self.looking.gesture.borrow_mut().up(id);
                if tapped {
                    self.tap(x, y);
                }
            }
            "pointercancel" => self.looking.gesture.borrow_mut().cancel(id),
            "pointerleave" => self.point(|picture, _| picture.hover(None)),
            _ => {}
        }
    }

    /// A tap chooses what is there; where nothing is, it puts the cursor.
    fn tap(self: &Rc<Self>, x: f32, y: f32) {
        let hit = self.with_trace(|trace| self.picture.at(trace, x, y));
        let time = self.picture.time_at(x);
        self.picture.pin(hit);
        if let (None, Some(at_us)) = (hit, time) {
            let kept = self.kept();
            self.looking.put(at_us.clamp(kept.from_us, kept.to_us));
            self.looking.change(|axis| axis.stop(kept.to_us));
        }
        self.point_in_other_row(true);
        self.looked();
    }

    /// A wheel that turns up and down scrolls the page; sideways it moves the picture, and with
    /// Ctrl, as a pinch on a trackpad, it spreads it.
    fn wheel(self: &Rc<Self>, wheel: &WheelEvent) {
        let pixels = if wheel.delta_mode() == WheelEvent::DOM_DELTA_LINE { LINE_PIXELS } else { 1.0 };
        let (dx, dy) = (wheel.delta_x() * pixels, wheel.delta_y() * pixels);
        let sideways = if wheel.shift_key() && dx == 0.0 { dy } else { dx };
        if wheel.ctrl_key() {
            wheel.prevent_default();
            self.zoom((dy / ZOOM_PIXELS).exp2(), self.picture.time_at(wheel.offset_x() as f32));
        } else if wheel.shift_key() || dx.abs() > dy.abs() {
            wheel.prevent_default();
            self.pan(self.picture.time_of(sideways as f32));
        }
    }

    fn key(self: &Rc<Self>, pressed: &KeyboardEvent) {
        if pressed.ctrl_key() || pressed.alt_key() || pressed.meta_key() {
            return;
        }
        let Some(key) = key(&pressed.key(), pressed.shift_key()) else { return };
        pressed.prevent_default();
        let kept = self.kept();
        match key {
            Key::Step(unit, way) => self.step_by(unit, way),
            Key::Bar(does) => self.first().look(does),
            Key::Pan(way) => {
                let half_us = self.looking.axis.get().window_us() / 2;
                self.pan(if way == Way::Back { -half_us } else { half_us });
            }
            Key::Oldest => self.seek(kept.from_us),
            Key::Newest => self.seek(kept.to_us),
            Key::ZoomBack => {
                let around_us = self.middle_us();
                self.looking.change(|axis| axis.zoom_back(around_us, kept));
                self.looked();
            }
            Key::Speed(way) => {
                let speed = self.looking.speed.get();
                let speed = if way == Way::Back { speed.saturating_sub(1) } else { speed + 1 };
                self.first().look(Does::Speed(speed.min(SPEEDS.len() - 1)));
            }
            Key::LetGo => self.let_go_of_what_is_pointed_at(),
            // The panels are the first row's.
            Key::Bytes if self.above().is_some() => {}
            Key::Bytes => {
                if let Some(wire) = tabs::ALL.iter().position(|tab| tab.which == "wire") {
                    self.choose(wire);
                }
            }
        }
    }

    fn let_go_of_what_is_pointed_at(self: &Rc<Self>) {
        if self.picture.pointed().is_some() {
            self.picture.pin(None);
            self.point_in_other_row(true);
        } else {
            self.looking.cursor_us.set(None);
            self.looking.player.set(None);
        }
        self.looked();
    }

    /// The reader does something in the row below the picture.
    pub(super) fn look(self: &Rc<Self>, does: Does) {
        match does {
            Does::Step(way) => self.step_by(self.looking.unit.get(), way),
            Does::Unit(unit) => self.looking.unit.set(unit),
            Does::Play => self.play(),
            Does::Speed(speed) => {
                self.looking.speed.set(speed);
                self.bar.show_speed(speed);
            }
            Does::Zoom(factor) => self.zoom(factor, None),
            Does::Now if self.recorded.borrow().is_some() => self.happens(Happens::Unloaded),
            Does::Now => {
                self.looking.begin(self.looking.axis.get());
                self.looking.change(Axis::follow);
                self.looked();
            }
            Does::Keys => self.open_keys(),
        }
    }

    fn pan(self: &Rc<Self>, by_us: i64) {
        let kept = self.kept();
        self.looking.change(|axis| axis.pan(by_us, kept));
        self.looked();
    }

    fn zoom(self: &Rc<Self>, factor: f64, around_us: Option<i64>) {
        let (around_us, kept) = (around_us.unwrap_or_else(|| self.middle_us()), self.kept());
        self.looking.change(|axis| axis.zoom(factor, around_us, kept));
        self.looked();
    }

    /// What a zoom leaves in its place: the cursor if it is in view, else the middle.
    fn middle_us(&self) -> i64 {
        let (from_us, to_us) = self.looking.axis.get().ends(self.now_us());
        let cursor_us = self.looking.cursor_us().filter(|at_us| (from_us..=to_us).contains(at_us));
        cursor_us.unwrap_or(from_us + (to_us - from_us) / 2)
    }

    /// Puts the cursor at a moment, and brings it into view.
    fn seek(self: &Rc<Self>, at_us: i64) {
        let kept = self.kept();
        let at_us = at_us.clamp(kept.from_us, kept.to_us);
        self.looking.put(at_us);
        self.looking.change(|axis| axis.show(at_us, kept));
        self.looked();
    }

    /// To the next thing of a kind, or the one before.
    fn step_by(self: &Rc<Self>, unit: Unit, way: Way) {
        let until_us = self.now_us();
        let moment = At::Moment(self.looking.cursor_us().unwrap_or(until_us));
        let pointed = self.picture.pointed();
        let (at_us, hit) = match unit {
            Unit::Frame => {
                let At::Moment(at_us) = moment else { return };
                let by_us = if way == Way::Back { -FRAME_US } else { FRAME_US };
                (at_us.saturating_add(by_us), pointed)
            }
            Unit::Message => {
                let at = match pointed {
                    Some(Hit::Message(number)) => At::Thing(number),
                    _ => moment,
                };
                let next = self.with_trace(|trace| {
                    let number = walk::message(trace, at, way, until_us)?;
                    Some((number, trace.message(number)?.last_us()))
                });
                let Some((number, at_us)) = next else { return };
                (at_us, Some(Hit::Message(number)))
            }
            Unit::Event => {
                let at = match pointed {
                    Some(Hit::Event(id)) => At::Thing(id),
                    _ => moment,
                };
                let next = self.with_trace(|trace| walk::event(trace, at, way, until_us));
                let Some((id, at_us)) = next else { return };
                (at_us, Some(Hit::Event(id)))
            }
        };
        self.picture.pin(hit);
        self.point_in_other_row(true);
        self.seek(at_us);
    }

    /// Plays what was, or rests.
    fn play(self: &Rc<Self>) {
        let kept = self.kept();
        let player = match self.looking.player.get() {
            Some(mut player) if player.plays() || player.at_us() < kept.to_us => {
                player.set_plays(!player.plays());
                player
            }
            _ => {
                // From the cursor, or else from where the picture begins.
                let (from_us, _) = self.looking.axis.get().ends(kept.to_us);
                let cursor_us = self.looking.cursor_us().filter(|at_us| *at_us < kept.to_us);
                Player::from(cursor_us.unwrap_or(from_us.max(kept.from_us)))
            }
        };
        self.looking.player.set(Some(player));
        self.looking.cursor_us.set(Some(player.at_us()));
        self.looking.change(|axis| axis.show(player.at_us(), kept));
        // What is chosen may not have happened yet.
        self.picture.pin(None);
        self.point_in_other_row(true);
        self.looked();
        self.next_frame();
    }

    /// Takes a replay one frame of the display on.
    pub(super) fn play_on(self: &Rc<Self>, at_ms: f64) {
        let Some(mut player) = self.looking.player.get() else { return };
        let kept = self.kept();
        let speed = SPEEDS.get(self.looking.speed.get()).map_or(1.0, |(speed, _)| *speed);
        let over = player.frame(at_ms, speed, kept.to_us);
        self.looking.player.set(Some(player));
        self.looking.change(|axis| axis.reach(player.at_us()));
        if over {
            // What was has come to what is.
            self.looking.begin(self.looking.axis.get());
            if self.runs() {
                self.looking.change(Axis::follow);
            }
            self.looked();
        }
    }

    /// What can be looked at.
    pub(super) fn kept(&self) -> Kept {
        let now_us = self.now_us();
        let oldest_us = self.with_trace(oldest_us);
        Kept { from_us: oldest_us.min(now_us), to_us: now_us }
    }

    /// The reader points at something, or does not any more: shows that where it changes anything.
    pub(super) fn point(self: &Rc<Self>, point: impl FnOnce(&Picture, &Trace) -> bool) {
        if self.with_trace(|trace| point(&self.picture, trace)) {
            self.paint();
            self.show_sentence();
            self.tell_soon();
            self.point_in_other_row(false);
        }
    }

    /// Shows all that depends on where the reader looks.
    pub(super) fn looked(self: &Rc<Self>) {
        let first = self.first();
        for row in [Some(first.clone()), first.beneath()].into_iter().flatten() {
            row.paint();
            row.show_words();
            row.show_sentence();
            row.show_bar();
        }
        first.tell_soon();
    }

    /// Shows the row of buttons as it stands.
    pub(super) fn show_bar(&self) {
        let axis = self.looking.axis.get();
        let cursor_us = self.looking.cursor_us();
        self.bar.show(&Shows {
            has_past: self.now_us() > 0,
            follows: axis.follows() && cursor_us.is_none(),
            plays: self.looking.plays(),
            recorded: *self.conduct.borrow().state() == State::Recorded,
            cursor: cursor_us.map_or_else(String::new, written),
        });
        dom::set(&self.element, "data-looks", if axis.follows() { "follows" } else { "back" });
    }
}

/// A moment, to the millisecond: `12.345 s`.
pub(super) fn written(at_us: i64) -> String {
    let ms = at_us.div_euclid(1_000).max(0);
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// The oldest moment that is kept of a trace. Of one that has lost nothing that is its start.
fn oldest_us(trace: &Trace) -> i64 {
    match trace.messages.first() {
        Some(oldest) if trace.before > 0 => oldest.first_us().max(0),
        _ => 0,
    }
}

/// Keys go into it as text.
fn is_written_in(element: &web_sys::HtmlElement) -> bool {
    match element.tag_name().as_str() {
        "TEXTAREA" => true,
        "INPUT" => !matches!(element.get_attribute("type").as_deref(), Some("range" | "checkbox" | "radio")),
        _ => element.is_content_editable(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_written_to_the_millisecond() {
        assert_eq!(written(12_345_678), "12.345 s");
        assert_eq!(written(5_000), "0.005 s");
        assert_eq!(written(-3), "0.000 s");
    }

    #[test]
    fn a_replay_knows_nothing_of_what_came_after() {
        let looking = Looking::new(8_000);
        assert_eq!(looking.known_us(9), 9);
        looking.put(5);
        assert_eq!((looking.cursor_us(), looking.known_us(9)), (Some(5), 9), "a cursor hides nothing");
        looking.player.set(Some(Player::from(6)));
        assert_eq!((looking.cursor_us(), looking.known_us(9)), (Some(6), 6));
        looking.put(7);
        assert_eq!((looking.known_us(9), looking.plays()), (7, false), "a step in a replay rests there");
    }
}
