//! A server of its own for each test, experiments on it, and their observers.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use standby_server::crowd::Place;
use standby_server::{AppState, Config, app, net};
use standby_trace::tap::{App, ExperimentStarted, Part, ToObserver, Wire};
use standby_trace::trace::Direction;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::peer::Peer;

/// Far longer than anything here takes: it only ends a test that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) state: AppState,
    pub(crate) serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        set(&mut config);
        let limits = config.limits;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (router, state) = app(config).unwrap();
        let program = env!("CARGO_BIN_EXE_standby").into();
        state.crowds.open(Place { addr, program }, state.config.crowd);
        let serving = tokio::spawn(net::serve(listener, router, limits, state.shutdown.clone()));
        Self { addr, state, serving }
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer::connect(self.addr).await
    }

    /// One request with a body on a connection of its own: the answer's head and body.
    pub(crate) async fn ask(&self, method: &str, target: &str, body: &str) -> (String, String) {
        let mut peer = self.connect().await;
        peer.send_body(method, target, body).await;
        peer.answer().await
    }

    /// Starts an experiment that publishes only by hand; `more` are members of its scenario.
    pub(crate) async fn experiment(&self, more: Value) -> Experiment {
        let started = self.start_experiment(&json!({ "scenario": scenario(more) })).await;
        Experiment { topic: started.topic, key: started.key }
    }

    pub(crate) async fn start_experiment(&self, body: &Value) -> ExperimentStarted {
        let (head, body) = self.ask("POST", "/api/experiments", &body.to_string()).await;
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Observes an experiment; its hello has come.
    pub(crate) async fn observe(&self, experiment: &Experiment) -> Observer {
        let mut peer = self.connect().await;
        peer.upgrade(&format!("{}/observe?key={}", experiment.path(), experiment.key)).await;
        let mut observer = Observer { peer, records: Vec::new() };
        assert!(matches!(observer.next().await, ToObserver::Hello { .. }));
        observer
    }

    /// Publishes `data` on the experiment's topic.
    pub(crate) async fn publish(&self, experiment: &Experiment, data: &Value) {
        let (head, body) = self
            .ask("POST", &format!("{}/events", experiment.path()), &json!({ "data": data }).to_string())
            .await;
        assert!(head.starts_with("HTTP/1.1 201 "), "{head}{body}");
    }

    pub(crate) async fn fault(&self, experiment: &Experiment, fault: Value) {
        let target = format!("{}/faults?key={}", experiment.path(), experiment.key);
        let (head, body) = self.ask("POST", &target, &fault.to_string()).await;
        assert!(head.starts_with("HTTP/1.1 204 "), "{head}{body}");
    }

    pub(crate) async fn steer(&self, experiment: &Experiment, change: Value) -> Value {
        let target = format!("{}/experiment?key={}", experiment.path(), experiment.key);
        let (head, body) = self.ask("PATCH", &target, &change.to_string()).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// A scenario that publishes only by hand, with these members in place of its own.
pub(crate) fn scenario(mut more: Value) -> Value {
    let mut scenario = json!({
        "v": 1,
        "lanes": [{ "transport": "sse", "retry_ms": 1_000 }],
        "publish": { "every_ms": 0 },
    });
    scenario.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    scenario
}

pub(crate) struct Experiment {
    pub(crate) topic: String,
    pub(crate) key: String,
}

impl Experiment {
    pub(crate) fn path(&self) -> String {
        format!("/api/topics/{}", self.topic)
    }
}

pub(crate) struct Observer {
    pub(crate) peer: Peer,
    /// All that was told so far, without the hello.
    pub(crate) records: Vec<ToObserver>,
}

impl Observer {
    /// The next record.
    pub(crate) async fn next(&mut self) -> ToObserver {
        loop {
            let (first, payload) = self.peer.frame().await;
            if first == 0x81 {
                return serde_json::from_slice(&payload).unwrap();
            }
        }
    }

    /// Listens until a record is what is waited for.
    pub(crate) async fn until(&mut self, is_it: impl Fn(&ToObserver) -> bool) -> ToObserver {
        self.listen(|observer| observer.records.last().is_some_and(&is_it)).await;
        self.records.last().cloned().unwrap()
    }

    /// Listens to at least one record, and until all that was told is what is waited for.
    async fn listen(&mut self, is_enough: impl Fn(&Self) -> bool) {
        let listen = async {
            loop {
                let record = self.next().await;
                self.records.push(record);
                if is_enough(self) {
                    return;
                }
            }
        };
        let heard = timeout(PATIENCE, listen).await;
        assert!(heard.is_ok(), "what is waited for does not come: {:#?}", self.records);
    }

    /// Listens until so many parts of this kind were on the wire.
    pub(crate) async fn until_wire(&mut self, part: Part, count: usize) {
        let is_enough = |observer: &Self| observer.wires().filter(|wire| wire.part == part).count() >= count;
        if !is_enough(self) {
            self.listen(is_enough).await;
        }
    }

    /// Listens until it knows of all bytes that the peer has sent and got.
    pub(crate) async fn until_all_of(&mut self, sub: &str, peer: &Peer) {
        let is_enough = |observer: &Self| {
            observer.bytes(sub, Direction::ToServer).len() >= peer.sent.len()
                && observer.bytes(sub, Direction::ToClient).len() >= peer.got.len()
        };
        if !is_enough(self) {
            self.listen(is_enough).await;
        }
    }

    pub(crate) fn wires(&self) -> impl Iterator<Item = &Wire> {
        self.records.iter().filter_map(|record| match record {
            ToObserver::Wire(wire) => Some(wire),
            _ => None,
        })
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = &App> {
        self.records.iter().filter_map(|record| match record {
            ToObserver::App(app) => Some(app),
            _ => None,
        })
    }

    /// All bytes of one direction on the connections that said `sub`, in order.
    pub(crate) fn bytes(&self, sub: &str, direction: Direction) -> Vec<u8> {
        let wires = self.wires().filter(|wire| wire.direction == direction);
        wires
            .filter(|wire| wire.exchange.sub.as_deref() == Some(sub))
            .flat_map(|wire| wire.bytes.clone())
            .collect()
    }
}

/// Waits for a condition.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the condition comes true");
}
