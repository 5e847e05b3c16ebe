//! A server of its own for each test, on a port of its own.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use standby_server::{AppState, Config, app, net};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::{Answer, Connection};

/// Far longer than anything here takes: it only ends a test that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) state: AppState,
    serving: JoinHandle<std::io::Result<()>>,
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
        let serving = tokio::spawn(net::serve(listener, router, limits, state.shutdown.clone()));
        Self { addr, state, serving }
    }

    /// Stops in order, and waits until all is closed.
    pub(crate) async fn stop(self) {
        self.state.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.serving).await.expect("the server stops").unwrap().unwrap();
        self.state.tasks.close();
        tokio::time::timeout(PATIENCE, self.state.tasks.wait()).await.expect("the sockets close");
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.addr).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, head: &str, body: &str) -> Answer {
        self.connect().await.ask(head, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> Answer {
        self.ask(&format!("GET {path}\n{headers}"), "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(&format!("POST {path}\nContent-Type: application/json"), body).await
    }

    /// Publishes `{"data": data}` and gives back the event's number.
    pub(crate) async fn publish(&self, topic: &str, data: &str) -> u64 {
        let answer =
            self.post(&format!("/api/topics/{topic}/events"), &format!(r#"{{"data":{data}}}"#)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_u64().unwrap()
    }

    /// Publishes `count` events, whose data are the numbers from 1, and gives back the epoch.
    pub(crate) async fn publish_many(&self, topic: &str, count: u64) -> String {
        for n in 1..=count {
            self.publish(topic, &n.to_string()).await;
        }
        self.epoch(topic).await
    }

    pub(crate) async fn epoch(&self, topic: &str) -> String {
        let answer = self.get(&format!("/api/topics/{topic}/poll")).await.json();
        answer["epoch"].as_str().expect("the topic lives").to_owned()
    }

    /// Waits until `kind` is held open `n` times.
    pub(crate) async fn until_held(&self, kind: &str, n: u64) {
        let line = format!("standby_held{{kind=\"{kind}\"}} {n}\n");
        self.until(async || self.get("/metrics").await.body.contains(&line)).await;
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, condition: impl AsyncFn() -> bool) {
        let wait = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the condition comes true");
    }
}

/// The ids of a poll's events.
pub(crate) fn ids(answer: &Value) -> Vec<u64> {
    answer["events"].as_array().unwrap().iter().map(|event| event["id"].as_u64().unwrap()).collect()
}
