//! The picture in the page: the figure's parts as SVG elements, of which only what changes is touched.

use std::cell::RefCell;

use standby_dom as dom;
use standby_figure::format::length;
use standby_figure::herd::{Part, Picture};
use web_sys::Element;

/// The `<svg>` of a widget.
pub(crate) struct Painted {
    svg: Element,
    parts: RefCell<Vec<(Element, Part)>>,
    size: RefCell<(f32, f32)>,
}

impl Painted {
    pub(crate) fn new() -> Self {
        let svg = dom::svg("svg").set("class", "sb-figure sb-herd").set("role", "img").done();
        Self { svg, parts: RefCell::default(), size: RefCell::default() }
    }

    pub(crate) fn element(&self) -> &Element {
        &self.svg
    }

    pub(crate) fn show(&self, picture: Picture, words: &str) {
        dom::set(&self.svg, "aria-label", words);
        let size = (picture.width, picture.height);
        if self.size.replace(size) != size {
            let [w, h] = [size.0, size.1].map(length);
            dom::set(&self.svg, "viewBox", &format!("0 0 {w} {h}"));
            dom::set(&self.svg, "width", &w);
            dom::set(&self.svg, "height", &h);
        }
        let mut parts = self.parts.borrow_mut();
        let same = parts.len() == picture.parts.len()
            && parts.iter().zip(&picture.parts).all(|((_, old), new)| class(old) == class(new));
        if !same {
            self.svg.set_text_content(None);
            *parts = picture.parts.into_iter().map(|part| (self.add(&part), part)).collect();
            return;
        }
        for ((element, old), new) in parts.iter_mut().zip(picture.parts) {
            if *old != new {
                write(element, &new);
                *old = new;
            }
        }
    }

    fn add(&self, part: &Part) -> Element {
        let tag = if matches!(part, Part::Path { .. }) { "path" } else { "text" };
        let element = dom::svg(tag).set("class", class(part)).done();
        write(&element, part);
        let _ = self.svg.append_child(&element);
        element
    }
}

fn class(part: &Part) -> &'static str {
    match part {
        Part::Path { class, .. } | Part::Text { class, .. } => class,
    }
}

fn write(element: &Element, part: &Part) {
    match part {
        Part::Path { d, .. } => {
            let _ = element.set_attribute("d", d);
        }
        Part::Text { x, y, anchor, size, text, .. } => {
            dom::set(element, "x", &length(*x));
            dom::set(element, "y", &length(*y));
            dom::set(element, "font-size", &length(*size));
            dom::set(element, "text-anchor", anchor.name());
            element.set_text_content(Some(text));
        }
    }
}
