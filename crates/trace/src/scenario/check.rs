//! Holds what may be set against its bounds, and says what to change.

use std::fmt;

use super::{
    Backoff, BadScenario, Conditions, Crowd, Fault, LaneSpec, Publish, Scenario, Spreading, SseClient,
    VERSION, bounds,
};

impl Scenario {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds, with its name and the bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        if self.v != VERSION {
            return Err(BadScenario(format!("`v` is {}; it must be {VERSION}", self.v)));
        }
        within("lanes", self.lanes.len(), &bounds::LANES)?;
        for lane in &self.lanes {
            lane.check()?;
        }
        self.publish.check()?;
        self.conditions.check()?;
        if self.faults.len() > bounds::FAULTS {
            return Err(BadScenario(format!(
                "`faults` has {} entries; at most {} are allowed",
                self.faults.len(),
                bounds::FAULTS
            )));
        }
        for planned in &self.faults {
            within("at_ms", planned.at_ms, &bounds::FAULT_AT_MS)?;
            planned.fault.check()?;
        }
        match &self.crowd {
            Some(crowd) => {
                within("clients", self.clients, &bounds::CLIENTS)?;
                crowd.check(self.lanes.len())?;
            }
            None => within("clients` without `crowd", self.clients, &bounds::LANE_CLIENTS)?,
        }
        within("seed", self.seed, &bounds::SEED)?;
        within("window_ms", self.window_ms, &bounds::WINDOW_MS)
    }
}

impl LaneSpec {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        match *self {
            Self::ShortPoll { interval_ms, .. } => {
                within("interval_ms", interval_ms, &bounds::INTERVAL_MS)?;
            }
            Self::LongPoll { timeout_ms, backoff } => {
                within("timeout_ms", timeout_ms, &bounds::TIMEOUT_MS)?;
                check_backoff(backoff)?;
            }
            Self::WebSocket { backoff, send_every_ms, keep_alive_ms, silence_ms } => {
                check_backoff(backoff)?;
                none_or_within("send_every_ms", send_every_ms, &bounds::SEND_EVERY_MS)?;
                none_or_within("keep_alive_ms", keep_alive_ms, &bounds::KEEP_ALIVE_MS)?;
                none_or_within("silence_ms", silence_ms, &bounds::SILENCE_MS)?;
            }
            Self::Sse { retry_ms, client, keep_alive_ms, silence_ms } => {
                within("retry_ms", retry_ms, &bounds::RETRY_MS)?;
                none_or_within("keep_alive_ms", keep_alive_ms, &bounds::KEEP_ALIVE_MS)?;
                none_or_within("silence_ms", silence_ms, &bounds::SILENCE_MS)?;
                if silence_ms != 0 && client == SseClient::EventSource {
                    return Err(BadScenario(
                        "`silence_ms` is for `client` `fetch`: an EventSource can't be told to give up"
                            .to_owned(),
                    ));
                }
            }
        }
        Ok(())
    }
}

impl Crowd {
    /// Holds every value against its bounds; `lanes`: so many rows there are.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self, lanes: usize) -> Result<(), BadScenario> {
        within("capacity_s", self.capacity_s, &bounds::CAPACITY_S)?;
        within("backlog", self.backlog, &bounds::BACKLOG)?;
        if self.servers.len() > lanes {
            return Err(BadScenario(format!(
                "`servers` has {} entries; there are {lanes} lanes",
                self.servers.len()
            )));
        }
        self.servers.iter().try_for_each(Spreading::check)
    }
}

impl Spreading {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        none_or_within("retry_spread_ms", self.retry_spread_ms, &bounds::SPREADING_MS)?;
        none_or_within("retry_after_ms", self.retry_after_ms, &bounds::SPREADING_MS)?;
        none_or_within("drain_ms", self.drain_ms, &bounds::SPREADING_MS)
    }
}

impl Publish {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        none_or_within("every_ms", self.every_ms, &bounds::EVERY_MS)
    }
}

impl Conditions {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        within("latency_ms", self.latency_ms, &bounds::LATENCY_MS)?;
        within("jitter_ms", self.jitter_ms, &bounds::LATENCY_MS)?;
        none_or_within("bandwidth_bytes_s", self.bandwidth_bytes_s, &bounds::BANDWIDTH_BYTES_S)
    }
}

impl Fault {
    /// Holds every value against its bounds.
    ///
    /// # Errors
    /// The first value that is out of bounds.
    pub fn check(&self) -> Result<(), BadScenario> {
        match self {
            Self::Drop { .. } | Self::HalfOpen { .. } => Ok(()),
            Self::Refuse { for_ms, .. } | Self::Stall { for_ms, .. } | Self::Unavailable { for_ms, .. } => {
                within("for_ms", *for_ms, &bounds::FAULT_MS)
            }
        }
    }
}

fn check_backoff(backoff: Backoff) -> Result<(), BadScenario> {
    match backoff {
        Backoff::Fixed { base_ms } => within("base_ms", base_ms, &bounds::BACKOFF_MS),
        Backoff::Exponential { base_ms, cap_ms }
        | Backoff::FullJitter { base_ms, cap_ms }
        | Backoff::EqualJitter { base_ms, cap_ms }
        | Backoff::DecorrelatedJitter { base_ms, cap_ms } => {
            within("base_ms", base_ms, &bounds::BACKOFF_MS)?;
            within("cap_ms", cap_ms, &bounds::BACKOFF_MS)?;
            if cap_ms < base_ms {
                return Err(BadScenario(format!("`cap_ms` is {cap_ms}, less than `base_ms` ({base_ms})")));
            }
            Ok(())
        }
    }
}

/// 0 stands for "not set".
fn none_or_within(name: &str, value: u32, bounds: &std::ops::RangeInclusive<u32>) -> Result<(), BadScenario> {
    if value == 0 { Ok(()) } else { within(name, value, bounds) }
}

fn within<T: PartialOrd + fmt::Display + Copy>(
    name: &str,
    value: T,
    bounds: &std::ops::RangeInclusive<T>,
) -> Result<(), BadScenario> {
    if bounds.contains(&value) {
        Ok(())
    } else {
        Err(BadScenario(format!("`{name}` is {value}; it must be {} to {}", bounds.start(), bounds.end())))
    }
}
