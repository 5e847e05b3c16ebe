//! Paints a figure's shapes on a canvas, in the colours of the page's theme.

use std::cell::Cell;
use std::f64::consts::TAU;

use standby_figure::{Anchor, Figure, Ink, Shape, Weight};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement, HtmlElement};

use crate::dom;

/// The colours and the font that the theme gives, read once for each change of theme: asking the
/// page for a style can make it lay out anew.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Palette {
    ground: String,
    text: String,
    muted: String,
    line: String,
    request: String,
    news: String,
    empty: String,
    held: String,
    fault: String,
    age: String,
    client: String,
    font: String,
}

impl Palette {
    /// Reads it from an element's style.
    pub(crate) fn of(element: &HtmlElement) -> Self {
        let Ok(Some(style)) = dom::window().get_computed_style(element) else {
            return Self::default();
        };
        let color = |name: &str| property(&style, name);
        Self {
            ground: color("--standby-ground"),
            text: color("--standby-text"),
            muted: color("--standby-muted"),
            line: color("--standby-line"),
            request: color("--standby-request"),
            news: color("--standby-news"),
            empty: color("--standby-empty"),
            held: color("--standby-held"),
            fault: color("--standby-fault"),
            age: color("--standby-age"),
            client: color("--standby-client"),
            font: property(&style, "font-family"),
        }
    }

    fn ink(&self, ink: Ink) -> &str {
        match ink {
            Ink::Rail | Ink::Axis | Ink::Note => &self.muted,
            Ink::Grid | Ink::Waiting => &self.line,
            Ink::Request | Ink::Open => &self.request,
            Ink::News | Ink::Thread => &self.news,
            Ink::Empty | Ink::Browser | Ink::Overhead => &self.empty,
            Ink::Client => &self.client,
            Ink::Held => &self.held,
            Ink::Fault | Ink::OneSided => &self.fault,
            Ink::Stale => &self.age,
            Ink::Name | Ink::Cursor => &self.text,
            Ink::Ground => &self.ground,
        }
    }
}

fn property(style: &CssStyleDeclaration, name: &str) -> String {
    style.get_property_value(name).unwrap_or_default().trim().to_owned()
}

/// How a line of one ink is drawn: its width, its dashes, and how much shows of it.
fn stroke(ink: Ink, weight: Weight) -> (f64, &'static [f64], f64) {
    let selected = weight == Weight::Selected;
    match ink {
        Ink::News if selected => (3.0, &[], 1.0),
        Ink::News => (1.8, &[], 1.0),
        Ink::Empty | Ink::Open | Ink::Browser => (1.3, &[3.0, 2.0], 1.0),
        Ink::Thread if selected => (1.2, &[], 1.0),
        Ink::Thread => (1.0, &[1.0, 5.0], 0.55),
        Ink::Stale if selected => (3.0, &[], 1.0),
        Ink::Stale => (2.2, &[], 0.55),
        Ink::Rail | Ink::Grid => (1.0, &[], 1.0),
        _ if selected => (2.4, &[], 1.0),
        _ => (1.3, &[], 1.0),
    }
}

/// Where a line of this width has to run so that its edges fall between the display's pixels.
fn sharp(at: f64, width: f64, scale: f64) -> f64 {
    let pixels = (width * scale).round().max(1.0);
    let edge = (at * scale - pixels / 2.0).round();
    (edge + pixels / 2.0) / scale
}

/// A canvas for a figure.
pub(crate) struct Canvas {
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// The display's pixels for one of the page's.
    scale: Cell<f64>,
}

