//! Paints a figure's shapes, in the colours of the page's theme.
//!
//! Shapes of one kind that follow each other are painted in one path: the calls into the browser
//! are what a picture costs.

use standby_figure::format::length;
use standby_figure::{Ink, Shape, Weight, detail};
use web_sys::{CssStyleDeclaration, HtmlElement};

use crate::dom;
use crate::pen::Pen;

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
            Ink::News | Ink::Thread | Ink::LetIn => &self.news,
            Ink::Empty | Ink::Browser | Ink::Overhead => &self.empty,
            Ink::Client => &self.client,
            Ink::Held => &self.held,
            Ink::Fault | Ink::OneSided => &self.fault,
            Ink::Stale | Ink::TurnedAway => &self.age,
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

/// Where and for which display shapes are painted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The display's pixels for one of the page's.
    pub(crate) scale: f64,
    /// How far the picture has moved to the left since time 0, in the page's pixels.
    pub(crate) origin_x: f64,
}

/// What shapes can be painted in one path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Line(Ink, Weight),
    Rect(Ink),
    Circle(Ink, Weight, bool),
    Cross(Ink),
    Text,
}

fn kind(shape: &Shape) -> Kind {
    match *shape {
        Shape::Line { ink, weight, .. } => Kind::Line(ink, weight),
        Shape::Rect { ink, .. } => Kind::Rect(ink),
        Shape::Circle { ink, weight, filled, .. } => Kind::Circle(ink, weight, filled),
        Shape::Cross { ink, .. } => Kind::Cross(ink),
        Shape::Text { .. } => Kind::Text,
    }
}

/// So many marks are painted in one path at most. Fewer are more calls; but what the browser's
/// painter does with a path grows faster than its lines: with a thousand in one it took three times
/// as long.
const IN_ONE_PATH: usize = 16;

/// Paints shapes in their order.
pub(crate) fn paint(pen: &impl Pen, shapes: &[Shape], palette: &Palette, place: Place) {
    let alike = shapes.chunk_by(|a, b| kind(a) == kind(b) && !darkens(a, b));
    for alike in alike.flat_map(|alike| alike.chunks(IN_ONE_PATH)) {
        match alike.first().map(kind) {
            Some(Kind::Line(ink, weight)) => lines(pen, alike, (ink, weight), palette, place),
            Some(Kind::Rect(ink)) => rects(pen, alike, ink, palette, place),
            Some(Kind::Circle(ink, weight, filled)) => circles(pen, alike, (ink, weight, filled), palette),
            Some(Kind::Cross(ink)) => crosses(pen, alike, ink, palette),
            Some(Kind::Text) => alike.iter().for_each(|shape| text(pen, shape, palette)),
            None => {}
        }
    }
}

/// Whether the second of two bars has to show through the first: within one path it would not.
fn darkens(a: &Shape, b: &Shape) -> bool {
    match (a, b) {
        (Shape::Line { ink: Ink::Stale, x2, y1, .. }, Shape::Line { x1, y1: other_y, .. }) => {
            y1 == other_y && x1 < x2
        }
        _ => false,
    }
}

