//! A scenario in the fragment of a URL: what is sent around with a link.
//!
//! `#run=…` is for the page's own experiment, `#four-ways&run=…` for the one of that name. The value
//! is the scenario's JSON in base64 for URLs (RFC 4648 §5, without padding), so that no chat program
//! breaks it. Where the run is not to be live, `&source=simulated` or `&source=both` follows: that is a
//! reader's choice and no parameter, so the same scenario is the same text on either. A fragment stays in
//! the browser: no server's log has it.

use crate::base64::URL;
use crate::json;
use crate::scenario::{BadScenario, Scenario};

const RUN: &str = "run=";
const SOURCE: &str = "source=";

/// A fragment that nobody has made with this book: longer ones are not read.
const LONGEST_BYTES: usize = 16 * 1024;

/// Which sources a reader wants a scenario run by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sources {
    /// The real browser, network and server; the model where there is no server.
    #[default]
    Live,
    /// The model.
    Simulated,
    /// Both at once, in two rows.
    Both,
}

impl Sources {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Simulated, Self::Both];

    /// Its name in links and pages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Simulated => "simulated",
            Self::Both => "both",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sources| sources.name() == name)
    }

    /// A scenario's fragment, with this choice.
    #[must_use]
    pub fn in_fragment(self, fragment: String) -> String {
        match self {
            Self::Live => fragment,
            other => format!("{fragment}&{SOURCE}{}", other.name()),
        }
    }
}

/// The fragment for a scenario, without `#`. `name`: the experiment that it is for, if the page has
/// several.
#[must_use]
pub fn to_fragment(name: Option<&str>, scenario: &Scenario) -> String {
    let run = URL.encode(json::write(scenario).as_bytes());
    match name {
        Some(name) => format!("{name}&{RUN}{run}"),
        None => format!("{RUN}{run}"),
    }
}

/// What a fragment asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The experiment that it is for; `None`: the page's own.
    pub name: Option<&'a str>,
    /// Its parameters, or what is wrong with them.
    pub scenario: Result<Scenario, BadScenario>,
    /// What is to run it.
    pub sources: Sources,
}

/// Reads a fragment, with or without `#`; `None` if it holds no scenario.
#[must_use]
pub fn from_fragment(fragment: &str) -> Option<Asked<'_>> {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    let (name, run) = match fragment.strip_prefix(RUN) {
        Some(run) => (None, run),
        None => {
            let (name, run) = fragment.split_once('&')?;
            (Some(name), run.strip_prefix(RUN)?)
        }
    };
    let (run, source) = run.split_once('&').map_or((run, None), |(run, rest)| (run, Some(rest)));
    let sources = source.map_or(Some(Sources::Live), |rest| Sources::named(rest.strip_prefix(SOURCE)?));
    let scenario = match sources {
        Some(_) => read(run),
        None => Err(BadScenario(format!(
            "it asks for `{}`, which this book does not know",
            source.unwrap_or_default()
        ))),
    };
    Some(Asked { name, scenario, sources: sources.unwrap_or_default() })
}

fn read(run: &str) -> Result<Scenario, BadScenario> {
    let bad = |why: &str| BadScenario(format!("this link is damaged: {why}"));
    if run.len() > LONGEST_BYTES {
        return Err(bad("it is too long"));
    }
    let json = URL.decode(run.trim_end_matches('=')).ok_or_else(|| bad("it is cut or changed"))?;
    let json = String::from_utf8(json).map_err(|_| bad("it is cut or changed"))?;
    Scenario::from_json(&json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Conditions, LaneSpec, Publish, Spread, Transport, What};

    fn scenario() -> Scenario {
        Scenario {
            v: 1,
            lanes: Transport::ALL.map(LaneSpec::default_for).to_vec(),
            publish: Publish { every_ms: 1_200, spread: Spread::Fixed, what: What::Chat },
            conditions: Conditions { latency_ms: 100, ..Conditions::default() },
            faults: Vec::new(),
            clients: 1,
            crowd: None,
            seed: 7,
            window_ms: 8_000,
        }
    }

    #[test]
    fn a_link_sets_up_what_it_was_made_from() {
        for name in [None, Some("four-ways")] {
            let fragment = format!("#{}", to_fragment(name, &scenario()));
            let asked = from_fragment(&fragment).unwrap();
            assert_eq!(asked.name, name);
            assert_eq!(asked.scenario, Ok(scenario()));
        }
    }

    #[test]
    fn a_link_keeps_what_is_to_run_it() {
        for sources in Sources::ALL {
            let fragment = sources.in_fragment(to_fragment(Some("four-ways"), &scenario()));
            let asked = from_fragment(&fragment).unwrap();
            assert_eq!((asked.name, asked.sources), (Some("four-ways"), sources));
            assert_eq!(asked.scenario, Ok(scenario()));
            assert_eq!(fragment.contains("source="), sources != Sources::Live, "{fragment}");
        }
    }

    #[test]
    fn a_source_that_is_not_known_is_told_and_not_guessed() {
        for rest in ["source=dreamt", "sauce=both", "source=", ""] {
            let fragment = format!("{}&{rest}", to_fragment(None, &scenario()));
            let said = from_fragment(&fragment).unwrap().scenario.unwrap_err().0;
            assert!(said.contains(rest), "{said}");
        }
    }

    #[test]
    fn other_fragments_are_left_alone() {
        for other in ["", "#", "#four-ways", "#what-it-costs", "#a&b", "#a&b=run="] {
            assert_eq!(from_fragment(other), None, "{other}");
        }
    }

    #[test]
    fn a_damaged_link_says_so() {
        let whole = to_fragment(None, &scenario());
        for damaged in
            [&whole[..whole.len() - 7], "run=", "run=%%%", "run=AAAA", &format!("run={}", "A".repeat(20_000))]
        {
            let asked = from_fragment(damaged).unwrap();
            assert!(asked.scenario.is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_link_of_a_later_version_says_so() {
        let json = serde_json::to_string(&scenario()).unwrap().replacen("\"v\":1", "\"v\":2", 1);
        let link = format!("run={}", URL.encode(json.as_bytes()));
        let said = from_fragment(&link).unwrap().scenario.unwrap_err().0;
        assert!(said.contains("version 2"), "{said}");
    }

    #[test]
    fn the_fragment_of_a_known_scenario_stays_the_same() {
        // Links that were sent around must go on working.
        let old = "run=eyJ2IjoxLCJsYW5lcyI6W3sidHJhbnNwb3J0Ijoic2hvcnQtcG9sbCIsImludGVydmFsX21zIjoxMDAwfV0sInB1Ymxpc2giOnsiZXZlcnlfbXMiOjEyMDB9fQ";
        let scenario = from_fragment(old).unwrap().scenario.unwrap();
        assert_eq!(scenario.lanes, [LaneSpec::ShortPoll { interval_ms: 1_000, conditional: false }]);
        assert_eq!(scenario.publish.every_ms, 1_200);
    }
}
