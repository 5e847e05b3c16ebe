//! The lines of the chart, on two logarithmic axes.

use std::fmt::Write as _;

use standby_trace::Transport;

use super::{Constants, Quantity, Settings, cost};
use crate::format::{count, decimal};
use crate::herd::{Part, Picture, RowBox};
use crate::shape::Anchor;
use crate::svg::Number;
use crate::text;

/// The clients are ten to this power at the right end.
const DECADES: usize = 7;
/// At so many numbers of clients the reading line can stand: 1, 2, 5, 10, and so on.
pub const STOPS: usize = 3 * DECADES + 1;
/// Where it stands at first: 10,000 clients.
pub const STANDARD_STOP: usize = 12;

/// How many clients a stop is.
#[must_use]
pub fn clients_at(stop: usize) -> u32 {
    let stop = stop.min(STOPS - 1);
    [1, 2, 5][stop % 3] * 10_u32.pow((stop / 3) as u32)
}

/// The stop that is nearest to a part of the axis, of 0 to 1.
#[must_use]
pub fn nearest(part: f32) -> usize {
    let off = |stop: &usize| ((f64::from(clients_at(*stop)).log10() / DECADES as f64) as f32 - part).abs();
    (0..STOPS).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(0)
}

/// What a picture depends on besides the costs.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Its width in CSS pixels.
    pub width: f32,
    /// For a phone.
    pub narrow: bool,
    /// What is shown.
    pub what: Quantity,
    /// The stop of the reading line.
    pub at: usize,
}

const TOP: f32 = 24.0;
const PLOT_H: f32 = 232.0;
const AXIS_H: f32 = 36.0;
/// The name of the axis that goes up has so much room.
const AXIS_NAME_W: f32 = 108.0;
/// From one name at the lines' ends to the next.
const NAME_H: f32 = 14.0;

