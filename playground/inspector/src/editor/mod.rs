//! The playground page's editor.

use standby_dom as dom;
use web_sys::HtmlElement;

use crate::host::Host;

/// Builds it into an empty element.
pub fn build(element: &HtmlElement, host: &Host) {
    let _ = element.append_child(&dom::html("pre").text(&host.scenario()).done());
}
