//! A scenario from a tree of JSON or TOML, member by member; a member that nobody knows is refused,
//! because what it was to change would not be.

use super::{
    Backoff, Conditions, Crowd, Experiment, Fault, LaneSpec, PlannedFault, Publish, Scenario, Spreading,
    eight_seconds, one, one_u64,
};
use crate::json::{Members, Value, Wrong, read_by_hand};

read_by_hand! {
    Backoff: backoff,
    LaneSpec: lane,
    Publish: publish,
    Conditions: conditions,
    Crowd: crowd,
    Fault: fault,
    PlannedFault: planned,
    Scenario: scenario,
    Experiment: experiment,
}

fn backoff(value: &Value<'_>) -> Result<Backoff, Wrong> {
    let of = Members::of("a backoff", value)?;
    let base_ms = of.u32("base_ms");
    let kind = of.text("kind")?;
    of.only(if kind == "fixed" { &["kind", "base_ms"] } else { &["kind", "base_ms", "cap_ms"] })?;
    Ok(match kind {
        "fixed" => Backoff::Fixed { base_ms: base_ms? },
        "exponential" => Backoff::Exponential { base_ms: base_ms?, cap_ms: of.u32("cap_ms")? },
        "full-jitter" => Backoff::FullJitter { base_ms: base_ms?, cap_ms: of.u32("cap_ms")? },
        "equal-jitter" => Backoff::EqualJitter { base_ms: base_ms?, cap_ms: of.u32("cap_ms")? },
        "decorrelated-jitter" => Backoff::DecorrelatedJitter { base_ms: base_ms?, cap_ms: of.u32("cap_ms")? },
        other => {
            let known = "`fixed`, `exponential`, `full-jitter`, `equal-jitter`, `decorrelated-jitter`";
            return Err(Wrong::new(format!(
                "unknown variant `{other}` of a backoff, expected one of {known}"
            )));
        }
    })
}

pub(crate) fn lane(value: &Value<'_>) -> Result<LaneSpec, Wrong> {
    let of = Members::of("a lane", value)?;
    let or_0 = |name: &str| of.maybe_u32(name).map(|n| n.unwrap_or(0));
    Ok(match of.text("transport")? {
        "short-poll" => {
            of.only(&["transport", "interval_ms", "conditional"])?;
            LaneSpec::ShortPoll { interval_ms: of.u32("interval_ms")?, conditional: of.flag("conditional")? }
        }
        "long-poll" => {
            of.only(&["transport", "timeout_ms", "backoff"])?;
            LaneSpec::LongPoll { timeout_ms: of.u32("timeout_ms")?, backoff: backoff(of.need("backoff")?)? }
        }
        "websocket" => {
            of.only(&["transport", "backoff", "send_every_ms", "keep_alive_ms", "silence_ms"])?;
            LaneSpec::WebSocket {
                backoff: backoff(of.need("backoff")?)?,
                send_every_ms: or_0("send_every_ms")?,
                keep_alive_ms: or_0("keep_alive_ms")?,
                silence_ms: or_0("silence_ms")?,
            }
        }
        "sse" => {
            of.only(&["transport", "retry_ms", "client", "keep_alive_ms", "silence_ms"])?;
            LaneSpec::Sse {
                retry_ms: of.u32("retry_ms")?,
                client: of.maybe_name("client")?.unwrap_or_default(),
                keep_alive_ms: or_0("keep_alive_ms")?,
                silence_ms: or_0("silence_ms")?,
            }
        }
        other => {
            let known = "`short-poll`, `long-poll`, `websocket`, `sse`";
            return Err(Wrong::new(format!(
                "unknown variant `{other}` of a transport, expected one of {known}"
            )));
        }
    })
}

pub(crate) fn publish(value: &Value<'_>) -> Result<Publish, Wrong> {
    let of = Members::of("`publish`", value)?;
    of.only(&["every_ms", "spread", "what"])?;
    Ok(Publish {
        every_ms: of.u32("every_ms")?,
        spread: of.maybe_name("spread")?.unwrap_or_default(),
        what: of.maybe_name("what")?.unwrap_or_default(),
    })
}

pub(crate) fn conditions(value: &Value<'_>) -> Result<Conditions, Wrong> {
    let of = Members::of("`conditions`", value)?;
    of.only(&["latency_ms", "jitter_ms", "bandwidth_bytes_s"])?;
    let or_0 = |name: &str| of.maybe_u32(name).map(|n| n.unwrap_or(0));
    Ok(Conditions {
        latency_ms: or_0("latency_ms")?,
        jitter_ms: or_0("jitter_ms")?,
        bandwidth_bytes_s: or_0("bandwidth_bytes_s")?,
    })
}

pub(crate) fn fault(value: &Value<'_>) -> Result<Fault, Wrong> {
    fault_of(&Members::of("a fault", value)?, &["kind"])
}

fn planned(value: &Value<'_>) -> Result<PlannedFault, Wrong> {
    let of = Members::of("a planned fault", value)?;
    Ok(PlannedFault { at_ms: of.u32("at_ms")?, fault: fault_of(&of, &["kind", "at_ms"])? })
}

