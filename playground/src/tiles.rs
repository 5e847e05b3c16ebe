//! A canvas for a picture. What lies far enough back no longer changes: it is painted once, on tiles
//! of a fixed width, and moves with the trace. Each frame paints only what is new and what is
//! pointed at.

use std::cell::{Cell, RefCell};

use standby_figure::{Figure, Index, Layers, Shape, View, blank};
use standby_trace::Trace;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::dom;
use crate::paint::{Palette, Place, paint};

/// How wide a tile is, in the display's pixels: a frame paints at most about one of them anew.
const TILE: f64 = 128.0;
/// With fewer messages in view it is not worth the memory.
const FEW: usize = 300;
/// Most of what is known of a moment comes within this, beside what the conditions add, and what is
/// overdue is drawn as a guess by then. What comes later mends its tile.
const SETTLED_US: i64 = 150_000;
/// What stands so far right of a tile, in pixels, may still change it: the neighbours by which
/// something is crowded, and the reach of a mark.
const BESIDE: f32 = 44.0;
/// Tiles beside the view that are kept, for a reader who goes back and forth.
const SPARE: usize = 16;
/// Each so many frames one tile is held against the trace: what comes late mends it.
const MEND_EACH: u64 = 8;

/// A canvas for a figure.
pub(crate) struct Canvas {
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// Whether this canvas keeps tiles; for comparison it may not.
    keeps: Cell<bool>,
    kept: RefCell<Kept>,
}

/// What is kept from frame to frame.
#[derive(Default)]
struct Kept {
    index: Index,
    looks: Option<Looks>,
    tiles: Vec<Tile>,
    frame: u64,
}

/// What all tiles have in common. Another one, and none fits any more.
#[derive(Clone, PartialEq)]
struct Looks {
    began_at_ms: u64,
    lanes: usize,
    height: f32,
    span_us: i64,
    width: f32,
    narrow: bool,
    density: standby_figure::Density,
    latency_ms: (u32, u32),
    scale: f64,
    palette: Palette,
}

struct Tile {
    /// Its place: so many tiles after time 0.
    number: i64,
    element: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    /// What it shows.
    digest: u64,
    /// The frame that last used it.
    used: u64,
}

fn context_of(element: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    element.get_context("2d").ok()??.dyn_into().ok()
}

fn size(element: &HtmlCanvasElement, (width, height): (u32, u32)) {
    if (element.width(), element.height()) != (width, height) {
        element.set_width(width);
        element.set_height(height);
    }
}

impl Canvas {
    /// `None` where the browser gives no 2D context.
    pub(crate) fn new(element: HtmlCanvasElement) -> Option<Self> {
        let context = context_of(&element)?;
        Some(Self { element, context, keeps: Cell::new(true), kept: RefCell::default() })
    }

    /// Sets whether tiles are kept.
    #[cfg(feature = "bench")]
    pub(crate) fn keep(&self, keeps: bool) {
        self.keeps.set(keeps);
    }

