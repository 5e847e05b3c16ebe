//! A picture as SVG.
//!
//! It stands in a page's Markdown, several on one page: so it has no ids (no markers, patterns or
//! clip paths) and no blank line, which would end the HTML block. Colours come from the page's
//! style sheet by classes: `sb-` and what a shape means, `sb-selected` and `sb-inferred`.

use std::fmt::Write as _;

use crate::detail::{hatching, head};
use crate::format;
use crate::shape::{Figure, Ink, Shape, Weight};

/// Writes a picture as one `<svg>` element. `title` is its text alternative; without one it is for
/// the eye only. The lanes' labels are a group of their own, `sb-labels`.
#[must_use]
pub fn svg(figure: &Figure, title: &str) -> String {
    let mut out = String::with_capacity(figure.shapes.len() * 80 + 256);
    let (w, h) = (Number(figure.width), Number(figure.height));
    // Writing to a String can't fail.
    let _ = write!(out, r#"<svg class="sb-figure" viewBox="0 0 {w} {h}" width="{w}" height="{h}""#);
    if title.is_empty() {
        out.push_str(r#" aria-hidden="true">"#);
    } else {
        out.push_str(r#" role="img" aria-label=""#);
        escape(&mut out, title);
        out.push_str("\">");
    }
    let write_shapes = |out: &mut String, shapes: Option<&[Shape]>| {
        shapes.unwrap_or_default().iter().for_each(|shape| write_shape(out, shape));
    };
    let (shapes, labels) = (&figure.shapes, &figure.labels);
    write_shapes(&mut out, shapes.get(..labels.start));
    if !labels.is_empty() {
        out.push_str(r#"<g class="sb-labels">"#);
        write_shapes(&mut out, shapes.get(labels.clone()));
        out.push_str("</g>");
    }
    write_shapes(&mut out, shapes.get(labels.end..));
    out.push_str("</svg>");
    out
}

fn write_shape(out: &mut String, shape: &Shape) {
    let _ = match shape {
        &Shape::Line { x1, y1, x2, y2, arrow, ink, weight } => {
            let class = Class(line_class(ink), ink, weight);
            let [ax, ay, bx, by] = [x1, y1, x2, y2].map(Number);
            let line = write!(out, r#"<path {class} d="M{ax} {ay}L{bx} {by}"/>"#);
            if arrow {
                write_head(out, (x1, y1), (x2, y2), ink, weight);
            }
            line
        }
        &Shape::Rect { x, y, w, h, ink: ink @ (Ink::Waiting | Ink::OneSided) } => {
            write_hatching(out, [x, y, w, h], ink)
        }
        &Shape::Rect { x, y, w, h, ink } => {
            let class = Class("sb-fill", ink, Weight::Normal);
            let [x, y, w, h] = [x, y, w, h].map(Number);
            write!(out, r#"<rect {class} x="{x}" y="{y}" width="{w}" height="{h}"/>"#)
        }
        &Shape::Circle { x, y, r, filled, ink, weight } => {
            let class = Class(if filled { "sb-fill" } else { "sb-ring" }, ink, weight);
            let [x, y, r] = [x, y, r].map(Number);
            write!(out, r#"<circle {class} cx="{x}" cy="{y}" r="{r}"/>"#)
        }
        &Shape::Cross { x, y, r, ink } => {
            let class = Class("sb-cross", ink, Weight::Normal);
            let [x1, y1, x2, y2] = [x - r, y - r, x + r, y + r].map(Number);
            write!(out, r#"<path {class} d="M{x1} {y1}L{x2} {y2}M{x2} {y1}L{x1} {y2}"/>"#)
        }
        Shape::Text { x, y, anchor, size, strong, ink, text } => {
            let class = Class(if *strong { "sb-text sb-strong" } else { "sb-text" }, *ink, Weight::Normal);
            let anchor = anchor.name();
            let [x, y, size] = [*x, *y, *size].map(Number);
            let tag =
                write!(out, r#"<text {class} x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">"#);
            escape(out, text);
            out.push_str("</text>");
            tag
        }
    };
}

/// Lines that may be dashed, and those that never are.
fn line_class(ink: Ink) -> &'static str {
    match ink {
        Ink::Rail | Ink::Grid | Ink::Thread | Ink::Stale => "sb-line",
        _ => "sb-message",
    }
}

fn write_head(out: &mut String, from: (f32, f32), to: (f32, f32), ink: Ink, weight: Weight) {
    if let Some([(ax, ay), (bx, by), (cx, cy)]) = head(from, to, ink, weight) {
        let class = Class("sb-fill", ink, weight);
        let [ax, ay, bx, by, cx, cy] = [ax, ay, bx, by, cx, cy].map(Number);
        let _ = write!(out, r#"<path {class} d="M{ax} {ay}L{bx} {by}L{cx} {cy}z"/>"#);
    }
}

/// `<pattern>` would need an id.
fn write_hatching(out: &mut String, [x, y, w, h]: [f32; 4], ink: Ink) -> std::fmt::Result {
    let class = Class("sb-hatch", ink, Weight::Normal);
    write!(out, r#"<path {class} d=""#)?;
    for line in hatching([x, y, w, h], 0.0, ink) {
        let [ax, ay, bx, by] = line.map(Number);
        write!(out, "M{ax} {ay}L{bx} {by}")?;
    }
    out.push_str("\"/>");
    Ok(())
}

struct Class(&'static str, Ink, Weight);

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(shape, ink, weight) = self;
        let weight = match weight {
            Weight::Normal => "",
            Weight::Selected => " sb-selected",
            Weight::Inferred => " sb-inferred",
        };
        write!(f, r#"class="{shape} sb-{}{weight}""#, ink_name(*ink))
    }
}

fn ink_name(ink: Ink) -> &'static str {
    match ink {
        Ink::Rail => "rail",
        Ink::Grid => "grid",
        Ink::Axis => "axis",
        Ink::Request => "request",
        Ink::News => "news",
        Ink::Empty => "empty",
        Ink::Open => "open",
        Ink::Client => "client",
        Ink::Browser => "browser",
        Ink::Held => "held",
        Ink::Waiting => "waiting",
        Ink::Fault => "fault",
        Ink::Stale => "stale",
        Ink::Thread => "thread",
        Ink::Name => "name",
        Ink::Note => "note",
        Ink::Ground => "ground",
        Ink::OneSided => "one-sided",
        Ink::Cursor => "cursor",
        Ink::Overhead => "overhead",
        Ink::LetIn => "herd-in",
        Ink::TurnedAway => "herd-away",
    }
}

/// A length with at most one decimal.
pub(crate) struct Number(pub(crate) f32);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format::length(self.0))
    }
}

/// Text for an element or an attribute. Line ends become blanks: a blank line would end the HTML
/// block that the picture stands in.
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Most control characters may not stand in HTML at all.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Anchor;

    fn figure(shapes: Vec<Shape>) -> Figure {
        Figure {
            width: 100.0,
            height: 50.0,
            plot_x: 0.0,
            plot_w: 100.0,
            lanes: Vec::new(),
            shapes,
            labels: 0..0,
        }
    }

    fn text(text: &str) -> Shape {
        Shape::Text {
            x: 1.0,
            y: 2.0,
            anchor: Anchor::Middle,
            size: 10.5,
            strong: true,
            ink: Ink::Note,
            text: text.to_owned(),
        }
    }

    #[test]
    fn what_came_over_the_wire_is_text() {
        let svg = svg(&figure(vec![text("<script>alert('\"&')</script>\n\n")]), "a \"b\" <c>");
        assert!(svg.contains("&lt;script&gt;alert('&quot;&amp;')&lt;/script&gt;  </text>"), "{svg}");
        assert!(svg.contains(r#"role="img" aria-label="a &quot;b&quot; &lt;c&gt;">"#), "{svg}");
        assert!(!svg.contains('\n'));
    }

    #[test]
    fn classes_say_what_a_shape_means() {
        let line = Shape::Line {
            x1: 0.0,
            y1: 40.0,
            x2: 7.65,
            y2: 0.0,
            arrow: true,
            ink: Ink::News,
            weight: Weight::Selected,
        };
        let svg = svg(&figure(vec![line, text("3")]), "");
        assert!(svg.contains(r#"<path class="sb-message sb-news sb-selected" d="M0 40L7.7 0"/>"#), "{svg}");
        assert!(svg.contains(r#"<path class="sb-fill sb-news sb-selected" d="M7.7 0L"#), "{svg}");
        assert!(svg.contains(
            r#"<text class="sb-text sb-strong sb-note" x="1" y="2" font-size="10.5" text-anchor="middle">3<"#
        ));
        assert!(!svg.contains("id="));
    }
}