/// A fault, whose own members may stand beside `others`.
fn fault_of(of: &Members<'_>, others: &[&str]) -> Result<Fault, Wrong> {
    let sub = of.maybe_text("sub")?.map(str::to_owned);
    let for_ms = || of.u32("for_ms");
    let only = |own: &[&str]| of.only(&[others, own].concat());
    Ok(match of.text("kind")? {
        "drop" => {
            only(&["sub"])?;
            Fault::Drop { sub }
        }
        "half-open" => {
            only(&["sub"])?;
            Fault::HalfOpen { sub }
        }
        "refuse" => {
            only(&["sub", "for_ms"])?;
            Fault::Refuse { sub, for_ms: for_ms()? }
        }
        "stall" => {
            only(&["sub", "for_ms"])?;
            Fault::Stall { sub, for_ms: for_ms()? }
        }
        "unavailable" => {
            only(&["sub", "for_ms", "retry_after_s"])?;
            Fault::Unavailable { sub, for_ms: for_ms()?, retry_after_s: of.maybe_u32("retry_after_s")? }
        }
        other => {
            let known = "`drop`, `half-open`, `refuse`, `stall`, `unavailable`";
            return Err(Wrong::new(format!("unknown variant `{other}` of a fault, expected one of {known}")));
        }
    })
}

fn crowd(value: &Value<'_>) -> Result<Crowd, Wrong> {
    let of = Members::of("`crowd`", value)?;
    of.only(&["capacity_s", "backlog", "in_phase", "servers"])?;
    Ok(Crowd {
        capacity_s: of.u32("capacity_s")?,
        backlog: of.u32("backlog")?,
        in_phase: of.flag("in_phase")?,
        servers: of.list("servers", spreading)?,
    })
}

fn spreading(value: &Value<'_>) -> Result<Spreading, Wrong> {
    let of = Members::of("a server", value)?;
    of.only(&["retry_spread_ms", "retry_after_ms", "drain_ms"])?;
    let or_0 = |name: &str| of.maybe_u32(name).map(|n| n.unwrap_or(0));
    Ok(Spreading {
        retry_spread_ms: or_0("retry_spread_ms")?,
        retry_after_ms: or_0("retry_after_ms")?,
        drain_ms: or_0("drain_ms")?,
    })
}

pub(crate) fn scenario(value: &Value<'_>) -> Result<Scenario, Wrong> {
    let of = Members::of("the scenario", value)?;
    of.only(&["v", "lanes", "publish", "conditions", "faults", "clients", "crowd", "seed", "window_ms"])?;
    of.need("lanes")?;
    Ok(Scenario {
        v: of.u32("v")?,
        lanes: of.list("lanes", lane)?,
        publish: publish(of.need("publish")?)?,
        conditions: of.get("conditions").map(conditions).transpose()?.unwrap_or_default(),
        faults: of.list("faults", planned)?,
        clients: of.maybe_u32("clients")?.unwrap_or_else(one),
        crowd: of.get("crowd").map(crowd).transpose()?,
        seed: of.maybe_u64("seed")?.unwrap_or_else(one_u64),
        window_ms: of.maybe_u32("window_ms")?.unwrap_or_else(eight_seconds),
    })
}

fn experiment(value: &Value<'_>) -> Result<Experiment, Wrong> {
    let of = Members::of("the experiment", value)?;
    of.only(&["name", "title", "look", "controls", "autostart", "scenario"])?;
    of.need("controls")?;
    Ok(Experiment {
        name: of.text("name")?.to_owned(),
        title: of.text("title")?.to_owned(),
        look: of.text("look")?.to_owned(),
        controls: of.list("controls", |value| of.named("controls", value))?,
        autostart: of.flag("autostart")?,
        scenario: scenario(of.need("scenario")?)?,
    })
}

#[cfg(test)]
mod tests {
    use crate::scenario::{Backoff, LaneSpec, PlannedFault};

    #[test]
    fn a_member_of_another_kind_is_refused_by_its_name() {
        let wrong = |json: &str| serde_json::from_str::<LaneSpec>(json).unwrap_err().to_string();
        let said = wrong(r#"{"transport":"sse","retry_ms":500,"interval_ms":100}"#);
        assert!(said.contains("unknown field `interval_ms`") && said.contains("`retry_ms`"), "{said}");
        let said = wrong(r#"{"transport":"carrier-pigeon"}"#);
        assert!(said.contains("carrier-pigeon") && said.contains("`long-poll`"), "{said}");
        let said = serde_json::from_str::<Backoff>(r#"{"kind":"fixed","base_ms":1,"cap_ms":2}"#);
        assert!(said.unwrap_err().to_string().contains("unknown field `cap_ms`"));
        let said = serde_json::from_str::<PlannedFault>(r#"{"at_ms":1,"kind":"drop","for_ms":2}"#);
        assert!(said.unwrap_err().to_string().contains("unknown field `for_ms`"));
    }
}