fn lines(pen: &impl Pen, shapes: &[Shape], (ink, weight): (Ink, Weight), palette: &Palette, place: Place) {
    let (width, dashes, alpha) = stroke(ink, weight);
    // What was concluded, not seen, is paler.
    let alpha = if weight == Weight::Inferred { alpha * 0.6 } else { alpha };
    pen.stroke_with(palette.ink(ink), width, dashes, alpha);
    pen.begin();
    let mut heads = false;
    for shape in shapes {
        let Shape::Line { x1, y1, x2, y2, arrow, .. } = shape else { continue };
        heads |= *arrow;
        let [mut x1, mut y1, mut x2, mut y2] = [x1, y1, x2, y2].map(|&length| f64::from(length));
        if let Ink::Rail | Ink::Grid | Ink::Cursor = ink {
            // Thin straight lines are blurred between two rows of pixels.
            if y1 == y2 {
                y1 = sharp(y1, width, place.scale);
                y2 = y1;
            } else {
                x1 = sharp(x1, width, place.scale);
                x2 = x1;
            }
        }
        pen.move_to(x1, y1);
        pen.line_to(x2, y2);
    }
    pen.stroke();
    if !heads {
        return;
    }
    pen.fill_with(palette.ink(ink), alpha);
    pen.begin();
    for shape in shapes {
        if let &Shape::Line { x1, y1, x2, y2, arrow: true, .. } = shape
            && let Some(head) = detail::head((x1, y1), (x2, y2), ink, weight)
        {
            let [tip, left, right] = head.map(|(x, y)| (f64::from(x), f64::from(y)));
            pen.move_to(tip.0, tip.1);
            pen.line_to(left.0, left.1);
            pen.line_to(right.0, right.1);
            pen.close();
        }
    }
    pen.fill();
}

fn rects(pen: &impl Pen, shapes: &[Shape], ink: Ink, palette: &Palette, place: Place) {
    let rects = shapes.iter().filter_map(|shape| match *shape {
        Shape::Rect { x, y, w, h, .. } => Some([x, y, w, h]),
        _ => None,
    });
    if let Ink::Waiting | Ink::OneSided = ink {
        let (width, alpha) = if ink == Ink::Waiting { (1.6, 1.0) } else { (1.1, 0.75) };
        pen.stroke_with(palette.ink(ink), width, &[], alpha);
        pen.begin();
        for [x1, y1, x2, y2] in rects.flat_map(|rect| detail::hatching(rect, place.origin_x, ink)) {
            pen.move_to(f64::from(x1), f64::from(y1));
            pen.line_to(f64::from(x2), f64::from(y2));
        }
        return pen.stroke();
    }
    pen.fill_with(palette.ink(ink), 1.0);
    pen.begin();
    for [x, y, w, h] in rects {
        pen.rect(f64::from(x), f64::from(y), f64::from(w), f64::from(h));
    }
    pen.fill();
}

fn circles(pen: &impl Pen, shapes: &[Shape], (ink, weight, filled): (Ink, Weight, bool), palette: &Palette) {
    let alpha = if weight == Weight::Inferred { 0.6 } else { 1.0 };
    pen.begin();
    for shape in shapes {
        if let &Shape::Circle { x, y, r, .. } = shape {
            pen.circle(f64::from(x), f64::from(y), f64::from(r));
        }
    }
    pen.fill_with(if filled { palette.ink(ink) } else { &palette.ground }, alpha);
    pen.fill();
    if !filled {
        pen.stroke_with(palette.ink(ink), 1.4, &[], alpha);
        pen.stroke();
    }
}

fn crosses(pen: &impl Pen, shapes: &[Shape], ink: Ink, palette: &Palette) {
    pen.stroke_with(palette.ink(ink), 2.4, &[], 1.0);
    pen.begin();
    for shape in shapes {
        if let &Shape::Cross { x, y, r, .. } = shape {
            let [left, top, right, bottom] = [x - r, y - r, x + r, y + r].map(f64::from);
            pen.move_to(left, top);
            pen.line_to(right, bottom);
            pen.move_to(right, top);
            pen.line_to(left, bottom);
        }
    }
    pen.stroke();
}

fn text(pen: &impl Pen, shape: &Shape, palette: &Palette) {
    let Shape::Text { x, y, anchor, size, strong, ink, text } = shape else { return };
    let weight = if *strong { "600 " } else { "" };
    pen.write_with(&format!("{weight}{}px {}", length(*size), palette.font), *anchor);
    let (x, y) = (f64::from(*x), f64::from(*y));
    // A rim of the ground's colour, so that it reads over lines.
    if *ink != Ink::Ground {
        pen.stroke_with(&palette.ground, 3.0, &[], 1.0);
        pen.outline(text, x, y);
    }
    pen.fill_with(palette.ink(*ink), 1.0);
    pen.write(text, x, y);
}

