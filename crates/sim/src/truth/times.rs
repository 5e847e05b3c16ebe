//! When the events of two runs arrived. Nobody demands that these are equal: no two live runs agree in
//! them. They are told beside what the live run itself measured of its clocks.

use std::fmt;

use standby_trace::trace::{Direction, Message, SpanKind, Trace};

/// One event that arrived on one lane, in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which lane.
    pub lane: u16,
    /// Which event.
    pub id: u64,
    /// How old it was in the live run, in microseconds. By two clocks: it may be less than 0.
    pub live_us: i64,
    /// How old it was in the model.
    pub model_us: i64,
    /// In both runs what brought it was open, or held, when it was published: nothing but its way lies
    /// between. An event that had to be asked for is as old as whoever did the asking was late.
    pub at_once: bool,
}

/// The events that arrived in both runs, in the order of the model.
#[must_use]
pub fn arrivals(live: &Trace, model: &Trace) -> Vec<Arrival> {
    let live: Vec<_> = ages(live).collect();
    let both = ages(model).filter_map(|(lane, id, model_us, model_at_once)| {
        let (_, _, live_us, at_once) = live.iter().find(|age| (age.0, age.1) == (lane, id))?;
        Some(Arrival { lane, id, live_us: *live_us, model_us, at_once: *at_once && model_at_once })
    });
    both.collect()
}

/// Lane, id, age, and whether it came at once. The topic of a script has one life.
fn ages(trace: &Trace) -> impl Iterator<Item = (u16, u64, i64, bool)> {
    let arrived = trace
        .messages
        .iter()
        .filter(|message| message.direction == Direction::ToClient && !message.lost)
        .filter_map(|message| Some((message, message.client?)));
    arrived.flat_map(move |(message, client)| {
        message.events.iter().filter_map(move |&id| {
            let published = trace.published.iter().find(|published| published.id == id)?;
            let at_once = was_open(trace, message, published.at_us);
            Some((message.lane, id, client.at_us - published.at_us, at_once))
        })
    })
}

fn was_open(trace: &Trace, message: &Message, at_us: i64) -> bool {
    trace.spans.iter().any(|span| {
        span.lane == Some(message.lane)
            && span.n == message.n
            && matches!(span.kind, SpanKind::Open | SpanKind::Held)
            && span.from.at_us <= at_us
            && span.to.is_none_or(|to| to.at_us >= at_us)
    })
}

/// The middle and the end of some times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Half of them are not above it.
    pub p50_us: i64,
    /// None of them is above it.
    pub max_us: i64,
}

impl Spread {
    /// Of some times; `None` of none.
    #[must_use]
    pub fn of(times_us: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut times_us: Vec<i64> = times_us.into_iter().collect();
        times_us.sort_unstable();
        let middle = times_us.len().checked_sub(1)? / 2;
        Some(Self { p50_us: *times_us.get(middle)?, max_us: *times_us.last()? })
    }
}

/// The times of two runs of one script beside each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Events that came as they were published.
    pub at_once: Option<Ages>,
    /// Events that were there already when somebody asked for them.
    pub asked_for: Option<Ages>,
    /// How far the live run's two clocks may be apart, as it measured it: half its shortest round trip.
    pub clock_error_us: Option<u64>,
}

/// How old some events were when they arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// How many events.
    pub events: usize,
    /// In the live run.
    pub live: Spread,
    /// In the model.
    pub model: Spread,
    /// How far the two are apart, whichever is the larger.
    pub apart: Spread,
}

impl Ages {
    /// Of some arrivals; `None` of none.
    #[must_use]
    pub fn of(arrivals: &[Arrival]) -> Option<Self> {
        Some(Self {
            events: arrivals.len(),
            live: Spread::of(arrivals.iter().map(|arrival| arrival.live_us))?,
            model: Spread::of(arrivals.iter().map(|arrival| arrival.model_us))?,
            apart: Spread::of(arrivals.iter().map(|arrival| (arrival.live_us - arrival.model_us).abs()))?,
        })
    }
}

impl Times {
    /// Of two runs of one script.
    #[must_use]
    pub fn of(live: &Trace, model: &Trace) -> Self {
        let (at_once, asked_for): (Vec<_>, Vec<_>) =
            arrivals(live, model).into_iter().partition(|arrival| arrival.at_once);
        Self {
            at_once: Ages::of(&at_once),
            asked_for: Ages::of(&asked_for),
            clock_error_us: live.clock_error_us,
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, ages) in [("at once", self.at_once), ("asked for", self.asked_for)] {
            let Some(Ages { events, live, model, apart }) = ages else { continue };
            write!(
                f,
                "{events} {what}, p50 {} µs live, {} in the model, apart p50 {} max {}; ",
                live.p50_us, model.p50_us, apart.p50_us, apart.max_us
            )?;
        }
        match self.clock_error_us {
            Some(us) => write!(f, "clock error {us} µs, round trip {} µs", us * 2),
            None => write!(f, "one clock"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_is_one_that_was_there() {
        assert_eq!(Spread::of([4, 1, 3, 2]), Some(Spread { p50_us: 2, max_us: 4 }));
        assert_eq!(Spread::of([]), None);
    }
}
