//! Experiments: a topic with a publisher of its own, a network that can be made slow and faulty, and
//! observers.
//!
//! Starting one answers a random key, and a topic whose name is a digest of the key. Whoever has the
//! key observes and steers; whoever has only the topic's name can receive and publish like anyone.
//! The digest is also how a server that was restarted checks a key: it needs no memory of it.
//!
//! - [`routes`](router) say what is asked of them, `observe` talks with an observer;
//! - `run` is the task that publishes, lets the planned faults come, and ends an experiment that
//!   nobody observes; what it publishes, and when, the model shares (`standby_sim::publisher`).

mod observe;
mod routes;
mod run;
pub mod schema;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use standby_trace::tap::{StartExperiment, ToObserver};
use standby_trace::{Conditions, Publish, Scenario};
use tokio::sync::watch;
use tokio::time::Instant;

pub use routes::router;
pub(crate) use routes::{Key, read};

use crate::crowd::Rows;
use crate::net::link::{Link, Links};
use crate::net::lock;
use crate::net::tap::Watch;
use crate::topics::TopicUse;
use crate::{AppState, Problem, random};

/// How the names of experiments' topics begin.
pub(crate) const PREFIX: &str = "x-";
/// A key's and a digest's length: 128 bits, in hexadecimal.
const KEY_DIGITS: usize = 32;

/// Bounds of experiments. Each is a flag of `standby serve`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Settings {
    /// Experiments at work at the same time; beyond it the answer is 503
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub max_experiments: usize,
    /// How long an experiment goes on while nobody observes it, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    pub experiment_idle_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_experiments: 200, experiment_idle_ms: 30_000 }
    }
}

/// All experiments of this server.
#[derive(Clone, Debug)]
pub struct Experiments(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    links: Links,
    at_work: Mutex<HashMap<String, Arc<Experiment>>>,
}

/// One at work.
pub(crate) struct Experiment {
    /// In use as long as it works, so that no other topic makes it go.
    topic: TopicUse,
    pub(crate) link: Arc<Link>,
    plan: watch::Sender<Plan>,
    /// The crowds on its topic. They end with it.
    pub(crate) crowd: Rows,
    /// While it works, connections record.
    _watch: Watch,
}

impl std::fmt::Debug for Experiment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Experiment").field("topic", &self.topic.name()).finish_non_exhaustive()
    }
}

/// What it is to do.
#[derive(Clone, Debug)]
struct Plan {
    scenario: Scenario,
    /// When the scenario began: the planned faults count from here.
    began: Instant,
    /// +1 each time a scenario takes over.
    turn: u64,
}

