//! Where the book is.

use std::cell::RefCell;

thread_local! {
    /// The book's root, as the page's module was loaded from.
    static ROOT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The book's root, from the URL of the widgets' module: the folder above the module's own.
pub(crate) fn root_of(module_url: &str) -> &str {
    let folder = module_url.rfind('/').unwrap_or(0);
    let root = module_url[..folder].rfind('/').map_or(0, |at| at + 1);
    &module_url[..root]
}

/// Says where the book's root is: an absolute URL with a slash at its end.
pub(crate) fn set_root(root: &str) {
    ROOT.with_borrow_mut(|kept| root.clone_into(kept));
}

/// The book's root: an absolute URL with a slash at its end.
pub(crate) fn root() -> String {
    ROOT.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_above_the_modules_folder() {
        let root = "https://example.org/books/standby/";
        assert_eq!(root_of("http://localhost:3000/standby/standby.js"), "http://localhost:3000/");
        assert_eq!(root_of("https://example.org/books/standby/standby/standby.js?v=1"), root);
        assert_eq!(root_of(""), "");
    }
}
