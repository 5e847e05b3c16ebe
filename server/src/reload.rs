//! `GET /api/dev/reload`, with `--live-reload`: a WebSocket that says `reload` when the book in
//! `--book DIR` was built again, which whoever builds it tells by touching `DIR/.reload`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use utoipa_axum::router::OpenApiRouter;

use crate::AppState;
use crate::socket::{CloseCode, Handshake, Socket};

/// How often to look.
const EVERY: Duration = Duration::from_millis(200);

/// The route, where it was asked for. It is for pages under development and no part of the API.
pub fn router(book: Option<PathBuf>, live_reload: bool) -> OpenApiRouter<AppState> {
    let router = OpenApiRouter::new();
    match book {
        Some(book) if live_reload => {
            let file = book.join(".reload");
            router.route("/dev/reload", get(move |state, handshake| reload(file.clone(), state, handshake)))
        }
        _ => router,
    }
}

async fn reload(file: PathBuf, State(app): State<AppState>, handshake: Handshake) -> Response {
    let tasks = app.tasks.clone();
    // Before the answer: whatever is built from here on is told.
    let seen = modified(&file).await;
    handshake.accept(&tasks, 1024, move |socket| async move { watch(&app, &file, seen, socket).await })
}

async fn watch(app: &AppState, file: &Path, mut seen: Option<SystemTime>, mut socket: Socket) {
    let mut look = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = look.tick() => {
                let now = modified(file).await;
                if now == seen {
                    continue;
                }
                seen = now;
                if let Err(ended) = socket.send_text(Utf8Bytes::from_static("reload")).await {
                    return socket.end(ended).await;
                }
            }
            // Pages say nothing; this is how it is learned that one has gone.
            incoming = socket.recv() => if let Err(ended) = incoming {
                return socket.end(ended).await;
            },
            () = app.shutdown.cancelled() => return socket.close(CloseCode::Away, "the server is stopping").await,
        }
    }
}

async fn modified(file: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(file).await.ok()?.modified().ok()
}
