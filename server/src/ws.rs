//! `GET /api/topics/{topic}/ws`: one connection, both ways.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use standby_transport::Frame;
use standby_transport::event::Heartbeat;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_util::sync::CancellationToken;

use crate::net::Served;
use crate::publish::publish_json;
use crate::query::{After, HeartbeatMs, KeepAliveMs, TopicName};
use crate::rate::Client;
use crate::socket::{CloseCode, Handshake, Incoming, Socket};
use crate::subscriber::Subscriber;
use crate::{AppState, Problem};

/// Opens a WebSocket on the topic.
///
/// Server to client, one JSON object a text frame: first `{"hello": {"epoch", "last_id"}}` or
/// `{"reset": …}`, then `{"gap": …}` and events as they come; with `heartbeat_ms`, `{"heartbeat":
/// {"last_id"}}` where there was nothing else for so long. Client to server: `{"data", "key"?}`
/// publishes; anything else gets `{"error": {"title", "detail"}}`.
#[utoipa::path(
    get,
    path = "/topics/{topic}/ws",
    tag = "topics",
    params(crate::openapi::Topic, crate::openapi::After, crate::openapi::Pings, crate::openapi::Sub),
    responses(
        (status = 101, description = "The WebSocket is open"),
        crate::openapi::SocketProblems,
    )
)]
// ANCHOR: handler
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub async fn ws(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    After(after): After,
    KeepAliveMs(keep_alive_ms): KeepAliveMs,
    HeartbeatMs(heartbeat_ms): HeartbeatMs,
    served: Served,
    client: Client,
    handshake: Handshake,
) -> Result<Response, Problem> {
    // Before the answer: what is published from here on is not missed.
    let (subscriber, opening) = Subscriber::open(app.topics.pin(&topic)?, after.as_ref());
    let (tasks, message_bytes) = (app.tasks.clone(), app.config.ws_bytes);
    let keep_alive = app.config.keep_alive(keep_alive_ms);
    let signs = Signs { keep_alive, heartbeat_ms, leaving: served.leaving };
    Ok(handshake.accept(&tasks, message_bytes, move |socket| async move {
        converse(&app, client, socket, subscriber, opening, signs).await;
    }))
}

/// How the two ends are to learn of each other that they are there.
struct Signs {
    keep_alive: Duration,
    heartbeat_ms: Option<u32>,
    /// When they part in order.
    leaving: CancellationToken,
}

/// Says what the topic says, and publishes what the peer says, until either end is gone.
async fn converse(
    app: &AppState,
    client: Client,
    mut socket: Socket,
    mut topic: Subscriber,
    opening: Frame,
    Signs { keep_alive, heartbeat_ms, leaving }: Signs,
) {
    let _held = app.metrics.held("websocket");
    // Whether events go out or not: to send shows nothing, since TCP takes bytes for a peer that is
    // gone as gladly as for one that is there.
    let mut ping = interval_at(Instant::now() + keep_alive, keep_alive);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let heartbeat = heartbeat_ms.map(|ms| Duration::from_millis(ms.into()));
    let quiet = sleep(heartbeat.unwrap_or_default());
    tokio::pin!(quiet);

    let mut sent = socket.send_text(opening.to_json().into()).await;
    while sent.is_ok() {
        sent = tokio::select! {
            delivery = topic.next() => {
                if let Some(heartbeat) = heartbeat {
                    quiet.as_mut().reset(Instant::now() + heartbeat);
                }
                match Utf8Bytes::try_from(delivery.json()) {
                    Ok(text) => socket.send_text(text).await,
                    Err(_) => unreachable!("JSON is UTF-8"),
                }
            }
            incoming = socket.recv() => match incoming {
                Ok(incoming) => match take(app, client, &topic, &incoming) {
                    // No acknowledgement: the event comes back like any other.
                    Ok(()) => Ok(()),
                    Err(problem) => socket.send_text(refusal(&problem)).await,
                },
                Err(ended) => Err(ended),
            },
            _ = ping.tick() => {
                if !socket.has_answered() {
                    return socket.give_up("no pong came").await;
                }
                socket.ping().await
            }
            () = &mut quiet, if heartbeat.is_some() => {
                quiet.as_mut().reset(Instant::now() + heartbeat.unwrap_or_default());
                let heartbeat = Heartbeat { last_id: topic.last_id() };
                socket.send_text(Frame::Heartbeat(heartbeat).to_json().into()).await
            }
            () = leaving.cancelled() => {
                return socket.close(CloseCode::Away, "the server is stopping").await;
            }
        };
    }
    if let Err(ended) = sent {
        socket.end(ended).await;
    }
}
// ANCHOR_END: handler

/// Publishes what the peer says.
fn take(app: &AppState, client: Client, topic: &Subscriber, incoming: &Incoming) -> Result<(), Problem> {
    app.rates.check(client)?;
    match incoming {
        Incoming::Text(text) => publish_json(&app.topics, topic.topic().name(), text.as_bytes()).map(drop),
        Incoming::Binary(_) => {
            let detail = r#"Send {"data": any JSON, "key"?: string} in a text frame."#;
            Err(Problem::bad_request("Not an event", detail))
        }
    }
}

fn refusal(problem: &Problem) -> Utf8Bytes {
    let (title, detail) = (problem.title.clone().into_owned(), problem.detail.clone().into_owned());
    Frame::Error { title, detail }.to_json().into()
}
