//! Experiments: a topic with its own publisher, its network and its observers.

use utoipa_axum::router::OpenApiRouter;

use crate::AppState;

/// The routes, to be merged under `/api`.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
}

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

/// All experiments of this server. One in `AppState`, as `experiments`.
#[derive(Clone, Default)]
pub struct Experiments {}

impl Experiments {
    /// None yet.
    #[must_use]
    pub fn new(_settings: Settings) -> Self {
        Self {}
    }
}
