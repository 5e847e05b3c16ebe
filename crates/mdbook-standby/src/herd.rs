//! The place of an experiment with a crowd: its static figure comes from the model.
//!
//! A run of the model is a function of its scenario, so it is run while the book is built, and
//! nothing has to be recorded. A build in debug mode runs it too: so the clients of a figure are
//! bounded, and a scenario with more is drawn with fewer, in proportion.

use std::fmt::Write as _;

use standby_figure::format::count;
use standby_figure::herd::{Look, columns, describe, picture, sets_keep_alives, sums, svg, table};
use standby_sim::herd::Herd;
use standby_trace::crowd::Tally;
use standby_trace::scenario::{Experiment, LaneSpec, Scenario};

use crate::figure::{NARROW_PX, WIDE_PX, unsearched};
use crate::place::{attribute, text};

/// A page's picture, whose shape doesn't change with more, is made with at most so many in a row.
const MOST_CLIENTS: u32 = 100_000;

/// The widget's own.
fn legend(scenario: &Scenario) -> String {
    let keep_alives = if sets_keep_alives(scenario) {
        "<span><i class=\"standby-swatch standby-swatch-keep\" aria-hidden=\"true\"></i>keep-alives</span>"
    } else {
        ""
    };
    format!(
        "<p class=\"standby-herd-legend\">\
         <span><i class=\"standby-swatch standby-swatch-in\" aria-hidden=\"true\"></i>let in</span>\
         <span><i class=\"standby-swatch standby-swatch-away\" aria-hidden=\"true\"></i>turned away</span>\
         {keep_alives}\
         <span><i class=\"standby-swatch standby-swatch-limit\" aria-hidden=\"true\"></i>what the server can take\
         </span><span>Height: how many in 0.1 s, square root.</span></p>"
    )
}

/// The element, with the figure inside.
///
/// # Errors
/// When the model can't run the scenario.
pub fn html(id: &str, experiment: &Experiment) -> Result<String, String> {
    let drawn = bounded(&experiment.scenario);
    let rows = run(&drawn)?;
    let json = serde_json::to_string(experiment).unwrap_or_default();
    Ok(format!(
        "\n<standby-experiment id=\"{id}\" data-crowd data-experiment='{json}'>\n\
         <figure class=\"standby-static standby-herd-static\" style=\"--sliders:{sliders}\">\n\
         <div class=\"standby-still-head\"><strong class=\"standby-still-title\">{title}</strong>{pill}</div>\n\
         {pictures}\n\
         {legend}\n\
         <p class=\"standby-still-sentence\">{look}</p>\n\
         {below}\n\
         </figure>\n\
         </standby-experiment>\n",
        json = attribute(&json),
        // On a phone each has a line of its own, for which room is kept.
        sliders = if has_events_slider(&experiment.scenario) { 3 } else { 2 },
        title = text(&experiment.title),
        // Unseen: the widget's own takes as much of a long title's line.
        pill = unsearched(&format!(
            "<span class=\"standby-still-pill\" aria-hidden=\"true\"><i class=\"standby-dot\"></i>\
             Simulated · {} clients</span>",
            count(experiment.scenario.clients.into())
        )),
        pictures = unsearched(&pictures(&drawn, &rows)),
        legend = unsearched(&legend(&experiment.scenario)),
        look = text(&experiment.look),
        below = unsearched(&below(&drawn, &rows)),
    ))
}

/// The widget has a slider for how often events come where they are what makes clients ask.
fn has_events_slider(scenario: &Scenario) -> bool {
    let is_long_poll = |lane: &LaneSpec| matches!(lane, LaneSpec::LongPoll { .. });
    scenario.publish.every_ms > 0 && scenario.lanes.iter().any(is_long_poll)
}

/// The same scenario with as many clients as a figure is made with.
fn bounded(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    if let (Some(crowd), true) = (&mut scenario.crowd, scenario.clients > MOST_CLIENTS) {
        let fewer = |n: u32| (u64::from(n) * u64::from(MOST_CLIENTS) / u64::from(scenario.clients)) as u32;
        (crowd.capacity_s, crowd.backlog) = (fewer(crowd.capacity_s).max(1), fewer(crowd.backlog));
        scenario.clients = MOST_CLIENTS;
    }
    scenario
}

