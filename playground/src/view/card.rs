//! What stands over the picture when there is something to say or to do first.

use web_sys::HtmlElement;

use crate::dom::{self, Words};
use crate::state::{Pause, State, Trouble};

/// What the card says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Says {
    what: String,
    /// What to do about it.
    then: String,
    /// A command to run.
    command: String,
    /// The button's text.
    button: &'static str,
}

/// The card.
pub(crate) struct Card {
    element: HtmlElement,
    what: (HtmlElement, Words),
    then: (HtmlElement, Words),
    command: (HtmlElement, Words),
    button: Words,
}

impl Card {
    /// Builds it; `run` is called when its button is pressed.
    pub(crate) fn new(run: impl Fn() + 'static) -> Self {
        let part = |tag: &str, class: &str| {
            let element = dom::classed(tag, class).done();
            let words = Words::within(&element, "");
            (element, words)
        };
        let what = part("p", "standby-what");
        let then = part("p", "standby-then");
        let command = part("code", "standby-command");
        let press = dom::button("standby-primary", "").on("click", move |_| run()).done();
        let button = Words::within(&press, "");
        let element = dom::classed("div", "standby-card")
            .child(&what.0)
            .child(&then.0)
            .child(&command.0)
            .child(&press)
            .done();
        Self { element, what, then, command, button }
    }

    /// Its element.
    pub(crate) fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// Says what the state calls for, or goes away.
    pub(crate) fn show(&self, state: &State) {
        let says = says(state);
        dom::show(&self.element, says.is_some());
        let Some(says) = says else { return };
        for ((element, words), text) in [
            (&self.what, says.what.as_str()),
            (&self.then, says.then.as_str()),
            (&self.command, says.command.as_str()),
        ] {
            words.say(text);
            dom::show(element, !text.is_empty());
        }
        self.button.say(says.button);
    }
}

fn says(state: &State) -> Option<Says> {
    let says = match state {
        State::Idle => Says { button: "▶ Run", ..Says::default() },
        State::Paused(Pause::Elsewhere { tab }) => Says {
            what: format!(
                "Paused: another experiment runs {}.",
                if *tab { "in another tab" } else { "on this page" }
            ),
            then: "One runs at a time, because a browser allows few connections to one server.".to_owned(),
            button: "▶ Go on here",
            ..Says::default()
        },
        State::Stopped(Trouble::NotThere) => Says {
            what: "The server does not answer.".to_owned(),
            then: "Start it again, in the book's repository:".to_owned(),
            command: "cargo xtask serve".to_owned(),
            button: "Try again",
        },
        State::Stopped(Trouble::Busy) => Says {
            what: "The browser has no connection free.".to_owned(),
            then: "Over HTTP/1.1 it allows six to one server, for all tabs together, and another tab \
                   holds them. Pause what runs there, or close it."
                .to_owned(),
            button: "Try again",
            ..Says::default()
        },
        State::Stopped(Trouble::NotLoaded { why }) => Says {
            what: "The part of this page that runs experiments could not be loaded.".to_owned(),
            then: why.clone(),
            button: "Try again",
            ..Says::default()
        },
        State::Stopped(Trouble::Refused { said }) => Says {
            what: "The server did not start this experiment.".to_owned(),
            then: said.clone(),
            button: "Try again",
            ..Says::default()
        },
        State::Starting | State::Live | State::Reconnecting | State::Paused(_) | State::Recorded => {
            return None;
        }
    };
    Some(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stops_an_experiment_says_what_to_do() {
        let troubles = [
            Trouble::NotThere,
            Trouble::Busy,
            Trouble::NotLoaded { why: "Failed to fetch".to_owned() },
            Trouble::Refused { said: "At capacity: try again in 5 s".to_owned() },
        ];
        for trouble in troubles {
            let says = says(&State::Stopped(trouble)).unwrap();
            assert!(!says.what.is_empty() && !says.then.is_empty() && !says.button.is_empty());
        }
    }

    #[test]
    fn nothing_stands_before_a_picture_that_runs() {
        let states = [
            State::Starting,
            State::Live,
            State::Reconnecting,
            State::Paused(Pause::Reader),
            State::Recorded,
        ];
        for state in states {
            assert_eq!(says(&state), None);
        }
    }
}
