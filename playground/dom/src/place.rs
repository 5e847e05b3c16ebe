//! Where a module stands, and the book around it.

/// The book's root, from the URL of the widgets' module: the folder above the module's own.
pub fn root_of(module_url: &str) -> &str {
    let folder = module_url.rfind('/').unwrap_or(0);
    let root = module_url[..folder].rfind('/').map_or(0, |at| at + 1);
    &module_url[..root]
}

/// The URL of a file beside a module.
pub fn beside(module_url: &str, name: &str) -> String {
    let folder = module_url.rfind('/').map_or("", |at| &module_url[..=at]);
    format!("{folder}{name}")
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

    #[test]
    fn what_stands_beside_a_module_is_in_its_folder() {
        let url = "http://localhost:3000/standby/herd.js";
        assert_eq!(beside(url, "runner.js"), "http://localhost:3000/standby/runner.js");
        assert_eq!(beside("", "runner.js"), "runner.js");
    }
}
