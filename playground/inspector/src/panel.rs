//! The panels that are open, each in the element that the widget gave for it.

use std::cell::RefCell;
use std::rc::Rc;

use web_sys::HtmlElement;

use crate::code::view::Code;
use crate::host::Host;
use crate::log::view::Log;
use crate::take::curl::Curl;
use crate::take::link::Link;
use crate::take::save::Save;
use crate::wire::view::Wire;

/// A panel.
pub(crate) trait Panel {
    /// Shows what is the case now.
    fn changed(&self);
}

thread_local! {
    static OPEN: RefCell<Vec<(HtmlElement, Rc<dyn Panel>)>> = const { RefCell::new(Vec::new()) };
}

/// Builds a panel.
///
/// # Errors
/// When there is none of that name.
pub(crate) fn open(element: HtmlElement, which: &str, host: Host) -> Result<(), String> {
    let panel: Rc<dyn Panel> = match which {
        "wire" => Rc::new(Wire::new(&element, host)),
        "log" => Rc::new(Log::new(&element, host)),
        "code" => Rc::new(Code::new(&element, host)),
        "link" => Rc::new(Link::new(&element, host)),
        "curl" => Rc::new(Curl::new(&element, host)),
        "save" => Rc::new(Save::new(&element, &host)),
        _ => return Err(format!("there is no panel `{which}`")),
    };
    close(&element);
    panel.changed();
    OPEN.with_borrow_mut(|open| open.push((element, panel)));
    Ok(())
}

/// Tells a panel that there may be something new.
pub(crate) fn changed(element: &HtmlElement) {
    // What a panel does may come back here by way of the widget: nothing is borrowed meanwhile.
    let panel = OPEN.with_borrow(|open| {
        open.iter().find(|(other, _)| other.is_same_node(Some(element))).map(|(_, panel)| Rc::clone(panel))
    });
    if let Some(panel) = panel {
        panel.changed();
    }
}

/// Forgets a panel.
pub(crate) fn close(element: &HtmlElement) {
    OPEN.with_borrow_mut(|open| open.retain(|(other, _)| !other.is_same_node(Some(element))));
}
