//! What is set up, in the page's address.

use std::rc::Rc;

use standby_dom as dom;
use standby_trace::link;

use super::Widget;

impl Widget {
    /// Has the page's link stand for what is set up.
    pub(super) fn say_link(&self) {
        let fragment = link::to_fragment(Some(&self.name), &self.scenario.borrow());
        dom::set(&self.page.link, "href", &format!("#{fragment}"));
    }

    /// Sets up what the page's address asks for, if it asks for this experiment.
    pub(super) fn take_link(self: &Rc<Self>) {
        let fragment = dom::window().location().hash().unwrap_or_default();
        let Some(asked) =
            link::from_fragment(&fragment).filter(|asked| asked.name == Some(self.name.as_str()))
        else {
            return;
        };
        match asked.scenario {
            Ok(scenario) if scenario.crowd.is_some() => {
                if *self.scenario.borrow() != scenario {
                    *self.scenario.borrow_mut() = scenario;
                    self.forget_run();
                    self.say_link();
                    self.settle();
                    self.paint();
                }
            }
            Ok(_) => self.say_notice("This link is for another kind of experiment."),
            Err(bad) => self.say_notice(&format!("This link can't be used: {bad}")),
        }
    }
}