/// Draws the lines.
#[must_use]
pub fn picture(settings: &Settings, constants: &Constants, look: &Look) -> Picture {
    let (left, right, size) = if look.narrow { (50.0, 78.0, 10.5) } else { (64.0, 96.0, 11.5) };
    let plot_w = (look.width - left - right).max(1.0);
    let bottom = TOP + PLOT_H;
    let all = Transport::ALL
        .map(|transport| (transport, cost(transport, look.what, settings, constants).unwrap_or(0.0)));
    let drawn: Vec<(Transport, f64)> = all.into_iter().filter(|(_, each)| *each > 0.0).collect();
    // Whole powers of ten, so that little of the scale changes while a slider is moved.
    let lowest = drawn.iter().map(|(_, each)| each.log10()).fold(f64::INFINITY, f64::min);
    let highest = drawn.iter().map(|(_, each)| each.log10()).fold(f64::NEG_INFINITY, f64::max);
    let (from, to) = if drawn.is_empty() { (0, 1) } else { (lowest.floor() as i32, highest.ceil() as i32) };
    let to = to + DECADES as i32;
    let x = |clients: f64| left + (clients.log10() / DECADES as f64) as f32 * plot_w;
    let y =
        |amount: f64| bottom - ((amount.log10() - f64::from(from)) / f64::from(to - from)) as f32 * PLOT_H;
    let mut parts = Vec::new();
    let word = |class, x, y, anchor, size, text| Part::Text { class, x, y, anchor, size, text };

    // The axes. Each power of ten has a line, and a word where there is room for it.
    let mut grid = String::new();
    let end = left + plot_w;
    for power in 0..=DECADES {
        let at = x(10_f64.powi(power as i32));
        let _ = write!(grid, "M{} {}V{}", Number(at), Number(TOP), Number(bottom));
        if !look.narrow || power % 2 == 0 || power == DECADES {
            if look.narrow && power + 1 == DECADES {
                continue;
            }
            let words = power_of_ten(power);
            parts.push(word("sb-text sb-note", at, bottom + 15.0, Anchor::Middle, 10.5, words));
        }
    }
    let each = if to - from > 10 { 2 } else { 1 };
    for power in from..=to {
        let at = y(10_f64.powi(power));
        let _ = write!(grid, "M{} {}H{}", Number(left), Number(at), Number(end));
        if (power - from) % each == 0 {
            let words = value_of_ten(look.what, power);
            parts.push(word("sb-text sb-note", left - 6.0, at + 3.5, Anchor::End, 10.5, words));
        }
    }
    parts.insert(0, Part::Path { class: "sb-line sb-grid", d: grid });
    parts.push(word(
        "sb-text sb-note",
        left + plot_w / 2.0,
        bottom + 31.0,
        Anchor::Middle,
        11.0,
        "clients".to_owned(),
    ));
    let named = match look.what {
        Quantity::Requests => "requests a second",
        Quantity::Bytes => "bytes a second",
        Quantity::Memory => "memory",
    };
    parts.push(word("sb-text sb-note", 0.0, 10.0, Anchor::Start, 11.0, named.to_owned()));

    // The reading line.
    let clients = clients_at(look.at);
    let read = x(f64::from(clients));
    let d = format!("M{} {}V{}", Number(read), Number(TOP - 6.0), Number(bottom));
    parts.push(Part::Path { class: "sb-line sb-cursor", d });
    let words = format!("{} {}", count(clients.into()), if clients == 1 { "client" } else { "clients" });
    // They keep clear of the axis's own, and of the right end.
    let half = text::width(&words, 11.5, true) / 2.0;
    let words_x = read.clamp(AXIS_NAME_W + half, (look.width - half).max(AXIS_NAME_W + half));
    parts.push(word("sb-text sb-strong", words_x, TOP - 12.0, Anchor::Middle, 11.5, words));

    // The lines, a point on each, and their names where they end.
    let most = 10_f64.powi(DECADES as i32);
    let mut dots = String::new();
    for (transport, each) in &drawn {
        let d = format!("M{} {}L{} {}", Number(left), Number(y(*each)), Number(end), Number(y(each * most)));
        parts.push(Part::Path { class: class(*transport), d });
        let at = y(each * f64::from(clients));
        let _ = write!(dots, "M{} {}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0", Number(read - 3.5), Number(at));
    }
    parts.push(Part::Path { class: "sb-fill sb-scale-dot", d: dots });
    let mut ends: Vec<(f32, Transport)> =
        drawn.iter().map(|(transport, each)| (y(each * most), *transport)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free = 0.0_f32;
    for (at, transport) in ends {
        let at = at.max(free);
        free = at + NAME_H;
        let words = transport.title().to_owned();
        parts.push(word("sb-text sb-strong sb-name", end + 6.0, at + 4.0, Anchor::Start, size, words));
    }
    let none: Vec<&str> =
        all.iter().filter(|(_, each)| *each <= 0.0).map(|(transport, _)| transport.title()).collect();
    if !none.is_empty() {
        let words = format!("{}: none, once connected", none.join(", "));
        parts.push(word("sb-text sb-name", end - 4.0, bottom - 7.0, Anchor::End, size, words));
    }
    Picture {
        width: look.width,
        height: bottom + AXIS_H,
        plot_x: left,
        plot_w,
        rows: vec![RowBox { y: TOP, h: PLOT_H }],
        parts,
    }
}

/// Each transport's own dashes.
fn class(transport: Transport) -> &'static str {
    match transport {
        Transport::ShortPoll => "sb-line sb-scale-short-poll",
        Transport::LongPoll => "sb-line sb-scale-long-poll",
        Transport::WebSocket => "sb-line sb-scale-websocket",
        Transport::Sse => "sb-line sb-scale-sse",
    }
}

