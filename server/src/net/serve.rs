//! The accept loop.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Limits;

/// Serves `app` on `listener` until `shutdown` is cancelled and the connections have ended.
///
/// # Errors
/// When the listener can't be used.
pub async fn serve(
    listener: TcpListener,
    app: axum::Router,
    _limits: Limits,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
