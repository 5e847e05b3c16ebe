//! Just enough to build a page's parts from Rust: a builder for elements, and the few globals.
//!
//! Text goes in as text nodes only. There is no way here to set HTML, so what came over the wire
//! can't become any.

pub mod place;
pub mod time;

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, UnwrapThrowExt};
use web_sys::{Document, Element, Event, HtmlElement, Text, Window};

/// The namespace of SVG elements.
const SVG: &str = "http://www.w3.org/2000/svg";

/// The page's window. This crate runs nowhere else.
pub fn window() -> Window {
    web_sys::window().expect_throw("the widgets run in a page")
}

/// The page's document.
pub fn document() -> Document {
    window().document().expect_throw("the widgets run in a page")
}

/// Whether a media query holds now.
pub fn media(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}

/// An element under construction. It derefs to nothing: [`Build::done`] gives the element itself.
#[derive(Clone)]
pub struct Build<E = HtmlElement>(E);

/// Begins an HTML element.
pub fn html(tag: &str) -> Build {
    Build(document().create_element(tag).expect_throw("a name of HTML").unchecked_into())
}

/// Begins an HTML element with a class.
pub fn classed(tag: &str, class: &str) -> Build {
    html(tag).set("class", class)
}

/// Begins a button that is no form's.
pub fn button(class: &str, text: &str) -> Build {
    classed("button", class).set("type", "button").text(text)
}

/// Begins an SVG element.
pub fn svg(tag: &str) -> Build<Element> {
    Build(document().create_element_ns(Some(SVG), tag).expect_throw("a name of SVG"))
}

impl<E> From<E> for Build<E> {
    fn from(element: E) -> Self {
        Self(element)
    }
}

impl<E: AsRef<Element>> Build<E> {
    /// Sets an attribute.
    pub fn set(self, name: &str, value: &str) -> Self {
        set(self.0.as_ref(), name, value);
        self
    }

    /// Appends a text.
    pub fn text(self, text: &str) -> Self {
        let _ = self.0.as_ref().append_with_str_1(text);
        self
    }

    /// Appends an element.
    pub fn child(self, child: &impl AsRef<web_sys::Node>) -> Self {
        let _ = self.0.as_ref().append_child(child.as_ref());
        self
    }

    /// Calls `act` on an event, for as long as the element lives.
    pub fn on(self, event: &'static str, act: impl FnMut(&Event) + 'static) -> Self {
        on(self.0.as_ref(), event, act);
        self
    }

    /// The element.
    pub fn done(self) -> E {
        self.0
    }

    /// The element as what it is.
    pub fn into<T: JsCast>(self) -> T
    where
        E: JsCast,
    {
        self.0.unchecked_into()
    }
}

/// Calls `act` on an event, for as long as the target lives: the browser drops `act` with it. So a
/// widget that is built anew leaves nothing behind.
pub fn on(target: &web_sys::EventTarget, event: &str, act: impl FnMut(&Event) + 'static) {
    listen(target, event, Box::new(act));
}

// Boxed: wasm-bindgen writes its shims for one type, and not for each closure of ours.
fn listen(target: &web_sys::EventTarget, event: &str, mut act: Box<dyn FnMut(&Event)>) {
    let act = Closure::<dyn FnMut(Event)>::new(move |event: Event| act(&event)).into_js_value();
    let _ = target.add_event_listener_with_callback(event, act.unchecked_ref());
}

/// Sets an attribute. Where it has the value already nothing is touched, so that no style is
/// computed anew.
pub fn set(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        let _ = element.set_attribute(name, value);
    }
}

/// Shows or hides an element.
pub fn show(element: &Element, shown: bool) {
    if shown {
        if element.has_attribute("hidden") {
            let _ = element.remove_attribute("hidden");
        }
    } else {
        set(element, "hidden", "");
    }
}

/// Enables or disables a control.
pub fn enable(control: &Element, enabled: bool) {
    if enabled {
        if control.has_attribute("disabled") {
            let _ = control.remove_attribute("disabled");
        }
    } else {
        set(control, "disabled", "");
    }
}

/// A text that changes. It remembers what it says: only a change touches the page.
pub struct Words {
    node: Text,
    says: std::cell::RefCell<String>,
}

impl Words {
    /// A text at the end of an element.
    pub fn within(parent: &Element, text: &str) -> Self {
        let node = document().create_text_node(text);
        let _ = parent.append_child(&node);
        Self { node, says: text.to_owned().into() }
    }

    /// The element that it stands in.
    pub fn parent(&self) -> Element {
        self.node.parent_element().expect_throw("a text is within its element")
    }

    /// Says something else.
    pub fn say(&self, text: &str) {
        if *self.says.borrow() != text {
            self.node.set_data(text);
            text.clone_into(&mut self.says.borrow_mut());
        }
    }
}

/// Says on the console what the author of the page should know.
pub fn complain(what: &str) {
    web_sys::console::error_1(&what.into());
}
