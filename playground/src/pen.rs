//! What shapes are painted with: a canvas, or in tests a record of what would be painted.

use std::f64::consts::TAU;

use standby_figure::Anchor;
use web_sys::CanvasRenderingContext2d;

/// The strokes that a canvas knows, in the page's pixels.
pub(crate) trait Pen {
    /// How the next strokes look: colour, width, dashes, and how much shows of them.
    fn stroke_with(&self, color: &str, width: f64, dashes: &[f64], alpha: f64);
    /// How the next fills look.
    fn fill_with(&self, color: &str, alpha: f64);
    /// The font of the next texts, and where they stand against their point.
    fn write_with(&self, font: &str, anchor: Anchor);
    /// Begins a path.
    fn begin(&self);
    /// Goes on elsewhere in it.
    fn move_to(&self, x: f64, y: f64);
    /// A straight line.
    fn line_to(&self, x: f64, y: f64);
    /// Back to where this part of the path began.
    fn close(&self);
    /// A circle of its own.
    fn circle(&self, x: f64, y: f64, r: f64);
    /// A rectangle of its own.
    fn rect(&self, x: f64, y: f64, w: f64, h: f64);
    /// Strokes the path.
    fn stroke(&self);
    /// Fills the path.
    fn fill(&self);
    /// Strokes a text's outline.
    fn outline(&self, text: &str, x: f64, y: f64);
    /// Writes a text.
    fn write(&self, text: &str, x: f64, y: f64);
}

impl Pen for CanvasRenderingContext2d {
    fn stroke_with(&self, color: &str, width: f64, dashes: &[f64], alpha: f64) {
        self.set_global_alpha(alpha);
        self.set_stroke_style_str(color);
        self.set_line_width(width);
        let array: js_sys::Array = dashes.iter().map(|d| wasm_bindgen::JsValue::from_f64(*d)).collect();
        let _ = self.set_line_dash(&array);
    }

    fn fill_with(&self, color: &str, alpha: f64) {
        self.set_global_alpha(alpha);
        self.set_fill_style_str(color);
    }

    fn write_with(&self, font: &str, anchor: Anchor) {
        self.set_font(font);
        self.set_text_align(match anchor {
            Anchor::Start => "left",
            Anchor::Middle => "center",
            Anchor::End => "right",
        });
    }

    fn begin(&self) {
        self.begin_path();
    }

    fn move_to(&self, x: f64, y: f64) {
        Self::move_to(self, x, y);
    }

    fn line_to(&self, x: f64, y: f64) {
        Self::line_to(self, x, y);
    }

    fn close(&self) {
        self.close_path();
    }

    fn circle(&self, x: f64, y: f64, r: f64) {
        Self::move_to(self, x + r, y);
        let _ = self.arc(x, y, r, 0.0, TAU);
    }

    fn rect(&self, x: f64, y: f64, w: f64, h: f64) {
        Self::rect(self, x, y, w, h);
    }

    fn stroke(&self) {
        Self::stroke(self);
    }

    fn fill(&self) {
        Self::fill(self);
    }

    fn outline(&self, text: &str, x: f64, y: f64) {
        let _ = self.stroke_text(text, x, y);
    }

    fn write(&self, text: &str, x: f64, y: f64) {
        let _ = self.fill_text(text, x, y);
    }
}
