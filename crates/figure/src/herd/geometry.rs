//! The rows as a few paths and texts.

use std::fmt::Write as _;

use standby_trace::Scenario;
use standby_trace::crowd::{TALLY_US, Tally};
use standby_trace::scenario::Fault;

use super::{Sum, capacity, fault_word, is_left_out, names, restart, sets_keep_alives, stat, sums};
use crate::format::{self, count};
use crate::shape::Anchor;
use crate::svg::{Number, escape};
use crate::text;

/// Past so many times the capacity a bar is broken off.
const MOST_TIMES: f32 = 30.0;
/// A bar is at least so wide, in pixels: what lies closer together is drawn as its highest.
const LEAST_BAR: f32 = 2.0;

/// What a picture depends on besides its rows.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its width in CSS pixels.
    pub width: f32,
    /// For a phone: names stand above their rows.
    pub narrow: bool,
    /// So many tallies of each row are shown.
    pub shown: usize,
    /// The row that is pointed at.
    pub row: Option<usize>,
    /// The tally that the reading line stands at.
    pub at: Option<usize>,
}

/// One thing of the picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A path.
    Path {
        /// Its classes.
        class: &'static str,
        /// Its outline, as SVG has it.
        d: String,
    },
    /// A text on one line.
    Text {
        /// Its classes.
        class: &'static str,
        /// Where it is held.
        x: f32,
        /// Its baseline.
        y: f32,
        /// Which of its ends is held.
        anchor: Anchor,
        /// Its font's size.
        size: f32,
        /// What it says.
        text: String,
    },
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowBox {
    /// Its top.
    pub y: f32,
    /// Its height.
    pub h: f32,
}

/// The picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its width in CSS pixels.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// Where the time axis begins.
    pub plot_x: f32,
    /// How long it is.
    pub plot_w: f32,
    /// Its rows.
    pub rows: Vec<RowBox>,
    /// Its parts, from the back to the front. Of one scenario and [`Look`] they are always the same
    /// kinds in the same order, however much is shown.
    pub parts: Vec<Part>,
}

struct Layout {
    names_w: f32,
    right: f32,
    top: f32,
    row_h: f32,
    bars_h: f32,
    axis_h: f32,
}

const WIDE: Layout =
    Layout { names_w: 176.0, right: 8.0, top: 24.0, row_h: 66.0, bars_h: 52.0, axis_h: 24.0 };
const NARROW: Layout =
    Layout { names_w: 0.0, right: 2.0, top: 20.0, row_h: 84.0, bars_h: 42.0, axis_h: 22.0 };

/// Draws rows of tallies.
#[must_use]
pub fn picture(scenario: &Scenario, rows: &[&[Tally]], look: &Look) -> Picture {
    let layout = if look.narrow { NARROW } else { WIDE };
    let count_of_rows = scenario.lanes.len() as f32;
    let plot_w = (look.width - layout.names_w - layout.right).max(1.0);
    let box_of = |row: usize| RowBox { y: layout.top + row as f32 * layout.row_h, h: layout.row_h };
    let mut draw = Draw {
        scenario,
        look,
        layout: &layout,
        picture: Picture {
            width: look.width,
            height: layout.top + count_of_rows * layout.row_h + layout.axis_h,
            plot_x: layout.names_w,
            plot_w,
            rows: (0..scenario.lanes.len()).map(box_of).collect(),
            parts: Vec::new(),
        },
        most: 1.0,
    };
    let shown: Vec<&[Tally]> = rows.iter().map(|row| &row[..row.len().min(look.shown)]).collect();
    let sums = sums(scenario, &shown);
    // The scale is that of the whole run, so that nothing shrinks while it is shown.
    let told = if sets_keep_alives(scenario) { u32::MAX } else { 0 };
    let highest = |tally: &Tally| tally.arrivals.max(tally.keep_alives.min(told));
    let most = rows.iter().flat_map(|row| row.iter()).map(highest).max().unwrap_or(0);
    draw.most = match capacity(scenario) {
        Some(_) => (draw.times(most) * 1.05).clamp(1.6, MOST_TIMES),
        // Live the run grows while it is shown. That all come at once is as high as can be expected, so
        // that nothing shrinks meanwhile.
        None => most.max(scenario.clients) as f32,
    };
    draw.ground();
    for (row, name) in names(scenario).iter().enumerate() {
        let nothing = Sum::default();
        let tallies = shown.get(row).map_or(0, |row| row.len());
        draw.name(row, name, sums.get(row).unwrap_or(&nothing), tallies);
        draw.bars(row, shown.get(row).copied().unwrap_or(&[]));
    }
    draw.front();
    draw.picture
}

