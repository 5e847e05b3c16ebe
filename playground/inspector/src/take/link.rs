//! The link that sets the experiment up as it is now.

use standby_dom as dom;
use standby_trace::Scenario;
use web_sys::{HtmlElement, HtmlInputElement};

use crate::copy;
use crate::host::{Host, Place};
use crate::panel::Panel;

/// The link's panel.
pub(crate) struct Link {
    host: Host,
    shown: HtmlInputElement,
}

impl Link {
    /// Builds it.
    pub(crate) fn new(element: &HtmlElement, host: Host) -> Self {
        let shown: HtmlInputElement = dom::classed("input", "standby-url")
            .set("readonly", "")
            .set("spellcheck", "false")
            .set("aria-label", "The link")
            .into();
        let copy = {
            let host = host.clone();
            copy::button("Copy link", move || address(&host))
        };
        let _ = element.append_child(
            &dom::classed("div", "standby-taken")
                .child(
                    &dom::html("p")
                        .text(
                            "This link opens the page with the experiment set up as it is now: lanes, \
                             intervals, network, faults and seed. They are behind the #, so they go to no \
                             server.",
                        )
                        .done(),
                )
                .child(&shown)
                .child(&copy)
                .done(),
        );
        Self { host, shown }
    }
}

impl Panel for Link {
    fn changed(&self) {
        let address = address(&self.host);
        if self.shown.value() != address {
            self.shown.set_value(&address);
        }
    }
}

fn address(host: &Host) -> String {
    to(&host.place(), &host.scenario()).unwrap_or_default()
}

/// The link for parameters in JSON; `None` where they are none.
fn to(place: &Place, scenario: &str) -> Option<String> {
    let scenario = Scenario::from_json(scenario).ok()?;
    let file = place.page.split('?').next().and_then(|page| page.rsplit('/').next()).unwrap_or_default();
    // The playground page has one experiment, which any page's link may set up.
    let name = (file != "playground.html").then_some(place.id.as_str()).filter(|name| !name.is_empty());
    Some(format!("{}#{}", place.page, place.fragment(name, &scenario)))
}

#[cfg(test)]
mod tests {
    use standby_trace::link;

    use super::*;

    #[test]
    fn a_link_leads_back_to_the_same_parameters_and_the_same_experiment() {
        let scenario = crate::sample::trace().scenario;
        let json = serde_json::to_string(&scenario).unwrap();
        let place =
            |page: &str| Place { page: page.to_owned(), id: "four-ways".to_owned(), ..Place::default() };
        for (page, name) in [
            ("http://localhost:3000/short-polling.html", Some("four-ways")),
            ("http://localhost:3000/playground.html", None),
        ] {
            let link = to(&place(page), &json).unwrap();
            let (before, fragment) = link.split_once('#').unwrap();
            assert_eq!(before, page);
            let asked = link::from_fragment(fragment).unwrap();
            assert_eq!((asked.name, asked.scenario), (name, Ok(scenario.clone())));
        }
        assert_eq!(to(&place("http://localhost/"), ""), None);
        let both = Place { sources: "both".to_owned(), ..place("http://localhost/a.html") };
        let link = to(&both, &json).unwrap();
        let asked = link::from_fragment(link.split_once('#').unwrap().1).unwrap();
        assert_eq!((asked.sources, asked.scenario), (link::Sources::Both, Ok(scenario)));
    }
}