fn run(scenario: &Scenario) -> Result<Vec<Vec<Tally>>, String> {
    (0..scenario.lanes.len())
        .map(|lane| {
            let mut herd = Herd::new(scenario, lane)?;
            herd.run_until(i64::MAX, u64::MAX);
            Ok(herd.tallies().to_vec())
        })
        .collect()
}

fn pictures(scenario: &Scenario, rows: &[Vec<Tally>]) -> String {
    let rows: Vec<&[Tally]> = rows.iter().map(Vec::as_slice).collect();
    let words = describe(scenario, &sums(scenario, &rows));
    let draw = |width: f32, narrow: bool, class: &str| {
        let look = Look { width, narrow, shown: usize::MAX, row: None, at: None };
        format!("<div class=\"{class}\">{}</div>", svg(&picture(scenario, &rows, &look), &words))
    };
    format!(
        "<div class=\"standby-still\">{}{}</div>",
        draw(WIDE_PX, false, "standby-drawn standby-drawn-wide"),
        draw(NARROW_PX, true, "standby-drawn standby-drawn-narrow")
    )
}

fn below(scenario: &Scenario, rows: &[Vec<Tally>]) -> String {
    let rows: Vec<&[Tally]> = rows.iter().map(Vec::as_slice).collect();
    let sums = sums(scenario, &rows);
    let mut head = String::new();
    for column in columns(scenario, &sums) {
        let _ = write!(head, "<th scope=\"col\">{column}</th>");
    }
    let mut body = String::new();
    for [first, others @ ..] in table(scenario, &sums) {
        let _ = write!(body, "<tr><th scope=\"row\">{}</th>", text(&first));
        for cell in others {
            let _ = write!(body, "<td>{}</td>", text(&cell));
        }
        body.push_str("</tr>");
    }
    format!(
        "<figcaption class=\"standby-below\"><p>Simulated: {clients} clients in each row, each row with a \
         server of its own. It runs in the page: that needs JavaScript.</p>\
         <details><summary>In figures</summary><div class=\"standby-herd-scroll\"><table><thead><tr>{head}</tr>\
         </thead><tbody>{body}</tbody></table></div></details></figcaption>",
        clients = count(scenario.clients.into()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Library;

    fn experiment(clients: u32) -> Experiment {
        let mut library = Library::default();
        let toml = format!(
            "title = \"It's <many>\"\nlook = \"Look.\"\ncontrols = []\nclients = {clients}\nwindow_ms = 10000\n\
             publish = {{ every_ms = 1000 }}\ncrowd = {{ capacity_s = {}, backlog = 10 }}\n\
             faults = [{{ at_ms = 1000, kind = \"drop\" }}]\n\
             [[lanes]]\ntransport = \"websocket\"\nbackoff = {{ kind = \"fixed\", base_ms = 3000 }}\n\
             [[lanes]]\ntransport = \"sse\"\n",
            clients / 10
        );
        library.add("x", &toml);
        library.get("x").unwrap().clone()
    }

    #[test]
    fn the_figure_is_simulated_and_says_so() {
        let html = html("x", &experiment(1_000)).unwrap();
        assert_eq!(html.matches("<svg class=\"sb-figure sb-herd\"").count(), 2, "{html}");
        assert!(html.contains("<p>Simulated: 1,000 clients in each row"), "{html}");
        assert!(html.contains("<th scope=\"row\">Fixed delay, 3 s</th><td>100.0×</td>"), "{html}");
        assert!(html.contains("It&#39;s &lt;many&gt;") && !html.trim().contains("\n\n"), "{html}");
        assert_eq!(html, super::html("x", &experiment(1_000)).unwrap());
    }

    #[test]
    fn more_than_a_figure_needs_are_drawn_in_proportion() {
        let ten_million = experiment(10_000_000);
        let drawn = bounded(&ten_million.scenario);
        assert_eq!((drawn.clients, drawn.crowd.map(|crowd| crowd.capacity_s)), (100_000, Some(10_000)));
        assert_eq!(bounded(&experiment(1_000).scenario), experiment(1_000).scenario);
    }
}