struct Draw<'a> {
    scenario: &'a Scenario,
    look: &'a Look,
    layout: &'a Layout,
    picture: Picture,
    /// The highest that a bar can be, in times of the capacity; in arrivals, where there is none.
    most: f32,
}

impl Draw<'_> {
    /// How many times the capacity so many arrivals within one tally are; how many, where there is none.
    fn times(&self, arrivals: u32) -> f32 {
        capacity(self.scenario).map_or(arrivals as f32, |capacity| arrivals as f32 * 10.0 / capacity as f32)
    }

    /// The height of so many arrivals.
    fn height(&self, arrivals: u32) -> f32 {
        (self.times(arrivals).min(self.most) / self.most).sqrt() * self.layout.bars_h
    }

    fn x(&self, ms: f32) -> f32 {
        self.picture.plot_x + ms / self.scenario.window_ms as f32 * self.picture.plot_w
    }

    /// Where a row's bars stand.
    fn base(&self, row: usize) -> f32 {
        let RowBox { y, h } = self.picture.rows[row];
        y + h - 6.0
    }

    fn end(&self) -> f32 {
        self.picture.plot_x + self.picture.plot_w
    }

    fn path(&mut self, class: &'static str, d: String) {
        self.picture.parts.push(Part::Path { class, d });
    }

    fn text(&mut self, class: &'static str, (x, y): (f32, f32), anchor: Anchor, size: f32, text: String) {
        self.picture.parts.push(Part::Text { class, x, y, anchor, size, text });
    }

    /// What lies behind: the row that is pointed at, when nobody is there, the axis, what goes wrong.
    fn ground(&mut self) {
        let marked = self.look.row.and_then(|row| self.picture.rows.get(row)).copied();
        let marked =
            marked.map(|RowBox { y, h }| rect(0.0, y - 2.0, self.picture.width, h)).unwrap_or_default();
        self.path("sb-fill sb-herd-marked", marked);

        let mut down = String::new();
        for row in 0..self.picture.rows.len() {
            let base = self.base(row);
            for (from_ms, to_ms) in self.down(row) {
                let (from, to) = (self.x(from_ms as f32), self.x(to_ms as f32).min(self.end()));
                down += &rect(from, base - self.layout.bars_h, (to - from).max(0.0), self.layout.bars_h);
            }
        }
        self.path("sb-fill sb-herd-down", down);

        let bottom = self.picture.height - self.layout.axis_h;
        let (step_ms, window_ms) =
            (step_ms(self.scenario.window_ms, self.look.narrow), self.scenario.window_ms);
        let mut grid = String::new();
        let ticks: Vec<u32> = (0..=window_ms / step_ms).map(|tick| tick * step_ms).collect();
        for ms in &ticks {
            let x = self.x(*ms as f32);
            let _ = write!(grid, "M{} {}V{}", Number(x), Number(self.layout.top), Number(bottom));
        }
        self.path("sb-line sb-grid", grid);
        for ms in ticks {
            let x = self.x(ms as f32);
            let label = format!("{} s", ms / 1_000);
            let anchor = match ms {
                0 if self.look.narrow => Anchor::Start,
                _ if x > self.end() - 10.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            self.text("sb-text sb-note", (x, bottom + 16.0), anchor, 11.0, label);
        }
        self.faults(bottom);
    }

    /// What goes wrong, and when.
    fn faults(&mut self, bottom: f32) {
        let mut moments: Vec<u32> = self.scenario.faults.iter().map(|planned| planned.at_ms).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut lines = String::new();
        for ms in &moments {
            let x = Number(self.x(*ms as f32));
            let _ = write!(lines, "M{x} {}V{}", Number(self.layout.top - 16.0), Number(bottom));
        }
        self.path("sb-line sb-herd-fault", lines);
        if let Some((at_ms, _)) = restart(self.scenario) {
            let at = (self.x(at_ms as f32) + 5.0, self.layout.top - 8.0);
            let words = fault_word(self.scenario, at_ms).to_owned();
            self.text("sb-text sb-herd-word", at, Anchor::Start, 11.0, words);
        }
    }

    /// When the server of a row lets nobody in.
    fn down(&self, row: usize) -> Vec<(u32, u32)> {
        let crowd = self.scenario.crowd.as_ref();
        let drains = crowd.and_then(|crowd| crowd.servers.get(row)).is_some_and(|server| server.drain_ms > 0);
        let sub = self.scenario.sub(row);
        let own = |fault: &Fault| fault.sub().is_none_or(|own| own == sub);
        self.scenario
            .faults
            .iter()
            .filter(|planned| own(&planned.fault))
            .filter_map(|planned| match planned.fault {
                Fault::Refuse { for_ms, .. } if !drains => Some((planned.at_ms, planned.at_ms + for_ms)),
                Fault::Unavailable { for_ms, .. } | Fault::Stall { for_ms, .. } => {
                    Some((planned.at_ms, planned.at_ms + for_ms))
                }
                _ => None,
            })
            .collect()
    }

    fn name(&mut self, row: usize, name: &super::Name, sum: &Sum, tallies: usize) {
        let [times, then] = stat(self.scenario, row, sum);
        let is_over = tallies >= self.scenario.window_ms as usize / (TALLY_US as usize / 1_000);
        // Not before it is known.
        let stat = match (sum.peak, is_over) {
            _ if is_left_out(self.scenario, row) => "only in the model".to_owned(),
            (0, false) => String::new(),
            (_, false) => format!("peak {times}"),
            (_, true) => format!("peak {times} · {then}"),
        };
        let base = self.base(row);
        if self.look.narrow {
            let y = base - self.layout.bars_h;
            let room = self.picture.width - text::width(&name.name, 12.5, true) - 8.0;
            self.text("sb-text sb-strong sb-name", (0.0, y - 20.0), Anchor::Start, 12.5, name.name.clone());
            let set = text::fit(&name.set, 11.0, false, room);
            self.text("sb-text sb-note", (self.picture.width, y - 20.0), Anchor::End, 11.0, set);
            self.text("sb-text sb-note sb-herd-result", (0.0, y - 6.0), Anchor::Start, 11.0, stat);
        } else {
            let room = self.layout.names_w - 10.0;
            let set = text::fit(&name.set, 11.0, false, room);
            self.text(
                "sb-text sb-strong sb-name",
                (0.0, base - 30.0),
                Anchor::Start,
                12.5,
                name.name.clone(),
            );
            self.text("sb-text sb-note", (0.0, base - 15.0), Anchor::Start, 11.0, set);
            self.text("sb-text sb-note sb-herd-result", (0.0, base), Anchor::Start, 11.0, stat);
        }
    }

    fn bars(&mut self, row: usize, tallies: &[Tally]) {
        let base = self.base(row);
        let tally_ms = TALLY_US as f32 / 1_000.0;
        let one_w = tally_ms / self.scenario.window_ms as f32 * self.picture.plot_w;
        let together = ((LEAST_BAR / one_w).ceil() as usize).max(1);
        let bar_w = one_w * together as f32;
        let (mut let_in, mut away, mut broken) = (String::new(), String::new(), String::new());
        let mut off: Option<(f32, u32)> = None;
        // The solid area goes on from bar to bar; this is where it stands.
        let mut pen: Option<f32> = None;
        for (bar, tallies) in tallies.chunks(together).enumerate() {
            let highest = tallies.iter().max_by_key(|tally| tally.arrivals).copied().unwrap_or_default();
            let x = self.x(bar as f32 * tally_ms * together as f32);
            let taken = highest.arrivals.saturating_sub(highest.refused);
            let (top, taken_top) = (base - self.height(highest.arrivals), base - self.height(taken));
            match (pen, taken) {
                (None, 0) => {}
                (Some(_), 0) => {
                    let _ = write!(let_in, "V{}Z", Number(base));
                    pen = None;
                }
                (before, _) => {
                    if before.is_none() {
                        let _ = write!(let_in, "M{} {}", Number(x), Number(base));
                    }
                    let _ = write!(let_in, "V{}H{}", Number(taken_top), Number(x + bar_w));
                    pen = Some(taken_top);
                }
            }
            if taken_top - top > 0.3 {
                // Stripes: narrower than a bar, so that they differ from the area in more than colour.
                let stripe_w = (bar_w * 0.55).max(1.2);
                away += &rect(x + (bar_w - stripe_w) / 2.0, top, stripe_w, taken_top - top);
            }
            if self.times(highest.arrivals) > self.most {
                let (from, to) = (x - 2.5, x + bar_w + 2.5);
                let (high, low) = (Number(top + 7.0), Number(top + 10.0));
                let _ = write!(broken, "M{} {low}L{} {high}", Number(from), Number(to));
                off = off.or(Some((x + bar_w + 4.0, highest.arrivals)));
            }
        }
        if pen.is_some() {
            let _ = write!(let_in, "V{}Z", Number(base));
        }
        self.path("sb-fill sb-herd-away", away);
        self.path("sb-fill sb-herd-in", let_in);
        self.path("sb-line sb-herd-broken", broken);
        let keep_alives =
            sets_keep_alives(self.scenario).then(|| self.keep_alives(base, bar_w, tallies.chunks(together)));
        self.path("sb-line sb-herd-keep", keep_alives.unwrap_or_default());

        let (from, to) = (Number(self.picture.plot_x), Number(self.end()));
        self.path("sb-line sb-herd-base", format!("M{from} {}H{to}", Number(base)));
        let line = base - (1.0 / self.most).sqrt() * self.layout.bars_h;
        let capacity_s = capacity(self.scenario);
        let path = capacity_s.map(|_| format!("M{from} {}H{to}", Number(line))).unwrap_or_default();
        self.path("sb-line sb-herd-capacity", path);
        let ((x, arrivals), said) = match off {
            Some(off) => (off, true),
            None => ((self.picture.plot_x, 0), false),
        };
        let words = if said { format!("{} within 0.1 s", count(arrivals.into())) } else { String::new() };
        let y = base - self.layout.bars_h + 9.0;
        self.text("sb-text sb-herd-word", (x, y), Anchor::Start, 10.5, words);
        if row + 1 == self.picture.rows.len() {
            let words = capacity_s.map(|capacity_s| format!("capacity: {} a second", count(capacity_s)));
            let at = (self.end(), line - 5.0);
            self.text("sb-text sb-herd-limit", at, Anchor::End, 10.5, words.unwrap_or_default());
        }
    }

    /// How many keep-alives were sent, as steps from bar to bar.
    fn keep_alives<'a>(&self, base: f32, bar_w: f32, bars: impl Iterator<Item = &'a [Tally]>) -> String {
        let mut line = String::new();
        let mut stands: Option<f32> = None;
        let mut x = self.picture.plot_x;
        for bar in bars {
            let y = base - self.height(bar.iter().map(|tally| tally.keep_alives).max().unwrap_or(0));
            match stands {
                None => _ = write!(line, "M{} {}", Number(x), Number(y)),
                Some(before) if before == y => {}
                Some(_) => _ = write!(line, "H{}V{}", Number(x), Number(y)),
            }
            stands = Some(y);
            x += bar_w;
        }
        if stands.is_some() {
            let _ = write!(line, "H{}", Number(x));
        }
        line
    }

    /// What lies in front: the reading line.
    fn front(&mut self) {
        let bottom = self.picture.height - self.layout.axis_h;
        let line = self.look.at.map(|at| {
            let x = self.x((at as f32 + 0.5) * TALLY_US as f32 / 1_000.0);
            format!("M{} {}V{}", Number(x), Number(self.layout.top), Number(bottom))
        });
        self.path("sb-line sb-cursor", line.unwrap_or_default());
    }
}