    /// Leaves nothing on it.
    pub(crate) fn wipe(&self) {
        let context = &self.context;
        let _ = context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, f64::from(self.element.width()), f64::from(self.element.height()));
    }

    /// Forgets what it keeps: another trace comes, which may have begun at the same time.
    pub(crate) fn forget(&self) {
        self.kept.take();
    }

    /// Clears it, in the size of a figure.
    fn clear(&self, figure: &Figure, scale: f64) {
        let (width, height) = (f64::from(figure.width), f64::from(figure.height));
        size(&self.element, ((width * scale).round() as u32, (height * scale).round() as u32));
        let context = &self.context;
        let _ = context.set_transform(scale, 0.0, 0.0, scale, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, width, height);
        context.set_line_join("round");
    }

    /// Paints a figure over whatever was there.
    pub(crate) fn paint(&self, figure: &Figure, palette: &Palette) {
        let scale = display_scale();
        self.clear(figure, scale);
        paint(&self.context, &figure.shapes, palette, Place { scale, origin_x: 0.0 });
    }

    /// Paints the picture of a trace over whatever was there.
    pub(crate) fn paint_trace(&self, trace: &Trace, view: &View, palette: &Palette) {
        let scale = display_scale();
        let view = on_pixels(view, &blank(trace, view), scale);
        let kept = &mut *self.kept.borrow_mut();
        kept.frame += 1;
        let mut index = std::mem::take(&mut kept.index);
        index.update(trace);
        let layers = Layers::new(trace, &index, &view);
        let figure = layers.blank();
        self.clear(&figure, scale);
        let place = Place { scale, origin_x: layers.world_x() };
        paint(&self.context, &layers.below(), palette, place);

        let (left, right) = (figure.plot_x, figure.plot_x + figure.plot_w);
        let mut painted_until = left;
        if self.keeps.get() && layers.messages_in_view() > FEW {
            let conditions = trace.scenario.conditions;
            let looks = Looks {
                began_at_ms: trace.began_at_ms,
                lanes: trace.lanes.len(),
                height: figure.height,
                span_us: view.to_us.saturating_sub(view.from_us),
                width: view.width,
                narrow: view.narrow,
                density: view.density,
                latency_ms: (conditions.latency_ms, conditions.jitter_ms),
                scale,
                palette: palette.clone(),
            };
            if kept.looks.as_ref() != Some(&looks) {
                kept.tiles.clear();
                kept.looks = Some(looks);
            }
            // Tiles know nothing of the plot's ends.
            self.clip(left, right, &figure);
            painted_until = self.tiles(kept, trace, &view, &layers, palette, place);
            self.context.restore();
        } else {
            kept.tiles.clear();
        }
        if painted_until < right {
            // At the right end of what is known marks may reach over the plot's edge.
            self.clip(painted_until.max(left), figure.width, &figure);
            let from_x = painted_until.max(left);
            let mut shapes = layers.stretch(from_x, right);
            shapes.retain(|shape| reaches(shape, from_x, f32::INFINITY));
            paint(&self.context, &shapes, palette, place);
            self.context.restore();
        }
        paint(&self.context, &layers.above(), palette, place);
        kept.index = index;
    }

    /// Until `restore` nothing is painted but between two places.
    fn clip(&self, from_x: f32, to_x: f32, figure: &Figure) {
        self.context.save();
        self.context.begin_path();
        self.context.rect(f64::from(from_x), 0.0, f64::from(to_x - from_x), f64::from(figure.height));
        self.context.clip();
    }

    /// Shows what is settled from tiles; says until where.
    fn tiles(
        &self,
        kept: &mut Kept,
        trace: &Trace,
        view: &View,
        layers: &Layers<'_>,
        palette: &Palette,
        place: Place,
    ) -> f32 {
        let figure = layers.blank();
        let width = TILE / place.scale;
        let (left, right) = (f64::from(figure.plot_x), f64::from(figure.plot_x + figure.plot_w));
        let latency_ms = trace.scenario.conditions.latency_ms + trace.scenario.conditions.jitter_ms;
        let settled_us = view.now_us.saturating_sub(SETTLED_US + 1_000 * i64::from(latency_ms));
        let us_per_pixel = view.to_us.saturating_sub(view.from_us) as f64 / (right - left);
        let first = ((place.origin_x + left) / width).floor() as i64;
        let last = ((place.origin_x + right) / width).ceil() as i64;
        let mut shown = 0;
        let mut until = left;
        for number in first..last {
            // On whole pixels, as the view is.
            let at = ((number as f64 * width - place.origin_x) * place.scale).round() / place.scale;
            if layers.us_at((at + width) as f32 + BESIDE) > settled_us {
                break;
            }
            let us = |number: i64| (number as f64 * width * us_per_pixel) as i64;
            let beside_us = (f64::from(BESIDE) * us_per_pixel) as i64;
            let digest = || layers.digest(us(number) - beside_us, us(number + 1) + beside_us);
            let known = kept.tiles.iter().position(|tile| tile.number == number);
            let looks_again = kept.frame.is_multiple_of(MEND_EACH)
                && (kept.frame / MEND_EACH).cast_signed().rem_euclid((last - first).max(1)) == number - first;
            let fits = known.filter(|&at| !looks_again || kept.tiles[at].digest == digest());
            let Some(tile) = fits.or_else(|| {
                let height = (f64::from(figure.height) * place.scale).round() as u32;
                let at_tile = known.or_else(|| kept.free(last - first, height))?;
                let tile = kept.tiles.get_mut(at_tile)?;
                (tile.number, tile.digest) = (number, digest());
                let mut shapes = layers.stretch(at as f32, (at + width) as f32);
                shapes.retain(|shape| reaches(shape, at as f32, (at + width) as f32));
                tile.paint(&shapes, palette, place, at);
                Some(at_tile)
            }) else {
                break;
            };
            let tile = &mut kept.tiles[tile];
            tile.used = kept.frame;
            let height = f64::from(tile.element.height()) / place.scale;
            let shows = self.context.draw_image_with_html_canvas_element_and_dw_and_dh(
                &tile.element,
                at,
                0.0,
                width,
                height,
            );
            if shows.is_err() {
                break;
            }
            shown += 1;
            until = at + width;
        }
        if shown == 0 { figure.plot_x } else { until as f32 }
    }
}

