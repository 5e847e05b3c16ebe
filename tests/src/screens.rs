//! x
use crate::setup::Setup;
use anyhow::Result;
pub(crate) async fn take(_setup: &Setup, _name: Option<&str>) -> Result<bool> {
    Ok(true)
}