fn rect(x: f32, y: f32, w: f32, h: f32) -> String {
    format!("M{} {}h{}v{}h{}z", Number(x), Number(y), Number(w), Number(h), Number(-w))
}

/// From one mark of the time axis to the next.
fn step_ms(window_ms: u32, narrow: bool) -> u32 {
    let most = if narrow { 5 } else { 8 };
    [1_000, 2_000, 5_000, 10_000, 20_000].into_iter().find(|step| window_ms / step <= most).unwrap_or(30_000)
}

/// The picture as one `<svg>` element, with `title` as its text alternative. Like the other figures
/// it has no ids and is of one line, and its colours are the page's.
#[must_use]
pub fn svg(picture: &Picture, title: &str) -> String {
    let (w, h) = (Number(picture.width), Number(picture.height));
    let mut out = format!(
        r#"<svg class="sb-figure sb-herd" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label=""#
    );
    escape(&mut out, title);
    out.push_str("\">");
    for part in &picture.parts {
        match part {
            Part::Path { d, .. } if d.is_empty() => {}
            Part::Text { text, .. } if text.is_empty() => {}
            Part::Path { class, d } => {
                let _ = write!(out, r#"<path class="{class}" d="{d}"/>"#);
            }
            Part::Text { class, x, y, anchor, size, text } => {
                let anchor = anchor.name();
                let [x, y] = [*x, *y].map(Number);
                let size = format::length(*size);
                let _ = write!(
                    out,
                    r#"<text class="{class}" x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">"#
                );
                escape(&mut out, text);
                out.push_str("</text>");
            }
        }
    }
    out.push_str("</svg>");
    out
}
