//! Writes a page with a few traces as pictures, wide and narrow, on light and on dark.
//!
//! `cargo run -p standby-figure --example sample_svg > sample.html`
//!
//! The style sheet shows all that a page must say about the classes of an SVG.

#[path = "../tests/figure/sample/mod.rs"]
mod sample;

use standby_figure::{View, describe, figure, say, say_message, svg, timeline};
use standby_trace::Trace;

const STYLE: &str = r#"
body { margin: 0; font: 14px/1.45 "Open Sans", "Noto Sans", "DejaVu Sans", sans-serif }
section { display: flex; align-items: start; gap: 40px; padding: 20px; background: var(--bg); color: var(--fg) }
p { font-size: 13.5px; margin: 6px 0 12px } .bad { color: var(--age) }
.light { --bg: #fff; --fg: #1d2129; --mut: #5f6775; --line: #dfe3e9; --req: #0b67b2; --news: #00805a; --empty: #8c94a0; --held: rgba(11,103,178,.10); --fault: #b3261e; --age: #b45f06; --client: #7b44a3 }
.navy { --bg: #161923; --fg: #dde1ea; --mut: #98a1b2; --line: #2d3344; --req: #6bb7f2; --news: #41d1a2; --empty: #7d8799; --held: rgba(107,183,242,.14); --fault: #ff7b72; --age: #f0b35a; --client: #d0a2f0 }
.sb-rail { --ink: var(--mut) } .sb-grid, .sb-waiting { --ink: var(--line) } .sb-axis, .sb-note { --ink: var(--mut) } .sb-request, .sb-open, .sb-browser { --ink: var(--req) } .sb-news, .sb-thread { --ink: var(--news) } .sb-empty { --ink: var(--empty) } .sb-client { --ink: var(--client) } .sb-held { --ink: var(--held) } .sb-fault { --ink: var(--fault) } .sb-stale { --ink: var(--age) } .sb-name, .sb-cursor { --ink: var(--fg) } .sb-one-sided { --ink: var(--fault) } .sb-overhead { --ink: var(--empty) } .sb-ground { --ink: var(--bg) } .sb-herd-in { --ink: var(--news) } .sb-herd-away { --ink: var(--age) }
.sb-figure { display: block; font-family: inherit; overflow: hidden }
.sb-line, .sb-message { fill: none; stroke: var(--ink); stroke-width: 1 }
.sb-message { stroke-width: 1.3 } .sb-message.sb-news { stroke-width: 1.8 } .sb-message.sb-inferred { stroke-width: .9; stroke-dasharray: 1 2.5 } .sb-message.sb-selected { stroke-width: 3 }
.sb-empty, .sb-open { stroke-dasharray: 3 2 } .sb-browser { stroke-dasharray: 5 2 1 2 } .sb-message.sb-fault { stroke-width: 2 }
.sb-thread { stroke-dasharray: 1 5; opacity: .55 } .sb-thread.sb-selected { opacity: 1; stroke-dasharray: none; stroke-width: 1.2 }
.sb-stale.sb-line { stroke-width: 2.2; opacity: .55 } .sb-stale.sb-selected { opacity: 1; stroke-width: 3 }
.sb-fill { fill: var(--ink); stroke: none } .sb-ring { fill: var(--bg); stroke: var(--ink); stroke-width: 1.4 } .sb-cross { fill: none; stroke: var(--ink); stroke-width: 2.4 } .sb-hatch { fill: none; stroke: var(--ink); stroke-width: 1.6 } .sb-hatch.sb-one-sided { stroke-width: 1.1; opacity: .75 }
.sb-text { fill: var(--ink); paint-order: stroke; stroke: var(--bg); stroke-width: 3px; stroke-linejoin: round; stroke-dasharray: none } .sb-text.sb-news, .sb-text.sb-ground { stroke: none } .sb-strong { font-weight: 600 }
"#;

fn main() {
    let calm = sample::trace();
    let rough = sample::rough::trace(sample::trace());
    let half_open = sample::half_open::trace(sample::trace());
    let crowd = sample::crowd::trace(sample::trace());
    let company = sample::company::trace(sample::trace());
    println!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Traces</title><style>{STYLE}</style>"
    );
    let five = View { selected: Some(5), ..View::default() };
    let message = calm.messages.iter().rposition(|message| message.events == [6]).unwrap_or(0) as u64;
    let message = View { message: Some(message), cursor_us: Some(4_321_000), ..View::default() };
    let six = View { selected: Some(6), ..View::default() };
    for (theme, trace, view) in [
        ("light", &calm, &five),
        ("navy", &calm, &message),
        ("light", &rough, &six),
        ("navy", &rough, &View::default()),
        ("light", &half_open, &View::default()),
        ("navy", &half_open, &View::default()),
        ("light", &crowd, &View::default()),
        ("navy", &crowd, &five),
        ("light", &company, &View { crowd: Some((2, 4_800_000)), ..View::default() }),
        ("navy", &company, &View { cursor_us: Some(4_800_000), ..View::default() }),
    ] {
        println!("<section class=\"{theme}\">");
        for (width, narrow) in [(750.0, false), (330.0, true)] {
            print_picture(trace, &View { now_us: trace.until_us, width, narrow, ..view.clone() });
        }
        println!("</section>");
    }
}

fn print_picture(trace: &Trace, view: &View) {
    let picture = svg(&figure(trace, view), &describe(trace));
    let below = svg(&timeline(trace, view), "bytes and open connections over time");
    println!("<div style=\"width: {}px\">{picture}{below}<p>", view.width);
    let said = view.message.map_or_else(|| say(trace, view), |number| say_message(trace, number));
    for words in said {
        let class = if words.bad { " class=\"bad\"" } else { "" };
        match words.strong {
            true => print!("<b{class}>{}</b>", words.text),
            false => print!("{}", words.text),
        }
    }
    println!("</p></div>");
}