impl Kept {
    /// A tile that may be painted anew: a new one, or where there are enough the one that was not
    /// used for longest.
    fn free(&mut self, in_view: i64, height: u32) -> Option<usize> {
        let most = usize::try_from(in_view).unwrap_or(0) + SPARE;
        let frame = self.frame;
        if self.tiles.len() >= most {
            let oldest = self.tiles.iter().enumerate().filter(|(_, tile)| tile.used < frame);
            if let Some((at, _)) = oldest.min_by_key(|(_, tile)| tile.used) {
                return Some(at);
            }
        }
        let element: HtmlCanvasElement = dom::html("canvas").into();
        size(&element, (TILE as u32, height));
        let context = context_of(&element)?;
        self.tiles.push(Tile { number: 0, element, context, digest: 0, used: frame });
        Some(self.tiles.len() - 1)
    }
}

impl Tile {
    /// Paints a stretch on it. `at` is where the tile stands in the picture.
    fn paint(&self, shapes: &[Shape], palette: &Palette, place: Place, at: f64) {
        let context = &self.context;
        let Place { scale, .. } = place;
        let _ = context.set_transform(1.0, 0.0, 0.0, 1.0, 0.0, 0.0);
        context.clear_rect(0.0, 0.0, f64::from(self.element.width()), f64::from(self.element.height()));
        let _ = context.set_transform(scale, 0.0, 0.0, scale, -at * scale, 0.0);
        context.set_line_join("round");
        paint(context, shapes, palette, place);
    }
}

/// Whether anything of a shape may be seen between two places. What is cut away is not free: a
/// browser's painter looks at each line of a path.
fn reaches(shape: &Shape, from_x: f32, to_x: f32) -> bool {
    /// Half of the widest line, and its arrow.
    const WIDE: f32 = 6.0;
    /// Half of the longest text that is part of a stretch: an event's number.
    const TEXT: f32 = 32.0;
    let (left, right) = match *shape {
        Shape::Line { x1, x2, .. } => (x1.min(x2) - WIDE, x1.max(x2) + WIDE),
        Shape::Rect { x, w, .. } => (x - WIDE, x + w + WIDE),
        Shape::Circle { x, r, .. } | Shape::Cross { x, r, .. } => (x - r - WIDE, x + r + WIDE),
        Shape::Text { x, .. } => (x - TEXT, x + TEXT),
    };
    right >= from_x && left <= to_x
}

/// The display's pixels for one of the page's.
fn display_scale() -> f64 {
    dom::window().device_pixel_ratio().clamp(1.0, 4.0)
}

/// The same view, moved by less than a pixel of the display so that the trace stands on whole ones:
/// otherwise each frame would blur it differently, and tiles would not fit.
fn on_pixels(view: &View, figure: &Figure, scale: f64) -> View {
    let span_us = view.to_us.saturating_sub(view.from_us);
    let us_per_pixel = span_us as f64 / f64::from(figure.plot_w);
    let plot_x = f64::from(figure.plot_x);
    if us_per_pixel <= 0.0 {
        return view.clone();
    }
    let pixels = ((plot_x - view.from_us as f64 / us_per_pixel) * scale).round();
    let from_us = ((plot_x - pixels / scale) * us_per_pixel).round() as i64;
    View { from_us, to_us: from_us.saturating_add(span_us), ..view.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_stands_on_the_displays_pixels() {
        let figure = Figure {
            width: 330.0,
            height: 100.0,
            plot_x: 1.0,
            plot_w: 328.0,
            lanes: vec![],
            shapes: vec![],
            labels: 0..0,
        };
        for scale in [1.0, 1.25, 2.0] {
            for from_us in [0, 1_234_567, 86_400_000_000] {
                let view = View { from_us, to_us: from_us + 8_000_000, ..View::default() };
                let moved = on_pixels(&view, &figure, scale);
                let us_per_pixel = 8e6 / 328.0;
                let pixels = (1.0 - moved.from_us as f64 / us_per_pixel) * scale;
                assert!((pixels - pixels.round()).abs() < 0.001, "{pixels}");
                assert!((moved.from_us - from_us).abs() as f64 <= 0.5 * us_per_pixel / scale + 1.0);
                assert_eq!(moved.to_us - moved.from_us, 8_000_000);
            }
        }
    }
}
