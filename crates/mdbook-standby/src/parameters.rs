//! The parameters of a directive: what one page sets otherwise than the experiment's file.

use standby_trace::scenario::{Experiment, LaneSpec, Scenario, Transport};

use crate::near;

/// What a directive may set, in the order in which it is told to whoever misspells one.
const KEYS: [&str; 11] = [
    "every",
    "rtt",
    "jitter",
    "bandwidth",
    "interval",
    "timeout",
    "retry",
    "send",
    "window",
    "seed",
    "autostart",
];

/// Sets one parameter. Bounds are the scenario's own to check.
///
/// # Errors
/// When there is no such parameter, or its value is not of its kind, or no lane has it.
pub fn set(experiment: &mut Experiment, key: &str, value: &str) -> Result<(), String> {
    let scenario = &mut experiment.scenario;
    let time = || time_ms(key, value);
    match key {
        "every" => scenario.publish.every_ms = time()?,
        "rtt" => scenario.conditions.latency_ms = time()? / 2,
        "jitter" => scenario.conditions.jitter_ms = time()?,
        "bandwidth" => scenario.conditions.bandwidth_bytes_s = whole(key, value, "bytes a second")?,
        "interval" => {
            let time = time()?;
            lanes(scenario, key, Transport::ShortPoll, |lane| {
                if let LaneSpec::ShortPoll { interval_ms, .. } = lane {
                    *interval_ms = time;
                }
            })?;
        }
        "timeout" => {
            let time = time()?;
            lanes(scenario, key, Transport::LongPoll, |lane| {
                if let LaneSpec::LongPoll { timeout_ms, .. } = lane {
                    *timeout_ms = time;
                }
            })?;
        }
        "retry" => {
            let time = time()?;
            lanes(scenario, key, Transport::Sse, |lane| {
                if let LaneSpec::Sse { retry_ms, .. } = lane {
                    *retry_ms = time;
                }
            })?;
        }
        "send" => {
            let time = time()?;
            lanes(scenario, key, Transport::WebSocket, |lane| {
                if let LaneSpec::WebSocket { send_every_ms, .. } = lane {
                    *send_every_ms = time;
                }
            })?;
        }
        "window" => scenario.window_ms = time()?,
        "seed" => scenario.seed = whole(key, value, "a seed")?,
        "autostart" => {
            experiment.autostart =
                value.parse().map_err(|_| format!("`autostart` is `{value}`; expected `true` or `false`"))?;
        }
        _ => return Err(format!("no parameter is named `{key}`: {}", near::hint(key, KEYS))),
    }
    Ok(())
}

/// Sets something in every lane of a transport; an experiment without such a lane is an error.
fn lanes(
    scenario: &mut Scenario,
    key: &str,
    transport: Transport,
    mut set: impl FnMut(&mut LaneSpec),
) -> Result<(), String> {
    let mut any = false;
    for lane in scenario.lanes.iter_mut().filter(|lane| lane.transport() == transport) {
        set(lane);
        any = true;
    }
    if any {
        Ok(())
    } else {
        Err(format!("`{key}` is for {}; this experiment has no such lane", transport.name()))
    }
}

/// A time with its unit, `1.2s` or `200ms`, in whole milliseconds.
fn time_ms(key: &str, value: &str) -> Result<u32, String> {
    let bad = || format!("`{key}` is `{value}`; expected a time with its unit, such as `1.2s` or `200ms`");
    let (number, unit_ms) = match (value.strip_suffix("ms"), value.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1_000),
        (None, None) => return Err(bad()),
    };
    // By hand, for an exact result and no sign, exponent or infinity.
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 || number.ends_with('.') {
        return Err(bad());
    }
    let thousandths: u64 = format!("{whole}{part:0<3}").parse().map_err(|_| bad())?;
    let ms = thousandths.checked_mul(unit_ms).filter(|ms| ms % 1_000 == 0).ok_or_else(bad)? / 1_000;
    u32::try_from(ms).map_err(|_| bad())
}

fn whole<T: std::str::FromStr>(key: &str, value: &str, what: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{key}` is `{value}`; expected {what}, a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    fn experiment() -> Experiment {
        let mut library = Library::default();
        library.add(
            "x",
            "title = \"T\"\nlook = \"L\"\ncontrols = []\npublish = { every_ms = 1000 }\n\
             [[lanes]]\ntransport = \"short-poll\"\n[[lanes]]\ntransport = \"sse\"\n",
        );
        library.get("x").unwrap().clone()
    }

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, ms) in [("1.2s", 1_200), ("200ms", 200), ("0s", 0), ("25s", 25_000), ("0.05s", 50)] {
            assert_eq!(time_ms("every", text), Ok(ms), "{text}");
        }
        for text in
            ["1.2", "s", "-1s", "1e3ms", "1.s", ".5s", "1,2s", "1.2345s", "0.5ms", "99999999999s", "inf s"]
        {
            assert!(time_ms("every", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_parameter_lands_where_it_belongs() {
        let mut experiment = experiment();
        for (key, value) in [
            ("every", "4s"),
            ("rtt", "200ms"),
            ("interval", "2s"),
            ("retry", "3s"),
            ("seed", "9"),
            ("autostart", "true"),
        ] {
            set(&mut experiment, key, value).unwrap();
        }
        let scenario = &experiment.scenario;
        assert_eq!(scenario.publish.every_ms, 4_000);
        assert_eq!(scenario.conditions.latency_ms, 100);
        assert!(matches!(scenario.lanes[0], LaneSpec::ShortPoll { interval_ms: 2_000, .. }));
        assert!(matches!(scenario.lanes[1], LaneSpec::Sse { retry_ms: 3_000, .. }));
        assert_eq!(scenario.seed, 9);
        assert!(experiment.autostart);
    }

    #[test]
    fn a_bad_parameter_is_told() {
        let told = |key, value| set(&mut experiment(), key, value).unwrap_err();
        assert!(told("evry", "1s").contains("did you mean `every`?"));
        assert!(told("timeout", "1s").contains("for long-poll; this experiment has no such lane"));
        assert!(told("autostart", "yes").contains("expected `true` or `false`"));
        assert!(told("seed", "-1").contains("a whole number"));
    }
}
