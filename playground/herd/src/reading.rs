//! Reading the picture: which row and which tenth of a second, by pointer and by keys.

use std::rc::Weak;

use standby_dom as dom;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use crate::widget::{Widget, act};

/// Pointer and keys on the picture.
pub(crate) fn reads(weak: &Weak<Widget>, stage: &HtmlElement) {
    let own = weak.clone();
    dom::on(stage, "pointermove", move |event| {
        if let (Some(widget), Some(pointer)) = (own.upgrade(), event.dyn_ref::<PointerEvent>()) {
            widget.point(pointer);
        }
    });
    let own = weak.clone();
    dom::on(stage, "pointerdown", move |event| {
        if let (Some(widget), Some(pointer)) = (own.upgrade(), event.dyn_ref::<PointerEvent>()) {
            widget.point(pointer);
        }
    });
    let leave = act(weak, |widget| widget.look_at(None, None));
    dom::on(stage, "pointerleave", move |_| leave());
    let own = weak.clone();
    dom::on(stage, "keydown", move |event| {
        if let (Some(widget), Some(key)) = (own.upgrade(), event.dyn_ref::<KeyboardEvent>())
            && widget.key(key)
        {
            // The book's own keys turn the page.
            key.prevent_default();
            key.stop_propagation();
        }
    });
}

impl Widget {
    fn look_at(&self, row: Option<usize>, at: Option<usize>) {
        {
            let mut shown = self.shown.borrow_mut();
            if (shown.row, shown.at) == (row, at) {
                return;
            }
            (shown.row, shown.at) = (row, at);
        }
        self.paint();
        self.settle();
    }

    fn point(&self, pointer: &PointerEvent) {
        let place = self.page.stage.get_bounding_client_rect();
        let x = (f64::from(pointer.client_x()) - place.left()) as f32;
        let y = (f64::from(pointer.client_y()) - place.top()) as f32;
        let all = self.all();
        let (row, at) = {
            let picture = self.picture.borrow();
            let Some(picture) = picture.as_ref() else { return };
            let row = picture.rows.iter().position(|row| (row.y..row.y + row.h).contains(&y));
            let part = (x - picture.plot_x) / picture.plot_w;
            let at = (0.0..1.0).contains(&part).then_some((part * all as f32) as usize);
            (row, at.filter(|_| row.is_some()))
        };
        self.look_at(row, at);
    }

    /// Whether it is one of the picture's keys.
    fn key(&self, key: &KeyboardEvent) -> bool {
        if key.ctrl_key() || key.meta_key() || key.alt_key() {
            return false;
        }
        let (row, at) = {
            let shown = self.shown.borrow();
            (shown.row, shown.at)
        };
        let last_row = self.scenario.borrow().lanes.len().saturating_sub(1);
        let last = self.all().saturating_sub(1);
        // A second, or with shift a tenth of one.
        let step = if key.shift_key() { 1 } else { 10 };
        let moved = |to: &dyn Fn(usize) -> usize| Some(at.map_or(0, to).min(last));
        match key.key().as_str() {
            "ArrowDown" => self.look_at(Some(row.map_or(0, |row| (row + 1).min(last_row))), at),
            "ArrowUp" => self.look_at(Some(row.map_or(last_row, |row| row.saturating_sub(1))), at),
            "ArrowRight" => self.look_at(row.or(Some(0)), moved(&|at| at + step)),
            "ArrowLeft" => self.look_at(row.or(Some(0)), moved(&|at| at.saturating_sub(step))),
            "Home" => self.look_at(row.or(Some(0)), Some(0)),
            "End" => self.look_at(row.or(Some(0)), Some(last)),
            "Escape" if row.is_some() => self.look_at(None, None),
            _ => return false,
        }
        true
    }
}