/// A power of ten as a number of clients: `1`, `100k`, `10M`.
fn power_of_ten(power: usize) -> String {
    let unit = ["", "k", "M", "G", "T"].get(power / 3).copied().unwrap_or_default();
    format!("{}{unit}", 10_u32.pow(power as u32 % 3))
}

fn value_of_ten(what: Quantity, power: i32) -> String {
    let below_one = || decimal(1, 10_u64.pow(power.unsigned_abs().min(3)), power.unsigned_abs());
    match (what, usize::try_from(power)) {
        (Quantity::Requests, Ok(power)) => power_of_ten(power),
        (Quantity::Requests, Err(_)) => below_one(),
        (_, Ok(power)) => {
            let unit = ["B", "kB", "MB", "GB", "TB", "PB"].get(power / 3).copied().unwrap_or_default();
            format!("{} {unit}", 10_u32.pow(power as u32 % 3))
        }
        (_, Err(_)) => format!("{} B", below_one()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::cost::tests::constants;

    fn look(what: Quantity, width: f32) -> Look {
        Look { width, narrow: width < 560.0, what, at: STANDARD_STOP }
    }

    fn texts(picture: &Picture) -> Vec<(f32, f32, String)> {
        let text = |part: &Part| match part {
            Part::Text { x, y, text, .. } => Some((*x, *y, text.clone())),
            Part::Path { .. } => None,
        };
        picture.parts.iter().filter_map(text).collect()
    }

    fn lines(picture: &Picture) -> usize {
        let line =
            |part: &&Part| matches!(part, Part::Path { class, .. } if class.starts_with("sb-line sb-scale-"));
        picture.parts.iter().filter(line).count()
    }

    #[test]
    fn stops_are_from_one_to_ten_million_and_found_by_where_they_are() {
        assert_eq!([0, 1, 2, 3, STANDARD_STOP, STOPS - 1].map(clients_at), [1, 2, 5, 10, 10_000, 10_000_000]);
        assert_eq!(clients_at(usize::MAX), 10_000_000);
        assert_eq!([nearest(-1.0), nearest(4.0 / 7.0), nearest(2.0)], [0, STANDARD_STOP, STOPS - 1]);
    }

    #[test]
    fn what_costs_nothing_has_no_line_and_is_named() {
        let picture = picture(&Settings::default(), &constants(), &look(Quantity::Requests, 720.0));
        assert_eq!(lines(&picture), 2);
        assert!(texts(&picture).iter().any(|(_, _, text)| text == "WebSocket, SSE: none, once connected"));
    }

    #[test]
    fn every_line_has_its_name_and_no_name_covers_another() {
        for width in [720.0, 310.0] {
            let picture = picture(&Settings::default(), &constants(), &look(Quantity::Bytes, width));
            assert_eq!(lines(&picture), 4);
            let named = |text: &str| Transport::ALL.iter().any(|transport| transport.title() == text);
            let mut ys: Vec<f32> =
                texts(&picture).into_iter().filter(|(_, _, text)| named(text)).map(|(_, y, _)| y).collect();
            ys.sort_by(f32::total_cmp);
            assert_eq!(ys.len(), 4);
            assert!(ys.windows(2).all(|two| two[1] - two[0] >= NAME_H - 0.01), "{ys:?}");
        }
    }

    #[test]
    fn everything_stays_within_the_picture_whatever_is_set() {
        for (events_ks, event_bytes, interval_ms) in [(0, 1, 3_600_000), (1_000_000, 100_000, 100)] {
            let settings = Settings { events_ks, event_bytes, interval_ms, ..Settings::default() };
            for what in [Quantity::Requests, Quantity::Bytes, Quantity::Memory] {
                let picture = picture(&settings, &constants(), &look(what, 310.0));
                for (x, y, text) in texts(&picture) {
                    assert!(
                        (0.0..=310.0).contains(&x) && (0.0..=picture.height).contains(&y),
                        "{text}: {x} {y}"
                    );
                }
            }
        }
    }
}