impl Canvas {
    /// `None` where the browser gives no 2D context.
    pub(crate) fn new(element: HtmlCanvasElement) -> Option<Self> {
        let context = element.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Self { element, context, scale: Cell::new(1.0) })
    }

    /// Paints a figure over whatever was there.
    pub(crate) fn paint(&self, figure: &Figure, palette: &Palette) {
        let scale = dom::window().device_pixel_ratio().clamp(1.0, 4.0);
        self.scale.set(scale);
        let (width, height) = (f64::from(figure.width), f64::from(figure.height));
        let pixels = ((width * scale).round() as u32, (height * scale).round() as u32);
        if (self.element.width(), self.element.height()) != pixels {
            self.element.set_width(pixels.0);
            self.element.set_height(pixels.1);
        }
        let context = &self.context;
        let _ = context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        context.set_line_join("round");
        for shape in &figure.shapes {
            self.shape(shape, palette);
        }
    }

    fn shape(&self, shape: &Shape, palette: &Palette) {
        let context = &self.context;
        match shape {
            Shape::Line { x1, y1, x2, y2, arrow, ink, weight } => {
                let (width, dashes, alpha) = stroke(*ink, *weight);
                // What was concluded, not seen, is paler.
                let alpha = if *weight == Weight::Inferred { alpha * 0.6 } else { alpha };
                let (mut x1, mut y1) = (f64::from(*x1), f64::from(*y1));
                let (mut x2, mut y2) = (f64::from(*x2), f64::from(*y2));
                if let Ink::Rail | Ink::Grid = ink {
                    // Thin straight lines are blurred between two rows of pixels.
                    let scale = self.scale.get();
                    if y1 == y2 {
                        y1 = sharp(y1, width, scale);
                        y2 = y1;
                    } else {
                        x1 = sharp(x1, width, scale);
                        x2 = x1;
                    }
                }
                context.set_global_alpha(alpha);
                context.set_stroke_style_str(palette.ink(*ink));
                context.set_line_width(width);
                self.dash(dashes);
                context.begin_path();
                context.move_to(x1, y1);
                context.line_to(x2, y2);
                context.stroke();
                if !dashes.is_empty() {
                    self.dash(&[]);
                }
                if *arrow {
                    context.set_fill_style_str(palette.ink(*ink));
                    self.arrow_head((x1, y1), (x2, y2), width);
                }
                context.set_global_alpha(1.0);
            }
            Shape::Rect { x, y, w, h, ink: Ink::Waiting } => {
                context.set_stroke_style_str(palette.ink(Ink::Waiting));
                self.hatch(f64::from(*x), f64::from(*y), f64::from(*w), f64::from(*h));
            }
            Shape::Rect { x, y, w, h, ink } => {
                context.set_fill_style_str(palette.ink(*ink));
                context.fill_rect(f64::from(*x), f64::from(*y), f64::from(*w), f64::from(*h));
            }
            Shape::Circle { x, y, r, filled, ink, weight } => {
                let (x, y, r) = (f64::from(*x), f64::from(*y), f64::from(*r));
                let alpha = if *weight == Weight::Inferred { 0.6 } else { 1.0 };
                context.set_global_alpha(alpha);
                context.begin_path();
                let _ = context.arc(x, y, r, 0.0, TAU);
                if *filled {
                    context.set_fill_style_str(palette.ink(*ink));
                    context.fill();
                } else {
                    context.set_fill_style_str(&palette.ground);
                    context.fill();
                    context.set_stroke_style_str(palette.ink(*ink));
                    context.set_line_width(1.4);
                    context.stroke();
                }
                context.set_global_alpha(1.0);
            }
            Shape::Cross { x, y, r, ink } => {
                let (x, y, r) = (f64::from(*x), f64::from(*y), f64::from(*r));
                context.set_stroke_style_str(palette.ink(*ink));
                context.set_line_width(2.4);
                context.begin_path();
                context.move_to(x - r, y - r);
                context.line_to(x + r, y + r);
                context.move_to(x + r, y - r);
                context.line_to(x - r, y + r);
                context.stroke();
            }
            Shape::Text { x, y, anchor, size, strong, ink, text } => {
                let weight = if *strong { "600 " } else { "" };
                context.set_font(&format!("{weight}{size}px {}", palette.font));
                context.set_text_align(match anchor {
                    Anchor::Start => "left",
                    Anchor::Middle => "center",
                    Anchor::End => "right",
                });
                let (x, y) = (f64::from(*x), f64::from(*y));
                // A rim of the ground's colour, so that it reads over lines.
                if *ink != Ink::Ground {
                    context.set_stroke_style_str(&palette.ground);
                    context.set_line_width(3.0);
                    let _ = context.stroke_text(text, x, y);
                }
                context.set_fill_style_str(palette.ink(*ink));
                let _ = context.fill_text(text, x, y);
            }
        }
    }

    fn dash(&self, dashes: &[f64]) {
        let array: js_sys::Array = dashes.iter().map(|d| wasm_bindgen::JsValue::from_f64(*d)).collect();
        let _ = self.context.set_line_dash(&array);
    }

    /// A head whose tip is the line's end.
    fn arrow_head(&self, from: (f64, f64), to: (f64, f64), width: f64) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        if length < 1.0 {
            return;
        }
        let (ux, uy) = (dx / length, dy / length);
        let (long, half) = (4.2 * width, 2.1 * width);
        let base = (to.0 - ux * long, to.1 - uy * long);
        let context = &self.context;
        context.begin_path();
        context.move_to(to.0, to.1);
        context.line_to(base.0 - uy * half, base.1 + ux * half);
        context.line_to(base.0 + uy * half, base.1 - ux * half);
        context.close_path();
        context.fill();
    }

    /// Slanted lines over a rectangle. They hang on its left edge, so they move with it.
    fn hatch(&self, x: f64, y: f64, w: f64, h: f64) {
        const APART: f64 = 8.5;
        let context = &self.context;
        context.save();
        context.begin_path();
        context.rect(x, y, w, h);
        context.clip();
        context.set_line_width(1.6);
        context.begin_path();
        let mut at = 0.0;
        while at < w + h {
            context.move_to(x + at, y);
            context.line_to(x + at - h, y + h);
            at += APART;
        }
        context.stroke();
        context.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_a_thin_line_fall_between_pixels() {
        assert_eq!(sharp(56.0, 1.0, 1.0), 56.5);
        assert_eq!(sharp(56.0, 1.0, 2.0), 56.0);
        assert_eq!(sharp(56.3, 1.0, 1.0), 56.5);
    }
}
