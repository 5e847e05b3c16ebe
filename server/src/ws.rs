//! `GET /api/topics/{topic}/ws`: one connection, both ways.

use axum::extract::State;
use axum::response::Response;
use standby_transport::Frame;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::publish::publish_json;
use crate::query::{After, TopicName};
use crate::rate::Client;
use crate::socket::{CloseCode, Handshake, Incoming, Socket};
use crate::subscriber::Subscriber;
use crate::{AppState, Problem};

/// Opens a WebSocket on the topic.
///
/// Server to client, one JSON object a text frame: first `{"hello": {"epoch", "last_id"}}` or
/// `{"reset": …}`, then `{"gap": …}` and events as they come. Client to server: `{"data", "key"?}`
/// publishes; anything else gets `{"error": {"title", "detail"}}`.
#[utoipa::path(
    get,
    path = "/topics/{topic}/ws",
    tag = "topics",
    params(crate::openapi::Topic, crate::openapi::After, crate::openapi::Sub),
    responses(
        (status = 101, description = "The WebSocket is open"),
        crate::openapi::SocketProblems,
    )
)]
// ANCHOR: handler
pub async fn ws(
    State(app): State<AppState>,
    TopicName(topic): TopicName,
    After(after): After,
    client: Client,
    handshake: Handshake,
) -> Result<Response, Problem> {
    // Before the answer: what is published from here on is not missed.
    let (subscriber, opening) = Subscriber::open(app.topics.pin(&topic)?, after.as_ref());
    let (tasks, message_bytes) = (app.tasks.clone(), app.config.ws_bytes);
    Ok(handshake.accept(&tasks, message_bytes, move |socket| async move {
        converse(&app, client, socket, subscriber, opening).await;
    }))
}

/// Says what the topic says, and publishes what the peer says, until either end is gone.
async fn converse(app: &AppState, client: Client, mut socket: Socket, mut topic: Subscriber, opening: Frame) {
    let _held = app.metrics.held("websocket");
    let keep_alive = app.config.keep_alive();
    let mut ping = interval_at(Instant::now() + keep_alive, keep_alive);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);

    let mut sent = socket.send_text(opening.to_json().into()).await;
    while sent.is_ok() {
        sent = tokio::select! {
            delivery = topic.next() => {
                ping.reset();
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
            _ = ping.tick() => socket.ping().await,
            () = app.shutdown.cancelled() => {
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
