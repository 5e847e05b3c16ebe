//! The accept loop. `axum::serve` has no time-outs and no bounds, and each of its connections is
//! larger; this one has them, and hands every request its connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::body::Timed;
use super::census::{Census, Full};
use super::conn::{Conn, Ending};
use super::head_time::HeadTimer;
use super::io::{Io, Socket};
use super::{ConnHandle, Limits};
use crate::Problem;
use crate::unreadable::Telling;

/// A request's head may be this long; hyper answers 431 beyond it.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections that are told at the same time that there is no place for them.
const TURNED_AWAY: usize = 64;
/// How long to leave the listener alone when there are no file descriptors left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(500);

/// Serves `app` on `listener` until `shutdown` is cancelled and the connections have ended, or the
/// time for that is up. Each request has a [`ConnectInfo`] and a [`ConnHandle`] in its extensions.
///
/// # Errors
/// None now; a listener that fails for a while is tried again.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let server =
        Arc::new(Server { app, limits, shutdown, abort: CancellationToken::new(), open: TaskTracker::new() });
    let census = Census::new(limits);
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
    loop {
        let accepted = tokio::select! {
            biased;
            () = server.shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                after_failed_accept(&error, &server.shutdown).await;
                continue;
            }
        };
        // It fails only where the socket is dead already.
        let _ = stream.set_nodelay(true);
        match census.admit(peer.ip()) {
            Ok(place) => {
                let conn = Conn::new(peer);
                let _awaited = server.open.token();
                let shutdown = server.shutdown.clone();
                let socket = Socket { stream, ending: Ending(conn), _place: place, _awaited, shutdown };
                server.open.spawn(Arc::clone(&server).connection(socket));
            }
            Err(full) => {
                // Beyond this many even the refusal would be too much.
                if let Ok(permit) = Arc::clone(&turned_away).try_acquire_owned() {
                    tokio::spawn(async move {
                        turn_away(stream, full, limits).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    drop(listener);
    server.open.close();
    let drain = Duration::from_millis(limits.drain_ms);
    if timeout(drain, server.open.wait()).await.is_err() {
        tracing::warn!(
            connections = server.open.len(),
            "connections were still open when the time to drain was up"
        );
        server.abort.cancel();
    }
    Ok(())
}

/// Some failures are one peer's, who is gone before it was accepted. Out of file descriptors the next
/// accept would fail at once again.
async fn after_failed_accept(error: &io::Error, shutdown: &CancellationToken) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        return;
    }
    tracing::error!(%error, "can't accept a connection; trying again");
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = sleep(OUT_OF_DESCRIPTORS) => {}
    }
}

struct Server {
    app: Router,
    limits: Limits,
    shutdown: CancellationToken,
    /// The time to drain is up.
    abort: CancellationToken,
    /// Every socket that is open.
    open: TaskTracker,
}

impl Server {
    /// One connection, from its first byte to its end or its upgrade.
    async fn connection(self: Arc<Self>, socket: Socket) {
        let Limits { head_time_ms, idle_time_ms, write_stall_ms, .. } = self.limits;
        let conn = Arc::clone(&socket.ending.0);
        let io = Io::new(socket, Duration::from_millis(write_stall_ms));
        let service = service_fn(|request| self.answer(&conn, request));
        let connection = http1::Builder::new()
            .timer(HeadTimer::new(Arc::clone(&conn), Duration::from_millis(head_time_ms)))
            .header_read_timeout(Duration::from_millis(idle_time_ms))
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(Telling::new(io)), service)
            .with_upgrades();
        tokio::pin!(connection);
        let mut draining = false;
        loop {
            tokio::select! {
                // An answer that ends the connection has to say so in its head: hyper must hear of it
                // before the handler.
                biased;
                // Dropping the connection closes the socket.
                () = conn.until_reset(), if draining => return,
                is_reset = conn.until_told(), if !draining => {
                    if is_reset {
                        return;
                    }
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.abort.cancelled() => return,
                () = self.shutdown.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(conn = conn.id, peer = %conn.peer, %error, "connection failed");
                    }
                    return;
                }
            }
        }
    }

    async fn answer(&self, conn: &Arc<Conn>, request: Request<Incoming>) -> Result<Response, Infallible> {
        conn.begin(request.method().as_str(), request.uri());
        let (mut parts, body) = request.into_parts();
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(Timed::new(body, Duration::from_millis(self.limits.body_time_ms)))
        };
        parts.extensions.insert(ConnectInfo::<SocketAddr>(conn.peer));
        parts.extensions.insert(ConnHandle(Arc::clone(conn)));
        let response = self.app.clone().oneshot(Request::from_parts(parts, body)).await?;
        conn.answered(response.status() == StatusCode::SWITCHING_PROTOCOLS);
        Ok(response)
    }
}

/// Answers the first request of a connection for which there is no place, and closes it.
async fn turn_away(stream: TcpStream, full: Full, limits: Limits) {
    let service = service_fn(|_: Request<Incoming>| async move {
        let problem = match full {
            Full::All => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many connections",
                "This server has as many connections as it may have. Try again later.",
            ),
            Full::Address => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many connections",
                "Your address has as many connections as it may have. Close some of them.",
            ),
        };
        let mut response = problem.retry_after(5).into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Ok::<Response, Infallible>(response)
    });
    let within = Duration::from_millis(limits.head_time_ms);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(within)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // The peer's failure is the peer's.
    let _ = timeout(within * 2, connection).await;
}
