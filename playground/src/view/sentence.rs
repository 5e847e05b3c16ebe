//! The sentence below the picture.

use std::cell::{Cell, RefCell};

use standby_figure::Words;
use web_sys::HtmlElement;

use crate::dom;

/// The sentence.
pub(crate) struct Sentence {
    element: HtmlElement,
    says: RefCell<Vec<Words>>,
    /// The tallest that it has been at this width: a place that was taken is kept, so that what
    /// stands below does not move up and down with the words.
    tallest: Cell<i32>,
    width: Cell<i32>,
}

impl Sentence {
    /// Builds it with a text.
    pub(crate) fn new(text: &str) -> Self {
        let sentence = Self {
            element: dom::classed("p", "standby-sentence").done(),
            says: RefCell::default(),
            tallest: Cell::default(),
            width: Cell::default(),
        };
        sentence.say_plain(text);
        sentence
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Says something else.
    pub(crate) fn say(&self, words: Vec<Words>) {
        if *self.says.borrow() == words {
            return;
        }
        self.element.set_text_content(None);
        for part in &words {
            let tag = if part.strong { "b" } else { "span" };
            let class = if part.bad { "standby-bad" } else { "" };
            let _ = self.element.append_child(&dom::classed(tag, class).text(&part.text).done());
        }
        self.says.replace(words);
        self.keep_place();
    }

    fn keep_place(&self) {
        let width = self.element.offset_width();
        if self.width.replace(width) != width {
            self.tallest.set(0);
            let _ = self.element.remove_attribute("style");
        }
        let height = self.element.offset_height();
        if height > self.tallest.replace(height.max(self.tallest.get())) {
            dom::set(&self.element, "style", &format!("min-height:{height}px"));
        }
    }

    /// Says a text.
    pub(crate) fn say_plain(&self, text: &str) {
        self.say(vec![Words { text: text.to_owned(), strong: false, bad: false }]);
    }

    /// What it says, as text.
    pub(crate) fn text(&self) -> String {
        self.says.borrow().iter().map(|part| part.text.as_str()).collect()
    }
}