/// The figure's own test traces.
#[cfg(test)]
#[path = "../../crates/figure/tests/figure/sample/mod.rs"]
mod sample;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use standby_figure::{Anchor, Density, View, describe, figure, svg};

    use super::*;

    #[test]
    fn the_edges_of_a_thin_line_fall_between_pixels() {
        assert_eq!(sharp(56.0, 1.0, 1.0), 56.5);
        assert_eq!(sharp(56.0, 1.0, 2.0), 56.0);
        assert_eq!(sharp(56.3, 1.0, 1.0), 56.5);
    }

    /// A mark as it was painted or written: what it is in which colour, and where.
    type Marks = BTreeMap<(String, String), Vec<[i64; 2]>>;

    /// Notes the points of each path by the colour that it is painted with.
    #[derive(Default)]
    struct Record {
        marks: RefCell<Marks>,
        path: RefCell<Vec<[i64; 2]>>,
        color: RefCell<[String; 2]>,
    }

    /// Rounded as the SVG writes it.
    fn tenths(x: f64, y: f64) -> [i64; 2] {
        [x, y].map(|length| (length as f32 * 10.0).round() as i64)
    }

    impl Record {
        fn note(&self, what: &str, color: usize, points: &[[i64; 2]]) {
            let key = (what.to_owned(), self.color.borrow()[color].clone());
            self.marks.borrow_mut().entry(key).or_default().extend(points);
        }
    }

    impl Pen for Record {
        fn stroke_with(&self, color: &str, _: f64, _: &[f64], _: f64) {
            self.color.borrow_mut()[0] = color.to_owned();
        }
        fn fill_with(&self, color: &str, _: f64) {
            self.color.borrow_mut()[1] = color.to_owned();
        }
        fn write_with(&self, _: &str, _: Anchor) {}
        fn begin(&self) {
            self.path.borrow_mut().clear();
        }
        fn move_to(&self, x: f64, y: f64) {
            self.path.borrow_mut().push(tenths(x, y));
        }
        fn line_to(&self, x: f64, y: f64) {
            self.path.borrow_mut().push(tenths(x, y));
        }
        fn close(&self) {}
        fn circle(&self, x: f64, y: f64, _: f64) {
            self.path.borrow_mut().push(tenths(x, y));
        }
        fn rect(&self, x: f64, y: f64, _: f64, _: f64) {
            self.path.borrow_mut().push(tenths(x, y));
        }
        fn stroke(&self) {
            self.note("stroke", 0, &self.path.borrow());
        }
        fn fill(&self) {
            self.note("fill", 1, &self.path.borrow());
        }
        fn outline(&self, _: &str, _: f64, _: f64) {}
        fn write(&self, text: &str, x: f64, y: f64) {
            self.note(text, 1, &[tenths(x, y)]);
        }
    }

    /// Each colour is called after what it is for.
    fn palette() -> Palette {
        let name = |name: &str| name.to_owned();
        Palette {
            ground: name("ground"),
            text: name("text"),
            muted: name("muted"),
            line: name("line"),
            request: name("request"),
            news: name("news"),
            empty: name("empty"),
            held: name("held"),
            fault: name("fault"),
            age: name("age"),
            client: name("client"),
            font: name("sans-serif"),
        }
    }

    const INKS: [(&str, Ink); 22] = [
        ("rail", Ink::Rail),
        ("grid", Ink::Grid),
        ("axis", Ink::Axis),
        ("request", Ink::Request),
        ("news", Ink::News),
        ("empty", Ink::Empty),
        ("open", Ink::Open),
        ("client", Ink::Client),
        ("browser", Ink::Browser),
        ("held", Ink::Held),
        ("waiting", Ink::Waiting),
        ("fault", Ink::Fault),
        ("stale", Ink::Stale),
        ("thread", Ink::Thread),
        ("name", Ink::Name),
        ("note", Ink::Note),
        ("ground", Ink::Ground),
        ("one-sided", Ink::OneSided),
        ("cursor", Ink::Cursor),
        ("overhead", Ink::Overhead),
        ("herd-in", Ink::LetIn),
        ("herd-away", Ink::TurnedAway),
    ];

    /// The marks of an SVG, in the same terms.
    fn marks_of(svg: &str) -> Marks {
        let palette = palette();
        let mut marks = Marks::new();
        for element in svg.split('<').skip(2) {
            let attribute = |name: &str| {
                let value = element.split_once(&format!(" {name}=\"")).map(|(_, rest)| rest);
                value.and_then(|value| value.split('"').next()).unwrap_or_default()
            };
            let number = |name: &str| attribute(name).parse::<f64>().unwrap_or(f64::NAN);
            let classes: Vec<&str> = attribute("class").split(' ').collect();
            let ink = INKS.iter().find(|(name, _)| classes.contains(&format!("sb-{name}").as_str()));
            let Some(&(_, ink)) = ink else { continue };
            let points: Vec<[i64; 2]> = match element.split(' ').next() {
                Some("path") => {
                    let d = attribute("d").replace(['M', 'L', 'z'], " ");
                    let numbers: Vec<f64> = d.split_whitespace().filter_map(|n| n.parse().ok()).collect();
                    numbers.chunks(2).map(|point| tenths(point[0], point[1])).collect()
                }
                Some("rect") => vec![tenths(number("x"), number("y"))],
                Some("circle") => vec![tenths(number("cx"), number("cy"))],
                Some("text") => vec![tenths(number("x"), number("y"))],
                _ => continue,
            };
            let mut note = |what: &str, color: &str, points: &[[i64; 2]]| {
                marks.entry((what.to_owned(), color.to_owned())).or_default().extend(points);
            };
            match classes[0] {
                "sb-fill" => note("fill", palette.ink(ink), &points),
                "sb-ring" => {
                    note("fill", &palette.ground, &points);
                    note("stroke", palette.ink(ink), &points);
                }
                "sb-text" => {
                    let text = element.split_once('>').map_or("", |(_, text)| text);
                    let text = text.replace("&lt;", "<").replace("&gt;", ">");
                    note(&text, palette.ink(ink), &points);
                }
                _ => note("stroke", palette.ink(ink), &points),
            }
        }
        marks
    }

    /// One geometry: what a canvas shows is what the SVG shows, mark by mark.
    #[test]
    fn a_canvas_and_an_svg_have_the_same_marks() {
        let calm = sample::trace;
        let traces = [
            calm(),
            sample::rough::trace(calm()),
            sample::half_open::trace(calm()),
            sample::crowd::trace(calm()),
            sample::company::trace(calm()),
        ];
        for (trace, selected) in traces.iter().zip([Some(5), Some(7), None, None, None]) {
            for density in [Density::Auto, Density::Off] {
                let view = View {
                    now_us: trace.until_us,
                    selected,
                    cursor_us: Some(4_321_000),
                    crowd: Some((2, 4_500_000)),
                    density,
                    ..View::default()
                };
                let figure = figure(trace, &view);
                let record = Record::default();
                // So many pixels that no line is moved onto whole ones.
                let place = Place { scale: 1e6, origin_x: 0.0 };
                paint(&record, &figure.shapes, &palette(), place);
                let (mut canvas, mut svg) = (record.marks.take(), marks_of(&svg(&figure, &describe(trace))));
                canvas.retain(|_, points| !points.is_empty());
                assert_eq!(canvas.keys().collect::<Vec<_>>(), svg.keys().collect::<Vec<_>>());
                for (key, points) in &mut canvas {
                    let others = svg.entry(key.clone()).or_default();
                    points.sort_unstable();
                    others.sort_unstable();
                    assert_eq!(points, others, "{key:?}");
                }
            }
        }
    }
}
