//! One experiment is live at a time, over all tabs of this browser.
//!
//! Browsers allow six HTTP/1.1 connections to an origin, for all its tabs together, and one
//! experiment holds up to five of them. Whoever starts one says so to the others, on the page and
//! over a `BroadcastChannel`; they let go. Nobody keeps a list, so nobody can leave a stale one.

use standby_trace::json::{self, Members, Read, Value, Wrong};
use wasm_bindgen::JsValue;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::dom::{self, time};

/// The channel's name.
const CHANNEL: &str = "standby";

/// "I start now."
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Claim {
    /// When, on the wall clock.
    at_ms: u64,
    /// Who: a random number. Two tabs may start in the same millisecond.
    by: u64,
}

impl Read for Claim {
    fn read(value: &Value<'_>) -> Result<Self, Wrong> {
        let of = Members::of("a claim", value)?;
        Ok(Self { at_ms: of.u64("at_ms")?, by: of.u64("by")? })
    }
}

impl Claim {
    fn to_json(self) -> String {
        format!(r#"{{"at_ms":{},"by":{}}}"#, self.at_ms, self.by)
    }

    /// Whether whoever holds this claim gives way to `other`. Of two that started at once exactly
    /// one does.
    fn gives_way_to(self, other: Self) -> bool {
        (other.at_ms, other.by) > (self.at_ms, self.by)
    }
}

/// What this page has claimed, and what it hears.
#[derive(Debug, Default)]
struct Claims {
    own: Option<Claim>,
}

impl Claims {
    fn claim(&mut self, at_ms: u64, by: u64) -> Claim {
        let claim = Claim { at_ms, by };
        self.own = Some(claim);
        claim
    }

    /// Another tab's claim; says whether this page gives way.
    fn heard(&mut self, other: Claim) -> bool {
        let gives_way = self.own.is_none_or(|own| own.gives_way_to(other));
        if gives_way {
            self.own = None;
        }
        gives_way
    }
}

/// This page's end of the channel.
pub(crate) struct Exclusive {
    /// `None` where the browser gives none (some do so in private windows).
    channel: Option<BroadcastChannel>,
    claims: std::rc::Rc<std::cell::RefCell<Claims>>,
}

impl Exclusive {
    /// Opens it; `give_way` is called when another tab starts an experiment.
    pub(crate) fn new(give_way: impl Fn() + 'static) -> Self {
        let claims = std::rc::Rc::<std::cell::RefCell<Claims>>::default();
        let channel = BroadcastChannel::new(CHANNEL).ok();
        if let Some(channel) = &channel {
            let claims = claims.clone();
            dom::on(channel, "message", move |event| {
                let text = event_text(event);
                // Whatever another version of this book may say there, only a claim counts.
                if let Ok(claim) = json::read(&text)
                    && claims.borrow_mut().heard(claim)
                {
                    give_way();
                }
            });
        }
        Self { channel, claims }
    }

    /// Tells the other tabs that an experiment starts here.
    pub(crate) fn claim(&self) {
        let claim = self.claims.borrow_mut().claim(time::wall_ms(), time::random());
        if let Some(channel) = &self.channel {
            let _ = channel.post_message(&JsValue::from_str(&claim.to_json()));
        }
    }
}

fn event_text(event: &web_sys::Event) -> String {
    use wasm_bindgen::JsCast as _;
    event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_heard_as_it_was_made() {
        let claim = Claim { at_ms: 1_764_000_000_000, by: (1 << 53) - 1 };
        assert_eq!(json::read(&claim.to_json()), Ok(claim));
    }

    #[test]
    fn the_later_claim_wins() {
        let mut claims = Claims::default();
        claims.claim(10, 1);
        assert!(!claims.heard(Claim { at_ms: 9, by: 2 }));
        assert!(claims.heard(Claim { at_ms: 11, by: 2 }));
    }

    #[test]
    fn of_two_that_start_at_once_exactly_one_gives_way() {
        let (mut a, mut b) = (Claims::default(), Claims::default());
        let (of_a, of_b) = (a.claim(10, 1), b.claim(10, 2));
        assert_ne!(a.heard(of_b), b.heard(of_a));
    }

    #[test]
    fn a_page_that_runs_nothing_gives_way_to_anyone() {
        assert!(Claims::default().heard(Claim { at_ms: 1, by: 1 }));
    }
}
