//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long anything may take that takes a moment on a machine with nothing else to do.
pub(crate) const CAP: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
///
/// # Errors
/// When there is none in time: `what` says what was waited for.
pub(crate) async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    within(CAP, what, ask).await
}

/// The same with another cap.
pub(crate) async fn within<T>(
    cap: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let answer = ask().await.with_context(|| format!("waiting until {what}"))?;
        if let Some(answer) = answer {
            return Ok(answer);
        }
        if start.elapsed() > cap {
            bail!("waited {} s in vain until {what}", cap.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
