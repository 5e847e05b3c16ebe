//! Where the book is.

use std::cell::RefCell;

thread_local! {
    /// The book's root, as the page's module was loaded from.
    static ROOT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Says where the book's root is: an absolute URL with a slash at its end.
pub(crate) fn set_root(root: &str) {
    ROOT.with_borrow_mut(|kept| root.clone_into(kept));
}

/// The book's root: an absolute URL with a slash at its end.
pub(crate) fn root() -> String {
    ROOT.with_borrow(Clone::clone)
}
