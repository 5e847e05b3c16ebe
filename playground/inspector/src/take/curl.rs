//! Joining the topic from a terminal.

use std::cell::RefCell;

use standby_dom as dom;
use web_sys::HtmlElement;

use super::commands::{Command, commands};
use crate::copy;
use crate::host::Host;
use crate::panel::Panel;

/// The panel with the commands.
pub(crate) struct Curl {
    host: Host,
    list: HtmlElement,
    shown: RefCell<Option<Vec<Command>>>,
}

impl Curl {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: Host) -> Self {
        let list = dom::classed("div", "standby-taken").done();
        let _ = element.append_child(&list);
        Self { host, list, shown: RefCell::default() }
    }
}

impl Panel for Curl {
    fn changed(&self) {
        let commands = commands(&self.host.place());
        if self.shown.borrow().as_ref() == Some(&commands) {
            return;
        }
        self.list.set_text_content(None);
        let first = if commands.is_empty() {
            "Run the experiment first: its topic is made when it starts. Then the commands that join it \
             stand here."
        } else {
            "Run one of these in a terminal: it joins this very topic, and shows up in the picture as one \
             more lane, “outside”."
        };
        let _ = self.list.append_child(&dom::html("p").text(first).done());
        for command in &commands {
            let line = command.line.clone();
            let _ = self.list.append_child(
                &dom::classed("section", "standby-command-for")
                    .child(&dom::classed("p", "standby-sub").text(command.name).done())
                    .child(&dom::html("p").text(command.says).done())
                    .child(
                        &dom::classed("pre", "standby-code")
                            .set("tabindex", "0")
                            .set("role", "region")
                            .set("aria-label", &format!("{}: command", command.name))
                            .child(&dom::html("code").text(&command.line).done())
                            .done(),
                    )
                    .child(&copy::button("Copy", move || line.clone()))
                    .done(),
            );
        }
        self.shown.replace(Some(commands));
    }
}
