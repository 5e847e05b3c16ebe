//! `GET /api/echo`: a WebSocket that sends back every message, for conformance suites and for the
//! page that checks a reader's network.

use axum::extract::State;
use axum::response::Response;

use crate::rate::Client;
use crate::socket::{CloseCode, Handshake, Incoming, Socket};
use crate::{AppState, Problem};

/// Opens a WebSocket that echoes text and binary messages.
#[utoipa::path(
    get,
    path = "/echo",
    tag = "besides",
    params(crate::openapi::Sub),
    responses(
        (status = 101, description = "The WebSocket is open"),
        crate::openapi::SocketProblems,
    )
)]
pub async fn echo(
    State(app): State<AppState>,
    client: Client,
    handshake: Handshake,
) -> Result<Response, Problem> {
    let (tasks, message_bytes) = (app.tasks.clone(), app.config.echo_bytes);
    Ok(handshake.accept(&tasks, message_bytes, move |socket| async move {
        repeat(&app, client, socket).await;
    }))
}

async fn repeat(app: &AppState, client: Client, mut socket: Socket) {
    let _held = app.metrics.held("echo");
    let ended = loop {
        let incoming = tokio::select! {
            incoming = socket.recv() => incoming,
            () = app.shutdown.cancelled() => {
                return socket.close(CloseCode::Away, "the server is stopping").await;
            }
        };
        let sent = match incoming {
            // An echo owes each message its echo, so who asks for too many is let go instead.
            Ok(_) if app.rates.check(client).is_err() => {
                return socket.close(CloseCode::Policy, "too many messages").await;
            }
            Ok(Incoming::Text(text)) => socket.send_text(text).await,
            Ok(Incoming::Binary(bytes)) => socket.send_binary(bytes).await,
            Err(ended) => Err(ended),
        };
        if let Err(ended) = sent {
            break ended;
        }
    };
    socket.end(ended).await;
}
