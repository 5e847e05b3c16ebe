//! `GET /api/health`: whether the server answers.

use axum::Json;
use serde::Serialize;

/// The server is well.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Always `ok`: a server that is not well does not answer.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The server's version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
}

/// Answers 200.
#[utoipa::path(
    get,
    path = "/health",
    tag = "besides",
    params(crate::openapi::Sub),
    responses((status = 200, description = "The server answers", body = Health), crate::openapi::Problems)
)]
pub async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