impl Experiments {
    /// None yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, links: Links::default(), at_work: Mutex::default() }))
    }

    /// How many are at work.
    #[must_use]
    pub fn at_work(&self) -> usize {
        lock(&self.0.at_work).len()
    }

    /// The network of this topic, which is an experiment's by its name.
    pub(crate) fn link(&self, topic: &str) -> Arc<Link> {
        self.0.links.of(topic)
    }

    /// Starts one; or, where the key's is at work already, has it take over the scenario. Answers
    /// the topic and the key.
    fn start(&self, app: &AppState, start: StartExperiment) -> Result<(String, String), Problem> {
        let StartExperiment { scenario, key } = start;
        scenario.check().map_err(|bad| Problem::bad_request("Bad scenario", format!("{bad}.")))?;
        let key = match key {
            Some(key) if is_key(&key) => key,
            Some(_) => {
                let detail = "`key` is what an earlier start answered, or is left out to begin anew.";
                return Err(Problem::bad_request("Bad key", detail));
            }
            None => hex(&random::bytes::<{ KEY_DIGITS / 2 }>()),
        };
        let topic = topic_of(&key);
        let conditions = scenario.conditions;
        let mut at_work = lock(&self.0.at_work);
        if let Some(experiment) = at_work.get(&topic) {
            experiment.plan.send_modify(|plan| {
                *plan = Plan { scenario, began: Instant::now(), turn: plan.turn + 1 };
            });
            experiment.crowd.clear();
            experiment.link.clear();
            experiment.change(Some(conditions), None);
            return Ok((topic, key));
        }
        if at_work.len() >= self.0.settings.max_experiments {
            let detail =
                "As many experiments as this server runs at the same time are at work. Try again later.";
            let full = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many experiments", detail);
            return Err(full.retry_after(10));
        }
        let (plan, _) = watch::channel(Plan { scenario, began: Instant::now(), turn: 0 });
        let link = self.link(&topic);
        let pinned = app.topics.pin(&topic)?;
        pinned.net.attach(&link);
        link.set_conditions(conditions);
        let experiment = Arc::new(Experiment {
            topic: pinned,
            link,
            plan,
            crowd: Rows::default(),
            _watch: Watch::begin(),
        });
        at_work.insert(topic.clone(), Arc::clone(&experiment));
        drop(at_work);
        experiment.link.reset_unseen();
        tracing::info!(topic, "experiment started");
        tokio::spawn(run::run(self.clone(), experiment, app.shutdown.clone()));
        Ok((topic, key))
    }

    /// The experiment at work on a topic, for someone who has its key.
    pub(crate) fn of(&self, topic: &str, key: Option<&str>) -> Result<Arc<Experiment>, Problem> {
        if !key.is_some_and(|key| is_key(key) && topic_of(key) == topic) {
            let detail =
                "Give the `key` that starting the experiment answered; the topic's name alone does not do.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "Wrong key", detail));
        }
        lock(&self.0.at_work).get(topic).cloned().ok_or_else(|| {
            let detail =
                "No experiment is at work on this topic. Start it again: POST /api/experiments with its key.";
            Problem::new(StatusCode::NOT_FOUND, "Experiment not at work", detail)
        })
    }

    /// Whether this very one is at work.
    fn has(&self, experiment: &Arc<Experiment>) -> bool {
        let at_work = lock(&self.0.at_work);
        at_work.get(experiment.topic.name()).is_some_and(|other| Arc::ptr_eq(other, experiment))
    }

    /// Ends one that nobody observes, and says whether it did.
    fn let_go(&self, experiment: &Experiment) -> bool {
        let mut at_work = lock(&self.0.at_work);
        // Whoever joins after this look finds out by `has`.
        if experiment.link.hub.observers() > 0 {
            return false;
        }
        at_work.remove(experiment.topic.name());
        drop(at_work);
        experiment.crowd.clear();
        experiment.link.clear();
        tracing::info!(topic = experiment.topic.name(), "experiment let go");
        true
    }
}

impl Experiment {
    /// Its topic's name.
    pub(crate) fn topic(&self) -> &str {
        self.topic.name()
    }

    /// Of all that it does by chance.
    pub(crate) fn seed(&self) -> u64 {
        self.plan.borrow().scenario.seed
    }

    fn publish(&self) -> Publish {
        self.plan.borrow().scenario.publish
    }

    /// Changes what is given, and tells observers what is now in force.
    fn change(&self, conditions: Option<Conditions>, publish: Option<Publish>) -> (Conditions, Publish) {
        if let Some(conditions) = conditions {
            self.link.set_conditions(conditions);
        }
        if let Some(publish) = publish {
            self.plan.send_modify(|plan| plan.scenario.publish = publish);
        }
        let (conditions, publish) = (self.link.conditions(), self.publish());
        self.link.hub.send(&ToObserver::Changed { conditions, publish });
        (conditions, publish)
    }
}

/// The topic that belongs to a key. Only a digest is public, so the key can't be had from it; and
/// since it can be computed at any time, a server that has just started knows whose topic it is.
fn topic_of(key: &str) -> String {
    let digest = Sha256::new().chain_update("standby experiment ").chain_update(key).finalize();
    format!("{PREFIX}{}", hex(&digest[..KEY_DIGITS / 2]))
}

fn is_key(text: &str) -> bool {
    text.len() == KEY_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_topic_is_the_same_for_every_server() {
        let key = "00112233445566778899aabbccddeeff";
        assert!(is_key(key));
        assert_eq!(topic_of(key), topic_of(key));
        assert_eq!(topic_of(key).len(), PREFIX.len() + KEY_DIGITS);
        assert!(crate::query::is_name(&topic_of(key)));
        assert_ne!(topic_of(key), topic_of("00112233445566778899aabbccddeefe"));
    }

    #[test]
    fn what_is_no_key_is_not_taken_for_one() {
        for text in
            ["", "00112233445566778899aabbccddeef", "00112233445566778899AABBCCDDEEFF", &"g".repeat(32)]
        {
            assert!(!is_key(text), "{text}");
        }
    }
}
